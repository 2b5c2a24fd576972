/* Rows in LOADING: who asks, in which order (cache, then GraphQL), and the merge. Called by lane
 * for inserted rows; tells react when a member's state is known. Diagnostics: none of its own; an
 * absent GraphQL is away.c's business. */
#include "worker/load.h"

#include <stdlib.h>
#include <string.h>

#include "presence/activity.h"
#include "presence/log.h"
#include "worker/cache.h"
#include "worker/operations.h"
#include "worker/react.h"

#define KEYS_PER_REQUEST 1000u
#define REQUESTS_MAX     2u
#define GATHER_MS        20 /* misses come in bursts */
#define RETRY_MS         1000

struct load_list {
    struct load_key *keys;
    size_t n, cap;
};

struct load {
    struct worker *w;
    struct load_list fresh; /* not asked yet */
    struct load_list store; /* the cache knew nothing: ask GraphQL */
    unsigned under_way;
    struct loop_timer *timer;
};

struct load_request {
    struct worker *w;
    size_t n;
    struct load_key keys[];
};

static void push(struct load_list *list, struct load_key key)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 256;
        list->keys = xrealloc(list->keys, list->cap * sizeof(*list->keys));
    }
    list->keys[list->n++] = key;
}

static void drop_front(struct load_list *list, size_t n)
{
    memmove(list->keys, list->keys + n, (list->n - n) * sizeof(*list->keys));
    list->n -= n;
}

static struct lane *lane_of(struct worker *w, struct load_key key)
{
    return w->lanes[route_lane(key.guild)];
}

static void loaded(struct lane *lane, struct seen_row *row, const struct seen_seed *seed)
{
    seen_merge(&lane->w->shm, row, seed);
    cache_loaded(lane, row);
    react_loaded(lane, row);
    known_now(lane);
}

void load_done(struct worker *w, struct load_key key, const struct seen_seed *seed)
{
    struct lane *lane = lane_of(w, key);
    struct seen_row *row = lane ? seen_find(&w->shm, key.guild, key.user) : NULL;

    if (row && row->flags & SEEN_LOADING)
        loaded(lane, row, seed ? seed : &(struct seen_seed){.bot = -1});
}

/* --- GraphQL --------------------------------------------------------------------------------- */

static uint16_t kind_of(const struct json *j)
{
    const char *name = json_string(j, NULL);

    for (uint16_t i = 0; name && i < ACTIVITY_KINDS; i++)
        if (activity_infos[i].graphql_name && !strcmp(activity_infos[i].graphql_name, name))
            return i;
    return ACTIVITY_NONE;
}

static unixms_t time_of(const struct json *seed, const char *key)
{
    return (unixms_t){json_int(json_get(seed, key), 0)};
}

static void take_seed(struct worker *w, const struct json *j)
{
    const struct json *bot = json_get(j, "bot");
    struct seen_seed seed = {
        .guild = {json_id(json_get(j, "guildId"))},
        .user = {json_id(json_get(j, "userId"))},
        .seen = time_of(j, "lastSeenMs"),
        .counted = time_of(j, "lastCountedMs"),
        .present_until = time_of(j, "presentUntilMs"),
        .last_edit = time_of(j, "lastEditMs"),
        .seen_kind = kind_of(json_get(j, "lastSeenKind")),
        .counted_kind = kind_of(json_get(j, "lastCountedKind")),
        .bot = json_is_bool(bot) ? (int8_t)json_bool(bot, false) : -1,
        .on_roster = json_bool(json_get(j, "onRoster"), false),
        .voice_channel = {json_id(json_get(j, "voiceChannelId"))},
        .voice_state = (uint16_t)json_int(json_get(j, "voiceState"), 0),
        .pending = json_bool(json_get(j, "pending"), false),
        .member_flags = (uint32_t)json_int(json_get(j, "flags"), 0),
        .avatar_hash = (uint32_t)json_id(json_get(j, "avatarHash")),
    };

    load_done(w, (struct load_key){.guild = seed.guild, .user = seed.user}, &seed);
}

static void seeds_answered(void *arg, const struct gql_answer *answer)
{
    struct load_request *request = arg;
    struct worker *w = request->w;

    const struct json *seeds = json_get(answer->data, "memberSeeds");

    w->load->under_way--;
    if (answer->outcome == GQL_DONE && json_is_array(seeds)) {
        for (const struct json *j = json_first(seeds); j; j = json_next(j))
            take_seed(w, j);
        /* Who is not in the answer is not known: there is nothing to wait for. */
        for (size_t i = 0; i < request->n; i++)
            load_done(w, request->keys[i], NULL);
    } else {
        if (answer->outcome == GQL_REFUSED)
            log_error("seeds_refused", "%s", answer->error);
        else
            away_enter(w, answer->error ? answer->error : "an answer without seeds");
        for (size_t i = 0; i < request->n; i++)
            push(&w->load->store, request->keys[i]);
        if (!loop_timer_active(w->load->timer))
            loop_timer_set(w->load->timer, RETRY_MS);
    }
    free(request);
    if (!w->away)
        load_kick(w);
}

