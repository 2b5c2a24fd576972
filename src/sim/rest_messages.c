/* REST: the bot's messages in guilds and in direct channels. Called through the table.
 * Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/access.h"
#include "sim/intents.h"
#include "sim/render.h"
#include "sim/rest_messages.h"
#include "sim/session.h"

#define CONTENT_MAX 2000u
#define EMBEDS_MAX  10u
#define NONCE_MAX   25u
#define FILES_BYTES 10485760u
#define DM_BIT      UINT64_C(0x1000) /* a direct channel's id is its user's with this bit turned */

/* --- what a message may hold ------------------------------------------------------------------ */

static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* The number of a file of this very call, as a number or in a string. */
static bool is_file(const struct rest_call *c, const struct json *id)
{
    const char *text = json_string(id, "");

    if (json_is_number(id))
        return json_int(id, -1) >= 0 && json_id(id) < c->n_files;
    return *text && strspn(text, "0123456789") == strlen(text) && json_id(id) < c->n_files;
}

/* Each attachment that is named belongs to such a file. */
static bool attachments_fit(struct rest_call *c, const struct json *attachments)
{
    for (const struct json *a = json_first(attachments); a; a = json_next(a))
        if (!is_file(c, json_get(a, "id")))
            return false;
    return true;
}

bool rest_message_fits(struct rest_call *c, const struct json *body, bool must_hold)
{
    const char *content = json_string(json_get(body, "content"), "");
    const char *nonce = json_string(json_get(body, "nonce"), "");

    if (characters(content) > CONTENT_MAX)
        rest_form_error(c, "content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.");
    else if (json_size(json_get(body, "embeds")) > EMBEDS_MAX)
        rest_form_error(c, "embeds", "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 10 in length.");
    else if (characters(nonce) > NONCE_MAX)
        rest_form_error(c, "nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.");
    else if (c->file_bytes > FILES_BYTES)
        rest_error(c, 413, 40005, "Request entity too large");
    else if (!attachments_fit(c, json_get(body, "attachments")))
        rest_form_error(c, "attachments", "ATTACHMENT_NOT_FOUND", "Attachment not found.");
    else if (must_hold && !*content && !json_size(json_get(body, "embeds")) &&
             !json_size(json_get(body, "components")) && c->n_files == 0)
        rest_error(c, 400, 50006, "Cannot send an empty message");
    else
        return true;
    return false;
}

/* --- in guilds -------------------------------------------------------------------------------- */

static bool may_write(struct rest_call *c, uint32_t guild, uint32_t channel)
{
    const struct channel *ch = &c->w->guilds[guild].channels[channel];
    uint64_t may = access_bot_in(c->w, guild, channel);

    if (ch->type == 4 || ch->type == 15)
        rest_error(c, 400, 50008, "Cannot send messages in a non-text channel");
    else if (!permissions_has(may, PERMISSION(VIEW_CHANNEL)))
        rest_error(c, 403, 50001, "Missing Access");
    else if (!permissions_has(may, PERMISSION(SEND_MESSAGES)) ||
             (c->n_files > 0 && !permissions_has(may, PERMISSION(ATTACH_FILES))))
        rest_no_permission(c);
    else if (ch->locked && !permissions_has(may, PERMISSION(MANAGE_THREADS)))
        rest_error(c, 403, 160005, "Thread is locked");
    else if (json_get(c->body, "message_reference") &&
             !permissions_has(may, PERMISSION(READ_MESSAGE_HISTORY)))
        rest_error(c, 403, 160002, "Cannot reply without permission to read message history");
    else
        return true;
    return false;
}

/* A message of the channel that the bot wrote with this nonce within the last minutes. */
static struct message *same_nonce(struct guild *g, uint32_t channel, const char *nonce)
{
    for (uint32_t i = 0; i < RECENT_MAX; i++)
        if (g->recent[i].id && g->recent[i].channel == channel && g->recent[i].user == SELF_USER &&
            !strcmp(g->recent[i].nonce, nonce))
            return &g->recent[i];
    return NULL;
}

static void create_in_guild(struct rest_call *c, uint32_t guild, uint32_t channel)
{
    struct guild *g = &c->w->guilds[guild];
    const char *content = json_string(json_get(c->body, "content"), "");
    const char *nonce = json_string(json_get(c->body, "nonce"), NULL);
    struct message *m = NULL;
    struct buf more;

    if (nonce && json_bool(json_get(c->body, "enforce_nonce"), false))
        m = same_nonce(g, channel, nonce);
    if (!m) {
        buf_init(&more, 0);
        buf_printf(&more, ",\"self\":true,\"channel\":\"%llu\",\"content\":",
                   (unsigned long long)g->channels[channel].id);
        render_string(&more, content);
        if (nonce) {
            buf_puts(&more, ",\"nonce\":");
            render_string(&more, nonce);
        }
        m = guild_message(g, rest_act(c, "bot_message", guild, buf_cstr(&more)));
        buf_clear(&more);
        if (nonce)
            memcpy(m->nonce, nonce, strlen(nonce) + 1);
    }
    rest_put_message(c, guild, m, nonce);
}

