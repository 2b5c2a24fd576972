/* Redis, the second cache level: guild:{<id>}:seen (sorted set, user by ms) and
 * guild:{<id>}:member:<user> (hash) follow each batch; a row the table has not is asked for here
 * before GraphQL. Never read for a decision, never the only place of anything.
 *
 * A stale key would make somebody look idle. So a lane is marked dirty in shared memory before its
 * pipeline goes out and clean when every answer is in; whoever finds a lane dirty (after a death,
 * or after Redis was away) removes its guilds' keys before he reads any. Who is on the roster but
 * was never seen has no key: Redis could tell nothing of him. Called by flush and load.
 * Diagnostics: link/redis.c says when Redis comes and goes; refused commands warn once. */
#include "worker/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "presence/redis.h"

#define ZADD_PAIRS_MAX 256u
#define KEY_SIZE       80u
#define PREFETCH       8u
#define NUMBER_SIZE    24u
#define ACT_VALUES     2u
#define STATE_VALUES   5u

struct cache_lane {
    struct worker *w;
    unsigned number;
    unsigned owed;   /* answers of its pipelines */
    bool must_purge; /* keys may be stale: not read, and removed first */
};

struct cache {
    struct worker *w;
    char *url;
    struct redis *redis;
    struct cache_lane lanes[LANES];
    uint64_t purging; /* lanes whose keys the SCAN under way removes; 0 = none is */
    bool told;
    struct cached_member *members; /* of the batch at hand */
    size_t n_members, cap_members;
};

struct cached_member {
    snowflake_t guild, user;
    struct seen_row *row; /* NULL: has none */
};

struct asked {
    struct worker *w;
    struct load_key key;
};

static void start_purge(struct cache *c);

static void set_dirty(struct cache_lane *cl, bool dirty)
{
    struct lane *lane = cl->w->lanes[cl->number];

    if (lane)
        atomic_store(&lane->ring.lane->redis_dirty, dirty);
}

static void settle(struct cache_lane *cl)
{
    if (cl->owed == 0 && !cl->must_purge)
        set_dirty(cl, false);
}

static void written(void *arg, const struct redis_value *reply)
{
    struct cache_lane *cl = arg;
    struct cache *c = cl->w->cache;

    cl->owed--;
    if (!reply || redis_type(reply) == REDIS_ERROR) {
        size_t len = 0;
        const char *text = reply ? redis_text(reply, &len) : NULL;

        cl->must_purge = true;
        if (text && !c->told)
            log_warn("redis_refused", "%.*s", (int)len, text);
        c->told = c->told || text;
    }
    settle(cl);
}

static void send_to(struct cache_lane *cl, size_t argc, const char *const *argv, const size_t *lens)
{
    if (redis_command(cl->w->cache->redis, argc, argv, lens, written, cl))
        cl->must_purge = true;
    else
        cl->owed++;
}

/* --- writing --------------------------------------------------------------------------------- */

static void note_member(void *arg, snowflake_t guild, snowflake_t user)
{
    struct cache *c = arg;

    if (c->n_members == c->cap_members) {
        c->cap_members = c->cap_members ? c->cap_members * 2 : 256;
        c->members = xrealloc(c->members, c->cap_members * sizeof(*c->members));
    }
    c->members[c->n_members++] = (struct cached_member){.guild = guild, .user = user};
}

/* Whether Redis has, or should have, a key of the row. */
static bool wants_key(const struct seen_row *row)
{
    return row->flags & (SEEN_LOADING | SEEN_CACHED | SEEN_BOT) || atomic_load(&row->seen) ||
           atomic_load(&row->counted) || row->present_until || row->voice_channel ||
           SEEN_MS(row->last_edit);
}

/* Finds the members' rows and leaves out whom Redis need not know. */
static void keep_wanted(struct cache *c)
{
    const struct shm *shm = &c->w->shm;
    size_t kept = 0;

    for (size_t i = 0; i < c->n_members; i++) {
        struct cached_member m = c->members[i], *next = &c->members[i + PREFETCH],
                             *later = next + PREFETCH;

        if (i + 2 * PREFETCH < c->n_members)
            seen_prefetch_tags(shm, later->guild, later->user);
        if (i + PREFETCH < c->n_members)
            seen_prefetch(shm, next->guild, next->user);
        m.row = seen_find(shm, m.guild, m.user);
        if (!m.row || wants_key(m.row))
            c->members[kept++] = m;
    }
    c->n_members = kept;
}

