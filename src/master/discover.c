/* What must be known before a shard may connect: the application's flags, the gateway's URL, how
 * many shards, and the identify budget. Called by main.c at start, by shard.c and shard_gate.c for
 * the budget.
 * Diagnostics: discord_unreachable (each failed try), token_refused, shards_planned. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "presence/intents.h"
#include "presence/log.h"
#include "presence/scan.h"
#include "secrets.h"

#define FETCH_DEADLINE_MS  15000
#define RETRY_MIN_MS       1000
#define RETRY_MAX_MS       60000
#define OPTIONAL_TRIES     3u
#define GATEWAY_PATH_LIMIT 512u
#define EXIT_CONFIG        78 /* sysexits: a restart does not help */

enum step { STEP_APPLICATION, STEP_USER, STEP_GATEWAY };

struct discover {
    struct master *m;
    enum step step;
    uint64_t fetch_id;
    struct backoff backoff;
    struct loop_timer *retry;
};

static void next_step(struct discover *d);
static void run_step(void *arg);

static const char *step_path(enum step step)
{
    static const char *const paths[] = {"/applications/@me", "/users/@me", "/gateway/bot"};

    return paths[step];
}

static struct slice body_of(const char *body, size_t len)
{
    return (struct slice){body, len};
}

static char *string_of(struct slice value)
{
    char text[GATEWAY_PATH_LIMIT];
    size_t len = scan_string(value, text, sizeof(text));

    return len ? xstrndup(text, len) : NULL;
}

int discover_budget(struct master *m, const char *body, size_t len, char **url_r,
                    unsigned *shards_r, const char **error_r)
{
    struct slice url, shards, limit, total = SLICE_NONE, remaining = SLICE_NONE, reset = SLICE_NONE,
                                     concurrency = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("url", &url), SCAN_FIELD("shards", &shards),
                                        SCAN_FIELD("session_start_limit", &limit)};
    const struct scan_field limits[] = {
        SCAN_FIELD("total", &total), SCAN_FIELD("remaining", &remaining),
        SCAN_FIELD("reset_after", &reset), SCAN_FIELD("max_concurrency", &concurrency)};
    uint64_t n = 1, total_n = 0, remaining_n = 0, reset_n = 0, concurrency_n = 1;

    *url_r = NULL;
    if ((*error_r = scan_fields(body_of(body, len), fields, 3)))
        return -1;
    if (!scan_is_string(url) || !(*url_r = string_of(url))) {
        *error_r = "expected a string \"url\"";
        return -1;
    }
    if (shards.p && (!scan_u64(shards, &n) || n == 0 || n > SHM_SHARDS_MAX))
        *error_r = "expected \"shards\" from 1 to 256";
    if (!*error_r && limit.p) {
        *error_r = scan_fields(limit, limits, 4);
        if (!*error_r && !(scan_u64(total, &total_n) && scan_u64(remaining, &remaining_n)))
            *error_r = "expected \"total\" and \"remaining\" in session_start_limit";
        scan_u64(reset, &reset_n);
        scan_u64(concurrency, &concurrency_n);
    }
    if (*error_r) {
        free(*url_r);
        *url_r = NULL;
        return -1;
    }
    if (limit.p)
        idgate_budget(&m->gate, clock_mono(), (uint32_t)total_n, (uint32_t)remaining_n,
                      (int64_t)reset_n, (unsigned)concurrency_n);
    m->budget_at = clock_mono();
    *shards_r = (unsigned)n;
    return 0;
}

static void take_application(struct master *m, const char *body, size_t len)
{
    struct slice id, flags;
    const struct scan_field fields[] = {SCAN_FIELD("id", &id), SCAN_FIELD("flags", &flags)};
    snowflake_t application = SNOWFLAKE_NONE;

    if (scan_fields(body_of(body, len), fields, 2))
        return;
    m->application_known = scan_u64(flags, &m->application_flags);
    if (scan_snowflake(id, &application))
        m->application_id = application.id;
}

static void take_user(struct master *m, const char *body, size_t len)
{
    struct slice id, name;
    const struct scan_field fields[] = {SCAN_FIELD("id", &id), SCAN_FIELD("username", &name)};
    snowflake_t user = SNOWFLAKE_NONE;

    if (scan_fields(body_of(body, len), fields, 2))
        return;
    if (scan_snowflake(id, &user))
        m->user_id = user.id;
    free(m->user_name);
    m->user_name = string_of(name);
}