static void ask_graphql(struct worker *w)
{
    struct load_list *list = &w->load->store;
    size_t n = list->n < KEYS_PER_REQUEST ? list->n : KEYS_PER_REQUEST;
    struct load_request *request = xmalloc(sizeof(*request) + n * sizeof(request->keys[0]));
    struct buf body;

    request->w = w;
    request->n = n;
    memcpy(request->keys, list->keys, n * sizeof(request->keys[0]));
    drop_front(list, n);
    buf_init(&body, 0);
    buf_puts(&body, "{\"documentId\":\"" OPERATION_MEMBER_SEEDS "\",\"variables\":{\"keys\":[");
    for (size_t i = 0; i < n; i++) {
        buf_puts(&body, i ? ",{\"guildId\":\"" : "{\"guildId\":\"");
        buf_put_u64(&body, request->keys[i].guild.id);
        buf_puts(&body, "\",\"userId\":\"");
        buf_put_u64(&body, request->keys[i].user.id);
        buf_puts(&body, "\"}");
    }
    buf_puts(&body, "]}}");
    w->load->under_way++;
    gql_send(&w->gql, &body, 10000, seeds_answered, request);
    buf_clear(&body);
}

void load_from_graphql(struct worker *w, const struct load_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        push(&w->load->store, keys[i]);
    if (n)
        load_kick(w);
}

/* --- the order ------------------------------------------------------------------------------- */

/* Whether all that was recorded of the member since the segment was made has gone into a row. */
static bool never_without_room(const struct worker *w, struct load_key key)
{
    return atomic_load(&w->shm.header->counters[SHM_COUNT_NO_ROOM].value) == 0 ||
           !seen_let_go(&w->shm, key.guild, key.user);
}

/* Where nothing was ever recorded there is nothing to read: a first start with a million members
 * asks nobody. Rows that were evicted since are in the store. */
static bool nothing_to_read(struct worker *w, struct load_key key)
{
    const struct lane *lane = lane_of(w, key);

    return lane && lane->virgin && !seen_let_go(&w->shm, key.guild, key.user);
}

/* Whether the store has what the row may lack. A row that was evicted was committed before; but a
 * member who found no room in the table, and what a spool of an earlier segment holds, are in the
 * lane alone until it is committed. */
static bool store_has_all(struct worker *w, struct load_key key)
{
    const struct lane *lane = lane_of(w, key);
    bool spooled, here;

    if (!lane)
        return true;
    spooled = lane->spool && !spool_empty(lane->spool);
    here = lane->pg_known && lane->pg_epoch == w->shm.header->epoch;
    if (!spooled && ring_head(&lane->ring) == ring_tail(&lane->ring))
        return true;
    if (never_without_room(w, key) && (here || !spooled))
        return true;
    return here && lane->pg_pos >= key.after;
}

/* Before the lane's answer is in nobody knows whether there is anything to read. */
static bool lane_unknown(struct worker *w, struct load_key key)
{
    const struct lane *lane = lane_of(w, key);

    return lane && lane->fresh;
}

static void sort_out(struct worker *w)
{
    struct load_list *fresh = &w->load->fresh;
    size_t kept = 0;

    for (size_t i = 0; i < fresh->n; i++) {
        struct load_key key = fresh->keys[i];

        if (lane_unknown(w, key) || !store_has_all(w, key))
            fresh->keys[kept++] = key;
        else if (nothing_to_read(w, key))
            load_done(w, key, NULL);
        else if (lane_of(w, key) && !cache_ask(w, key))
            push(&w->load->store, key);
    }
    fresh->n = kept;
}

static void go_on(void *arg)
{
    struct worker *w = arg;

    sort_out(w);
    while (w->load->store.n > 0 && w->load->under_way < REQUESTS_MAX && !w->away)
        ask_graphql(w);
}

void load_kick(struct worker *w)
{
    if ((w->load->store.n || w->load->fresh.n) && !loop_timer_active(w->load->timer))
        loop_timer_set(w->load->timer, 0);
}

void load_row(struct lane *lane, struct seen_row *row)
{
    struct worker *w = lane->w;
    struct load_key key = {
        .guild = {row->guild}, .user = {row->user}, .after = ring_head(&lane->ring)};

    shm_count(&w->shm, SHM_COUNT_MISSES, 1);
    if (!lane_unknown(w, key) && nothing_to_read(w, key) && store_has_all(w, key)) {
        loaded(lane, row, &(struct seen_seed){.bot = -1});
        return;
    }
    push(&w->load->fresh, key);
    if (!loop_timer_active(w->load->timer))
        loop_timer_set(w->load->timer, GATHER_MS);
}

void load_init(struct worker *w)
{
    w->load = xcalloc(1, sizeof(*w->load));
    w->load->w = w;
    w->load->timer = loop_timer_new(w->loop, go_on, w);
}

void load_free(struct worker *w)
{
    if (!w->load)
        return;
    loop_timer_free(&w->load->timer);
    free(w->load->fresh.keys);
    free(w->load->store.keys);
    free(w->load);
    w->load = NULL;
}
