/* Acts around messages: writing, editing, reacting, voting, typing, commands, direct messages.
 * Called through the table.
 * Diagnostics: see act.c. */
#include <stdio.h>
#include <string.h>

#include "presence/snowflake.h"
#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

#define AN_HOUR (UINT64_C(3600000) << 22)

/* Discord shows content without the intent too if the bot is mentioned or wrote it. */
static bool content_exempt(const struct message_view *v)
{
    return v->guild == NONE || v->target == SELF_USER || v->user == SELF_USER;
}

/* Dispatches v; the view's guild decides between guild and direct messages. */
static void emit_message(struct act *a, const char *type, struct message_view *v,
                         enum truth_kind kind, uint32_t credited, int64_t own_ms)
{
    bool direct = v->guild == NONE;
    struct buf full, bare;

    v->in_event = v->with_content = true;
    buf_init(&full, 0);
    buf_init(&bare, 0);
    render_message(a->w, v, &full);
    v->with_content = content_exempt(v);
    render_message(a->w, v, &bare);
    a->id = v->id;
    if (direct) {
        a->got = sim_dispatch(a->sim, NONE, INTENT_DIRECT_MESSAGES,
                              stored_new(a->sim, type, &full, &bare));
        return;
    }
    if (!act_channel_visible(a)) {
        buf_clear(&full);
        buf_clear(&bare);
        a->sim->truth.unseen[kind]++;
        return;
    }
    act_emit_counted(a, type, INTENT_GUILD_MESSAGES, &full, &bare, kind, credited,
                     kind ? act_channel_id(a) : 0, own_ms);
}

/* A message that is age_ms old; below 0: of the time to come, as an earlier clock sees it. */
static uint64_t new_id(struct act *a)
{
    return world_next_id(a->w) - ((uint64_t)act_int(a, "age_ms", 0) << 22);
}

static struct message_view new_view(struct act *a)
{
    struct message_view v = {.id = new_id(a),
                             .guild = a->guild,
                             .channel = a->channel,
                             .user = a->user,
                             .metadata_user = NONE,
                             .target = NONE,
                             .content = act_string(a, "content", "Good morning, everybody!"),
                             .type = (int)act_int(a, "type", 0),
                             .flags = (int)act_int(a, "flags", 0),
                             .nonce = act_string(a, "nonce", NULL)};

    if (json_get(a->args, "mention"))
        v.target = act_find_user(a, "mention");
    if (act_bool(a, "mention_bot", false))
        v.target = SELF_USER;
    return v;
}

/* What a message of this type by a person counts as: product rules, written from the sheet. */
static enum truth_kind kind_of_type(int type)
{
    switch (type) {
    case 0:
    case 19:
        return TRUTH_MESSAGE;
    case 1:
    case 2:
    case 4:
    case 6:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 25:
    case 27:
    case 28:
    case 29:
    case 31:
    case 44:
        return TRUTH_MESSAGE_SYSTEM;
    default:
        return TRUTH_NONE; /* 20 and 23 are a bot's: see act_command */
    }
}

static void act_message(struct act *a)
{
    struct message_view v;

    if (!act_need_channel(a))
        return;
    v = new_view(a);
    if (v.type == 19 || json_get(a->args, "reply_to")) {
        v.type = 19;
        v.reply_to = json_id(json_get(a->args, "reply_to"));
        if (!v.reply_to)
            v.reply_to = a->g->channels[a->channel].last_message;
    }
    guild_add_message(a->g, v.id, a->channel, a->user, v.type, act_string(a, "content", NULL));
    emit_message(a, "MESSAGE_CREATE", &v, kind_of_type(v.type), a->user, id_ms(v.id));
}

/* Written long ago: it is only there for who looks for it. */
static void act_old_message(struct act *a)
{
    int64_t at_ms = act_int(a, "at_ms", 0);

    if (!act_need_channel(a))
        return;
    if (at_ms <= SNOWFLAKE_EPOCH_MS || at_ms > a->now_ms) {
        act_fail(a, "at_ms: expected a time of the past, in ms since 1970");
        return;
    }
    a->id = (uint64_t)(at_ms - SNOWFLAKE_EPOCH_MS) << 22 | (a->g->n_old & 0x3fffff);
    guild_add_old_message(a->g, a->id, a->channel, act_bool(a, "bot", false) ? OTHER_BOT : a->user,
                          (int)act_int(a, "type", 0));
}

static void act_bot_message(struct act *a)
{
    struct message_view v;

    if (!act_need_channel(a))
        return;
    a->user = act_bool(a, "self", false) ? SELF_USER : OTHER_BOT;
    v = new_view(a);
    guild_add_message(a->g, v.id, a->channel, a->user, v.type, v.content);
    emit_message(a, "MESSAGE_CREATE", &v, TRUTH_NONE, NONE, 0);
}