static int compare(const void *a, const void *b)
{
    const struct cached_member *x = a, *y = b;

    if (x->guild.id != y->guild.id)
        return x->guild.id < y->guild.id ? -1 : 1;
    return (x->user.id > y->user.id) - (x->user.id < y->user.id);
}

static char *put_text(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static size_t member_key(snowflake_t guild, snowflake_t user, char out[KEY_SIZE])
{
    char *p = put_text(out, "guild:{", 7);

    p += snowflake_print(guild, p);
    p = put_text(p, "}:member:", 9);
    p += snowflake_print(user, p);
    return (size_t)(p - out);
}

static size_t put_number(char *out, uint64_t v)
{
    return snowflake_print((snowflake_t){v}, out);
}

/* Numbers with spaces between. */
static size_t put_numbers(char *out, const uint64_t *values, size_t n)
{
    char *p = out;

    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ' ';
        p += put_number(p, values[i]);
    }
    return (size_t)(p - out);
}

/* act: seen and counted, each ms << 16 | kind; state: present_until, last_edit (packed as in the
 * row), voice channel, flags, member flags. Few long fields: each costs on both sides. */
static void write_member(struct cache_lane *cl, const struct cached_member *m)
{
    struct seen_row *row = m->row;
    const uint64_t act[ACT_VALUES] = {atomic_load(&row->seen), atomic_load(&row->counted)};
    const uint64_t state[STATE_VALUES] = {row->present_until, row->last_edit, row->voice_channel,
                                          row->flags, row->member_flags};
    char key[KEY_SIZE], act_text[ACT_VALUES * NUMBER_SIZE], state_text[STATE_VALUES * NUMBER_SIZE];
    const char *argv[] = {"HSET", key, "act", act_text, "state", state_text};
    size_t lens[] = {4, member_key(m->guild, m->user, key),
                     3, put_numbers(act_text, act, ACT_VALUES),
                     5, put_numbers(state_text, state, STATE_VALUES)};

    row->flags |= SEEN_CACHED;
    send_to(cl, 6, argv, lens);
}

/* What is being loaded is not known in full: better no key than half of one. */
static void forget_member(struct cache_lane *cl, const struct cached_member *m)
{
    char key[KEY_SIZE];
    const char *argv[] = {"DEL", key};
    size_t lens[] = {3, member_key(m->guild, m->user, key)};

    if (m->row)
        m->row->flags |= SEEN_UNCACHED;
    send_to(cl, 2, argv, lens);
}

struct zadd {
    char key[KEY_SIZE];
    char numbers[2 * ZADD_PAIRS_MAX][NUMBER_SIZE];
    const char *argv[3 + 2 * ZADD_PAIRS_MAX];
    size_t lens[3 + 2 * ZADD_PAIRS_MAX];
    size_t n; /* numbers */
};

static void send_zadd(struct cache_lane *cl, struct zadd *z)
{
    if (z->n)
        send_to(cl, 3 + z->n, z->argv, z->lens);
    z->n = 0;
}

static void put_zadd(struct zadd *z, uint64_t v)
{
    z->argv[3 + z->n] = z->numbers[z->n];
    z->lens[3 + z->n] = put_number(z->numbers[z->n], v);
    z->n++;
}

static void write_guild(struct cache_lane *cl, const struct cached_member *members, size_t n)
{
    struct zadd z = {.n = 0};

    z.argv[0] = "ZADD";
    z.lens[0] = 4;
    z.argv[1] = z.key;
    z.lens[1] = (size_t)snprintf(z.key, sizeof(z.key), "guild:{%llu}:seen",
                                 (unsigned long long)members[0].guild.id);
    z.argv[2] = "GT";
    z.lens[2] = 2;
    for (size_t i = 0; i < n; i++) {
        const struct cached_member *m = &members[i];
        int64_t ms = m->row ? SEEN_MS(atomic_load(&m->row->seen)) : 0;

        if (i && compare(m - 1, m) == 0)
            continue;
        if (!m->row || m->row->flags & SEEN_LOADING) {
            forget_member(cl, m);
            continue;
        }
        if (ms > 0) {
            put_zadd(&z, (uint64_t)ms);
            put_zadd(&z, m->user.id);
        }
        write_member(cl, m);
        if (z.n == 2 * (size_t)ZADD_PAIRS_MAX)
            send_zadd(cl, &z);
    }
    send_zadd(cl, &z);
}

