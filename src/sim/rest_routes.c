/* The REST routes. Called through the table.
 * Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/gateway.h"
#include "sim/intents.h"
#include "sim/render.h"
#include "sim/rest_call.h"

#define IDENTIFY_RESET_MS 14400000

static int64_t query_int(struct rest_call *c, const char *key, int64_t otherwise)
{
    const char *text = httpd_query(c->req, key);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

/* --- gateway, self, application --------------------------------------------------------------- */

static void get_gateway(struct rest_call *c)
{
    buf_printf(&c->out, "{\"url\":\"%s\"}", c->sim->gateway_url);
}

static void get_gateway_bot(struct rest_call *c)
{
    const struct sim_config *conf = &c->sim->config;

    buf_printf(&c->out,
               "{\"url\":\"%s\",\"shards\":%u,\"session_start_limit\":{\"total\":%u,"
               "\"remaining\":%u,\"reset_after\":%d,\"max_concurrency\":%u}}",
               c->sim->gateway_url, conf->shards, conf->identify_total, conf->identify_remaining,
               IDENTIFY_RESET_MS, conf->max_concurrency);
}

static void get_self(struct rest_call *c)
{
    render_user(c->w, SELF_USER, &c->out);
    c->out.end--;
    buf_puts(&c->out, ",\"mfa_enabled\":true,\"locale\":\"en-US\",\"verified\":true,"
                      "\"email\":null,\"premium_type\":0,\"bio\":\"\"}");
}

static void get_user(struct rest_call *c)
{
    uint32_t user = world_user(c->w, rest_id(c->segments[1]));

    if (user == NONE)
        rest_error(c, 404, 10013, "Unknown User");
    else
        render_user(c->w, user, &c->out);
}

static void get_own_guilds(struct rest_call *c)
{
    uint64_t after = (uint64_t)query_int(c, "after", 0);
    int64_t limit = query_int(c, "limit", 200), n = 0;

    buf_putc(&c->out, '[');
    for (uint32_t i = 0; i < c->w->n_guilds && n < limit; i++) {
        const struct guild *g = &c->w->guilds[i];

        if (!g->present || g->id <= after)
            continue;
        if (n++)
            buf_putc(&c->out, ',');
        buf_puts(&c->out, "{\"id\":");
        render_id(&c->out, g->id);
        buf_puts(&c->out, ",\"name\":");
        render_string(&c->out, g->name);
        buf_printf(&c->out,
                   ",\"icon\":null,\"banner\":null,\"owner\":false,\"permissions\":\"%llu\","
                   "\"features\":[\"COMMUNITY\"]}",
                   (unsigned long long)(c->w->permissions | g->roles[0].permissions));
    }
    buf_putc(&c->out, ']');
}

static void get_application(struct rest_call *c)
{
    uint32_t flags = gateway_application_flags(c->sim);

    buf_puts(&c->out, "{\"id\":");
    render_id(&c->out, c->w->users[SELF_USER].id);
    buf_puts(&c->out, ",\"name\":");
    render_string(&c->out, c->w->bot_name);
    buf_printf(&c->out,
               ",\"icon\":null,\"description\":\"\",\"summary\":\"\",\"type\":null,"
               "\"bot_public\":true,\"bot_require_code_grant\":false,\"verify_key\":\"%064x\","
               "\"flags\":%u,\"flags_new\":\"%u\",\"hook\":true,\"storefront_available\":false,"
               "\"is_monetized\":false,\"is_verified\":false,\"is_discoverable\":false,"
               "\"interactions_endpoint_url\":null,\"role_connections_verification_url\":null,"
               "\"redirect_uris\":[],\"eligible_oauth2_scopes\":[],\"rpc_origins\":[],\"tags\":[],"
               "\"team\":null,"
               "\"integration_types_config\":{},\"explicit_content_filter\":0,"
               "\"approximate_guild_count\":%u,\"approximate_user_install_count\":0,"
               "\"approximate_user_authorization_count\":0,\"bot\":",
               0x5eed, flags, flags, c->w->n_guilds);
    render_user(c->w, SELF_USER, &c->out);
    buf_puts(&c->out, ",\"owner\":");
    render_user(c->w, c->w->n_users > 2 ? 2 : OTHER_BOT, &c->out);
    buf_putc(&c->out, '}');
}

/* --- guilds ----------------------------------------------------------------------------------- */

static void get_guild(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);

    if (guild == NONE)
        return;
    buf_putc(&c->out, '{');
    render_guild_fields(c->w, guild, &c->out);
    if (httpd_query(c->req, "with_counts"))
        buf_printf(&c->out, ",\"approximate_member_count\":%u,\"approximate_presence_count\":%u",
                   c->w->guilds[guild].alive, c->w->guilds[guild].alive / 3);
    buf_putc(&c->out, '}');
}

static void get_member(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);
    uint32_t slot = guild == NONE ? NONE : rest_need_member(c, guild);

    if (slot != NONE)
        render_member(c->w, guild, slot, true, &c->out);
}

struct listed {
    uint64_t id;
    uint32_t slot;
};

static int by_id(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void get_members(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c), n = 0;
    int64_t limit = query_int(c, "limit", 1);
    const char *after_text = httpd_query(c->req, "after");
    uint64_t after = after_text ? rest_id(after_text) : 0;
    const struct guild *g;
    struct listed *list;

    if (guild == NONE)
        return;
    if (!(c->sim->config.intents_allowed & INTENT_GUILD_MEMBERS)) {
        rest_error(c, 403, 50001, "Missing Access");
        return;
    }
    if (limit < 1 || limit > 1000) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return;
    }
    g = &c->w->guilds[guild];
    list = xmalloc((g->n_members + 1) * sizeof(*list));
    for (uint32_t i = 0; i < g->n_members; i++)
        if (!(g->members[i].state & MEMBER_LEFT) && c->w->users[g->members[i].user].id > after)
            list[n++] = (struct listed){c->w->users[g->members[i].user].id, i};
    qsort(list, n, sizeof(*list), by_id);
    buf_putc(&c->out, '[');
    for (uint32_t i = 0; i < n && i < limit; i++) {
        if (i)
            buf_putc(&c->out, ',');
        render_member(c->w, guild, list[i].slot, true, &c->out);
    }
    buf_putc(&c->out, ']');
    free(list);
}

