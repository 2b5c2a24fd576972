/* What call.c and call_*.c share: one interaction under way. */
#ifndef WORKER_CALL_PRIV_H
#define WORKER_CALL_PRIV_H

#include <bsd/sys/queue.h>

#include "presence/cog.h"
#include "presence/rest.h"
#include "presence/settings.h"
#include "worker/call.h"

enum task_state {
    TASK_NEW,      /* Discord has heard nothing */
    TASK_DEFERRED, /* the deferral is under way */
    TASK_WAITING,  /* acknowledged: the answer is awaited */
    TASK_ANSWERED  /* the answer is under way */
};

enum callback {
    CALLBACK_MESSAGE = 4,
    CALLBACK_DEFER = 5,
    CALLBACK_DEFER_UPDATE = 6, /* of the message that carries the button */
    CALLBACK_UPDATE = 7,
    CALLBACK_CHOICES = 8,
    CALLBACK_MODAL = 9,
};

struct task {
    struct call call; /* the first: cogs have its address */
    struct worker *w;
    LIST_ENTRY(task) entry;
    struct interaction interaction;
    struct command_args args;
    char *d; /* the event's data, to which both point */
    enum task_state state;
    monoms_t begun;
    bool waits;                     /* for the guild's settings: not begun */
    char locale[SETTING_TEXT_SIZE]; /* of the setting */
    struct loop_timer *timer;       /* the deferral */
    /* the answer that waits for the end of the deferral */
    bool has_answer;
    struct message answer;
    /* a question under way */
    call_answered *asked;
    struct task_question *question;
    LIST_HEAD(, task_request) requests; /* of call_rest */
    /* progress */
    bool showing, has_progress, edit_under_way;
    bool expired; /* Discord takes no more edits */
    struct message progress;
    monoms_t edited;
    struct loop_timer *progress_timer;
    /* call_wait */
    struct loop_timer *wait_timer;
    call_continued *continued;
    /* a file under way */
    call_fetched *fetched;
    struct http_call *fetch; /* or NULL */
};

#define KEPT_MAX 512u /* texts for later presses */

struct kept {
    uint64_t name; /* 0 = free */
    char *text;
    monoms_t until;
};

struct calls {
    struct worker *w;
    LIST_HEAD(, task) tasks;
    unsigned count;
    unsigned stale; /* in a row: said once a minute */
    monoms_t stale_said;
    struct kept kept[KEPT_MAX];
    uint64_t next_kept; /* begins with the time of the start: no name comes twice */
};

/* call.c */
void task_free(struct task *t);
void task_run(struct task *t);

/* call_settings.c: runs it, as soon as the settings are known. */
void task_begin(struct task *t);

/* call_answer.c: the first of these ends the call for its cog. */
void task_answer(struct task *t, struct message *m);
/* A short answer for the caller alone. */
void task_say(struct task *t, enum message_colour colour, const char *text);
void task_choices(struct task *t, const char *choices); /* completion: a JSON array */
/* A form; only as the first answer. */
void task_modal(struct task *t, const char *title, const char *custom_id,
                const struct message_line *lines, size_t count);
void task_defer_later(struct task *t);

void task_answer_edit(struct task *t); /* there is an answer, and nothing is under way */
/* The interaction's callback, after which its message is edited. */
void task_acknowledge(struct task *t, const struct buf *body);
void task_edit(struct task *t, const struct message *m, rest_cb *cb);

/* call_progress.c */
bool task_progress(struct task *t, struct message *m);
void task_progress_due(struct task *t); /* something to be shown may be sent now */
bool task_expired(const struct task *t);
void task_wait(struct task *t, int64_t ms, call_continued *cb);
void task_progress_clear(struct task *t);

/* call_rest.c */
void task_rest(struct task *t, enum call_lane lane, const struct call_request *request,
               call_responded *cb, void *arg);
void task_forget_requests(struct task *t);

/* call_fetch.c: false if the address is none of Discord's. */
bool task_fetch(struct task *t, const char *url, size_t max, call_fetched *cb);
void task_forget_file(struct task *t);

/* call_input.c: of a press; false if there is nothing, or if it does not fit. */
bool task_input(const struct task *t, const char *name, char *out, size_t out_size);

/* call_host.c */
extern const struct call_host task_host;
/* But for arrival_ms. */
void call_health(struct worker *w, snowflake_t guild, struct call_health *health_r);
void task_forget_question(struct task *t);
void task_member(const struct worker *w, snowflake_t guild, snowflake_t user,
                 struct call_member *member_r);

#endif
