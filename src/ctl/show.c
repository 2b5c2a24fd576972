/* Turns results into text. Called by presencectl's main.c unless --json was given.
 * Diagnostics: none; what the server left out shows as "-". */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "presence/clock.h"

#define SHOW_UNKNOWN INT64_MIN

static int64_t number(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return json_is_number(v) ? json_int(v, SHOW_UNKNOWN) : SHOW_UNKNOWN;
}

static const char *text(const struct json *object, const char *key)
{
    return json_string(json_get(object, key), "-");
}

static const char *yes_no(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return json_is_bool(v) ? json_bool(v, false) ? "yes" : "no" : "-";
}

/* --- cells: each formats into one of a few static buffers, enough for one printf
 * ------------------ */

#define CELLS     16
#define CELL_SIZE 40

static char *cell(void)
{
    static char cells[CELLS][CELL_SIZE];
    static unsigned next;

    return cells[next++ % CELLS];
}

/* 1234567 -> 1,234,567 */
static const char *count_cell(int64_t v)
{
    char digits[24], *out = cell();
    size_t len, o = 0;

    if (v == SHOW_UNKNOWN)
        return "-";
    len = (size_t)snprintf(digits, sizeof digits, "%" PRIi64, v);
    for (size_t i = 0; i < len; i++) {
        out[o++] = digits[i];
        if (i + 1 < len && (len - 1 - i) % 3 == 0 && digits[i] != '-')
            out[o++] = ',';
    }
    out[o] = '\0';
    return out;
}

static const char *size_cell(int64_t v)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double size = (double)v;
    unsigned unit = 0;
    char *out = cell();

    if (v == SHOW_UNKNOWN)
        return "-";
    while (size >= 1000 && unit < 4) {
        size /= 1000;
        unit++;
    }
    snprintf(out, CELL_SIZE, unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size, units[unit]);
    return out;
}

static const char *ms_cell(int64_t v)
{
    char *out = cell();

    if (v == SHOW_UNKNOWN || v < 0)
        return "-";
    if (v < 10000)
        snprintf(out, CELL_SIZE, "%" PRIi64 " ms", v);
    else
        snprintf(out, CELL_SIZE, "%.1f s", (double)v / 1000);
    return out;
}

static const char *time_cell(int64_t ms)
{
    char *out = cell();

    if (ms == SHOW_UNKNOWN || ms <= 0)
        return "not known";
    clock_rfc3339((unixms_t){ms}, out);
    return out;
}

static const char *time_of(const struct json *object, const char *key)
{
    return time_cell(number(object, key));
}

static const char *count_of(const struct json *object, const char *key)
{
    return count_cell(number(object, key));
}

static const char *size_of(const struct json *object, const char *key)
{
    return size_cell(number(object, key));
}

static const char *ms_of(const struct json *object, const char *key)
{
    return ms_cell(number(object, key));
}

/* --- tables -------------------------------------------------------------------------------------
 */

static void show_shards(const struct json *shards, struct buf *out)
{
    buf_printf(out, "\n%-9s %-11s %12s %12s %9s %7s %12s %10s %10s\n", "SHARD", "STATE", "RECEIVED",
               "DURABLE", "LATENCY", "GUILDS", "EVENTS", "RECONNECTS", "LAST CLOSE");
    for (const struct json *s = json_first(shards); s; s = json_next(s)) {
        char name[32];

        snprintf(name, sizeof name, "%" PRIi64 "/%" PRIi64, json_int(json_get(s, "id"), -1),
                 json_int(json_get(s, "shards"), 0));
        buf_printf(out, "%-9s %-11s %12s %12s %9s %7s %12s %10s %10s\n", name, text(s, "state"),
                   count_of(s, "received_seq"), count_of(s, "resume_seq"), ms_of(s, "latency_ms"),
                   count_of(s, "guilds"), count_of(s, "events"), count_of(s, "reconnects"),
                   count_of(s, "last_close"));
    }
}

void show_workers(const struct json *result, struct buf *out)
{
    buf_printf(out, "%-6s %8s %-9s %5s %9s %8s %-8s %-8s %9s %9s %9s %9s\n", "WORKER", "PID",
               "STATE", "LANES", "QUEUED", "UNACKED", "GRAPHQL", "REDIS", "LAG P50", "LAG P99",
               "MEMORY", "RESTARTS");
    for (const struct json *w = json_first(json_get(result, "workers")); w; w = json_next(w)) {
        const struct json *lanes = json_get(w, "lanes");
        int64_t lane_count = json_is_array(lanes) ? (int64_t)json_size(lanes) : number(w, "lanes");

        buf_printf(out, "%-6" PRIi64 " %8" PRIi64 " %-9s %5s %9s %8s %-8s %-8s %9s %9s %9s %9s\n",
                   json_int(json_get(w, "slot"), -1), json_int(json_get(w, "pid"), 0),
                   text(w, "state"), count_cell(lane_count), size_of(w, "queued_bytes"),
                   count_of(w, "unacked"), text(w, "graphql"), text(w, "redis"),
                   ms_of(w, "lag_p50_ms"), ms_of(w, "lag_p99_ms"), size_of(w, "rss_bytes"),
                   count_of(w, "restarts"));
    }
}