/* Before a pipeline. False: there is nobody to send it to. */
static bool begin(struct cache_lane *cl)
{
    struct cache *c = cl->w->cache;
    bool up = c->redis && redis_up(c->redis);

    set_dirty(cl, true);
    cl->must_purge = cl->must_purge || !up;
    return up;
}

void cache_flush(struct lane *lane)
{
    struct cache *c = lane->w->cache;
    struct cache_lane *cl;

    if (!c)
        return;
    cl = &c->lanes[lane->number];
    c->n_members = 0;
    batch_each_member(lane->w->batch, note_member, c);
    keep_wanted(c);
    if (c->n_members == 0 || !begin(cl))
        return;
    qsort(c->members, c->n_members, sizeof(*c->members), compare);
    for (size_t i = 0, end; i < c->n_members; i = end) {
        for (end = i + 1; end < c->n_members; end++)
            if (!snowflake_equal(c->members[i].guild, c->members[end].guild))
                break;
        write_guild(cl, c->members + i, end - i);
    }
    settle(cl);
}

void cache_loaded(struct lane *lane, struct seen_row *row)
{
    struct cache *c = lane->w->cache;
    const struct cached_member member = {{row->guild}, {row->user}, row};

    if (!(row->flags & SEEN_UNCACHED))
        return;
    row->flags &= (uint16_t)~SEEN_UNCACHED;
    if (!c || !wants_key(row) || !begin(&c->lanes[lane->number]))
        return;
    write_guild(&c->lanes[lane->number], &member, 1);
    settle(&c->lanes[lane->number]);
}

/* --- reading --------------------------------------------------------------------------------- */

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
    uint64_t v[ACT_VALUES + STATE_VALUES];

    if (redis_type(reply) != REDIS_ARRAY || redis_count(reply) != 2 ||
        !take_values(reply, 0, ACT_VALUES, v) ||
        !take_values(reply, 1, STATE_VALUES, v + ACT_VALUES))
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
    char name[KEY_SIZE];
    const char *argv[] = {"HMGET", name, "act", "state"};
    size_t lens[] = {5, member_key(key.guild, key.user, name), 3, 5};

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

/* --- removing what may be stale -------------------------------------------------------------- */

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

static void purge_done(struct cache *c)
{
    for (unsigned i = 0; i < LANES; i++)
        if (c->purging >> i & 1) {
            c->lanes[i].must_purge = false;
            settle(&c->lanes[i]);
        }
    c->purging = 0;
    start_purge(c);
}

static void scanned(void *arg, const struct redis_value *reply);

static void scan_from(struct cache *c, const char *cursor)
{
    const char *argv[] = {"SCAN", cursor, "MATCH", "guild:{*", "COUNT", "1000"};

    if (redis_command(c->redis, 6, argv, NULL, scanned, c))
        c->purging = 0;
}

static void unlinked(void *arg, const struct redis_value *reply)
{
    struct cache *c = arg;

    if (!reply || redis_type(reply) == REDIS_ERROR)
        c->purging = 0; /* begun again when Redis is there again */
}

static void scanned(void *arg, const struct redis_value *reply)
{
    struct cache *c = arg;
    const struct redis_value *keys;
    size_t len, n = 0;
    const char *cursor;
    char next[NUMBER_SIZE];

    if (!c->purging)
        return;
    if (!reply || redis_count(reply) != 2 ||
        !(cursor = redis_text(redis_element(reply, 0), &len)) || len >= sizeof(next)) {
        c->purging = 0;
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

static void start_purge(struct cache *c)
{
    if (c->purging || !c->redis || !redis_up(c->redis))
        return;
    for (unsigned i = 0; i < LANES; i++)
        if (c->lanes[i].must_purge && c->w->lanes[i])
            c->purging |= UINT64_C(1) << i;
    if (c->purging)
        scan_from(c, "0");
}

/* --- coming and going ------------------------------------------------------------------------ */

static void state_changed(void *arg, bool up)
{
    struct cache *c = arg;

    c->purging = 0;
    c->told = false;
    if (up)
        start_purge(c);
}

static void purge_soon(void *arg)
{
    start_purge(arg);
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
        set_dirty(cl, true);
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
        for (unsigned i = 0; i < LANES; i++)
            c->lanes[i] = (struct cache_lane){.w = w, .number = i};
    }
    for (unsigned i = 0; i < LANES; i++) {
        c->lanes[i].owed = 0;
        c->lanes[i].must_purge = c->lanes[i].must_purge || c->redis != NULL;
    }
    c->purging = 0;
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
