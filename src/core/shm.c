/* The shared-memory segment: making and mapping it (shm_check.c judges it). Called by the master
 * (which makes it) and the workers (which attach to the descriptor they inherit); the layout is in
 * seen_shm.h.
 *
 * Diagnostics: everything that is wrong with a segment is told to the caller in words; nothing in a
 * segment, whoever wrote it, ends the process. */
#include "presence/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/shm_layout.h"
#include "presence/buf.h"
#include "presence/log.h"

#define NAME_MAX_LEN 200

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
        return shm_wrong("fstat: %s", strerror(errno));
    if (st.st_uid != geteuid())
        return shm_wrong("owner is uid %u, expected %u", (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & 07777) != 0600)
        return shm_wrong("mode is %04o, expected 0600", (unsigned)(st.st_mode & 07777));
    if (st.st_size < (off_t)sizeof(struct shm_header))
        return shm_wrong("size of the segment is %jd, expected at least %zu", (intmax_t)st.st_size,
                         sizeof(struct shm_header));
    if (map(fd, (size_t)st.st_size, shm_r))
        return shm_wrong("mmap: %s", strerror(errno));
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

static const char *differs(const struct shm_header *h, const struct shm_layout *l)
{
    const char *bad;

    (void)((bad = shm_check_value("number of rows", h->rows, l->rows)) ||
           (bad = shm_check_value("ring slots", h->ring_slots, l->ring_slots)) ||
           (bad = shm_check_value("number of guild rows", h->guilds, l->guilds)));
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
static bool keep_old(const char *name, const struct shm_layout *l, struct shm *shm_r, char **why_r,
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

static void fill_header(struct shm_header *h, const struct shm_layout *l, uint64_t epoch)
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
static int make_new(const char *name, const struct shm_layout *l, uint64_t epoch, struct shm *shm_r)
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
    struct shm_layout l = shm_layout_of(params);
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