static void begin(struct master *m, unsigned recommended, const char *url)
{
    unsigned count = m->conf.discord.shards ? (unsigned)m->conf.discord.shards : recommended;
    uint32_t base = m->conf.discord.intents ? (uint32_t)m->conf.discord.intents : INTENTS_DEFAULT;

    m->intents =
        m->conf.discord.intents
            ? base
            : intents_with_content(base, (enum message_content)m->conf.discord.message_content,
                                   m->application_known, m->application_flags);
    log_info("shards_planned", "%u of %u recommended at %s", count, recommended, url);
    shards_start(m, count, url);
}

static bool take(struct discover *d, const char *body, size_t len)
{
    struct master *m = d->m;
    const char *error;
    char *url;
    unsigned shards;

    switch (d->step) {
    case STEP_APPLICATION:
        take_application(m, body, len);
        return true;
    case STEP_USER:
        take_user(m, body, len);
        return true;
    case STEP_GATEWAY:
        break;
    }
    if (discover_budget(m, body, len, &url, &shards, &error)) {
        log_error("discord_unreachable", "/gateway/bot: %s", error);
        return false;
    }
    begin(m, shards, url);
    free(url);
    return true;
}

static void answered(void *arg, int status, const char *body, size_t len)
{
    struct discover *d = arg;
    struct master *m = d->m;
    int64_t wait;
    bool give_up;

    d->fetch_id = 0;
    if (m->phase >= PHASE_DRAINING)
        return;
    if (status == 200 && take(d, body, len)) {
        next_step(d);
        return;
    }
    if (status == 401 && secrets_discord_changed(m)) {
        run_step(d);
        return;
    }
    if (status == 401) {
        log_error("token_refused",
                  "Discord refuses the token (%s: 401 Unauthorized): check the "
                  "file named by [discord] token_file",
                  step_path(d->step));
        master_degraded(m, "Discord refuses the token");
        master_stop(m, EXIT_CONFIG);
        return;
    }
    wait = backoff_next_ms(&d->backoff);
    /* Without the first two we can still watch. */
    give_up = d->step != STEP_GATEWAY && (status >= 400 || d->backoff.failures >= OPTIONAL_TRIES ||
                                          *m->conf.discord.gateway_url);
    if (status != 200)
        log_warn("discord_unreachable", "%s: %s%.*s; %s", step_path(d->step),
                 status < 0 ? "" : "unexpected answer: ", (int)(len > 200 ? 200 : len), body,
                 give_up ? "going on without it" : "trying again");
    if (give_up) {
        next_step(d);
        return;
    }
    loop_timer_set(d->retry, wait);
}

static void run_step(void *arg)
{
    static const enum msg_fetch_what what[] = {FETCH_APPLICATION, FETCH_USER_ME, FETCH_GATEWAY_BOT};
    struct discover *d = arg;

    d->fetch_id = fetch_start(d->m, what[d->step], NULL, FETCH_DEADLINE_MS, answered, d);
}

static void next_step(struct discover *d)
{
    backoff_reset(&d->backoff);
    if (d->step == STEP_GATEWAY)
        return;
    d->step++;
    if (d->step == STEP_GATEWAY && *d->m->conf.discord.gateway_url) {
        begin(d->m, 1, d->m->conf.discord.gateway_url);
        return;
    }
    run_step(d);
}

void discover_start(struct master *m)
{
    struct discover *d = xcalloc(1, sizeof(*d));

    d->m = m;
    backoff_init(&d->backoff, RETRY_MIN_MS, RETRY_MAX_MS);
    d->retry = loop_timer_new(m->loop, run_step, d);
    m->discover = d;
    run_step(d);
}

void discover_again(struct master *m)
{
    if (m->discover->fetch_id)
        fetch_cancel(m, m->discover->fetch_id);
    m->discover->step = STEP_GATEWAY;
    loop_timer_set(m->discover->retry, backoff_next_ms(&m->discover->backoff));
}

void discover_clear(struct master *m)
{
    if (!m->discover)
        return;
    if (m->discover->fetch_id)
        fetch_cancel(m, m->discover->fetch_id);
    loop_timer_free(&m->discover->retry);
    free(m->discover);
    m->discover = NULL;
}