/* The message in segment 3, or NULL with the answer given. */
static struct message *need_message(struct rest_call *c, uint32_t *guild_r)
{
    uint32_t channel = rest_need_channel(c, guild_r);
    struct message *m;

    if (channel == NONE)
        return NULL;
    m = guild_message(&c->w->guilds[*guild_r], rest_id(c->segments[3]));
    if (m && m->channel == channel)
        return m;
    rest_error(c, 404, 10008, "Unknown Message");
    return NULL;
}

static void edit(struct rest_call *c)
{
    uint32_t guild;
    struct message *m = need_message(c, &guild);
    const char *content = json_string(json_get(c->body, "content"), NULL);
    struct buf more;
    uint64_t id;

    if (!m || !rest_message_fits(c, c->body, false))
        return;
    if (m->user != SELF_USER) {
        rest_error(c, 403, 50005, "Cannot edit a message authored by another user");
        return;
    }
    id = m->id;
    buf_init(&more, 0);
    buf_printf(&more, ",\"message\":\"%llu\",\"content\":", (unsigned long long)id);
    render_string(&more, content ? content : m->content);
    if (content) {
        free(m->content);
        m->content = xstrdup(content);
    }
    rest_act(c, "edit", guild, buf_cstr(&more));
    buf_clear(&more);
    rest_put_message(c, guild, m, NULL);
}

static void delete (struct rest_call *c)
{
    uint32_t guild;
    struct message *m = need_message(c, &guild);
    char *more;

    if (!m)
        return;
    if (m->user != SELF_USER &&
        !permissions_has(access_bot_in(c->w, guild, m->channel), PERMISSION(MANAGE_MESSAGES))) {
        rest_no_permission(c);
        return;
    }
    more = xasprintf(",\"message\":\"%llu\"", (unsigned long long)m->id);
    rest_act(c, "message_delete", guild, more);
    free(more);
    c->status = 204;
}

/* --- direct messages -------------------------------------------------------------------------- */

static void put_dm(struct rest_call *c, uint32_t user)
{
    buf_puts(&c->out, "{\"id\":");
    render_id(&c->out, c->w->users[user].id ^ DM_BIT);
    buf_puts(&c->out, ",\"type\":1,\"flags\":0,\"last_message_id\":null,\"recipients\":[");
    render_user(c->w, user, &c->out);
    buf_puts(&c->out, "]}");
}

static void open_dm(struct rest_call *c)
{
    uint32_t user = world_user(c->w, json_id(json_get(c->body, "recipient_id")));

    if (!json_get(c->body, "recipient_id"))
        rest_form_error(c, "recipient_id", "BASE_TYPE_REQUIRED", "This field is required");
    else if (user == NONE)
        rest_error(c, 404, 10013, "Unknown User");
    else if (c->w->users[user].flags & USER_BOT)
        rest_error(c, 400, 50007, "Cannot send messages to this user");
    else
        put_dm(c, user);
}

static bool shares_a_guild(const struct world *w, uint32_t user)
{
    for (uint32_t i = 0; i < w->n_guilds; i++)
        if (w->guilds[i].present && guild_member(w, i, user) != NONE)
            return true;
    return false;
}

static void create_dm(struct rest_call *c, uint32_t user)
{
    struct message_view v = {.id = world_next_id(c->w),
                             .guild = NONE,
                             .channel_id = c->w->users[user].id ^ DM_BIT,
                             .user = SELF_USER,
                             .metadata_user = NONE,
                             .target = NONE,
                             .content = json_string(json_get(c->body, "content"), ""),
                             .nonce = json_string(json_get(c->body, "nonce"), NULL),
                             .with_content = true};
    struct buf event;

    if (!shares_a_guild(c->w, user)) {
        rest_error(c, 403, 50278,
                   "Cannot send messages to this user due to having no mutual guilds");
        return;
    }
    render_message(c->w, &v, &c->out);
    v.in_event = true;
    buf_init(&event, 0);
    render_message(c->w, &v, &event);
    sim_dispatch(c->sim, NONE, INTENT_DIRECT_MESSAGES,
                 stored_new(c->sim, "MESSAGE_CREATE", &event, NULL));
}

static void create(struct rest_call *c)
{
    uint64_t id = rest_id(c->segments[1]);
    uint32_t guild, channel, user = world_user(c->w, id ^ DM_BIT);

    if (user != NONE && user != SELF_USER) {
        if (rest_message_fits(c, c->body, true))
            create_dm(c, user);
        return;
    }
    channel = rest_need_channel(c, &guild);
    if (channel != NONE && may_write(c, guild, channel) && rest_message_fits(c, c->body, true))
        create_in_guild(c, guild, channel);
}

const struct rest_route rest_message_routes[] = {
    {"POST", "channels/*/messages", true, create},
    {"PATCH", "channels/*/messages/*", true, edit},
    {"DELETE", "channels/*/messages/*", true, delete},
    {"POST", "users/@me/channels", true, open_dm},
    {NULL, NULL, false, NULL},
};
