/* How a segment is laid out, and whether one is what it should be. Called by shm.c, and by whoever
 * looks at a segment while it is used.
 * Diagnostics: what is wrong, in words, to the caller; nothing in a segment, whoever wrote it, ends
 * the process. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/shm_layout.h"

/* Bounds of what a header may claim, far above what fits a machine and far below overflow. */
#define ROWS_MAX   (UINT64_C(1) << 34)
#define GUILDS_MAX (UINT64_C(1) << 24)

static uint64_t line_up(uint64_t n)
{
    return (n + SHM_LINE - 1) / SHM_LINE * SHM_LINE;
}

void shm_lay_out(struct shm_layout *l)
{
    l->lanes_offset = sizeof(struct shm_header);
    l->rings_offset = l->lanes_offset + LANES * sizeof(struct shm_lane);
    l->tags_offset = l->rings_offset + (uint64_t)LANES * l->ring_slots * RECORD_SLOT_SIZE;
    l->rows_offset = l->tags_offset + line_up(l->rows / SHM_BUCKET_ROWS * sizeof(uint64_t));
    l->guilds_offset = l->rows_offset + l->rows * sizeof(struct seen_row);
    l->size = l->guilds_offset + l->guilds * sizeof(struct shm_guild);
}

struct shm_layout shm_layout_of(const struct shm_params *params)
{
    struct shm_layout l = {.ring_slots = params->ring_slots, .guilds = 16};
    uint64_t rows = params->rows < 64             ? 64
                    : params->rows > ROWS_MAX / 2 ? ROWS_MAX / 2
                                                  : params->rows;

    rows = (rows * 10 + 8) / 9;
    l.rows = (rows + SHM_BUCKET_ROWS - 1) / SHM_BUCKET_ROWS * SHM_BUCKET_ROWS;
    while (l.guilds < params->guilds && l.guilds < GUILDS_MAX)
        l.guilds *= 2;
    if (l.ring_slots < SHM_RING_SLOTS_MIN)
        l.ring_slots = SHM_RING_SLOTS_MIN;
    shm_lay_out(&l);
    return l;
}

/* --- judging --------------------------------------------------------------------------------- */

static _Thread_local char verdict[160];

const char *shm_wrong(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(verdict, sizeof(verdict), fmt, ap);
    va_end(ap);
    return verdict;
}

const char *shm_check_value(const char *what, uint64_t found, uint64_t expected)
{
    if (found == expected)
        return NULL;
    return shm_wrong("%s is %" PRIu64 ", expected %" PRIu64, what, found, expected);
}

static const char *check_build(const struct shm_header *h)
{
    const char *bad;

    if (h->magic != SHM_MAGIC)
        return shm_wrong("magic is %016" PRIx64 ", expected %016" PRIx64, h->magic, SHM_MAGIC);
    (void)((bad = shm_check_value("version", h->version, SHM_VERSION)) ||
           (bad = shm_check_value("header size", h->header_size, sizeof(*h))) ||
           (bad = shm_check_value("number of lanes", h->lanes, LANES)) ||
           (bad = shm_check_value("row size", h->row_size, sizeof(struct seen_row))) ||
           (bad = shm_check_value("slot size", h->slot_size, RECORD_SLOT_SIZE)) ||
           (bad = shm_check_value("lane size", h->lane_size, sizeof(struct shm_lane))) ||
           (bad = shm_check_value("guild row size", h->guild_size, sizeof(struct shm_guild))));
    return bad;
}

static const char *check_extent(const struct shm_header *h, size_t size)
{
    struct shm_layout l = {.rows = h->rows, .guilds = h->guilds, .ring_slots = h->ring_slots};
    const char *bad;

    if (h->rows == 0 || h->rows > ROWS_MAX || h->rows % SHM_BUCKET_ROWS)
        return shm_wrong("number of rows is %" PRIu64 ", expected a multiple of %u", h->rows,
                         SHM_BUCKET_ROWS);
    if (h->guilds == 0 || h->guilds > GUILDS_MAX || (h->guilds & (h->guilds - 1)))
        return shm_wrong("number of guild rows is %" PRIu64 ", expected a power of two", h->guilds);
    if (h->ring_slots < SHM_RING_SLOTS_MIN)
        return shm_wrong("ring slots are %" PRIu32 ", expected at least %u", h->ring_slots,
                         SHM_RING_SLOTS_MIN);
    shm_lay_out(&l);
    (void)((bad = shm_check_value("offset of lanes", h->lanes_offset, l.lanes_offset)) ||
           (bad = shm_check_value("offset of rings", h->rings_offset, l.rings_offset)) ||
           (bad = shm_check_value("offset of tags", h->tags_offset, l.tags_offset)) ||
           (bad = shm_check_value("offset of rows", h->rows_offset, l.rows_offset)) ||
           (bad = shm_check_value("offset of guild rows", h->guilds_offset, l.guilds_offset)) ||
           (bad = shm_check_value("size in the header", h->size, l.size)) ||
           (bad = shm_check_value("size of the segment", size, l.size)));
    return bad;
}

const char *shm_check(const struct shm_header *header, size_t size)
{
    const char *bad;

    if (size < sizeof(*header))
        return shm_wrong("size of the segment is %zu, expected at least %zu", size,
                         sizeof(*header));
    if ((bad = check_build(header)) || (bad = check_extent(header, size)))
        return bad;
    if (atomic_load_explicit(&header->complete, memory_order_acquire) != SHM_MAGIC)
        return "it was not finished: its creator died in the middle";
    return NULL;
}

/* The tail is read on both sides of the head: what moves meanwhile is no reason for a verdict. */
const char *shm_check_lanes(const struct shm *shm)
{
    for (unsigned i = 0; i < LANES; i++) {
        const struct shm_lane *l = shm_lane(shm, i);
        uint64_t tail = atomic_load(&l->tail), head = atomic_load(&l->head);

        if (head - tail > shm->header->ring_slots && atomic_load(&l->tail) == tail)
            return shm_wrong("lane %u has tail %" PRIu64 " and head %" PRIu64
                             ", expected tail <= head <= tail + %" PRIu32,
                             i, tail, head, shm->header->ring_slots);
    }
    return NULL;
}
