/* What status, workers and top show (fields: control.h). Called by control.c.
 * Diagnostics: none. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "master.h"
#include "presence/fd.h"
#include "presence/intents.h"
#include "presence/log.h"

static void put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    if (text)
        buf_put_json(out, text, strlen(text));
    else
        buf_puts(out, "null");
    buf_putc(out, ',');
}

static void put_id(struct buf *out, const char *key, uint64_t id)
{
    if (id)
        buf_printf(out, "\"%s\":\"%" PRIu64 "\",", key, id);
    else
        buf_printf(out, "\"%s\":null,", key);
}

/* Resident bytes and CPU time of a process, from /proc; 0 if it is gone. */
static void process_usage(pid_t pid, uint64_t *rss_r, uint64_t *cpu_ms_r)
{
    char *path = xasprintf("/proc/%d/stat", (int)pid), *text = fd_read_file(path, 4096, NULL);
    char *p = text ? strrchr(text, ')') : NULL;
    unsigned long user = 0, system = 0;
    long pages = 0;

    *rss_r = *cpu_ms_r = 0;
    if (p && sscanf(p,
                    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d "
                    "%*d %*u %*u %ld",
                    &user, &system, &pages) == 3) {
        *rss_r = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
        *cpu_ms_r = (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    }
    free(text);
    free(path);
}

static void put_worker(struct master *m, const struct worker *w, struct buf *out)
{
    const char *stats = control_stats_of(m, w->slot);
    uint64_t unacked = 0, rss = 0, cpu_ms = 0;
    size_t queued = 0;

    for (unsigned i = 0; i < LANES; i++) {
        const struct lane *l = &m->lanes[i];

        if (l->slot != (int)w->slot)
            continue;
        unacked += l->queue.sent_n - l->queue.acked_n;
        queued += l->queue.bytes;
    }
    if (w->pid > 0)
        process_usage(w->pid, &rss, &cpu_ms);
    buf_printf(out,
               "{\"slot\":%u,\"pid\":%d,\"generation\":%u,\"state\":\"%s\",\"lanes\":%u,"
               "\"started_ms\":%" PRId64
               ",\"restarts\":%u,\"queued_bytes\":%zu,\"unacked\":%" PRIu64 ",\"acks\":%" PRIu64
               ",\"rss_bytes\":%" PRIu64 ",\"cpu_ms\":%" PRIu64 ",\"last_pong_ms_ago\":",
               w->slot, (int)w->pid, w->generation, worker_state_name(w->state),
               lanes_of(m, w->slot), w->started_ms, w->restarts, queued, unacked, w->acks, rss,
               cpu_ms);
    if (w->pong_at.ms)
        buf_put_i64(out, clock_mono().ms - w->pong_at.ms);
    else
        buf_puts(out, "null");
    /* Its own figures: the members of the object it sent. */
    if (stats && stats[0] == '{' && stats[1] == '"')
        buf_printf(out, ",%s", stats + 1);
    else
        buf_puts(out, ",\"graphql\":\"unknown\",\"redis\":\"unknown\",\"lag_p50_ms\":null,"
                      "\"lag_p99_ms\":null,\"batches\":null}");
}

void status_render_workers(struct master *m, struct buf *out)
{
    bool first = true;

    buf_putc(out, '[');
    for (unsigned i = 0; i < LANES; i++) {
        if (m->workers[i].state == WORKER_NONE)
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        put_worker(m, &m->workers[i], out);
    }
    buf_putc(out, ']');
}

static void put_shards(struct master *m, struct buf *out)
{
    buf_puts(out, "\"shards\":[");
    for (unsigned i = 0; i < m->shard_count; i++) {
        const struct shard *s = &m->shards[i];

        buf_printf(out,
                   "%s{\"id\":%u,\"shards\":%u,\"state\":\"%s\",\"session\":\"%" PRIu64
                   "\",\"received_seq\":%" PRIu64 ",\"resume_seq\":%" PRIu64 ",\"latency_ms\":",
                   i ? "," : "", i, m->shard_count, shard_state_name(gw_shard_state(s->gw)),
                   s->resume.session, s->resume.received, resume_point(&s->resume));
        if (gw_latency_ms(s->gw) >= 0)
            buf_put_i64(out, gw_latency_ms(s->gw));
        else
            buf_puts(out, "null");
        buf_printf(
            out,
            ",\"guilds\":%u,\"events\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",\"last_close\":%d,",
            shard_guilds(s), s->events, s->connections ? s->connections - 1 : 0, s->last_close);
        put_text(out, "compress", s->inflate ? inflate_name(s->connected_compress) : "none");
        buf_printf(out, "\"waiting_sends\":%u}", s->send_count);
    }
    buf_puts(out, "],");
}

static uint64_t counter(const struct master *m, enum shm_counter which)
{
    return atomic_load(&m->shm.header->counters[which].value);
}

static void put_flow(struct master *m, struct buf *out)
{
    static const struct {
        const char *name;
        enum shm_counter which;
    } counters[] = {
        {"events", SHM_COUNT_EVENTS},         {"sightings", SHM_COUNT_SIGHTINGS},
        {"rows_live", SHM_COUNT_ROWS_LIVE},   {"evictions", SHM_COUNT_EVICTIONS},
        {"misses", SHM_COUNT_MISSES},         {"batches", SHM_COUNT_BATCHES},
        {"duplicates", SHM_COUNT_DUPLICATES}, {"spooled", SHM_COUNT_SPOOLED},
    };

    buf_printf(out,
               "\"queue\":{\"bytes\":%zu,\"bytes_max\":%zu,\"events\":%" PRIu64
               ",\"paused\":%s},\"counters\":{",
               m->pool.bytes, QUEUE_MAX_BYTES, m->pool.events, m->flow_paused ? "true" : "false");
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "", counters[i].name,
                   counter(m, counters[i].which));
    buf_puts(out, "},");
}

