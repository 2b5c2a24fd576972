/* REST: what paths name, and what the bot does through acts. Called by the routes.
 * Diagnostics: none; errors are Discord's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/render.h"
#include "sim/rest_call.h"

uint64_t rest_id(const char *text)
{
    char *end;
    uint64_t id = strtoull(text, &end, 10);

    return *end || end == text ? 0 : id;
}

uint32_t rest_need_guild(struct rest_call *c)
{
    uint32_t guild = world_guild(c->w, rest_id(c->segments[1]));

    if (guild == NONE)
        rest_error(c, 404, 10004, "Unknown Guild");
    else if (!c->w->guilds[guild].present) {
        rest_error(c, 403, 50001, "Missing Access");
        return NONE;
    }
    return guild;
}

uint32_t rest_need_member(struct rest_call *c, uint32_t guild)
{
    uint32_t user =
        strcmp(c->segments[3], "@me") == 0 ? SELF_USER : world_user(c->w, rest_id(c->segments[3]));
    uint32_t slot = user == NONE ? NONE : guild_member(c->w, guild, user);

    if (user == NONE)
        rest_error(c, 404, 10013, "Unknown User");
    else if (slot == NONE)
        rest_error(c, 404, 10007, "Unknown Member");
    return slot;
}

uint32_t rest_need_channel(struct rest_call *c, uint32_t *guild_r)
{
    uint32_t channel = world_channel(c->w, rest_id(c->segments[1]), guild_r);

    if (channel == NONE)
        rest_error(c, 404, 10003, "Unknown Channel");
    else if (!c->w->guilds[*guild_r].present || c->w->guilds[*guild_r].channels[channel].hidden) {
        rest_error(c, 403, 50001, "Missing Access");
        return NONE;
    }
    return channel;
}

void rest_put_message(struct rest_call *c, uint32_t guild, const struct message *m,
                      const char *nonce)
{
    struct message_view v = {.id = m->id,
                             .type = m->type,
                             .guild = guild,
                             .channel = m->channel,
                             .user = m->user,
                             .metadata_user = NONE,
                             .target = NONE,
                             .edited_ms = m->edited_ms,
                             .content = m->content,
                             .nonce = nonce,
                             .with_content = true};

    render_message(c->w, &v, &c->out);
}

void rest_no_permission(struct rest_call *c)
{
    rest_error(c, 403, 50013, "Missing Permissions");
}

/* --- the bot's acts --------------------------------------------------------------------------- */

uint64_t rest_act(struct rest_call *c, const char *kind, uint32_t guild, const char *more)
{
    struct buf out;
    char *text = xasprintf("{\"kind\":\"%s\",\"guild\":\"%llu\",\"user\":0%s}", kind,
                           (unsigned long long)c->w->guilds[guild].id, more);
    struct json *args = json_parse_exact(text, strlen(text), NULL), *outcome;
    uint64_t id;

    buf_init(&out, 0);
    act_run(c->sim, args, &out);
    outcome = json_parse(buf_cstr(&out), buf_len(&out), NULL);
    id = json_id(json_get(outcome, "id"));
    json_free(&outcome);
    json_free(&args);
    buf_clear(&out);
    free(text);
    return id;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The call's reason, decoded, as a JSON string. */
static void put_reason(struct rest_call *c, struct buf *out)
{
    const char *p = httpd_header(c->req, "X-Audit-Log-Reason");
    struct buf text;

    if (!p)
        return;
    buf_init(&text, 0);
    for (; *p; p++)
        if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
            buf_putc(&text, (char)(hex(p[1]) << 4 | hex(p[2])));
            p += 2;
        } else {
            buf_putc(&text, *p);
        }
    buf_puts(out, ",\"reason\":");
    buf_put_json(out, buf_cstr(&text), buf_len(&text));
    buf_clear(&text);
}

void rest_audit(struct rest_call *c, uint32_t guild, int action_type, uint32_t target_user)
{
    struct buf more;

    buf_init(&more, 0);
    buf_printf(&more, ",\"action_type\":%d,\"target\":\"%llu\"", action_type,
               (unsigned long long)c->w->users[target_user].id);
    put_reason(c, &more);
    rest_act(c, "audit", guild, buf_cstr(&more));
    buf_clear(&more);
}
