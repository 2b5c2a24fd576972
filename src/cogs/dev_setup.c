/* ?setup: what Presence does when it joins a guild, once more, step by step. Each step is harmless
 * when nothing was wrong. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "cogs/dev.h"
#include "cogs/operations.h"
#include "presence/permissions.h"

/* The permissions that the invitation asks for (product sheet section 3). */
#define NEEDED UINT64_C(277293943939)

#define ROLES_MAX 250u /* of a guild */

struct steps {
    struct buf text;
    uint64_t roles[ROLES_MAX]; /* the bot's */
    size_t n_roles;
};

static void step(struct order *order, const char *name, const char *result)
{
    struct steps *s = order->state;

    buf_printf(&s->text, "%s: %s\n", name, result);
}

static void end(struct order *order, const char *outcome)
{
    struct steps *s = order->state;

    order_end(order, outcome, buf_cstr(&s->text));
    buf_clear(&s->text);
}

/* --- the members -------------------------------------------------------------------------------
 */

static void catalogued(struct order *order, const char *failure)
{
    struct order_guild g;
    char *result;

    order->host->guild(order, &g);
    if (failure)
        result = xasprintf(_("not complete: %s"), failure);
    else
        result = xasprintf(_("%u are listed, %u of them in voice"), g.rows, g.in_voice);
    step(order, _("Members"), result);
    free(result);
    end(order, failure ? "failed" : "done");
}

static void ask_members(struct order *order)
{
    struct steps *s = order->state;

    buf_puts(&s->text, _("Members: asked for; Discord gives the list once per 30 seconds."));
    order_say(order, buf_cstr(&s->text));
    buf_reset(&s->text);
    order_catalogue(order, catalogued);
}

/* --- what the bot may do -----------------------------------------------------------------------
 */

static bool has_role(const struct steps *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_roles; i++)
        if (s->roles[i] == id)
            return true;
    return false;
}

/* The permissions of the bot's roles; everybody has the role with the guild's id. */
static uint64_t granted_by(const struct order *order, const struct json *roles)
{
    uint64_t granted = 0;

    for (const struct json *r = json_first(roles); r; r = json_next(r)) {
        uint64_t id = json_id(json_get(r, "id"));

        if (id == order->guild.id || has_role(order->state, id))
            granted |= json_id(json_get(r, "permissions"));
    }
    return granted;
}

static void guild_told(struct order *order, const struct json *guild)
{
    uint64_t granted = granted_by(order, json_get(guild, "roles"));
    uint64_t lacking = granted & PERMISSION(ADMINISTRATOR) ? 0 : NEEDED & ~granted;
    struct buf names;

    buf_init(&names, 0);
    buf_printf(&names, "%s ", _("missing:"));
    permissions_print(lacking, &names);
    step(order, _("Permissions"),
         !guild    ? _("Discord does not tell")
         : lacking ? buf_cstr(&names)
                   : _("all there"));
    buf_clear(&names);
    ask_members(order);
}

static void member_told(struct order *order, const struct json *member)
{
    struct steps *s = order->state;
    char *path = xasprintf("/guilds/%llu", (unsigned long long)order->guild.id);

    for (const struct json *j = json_first(json_get(member, "roles")); j && s->n_roles < ROLES_MAX;
         j = json_next(j))
        s->roles[s->n_roles++] = json_id(j);
    order_get(order, path, guild_told);
    free(path);
}

/* --- guild and settings ------------------------------------------------------------------------
 */

static void stored(struct order *order, const struct json *data)
{
    const struct json *guild = json_get(data, "guild");
    char *path = xasprintf("/guilds/%llu/members/%llu", (unsigned long long)order->guild.id,
                           (unsigned long long)order->self.id);
    char *version =
        xasprintf(_("version %lld"), (long long)json_int(json_get(guild, "settingsVersion"), 0));

    step(order, _("Settings"),
         !data                   ? _("the database cannot be asked")
         : json_is_object(guild) ? version
                                 : _("the database does not know the server yet"));
    order_get(order, path, member_told);
    free(version);
    free(path);
}

static void setup(struct order *order)
{
    struct steps *s = xcalloc(1, sizeof(*s));
    struct order_guild g;
    char *variables;

    order->state = s;
    buf_init(&s->text, 0);
    order->host->guild(order, &g);
    step(order, _("Server"),
         !g.known       ? _("Discord has not shown it: is the bot a member?")
         : !g.available ? _("not available: Discord has an outage, or the bot was removed")
         : g.watched    ? _("known and watched")
                        : _("known, not watched since it was last gone"));
    if (!g.known || !g.available) {
        end(order, "refused");
        return;
    }
    variables = xasprintf("{\"guildId\":\"%llu\"}", (unsigned long long)order->guild.id);
    order_ask(order, OPERATION_DEV_GUILD, variables, stored);
    free(variables);
}

const struct prefix_command dev_setup = {
    .name = "setup",
    .help = N_("Joins this server once more: settings, permissions, voice, members."),
    .guild = true,
    .run = setup};
