/* The findings of /diagnose: what keeps Presence from seeing or doing something here, one line
 * each, and how to mend it. Called by diagnose.c. Diagnostics: none. */
#include "cogs/diagnose.h"
#include "presence/hierarchy.h"
#include "presence/intents.h"
#include "presence/permissions.h"

#define CHANNELS_SHOWN 10u
#define LAG_SLOW_MS    2000
#define INVALID_MANY   100u

/* The findings of one part, which becomes a field. */
struct part {
    struct call *call;
    struct buf lines;
    enum diagnose_grade worst;
};

static void begin_line(struct part *p, enum diagnose_grade grade)
{
    buf_puts(&p->lines, buf_len(&p->lines) ? "\n" : "");
    buf_puts(&p->lines, grade == DIAGNOSE_BROKEN ? "❌ " : "⚠️ ");
    if (grade > p->worst)
        p->worst = grade;
}

static void say(struct part *p, enum diagnose_grade grade, const char *text)
{
    begin_line(p, grade);
    buf_puts(&p->lines, call_words(p->call, text));
}

/* --- rights ------------------------------------------------------------------------------------
 */

static const struct {
    uint64_t permission;
    enum diagnose_grade grade;
    const char *loses;
} rights[] = {
    {PERMISSION(VIEW_CHANNEL), DIAGNOSE_BROKEN, N_("nothing is seen")},
    {PERMISSION(SEND_MESSAGES), DIAGNOSE_BROKEN, N_("no message can be posted")},
    {PERMISSION(EMBED_LINKS), DIAGNOSE_BROKEN, N_("messages arrive without their content")},
    {PERMISSION(READ_MESSAGE_HISTORY), DIAGNOSE_BROKEN, N_("`/baseline` finds nothing")},
    {PERMISSION(MANAGE_ROLES), DIAGNOSE_BROKEN, N_("no role can be given or taken")},
    {PERMISSION(VIEW_AUDIT_LOG), DIAGNOSE_WARNING, N_("the work of the staff is not seen")},
    {PERMISSION(KICK_MEMBERS), DIAGNOSE_WARNING, N_("nobody can be removed")},
    {PERMISSION(ATTACH_FILES), DIAGNOSE_WARNING, N_("no lists as files in channels")},
    {PERMISSION(CREATE_INSTANT_INVITE), DIAGNOSE_WARNING, N_("no way back for those removed")},
    {PERMISSION(SEND_MESSAGES_IN_THREADS), DIAGNOSE_WARNING, N_("no messages in threads")},
};

/* Without roles nothing can be said. */
static bool told(struct part *p, const struct diagnosis *d)
{
    if (d->has_guild && d->has_bot && d->has_channels)
        return true;
    say(p, DIAGNOSE_WARNING,
        N_("Discord did not tell the roles and channels here: try again later."));
    return false;
}

static void find_rights(struct part *p, const struct diagnosis *d)
{
    struct call *call = p->call;
    uint64_t may;

    if (!told(p, d))
        return;
    may = guild_view_may(&d->view, call->now);
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        if (may & (rights[i].permission | PERMISSION(ADMINISTRATOR)))
            continue;
        begin_line(p, rights[i].grade);
        buf_puts(&p->lines, "`");
        permissions_print(rights[i].permission, &p->lines);
        buf_printf(&p->lines,
                   _("` is missing: %s. Give it to the role of Presence, under server "
                     "settings, Roles."),
                   call_words(call, rights[i].loses));
    }
}

static void find_intents(struct part *p, const struct diagnosis *d)
{
    uint32_t lacking = INTENTS_DEFAULT & ~d->health.intents;
    struct call *call = p->call;

    if (!d->health.intents || !lacking)
        return;
    begin_line(p, lacking & INTENT_GUILD_MEMBERS ? DIAGNOSE_BROKEN : DIAGNOSE_WARNING);
    buf_puts(&p->lines, "`");
    intents_print(lacking, &p->lines);
    buf_puts(&p->lines,
             _("`: not granted, so part of what people do is not seen. Who runs Presence switches "
               "them on in Discord's developer portal, under Bot, and restarts it."));
}

/* --- roles -------------------------------------------------------------------------------------
 */

static enum diagnose_role judge_role(const struct diagnosis *d, snowflake_t id)
{
    const struct permissions_role *role = permissions_role(&d->view.guild, id);
    const struct permissions_role *top = hierarchy_top(&d->view.guild, &d->view.bot);

