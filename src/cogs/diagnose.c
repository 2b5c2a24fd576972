/* /diagnose: looks at everything that can keep Presence from working in a guild, and mends, if
 * asked, what can be mended without taking anything from anybody: the missing inactive role.
 * Diagnostics: none. */
#include "cogs/diagnose.h"

#include <stdlib.h>
#include <string.h>

#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define WEEK_MS     (7 * SAY_DAY_MS)
#define GAP_MIN_MS  60000
#define ROLE_NAME   "Inactive"
#define ROLE_COLOUR 7634829 /* grey */

struct state {
    struct diagnosis d;
    unsigned awaited;
    const char *fixed; /* what came of it; NULL = nothing was to be done */
};

/* --- the answer --------------------------------------------------------------------------------
 */

static void answer(struct call *call)
{
    static const enum message_colour colours[] = {MESSAGE_GOOD, MESSAGE_IDLE, MESSAGE_BAD};
    struct state *s = call->state;
    enum diagnose_grade worst;
    struct message m;

    message_init(&m);
    buf_puts(&m.title, _("How Presence stands here"));
    worst = diagnose_put(call, &s->d, &m);
    m.colour = colours[worst];
    if (s->fixed)
        buf_puts(&m.body, call_words(call, s->fixed));
    else if (worst == DIAGNOSE_FINE)
        buf_puts(&m.body, _("Everything is as it should be."));
    buf_printf(&m.footer, _("Waiting: %lld jobs here, %u requests to Discord in all"),
               (long long)s->d.open_jobs, s->d.health.rest_waiting);
    call_answer(call, &m);
}

static void forget(void *state)
{
    struct state *s = state;

    guild_view_clear(&s->d.view);
    settings_free(&s->d.settings);
    free(s);
}

/* --- mending -----------------------------------------------------------------------------------
 */

static void set_role(struct state *s, snowflake_t role)
{
    struct setting_value v = {.id = role};

    settings_put(&s->d.settings, SETTING_INACTIVE_ROLE, &v);
}

static void changed(struct call *call, const struct json *data)
{
    struct state *s = call->state;
    const char *code = json_string(json_get(json_get(data, "done"), "code"), "");

    if (!strcmp(code, "OK")) {
        set_role(s, s->d.candidate);
        s->fixed = N_("Mended: `inactive_role` is set to a role that Presence can give.");
    } else {
        s->fixed = N_("The role is there, but the setting could not be changed: use `/set "
                      "inactive_role`.");
    }
    answer(call);
}

static void use_role(struct call *call, snowflake_t role)
{
    struct state *s = call->state;
    struct buf variables;

    s->d.candidate = role;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables,
               ",\"version\":%d,\"actorId\":\"%llu\",\"requestId\":\"%llu\","
               "\"changes\":[{\"key\":\"inactive_role\",\"value\":\"\\\"%llu\\\"\"}]}",
               s->d.settings.version, (unsigned long long)call->interaction->user.id,
               (unsigned long long)call->interaction->id.id, (unsigned long long)role.id);
    call_ask(call, OPERATION_SETTINGS_CHANGE, buf_cstr(&variables), changed);
    buf_clear(&variables);
}

static void created(struct call *call, void *arg, const struct call_response *r)
{
    struct state *s = call->state;
    uint64_t id = json_id(json_get(r->body, "id"));

    (void)arg;
    if (r->outcome != OUTCOME_OK || !id) {
        s->fixed = r->outcome == OUTCOME_LIMIT_REACHED
                       ? N_("The role could not be made: the server has as many as it may have.")
                       : N_("The role could not be made: Discord refused it.");
        answer(call);
        return;
    }
    guild_view_add_role(&s->d.view, r->body);
    use_role(call, (snowflake_t){id});
}

static void create_role(struct call *call)
{
    char *json = xasprintf("{\"name\":\"%s\",\"permissions\":\"0\",\"color\":%d,\"hoist\":false,"
                           "\"mentionable\":false}",
                           ROLE_NAME, ROLE_COLOUR);
    const struct call_request request = {.method = "POST",
                                         .route = "/guilds/{}/roles",
                                         .ids = {call->interaction->guild},
                                         .json = json,
                                         .reason =
                                             _("The inactive role of Presence, made by /diagnose")};

    call_rest(call, CALL_FAST, &request, created, NULL);
    free(json);
}

/* Whether it is under way. */
static bool mend(struct call *call)
{
    struct state *s = call->state;
    const struct diagnosis *d = &s->d;
    enum diagnose_role role;

    if (!call_arg(call, "fix")->yes || !d->has_guild || !d->has_bot || !d->has_database)
        return false;
    role = diagnose_role(d, SETTING_INACTIVE_ROLE);
    if (role != DIAGNOSE_ROLE_NONE && role != DIAGNOSE_ROLE_GONE)
        return false;
    if (!(call->interaction->permissions &
          (PERMISSION(MANAGE_ROLES) | PERMISSION(ADMINISTRATOR)))) {
        s->fixed = N_("To have the inactive role made, you need the permission MANAGE_ROLES.");
        return false;
    }
    if (!(guild_view_may(&d->view, call->now) &
          (PERMISSION(MANAGE_ROLES) | PERMISSION(ADMINISTRATOR))))
        return false;
    if (snowflake_known(d->candidate) && diagnose_can_give(d, d->candidate))
        use_role(call, d->candidate);
    else
        create_role(call);
    return true;
}

/* --- what is looked at -------------------------------------------------------------------------
 */

