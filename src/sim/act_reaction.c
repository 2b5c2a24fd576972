/* Acts on messages and in channels: reacting, voting, typing. Called through the table.
 * Diagnostics: see act.c. */
#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

/* --- reactions, votes, typing ----------------------------------------------------------------- */

/* guild_id, user_id, channel_id, message_id: what reactions and votes begin with. */
static bool begin_on_message(struct act *a, struct buf *d)
{
    uint64_t message = json_id(json_get(a->args, "message"));

    if (!act_need_channel(a))
        return false;
    if (!message)
        message = a->g->channels[a->channel].last_message;
    if (!message)
        message = act_channel_id(a) + 7; /* an old message nobody has cached */
    act_begin(a, d);
    buf_puts(d, ",\"user_id\":");
    render_id(d, a->w->users[a->user].id);
    buf_puts(d, ",\"channel_id\":");
    render_id(d, act_channel_id(a));
    buf_puts(d, ",\"message_id\":");
    render_id(d, message);
    return true;
}

static void finish_on_message(struct act *a, const char *type, uint32_t intent, struct buf *d,
                              enum truth_kind kind)
{
    buf_putc(d, '}');
    if (!act_channel_visible(a)) {
        buf_clear(d);
        a->sim->truth.unseen[kind]++;
        return;
    }
    act_emit_counted(a, type, intent, d, NULL, kind, a->user, act_channel_id(a), 0);
}

static void put_emoji(struct act *a, struct buf *d)
{
    buf_puts(d, ",\"type\":0,\"burst\":false,\"emoji\":{\"name\":");
    render_string(d, act_string(a, "emoji", "\xf0\x9f\x94\xa5"));
    buf_puts(d, ",\"id\":null}");
}

static void act_reaction_add(struct act *a)
{
    struct buf d;

    if (!begin_on_message(a, &d))
        return;
    if (a->slot != NONE) {
        buf_puts(&d, ",\"member\":");
        render_member(a->w, a->guild, a->slot, true, &d);
    }
    put_emoji(a, &d);
    finish_on_message(a, "MESSAGE_REACTION_ADD", INTENT_GUILD_REACTIONS, &d, TRUTH_REACTION_ADD);
}

static void act_reaction_remove(struct act *a)
{
    struct buf d;

    if (!begin_on_message(a, &d))
        return;
    put_emoji(a, &d);
    finish_on_message(a, "MESSAGE_REACTION_REMOVE", INTENT_GUILD_REACTIONS, &d,
                      TRUTH_REACTION_REMOVE);
}

static void act_reaction_remove_all(struct act *a)
{
    struct buf d;

    if (!act_need_channel(a))
        return;
    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, act_channel_id(a));
    buf_puts(&d, ",\"message_id\":");
    render_id(&d, act_channel_id(a) + 7);
    buf_putc(&d, '}');
    act_emit(a, "MESSAGE_REACTION_REMOVE_ALL", INTENT_GUILD_REACTIONS, &d, NULL);
}

static void vote(struct act *a, const char *type, enum truth_kind kind)
{
    struct buf d;

    if (!begin_on_message(a, &d))
        return;
    buf_printf(&d, ",\"answer_id\":%lld", (long long)act_int(a, "answer", 1));
    finish_on_message(a, type, INTENT_GUILD_POLLS, &d, kind);
}

static void act_vote_add(struct act *a)
{
    vote(a, "MESSAGE_POLL_VOTE_ADD", TRUTH_POLL_VOTE_ADD);
}

static void act_vote_remove(struct act *a)
{
    vote(a, "MESSAGE_POLL_VOTE_REMOVE", TRUTH_POLL_VOTE_REMOVE);
}

static void act_typing(struct act *a)
{
    int64_t seconds = a->now_ms / 1000;
    struct buf d;

    if (!act_need_channel(a))
        return;
    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, act_channel_id(a));
    buf_puts(&d, ",\"user_id\":");
    render_id(&d, a->w->users[a->user].id);
    buf_printf(&d, ",\"timestamp\":%lld", (long long)seconds);
    if (a->slot != NONE) {
        buf_puts(&d, ",\"member\":");
        render_member(a->w, a->guild, a->slot, true, &d);
    }
    buf_putc(&d, '}');
    if (!act_channel_visible(a)) {
        buf_clear(&d);
        a->sim->truth.unseen[TRUTH_TYPING]++;
        return;
    }
    act_emit_counted(a, "TYPING_START", INTENT_GUILD_TYPING, &d, NULL, TRUTH_TYPING, a->user,
                     act_channel_id(a), seconds * 1000);
}

const struct act_kind act_reaction_kinds[] = {
    {"reaction_add", act_reaction_add},
    {"reaction_remove", act_reaction_remove},
    {"reaction_remove_all", act_reaction_remove_all},
    {"poll_vote_add", act_vote_add},
    {"poll_vote_remove", act_vote_remove},
    {"typing", act_typing},
    {NULL, NULL},
};
