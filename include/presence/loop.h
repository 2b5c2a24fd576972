/* The event loop of every daemon: descriptors, timers, signals.
 *
 * loop_new gives a poll(2) loop. A program whose library insists on its own loop (libwebsockets)
 * supplies another back end through struct loop_backend; callers see no difference.
 *
 * Callbacks may add and delete anything, themselves included. One thread only. */
#ifndef PRESENCE_LOOP_H
#define PRESENCE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "presence/clock.h"

#define LOOP_READ  1u
#define LOOP_WRITE 2u
#define LOOP_HUP   4u /* only reported: hang-up or error; LOOP_READ comes with it */

struct loop;
struct loop_fd;
struct loop_timer;

typedef void loop_fd_cb(void *arg, unsigned events);
typedef void loop_cb(void *arg);
typedef void loop_signal_cb(void *arg, int signo);

struct loop *loop_new(void);
/* By epoll(7), for whoever waits often and watches much. A descriptor may be watched only once at a
 * time, and must be a socket, a pipe or the like. */
struct loop *loop_new_epoll(void);
void loop_free(struct loop **loop);

/* Serves events until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Serves what is ready, waiting at most max_wait_ms (-1: until something happens). */
void loop_once(struct loop *loop, int64_t max_wait_ms);
/* The monotonic clock less the time in which the loop was kept from its descriptors (the process
 * was stopped, a callback took long): such a stretch counts LOOP_HELD_MS. Whoever judges a peer by
 * its silence measures with this clock: what the peer said meanwhile is still to be read. */
#define LOOP_HELD_MS 500
monoms_t loop_served(const struct loop *loop);

/* Watches fd (which stays the caller's, and must outlive the watch). */
struct loop_fd *loop_fd_add(struct loop *loop, int fd, unsigned events, loop_fd_cb *cb, void *arg);
void loop_fd_want(struct loop_fd *w, unsigned events);
void loop_fd_del(struct loop_fd **w);

/* A timer fires once per set; a callback may set it again (it fires in a later round then, even if
 * set to 0 ms). Timers use the monotonic clock. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_cb *cb, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t in_ms);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_active(const struct loop_timer *t);
void loop_timer_free(struct loop_timer **t);

/* Runs cb once, after the current round of callbacks. */
void loop_defer(struct loop *loop, loop_cb *cb, void *arg);
/* Takes back what loop_defer(loop, cb, arg) asked for and has not run yet. */
void loop_undefer(struct loop *loop, loop_cb *cb, void *arg);

/* Delivers signo through the loop (the handler only writes a byte). Process-wide. */
void loop_signal(struct loop *loop, int signo, loop_signal_cb *cb, void *arg);

/* --- for back ends --------------------------------------------------------------------------- */

struct loop_backend {
    /* Registers, changes, forgets a descriptor; *handle belongs to the back end. */
    int (*add)(void *ctx, int fd, unsigned events, struct loop_fd *w, void **handle_r);
    void (*want)(void *ctx, void *handle, unsigned events);
    void (*del)(void *ctx, void *handle);
    /* Waits at most max_wait_ms and calls loop_fd_ready for what is ready. */
    void (*wait)(void *ctx, int64_t max_wait_ms);
    void (*free)(void *ctx);
};

struct loop *loop_new_backend(const struct loop_backend *backend, void *ctx);
void loop_fd_ready(struct loop_fd *w, unsigned events);
int loop_fd_fd(const struct loop_fd *w);

#endif
