/* /baseline: starts, shows and cancels the search for the members' last messages of the time before
 * the bot came. The work itself is a durable job (worker/baseline.c); here is what people see of
 * it. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "cogs/change.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"

#define LOOK_MS    2000
#define BAR_CELLS  20
#define DEPTH_MIN  SAY_DAY_MS
#define DEPTH_MAX  (5 * 365 * SAY_DAY_MS)
#define DEPTH_DAYS (180 * SAY_DAY_MS)

/* --- what is shown -----------------------------------------------------------------------------
 */

static int64_t number(const struct json *data, const char *key)
{
    return json_int(json_get(data, key), 0);
}

static void put_bar(struct call *call, struct message *m, int64_t done, int64_t total, bool search)
{
    int64_t cells = total > 0 ? done * BAR_CELLS / total : 0;

    for (int64_t i = 0; i < BAR_CELLS; i++)
        buf_puts(&m->body, i < cells ? "█" : "░");
    if (total > 0)
        buf_printf(&m->body, " %lld %%", (long long)(done * 100 / total));
    buf_putc(&m->body, '\n');
    buf_printf(&m->body,
               search ? _("%lld of %lld members asked about") : _("%lld of %lld channels read"),
               (long long)done, (long long)total);
}

/* From the whole time so far: Discord's limits make single steps uneven. */
static void put_rate(struct call *call, struct message *m, const struct json *data, int64_t done,
                     int64_t total)
{
    int64_t for_ms = number(data, "noted_ms") - number(data, "begun_ms");

    if (for_ms <= 0 || done <= 0 || done > total)
        return;
    buf_printf(&m->body, _("\n%lld a minute; time left: "), (long long)(done * 60000 / for_ms));
    say_length(call, (total - done) * for_ms / done, &m->body);
}

static void put_found(struct call *call, struct message *m, const struct json *data)
{
    buf_printf(&m->body, _("\nFound: %lld"), (long long)number(data, "found"));
    buf_printf(&m->footer, _("%lld requests to Discord"), (long long)number(data, "requests"));
    if (json_bool(json_get(data, "dry_run"), false))
        buf_puts(&m->body, _("\nThis is a trial: nothing is recorded."));
}

static void put_open(struct call *call, struct message *m, const struct json *job,
                     const struct json *data)
{
    int64_t done = number(data, "done"), total = number(data, "total");

    buf_puts(&m->title, _("Looking for what was before Presence"));
    if (!number(data, "begun_ms")) {
        buf_puts(&m->body, _("It begins in a moment."));
    } else {
        put_bar(call, m, done, total, !strcmp(json_string(json_get(data, "using"), ""), "search"));
        put_rate(call, m, data, done, total);
        put_found(call, m, data);
    }
    call_button(call, m, MESSAGE_DANGER, _("Cancel"), "baseline",
                json_string(json_get(job, "jobId"), "0"));
}

/* The reasons that the worker gives (worker/baseline*.c), for their translations. */
static const char *const failures[] = {
    N_("Discord does not answer"),
    N_("the database refuses a question"),
    N_("Discord's index of messages is not ready: try again later"),
    N_("Discord does not allow the search: it needs the permission READ_MESSAGE_HISTORY and the "
       "intent MESSAGE_CONTENT"),
    N_("Discord does not tell the channels"),
    N_("Discord does not tell the roles"),
    N_("Discord does not tell which roles Presence has"),
};

static const char *failure_of(struct call *call, const struct json *job)
{
    const char *text = json_string(json_get(job, "failure"), "");

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (!strcmp(failures[i], text))
            return call_words(call, failures[i]);
    return text;
}

static void put_over(struct call *call, struct message *m, const struct json *job,
                     const struct json *data)
{
    const char *state = json_string(json_get(job, "state"), "");

    if (!strcmp(state, "DONE")) {
        m->colour = MESSAGE_GOOD;
        buf_puts(&m->title, _("The past is searched"));
    } else if (!strcmp(state, "FAILED")) {
        m->colour = MESSAGE_BAD;
        buf_puts(&m->title, _("The search of the past ended early"));
        buf_printf(&m->body, "%s\n", failure_of(call, job));
    } else {
        m->colour = MESSAGE_GREY;
        buf_puts(&m->title, _("The search of the past was cancelled"));
    }
    say_when(call, say_time_of(json_get(job, "finishedAt")), &m->body);
    put_found(call, m, data);
}

/* False: it is over. */
static bool show(struct call *call, const struct json *job, struct message *m)
{
    const char *text = json_string(json_get(job, "data"), "{}");
    struct json *data = json_parse(text, strlen(text), NULL);
    bool open = json_is_null(json_get(job, "finishedAt"));

    message_init(m);
    if (open)
        put_open(call, m, job, data);
    else
        put_over(call, m, job, data);
    json_free(&data);
    return open;
}

/* --- following it ------------------------------------------------------------------------------
 */

static void look(struct call *call);

