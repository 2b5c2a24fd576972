/* Showing how far a call is: an acknowledgement that is edited now and then, until the answer takes
 * its place. Called by cogs through call_host.c, and by call_answer.c. Diagnostics: debug for edits
 * that Discord refused. */
#include "presence/log.h"
#include "worker/call_priv.h"

#define EDIT_MS   5000 /* between two edits */
#define MARGIN_MS 5000 /* before the end of the token's life: an edit takes its time */

bool task_expired(const struct task *t)
{
    return t->expired || clock_mono().ms - t->begun.ms > INTERACTION_TOKEN_MS - MARGIN_MS;
}

/* --- showing -----------------------------------------------------------------------------------
 */

static void edited(void *arg, const struct rest_answer *answer)
{
    struct task *t = arg;

    t->edit_under_way = false;
    t->edited = clock_mono();
    if (answer->outcome != OUTCOME_OK)
        log_debug("progress", "guild %llu: %s", (unsigned long long)t->interaction.guild.id,
                  outcome_name(answer->outcome));
    if (answer->outcome == OUTCOME_TOKEN_EXPIRED || answer->outcome == OUTCOME_UNKNOWN_MESSAGE)
        t->expired = true; /* or somebody dismissed it */
    task_progress_due(t);
}

static void edit_now(void *arg)
{
    struct task *t = arg;

    if (t->state != TASK_WAITING || t->edit_under_way || !t->has_progress || task_expired(t))
        return;
    t->edit_under_way = true;
    t->has_progress = false;
    task_edit(t, &t->progress, edited);
    message_clear(&t->progress);
}

void task_progress_due(struct task *t)
{
    int64_t rest_ms = EDIT_MS - (clock_mono().ms - t->edited.ms);

    if (t->state != TASK_WAITING || t->edit_under_way)
        return;
    if (t->has_answer)
        task_answer_edit(t);
    else if (t->has_progress)
        loop_timer_set(t->progress_timer, rest_ms > 0 ? rest_ms : 0);
}

static void show_first(struct task *t)
{
    struct buf body;

    buf_init(&body, 0);
    buf_printf(&body, "{\"type\":%d,\"data\":{",
               t->call.update ? CALLBACK_UPDATE : CALLBACK_MESSAGE);
    message_print(&t->progress, !t->call.update, &body);
    buf_puts(&body, "}}");
    t->has_progress = false;
    t->edited = clock_mono();
    task_acknowledge(t, &body);
    message_clear(&t->progress);
    buf_clear(&body);
}

bool task_progress(struct task *t, struct message *m)
{
    if (t->has_answer || t->state == TASK_ANSWERED || task_expired(t)) {
        if (t->has_answer)
            log_error("cog", "a call showed progress after its answer");
        message_clear(m);
        return false;
    }
    m->everybody = t->call.everybody;
    message_clear(&t->progress);
    t->progress = *m;
    message_init(m);
    t->has_progress = t->showing = true;
    if (!t->progress_timer)
        t->progress_timer = loop_timer_new(t->w->loop, edit_now, t);
    if (t->state == TASK_NEW)
        show_first(t);
    else
        task_progress_due(t);
    return true;
}

/* --- waiting -----------------------------------------------------------------------------------
 */

static void waited(void *arg)
{
    struct task *t = arg;

    if (!t->has_answer)
        t->continued(&t->call);
}

void task_wait(struct task *t, int64_t ms, call_continued *cb)
{
    if (!t->wait_timer)
        t->wait_timer = loop_timer_new(t->w->loop, waited, t);
    t->continued = cb;
    loop_timer_set(t->wait_timer, ms);
}

void task_progress_clear(struct task *t)
{
    loop_timer_free(&t->progress_timer);
    loop_timer_free(&t->wait_timer);
    message_clear(&t->progress);
}
