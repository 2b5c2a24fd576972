/* Acts on messages and in channels: reacting, voting, typing, using the bot's commands. Called
 * through the table. Diagnostics: see act.c. */
#include "sim/act.h"
#include "sim/intents.h"
#include "sim/interactions.h"
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

/* --- interactions ----------------------------------------------------------------------------- */

static void put_interaction_data(struct act *a, int type, struct buf *d)
{
    const struct json *data = json_get(a->args, "data");

    if (data) {
        json_print(data, d);
        return;
    }
    if (type == 2 || type == 4) {
        buf_puts(d, "{\"id\":\"1503335861452935170\",\"type\":1,\"name\":");
        render_string(d, act_string(a, "name", "ping"));
        if (json_get(a->args, "options")) {
            buf_puts(d, ",\"options\":");
            json_print(json_get(a->args, "options"), d);
        }
        buf_putc(d, '}');
        return;
    }
    buf_puts(d, "{\"custom_id\":");
    render_string(d, act_string(a, "custom_id", "ok"));
    buf_puts(d, type == 5 ? ",\"components\":[]}" : ",\"component_type\":2}");
}

static void act_interaction(struct act *a)
{
    int type = (int)act_int(a, "type", 2);
    char token[INTERACTION_TOKEN_SIZE];
    struct buf d, member;

    if (!act_need_channel(a) || a->slot == NONE) {
        act_fail(a, "user: not a member");
        return;
    }
    a->id = world_next_id(a->w);
    interactions_add(a->sim->interactions, a->id, type, a->guild, a->channel, a->user);
    interaction_token(a->id, token);
    buf_init(&member, 0);
    render_member_fields(a->w, a->guild, a->slot, true, &member);
    act_begin(a, &d);
    buf_puts(&d, ",\"id\":");
    render_id(&d, a->id);
    buf_puts(&d, ",\"application_id\":");
    render_id(&d, a->w->users[SELF_USER].id);
    buf_printf(&d,
               ",\"type\":%d,\"version\":1,\"token\":\"%s\",\"guild\":{\"id\":\"%llu\","
               "\"locale\":\"en-US\",\"features\":[]},\"guild_locale\":\"en-US\",\"locale\":"
               "\"en-US\",\"member\":{\"permissions\":\"%llu\",%s},\"app_permissions\":\"%llu\","
               "\"entitlements\":[],\"authorizing_integration_owners\":{\"0\":\"%llu\"},"
               "\"context\":0,\"attachment_size_limit\":10485760,\"channel_id\":\"%llu\","
               "\"channel\":",
               type, token, (unsigned long long)a->g->id,
               (unsigned long long)a->g->roles[0].permissions, buf_cstr(&member),
               (unsigned long long)a->w->permissions, (unsigned long long)a->g->id,
               (unsigned long long)act_channel_id(a));
    buf_clear(&member);
    render_channel(a->g, &a->g->channels[a->channel], true, &d);
    buf_puts(&d, ",\"data\":");
    put_interaction_data(a, type, &d);
    buf_putc(&d, '}');
    act_emit_counted(a, "INTERACTION_CREATE", 0, &d, NULL, TRUTH_INTERACTION, a->user,
                     act_channel_id(a), id_ms(a->id));
}

const struct act_kind act_reaction_kinds[] = {
    {"reaction_add", act_reaction_add},
    {"reaction_remove", act_reaction_remove},
    {"reaction_remove_all", act_reaction_remove_all},
    {"poll_vote_add", act_vote_add},
    {"poll_vote_remove", act_vote_remove},
    {"typing", act_typing},
    {"interaction", act_interaction},
    {NULL, NULL},
};
