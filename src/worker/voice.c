/* Dwell in voice: as long as a member is connected (not in the AFK channel, not deafened by his own
 * hand), present_until is raised once per voice_tick by a record. Called by lane through react, and
 * by survey after a takeover.
 * Diagnostics: none; a tick that finds no room is made good by the next one. */
#include <stdlib.h>

#include "worker/react_parts.h"

#define VOICE_TICK_MS   60000
#define RECORDS_AT_ONCE 64u

struct in_voice {
    uint64_t guild, user;
};

/* Members that were seen in voice; who has left is dropped at the next tick. */
struct voice {
    struct in_voice *list;
    size_t count, cap;
    struct loop_timer *timer;
    struct record_list records;
};

static int compare(const void *a, const void *b)
{
    const struct in_voice *x = a, *y = b;
    unsigned lane_x = route_lane((snowflake_t){x->guild}),
             lane_y = route_lane((snowflake_t){y->guild});

    if (lane_x != lane_y)
        return lane_x < lane_y ? -1 : 1;
    if (x->guild != y->guild)
        return x->guild < y->guild ? -1 : 1;
    return (x->user > y->user) - (x->user < y->user);
}

static bool counts(struct worker *w, const struct seen_row *row)
{
    snowflake_t guild = {row->guild};
    const struct shm_guild *g = shm_guild(&w->shm, guild, false);

    return g && g->session && (g->flags & SHM_GUILD_AVAILABLE) &&
           row->voice_channel != g->afk_channel && !(row->present_until & VOICE_SELF_DEAF) &&
           !(row->flags & SEEN_BOT) && roster_shard_live(w, guild);
}

static void put_present(struct voice *v, const struct seen_row *row, unixms_t now)
{
    struct record_subject *r = record_list_add(&v->records, RECORD_VOICE_PRESENT, 0, 0, 0);

    r->guild.id = row->guild;
    r->user.id = row->user;
    r->other.id = row->voice_channel;
    r->at = now;
}

static void log_records(struct worker *w, unsigned lane)
{
    struct voice *v = w->voice;

    if (v->records.count && w->lanes[lane])
        lane_append(w->lanes[lane], &v->records);
    record_list_reset(&v->records);
}

static void tick(void *arg)
{
    struct worker *w = arg;
    struct voice *v = w->voice;
    unixms_t now = clock_unix();
    unsigned lane = 0;
    size_t kept = 0;

    qsort(v->list, v->count, sizeof(*v->list), compare);
    for (size_t i = 0; i < v->count; i++) {
        struct in_voice who = v->list[i];
        snowflake_t guild = {who.guild}, user = {who.user};
        struct seen_row *row = seen_find(&w->shm, guild, user);

        if (!row || !row->voice_channel || !w->lanes[route_lane(guild)] ||
            (kept && compare(&v->list[kept - 1], &who) == 0))
            continue;
        v->list[kept++] = who;
        if (route_lane(guild) != lane || v->records.count >= RECORDS_AT_ONCE)
            log_records(w, lane);
        lane = route_lane(guild);
        if (counts(w, row))
            put_present(v, row, now);
    }
    log_records(w, lane);
    v->count = kept;
    if (kept)
        loop_timer_set(v->timer, VOICE_TICK_MS);
}

void voice_note(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct voice *v = w->voice;

    if (v->count == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 64;
        v->list = xrealloc(v->list, v->cap * sizeof(*v->list));
    }
    v->list[v->count++] = (struct in_voice){guild.id, user.id};
    if (!loop_timer_active(v->timer))
        loop_timer_set(v->timer, VOICE_TICK_MS);
}

void voice_init(struct worker *w)
{
    w->voice = xcalloc(1, sizeof(*w->voice));
    w->voice->timer = loop_timer_new(w->loop, tick, w);
    record_list_init(&w->voice->records);
}

void voice_free(struct worker *w)
{
    if (!w->voice)
        return;
    loop_timer_free(&w->voice->timer);
    record_list_clear(&w->voice->records);
    free(w->voice->list);
    free(w->voice);
    w->voice = NULL;
}