static void search_members(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);
    const char *prefix = httpd_query(c->req, "query");
    int64_t limit = query_int(c, "limit", 1), n = 0;
    const struct guild *g;
    struct buf name;

    if (guild == NONE)
        return;
    if (!prefix || limit < 1 || limit > 1000) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return;
    }
    g = &c->w->guilds[guild];
    buf_init(&name, 0);
    buf_putc(&c->out, '[');
    for (uint32_t i = 0; i < g->n_members && n < limit; i++) {
        buf_reset(&name);
        render_user_name(c->w, g->members[i].user, &name);
        if (g->members[i].state & MEMBER_LEFT ||
            strncasecmp(buf_cstr(&name) + 1, prefix, strlen(prefix)) != 0)
            continue;
        if (n++)
            buf_putc(&c->out, ',');
        render_member(c->w, guild, i, true, &c->out);
    }
    buf_putc(&c->out, ']');
    buf_clear(&name);
}

static void get_roles(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);
    bool first = true;

    if (guild == NONE)
        return;
    buf_putc(&c->out, '[');
    for (uint32_t i = 0; i < c->w->guilds[guild].n_roles; i++) {
        if (c->w->guilds[guild].roles[i].gone)
            continue;
        if (!first)
            buf_putc(&c->out, ',');
        first = false;
        render_role(&c->w->guilds[guild].roles[i], &c->out);
    }
    buf_putc(&c->out, ']');
}

static void get_role(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c), role;

    if (guild == NONE)
        return;
    role = guild_role(&c->w->guilds[guild], rest_id(c->segments[3]));
    if (role == NONE)
        rest_error(c, 404, 10011, "Unknown Role");
    else
        render_role(&c->w->guilds[guild].roles[role], &c->out);
}

static void list_channels(struct rest_call *c, const struct guild *g, bool threads)
{
    bool first = true;

    buf_putc(&c->out, '[');
    for (uint32_t i = 0; i < g->n_channels; i++) {
        if (g->channels[i].gone || channel_is_thread(&g->channels[i]) != threads ||
            (threads && g->channels[i].archived))
            continue;
        if (!first)
            buf_putc(&c->out, ',');
        first = false;
        render_channel(g, &g->channels[i], true, &c->out);
    }
    buf_putc(&c->out, ']');
}

static void get_channels(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);

    if (guild != NONE)
        list_channels(c, &c->w->guilds[guild], false);
}

static void get_active_threads(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);

    if (guild == NONE)
        return;
    buf_puts(&c->out, "{\"threads\":");
    list_channels(c, &c->w->guilds[guild], true);
    buf_puts(&c->out, ",\"members\":[],\"has_more\":false}");
}

static void get_voice_state(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);
    uint32_t slot = guild == NONE ? NONE : rest_need_member(c, guild);

    if (slot == NONE)
        return;
    if (!c->w->guilds[guild].members[slot].voice_channel)
        rest_error(c, 404, 10065, "Unknown Voice State");
    else {
        render_voice_state(c->w, guild, slot, true, &c->out);
        if (!(c->w->guilds[guild].members[slot].voice_flags & VOICE_IS_SELF_STREAM)) {
            c->out.end--; /* events leave the key out, REST does not */
            buf_puts(&c->out, ",\"self_stream\":false}");
        }
    }
}

/* --- channels and messages -------------------------------------------------------------------- */

static void get_channel(struct rest_call *c)
{
    uint32_t guild, channel = rest_need_channel(c, &guild);

    if (channel != NONE)
        render_channel(&c->w->guilds[guild], &c->w->guilds[guild].channels[channel], true, &c->out);
}

static void get_message(struct rest_call *c)
{
    uint32_t guild, channel = rest_need_channel(c, &guild);
    const struct message *m;

    if (channel == NONE)
        return;
    m = guild_message(&c->w->guilds[guild], rest_id(c->segments[3]));
    if (!m || m->channel != channel)
        rest_error(c, 404, 10008, "Unknown Message");
    else
        rest_put_message(c, guild, m, NULL);
}

const struct rest_route rest_read_routes[] = {
    {"GET", "gateway", false, get_gateway},
    {"GET", "gateway/bot", true, get_gateway_bot},
    {"GET", "users/@me", true, get_self},
    {"GET", "users/@me/guilds", true, get_own_guilds},
    {"GET", "users/*", true, get_user},
    {"GET", "applications/@me", true, get_application},
    {"GET", "oauth2/applications/@me", true, get_application},
    {"GET", "guilds/*", true, get_guild},
    {"GET", "guilds/*/members", true, get_members},
    {"GET", "guilds/*/members/search", true, search_members},
    {"GET", "guilds/*/members/*", true, get_member},
    {"GET", "guilds/*/roles", true, get_roles},
    {"GET", "guilds/*/roles/*", true, get_role},
    {"GET", "guilds/*/channels", true, get_channels},
    {"GET", "guilds/*/threads/active", true, get_active_threads},
    {"GET", "guilds/*/voice-states/*", true, get_voice_state},
    {"GET", "channels/*", true, get_channel},
    {"GET", "channels/*/messages/*", true, get_message},
    {NULL, NULL, false, NULL},
};
