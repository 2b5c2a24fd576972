/* Acts in voice channels. Called through the table.
 * Diagnostics: see act.c. */
#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

static void emit_voice(struct act *a, enum truth_kind kind, uint64_t channel_id)
{
    struct buf d;

    buf_init(&d, 0);
    render_voice_state(a->w, a->guild, a->slot, true, &d);
    act_emit_counted(a, "VOICE_STATE_UPDATE", INTENT_GUILD_VOICE_STATES, &d, NULL, kind, a->user,
                     channel_id, 0);
}

static uint64_t voice_channel_id(struct act *a)
{
    return act_member(a)->voice_channel ? a->g->channels[act_member(a)->voice_channel - 1].id : 0;
}

/* The voice channel asked for, else the first that the member is not in. */
static uint32_t pick_voice(struct act *a)
{
    if (json_get(a->args, "channel"))
        return channel_is_voice(&a->g->channels[a->channel]) ? a->channel : NONE;
    for (uint32_t i = 0; i < a->g->n_channels; i++)
        if (channel_is_voice(&a->g->channels[i]) && !a->g->channels[i].gone &&
            i != a->g->afk_channel && i + 1 != act_member(a)->voice_channel)
            return i;
    return NONE;
}

static void enter_voice(struct act *a, enum truth_kind kind)
{
    uint32_t channel = pick_voice(a);
    struct member *m = act_member(a);

    if (channel == NONE) {
        act_fail(a, "channel: not a voice channel");
        return;
    }
    if (kind == TRUTH_VOICE_MOVE)
        truth_voice_close(&a->sim->truth, m->voice_session, a->now_ms);
    else
        m->voice_flags = act_bool(a, "self_mute", false) ? VOICE_IS_SELF_MUTE : 0;
    if (kind == TRUTH_VOICE_MOVE && channel == a->g->afk_channel)
        kind = TRUTH_NONE; /* the AFK timer's work, as far as anybody can tell */
    a->channel = channel;
    m->voice_channel = (uint16_t)(channel + 1);
    m->hand_ms = 0;
    m->voice_session =
        truth_voice_open(&a->sim->truth, a->guild, a->user, a->g->channels[channel].id, a->now_ms);
    emit_voice(a, kind, voice_channel_id(a));
}

static void act_voice_join(struct act *a)
{
    if (!act_need_member(a))
        return;
    if (act_member(a)->voice_channel)
        act_fail(a, "user: is in a voice channel already");
    else
        enter_voice(a, TRUTH_VOICE_JOIN);
}

static void act_voice_move(struct act *a)
{
    if (!act_need_member(a))
        return;
    if (!act_member(a)->voice_channel)
        act_fail(a, "user: is in no voice channel");
    else
        enter_voice(a, TRUTH_VOICE_MOVE);
}

/* A leaving event has no channel of its own. */
void act_voice_leave(struct act *a)
{
    if (!act_need_member(a))
        return;
    if (!act_member(a)->voice_channel) {
        act_fail(a, "user: is in no voice channel");
        return;
    }
    act_member(a)->voice_channel = 0;
    act_member(a)->voice_flags = 0;
    act_member(a)->hand_ms = 0;
    truth_voice_close(&a->sim->truth, act_member(a)->voice_session, a->now_ms);
    act_member(a)->voice_session = NONE;
    a->channel = NONE;
    emit_voice(a, TRUTH_VOICE_LEAVE, 0);
}

static uint16_t with_flag(const struct act *a, const char *key, uint16_t flags, uint16_t bit)
{
    const struct json *j = json_get(a->args, key);

    if (!json_is_bool(j))
        return flags;
    return (uint16_t)(json_bool(j, false) ? flags | bit : flags & ~bit);
}

static bool need_voice(struct act *a)
{
    if (act_need_member(a) && !act_member(a)->voice_channel)
        act_fail(a, "user: is in no voice channel");
    if (!a->error)
        a->channel = act_member(a)->voice_channel - 1u;
    return !a->error;
}

/* The member's own switches; without arguments self_mute is flipped. */
static void act_voice_self(struct act *a)
{
    uint16_t before, after;

    if (!need_voice(a))
        return;
    before = after = act_member(a)->voice_flags;
    after = with_flag(a, "self_mute", after, VOICE_IS_SELF_MUTE);
    after = with_flag(a, "self_deaf", after, VOICE_IS_SELF_DEAF);
    after = with_flag(a, "self_video", after, VOICE_IS_SELF_VIDEO);
    after = with_flag(a, "self_stream", after, VOICE_IS_SELF_STREAM);
    if (json_size(a->args) == 0 || (after == before && !json_get(a->args, "self_mute")))
        after ^= VOICE_IS_SELF_MUTE;
    act_member(a)->voice_flags = after;
    emit_voice(a, after != before ? TRUTH_VOICE_SELF : TRUTH_NONE, voice_channel_id(a));
}

static void act_voice_hand(struct act *a)
{
    bool up = act_bool(a, "up", true);

    if (!need_voice(a))
        return;
    act_member(a)->hand_ms = up ? a->now_ms : 0;
    emit_voice(a, up ? TRUTH_VOICE_SELF : TRUTH_NONE, voice_channel_id(a));
}

/* What a moderator does to somebody: nobody's act. */
static void act_voice_server(struct act *a)
{
    uint16_t flags;

    if (!need_voice(a))
        return;
    flags = act_member(a)->voice_flags;
    flags = with_flag(a, "mute", flags, VOICE_IS_MUTE);
    flags = with_flag(a, "deaf", flags, VOICE_IS_DEAF);
    flags = with_flag(a, "suppress", flags, VOICE_IS_SUPPRESS);
    if (flags == act_member(a)->voice_flags)
        flags ^= VOICE_IS_MUTE;
    act_member(a)->voice_flags = flags;
    emit_voice(a, TRUTH_NONE, 0);
}

/* Discord sends this only to a bot that sits in the channel; the act pretends so. */
static void act_voice_effect(struct act *a)
{
    struct buf d;

    if (!need_voice(a))
        return;
    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, voice_channel_id(a));
    buf_puts(&d, ",\"user_id\":");
    render_id(&d, a->w->users[a->user].id);
    buf_puts(&d, ",\"emoji\":{\"id\":null,\"name\":\"\xf0\x9f\xa6\x86\"},\"animation_type\":1,"
                 "\"animation_id\":3}");
    act_emit_counted(a, "VOICE_CHANNEL_EFFECT_SEND", INTENT_GUILD_VOICE_STATES, &d, NULL,
                     TRUTH_VOICE_EFFECT, a->user, voice_channel_id(a), 0);
}

const struct act_kind act_voice_kinds[] = {
    {"voice_join", act_voice_join},     {"voice_move", act_voice_move},
    {"voice_leave", act_voice_leave},   {"voice_self", act_voice_self},
    {"voice_hand", act_voice_hand},     {"voice_server", act_voice_server},
    {"voice_effect", act_voice_effect}, {NULL, NULL},
};
