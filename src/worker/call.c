/* Interactions: which are acted on, and what they call. Called by react for each INTERACTION_CREATE
 * whose sighting is in the ring.
 *
 * At most once: an event that was delivered before, or replayed after a RESUME, is a sighting only,
 * whatever became of it then. Only fresh: Discord takes no answer after 3 s.
 * Diagnostics: warns about interactions that come too late (a wrong clock makes them all so). */
#include "worker/call.h"

#include <stdlib.h>
#include <string.h>

#include "worker/cogs.h"
#include "presence/log.h"
#include "presence/permissions.h"
#include "worker/call_priv.h"

#define CALLS_MAX     512u
#define STALE_SAY_MS  60000
#define LATEST_FUTURE 300000 /* a clock that much behind Discord's is wrong, not slow */

#define _(text) call_words(&t->call, (text))

/* --- one call ----------------------------------------------------------------------------------
 */

void task_free(struct task *t)
{
    task_forget_question(t);
    task_forget_requests(t);
    task_progress_clear(t);
    task_forget_file(t);
    LIST_REMOVE(t, entry);
    t->w->calls->count--;
    loop_timer_free(&t->timer);
    command_args_clear(&t->args);
    message_clear(&t->answer);
    explicit_bzero(t->interaction.token, sizeof(t->interaction.token));
    if (t->call.state && t->call.forget)
        t->call.forget(t->call.state);
    else
        free(t->call.state);
    free(t->d);
    free(t);
}

/* The caller as he was before this act: the very last thing he did, unless that is not known yet.
 */
static void note_before(struct task *t, const struct event_result *result)
{
    task_member(t->w, t->interaction.guild, t->interaction.user, &t->call.before);
    t->call.before.last_seen.ms = SEEN_MS(result->before_seen);
    t->call.before.seen_kind = SEEN_KIND(result->before_seen);
    t->call.before.last_counted.ms = SEEN_MS(result->before_counted);
    t->call.before.counted_kind = SEEN_KIND(result->before_counted);
}

static struct task *task_new(struct worker *w, const char *d, size_t len)
{
    struct task *t = xcalloc(1, sizeof(*t));

    *t = (struct task){.w = w, .d = xmalloc(len + 1), .begun = clock_mono()};
    memcpy(t->d, d, len);
    t->d[len] = '\0';
    t->call = (struct call){.host = &task_host,
                            .interaction = &t->interaction,
                            .args = &t->args,
                            .locale = t->interaction.locale,
                            .now = clock_unix()};
    message_init(&t->answer);
    message_init(&t->progress);
    LIST_INIT(&t->requests);
    buf_init(&t->args.texts, 0);
    LIST_INSERT_HEAD(&w->calls->tasks, t, entry);
    w->calls->count++;
    return t;
}

/* --- commands ----------------------------------------------------------------------------------
 */

static void refuse_permission(struct task *t, uint64_t lacking)
{
    struct buf names, text;

    buf_init(&names, 0);
    buf_init(&text, 0);
    permissions_print(lacking, &names);
    buf_printf(&text, _("You may not do this here. You need: %s."), buf_cstr(&names));
    task_say(t, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&names);
    buf_clear(&text);
}

static void refuse_options(struct task *t, const struct command_error *error)
{
    struct buf text;

    buf_init(&text, 0);
    command_error_print(error, task_host.words, t->call.locale, &text);
    task_say(t, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
}

static void run_command(struct task *t)
{
    size_t count;
    const struct command *const *commands = cogs_commands(&count);
    struct command_error error;
    uint64_t lacking;

    if (command_parse(commands, count, t->interaction.data, false, &t->args, &error)) {
        refuse_options(t, &error);
        return;
    }
    lacking = command_lacking(&t->args, t->interaction.permissions);
    if (lacking) {
        refuse_permission(t, lacking);
        return;
    }
    task_defer_later(t);
    t->args.action->run(&t->call);
}

/* What cannot be read gets no suggestions; whoever may not run it neither. */
static void run_completion(struct task *t)
{
    size_t count;
    const struct command *const *commands = cogs_commands(&count);
    struct command_error error;

    if (!command_parse(commands, count, t->interaction.data, true, &t->args, &error) &&
        t->args.focused >= 0 && t->args.action->complete &&
        !command_lacking(&t->args, t->interaction.permissions))
        t->args.action->complete(&t->call);
    else
        task_choices(t, "[]");
}

/* --- buttons -----------------------------------------------------------------------------------
 */

static enum custom_id_verdict read_custom_id(const struct task *t, struct custom_id *id)
{
    const struct interaction *i = &t->interaction;
    struct slice value = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("custom_id", &value)};
    char text[CUSTOM_ID_SIZE];
    size_t len;

    if (!scan_is_object(i->data) || scan_fields(i->data, fields, 1))
        return CUSTOM_ID_FOREIGN;
    len = scan_string(value, text, sizeof(text));
    return custom_id_read(&t->w->custom_id_key, i->guild, i->user, text, len, t->call.now, id);
}

