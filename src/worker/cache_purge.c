/* Removing what may be stale in Redis: the keys of lanes whose pipelines were not answered in full,
 * by SCAN and UNLINK. Called by cache.c and cache_write.c.
 * Diagnostics: informs when Redis, having refused commands, takes them again. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/cache_priv.h"

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 300000

/* guild:{<id>}:… of a lane that is being purged. */
static bool is_doomed(const struct cache *c, const char *key, size_t len)
{
    const char *end = len > 7 ? memchr(key + 7, '}', len - 7) : NULL;
    snowflake_t guild;

    if (!end || memcmp(key, "guild:{", 7) ||
        snowflake_parse(key + 7, (size_t)(end - key - 7), &guild))
        return false;
    return c->purging >> route_lane(guild) & 1;
}

static void try_again(struct cache *c)
{
    if (!loop_timer_active(c->purge_timer))
        loop_timer_set(c->purge_timer, backoff_next_ms(&c->purge_backoff));
}

static void broken_off(struct cache *c)
{
    c->purging = 0;
    try_again(c);
}

static void purge_done(struct cache *c)
{
    if (c->told)
        log_info("redis_ok", "Redis takes commands again");
    c->told = false;
    for (unsigned i = 0; i < LANES; i++)
        if (c->purging >> i & 1) {
            c->lanes[i].must_purge = false;
            cache_settle(&c->lanes[i]);
        }
    c->purging = 0;
    cache_purge_start(c);
}

static void scanned(void *arg, const struct redis_value *reply);

static void scan_from(struct cache *c, const char *cursor)
{
    const char *argv[] = {"SCAN", cursor, "MATCH", "guild:{*", "COUNT", "1000"};

    if (redis_command(c->redis, 6, argv, NULL, scanned, c))
        broken_off(c);
}

static void unlinked(void *arg, const struct redis_value *reply)
{
    struct cache *c = arg;

    if (!reply || redis_type(reply) == REDIS_ERROR)
        broken_off(c);
}

static void scanned(void *arg, const struct redis_value *reply)
{
    struct cache *c = arg;
    const struct redis_value *keys;
    size_t len, n = 0;
    const char *cursor;
    char next[CACHE_NUMBER_SIZE];

    if (!c->purging)
        return;
    if (!reply || redis_count(reply) != 2 ||
        !(cursor = redis_text(redis_element(reply, 0), &len)) || len >= sizeof(next)) {
        broken_off(c);
        return;
    }
    memcpy(next, cursor, len);
    next[len] = '\0';
    keys = redis_element(reply, 1);
    const char **argv = xmalloc((redis_count(keys) + 1) * sizeof(*argv));
    size_t *lens = xmalloc((redis_count(keys) + 1) * sizeof(*lens));

    argv[0] = "UNLINK";
    lens[0] = 6;
    for (size_t i = 0; i < redis_count(keys); i++) {
        size_t key_len;
        const char *key = redis_text(redis_element(keys, i), &key_len);

        if (!key || !is_doomed(c, key, key_len))
            continue;
        argv[1 + n] = key;
        lens[1 + n++] = key_len;
    }
    if (n)
        redis_command(c->redis, n + 1, argv, lens, unlinked, c);
    free(argv);
    free(lens);
    if (strcmp(next, "0"))
        scan_from(c, next);
    else if (c->purging)
        purge_done(c);
}

void cache_purge_start(struct cache *c)
{
    if (c->purging || !c->redis || !redis_up(c->redis))
        return;
    for (unsigned i = 0; i < LANES; i++)
        if (c->lanes[i].must_purge && c->w->lanes[i])
            c->purging |= UINT64_C(1) << i;
    if (c->purging)
        scan_from(c, "0");
}

static void again(void *arg)
{
    cache_purge_start(arg);
}

void cache_purge_init(struct cache *c)
{
    backoff_init(&c->purge_backoff, AGAIN_MIN_MS, AGAIN_MAX_MS);
    c->purge_timer = loop_timer_new(c->w->loop, again, c);
}

void cache_purge_stop(struct cache *c)
{
    c->purging = 0;
    loop_timer_stop(c->purge_timer);
    backoff_reset(&c->purge_backoff);
}

/* The SCAN under way may be past the keys that are stale from now on. */
void cache_purge_want(struct cache_lane *cl)
{
    struct cache *c = cl->w->cache;

    cl->must_purge = true;
    c->purging &= ~(UINT64_C(1) << cl->number);
    try_again(c);
}
