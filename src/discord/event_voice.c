/* Voice: joins, moves, leaves and what people do with their own hands; voice states of a whole
 * guild after a (re)connection (product sheet section 4, events.md §5). Called through the event
 * table.
 *
 * The table's row holds where the member was and his state; the record built here is what changes
 * it. A bot's voice state is nobody's.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

#include <stdlib.h>

#include "presence/buf.h"

/* A voice state object. */
struct voice {
    snowflake_t user, channel;
    uint16_t state; /* VOICE_* */
    struct slice member;
};

static uint16_t bit_if(struct slice value, uint16_t bit)
{
    bool on = false;

    scan_bool(value, &on);
    return on ? bit : 0;
}

/* The hand, with 8 bits that tell one raising from the next. */
static uint16_t hand(struct slice timestamp)
{
    struct slice text = scan_raw_string(timestamp);
    unsigned hash = 0;

    if (!text.p)
        return 0;
    for (size_t i = 0; i < text.len; i++)
        hash = hash * 31 + (unsigned char)text.p[i];
    hash ^= hash >> 16;
    hash ^= hash >> 8;
    return (uint16_t)(VOICE_HAND | ((hash << 8) & VOICE_HAND_HASH));
}

static const char *voice_read(struct slice object, struct voice *v)
{
    struct slice user, channel, self_mute, self_deaf, self_video, self_stream, mute, deaf, suppress,
        raised;
    const struct scan_field fields[] = {
        SCAN_FIELD("user_id", &user),
        SCAN_FIELD("channel_id", &channel),
        SCAN_FIELD("member", &v->member),
        SCAN_FIELD("self_mute", &self_mute),
        SCAN_FIELD("self_deaf", &self_deaf),
        SCAN_FIELD("self_video", &self_video),
        SCAN_FIELD("self_stream", &self_stream),
        SCAN_FIELD("mute", &mute),
        SCAN_FIELD("deaf", &deaf),
        SCAN_FIELD("suppress", &suppress),
        SCAN_FIELD("request_to_speak_timestamp", &raised),
    };
    const char *error = FIELDS(object, fields);

    if (error)
        return error;
    v->channel = id_or_none(channel);
    v->state =
        (uint16_t)(bit_if(self_mute, VOICE_SELF_MUTE) | bit_if(self_deaf, VOICE_SELF_DEAF) |
                   bit_if(self_video, VOICE_SELF_VIDEO) | bit_if(self_stream, VOICE_SELF_STREAM) |
                   bit_if(mute, VOICE_MUTE) | bit_if(deaf, VOICE_DEAF) |
                   bit_if(suppress, VOICE_SUPPRESS) | hand(raised));
    if (!scan_is_null(channel) && !v->channel.id)
        return "channel_id: expected a snowflake or null";
    return scan_snowflake(user, &v->user) ? NULL : EXPECTED_USER_ID;
}

/* Where the table has the member. */
static void before(const struct seen_row *row, snowflake_t *channel_r, uint16_t *state_r)
{
    channel_r->id = row ? row->voice_channel : 0;
    *state_r = row && row->voice_channel ? (uint16_t)row->present_until : 0;
}

static bool is_afk(const struct job *job, snowflake_t channel)
{
    const struct shm_guild *guild = shm_guild(job->ctx->shm, job->guild, false);

    return guild && guild->afk_channel == channel.id;
}

static enum activity_kind kind_of_change(const struct job *job, const struct seen_row *row,
                                         const struct voice *v)
{
    snowflake_t from;
    uint16_t state;

    before(row, &from, &state);
    if (!v->channel.id) {
        /* Of somebody known to be out already it is no news. */
        bool known_out = row && !row->voice_channel &&
                         (row->flags & SEEN_VOICE_KNOWN || !(row->flags & SEEN_LOADING));

        return known_out ? ACTIVITY_NONE : ACTIVITY_VOICE_LEAVE;
    }
    if (!from.id)
        return ACTIVITY_VOICE_JOIN;
    if (!snowflake_equal(from, v->channel))
        return is_afk(job, v->channel) ? ACTIVITY_NONE : ACTIVITY_VOICE_MOVE;
    if ((state ^ v->state) & VOICE_OWN_MASK)
        return ACTIVITY_VOICE_SELF;
    if (v->state & VOICE_HAND && (state ^ v->state) & (VOICE_HAND | VOICE_HAND_HASH))
        return ACTIVITY_VOICE_SELF;
    return ACTIVITY_NONE;
}

static void add_voice(struct job *job, snowflake_t user, snowflake_t channel, snowflake_t previous,
                      uint16_t state, uint16_t flags)
{
    struct record_voice *r = job_add(job, RECORD_VOICE, 0);

    r->h.flags |= flags;
    r->guild = job->guild;
    r->user = user;
    r->channel = channel;
    r->previous = previous;
    r->at = job->arrival;
    r->state = state;
}

