/* Becoming a daemon: what happens once, before the loop. Functions that fail have said why. */
#ifndef PRESENCE_MASTER_PROCESS_H
#define PRESENCE_MASTER_PROCESS_H

#include <stdbool.h>

#include "master.h"

/* Goes into the background. The first process waits until process_started and ends with 0, or with
 * 1 if that never comes. */
int process_daemonise(void);
void process_started(const char *log_target);

/* Makes the directories of the state and of the sockets; then becomes [presence] user and group, if
 * we are root. */
int process_user(const struct conf *conf);

/* Takes the instance's lock, waiting for workers that a dead master left. */
int process_lock(struct master *m);

/* Where presence-worker lies; owned by the caller. option may be NULL. */
char *process_worker_path(const char *option);

#endif