static void show_texts(const struct json *list, const char *title, struct buf *out)
{
    for (const struct json *t = json_first(list); t; t = json_next(t))
        buf_printf(out, "%s: %s\n", title, json_string(t, "?"));
}

static void show_queue(const struct json *queue, struct buf *out)
{
    buf_printf(out, "queue     %s of %s, %s events not yet taken in by workers\n",
               size_of(queue, "bytes"), size_of(queue, "bytes_max"), count_of(queue, "events"));
}

static void show_counters(const struct json *result, struct buf *out)
{
    const struct json *c = json_get(result, "counters"), *t = json_get(result, "table");
    const struct json *lanes = json_get(result, "lanes");

    buf_printf(out,
               "recorded  %s sightings from %s events in %s batches; %s repeated ones dropped\n",
               count_of(c, "sightings"), count_of(c, "events"), count_of(c, "batches"),
               count_of(c, "duplicates"));
    buf_printf(out, "table     %s of %s members, %s; %s evicted, %s looked up elsewhere\n",
               count_of(t, "rows_live"), count_of(t, "rows"), size_of(t, "bytes"),
               count_of(c, "evictions"), count_of(c, "misses"));
    buf_printf(out, "lanes     %s; %s slots waiting to be durable, %s of them in the spool\n",
               count_of(lanes, "count"), count_of(lanes, "used_slots"), count_of(lanes, "spooled"));
}

static void show_quarantine(const struct json *list, struct buf *out)
{
    for (const struct json *q = json_first(list); q; q = json_next(q))
        buf_printf(out, "quarantined: %s, %s of lane %s, %s\n", text(q, "file"), text(q, "event"),
                   count_of(q, "lane"), time_of(q, "at_ms"));
}

static void show_refused_cogs(const struct json *cogs, struct buf *out)
{
    for (const struct json *c = json_first(cogs); c; c = json_next(c))
        if (!json_bool(json_get(c, "ok"), true))
            buf_printf(out, "cog %s: %s; %s\n", text(c, "name"), text(c, "reason"),
                       json_bool(json_get(c, "kept"), false) ? "the one of before is in service"
                                                             : "it is not in service");
}

void show_status(const struct json *result, struct buf *out)
{
    buf_printf(out, "presenced %s, pid %" PRIi64 ", instance %s: %s since %s\n",
               text(result, "version"), json_int(json_get(result, "pid"), 0),
               text(result, "instance"), text(result, "state"), time_of(result, "started_ms"));
    buf_printf(out, "bot       %s (%s), intents %" PRIi64 ", message content %s\n",
               text(result, "user_name"), text(result, "user_id"),
               json_int(json_get(result, "intents"), 0), yes_no(result, "message_content"));
    show_queue(json_get(result, "queue"), out);
    show_counters(result, out);
    buf_printf(out, "config    %s of %s, log level %s\n", text(result, "config_path"),
               time_of(result, "config_loaded_ms"), text(result, "log_level"));
    show_texts(json_get(result, "restart_needed"), "waits for a restart", out);
    show_texts(json_get(result, "degraded"), "degraded", out);
    show_quarantine(json_get(result, "quarantine"), out);
    show_refused_cogs(json_get(result, "cogs"), out);
    show_shards(json_get(result, "shards"), out);
    buf_puts(out, "\n");
    show_workers(result, out);
}

/* When, doing what; somebody who was never seen was not idle since 1970 either. */
static void put_act(const struct json *result, const char *label, const char *ms, const char *kind,
                    struct buf *out)
{
    if (number(result, ms) > 0)
        buf_printf(out, "%-15s%s (%s)\n", label, time_of(result, ms), text(result, kind));
    else
        buf_printf(out, "%-15snever, as far as is known\n", label);
}

void show_member(const struct json *result, struct buf *out)
{
    const struct json *bot = json_get(result, "bot");

    buf_printf(out, "member %s of guild %s: %s\n", text(result, "user"), text(result, "guild"),
               json_bool(json_get(result, "known"), false) ? "in the table"
                                                           : "not in the table (see PostgreSQL)");
    if (!json_bool(json_get(result, "known"), false))
        return;
    put_act(result, "last seen", "last_seen_ms", "last_seen_kind", out);
    put_act(result, "last counted", "last_counted_ms", "last_counted_kind", out);
    buf_printf(out, "in voice       %s", text(result, "voice_channel"));
    if (number(result, "present_until_ms") > 0)
        buf_printf(out, ", present until %s", time_of(result, "present_until_ms"));
    buf_printf(out, "\nbot            %s\n",
               json_is_bool(bot) ? yes_no(result, "bot") : "not known yet");
    buf_printf(out, "on the roster  %s\nscreening      %s\n", yes_no(result, "on_roster"),
               json_bool(json_get(result, "pending"), false) ? "not passed yet" : "passed");
    if (json_bool(json_get(result, "loading"), false))
        buf_puts(out, "what was before is being looked up in Redis and PostgreSQL\n");
    buf_printf(out, "lane           %s, worker %s\n", count_of(result, "lane"),
               count_of(result, "worker"));
}

