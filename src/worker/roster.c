/* Catalogues: the whole member list of a guild by op 8 (Discord gateway.md §13), after each
 * GUILD_CREATE. One request per guild and 30 s, a few guilds at a time; chunks may come in any
 * order and be lost with their session. The state that matters lies in the guild's shared row
 * (roster_begin_ms), so that a successor starts an unfinished catalogue again. Without the intent
 * GUILD_MEMBERS there are none. Called by react.
 * Diagnostics: informs when a catalogue is complete, warns when one has to be asked for again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/order.h"
#include "worker/react_parts.h"

#define INTENT_GUILD_MEMBERS (1u << 1)
#define IN_FLIGHT_MAX        8u
#define MEMBERS_MAX          10000u /* asked for at a time; a larger guild goes alone */
#define PER_GUILD_MS         30500  /* Discord: one whole list per guild and 30 s */
#define CHUNK_PATIENCE_MS    20000
#define CHUNKS_MAX           100000u
#define ROOM_MS              200

enum roster_state {
    ROSTER_WAITING, /* for its turn, its time, the intent, the shard */
    ROSTER_ASKED,   /* chunks are coming */
    ROSTER_FULL     /* all are in; the closing record waits for room */
};

struct roster {
    struct roster *next;
    snowflake_t guild;
    enum roster_state state;
    int64_t not_before_ms; /* monotonic */
    int64_t asked_ms;      /* monotonic; 0 = never */
    int64_t heard_ms;      /* monotonic: last chunk */
    int64_t begin_ms;      /* wall clock of the request */
    unsigned tries;
    char nonce[33];
    uint32_t chunks, chunks_seen;
    unsigned char *seen;  /* a byte per chunk */
    snowflake_t *unknown; /* who acted meanwhile: the catalogue should tell what they are */
    size_t n_unknown, cap_unknown;
};

struct rosters {
    struct worker *w;
    struct roster *list;
    struct loop_timer *timer;
    unsigned counter; /* of nonces */
    struct {
        uint64_t session;
        uint32_t intents;
        uint16_t state;
        bool known;
    } shards[SHM_SHARDS_MAX];
    unsigned n_shards; /* 0 = not told yet */
};

static void go_on(void *arg);

static struct roster *find(const struct rosters *all, snowflake_t guild)
{
    for (struct roster *r = all->list; r; r = r->next)
        if (snowflake_equal(r->guild, guild))
            return r;
    return NULL;
}

static struct shm_guild *guild_row(struct rosters *all, snowflake_t guild)
{
    return shm_guild(&all->w->shm, guild, false);
}

static void kick(struct rosters *all)
{
    loop_timer_set(all->timer, 0);
}

static void reset(struct roster *r)
{
    free(r->seen);
    r->seen = NULL;
    r->chunks = r->chunks_seen = 0;
    r->nonce[0] = '\0';
    r->state = ROSTER_WAITING;
}

/* What came until now is void; Discord's pause goes on. */
static void ask_later(struct roster *r)
{
    r->not_before_ms = r->asked_ms ? r->asked_ms + PER_GUILD_MS : 0;
    reset(r);
}

static struct roster *unlink_from(struct rosters *all, snowflake_t guild)
{
    for (struct roster **at = &all->list; *at; at = &(*at)->next)
        if (snowflake_equal((*at)->guild, guild)) {
            struct roster *r = *at;

            *at = r->next;
            return r;
        }
    return NULL;
}

static void free_roster(struct roster *r)
{
    free(r->seen);
    free(r->unknown);
    free(r);
}

/* The lane went: whatever is still open its next owner finds in the table. */
static void drop(struct rosters *all, snowflake_t guild)
{
    struct roster *r = unlink_from(all, guild);

    if (r)
        free_roster(r);
}

/* No chunk comes any more: whoever is still of unknown kind is looked up. */
static void conclude(struct rosters *all, snowflake_t guild, const char *failure)
{
    struct roster *r = unlink_from(all, guild);

    if (!r)
        return;
    order_catalogued(all->w, guild, failure);
    for (size_t i = 0; i < r->n_unknown; i++)
        lookup_untold(all->w, guild, r->unknown[i]);
    free_roster(r);
}