static void run_button(struct task *t)
{
    struct custom_id id;
    enum custom_id_verdict verdict = read_custom_id(t, &id);
    const struct cog_button *button = verdict == CUSTOM_ID_GOOD ? cogs_button(id.name) : NULL;
    uint64_t granted = t->interaction.permissions;

    if (verdict == CUSTOM_ID_FOREIGN)
        task_say(t, MESSAGE_BAD,
                 _("This button is for whoever ran the command. Run it yourself to get your own."));
    else if (!button)
        task_say(t, MESSAGE_GREY, _("This button has expired. Run the command again."));
    else if (button->permissions & ~granted && !(granted & PERMISSION(ADMINISTRATOR)))
        refuse_permission(t, button->permissions & ~granted);
    else {
        task_defer_later(t);
        button->press(&t->call, id.data);
    }
}

void task_run(struct task *t)
{
    switch (t->interaction.type) {
    case INTERACTION_COMMAND:
        if (!t->interaction.installed)
            task_say(t, MESSAGE_BAD,
                     _("Presence is not a member of this server: ask its admins "
                       "to invite it."));
        else
            run_command(t);
        break;
    case INTERACTION_COMPLETE:
        run_completion(t);
        break;
    case INTERACTION_COMPONENT:
    case INTERACTION_MODAL:
        run_button(t);
        break;
    case INTERACTION_PING: /* by HTTP only */
        task_free(t);
        break;
    }
}

/* --- which are acted on ------------------------------------------------------------------------
 */

static bool fresh(struct calls *all, const struct interaction *i)
{
    int64_t age = clock_unix().ms - snowflake_time(i->id).ms;
    monoms_t now = clock_mono();

    if (age <= INTERACTION_FRESH_MS && age > -LATEST_FUTURE)
        return true;
    all->stale++;
    if (all->stale_said.ms && now.ms - all->stale_said.ms < STALE_SAY_MS)
        return false;
    log_warn("interaction_late",
             "%u not answered; the last was %lld ms old when it came to be acted on (Discord takes "
             "answers for 3,000 ms; a machine's clock that is wrong makes all late)",
             all->stale, (long long)age);
    all->stale_said = now;
    all->stale = 0;
    return false;
}

void call_begin(struct lane *lane, const struct msg_event *event, const char *frame,
                const struct event_result *result)
{
    struct worker *w = lane->w;
    struct task *t;
    const char *error;

    if (event->flags & (MSG_EVENT_REDELIVERED | MSG_EVENT_REPLAYED) || w->draining)
        return;
    if (w->calls->count >= CALLS_MAX) {
        log_warn("interaction_dropped", "%u interactions are under way already", CALLS_MAX);
        return;
    }
    t = task_new(w, frame + event->d_off, event->d_len);
    error = interaction_read((struct slice){t->d, event->d_len}, &t->interaction);
    if (error)
        log_warn("interaction_refused", "guild %llu: %s", (unsigned long long)event->guild, error);
    if (error || !fresh(w->calls, &t->interaction)) {
        task_free(t);
        return;
    }
    note_before(t, result);
    task_begin(t);
}

bool call_pending(const struct worker *w)
{
    const struct task *t;

    LIST_FOREACH(t, &w->calls->tasks, entry)
    {
        if (!t->showing || t->has_answer)
            return true;
    }
    return false;
}

void call_init(struct worker *w)
{
    w->calls = xcalloc(1, sizeof(*w->calls));
    w->calls->w = w;
    w->calls->next_kept = (uint64_t)clock_unix().ms << 16;
    LIST_INIT(&w->calls->tasks);
}

void call_free(struct worker *w)
{
    while (!LIST_EMPTY(&w->calls->tasks))
        task_free(LIST_FIRST(&w->calls->tasks));
    for (unsigned i = 0; i < KEPT_MAX; i++)
        free(w->calls->kept[i].text);
    free(w->calls);
    w->calls = NULL;
}