const char *event_voice_state(struct job *job)
{
    struct voice v;
    struct user user;
    const char *error = voice_read(job->d, &v);
    const struct seen_row *row;
    enum activity_kind kind;
    snowflake_t from;
    uint16_t state;

    if (!error)
        error = member_user(v.member, &user);
    if (error)
        return error;
    row = job_row(job, v.user);
    if ((row && row->flags & SEEN_BOT) || user.bot || snowflake_equal(v.user, job->ctx->self))
        return NULL;
    kind = kind_of_change(job, row, &v);
    before(row, &from, &state);
    if (kind != ACTIVITY_NONE)
        error = job_act_member(job, v.user, v.member, v.channel, kind, job->arrival);
    if (!snowflake_equal(from, v.channel) || (v.channel.id && state != v.state) ||
        kind == ACTIVITY_VOICE_LEAVE)
        add_voice(job, v.user, v.channel, from, v.channel.id ? v.state : 0, 0);
    return error;
}

/* --- a guild's voice states as a whole -------------------------------------------------------- */

static bool note_in_voice(void *arg, struct seen_row *row)
{
    struct event_ctx *ctx = arg;

    if (!row->voice_channel)
        return true;
    if (ctx->in_voice_count == ctx->in_voice_cap) {
        ctx->in_voice_cap = ctx->in_voice_cap ? ctx->in_voice_cap * 2 : 64;
        ctx->in_voice = xrealloc(ctx->in_voice, ctx->in_voice_cap * sizeof(*ctx->in_voice));
    }
    ctx->in_voice[ctx->in_voice_count++] = (struct in_voice){{row->guild}, {row->user}};
    return true;
}

/* The list made at a session's first guild serves all its guilds: nothing of a guild changes in the
 * table before its GUILD_CREATE in the new session. Whatever is listed is looked up again. */
static void list_in_voice(struct job *job, bool first_of_session)
{
    struct event_ctx *ctx = job->ctx;

    if (first_of_session && ctx->in_voice_session >= job->event->session)
        return;
    ctx->in_voice_count = 0;
    seen_each(ctx->shm, note_in_voice, ctx);
    if (job->event->session > ctx->in_voice_session)
        ctx->in_voice_session = job->event->session;
}

static int by_user(const void *a, const void *b)
{
    const struct voice *x = a, *y = b;

    return (x->user.id > y->user.id) - (x->user.id < y->user.id);
}

/* Those that the table has in voice and the guild does not left while nobody watched. present is
 * sorted. */
static void end_absent(struct job *job, const struct voice *present, size_t count)
{
    for (size_t i = 0; i < job->ctx->in_voice_count; i++) {
        const struct in_voice *was = &job->ctx->in_voice[i];
        const struct voice key = {.user = was->user};
        const struct voice *now;
        const struct seen_row *row;

        if (!snowflake_equal(was->guild, job->guild))
            continue;
        now = count ? bsearch(&key, present, count, sizeof(*present), by_user) : NULL;
        if (now && now->channel.id)
            continue;
        row = job_row(job, was->user);
        if (row && row->voice_channel)
            add_voice(job, was->user, SNOWFLAKE_NONE, (snowflake_t){row->voice_channel}, 0,
                      RECORD_ESTIMATED);
    }
}

static const char *read_states(struct slice array, struct voice **states_r, size_t *count_r)
{
    struct slice element;
    struct scan scan;
    size_t cap = 0;
    const char *error = NULL;

    *states_r = NULL;
    *count_r = 0;
    if (!scan_array(&scan, array))
        return "voice_states: expected an array";
    while (!error && scan_element(&scan, &element)) {
        if (*count_r == cap) {
            cap = cap ? cap * 2 : 64;
            *states_r = xrealloc(*states_r, cap * sizeof(**states_r));
        }
        error = voice_read(element, &(*states_r)[*count_r]);
        if (!error)
            (*count_r)++;
    }
    return error ? error : scan.error;
}

static bool is_listed(const struct id_list *list, snowflake_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (snowflake_equal(list->ids[i], id))
            return true;
    return false;
}

static const char *sync_one(struct job *job, const struct voice *v, const struct id_list *bots)
{
    const struct seen_row *row = job_row(job, v->user);
    struct user user;
    const char *error = member_user(v->member, &user);
    snowflake_t from;
    uint16_t state;

    if (error || !v->channel.id || user.bot || (row && row->flags & SEEN_BOT) ||
        snowflake_equal(v->user, job->ctx->self) || is_listed(bots, v->user))
        return error;
    before(row, &from, &state);
    if (!snowflake_equal(from, v->channel) || state != v->state)
        add_voice(job, v->user, v->channel, from, v->state, RECORD_ESTIMATED);
    job_add_subject(job, RECORD_VOICE_PRESENT, v->user, v->channel);
    return NULL;
}

const char *voice_sync(struct job *job, struct slice array, const struct id_list *bots,
                       bool first_of_session)
{
    struct voice *states;
    size_t count;
    const char *error;

    if (scan_is_null(array)) /* not told (intent refused): nothing is known */
        return NULL;
    error = read_states(array, &states, &count);
    for (size_t i = 0; i < count && !error; i++)
        error = sync_one(job, &states[i], bots);
    if (!error) {
        if (count)
            qsort(states, count, sizeof(*states), by_user);
        list_in_voice(job, first_of_session);
        end_absent(job, states, count);
        job_add_subject(job, RECORD_VOICE_SYNC, SNOWFLAKE_NONE, SNOWFLAKE_NONE);
    }
    free(states);
    return error;
}
