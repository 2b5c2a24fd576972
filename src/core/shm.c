/* The shared-memory segment: making, judging and mapping it. Called by the master (which makes it)
 * and the workers (which attach to the descriptor they inherit); the layout is in seen_shm.h.
 *
 * Diagnostics: everything that is wrong with a segment is told to the caller in words; nothing in a
 * segment, whoever wrote it, ends the process. */
#include "presence/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/log.h"

#define NAME_MAX_LEN 200
/* Bounds of what a header may claim, far above what fits a machine and far below overflow. */
#define ROWS_MAX   (UINT64_C(1) << 34)
#define GUILDS_MAX (UINT64_C(1) << 24)

struct layout {
    uint64_t rows, guilds;
    uint32_t ring_slots;
    uint64_t lanes_offset, rings_offset, tags_offset, rows_offset, guilds_offset, size;
};

static uint64_t line_up(uint64_t n)
{
    return (n + SHM_LINE - 1) / SHM_LINE * SHM_LINE;
}

static void lay_out(struct layout *l)
{
    l->lanes_offset = sizeof(struct shm_header);
    l->rings_offset = l->lanes_offset + LANES * sizeof(struct shm_lane);
    l->tags_offset = l->rings_offset + (uint64_t)LANES * l->ring_slots * RECORD_SLOT_SIZE;
    l->rows_offset = l->tags_offset + line_up(l->rows / SHM_BUCKET_ROWS * sizeof(uint64_t));
    l->guilds_offset = l->rows_offset + l->rows * sizeof(struct seen_row);
    l->size = l->guilds_offset + l->guilds * sizeof(struct shm_guild);
}

static struct layout layout_of(const struct shm_params *params)
{
    struct layout l = {.ring_slots = params->ring_slots, .guilds = 16};
    uint64_t rows = params->rows < 64             ? 64
                    : params->rows > ROWS_MAX / 2 ? ROWS_MAX / 2
                                                  : params->rows;

    rows = (rows * 10 + 8) / 9;
    l.rows = (rows + SHM_BUCKET_ROWS - 1) / SHM_BUCKET_ROWS * SHM_BUCKET_ROWS;
    while (l.guilds < params->guilds && l.guilds < GUILDS_MAX)
        l.guilds *= 2;
    if (l.ring_slots < SHM_RING_SLOTS_MIN)
        l.ring_slots = SHM_RING_SLOTS_MIN;
    lay_out(&l);
    return l;
}

/* --- judging --------------------------------------------------------------------------------- */

static _Thread_local char verdict[160];

__attribute__((format(printf, 1, 2))) static const char *wrong(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(verdict, sizeof(verdict), fmt, ap);
    va_end(ap);
    return verdict;
}

static const char *check_value(const char *what, uint64_t found, uint64_t expected)
{
    if (found == expected)
        return NULL;
    return wrong("%s is %" PRIu64 ", expected %" PRIu64, what, found, expected);
}

static const char *check_build(const struct shm_header *h)
{
    const char *bad;

    if (h->magic != SHM_MAGIC)
        return wrong("magic is %016" PRIx64 ", expected %016" PRIx64, h->magic, SHM_MAGIC);
    (void)((bad = check_value("version", h->version, SHM_VERSION)) ||
           (bad = check_value("header size", h->header_size, sizeof(*h))) ||
           (bad = check_value("number of lanes", h->lanes, LANES)) ||
           (bad = check_value("row size", h->row_size, sizeof(struct seen_row))) ||
           (bad = check_value("slot size", h->slot_size, RECORD_SLOT_SIZE)) ||
           (bad = check_value("lane size", h->lane_size, sizeof(struct shm_lane))) ||
           (bad = check_value("guild row size", h->guild_size, sizeof(struct shm_guild))));
    return bad;
}

static const char *check_extent(const struct shm_header *h, size_t size)
{
    struct layout l = {.rows = h->rows, .guilds = h->guilds, .ring_slots = h->ring_slots};
    const char *bad;

    if (h->rows == 0 || h->rows > ROWS_MAX || h->rows % SHM_BUCKET_ROWS)
        return wrong("number of rows is %" PRIu64 ", expected a multiple of %u", h->rows,
                     SHM_BUCKET_ROWS);
    if (h->guilds == 0 || h->guilds > GUILDS_MAX || (h->guilds & (h->guilds - 1)))
        return wrong("number of guild rows is %" PRIu64 ", expected a power of two", h->guilds);
    if (h->ring_slots < SHM_RING_SLOTS_MIN)
        return wrong("ring slots are %" PRIu32 ", expected at least %u", h->ring_slots,
                     SHM_RING_SLOTS_MIN);
    lay_out(&l);
    (void)((bad = check_value("offset of lanes", h->lanes_offset, l.lanes_offset)) ||
           (bad = check_value("offset of rings", h->rings_offset, l.rings_offset)) ||
           (bad = check_value("offset of tags", h->tags_offset, l.tags_offset)) ||
           (bad = check_value("offset of rows", h->rows_offset, l.rows_offset)) ||
           (bad = check_value("offset of guild rows", h->guilds_offset, l.guilds_offset)) ||
           (bad = check_value("size in the header", h->size, l.size)) ||
           (bad = check_value("size of the segment", size, l.size)));
    return bad;
}

