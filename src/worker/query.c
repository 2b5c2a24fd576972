/* Answers about a member, a guild and this process, as JSON; field names are those of control.h.
 * Called by main.
 * Diagnostics: none; a question that is not understood is answered {"error":…}. */
#include "worker/query.h"

#include <string.h>

#include "presence/activity.h"
#include "worker/cache.h"
#include "worker/copies.h"

static void put_time(struct buf *out, const char *name, int64_t ms)
{
    buf_puts(out, name);
    if (ms > 0)
        buf_put_i64(out, ms);
    else
        buf_puts(out, "null");
}

static void put_kind(struct buf *out, const char *name, uint16_t kind)
{
    buf_puts(out, name);
    if (kind > 0 && kind < ACTIVITY_KINDS)
        buf_printf(out, "\"%s\"", activity_infos[kind].name);
    else
        buf_puts(out, "null");
}

static const char *yes_no(bool v)
{
    return v ? "true" : "false";
}

static void put_row(const struct seen_row *row, struct buf *out)
{
    uint64_t seen = atomic_load(&row->seen), counted = atomic_load(&row->counted);
    const char *bot = row->flags & SEEN_BOT ? "true" : row->flags & SEEN_HUMAN ? "false" : "null";

    buf_printf(out, ",\"known\":true,\"bot\":%s,\"on_roster\":%s", bot,
               yes_no(row->flags & SEEN_ON_ROSTER));
    put_time(out, ",\"last_seen_ms\":", SEEN_MS(seen));
    put_kind(out, ",\"last_seen_kind\":", SEEN_KIND(seen));
    put_time(out, ",\"last_counted_ms\":", SEEN_MS(counted));
    put_kind(out, ",\"last_counted_kind\":", SEEN_KIND(counted));
    put_time(out, ",\"present_until_ms\":", SEEN_MS(row->present_until));
    if (row->voice_channel)
        buf_printf(out, ",\"voice_channel\":\"%llu\"", (unsigned long long)row->voice_channel);
    else
        buf_puts(out, ",\"voice_channel\":null");
    buf_printf(out, ",\"loading\":%s,\"pending\":%s", yes_no(row->flags & SEEN_LOADING),
               yes_no(row->flags & SEEN_PENDING));
}

static void answer_member(struct worker *w, const struct json *q, struct buf *out)
{
    snowflake_t guild = {json_id(json_get(q, "guild"))}, user = {json_id(json_get(q, "user"))};
    struct seen_row *row = seen_find(&w->shm, guild, user);

    buf_printf(out, "{\"guild\":\"%llu\",\"user\":\"%llu\"", (unsigned long long)guild.id,
               (unsigned long long)user.id);
    if (row)
        put_row(row, out);
    else
        buf_puts(out, ",\"known\":false,\"bot\":null,\"on_roster\":false,\"last_seen_ms\":null,"
                      "\"last_seen_kind\":null,\"last_counted_ms\":null,\"last_counted_kind\":null,"
                      "\"present_until_ms\":null,\"voice_channel\":null,\"loading\":false,"
                      "\"pending\":false");
    buf_puts(out, "}");
}

struct counting {
    uint64_t guild;
    unsigned members;
};

static bool count_member(void *arg, struct seen_row *row)
{
    struct counting *c = arg;

    if (row->guild == c->guild && (row->flags & SEEN_ON_ROSTER))
        c->members++;
    return true;
}

static void put_settings(struct worker *w, snowflake_t guild, struct buf *out)
{
    const struct settings *settings = copies_settings(w, guild);

    buf_puts(out, ",\"settings_version\":");
    if (settings)
        buf_put_i64(out, settings->version);
    else
        buf_puts(out, "null");
}

static void answer_guild(struct worker *w, const struct json *q, struct buf *out)
{
    snowflake_t id = {json_id(json_get(q, "guild"))};
    struct shm_guild *g = shm_guild(&w->shm, id, false);
    struct counting counting = {.guild = id.id};

    buf_printf(out, "{\"guild\":\"%llu\",\"known\":%s", (unsigned long long)id.id,
               yes_no(g != NULL));
    if (g) {
        seen_each(&w->shm, count_member, &counting);
        buf_printf(out, ",\"available\":%s,\"member_count\":%u,\"members_in_table\":%u",
                   yes_no((g->flags & SHM_GUILD_AVAILABLE) && !(g->flags & SHM_GUILD_LEFT)),
                   g->member_count, counting.members);
        put_time(out, ",\"roster_at_ms\":", g->roster_at_ms);
        put_time(out, ",\"roster_begin_ms\":", g->roster_begin_ms);
        put_time(out, ",\"bot_joined_ms\":", g->bot_joined_ms);
        buf_printf(out, ",\"watching\":%s", yes_no(g->session != 0));
        put_settings(w, id, out);
    }
    buf_puts(out, "}");
}

static void put_delay(const struct delay *d, const char *name, unsigned percent, struct buf *out)
{
    int64_t ms = delay_percentile(d, percent);

    buf_puts(out, name);
    if (ms >= 0)
        buf_put_i64(out, ms);
    else
        buf_puts(out, "null");
}

/* What the master cannot know; it adds lanes, memory and CPU time. */
static void answer_stats(struct worker *w, struct buf *out)
{
    uint64_t waiting = 0, spooled = 0;

    for (unsigned i = 0; i < LANES; i++) {
        const struct lane *lane = w->lanes[i];

        if (!lane)
            continue;
        waiting += ring_head(&lane->ring) - ring_tail(&lane->ring);
        spooled += lane->spool ? spool_bytes(lane->spool) : 0;
    }
    buf_printf(out,
               "{\"graphql\":\"%s\",\"redis\":\"%s\",\"in_flight\":%u,"
               "\"waiting_slots\":%llu,\"spool_bytes\":%llu",
               w->away    ? "down"
               : w->heard ? "up"
                          : "unknown",
               cache_state(w), w->flights, (unsigned long long)waiting,
               (unsigned long long)spooled);
    put_delay(&w->delay, ",\"lag_p50_ms\":", 50, out);
    put_delay(&w->delay, ",\"lag_p99_ms\":", 99, out);
    buf_puts(out, "}");
}

void query_answer(struct worker *w, uint64_t id, const char *text, size_t len)
{
    struct json *q = json_parse(text, len, NULL);
    const char *what = json_string(json_get(q, "query"), "");
    struct msg_id body = {id};
    struct buf out;

    buf_init(&out, 0);
    if (!strcmp(what, "member"))
        answer_member(w, q, &out);
    else if (!strcmp(what, "guild"))
        answer_guild(w, q, &out);
    else if (!strcmp(what, "stats"))
        answer_stats(w, &out);
    else
        buf_puts(&out, "{\"error\":\"the query is none of member, guild, stats\"}");
    ipc_send(w->ipc, MSG_QUERY_REPLY, 0, &body, sizeof(body), buf_bytes(&out), buf_len(&out));
    buf_clear(&out);
    json_free(&q);
}