    if (!role)
        return DIAGNOSE_ROLE_GONE;
    if (role->kind != ROLE_PLAIN || role->id.id == d->view.guild.id.id)
        return DIAGNOSE_ROLE_MANAGED;
    if (d->view.guild.owner.id != d->view.bot.id.id &&
        (!top || hierarchy_compare(&d->view.guild, role, top) >= 0))
        return DIAGNOSE_ROLE_TOO_HIGH;
    return DIAGNOSE_ROLE_GOOD;
}

enum diagnose_role diagnose_role(const struct diagnosis *d, enum setting which)
{
    const struct setting_value *v = settings_get(&d->settings, which);

    return v->none ? DIAGNOSE_ROLE_NONE : judge_role(d, v->id);
}

bool diagnose_can_give(const struct diagnosis *d, snowflake_t role)
{
    return judge_role(d, role) == DIAGNOSE_ROLE_GOOD;
}

static void find_role(struct part *p, const struct diagnosis *d, enum setting which)
{
    static const char *const faults[] = {
        [DIAGNOSE_ROLE_NONE] = N_("not set, so nobody gets one. Set it with `/set`, or let "
                                  "`/diagnose fix:true` make it."),
        [DIAGNOSE_ROLE_GONE] = N_("the role was deleted. Set another with `/set`, or let "
                                  "`/diagnose fix:true` make it."),
        [DIAGNOSE_ROLE_TOO_HIGH] = N_("the role is not below the highest one of Presence. Drag the "
                                      "role of Presence above it, under server settings, Roles."),
        [DIAGNOSE_ROLE_MANAGED] = N_("a bot or Discord gives this role, nobody else can. Set "
                                     "another with `/set`."),
    };
    enum diagnose_role role = diagnose_role(d, which);
    const struct setting_value *v = settings_get(&d->settings, which);

    if (role == DIAGNOSE_ROLE_GOOD ||
        (role == DIAGNOSE_ROLE_NONE && which != SETTING_INACTIVE_ROLE))
        return;
    begin_line(p, role == DIAGNOSE_ROLE_NONE ? DIAGNOSE_WARNING : DIAGNOSE_BROKEN);
    buf_printf(&p->lines, "`%s`", setting_infos[which].key);
    if (!v->none)
        buf_printf(&p->lines, " <@&%llu>", (unsigned long long)v->id.id);
    buf_printf(&p->lines, ": %s", call_words(p->call, faults[role]));
}

static void find_roles(struct part *p, const struct diagnosis *d)
{
    if (!told(p, d) || !d->has_database)
        return;
    find_role(p, d, SETTING_INACTIVE_ROLE);
    find_role(p, d, SETTING_ACTIVE_ROLE);
}

/* --- channels ----------------------------------------------------------------------------------
 */

/* Where the bot has none of these permissions; those it does not see are not told twice. */
static void find_closed(struct part *p, const struct diagnosis *d, uint64_t needed, uint64_t given,
                        const char *text)
{
    struct call *call = p->call;
    unsigned n = 0;
    struct buf names;

    buf_init(&names, 0);
    for (size_t i = 0; i < d->view.n_channels; i++) {
        uint64_t may = guild_view_may_in(&d->view, i, call->now);

        if (d->view.channels[i].access.kind == CHANNEL_CATEGORY || (may & needed) ||
            (may & given) != given)
            continue;
        if (n++ < CHANNELS_SHOWN)
            buf_printf(&names, " <#%llu>", (unsigned long long)d->view.channels[i].id.id);
    }
    if (n > CHANNELS_SHOWN)
        buf_puts(&names, " …");
    if (n > 0) {
        begin_line(p, DIAGNOSE_WARNING);
        buf_printf(&p->lines, call_words(call, text), n);
        buf_puts(&p->lines, buf_cstr(&names));
    }
    buf_clear(&names);
}

/* A channel that a setting names. */
static void find_place(struct part *p, const struct diagnosis *d, enum setting which)
{
    const struct setting_value *v = settings_get(&d->settings, which);
    const uint64_t needed =
        PERMISSION(VIEW_CHANNEL) | PERMISSION(SEND_MESSAGES) | PERMISSION(EMBED_LINKS);
    const struct guild_view_channel *c;
    struct call *call = p->call;
    uint64_t lacking;

    if (v->none)
        return;
    c = guild_view_channel(&d->view, v->id);
    lacking =
        c ? needed & ~guild_view_may_in(&d->view, (size_t)(c - d->view.channels), call->now) : 0;
    if (c && !lacking)
        return;
    begin_line(p, DIAGNOSE_BROKEN);
    buf_printf(&p->lines, "`%s`: ", setting_infos[which].key);
    if (!c) {
        buf_puts(&p->lines, _("the channel was deleted. Set another with `/set`."));
        return;
    }
    buf_printf(&p->lines, _("in <#%llu> Presence needs "), (unsigned long long)c->id.id);
    permissions_print(lacking, &p->lines);
    buf_puts(&p->lines, _(". Give it to its role in the permissions of the channel."));
}