static void looked(struct call *call, const struct json *data)
{
    const struct json *job = json_at(json_get(json_get(data, "jobs"), "nodes"), 0);
    struct message m;

    if (!data) { /* it goes on without us; so does the job when the database is back */
        call_wait(call, LOOK_MS, look);
        return;
    }
    if (!job) {
        say_plain(call, MESSAGE_GREY, _("The past was never searched here. `/baseline` begins."));
        return;
    }
    if (!show(call, job, &m))
        call_answer(call, &m);
    else if (call_progress(call, &m))
        call_wait(call, LOOK_MS, look);
    else
        say_plain(call, MESSAGE_NEUTRAL, _("It goes on; see `/baseline action:status`."));
}

static void look(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_BASELINE_STATUS, buf_cstr(&variables), looked);
    buf_clear(&variables);
}

static void started(struct call *call, const struct json *data)
{
    if (change_done(call, data))
        look(call);
}

static void start(struct call *call)
{
    const struct command_value *method = call_arg(call, "method");
    struct buf variables;
    int64_t depth_ms;
    char *job;

    if (!say_read_length(call, "depth", DEPTH_DAYS, DEPTH_MIN, DEPTH_MAX, &depth_ms))
        return;
    job = xasprintf("{\"depth_ms\":%lld,\"method\":\"%s\",\"dry_run\":%s}", (long long)depth_ms,
                    method->given ? method->text : "auto",
                    call_arg(call, "dry_run")->yes ? "true" : "false");
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    change_put_caller(call, &variables);
    buf_puts(&variables, ",\"data\":");
    buf_put_json(&variables, job, strlen(job));
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_BASELINE_START, buf_cstr(&variables), started);
    buf_clear(&variables);
    free(job);
}

/* --- cancelling --------------------------------------------------------------------------------
 */

static void cancelled(struct call *call, const struct json *data)
{
    const char *code = json_string(json_get(json_get(data, "done"), "code"), "");

    if (!strcmp(code, "NOT_FOUND"))
        say_plain(call, MESSAGE_GREY, _("It is over already."));
    else if (change_done(call, data))
        say_plain(call, MESSAGE_GREY, _("Cancelled. What was found until then stays."));
}

static void cancel_job(struct call *call, const char *job)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    change_put_caller(call, &variables);
    buf_printf(&variables, ",\"jobIds\":[\"%llu\"]}", strtoull(job, NULL, 10));
    call_ask(call, OPERATION_BASELINE_CANCEL, buf_cstr(&variables), cancelled);
    buf_clear(&variables);
}

static void found_job(struct call *call, const struct json *data)
{
    const struct json *job = json_at(json_get(json_get(data, "jobs"), "nodes"), 0);

    if (!data)
        say_away(call);
    else if (!job || !json_is_null(json_get(job, "finishedAt")))
        say_plain(call, MESSAGE_GREY, _("There is nothing to cancel."));
    else
        cancel_job(call, json_string(json_get(job, "jobId"), "0"));
}

static void find_job(struct call *call)
{
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, OPERATION_BASELINE_STATUS, buf_cstr(&variables), found_job);
    buf_clear(&variables);
}

/* The message that shows the progress says so itself, moments later. */
void baseline_press(struct call *call, const char *data)
{
    cancel_job(call, data);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static void baseline(struct call *call)
{
    const char *action = call_arg(call, "action")->text;

    if (!strcmp(action, "status"))
        look(call);
    else if (!strcmp(action, "cancel"))
        find_job(call);
    else
        start(call);
}

static const struct command_choice actions[] = {
    {"start", N_("start")}, {"status", N_("status")}, {"cancel", N_("cancel")}, {NULL, NULL}};
static const struct command_choice methods[] = {{"auto", N_("search, else history")},
                                                {"search", N_("Discord's search")},
                                                {"history", N_("the channels' history")},
                                                {NULL, NULL}};
static const struct command_option options[] = {
    {.name = "action",
     .description = N_("Start it (the default), look how far it is, or cancel it"),
     .type = COMMAND_TEXT,
     .choices = actions},
    {.name = "depth",
     .description = N_("How far back, such as 180d (the default) or 1y"),
     .type = COMMAND_TEXT,
     .min = 1,
     .max = 32},
    {.name = "method",
     .description = N_("How to look; search needs the intent MESSAGE_CONTENT"),
     .type = COMMAND_TEXT,
     .choices = methods},
    {.name = "dry_run", .description = N_("Only count, record nothing"), .type = COMMAND_BOOL},
    {.name = NULL},
};
static const struct command_action baseline_action[] = {{.options = options, .run = baseline},
                                                        {.run = NULL}};
const struct command cog_baseline = {
    .kind = COMMAND_SLASH,
    .name = "baseline",
    .description = N_("Find the members' last messages from before Presence came"),
    .permissions = PERMISSION(ADMINISTRATOR),
    .actions = baseline_action};
