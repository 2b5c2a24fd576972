/* REST: making, giving and taking roles, kicks. Called through the table.
 * Diagnostics: none; errors are Discord's. */
#include <string.h>

#include "presence/clock.h"
#include "sim/access.h"
#include "sim/act.h"
#include "sim/render.h"
#include "sim/rest_call.h"

#define AUDIT_KICK        20
#define AUDIT_ROLE_UPDATE 25
#define AUDIT_ROLE_CREATE 30
#define ROLE_NAME_MAX     100u

/* Who acts, on whom, where. */
struct parties {
    struct access_guild guild;
    struct access_member bot, target;
};

static void read_parties(const struct rest_call *c, uint32_t guild, uint32_t slot,
                         struct parties *p)
{
    access_guild(c->w, guild, &p->guild);
    access_member(c->w, guild, SELF_MEMBER, &p->bot);
    access_member(c->w, guild, slot, &p->target);
}

static void refuse(struct rest_call *c, enum hierarchy_reason reason)
{
    if (reason == HIERARCHY_ROLE_UNKNOWN || reason == HIERARCHY_ROLE_IS_EVERYONE)
        rest_error(c, 404, 10011, "Unknown Role");
    else
        rest_no_permission(c);
}

static void tell_update(struct rest_call *c, uint32_t guild, uint32_t slot)
{
    struct act a = {.sim = c->sim,
                    .w = c->w,
                    .guild = guild,
                    .g = &c->w->guilds[guild],
                    .user = c->w->guilds[guild].members[slot].user,
                    .slot = slot,
                    .channel = NONE,
                    .now_ms = clock_unix().ms};

    act_member_update_event(&a, TRUTH_NONE);
}

static void change_role(struct rest_call *c, bool give)
{
    uint32_t guild = rest_need_guild(c), slot = guild == NONE ? NONE : rest_need_member(c, guild);
    uint64_t id = rest_id(c->segments[5]), before;
    struct hierarchy_verdict v;
    struct parties p;
    struct member *m;
    uint32_t role;

    if (slot == NONE)
        return;
    read_parties(c, guild, slot, &p);
    v = hierarchy_role(&p.guild.guild, &p.bot.member, NULL, &p.target.member, (snowflake_t){id},
                       clock_unix());
    if (v.reason != HIERARCHY_MAY) {
        refuse(c, v.reason);
        return;
    }
    role = guild_role(&c->w->guilds[guild], id);
    m = &c->w->guilds[guild].members[slot];
    before = m->roles;
    m->roles = give ? before | UINT64_C(1) << role : before & ~(UINT64_C(1) << role);
    c->status = 204;
    if (m->roles == before)
        return;
    tell_update(c, guild, slot);
    rest_audit(c, guild, AUDIT_ROLE_UPDATE, c->w->guilds[guild].members[slot].user);
}

static void give_role(struct rest_call *c)
{
    change_role(c, true);
}

static void take_role(struct rest_call *c)
{
    change_role(c, false);
}

/* A new role stands right above @everyone; without permissions of its own it has those. */
static void make_role(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c), role;
    const char *name = json_string(json_get(c->body, "name"), "new role");
    const struct json *permissions = json_get(c->body, "permissions");
    uint64_t may = guild == NONE ? 0 : access_bot(c->w, guild), granted;
    struct guild *g;
    struct buf more;

    if (guild == NONE)
        return;
    g = &c->w->guilds[guild];
    granted = permissions ? json_id(permissions) : g->roles[0].permissions;
    if (strlen(name) > ROLE_NAME_MAX)
        rest_form_error(c, "name", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.");
    else if (!(may & (PERMISSION(MANAGE_ROLES) | PERMISSION(ADMINISTRATOR))) ||
             (!(may & PERMISSION(ADMINISTRATOR)) && granted & ~may))
        rest_no_permission(c);
    else if (g->n_roles == ROLES_MAX)
        rest_error(c, 400, 30005, "Maximum number of server roles reached (250)");
    else {
        buf_init(&more, 0);
        buf_puts(&more, ",\"position\":1,\"name\":");
        render_string(&more, name);
        buf_printf(&more, ",\"permissions\":%llu", (unsigned long long)granted);
        role = g->n_roles;
        rest_act(c, "role_create", guild, buf_cstr(&more));
        buf_clear(&more);
        rest_audit(c, guild, AUDIT_ROLE_CREATE, SELF_USER);
        render_role(&g->roles[role], &c->out);
    }
}

static void kick(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c), slot = guild == NONE ? NONE : rest_need_member(c, guild);
    struct hierarchy_verdict v;
    struct parties p;
    uint32_t user;

    if (slot == NONE)
        return;
    read_parties(c, guild, slot, &p);
    v = hierarchy_kick(&p.guild.guild, &p.bot.member, NULL, &p.target.member, clock_unix());
    if (v.reason != HIERARCHY_MAY) {
        refuse(c, v.reason);
        return;
    }
    user = c->w->guilds[guild].members[slot].user;
    act_run_plain(c->sim, "member_leave", guild, slot, NONE);
    rest_audit(c, guild, AUDIT_KICK, user);
    c->status = 204;
}

const struct rest_route rest_member_routes[] = {
    {"PUT", "guilds/*/members/*/roles/*", true, give_role},
    {"DELETE", "guilds/*/members/*/roles/*", true, take_role},
    {"DELETE", "guilds/*/members/*", true, kick},
    {"POST", "guilds/*/roles", true, make_role},
    {NULL, NULL, false, NULL},
};