/* --- shards ---------------------------------------------------------------------------------- */

static unsigned shard_of(const struct rosters *all, snowflake_t guild)
{
    return route_shard(guild, all->n_shards) % SHM_SHARDS_MAX;
}

bool roster_shard_live(const struct worker *w, snowflake_t guild)
{
    const struct rosters *all = w->rosters;

    return all->n_shards && all->shards[shard_of(all, guild)].state == SHARD_LIVE;
}

uint32_t roster_intents(const struct worker *w, snowflake_t guild)
{
    const struct rosters *all = w->rosters;

    return all->n_shards ? all->shards[shard_of(all, guild)].intents : 0;
}

static bool intent_refused(const struct rosters *all, snowflake_t guild)
{
    unsigned shard;

    if (!all->n_shards)
        return false;
    shard = shard_of(all, guild);
    return all->shards[shard].known && all->shards[shard].state == SHARD_LIVE &&
           !(all->shards[shard].intents & INTENT_GUILD_MEMBERS);
}

void roster_gateway(struct worker *w, const struct msg_gateway_state *s)
{
    struct rosters *all = w->rosters;
    bool new_session;

    if (s->shard >= SHM_SHARDS_MAX || s->shards == 0)
        return;
    all->n_shards = s->shards;
    new_session = all->shards[s->shard].known && all->shards[s->shard].session != s->session;
    all->shards[s->shard].session = s->session;
    all->shards[s->shard].intents = s->intents;
    all->shards[s->shard].state = s->state;
    all->shards[s->shard].known = true;
    /* Chunks under way are lost with their session. */
    for (struct roster *r = all->list; new_session && r; r = r->next)
        if (r->state == ROSTER_ASKED && shard_of(all, r->guild) == s->shard)
            ask_later(r);
    kick(all);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void ask(struct rosters *all, struct roster *r, int64_t now_ms)
{
    struct msg_gateway_send head = {.guild = r->guild.id};
    struct shm_guild *g = guild_row(all, r->guild);
    char payload[200];
    int n;

    reset(r);
    r->state = ROSTER_ASKED;
    r->asked_ms = r->heard_ms = now_ms;
    r->begin_ms = clock_unix().ms;
    r->tries++;
    if (g) {
        g->roster_begin_ms = r->begin_ms;
        g->flags |= SHM_GUILD_ASKED;
    }
    snprintf(r->nonce, sizeof(r->nonce), "p%x-%x", all->w->generation, ++all->counter);
    n = snprintf(payload, sizeof(payload),
                 "{\"op\":8,\"d\":{\"guild_id\":\"%llu\",\"query\":\"\",\"limit\":0,"
                 "\"presences\":false,\"nonce\":\"%s\"}}",
                 (unsigned long long)r->guild.id, r->nonce);
    ipc_send(all->w->ipc, MSG_GATEWAY_SEND, (uint16_t)route_lane(r->guild), &head, sizeof(head),
             payload, (size_t)n);
}

static int close_list(struct rosters *all, struct roster *r)
{
    struct lane *lane = all->w->lanes[route_lane(r->guild)];
    struct record_list list;
    struct record_subject *end;
    int bad;

    if (!lane)
        return 0;
    record_list_init(&list);
    end = record_list_add(&list, RECORD_ROSTER_END, 0, 0, 0);
    end->guild = r->guild;
    end->at.ms = r->begin_ms;
    bad = lane_append(lane, &list);
    record_list_clear(&list);
    return bad;
}

static void sooner(int64_t *soonest_ms, int64_t ms)
{
    if (*soonest_ms < 0 || ms < *soonest_ms)
        *soonest_ms = ms;
}

static void check_asked(struct roster *r, int64_t now_ms, int64_t *soonest_ms)
{
    int64_t pause_ms = PER_GUILD_MS << (r->tries > 4 ? 4 : r->tries - 1);

    if (now_ms - r->heard_ms < CHUNK_PATIENCE_MS) {
        sooner(soonest_ms, r->heard_ms + CHUNK_PATIENCE_MS - now_ms);
        return;
    }
    log_warn("roster_silent", "guild %llu: %u of %u chunks came; asking again",
             (unsigned long long)r->guild.id, r->chunks_seen, r->chunks);
    r->not_before_ms = r->asked_ms + pause_ms;
    reset(r);
}

static void finish(struct rosters *all, struct roster *r)
{
    snowflake_t guild = r->guild;

    log_info("roster_complete", "guild %llu, %u chunks", (unsigned long long)guild.id, r->chunks);
    conclude(all, guild, NULL);
}

/* Drops what cannot be: lanes that went, an intent that was refused. */
static bool drop_void(struct rosters *all, const struct roster *r)
{
    struct shm_guild *g;

    if (!all->w->lanes[route_lane(r->guild)]) {
        drop(all, r->guild);
        return true;
    }
    if (!intent_refused(all, r->guild))
        return false;
    g = guild_row(all, r->guild);
    if (g) {
        g->roster_begin_ms = 0;
        g->flags &= ~SHM_GUILD_ASKED;
    }
    conclude(all, r->guild, "the intent GUILD_MEMBERS is refused");
    return true;
}

/* What is asked for comes at once and lies in queues until it is recorded: not much at a time. */
struct load_now {
    unsigned catalogues;
    uint64_t members;
};

static uint64_t members_of(struct rosters *all, const struct roster *r)
{
    const struct shm_guild *g = guild_row(all, r->guild);

    return g ? g->member_count : 0;
}

static bool has_room(struct rosters *all, const struct load_now *now, const struct roster *r)
{
    return now->catalogues == 0 ||
           (now->catalogues < IN_FLIGHT_MAX && now->members + members_of(all, r) <= MEMBERS_MAX);
}

static void count_in(struct rosters *all, struct load_now *now, const struct roster *r)
{
    now->catalogues++;
    now->members += members_of(all, r);
}

static void ask_next(struct rosters *all, struct load_now *now, int64_t now_ms, int64_t *soonest_ms)
{
    for (struct roster *r = all->list; r; r = r->next) {
        if (r->state != ROSTER_WAITING || !roster_shard_live(all->w, r->guild))
            continue;
        if (r->not_before_ms > now_ms) {
            sooner(soonest_ms, r->not_before_ms - now_ms);
            continue;
        }
        if (!has_room(all, now, r))
            return;
        ask(all, r, now_ms);
        count_in(all, now, r);
        sooner(soonest_ms, CHUNK_PATIENCE_MS);
    }
}

static void go_on(void *arg)
{
    struct rosters *all = arg;
    int64_t now_ms = clock_mono().ms, soonest_ms = -1;
    struct load_now now = {0};
    struct roster *next;

    for (struct roster *r = all->list; r; r = next) {
        next = r->next;
        if (drop_void(all, r))
            continue;
        if (r->state == ROSTER_FULL) {
            if (close_list(all, r))
                sooner(&soonest_ms, ROOM_MS);
            else
                finish(all, r);
            continue;
        }
        if (r->state == ROSTER_ASKED)
            check_asked(r, now_ms, &soonest_ms);
        if (r->state == ROSTER_ASKED)
            count_in(all, &now, r);
    }
    ask_next(all, &now, now_ms, &soonest_ms);
    if (soonest_ms >= 0)
        loop_timer_set(all->timer, soonest_ms);
}

/* --- events ---------------------------------------------------------------------------------- */

/* Monotonic: when Discord will give the guild's list again to us or to whoever had the lane before.
 */
static int64_t earliest_ms(const struct shm_guild *g)
{
    int64_t asked_ms = g ? g->roster_at_ms : 0, ago_ms;

    if (g && g->flags & SHM_GUILD_ASKED && g->roster_begin_ms > asked_ms)
        asked_ms = g->roster_begin_ms;
    ago_ms = clock_unix().ms - asked_ms;
    return ago_ms >= 0 && ago_ms < PER_GUILD_MS ? clock_mono().ms + PER_GUILD_MS - ago_ms : 0;
}

void roster_want(struct lane *lane, snowflake_t guild)
{
    struct rosters *all = lane->w->rosters;
    struct roster *r = find(all, guild), **end = &all->list;
    struct shm_guild *g = guild_row(all, guild);

    if (!r) {
        r = xcalloc(1, sizeof(*r));
        r->guild = guild;
        r->not_before_ms = earliest_ms(g);
        while (*end)
            end = &(*end)->next;
        *end = r;
    } else {
        /* Began before what made it necessary again. */
        ask_later(r);
    }
    if (g && !g->roster_begin_ms)
        g->roster_begin_ms = clock_unix().ms;
    kick(all);
}

void roster_chunk(struct lane *lane, const struct event_result *result)
{
    struct rosters *all = lane->w->rosters;
    struct roster *r = find(all, result->guild);

    if (!r || r->state != ROSTER_ASKED || strcmp(r->nonce, result->nonce) ||
        result->chunk_count == 0 || result->chunk_count > CHUNKS_MAX ||
        result->chunk_index >= result->chunk_count)
        return;
    if (!r->seen) {
        r->chunks = result->chunk_count;
        r->seen = xcalloc(r->chunks, 1);
    }
    if (result->chunk_count != r->chunks || r->seen[result->chunk_index])
        return;
    r->heard_ms = clock_mono().ms;
    r->seen[result->chunk_index] = 1;
    if (++r->chunks_seen < r->chunks)
        return;
    r->state = ROSTER_FULL;
    kick(all);
}

void roster_limited(struct worker *w, const struct event_result *result)
{
    struct roster *r = find(w->rosters, result->guild);

    if (!r || (result->nonce[0] && strcmp(r->nonce, result->nonce)))
        return;
    log_warn("roster_limited", "guild %llu: asked too early; again in %lld ms",
             (unsigned long long)r->guild.id, (long long)result->retry_after_ms);
    r->not_before_ms = clock_mono().ms + result->retry_after_ms + 500;
    reset(r);
    kick(w->rosters);
}

void roster_forget(struct worker *w, snowflake_t guild)
{
    conclude(w->rosters, guild, "the guild is gone");
}

bool roster_will_tell(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct roster *r = find(w->rosters, guild);

    if (!r)
        return false;
    if (r->n_unknown == r->cap_unknown) {
        r->cap_unknown = r->cap_unknown ? r->cap_unknown * 2 : 16;
        r->unknown = xrealloc(r->unknown, r->cap_unknown * sizeof(*r->unknown));
    }
    r->unknown[r->n_unknown++] = user;
    return true;
}

/* --- lanes ----------------------------------------------------------------------------------- */

void roster_take_lane(struct lane *lane)
{
    struct worker *w = lane->w;
    struct shm_guild *rows = shm_at(&w->shm, w->shm.header->guilds_offset);

    for (uint64_t i = 0; i < w->shm.header->guilds; i++) {
        snowflake_t guild = {rows[i].guild};

        if (!guild.id || route_lane(guild) != lane->number || rows[i].flags & SHM_GUILD_LEFT)
            continue;
        if (rows[i].roster_begin_ms ||
            (rows[i].session && rows[i].roster_session != rows[i].session))
            roster_want(lane, guild);
    }
}

void roster_forget_lane(struct lane *lane)
{
    struct rosters *all = lane->w->rosters;
    struct roster *next;

    for (struct roster *r = all->list; r; r = next) {
        next = r->next;
        if (route_lane(r->guild) == lane->number)
            drop(all, r->guild);
    }
}

void roster_init(struct worker *w)
{
    w->rosters = xcalloc(1, sizeof(*w->rosters));
    w->rosters->w = w;
    w->rosters->timer = loop_timer_new(w->loop, go_on, w->rosters);
}

void roster_free(struct worker *w)
{
    struct rosters *all = w->rosters;

    if (!all)
        return;
    while (all->list)
        drop(all, all->list->guild);
    loop_timer_free(&all->timer);
    free(all);
    w->rosters = NULL;
}
