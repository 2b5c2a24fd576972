/* Answering an interaction: at once where the answer is ready, else Discord is told that it will
 * come (a deferral), and the answer is an edit of that. Called by call.c, and by cogs through
 * call_host.c.
 *
 * Exactly one acknowledgement is sent per interaction, and none of it is repeated once it may have
 * been taken. Diagnostics: warns about answers that Discord refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/call_priv.h"

#define DEFER_MS    800  /* after the beginning; Discord waits for 3,000 since the interaction */
#define ACK_LAST_MS 2900 /* since the interaction */

static void note_failure(const struct task *t, const char *what, const struct rest_answer *answer)
{
    if (answer->outcome != OUTCOME_OK)
        log_warn("interaction_unanswered", "guild %llu, %s: %s (status %d, code %d) %s",
                 (unsigned long long)t->interaction.guild.id, what, outcome_name(answer->outcome),
                 answer->status, answer->code, answer->error ? answer->error : "");
}

/* --- sending -----------------------------------------------------------------------------------
 */

static void send(struct task *t, const char *method, const char *path, const struct buf *body,
                 int64_t give_up_ms, rest_cb *cb)
{
    const struct message *m = &t->answer;
    struct form_file files[MESSAGE_FILES_MAX];
    struct rest_request request = {.method = method,
                                   .path = path,
                                   .lane = BUDGET_ANSWERS,
                                   .json = (const char *)buf_bytes(body),
                                   .json_len = buf_len(body),
                                   .files = files,
                                   .n_files = t->state == TASK_ANSWERED ? m->n_files : 0,
                                   .give_up_ms = give_up_ms > 0 ? give_up_ms : 1};

    for (size_t i = 0; i < request.n_files; i++)
        files[i] = (struct form_file){m->files[i].name, m->files[i].type,
                                      buf_bytes(&m->files[i].bytes), buf_len(&m->files[i].bytes)};
    rest_send(t->w->rest, &request, cb, t);
    if (t->state == TASK_ANSWERED)
        message_clear(&t->answer); /* it has been copied, and files are large */
}