void show_guild(const struct json *result, struct buf *out)
{
    buf_printf(out, "guild %s: %s\n", text(result, "guild"),
               !json_bool(json_get(result, "known"), false)      ? "not known"
               : json_bool(json_get(result, "available"), false) ? "available"
                                                                 : "unavailable");
    buf_printf(out, "lane          %s, worker %s, shard %s\n", count_of(result, "lane"),
               count_of(result, "worker"), count_of(result, "shard"));
    if (!json_bool(json_get(result, "known"), false))
        return;
    buf_printf(out, "members       %s, %s of them in the table\n", count_of(result, "member_count"),
               count_of(result, "members_in_table"));
    buf_printf(out, "roster        complete at %s", time_of(result, "roster_at_ms"));
    if (number(result, "roster_begin_ms") > 0)
        buf_printf(out, ", being read since %s", time_of(result, "roster_begin_ms"));
    buf_printf(out, "\nwatching      %s\nbot joined    %s\n", yes_no(result, "watching"),
               time_of(result, "bot_joined_ms"));
    if (json_is_number(json_get(result, "settings_version")))
        buf_printf(out, "settings      version %s\n", count_of(result, "settings_version"));
    else
        buf_puts(out, "settings      being read\n");
}

void show_reload(const struct json *result, struct buf *out)
{
    const struct json *changed = json_get(result, "changed"),
                      *rotated = json_get(result, "rotated");

    if (json_size(changed) == 0 && json_size(rotated) == 0)
        buf_puts(out, "reloaded; nothing has changed\n");
    for (const struct json *c = json_first(changed); c; c = json_next(c)) {
        bool restart = json_bool(json_get(c, "restart"), false);

        buf_printf(out, "%s: %s -> %s%s\n", text(c, "key"), text(c, "old"), text(c, "new"),
                   restart ? "  (not applied: restart presenced)" : "");
    }
    for (const struct json *file = json_first(rotated); file; file = json_next(file))
        buf_printf(out, "%s: a new token\n", json_string(file, "-"));
}

void show_cogs(const struct json *result, struct buf *out)
{
    for (const struct json *c = json_first(json_get(result, "cogs")); c; c = json_next(c)) {
        bool ok = json_bool(json_get(c, "ok"), false), kept = json_bool(json_get(c, "kept"), false),
             changed = json_bool(json_get(c, "changed"), false),
             removed = json_bool(json_get(c, "removed"), false);

        buf_printf(out, "%-12s %s", text(c, "name"), ok ? "ok" : "failed: ");
        if (!ok)
            buf_printf(out, "%s; %s", text(c, "reason"),
                       kept ? "the one of before stays" : "it is not in service");
        buf_puts(out, changed ? ", new\n" : removed ? ", removed\n" : "\n");
    }
}

void show_log(const struct json *result, struct buf *out)
{
    buf_printf(out, "log level %s, was %s\n", text(result, "level"), text(result, "old"));
}

/* --- top
 * ------------------------------------------------------------------------------------------ */

static void show_rate(const struct json *result, const struct json *before, const char *counter,
                      struct buf *out)
{
    int64_t now = number(json_get(result, "counters"), counter);
    int64_t then = number(json_get(before, "counters"), counter);
    int64_t ms = number(result, "at_ms") - (before ? number(before, "at_ms") : 0);
    char rate[CELL_SIZE] = "-";

    if (before && now != SHOW_UNKNOWN && then != SHOW_UNKNOWN && ms > 0)
        snprintf(rate, sizeof rate, "%s", count_cell((now - then) * 1000 / ms));
    buf_printf(out, "%-12s %14s %12s/s\n", counter, count_cell(now), rate);
}

void show_top(const struct json *result, const struct json *before, struct buf *out)
{
    static const char *const counters[] = {"events",  "sightings",  "batches",
                                           "spooled", "duplicates", "evictions"};

    buf_printf(out, "presenced at %s\n\n", time_of(result, "at_ms"));
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        show_rate(result, before, counters[i], out);
    buf_puts(out, "\n");
    show_queue(json_get(result, "queue"), out);
    show_shards(json_get(result, "shards"), out);
    buf_puts(out, "\n");
    show_workers(result, out);
}
