/* What outlives presenced: the state file and the shared segment. Called by main.c and shard.c.
 * Diagnostics: state_file, state_file_ok, segment, segment_damaged. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/seen.h"

#define STATE_MAX_BYTES (1u << 20)

/* --- state file ------------------------------------------------------------------------------ */

static char *state_path(const struct master *m)
{
    return xasprintf("%s/%s.state", m->conf.presence.state_dir, m->conf.cache.instance);
}

void kept_load_state(struct master *m)
{
    char *path = state_path(m), *error = NULL, *text;
    size_t len;

    text = fd_read_file(path, STATE_MAX_BYTES, &len);
    if (!text && errno != ENOENT)
        log_error("state_file", "%s: %s", path, strerror(errno));
    if (text && state_parse(text, len, &m->state, &error))
        log_error("state_file", "%s is damaged: %s; going on without it", path, error);
    free(error);
    free(text);
    free(path);
}

/* Tried again every second, told once. */
static void tell_unsaved(struct master *m, const char *path)
{
    if (!m->state_unsaved)
        log_error("state_file",
                  "%s: %s; a restart after a loss of the segment would resume at an older place",
                  path, strerror(errno));
    m->state_unsaved = true;
}

void kept_save_state(struct master *m, bool at_end)
{
    struct buf text;
    char *path;

    buf_init(&text, 0);
    state_print(&m->state, &text);
    if (!at_end && buf_len(&text) == buf_len(&m->state_saved) &&
        memcmp(buf_bytes(&text), buf_bytes(&m->state_saved), buf_len(&text)) == 0) {
        buf_clear(&text);
        return;
    }
    path = state_path(m);
    /* Not synced while running: an older file is a smaller resume point, which is as good. */
    if (fd_write_file(path, buf_bytes(&text), buf_len(&text), 0600, at_end)) {
        tell_unsaved(m, path);
        buf_clear(&text);
    } else {
        if (m->state_unsaved)
            log_info("state_file_ok", "%s is written again", path);
        m->state_unsaved = false;
        buf_clear(&m->state_saved);
        m->state_saved = text;
    }
    free(path);
}

/* --- shared memory --------------------------------------------------------------------------- */

static uint64_t guild_capacity(int64_t members)
{
    uint64_t n = 8192;

    while (n < (uint64_t)members / 16)
        n *= 2;
    return n;
}

/* The segment lives longer than the file's last second. */
static void take_resume_points(struct master *m)
{
    for (unsigned i = 0; i < m->state.shards; i++) {
        const struct shm_shard *shm = &m->shm.header->shards[i];
        struct state_shard *sh = &m->state.shard[i];
        uint64_t seq = atomic_load(&shm->resume_seq);

        if (sh->session && atomic_load(&shm->session) == sh->session && seq > sh->seq)
            sh->seq = seq;
    }
}

int kept_open_segment(struct master *m)
{
    struct shm_params params = {.rows = (uint64_t)m->conf.cache.members,
                                .ring_slots = (uint32_t)m->conf.cache.ring,
                                .guilds = guild_capacity(m->conf.cache.members),
                                .epoch_min = m->state.epoch};
    char *why = NULL;
    enum shm_opened opened = shm_open_master(m->conf.cache.instance, &params, &m->shm, &why);

    if (opened == SHM_FAILED) {
        log_error("start_failed", "shared memory: %s", why);
        free(why);
        return -1;
    }
    if (why)
        log_warn("segment", "the old segment is not used: %s", why);
    free(why);
    shm_guard(&m->shm);
    m->shm_kept = opened == SHM_KEPT;
    m->state.epoch = m->shm.header->epoch;
    log_info("segment", "%s, %zu bytes, epoch %" PRIu64, m->shm_kept ? "kept" : "created",
             m->shm.size, m->shm.header->epoch);
    if (m->shm_kept) {
        seen_release_claims(&m->shm, SEEN_ANY_SLOT);
        take_resume_points(m);
    }
    m->generation = atomic_load(&m->shm.header->master_generation);
    atomic_store(&m->shm.header->clean, 0);
    for (unsigned i = 0; i < SHM_SHARDS_MAX; i++)
        atomic_store(&m->shm.header->shards[i].state, SHARD_DOWN);
    for (unsigned i = 0; i < LANES; i++) {
        atomic_store(&shm_lane(&m->shm, i)->owner, 0);
        atomic_store(&shm_lane(&m->shm, i)->taken_n, 0);
    }
    return 0;
}

/* Whoever starts presenced again begins with a new segment, and Discord sends again what was not
 * durable. */
bool kept_segment_is_damaged(const struct master *m)
{
    const char *bad = shm_check_lanes(&m->shm);

    if (bad)
        log_error("segment_damaged", "%s; presenced ends, to begin with a new one", bad);
    return bad != NULL;
}
