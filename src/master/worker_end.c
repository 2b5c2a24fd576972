/* The end of a worker: killed, reaped, blamed, and when the next one starts. Called by workers.c
 * and worker.c. Diagnostics: worker_killed, worker_exit, worker_died, worker_restart,
 * worker_channel. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "presence/log.h"
#include "presence/seen.h"
#include "worker.h"

#define EXIT_PATIENCE_MS   3000 /* from the end of the channel to the end of the process */
#define FAILED_MIN_MS      2000
#define RESTART_MAX_MS     60000
#define EARLY_DEATH_MIN_MS 250
#define SETTLED_MS         30000 /* a worker that lived so long starts with a clean slate */

void worker_kill(struct worker *w, const char *why, bool blame)
{
    if (w->pid <= 0 || w->reaped || w->killed_why)
        return;
    w->killed_why = why;
    w->blame = blame;
    log_error("worker_killed", "slot %u, pid %d: %s", w->slot, (int)w->pid, why);
    kill(w->pid, SIGKILL);
}

static void describe_end(const struct worker *w, char *text, size_t size)
{
    int s = w->wait_status;

    if (WIFSIGNALED(s))
        snprintf(text, size, "killed by signal %d (%s)%s", WTERMSIG(s), strsignal(WTERMSIG(s)),
                 w->killed_why ? " of ours" : "");
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(s));
}

static bool killed_by_others(const struct worker *w)
{
    return !w->killed_why && WIFSIGNALED(w->wait_status) && WTERMSIG(w->wait_status) == SIGKILL;
}

static unsigned blame_of(const struct worker *w, bool orderly)
{
    if (orderly)
        return 0;
    if (w->killed_why)
        return w->blame ? LANEQ_BLAME_CRASH : 0;
    return killed_by_others(w) ? LANEQ_BLAME_KILLED : LANEQ_BLAME_CRASH;
}

/* How long to wait with the next start. One that dies early again and again is given time; one
 * that somebody killed is not to blame. */
static int64_t restart_pause_ms(struct worker *w, bool was_ready)
{
    if (!was_ready)
        return backoff_next_ms(&w->failed_starts);
    if (clock_mono().ms - w->started.ms >= SETTLED_MS)
        backoff_reset(&w->early_deaths);
    if (w->early_deaths.failures == 0) {
        w->early_deaths.failures = 1;
        return 0;
    }
    return killed_by_others(w) ? EARLY_DEATH_MIN_MS : backoff_next_ms(&w->early_deaths);
}

static void plan_restart(struct worker *w, bool was_ready, bool orderly)
{
    int64_t wait = orderly ? 0 : restart_pause_ms(w, was_ready);

    w->restarts++;
    w->state = WORKER_WAITING;
    if (wait > 0)
        log_info("worker_restart", "slot %u starts again in %" PRId64 " ms", w->slot, wait);
    loop_timer_set(w->timer, wait);
}

/* Reaped, and all that it had sent was read. */
static void gone(struct worker *w)
{
    struct master *m = w->m;
    char text[120];
    bool was_ready = w->state != WORKER_STARTING;
    bool orderly = w->drained && WIFEXITED(w->wait_status) && WEXITSTATUS(w->wait_status) == 0;

    worker_stderr_close(w);
    loop_timer_stop(w->timer);
    ipc_free(&w->ipc);
    describe_end(w, text, sizeof(text));
    if (orderly)
        log_info("worker_exit", "slot %u, pid %d: %s", w->slot, (int)w->pid, text);
    else
        log_warn("worker_died", "slot %u, pid %d: %s", w->slot, (int)w->pid, text);
    w->pid = 0;
    seen_release_claims(&m->shm, w->slot);
    w->state = WORKER_WAITING;
    lanes_worker_gone(w, blame_of(w, orderly));
    reload_worker_gone(w);
    control_worker_gone(w);
    if (m->phase >= PHASE_DRAINING || w->retiring || !worker_is_active(w)) {
        w->state = WORKER_NONE;
        w->retiring = false;
        master_check_drained(m);
        roll_worker_gone(w);
        if (m->phase < PHASE_DRAINING && worker_is_active(w) && w->state == WORKER_NONE)
            worker_start(w); /* the count was raised again meanwhile */
        return;
    }
    plan_restart(w, was_ready, orderly);
}

void worker_channel_closed(void *arg, const char *why)
{
    struct worker *w = arg;

    /* Any other end is what the end of a process looks like. */
    if (strncmp(why, "message", 7) == 0)
        log_error("worker_channel", "slot %u: %s", w->slot, why);
    ipc_free(&w->ipc);
    if (w->reaped)
        gone(w);
    else
        worker_set_deadline(w, EXIT_PATIENCE_MS);
}

void worker_init_patience(struct worker *w)
{
    backoff_init(&w->failed_starts, FAILED_MIN_MS, RESTART_MAX_MS);
    backoff_init(&w->early_deaths, EARLY_DEATH_MIN_MS, RESTART_MAX_MS);
}

void workers_reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (cogs_reaped(m, pid, status))
            continue;
        for (unsigned i = 0; i < LANES; i++) {
            struct worker *w = &m->workers[i];

            if (w->pid != pid || w->reaped)
                continue;
            w->reaped = true;
            w->wait_status = status;
            if (!w->ipc) /* otherwise its last messages are read first */
                gone(w);
        }
    }
}
