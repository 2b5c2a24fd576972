/* The service manager's side of a daemon: sd_notify(3), socket activation (sd_listen_fds(3)),
 * credentials and watchdog as systemd.exec(5) and systemd.service(5) describe them. Without their
 * environment variables all of this does nothing. */
#ifndef PRESENCE_SD_H
#define PRESENCE_SD_H

#include <stdbool.h>

#include "presence/loop.h"

/* Sends READY=1 and the like to $NOTIFY_SOCKET. */
void sd_notify_send(const char *text);

/* The listening stream socket that was passed ($LISTEN_PID, $LISTEN_FDS), non-blocking and
 * close-on-exec; -1 if none was. Call it once, early: the variables go, and $LISTEN_PID names the
 * process that was started. -1 with *error_r (owned by the caller) when what was passed is not one
 * such socket. */
int sd_listener(char **error_r);

/* The path (owned by the caller) to read a secret from: $CREDENTIALS_DIRECTORY/credential if it is
 * there, else file. */
char *sd_credential(const char *credential, const char *file);

/* Sends WATCHDOG=1 twice in each $WATCHDOG_USEC, if that is meant for this process
 * ($WATCHDOG_PID). NULL: no watchdog. Free it with sd_watchdog_stop. */
struct sd_watchdog;
struct sd_watchdog *sd_watchdog_start(struct loop *loop);
void sd_watchdog_stop(struct sd_watchdog **watchdog);

#endif
