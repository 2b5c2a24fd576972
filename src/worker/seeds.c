/* What a lane in a new segment lacks: the guilds' rows and who is in voice. A resumed session
 * brings no GUILD_CREATE, so after a loss of the segment both are read back from PostgreSQL before
 * the first event of such a session is interpreted, and after what an earlier segment left in the
 * spool has been committed. Called by takeover and flush. Diagnostics: warns while a lane has to
 * wait for GraphQL (away.c). */
#include <stdlib.h>

#include "presence/log.h"
#include "worker/load.h"
#include "worker/operations.h"
#include "worker/react_parts.h"
#include "worker/worker.h"

#define RETRY_MS 500

struct request {
    struct worker *w;
    uint64_t lanes;
};

/* A guild of which the new segment has heard in a later session needs nothing of the old. */
static bool is_current(const struct worker *w, const struct shm_guild *g)
{
    return g && g->session >> 8 >= w->shm.header->epoch;
}

static struct lane *lane_of(struct worker *w, snowflake_t guild)
{
    struct lane *lane = snowflake_known(guild) ? w->lanes[route_lane(guild)] : NULL;

    return lane && lane->seeds_due ? lane : NULL;
}

static void take_guild(struct worker *w, const struct json *seed)
{
    snowflake_t guild = {json_id(json_get(seed, "guildId"))};
    struct shm_guild *g;

    if (!lane_of(w, guild) || json_bool(json_get(seed, "left"), false) ||
        is_current(w, shm_guild(&w->shm, guild, false)))
        return;
    g = shm_guild(&w->shm, guild, true);
    if (!g)
        return;
    g->afk_channel = json_id(json_get(seed, "afkChannelId"));
    g->member_count = (uint32_t)json_int(json_get(seed, "memberCount"), 0);
    g->bot_joined_ms = json_int(json_get(seed, "botJoinedMs"), 0);
    g->roster_at_ms = json_int(json_get(seed, "rosterAtMs"), 0);
    g->session = json_id(json_get(seed, "session"));
    g->flags = json_bool(json_get(seed, "available"), false) ? SHM_GUILD_AVAILABLE : 0;
}

static void take_voice(struct worker *w, const struct json *seed)
{
    struct record_voice voice = {
        .h = {.type = RECORD_VOICE},
        .guild = {json_id(json_get(seed, "guildId"))},
        .user = {json_id(json_get(seed, "userId"))},
        .channel = {json_id(json_get(seed, "channelId"))},
        .state = (uint16_t)json_int(json_get(seed, "state"), 0),
    };
    struct lane *lane = lane_of(w, voice.guild);
    const struct seen_row *row;

    if (!lane || is_current(w, shm_guild(&w->shm, voice.guild, false)))
        return;
    row = seen_find(&w->shm, voice.guild, voice.user);
    if (!row || !(row->flags & SEEN_VOICE_KNOWN))
        lane_apply(lane, &voice.h);
}

void seeds_settle(struct lane *lane)
{
    lane->fresh = lane->seeds_due = false;
    atomic_store(&lane->ring.lane->seeded, 1);
    if (ring_head(&lane->ring) == ring_tail(&lane->ring))
        lane_report_all_durable(lane);
    lane_retry_held(lane);
}

static void answered(void *arg, const struct gql_answer *answer)
{
    struct request *request = arg;
    struct worker *w = request->w;
    const struct json *guilds = json_get(answer->data, "guildSeeds"),
                      *voice = json_get(answer->data, "voiceSeeds");

    w->seeds_asked = false;
    if (answer->outcome != GQL_DONE || !json_is_array(guilds) || !json_is_array(voice)) {
        away_enter(w, answer->error ? answer->error : "an answer without seeds");
        loop_timer_set(w->seeds_timer, RETRY_MS);
        free(request);
        return;
    }
    for (const struct json *s = json_first(guilds); s; s = json_next(s))
        take_guild(w, s);
    for (const struct json *s = json_first(voice); s; s = json_next(s))
        take_voice(w, s);
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = w->lanes[i];

        if (!(request->lanes >> i & 1) || !lane || !lane->seeds_due)
            continue;
        roster_take_lane(lane);
        seeds_settle(lane);
    }
    free(request);
    away_leave(w);
    seeds_ask(w);
    load_kick(w);
    flush_all(w);
}

static void ask(void *arg)
{
    struct worker *w = arg;
    struct request *request;
    uint64_t lanes = 0;
    struct buf body;

    if (w->seeds_asked || w->done)
        return;
    buf_init(&body, 0);
    buf_puts(&body, "{\"documentId\":\"" OPERATION_GUILD_SEEDS "\",\"variables\":{\"lanes\":[");
    for (unsigned i = 0; i < LANES; i++) {
        const struct lane *lane = w->lanes[i];

        if (!lane || !lane->seeds_due || (lane->spool && !spool_empty(lane->spool)))
            continue;
        buf_printf(&body, "%s%u", lanes ? "," : "", i);
        lanes |= UINT64_C(1) << i;
    }
    buf_puts(&body, "]}}");
    if (lanes) {
        request = xmalloc(sizeof(*request));
        *request = (struct request){w, lanes};
        w->seeds_asked = true;
        gql_send(&w->gql, &body, 10000, answered, request);
    }
    buf_clear(&body);
}

void seeds_ask(struct worker *w)
{
    if (!w->seeds_timer)
        w->seeds_timer = loop_timer_new(w->loop, ask, w);
    if (!w->seeds_asked && !loop_timer_active(w->seeds_timer))
        loop_timer_set(w->seeds_timer, 0);
}