static void send_callback(struct task *t, const struct buf *body, rest_cb *cb)
{
    int64_t age =
        t->call.now.ms - snowflake_time(t->interaction.id).ms + (clock_mono().ms - t->begun.ms);
    char *path = xasprintf("/interactions/%llu/%s/callback",
                           (unsigned long long)t->interaction.id.id, t->interaction.token);

    send(t, "POST", path, body, ACK_LAST_MS - (age > 0 ? age : 0), cb);
    free(path);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void ended(void *arg, const struct rest_answer *answer)
{
    struct task *t = arg;

    note_failure(t, "answer", answer);
    task_free(t);
}

void task_edit(struct task *t, const struct message *m, rest_cb *cb)
{
    char *path = xasprintf("/webhooks/%llu/%s/messages/@original",
                           (unsigned long long)t->interaction.application.id, t->interaction.token);
    struct buf body;

    buf_init(&body, 0);
    buf_putc(&body, '{');
    message_print(m, false, &body);
    buf_putc(&body, '}');
    send(t, "PATCH", path, &body, INTERACTION_TOKEN_MS - (clock_mono().ms - t->begun.ms), cb);
    buf_clear(&body);
    free(path);
}

/* The token is not good any more: an answer for everybody becomes a message of its own. */
static void post(struct task *t)
{
    char *path =
        xasprintf("/channels/%llu/messages", (unsigned long long)t->interaction.channel.id);
    struct buf body;

    buf_init(&body, 0);
    buf_putc(&body, '{');
    message_print(&t->answer, false, &body);
    buf_putc(&body, '}');
    send(t, "POST", path, &body, INTERACTION_TOKEN_MS, ended);
    buf_clear(&body);
    free(path);
}

static void ended_unseen(void *arg)
{
    task_free(arg);
}

void task_answer_edit(struct task *t)
{
    t->state = TASK_ANSWERED;
    if (!task_expired(t))
        task_edit(t, &t->answer, ended);
    else if (t->call.everybody)
        post(t);
    else
        loop_defer(t->w->loop, ended_unseen, t);
}

/* The callback that ends the call; body: up to the end of its data. */
static void answer_now(struct task *t, struct buf *body)
{
    buf_puts(body, "}}");
    t->state = TASK_ANSWERED;
    loop_timer_free(&t->timer);
    send_callback(t, body, ended);
    buf_clear(body);
}

static void show_now(struct task *t)
{
    struct buf body;

    buf_init(&body, 0);
    buf_printf(&body, "{\"type\":%d,\"data\":{",
               t->call.update ? CALLBACK_UPDATE : CALLBACK_MESSAGE);
    message_print(&t->answer, !t->call.update, &body);
    answer_now(t, &body);
}

void task_answer(struct task *t, struct message *m)
{
    if (t->has_answer || t->state == TASK_ANSWERED) {
        log_error("cog", "a call was answered twice");
        message_clear(m);
        return;
    }
    task_forget_question(t);
    m->everybody = t->call.everybody;
    message_clear(&t->answer);
    t->answer = *m;
    message_init(m);
    t->has_answer = true;
    if (t->state == TASK_NEW)
        show_now(t);
    else if (t->state == TASK_WAITING && !t->edit_under_way)
        task_answer_edit(t);
}

void task_say(struct task *t, enum message_colour colour, const char *text)
{
    struct message m;

    message_init(&m);
    m.colour = colour;
    buf_puts(&m.body, text);
    if (t->state == TASK_NEW)
        t->call.everybody = t->call.update = false;
    task_answer(t, &m);
}

void task_choices(struct task *t, const char *choices)
{
    struct buf body;

    buf_init(&body, 0);
    buf_printf(&body, "{\"type\":%d,\"data\":{\"choices\":%s", CALLBACK_CHOICES, choices);
    answer_now(t, &body);
}

void task_modal(struct task *t, const char *title, const char *custom_id,
                const struct message_line *lines, size_t count)
{
    struct buf body;

    if (t->state != TASK_NEW || t->has_answer) {
        log_error("cog", "a form comes first or not at all");
        return;
    }
    buf_init(&body, 0);
    buf_printf(&body, "{\"type\":%d,\"data\":{", CALLBACK_MODAL);
    message_modal_print(title, custom_id, lines, count, &body);
    answer_now(t, &body);
}

/* --- the deferral ------------------------------------------------------------------------------
 */

/* Whether Discord took it is not always known; if it did not, the edit says so. */
static void deferred(void *arg, const struct rest_answer *answer)
{
    struct task *t = arg;

    note_failure(t, "deferral", answer);
    if (answer->outcome != OUTCOME_OK && answer->outcome != OUTCOME_NO_ANSWER &&
        answer->outcome != OUTCOME_UNAVAILABLE && answer->outcome != OUTCOME_ALREADY_ANSWERED) {
        task_free(t);
        return;
    }
    t->state = TASK_WAITING;
    task_progress_due(t);
}

void task_acknowledge(struct task *t, const struct buf *body)
{
    t->state = TASK_DEFERRED;
    send_callback(t, body, deferred);
}

static void defer(void *arg)
{
    struct task *t = arg;
    struct buf body;

    if (t->state != TASK_NEW)
        return;
    buf_init(&body, 0);
    if (t->call.update)
        buf_printf(&body, "{\"type\":%d}", CALLBACK_DEFER_UPDATE);
    else
        buf_printf(&body, "{\"type\":%d,\"data\":{\"flags\":%d}}", CALLBACK_DEFER,
                   t->call.everybody ? 0 : MESSAGE_EPHEMERAL);
    task_acknowledge(t, &body);
    buf_clear(&body);
}

void task_defer_later(struct task *t)
{
    t->timer = loop_timer_new(t->w->loop, defer, t);
    loop_timer_set(t->timer, DEFER_MS);
}