static void arrived(struct call *call)
{
    struct state *s = call->state;

    if (--s->awaited == 0 && !mend(call))
        answer(call);
}

/* A role made before that could not be set. */
static void note_candidate(struct diagnosis *d, const struct json *guild)
{
    for (const struct json *j = json_first(json_get(guild, "roles")); j; j = json_next(j))
        if (!strcmp(json_string(json_get(j, "name"), ""), ROLE_NAME) &&
            !json_id(json_get(j, "permissions")))
            d->candidate.id = json_id(json_get(j, "id"));
}

static void guild_told(struct call *call, void *arg, const struct call_response *r)
{
    struct diagnosis *d = arg;

    d->has_guild = r->outcome == OUTCOME_OK && guild_view_guild(&d->view, r->body);
    if (d->has_guild)
        note_candidate(d, r->body);
    arrived(call);
}

static void channels_told(struct call *call, void *arg, const struct call_response *r)
{
    struct diagnosis *d = arg;

    d->has_channels = r->outcome == OUTCOME_OK && guild_view_channels(&d->view, r->body);
    arrived(call);
}

static void bot_told(struct call *call, void *arg, const struct call_response *r)
{
    struct diagnosis *d = arg;

    d->has_bot = r->outcome == OUTCOME_OK && guild_view_bot(&d->view, r->body);
    arrived(call);
}

static void note_gap(struct diagnosis *d, int64_t from, int64_t to)
{
    if (to - from < GAP_MIN_MS)
        return;
    d->gaps++;
    d->unwatched_ms += to - from;
    if (to - from > d->longest_gap_ms)
        d->longest_gap_ms = to - from;
}

/* The intervals come in the order in which they began. */
static void read_coverage(struct diagnosis *d, const struct json *intervals, unixms_t from,
                          unixms_t now)
{
    int64_t seen_until = from.ms;

    for (const struct json *j = json_first(intervals); j; j = json_next(j)) {
        unixms_t began = say_time_of(json_get(j, "from")), ended = say_time_of(json_get(j, "to"));

        note_gap(d, seen_until, began.ms);
        if (json_bool(json_get(j, "open"), false))
            ended = now;
        if (ended.ms > seen_until)
            seen_until = ended.ms;
    }
    if (json_size(intervals) > 0)
        note_gap(d, seen_until, now.ms);
}

static void database_told(struct call *call, const struct json *data)
{
    struct state *s = call->state;
    const struct json *guild = json_get(data, "guild");

    s->d.has_database = data != NULL; /* a guild that is new is not in it yet */
    s->d.bot_joined = say_time_of(json_get(guild, "botJoinedAt"));
    s->d.roster = say_time_of(json_get(guild, "rosterAt"));
    s->d.open_jobs = json_int(json_get(json_get(data, "open"), "totalCount"), 0);
    settings_free(&s->d.settings);
    cog_read_settings(guild, &s->d.settings);
    read_coverage(&s->d, json_get(guild, "coverage"),
                  unixms_max((unixms_t){call->now.ms - WEEK_MS}, s->d.bot_joined), call->now);
    arrived(call);
}

static void get(struct call *call, const char *route, snowflake_t id, call_responded *cb)
{
    struct state *s = call->state;
    const struct call_request request = {
        .method = "GET", .route = route, .ids = {call->interaction->guild, id}};

    s->awaited++;
    call_rest(call, CALL_FAST, &request, cb, &s->d);
}

static void self_told(struct call *call, void *arg, const struct call_response *r)
{
    snowflake_t self = {json_id(json_get(r->body, "id"))};

    (void)arg;
    if (r->outcome == OUTCOME_OK && snowflake_known(self))
        get(call, "/guilds/{}/members/{}", self, bot_told);
    arrived(call);
}

/* The process may not have heard who the bot is: it began a moment ago. */
static void get_bot(struct call *call)
{
    struct state *s = call->state;
    const struct call_request request = {.method = "GET", .route = "/users/@me"};

    if (snowflake_known(s->d.health.self)) {
        get(call, "/guilds/{}/members/{}", s->d.health.self, bot_told);
        return;
    }
    s->awaited++;
    call_rest(call, CALL_FAST, &request, self_told, NULL);
}

static void diagnose(struct call *call)
{
    struct state *s = xcalloc(1, sizeof(*s));
    struct buf variables;

    call->state = s;
    call->forget = forget;
    guild_view_init(&s->d.view);
    settings_init(&s->d.settings);
    call->host->health(call, &s->d.health);
    get(call, "/guilds/{}", (snowflake_t){0}, guild_told);
    get(call, "/guilds/{}/channels", (snowflake_t){0}, channels_told);
    get_bot(call);
    s->awaited++;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_puts(&variables, ",\"week\":");
    say_time_variable((unixms_t){call->now.ms - WEEK_MS}, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_DIAGNOSE, buf_cstr(&variables), database_told);
    buf_clear(&variables);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct command_option diagnose_options[] = {
    {.name = "fix",
     .description = N_("Also make the inactive role, where there is none"),
     .type = COMMAND_BOOL},
    {.name = NULL},
};
static const struct command_action diagnose_action[] = {
    {.options = diagnose_options, .run = diagnose}, {.run = NULL}};
const struct command cog_diagnose = {.kind = COMMAND_SLASH,
                                     .name = "diagnose",
                                     .description = N_("What keeps Presence from working here"),
                                     .permissions = PERMISSION(MANAGE_GUILD),
                                     .actions = diagnose_action};