static void put_segment(const struct master *m, struct buf *out)
{
    const struct shm_header *h = m->shm.header;
    uint64_t used = 0;
    unsigned spooled = 0;

    for (unsigned i = 0; i < LANES; i++) {
        const struct shm_lane *l = shm_lane(&m->shm, i);

        used += atomic_load(&l->head) - atomic_load(&l->tail);
        spooled += l->spooled_to != 0;
    }
    buf_printf(
        out,
        "\"table\":{\"rows\":%" PRIu64 ",\"rows_live\":%" PRIu64 ",\"bytes\":%" PRIu64
        "},\"lanes\":{\"count\":%u,\"used_slots\":%" PRIu64 ",\"ring_slots\":%u,\"spooled\":%u},",
        h->rows, counter(m, SHM_COUNT_ROWS_LIVE), h->size, LANES, used, h->ring_slots, spooled);
}

static void put_quarantine(const struct master *m, struct buf *out)
{
    buf_puts(out, "\"quarantine\":[");
    for (const struct quarantined *q = m->quarantine; q; q = q->next) {
        buf_puts(out, q == m->quarantine ? "{" : ",{");
        put_text(out, "file", q->file);
        put_text(out, "event", *q->event ? q->event : NULL);
        if (q->lane < LANES)
            buf_printf(out, "\"lane\":%u,", q->lane);
        buf_printf(out, "\"at_ms\":%" PRId64 "}", q->at_ms);
    }
    buf_puts(out, "],");
}

static void put_words(struct buf *out, const char *key, const char *words, char separator)
{
    buf_printf(out, "\"%s\":[", key);
    while (words && *words) {
        size_t len = strcspn(words, (char[]){separator, '\0'});

        buf_put_json(out, words, len);
        words += len;
        if (*words) {
            words++;
            buf_putc(out, ',');
        }
    }
    buf_puts(out, "],");
}

static const char *phase_name(enum master_phase phase)
{
    return phase == PHASE_STARTING ? "starting" : phase == PHASE_RUNNING ? "running" : "draining";
}

void status_render(struct master *m, struct buf *out)
{
    uint32_t intents = m->shard_count ? gw_intents(m->shards[0].gw) : m->intents;

    buf_putc(out, '{');
    put_text(out, "version", PACKAGE_VERSION);
    buf_printf(out, "\"pid\":%d,", (int)getpid());
    put_text(out, "instance", m->conf.cache.instance);
    put_text(out, "state", phase_name(m->phase));
    buf_printf(out, "\"started_ms\":%" PRId64 ",", m->started_ms);
    put_text(out, "config_path", m->conf_path);
    buf_printf(out, "\"config_loaded_ms\":%" PRId64 ",", m->conf_loaded_ms);
    put_words(out, "restart_needed", m->restart_needed, ' ');
    put_id(out, "application_id", m->application_id);
    put_id(out, "user_id", m->user_id);
    put_text(out, "user_name", m->user_name);
    buf_printf(out, "\"intents\":%u,\"message_content\":%s,", intents,
               intents & INTENT_MESSAGE_CONTENT ? "true" : "false");
    put_words(out, "degraded", m->degraded, '\n');
    put_shards(m, out);
    buf_puts(out, "\"workers\":");
    status_render_workers(m, out);
    buf_putc(out, ',');
    put_flow(m, out);
    put_segment(m, out);
    put_quarantine(m, out);
    buf_printf(out, "\"cogs\":%s,", cogs_report(m));
    put_text(out, "log_level", log_level_name(log_level()));
    out->data[out->end - 1] = '}';
}

void status_render_top(struct master *m, struct buf *out)
{
    buf_printf(out, "{\"at_ms\":%" PRId64 ",", clock_unix().ms);
    put_flow(m, out);
    put_shards(m, out);
    buf_puts(out, "\"workers\":");
    status_render_workers(m, out);
    buf_putc(out, '}');
}