const char *shm_check(const struct shm_header *header, size_t size)
{
    const char *bad;

    if (size < sizeof(*header))
        return wrong("size of the segment is %zu, expected at least %zu", size, sizeof(*header));
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
            return wrong("lane %u has tail %" PRIu64 " and head %" PRIu64
                         ", expected tail <= head <= tail + %" PRIu32,
                         i, tail, head, shm->header->ring_slots);
    }
    return NULL;
}

/* --- mapping --------------------------------------------------------------------------------- */

static int map(int fd, size_t size, struct shm *shm_r)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return -1;
    *shm_r = (struct shm){.header = at, .size = size, .fd = fd};
    return 0;
}

void shm_close(struct shm *shm)
{
    if (shm->header)
        munmap(shm->header, shm->size);
    if (shm->fd >= 0)
        close(shm->fd);
    *shm = (struct shm){.fd = -1};
}

/* Maps and judges what fd leads to. Returns NULL and *shm_r filled, or what is wrong. */
static const char *map_checked(int fd, struct shm *shm_r)
{
    struct stat st;
    const char *bad;

    if (fstat(fd, &st))
        return wrong("fstat: %s", strerror(errno));
    if (st.st_uid != geteuid())
        return wrong("owner is uid %u, expected %u", (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & 07777) != 0600)
        return wrong("mode is %04o, expected 0600", (unsigned)(st.st_mode & 07777));
    if (st.st_size < (off_t)sizeof(struct shm_header))
        return wrong("size of the segment is %jd, expected at least %zu", (intmax_t)st.st_size,
                     sizeof(struct shm_header));
    if (map(fd, (size_t)st.st_size, shm_r))
        return wrong("mmap: %s", strerror(errno));
    if ((bad = shm_check(shm_r->header, shm_r->size))) {
        munmap(shm_r->header, shm_r->size);
        *shm_r = (struct shm){.fd = -1};
    }
    return bad;
}

int shm_attach(int fd, struct shm *shm_r, char **why_r)
{
    const char *bad;

    *shm_r = (struct shm){.fd = -1};
    if ((bad = map_checked(fd, shm_r)) == NULL)
        return 0;
    *why_r = xasprintf("shared memory on descriptor %d: %s", fd, bad);
    return -1;
}

/* --- the master's side ----------------------------------------------------------------------- */

