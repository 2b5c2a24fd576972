/* Between the files of a worker process. */
#ifndef PRESENCE_MASTER_WORKER_H
#define PRESENCE_MASTER_WORKER_H

#include "master.h"

/* worker.c */
void worker_start(struct worker *w); /* now, or when a reload is over */
/* A deadline for the worker, in time in which we listened to it. */
void worker_set_deadline(struct worker *w, int64_t in_ms);
void worker_timer_fired(void *arg);
void worker_message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                    size_t tail_len);

/* worker_spawn.c: 0; or -1 with errno, and there is no process. */
int worker_spawn(struct worker *w);
/* What our own children see of our environment. */
char **worker_environment(void);
void worker_environment_free(char **env);

/* worker_stderr.c: takes over the descriptor; closes it when all that was said is in the log. */
void worker_stderr_open(struct worker *w, int fd);
void worker_stderr_close(struct worker *w);

/* worker_end.c */
void worker_init_patience(struct worker *w);
void worker_channel_closed(void *arg, const char *why);

#endif
