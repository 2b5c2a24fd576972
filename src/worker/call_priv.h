/* What call.c, call_answer.c and call_host.c share: one interaction under way. */
#ifndef WORKER_CALL_PRIV_H
#define WORKER_CALL_PRIV_H

#include <bsd/sys/queue.h>

#include "presence/cog.h"
#include "presence/rest.h"
#include "worker/call.h"

enum task_state {
    TASK_NEW,      /* Discord has heard nothing */
    TASK_DEFERRED, /* the deferral is under way */
    TASK_WAITING,  /* acknowledged: the answer is awaited */
    TASK_ANSWERED  /* the answer is under way */
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
    struct loop_timer *timer; /* the deferral */
    /* the answer that waits for the end of the deferral */
    bool has_answer;
    struct message answer;
    /* a question under way */
    call_answered *asked;
    struct task_question *question;
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

/* call_answer.c: the first of these ends the call for its cog. */
void task_answer(struct task *t, struct message *m);
/* A short answer for the caller alone. */
void task_say(struct task *t, enum message_colour colour, const char *text);
void task_choices(struct task *t, const char *choices); /* completion: a JSON array */
void task_defer_later(struct task *t);

/* call_host.c */
extern const struct call_host task_host;
void task_forget_question(struct task *t);
void task_member(const struct worker *w, snowflake_t guild, snowflake_t user,
                 struct call_member *member_r);

#endif