static int make_name(const char *instance, char name[NAME_MAX_LEN])
{
    int n = snprintf(name, NAME_MAX_LEN, "/presence-%s", instance);

    if (*instance == '\0' || strchr(instance, '/') || n < 0 || n >= NAME_MAX_LEN) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

int shm_remove(const char *instance)
{
    char name[NAME_MAX_LEN];

    if (make_name(instance, name))
        return -1;
    return shm_unlink(name);
}

static const char *differs(const struct shm_header *h, const struct layout *l)
{
    const char *bad;

    (void)((bad = check_value("number of rows", h->rows, l->rows)) ||
           (bad = check_value("ring slots", h->ring_slots, l->ring_slots)) ||
           (bad = check_value("number of guild rows", h->guilds, l->guilds)));
    return bad;
}

/* The lock lives as long as any process that inherited the descriptor. */
static int lock_segment(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

/* Keeps what is there if it is as expected. Returns true then; otherwise *why_r is NULL (nothing
 * there) or tells what is wrong, *held_r that somebody uses it, and *epoch_r is the old segment's
 * if it could be read. */
static bool keep_old(const char *name, const struct layout *l, struct shm *shm_r, char **why_r,
                     bool *held_r, uint64_t *epoch_r)
{
    int fd = shm_open(name, O_RDWR, 0);
    const char *bad;

    if (fd < 0 && errno == ENOENT)
        return false;
    if (fd < 0) {
        *why_r = xasprintf("%s: %s", name, strerror(errno));
        return false;
    }
    if ((*held_r = lock_segment(fd) && errno == EWOULDBLOCK)) {
        *why_r = xasprintf("%s is in use: another presenced has the same [cache] instance", name);
        close(fd);
        return false;
    }
    bad = map_checked(fd, shm_r);
    if (!bad && ((bad = differs(shm_r->header, l)) || (bad = shm_check_lanes(shm_r))))
        *epoch_r = shm_r->header->epoch;
    if (!bad)
        return true;
    *why_r = xasprintf("%s: %s", name, bad);
    if (shm_r->header)
        munmap(shm_r->header, shm_r->size);
    close(fd);
    *shm_r = (struct shm){.fd = -1};
    return false;
}

static void fill_header(struct shm_header *h, const struct layout *l, uint64_t epoch)
{
    h->magic = SHM_MAGIC;
    h->version = SHM_VERSION;
    h->header_size = sizeof(*h);
    h->size = l->size;
    h->epoch = epoch;
    h->lanes = LANES;
    h->ring_slots = l->ring_slots;
    h->rows = l->rows;
    h->guilds = l->guilds;
    h->lanes_offset = l->lanes_offset;
    h->rings_offset = l->rings_offset;
    h->tags_offset = l->tags_offset;
    h->rows_offset = l->rows_offset;
    h->guilds_offset = l->guilds_offset;
    h->row_size = sizeof(struct seen_row);
    h->slot_size = RECORD_SLOT_SIZE;
    h->lane_size = sizeof(struct shm_lane);
    h->guild_size = sizeof(struct shm_guild);
    atomic_store_explicit(&h->complete, SHM_MAGIC, memory_order_release);
}

/* Returns 0, or -1 with errno and nothing left behind. */
static int make_new(const char *name, const struct layout *l, uint64_t epoch, struct shm *shm_r)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), error;

    if (fd < 0)
        return -1;
    if (lock_segment(fd)) { /* somebody else was quicker: it is theirs */
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    /* The umask may have taken bits away; posix_fallocate returns its error. */
    error = fchmod(fd, 0600) ? errno : posix_fallocate(fd, 0, (off_t)l->size);
    if (!error && map(fd, l->size, shm_r))
        error = errno;
    if (!error) {
        fill_header(shm_r->header, l, epoch);
        return 0;
    }
    close(fd);
    shm_unlink(name);
    errno = error;
    return -1;
}

static uint64_t next_epoch(uint64_t epoch_min, uint64_t old)
{
    uint64_t epoch = (uint64_t)clock_unix().ms + 1;

    if (epoch <= epoch_min)
        epoch = epoch_min + 1;
    return epoch <= old ? old + 1 : epoch;
}

static void add_reason(char **why, char *more)
{
    char *both = *why ? xasprintf("%s; %s", *why, more) : xstrdup(more);

    free(*why);
    free(more);
    *why = both;
}

enum shm_opened shm_open_master(const char *instance, const struct shm_params *params,
                                struct shm *shm_r, char **why_r)
{
    struct layout l = layout_of(params);
    char name[NAME_MAX_LEN];
    char *why = NULL;
    uint64_t old_epoch = 0;
    bool held = false;
    enum shm_opened opened = SHM_FAILED;

    *shm_r = (struct shm){.fd = -1};
    if (make_name(instance, name)) {
        why = xasprintf("instance name \"%s\": expected 1 to 180 characters without a slash",
                        instance);
    } else if (keep_old(name, &l, shm_r, &why, &held, &old_epoch)) {
        opened = SHM_KEPT;
    } else if (held) {
        opened = SHM_FAILED;
    } else if (why && shm_unlink(name) && errno != ENOENT) {
        add_reason(&why, xasprintf("removing it: %s", strerror(errno)));
    } else if (make_new(name, &l, next_epoch(params->epoch_min, old_epoch), shm_r)) {
        add_reason(&why, xasprintf("%s: making it with %" PRIu64 " bytes: %s", name, l.size,
                                   strerror(errno)));
    } else {
        opened = SHM_CREATED;
    }
    if (why_r)
        *why_r = why;
    else
        free(why);
    return opened;
}

/* --- what is inside -------------------------------------------------------------------------- */

struct shm_lane *shm_lane(const struct shm *shm, unsigned lane)
{
    if (lane >= LANES)
        fatal("shm_lane", "lane %u, expected 0 to %u", lane, LANES - 1);
    return (struct shm_lane *)shm_at(shm, shm->header->lanes_offset) + lane;
}

struct shm_guild *shm_guild(const struct shm *shm, snowflake_t guild, bool make)
{
    struct shm_guild *rows = shm_at(shm, shm->header->guilds_offset);
    uint64_t mask = shm->header->guilds - 1, at = route_mix(guild.id) >> 32;

    if (!snowflake_known(guild))
        return NULL;
    for (uint64_t i = 0; i <= mask; i++) {
        struct shm_guild *row = &rows[(at + i) & mask];
        uint64_t found = __atomic_load_n(&row->guild, __ATOMIC_ACQUIRE);

        if (found == 0 && !make)
            return NULL;
        /* Owners of different lanes may want the same free row: one gets it. */
        if (found == 0 && __atomic_compare_exchange_n(&row->guild, &found, guild.id, false,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return row;
        if (found == guild.id)
            return row;
    }
    return NULL;
}

void shm_count(const struct shm *shm, enum shm_counter which, uint64_t by)
{
    atomic_fetch_add_explicit(&shm->header->counters[which].value, by, memory_order_relaxed);
}
