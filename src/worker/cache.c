/* Redis, the second cache level: guild:{<id>}:seen (sorted set, user by ms) and
 * guild:{<id>}:member:<user> (hash) follow each batch; a row the table has not is asked for here
 * before GraphQL. Never read for a decision, never the only place of anything.
 *
 * A stale key would make somebody look idle. So a lane is marked dirty in shared memory before its
 * pipeline goes out and clean when every answer is in; whoever finds a lane dirty (after a death,
 * or after Redis was away) removes its guilds' keys before he reads any. Called by lane
 * and main.
 * Diagnostics: link/redis.c says when Redis comes and goes. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/cache_priv.h"

void cache_set_dirty(struct cache_lane *cl, bool dirty)
{
    struct lane *lane = cl->w->lanes[cl->number];

    if (lane)
        atomic_store(&lane->ring.lane->redis_dirty, dirty);
}

void cache_settle(struct cache_lane *cl)
{
    if (cl->owed == 0 && !cl->must_purge)
        cache_set_dirty(cl, false);
}

static char *put_text(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

size_t cache_member_key(snowflake_t guild, snowflake_t user, char out[CACHE_KEY_SIZE])
{
    char *p = put_text(out, "guild:{", 7);

    p += snowflake_print(guild, p);
    p = put_text(p, "}:member:", 9);
    p += snowflake_print(user, p);
    return (size_t)(p - out);
}

static void state_changed(void *arg, bool up)
{
    struct cache *c = arg;

    cache_purge_stop(c);
    c->told = false;
    if (up)
        cache_purge_start(c);
}

static void purge_soon(void *arg)
{
    cache_purge_start(arg);
}

void cache_take_lane(struct lane *lane)
{
    struct cache *c = lane->w->cache;
    struct cache_lane *cl;

    if (!c)
        return;
    cl = &c->lanes[lane->number];
    /* Without a segment before this one nobody knows what Redis missed. */
    if (lane->fresh || atomic_load(&lane->ring.lane->redis_dirty)) {
        cl->must_purge = true;
        cache_set_dirty(cl, true);
        loop_undefer(lane->w->loop, purge_soon, c);
        loop_defer(lane->w->loop, purge_soon, c);
    }
}

const char *cache_state(const struct worker *w)
{
    if (!w->cache || !w->cache->redis)
        return "unknown";
    return redis_up(w->cache->redis) ? "up" : "down";
}

void cache_set_url(struct worker *w, const char *url)
{
    struct cache *c = w->cache;
    char *error = NULL;

    if (c && !strcmp(c->url, url))
        return;
    if (!c) {
        c = w->cache = xcalloc(1, sizeof(*c));
        c->w = w;
        cache_purge_init(c);
        for (unsigned i = 0; i < LANES; i++)
            c->lanes[i] = (struct cache_lane){.w = w, .number = i};
    }
    for (unsigned i = 0; i < LANES; i++) {
        c->lanes[i].owed = 0;
        c->lanes[i].must_purge = c->lanes[i].must_purge || c->redis != NULL;
    }
    cache_purge_stop(c);
    redis_free(&c->redis);
    free(c->url);
    c->url = xstrdup(url);
    if (!url[0])
        return;
    c->redis = redis_new(w->loop, url, state_changed, c, &error);
    if (!c->redis)
        worker_alert(w, "[redis] url: %s", error);
    free(error);
}