static void act_webhook_message(struct act *a)
{
    struct message_view v;

    if (!act_need_channel(a))
        return;
    v = new_view(a);
    v.user = NONE;
    v.webhook_id = act_channel_id(a) + 1;
    emit_message(a, "MESSAGE_CREATE", &v, TRUTH_NONE, NONE, 0);
}

/* Somebody used another app's command (or button: type 0): the app's answer names the person. */
static void act_command(struct act *a)
{
    struct message_view v;

    if (!act_need_channel(a))
        return;
    v = new_view(a);
    if (!json_get(a->args, "type"))
        v.type = 20;
    v.metadata_user = a->user;
    v.metadata_id = v.id - 4096;
    v.user = OTHER_BOT;
    v.webhook_id = v.application_id = a->w->users[OTHER_BOT].id;
    guild_add_message(a->g, v.id, a->channel, OTHER_BOT, v.type, v.content);
    emit_message(a, "MESSAGE_CREATE", &v, TRUTH_COMMAND, a->user, id_ms(v.id));
}

/* The bot's own ephemeral answer: comes like a direct message. */
static void act_ephemeral(struct act *a)
{
    struct message_view v;

    if (!act_need_channel(a))
        return;
    v = new_view(a);
    v.type = 20;
    v.flags |= 64;
    v.guild = NONE;
    v.channel_id = act_channel_id(a);
    v.metadata_user = a->user;
    v.metadata_id = v.id - 4096;
    v.user = SELF_USER;
    v.webhook_id = v.application_id = a->w->users[SELF_USER].id;
    emit_message(a, "MESSAGE_CREATE", &v, TRUTH_NONE, NONE, 0);
}

static void act_dm(struct act *a)
{
    struct message_view v = new_view(a);

    v.guild = NONE;
    v.channel_id = a->w->users[a->user].id ^ 0x1000;
    emit_message(a, "MESSAGE_CREATE", &v, TRUTH_NONE, NONE, 0);
}

/* --- changing messages ------------------------------------------------------------------------ */

/* The message named by "message", or the user's newest. */
static struct message *find_message(struct act *a)
{
    uint64_t id = json_id(json_get(a->args, "message"));
    struct message *newest = NULL;

    if (id)
        return guild_message(a->g, id);
    for (uint32_t i = 0; i < RECENT_MAX; i++) {
        struct message *m = &a->g->recent[i];

        if (m->id && m->user == a->user && (!newest || m->id > newest->id))
            newest = m;
    }
    return newest;
}

static void update_message(struct act *a, bool edit)
{
    struct message *m = find_message(a);
    struct message_view v;

    if (!m && !a->args) /* load mode: an old one, from before the simulator */
        m = guild_add_message(a->g, world_next_id(a->w) - AN_HOUR, a->channel, a->user, 0, NULL);
    if (!m) {
        act_fail(a, "message: the user has none that can be changed");
        return;
    }
    a->channel = m->channel;
    v = new_view(a);
    v.id = m->id;
    v.user = m->user;
    v.type = m->type;
    v.with_embed = !edit;
    if (edit) {
        /* An explicit time lets tests send an old or a repeated edit. */
        int64_t at_ms = act_int(a, "edited_ms", a->now_ms);
        bool fresh = at_ms > m->edited_ms && a->now_ms - at_ms <= 300000;

        m->edited_ms = at_ms;
        v.edited_ms = at_ms;
        emit_message(a, "MESSAGE_UPDATE", &v, fresh ? TRUTH_EDIT : TRUTH_NONE, m->user, at_ms);
    } else {
        v.edited_ms = m->edited_ms;
        emit_message(a, "MESSAGE_UPDATE", &v, TRUTH_NONE, NONE, 0);
    }
}

static void act_edit(struct act *a)
{
    update_message(a, true);
}

static void act_embed(struct act *a)
{
    update_message(a, false);
}

static void act_delete(struct act *a)
{
    struct message *m = find_message(a);
    struct buf d;

    if (!m) {
        act_fail(a, "message: the user has none that can be deleted");
        return;
    }
    a->id = m->id;
    a->channel = m->channel;
    act_begin(a, &d);
    buf_puts(&d, ",\"id\":");
    render_id(&d, m->id);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, act_channel_id(a));
    buf_putc(&d, '}');
    m->id = 0;
    act_emit(a, "MESSAGE_DELETE", INTENT_GUILD_MESSAGES, &d, NULL);
}

const struct act_kind act_message_kinds[] = {
    {"message", act_message},
    {"old_message", act_old_message},
    {"bot_message", act_bot_message},
    {"webhook_message", act_webhook_message},
    {"command", act_command},
    {"ephemeral", act_ephemeral},
    {"dm", act_dm},
    {"edit", act_edit},
    {"embed_update", act_embed},
    {"message_delete", act_delete},
    {NULL, NULL},
};
