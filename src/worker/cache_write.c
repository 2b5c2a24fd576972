/* Redis follows each batch: the keys of its members are renewed. Who is on the roster but was never
 * seen has no key: Redis could tell nothing of him. Called by flight and load.
 * Diagnostics: refused commands warn once. */
#include <stdio.h>
#include <stdlib.h>

#include "presence/log.h"
#include "worker/cache_priv.h"

#define ZADD_PAIRS_MAX 256u

static void written(void *arg, const struct redis_value *reply)
{
    struct cache_lane *cl = arg;
    struct cache *c = cl->w->cache;

    cl->owed--;
    if (!reply || redis_type(reply) == REDIS_ERROR) {
        size_t len = 0;
        const char *text = reply ? redis_text(reply, &len) : NULL;

        cache_purge_want(cl);
        if (text && !c->told)
            log_warn("redis_refused", "%.*s", (int)len, text);
        c->told = c->told || text;
    }
    cache_settle(cl);
}

static void send_to(struct cache_lane *cl, size_t argc, const char *const *argv, const size_t *lens)
{
    if (redis_command(cl->w->cache->redis, argc, argv, lens, written, cl))
        cache_purge_want(cl);
    else
        cl->owed++;
}

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

static void fetch_rows(const struct cache *c, size_t first)
{
    struct seen_key keys[SEEN_FETCH_MAX];
    size_t n = 0;

    for (size_t i = first; i < c->n_members && n < SEEN_FETCH_MAX; i++)
        keys[n++] = (struct seen_key){c->members[i].guild, c->members[i].user};
    seen_fetch(&c->w->shm, keys, n);
}

/* Finds the members' rows and leaves out whom Redis need not know. */
static void keep_wanted(struct cache *c)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n_members; i++) {
        struct cached_member m = c->members[i];

        if (i % SEEN_FETCH_MAX == 0)
            fetch_rows(c, i);
        m.row = seen_find(&c->w->shm, m.guild, m.user);
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
    const uint64_t act[CACHE_ACT_VALUES] = {atomic_load(&row->seen), atomic_load(&row->counted)};
    const uint64_t state[CACHE_STATE_VALUES] = {row->present_until, row->last_edit,
                                                row->voice_channel, row->flags, row->member_flags};
    char key[CACHE_KEY_SIZE], act_text[CACHE_ACT_VALUES * CACHE_NUMBER_SIZE],
        state_text[CACHE_STATE_VALUES * CACHE_NUMBER_SIZE];
    const char *argv[] = {"HSET", key, "act", act_text, "state", state_text};
    size_t lens[] = {4, cache_member_key(m->guild, m->user, key),
                     3, put_numbers(act_text, act, CACHE_ACT_VALUES),
                     5, put_numbers(state_text, state, CACHE_STATE_VALUES)};

    row->flags |= SEEN_CACHED;
    send_to(cl, 6, argv, lens);
}

/* What is being loaded is not known in full: better no key than half of one. */
static void forget_member(struct cache_lane *cl, const struct cached_member *m)
{
    char key[CACHE_KEY_SIZE];
    const char *argv[] = {"DEL", key};
    size_t lens[] = {3, cache_member_key(m->guild, m->user, key)};

    if (m->row)
        m->row->flags |= SEEN_UNCACHED;
    send_to(cl, 2, argv, lens);
}

struct zadd {
    char key[CACHE_KEY_SIZE];
    char numbers[2 * ZADD_PAIRS_MAX][CACHE_NUMBER_SIZE];
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

    cache_set_dirty(cl, true);
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
    cache_settle(cl);
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
    cache_settle(&c->lanes[lane->number]);
}

void cache_forget_member(struct lane *lane, snowflake_t guild, snowflake_t user)
{
    struct cache *c = lane->w->cache;
    const struct cached_member member = {guild, user, NULL};
    char key[CACHE_KEY_SIZE], id[SNOWFLAKE_TEXT_SIZE];
    const char *argv[] = {"ZREM", key, id};
    size_t lens[3] = {4};

    if (!c || !begin(&c->lanes[lane->number]))
        return;
    lens[1] = (size_t)snprintf(key, sizeof(key), "guild:{%llu}:seen", (unsigned long long)guild.id);
    lens[2] = snowflake_print(user, id);
    forget_member(&c->lanes[lane->number], &member);
    send_to(&c->lanes[lane->number], 3, argv, lens);
    cache_settle(&c->lanes[lane->number]);
}

void cache_forget_lane(struct lane *lane)
{
    struct cache *c = lane->w->cache;

    if (!c || !c->redis)
        return;
    cache_set_dirty(&c->lanes[lane->number], true);
    cache_purge_want(&c->lanes[lane->number]);
    cache_purge_start(c);
}