static void find_channels(struct part *p, const struct diagnosis *d)
{
    static const enum setting places[] = {SETTING_LOG_CHANNEL, SETTING_REVIEW_CHANNEL,
                                          SETTING_NUDGE_CHANNEL};

    if (!told(p, d))
        return;
    find_closed(p, d, PERMISSION(VIEW_CHANNEL), 0,
                N_("%u channels are hidden from Presence, so what people do there does not count. "
                   "Let its role see them, if it should:"));
    find_closed(p, d, PERMISSION(READ_MESSAGE_HISTORY), PERMISSION(VIEW_CHANNEL),
                N_("In %u channels Presence may not read the history, which `/baseline` needs:"));
    for (size_t i = 0; d->has_database && i < sizeof(places) / sizeof(places[0]); i++)
        find_place(p, d, places[i]);
}

/* --- watching ----------------------------------------------------------------------------------
 */

static void find_watching(struct part *p, const struct diagnosis *d)
{
    struct call *call = p->call;

    if (!d->health.live)
        say(p, DIAGNOSE_WARNING,
            N_("The connection to Discord's events is being restored. If this stays, who runs "
               "Presence looks at `presencectl status`."));
    if (!d->has_database)
        return;
    if (!unixms_known(d->roster))
        say(p, DIAGNOSE_WARNING,
            N_("The list of members is not complete yet; a developer's `?setup` asks for it "
               "again."));
    if (d->gaps == 0)
        return;
    begin_line(p, DIAGNOSE_WARNING);
    buf_printf(&p->lines, _("In the last 7 days Presence was blind %u times, at most for "),
               d->gaps);
    say_length(call, d->longest_gap_ms, &p->lines);
    buf_puts(&p->lines, _(", together for "));
    say_length(call, d->unwatched_ms, &p->lines);
    buf_puts(&p->lines, _(". Nobody is held to account for that time."));
}

/* --- service -----------------------------------------------------------------------------------
 */

static void find_service(struct part *p, const struct diagnosis *d)
{
    const struct call_health *h = &d->health;

    if (!d->has_database)
        say(p, DIAGNOSE_BROKEN,
            N_("The database is away. What people do is kept until it is back; nobody is marked or "
               "removed meanwhile. Who runs Presence looks at presence-graphqld and PostgreSQL."));
    if (!h->cache)
        say(p, DIAGNOSE_WARNING, N_("Redis is away. Nothing depends on it but a quick start."));
    if (h->lag_p99_ms > LAG_SLOW_MS)
        say(p, DIAGNOSE_WARNING,
            N_("Recording is slow: more than two seconds. Who runs Presence looks at the load of "
               "the machine."));
    if (h->rest_invalid > INVALID_MANY)
        say(p, DIAGNOSE_WARNING,
            N_("Discord refused many requests in the last ten minutes: rights may be missing in "
               "other servers as well."));
}

/* --- all ---------------------------------------------------------------------------------------
 */

typedef void finder(struct part *p, const struct diagnosis *d);

static enum diagnose_grade put_part(struct call *call, const struct diagnosis *d, struct message *m,
                                    const char *name, finder *const *finders)
{
    struct part p = {.call = call};

    buf_init(&p.lines, 0);
    for (; *finders; finders++)
        (*finders)(&p, d);
    message_field(m, call_words(call, name), buf_len(&p.lines) ? buf_cstr(&p.lines) : "✅", false);
    buf_clear(&p.lines);
    return p.worst;
}

enum diagnose_grade diagnose_put(struct call *call, const struct diagnosis *d, struct message *m)
{
    static const struct {
        const char *name;
        finder *finders[3];
    } parts[] = {
        {N_("Rights"), {find_rights, find_intents, NULL}},
        {N_("Roles"), {find_roles, NULL}},
        {N_("Channels"), {find_channels, NULL}},
        {N_("Watching"), {find_watching, NULL}},
        {N_("Service"), {find_service, NULL}},
    };
    enum diagnose_grade worst = DIAGNOSE_FINE;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        enum diagnose_grade grade = put_part(call, d, m, parts[i].name, parts[i].finders);

        worst = grade > worst ? grade : worst;
    }
    return worst;
}
