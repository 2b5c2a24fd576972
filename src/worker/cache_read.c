/* A row that the table has not is asked for in Redis before GraphQL. Called by load.
 * Diagnostics: none; what is not as it was written is asked of GraphQL. */
#include <stdlib.h>
#include <string.h>

#include "worker/cache_priv.h"

struct asked {
    struct worker *w;
    struct load_key key;
};

static bool take_values(const struct redis_value *reply, size_t element, size_t n, uint64_t *out)
{
    size_t len = 0;
    const char *text = redis_text(redis_element(reply, element), &len), *end = text + len;

    for (size_t i = 0; i < n; i++) {
        const char *stop = text ? memchr(text, ' ', (size_t)(end - text)) : NULL;
        snowflake_t number;

        if (!text || (i + 1 < n) != (stop != NULL) ||
            snowflake_parse(text, (size_t)((stop ? stop : end) - text), &number))
            return false;
        out[i] = number.id;
        text = stop ? stop + 1 : end;
    }
    return true;
}

static bool take_seed(const struct redis_value *reply, struct load_key key, struct seen_seed *seed)
{
    uint64_t v[CACHE_ACT_VALUES + CACHE_STATE_VALUES];

    if (redis_type(reply) != REDIS_ARRAY || redis_count(reply) != 2 ||
        !take_values(reply, 0, CACHE_ACT_VALUES, v) ||
        !take_values(reply, 1, CACHE_STATE_VALUES, v + CACHE_ACT_VALUES))
        return false;
    *seed = (struct seen_seed){
        .guild = key.guild,
        .user = key.user,
        .cached = true,
        .seen = {SEEN_MS(v[0])},
        .seen_kind = SEEN_KIND(v[0]),
        .counted = {SEEN_MS(v[1])},
        .counted_kind = SEEN_KIND(v[1]),
        .present_until = {SEEN_MS(v[2])},
        .voice_state = (uint16_t)v[2],
        .last_edit = {SEEN_MS(v[3])},
        .avatar_hash = (uint16_t)v[3],
        .voice_channel = {v[4]},
        .bot = v[5] & SEEN_BOT     ? 1
               : v[5] & SEEN_HUMAN ? 0
                                   : -1,
        .on_roster = (v[5] & SEEN_ON_ROSTER) != 0,
        .pending = (v[5] & SEEN_PENDING) != 0,
        .member_flags = (uint32_t)v[6],
    };
    return true;
}

static void read_back(void *arg, const struct redis_value *reply)
{
    struct asked *a = arg;
    struct seen_seed seed;

    if (reply && take_seed(reply, a->key, &seed))
        load_done(a->w, a->key, &seed);
    else
        load_from_graphql(a->w, &a->key, 1);
    free(a);
}

bool cache_ask(struct worker *w, struct load_key key)
{
    struct cache *c = w->cache;
    struct asked *a;
    char name[CACHE_KEY_SIZE];
    const char *argv[] = {"HMGET", name, "act", "state"};
    size_t lens[] = {5, cache_member_key(key.guild, key.user, name), 3, 5};

    if (!c || !c->redis || !redis_up(c->redis) || c->lanes[route_lane(key.guild)].must_purge)
        return false;
    a = xmalloc(sizeof(*a));
    *a = (struct asked){w, key};
    if (redis_command(c->redis, 4, argv, lens, read_back, a)) {
        free(a);
        return false;
    }
    return true;
}
