/* The worker processes: forked, told what they need, watched, replaced. Called by main.c, lane.c.
 *
 * A child begins with its channel on descriptor 3, the segment on 4, the instance's lock on 5, its
 * standard error in a pipe to us, a small environment and nothing else. Secrets go by message.
 * Diagnostics: worker_started, worker_ready, worker_exit, worker_start_failed, worker_hung,
 * worker_waits. */
#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "master.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/seen.h"
#include "secrets.h"

#define READY_DEADLINE_MS  20000
#define PING_EVERY_MS      3000
#define PING_DEADLINE_MS   12000
#define EXIT_PATIENCE_MS   3000 /* from the end of the channel to the end of the process */
#define FAILED_MIN_MS      2000
#define RESTART_MAX_MS     60000
#define EARLY_DEATH_MIN_MS 250
#define SETTLED_MS         30000 /* a worker that lived so long starts with a clean slate */
#define LINE_MAX_BYTES     8192

#define CHILD_CHANNEL_FD 3
#define CHILD_SEGMENT_FD 4
#define CHILD_LOCK_FD    5

static void start(struct worker *w);
static void channel_closed(void *arg, const char *why);
static void channel_message(void *arg, const struct msg_header *h, const void *body,
                            const void *tail, size_t tail_len);

const char *worker_state_name(enum worker_state state)
{
    switch (state) {
    case WORKER_NONE:
    case WORKER_WAITING:
        return "dead";
    case WORKER_STARTING:
        return "starting";
    case WORKER_READY:
        return "ready";
    case WORKER_DRAINING:
        break;
    }
    return "draining";
}

/* --- what a worker says outside of the channel ----------------------------------------------- */

static void relay_lines(struct worker *w, bool all)
{
    struct buf *b = &w->stderr_line;

    for (;;) {
        char *line = (char *)buf_bytes(b);
        size_t len = buf_len(b);
        char *end = len ? memchr(line, '\n', len) : NULL;
        size_t line_len = end ? (size_t)(end - line) : len;
        char text[LINE_MAX_BYTES];

        if (len == 0 || (!end && !all && len < sizeof(text)))
            return;
        if (line_len >= sizeof(text))
            line_len = sizeof(text) - 1;
        memcpy(text, line, line_len);
        text[line_len] = '\0';
        if (line_len > 0)
            log_relay("presence-worker", (int)w->pid, text);
        buf_consume(b, line_len + (end && line + line_len == end ? 1 : 0));
    }
}

static void read_stderr(void *arg, unsigned events)
{
    struct worker *w = arg;
    ssize_t n;

    (void)events;
    do {
        unsigned char *room = buf_reserve(&w->stderr_line, 4096);

        n = read(w->stderr_fd, room, 4096);
        if (n > 0) {
            buf_commit(&w->stderr_line, (size_t)n);
            relay_lines(w, false);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n == 0) {
        relay_lines(w, true);
        loop_fd_del(&w->stderr_watch);
        fd_close(&w->stderr_fd);
    }
}

/* --- spawning -------------------------------------------------------------------------------- */

/* What a worker's environment keeps. */
static const char *const kept_variables[] = {
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
    "MALLOC_ARENA_MAX",
#ifdef ENABLE_DEBUG_FAULTS
    "PRESENCE_DEBUG_POISON",
    "PRESENCE_DEBUG_SLOW_DISK",
#endif
};
#define KEPT_VARIABLES (sizeof(kept_variables) / sizeof(kept_variables[0]))

static char **child_environment(void)
{
    char **env = xcalloc(KEPT_VARIABLES + 1, sizeof(char *));
    size_t n = 0;

    for (size_t i = 0; i < KEPT_VARIABLES; i++) {
        const char *value = getenv(kept_variables[i]);

        if (value)
            env[n++] = xasprintf("%s=%s", kept_variables[i], value);
    }
    return env;
}

static void free_environment(char **env)
{
    for (char **e = env; *e; e++)
        free(*e);
    free(env);
}

/* In the child. Moves the descriptors to their places: first out of each other's way. */
static _Noreturn void become_worker(const struct master *m, int channel, int err,
                                    char *const argv[], char *const env[])
{
    static const char failed[] = "cannot execute presence-worker\n";
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    int fds[] = {fcntl(channel, F_DUPFD, 64), fcntl(m->shm.fd, F_DUPFD, 64),
                 fcntl(m->lock_fd, F_DUPFD, 64), fcntl(err, F_DUPFD, 64), fcntl(null, F_DUPFD, 64)};

    dup2(fds[4], STDIN_FILENO);
    dup2(fds[3], STDOUT_FILENO);
    dup2(fds[3], STDERR_FILENO);
    dup2(fds[0], CHILD_CHANNEL_FD);
    dup2(fds[1], CHILD_SEGMENT_FD);
    dup2(fds[2], CHILD_LOCK_FD);
    closefrom(CHILD_LOCK_FD + 1);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(m->worker_path, argv, env);
    ssize_t ignored = write(STDERR_FILENO, failed, sizeof(failed) - 1);
    (void)ignored;
    _exit(127);
}

static void send_setup(struct worker *w)
{
    struct master *m = w->m;
    struct buf text;
    struct msg_id id = {master_next_id(m)}, offset = {(uint64_t)clock_offset()};

    if (clock_offset() != 0)
        worker_send(w, MSG_CLOCK, &offset, sizeof(offset), NULL, 0);
    secrets_send(w);
    buf_init(&text, 0);
    conf_print(&m->conf, &text);
    worker_send(w, MSG_CONF_PREPARE, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    worker_send(w, MSG_CONF_COMMIT, &id, sizeof(id), NULL, 0);
    buf_clear(&text);
}

/* A deadline for the worker, in time in which we listened to it. */
static void set_deadline(struct worker *w, int64_t in_ms)
{
    w->deadline.ms = loop_served(w->m->loop).ms + in_ms;
    loop_timer_set(w->timer, in_ms);
}

static void timer_fired(void *arg)
{
    struct worker *w = arg;
    int64_t left_ms = w->deadline.ms - loop_served(w->m->loop).ms;

    if (w->state == WORKER_WAITING)
        start(w);
    else if (left_ms > 0)
        loop_timer_set(w->timer, left_ms);
    else if (w->state == WORKER_STARTING && !w->reaped)
        worker_kill(w, "it was not ready in time", false);
    else if (!w->ipc && !w->reaped)
        worker_kill(w, "its channel is closed but it does not exit", false);
}

static int spawn(struct worker *w)
{
    static const struct ipc_callbacks callbacks = {
        .message = channel_message, .closed = channel_closed, .writable = NULL};
    struct master *m = w->m;
    char slot[16], generation[16];
    char *argv[] = {(char *)"presence-worker", (char *)"-s", slot, (char *)"-g", generation, NULL};
    char **env = child_environment();
    int pair[2] = {-1, -1}, err[2] = {-1, -1}, saved;

    snprintf(slot, sizeof(slot), "%u", w->slot);
    snprintf(generation, sizeof(generation), "%u", w->generation);
    if (fd_pair(pair) || pipe2(err, O_CLOEXEC) || fd_nonblock(err[0]))
        goto failed;
    /* The worker's end blocks or not as it pleases: the flag is shared by nobody else. */
    if ((w->pid = fork()) < 0)
        goto failed;
    if (w->pid == 0)
        become_worker(m, pair[1], err[1], argv, env);
    free_environment(env);
    close(pair[1]);
    close(err[1]);
    struct ipc_callbacks cb = callbacks;
    cb.writable = (void (*)(void *))lanes_pump_worker;
    w->ipc = ipc_new(m->loop, pair[0], &cb, w);
    ipc_set_generation(w->ipc, w->generation);
    ipc_set_marks(w->ipc, CHANNEL_LOW_BYTES, CHANNEL_HIGH_BYTES);
    w->stderr_fd = err[0];
    w->stderr_watch = loop_fd_add(m->loop, err[0], LOOP_READ, read_stderr, w);
    return 0;
failed:
    saved = errno;
    free_environment(env);
    fd_close(&pair[0]);
    fd_close(&pair[1]);
    fd_close(&err[0]);
    fd_close(&err[1]);
    w->pid = 0;
    errno = saved;
    return -1;
}

static void start(struct worker *w)
{
    struct master *m = w->m;

    if (reload_running(m)) { /* it would be told a configuration that may not hold */
        w->state = WORKER_WAITING;
        loop_timer_set(w->timer, 100);
        return;
    }
    w->generation = ++m->generation;
    w->reaped = w->drained = w->sent_drain = w->blame = w->disk_told = false;
    w->killed_why = NULL;
    w->started = clock_mono();
    w->started_ms = clock_unix().ms;
    w->ready_at = (monoms_t){0};
    w->ping_id = w->pong_id = 0;
    w->acks = 0;
    atomic_store(&m->shm.header->master_generation, m->generation);
    atomic_store(&m->shm.header->disk_since_ms[w->slot], 0);
    if (spawn(w)) {
        int64_t wait = backoff_next_ms(&w->failed_starts);

        log_error("worker_start_failed", "slot %u: %s; next try in %" PRId64 " ms", w->slot,
                  strerror(errno), wait);
        w->state = WORKER_WAITING;
        loop_timer_set(w->timer, wait);
        return;
    }
    w->state = WORKER_STARTING;
    log_info("worker_started", "slot %u, pid %d, generation %u", w->slot, (int)w->pid,
             w->generation);
    set_deadline(w, READY_DEADLINE_MS);
    send_setup(w);
}

/* --- messages -------------------------------------------------------------------------------- */

void worker_send(struct worker *w, uint16_t type, const void *body, size_t body_len,
                 const void *tail, size_t tail_len)
{
    if (w->ipc)
        ipc_send(w->ipc, type, 0, body, body_len, tail, tail_len);
}

static void became_ready(struct worker *w, uint64_t version)
{
    if (version != MSG_VERSION) {
        log_error("worker_version", "slot %u speaks version %" PRIu64 ", expected %u", w->slot,
                  version, MSG_VERSION);
        worker_kill(w, "it is of another version", false);
        return;
    }
    if (w->state != WORKER_STARTING)
        return;
    w->state = WORKER_READY;
    w->ready_at = w->pong_at = clock_mono();
    w->ping_at = loop_served(w->m->loop);
    loop_timer_stop(w->timer);
    backoff_reset(&w->failed_starts);
    log_info("worker_ready", "slot %u, pid %d, after %" PRId64 " ms", w->slot, (int)w->pid,
             w->ready_at.ms - w->started.ms);
    shards_tell_worker(w);
    lanes_worker_ready(w);
    if (w->m->phase == PHASE_DRAINING)
        worker_send_drain_when_empty(w);
}

static void channel_message(void *arg, const struct msg_header *h, const void *body,
                            const void *tail, size_t tail_len)
{
    struct worker *w = arg;
    struct master *m = w->m;
    const struct msg_id *id = body;

    if (h->generation != w->generation)
        return;
    switch (h->type) {
    case MSG_EVENT_ACK:
        w->acks++;
        lane_acked(w, h->lane, id->id);
        break;
    case MSG_DURABLE:
        shard_durable(m, h->lane, body);
        break;
    case MSG_WORKER_READY:
        became_ready(w, id->id);
        break;
    case MSG_CONF_READY:
        reload_answer(w, id->id, true, NULL, 0);
        break;
    case MSG_CONF_FAIL:
        reload_answer(w, id->id, false, tail, tail_len);
        break;
    case MSG_LANE_OWNED:
        lane_owned(w, h->lane);
        break;
    case MSG_LANE_RELEASED:
        lane_released(w, h->lane);
        break;
    case MSG_PONG:
        w->pong_id = id->id;
        w->disk_told = false;
        w->pong_at = clock_mono();
        break;
    case MSG_DRAINED:
        w->drained = true;
        log_info("worker_drained", "slot %u, pid %d", w->slot, (int)w->pid);
        break;
    case MSG_FETCH_REPLY:
        fetch_reply(m, body, tail, tail_len);
        break;
    case MSG_GATEWAY_SEND:
        shard_send_request(m, ((const struct msg_gateway_send *)body)->guild, tail, tail_len);
        break;
    case MSG_QUERY_REPLY:
        control_query_reply(w, id->id, tail, tail_len);
        break;
    case MSG_ALERT:
        log_error("alert", "worker %u: %.*s", w->slot, (int)(tail_len > 1000 ? 1000 : tail_len),
                  (const char *)tail);
        break;
    default:
        log_error("worker_message", "slot %u sent %s, which is the master's to send", w->slot,
                  msg_name(h->type));
        worker_kill(w, "it sent a wrong message", false);
    }
}

/* --- the end of a worker --------------------------------------------------------------------- */

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

    if (w->stderr_fd >= 0)
        read_stderr(w, LOOP_READ);
    relay_lines(w, true);
    loop_fd_del(&w->stderr_watch);
    fd_close(&w->stderr_fd);
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
    if (m->phase >= PHASE_DRAINING || w->retiring || w->slot >= m->worker_count) {
        w->state = WORKER_NONE;
        w->retiring = false;
        master_check_drained(m);
        if (m->phase < PHASE_DRAINING && w->slot < m->worker_count)
            start(w); /* the count was raised again meanwhile */
        return;
    }
    plan_restart(w, was_ready, orderly);
}

static void channel_closed(void *arg, const char *why)
{
    struct worker *w = arg;

    /* Any other end is what the end of a process looks like. */
    if (strncmp(why, "message", 7) == 0)
        log_error("worker_channel", "slot %u: %s", w->slot, why);
    ipc_free(&w->ipc);
    if (w->reaped)
        gone(w);
    else
        set_deadline(w, EXIT_PATIENCE_MS);
}

void workers_reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
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

/* --- the whole ------------------------------------------------------------------------------- */

void workers_init(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        *w = (struct worker){.m = m, .slot = i, .stderr_fd = -1};
        w->timer = loop_timer_new(m->loop, timer_fired, w);
        backoff_init(&w->failed_starts, FAILED_MIN_MS, RESTART_MAX_MS);
        backoff_init(&w->early_deaths, EARLY_DEATH_MIN_MS, RESTART_MAX_MS);
        buf_init(&w->stderr_line, 0);
    }
}

void workers_clear(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        loop_fd_del(&w->stderr_watch);
        fd_close(&w->stderr_fd);
        ipc_free(&w->ipc);
        loop_timer_free(&w->timer);
        buf_clear(&w->stderr_line);
    }
}

void workers_set_count(struct master *m, unsigned count)
{
    unsigned before = m->worker_count;

    m->worker_count = count;
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        if (i < count) {
            w->retiring = false;
            if (w->state == WORKER_NONE)
                start(w);
        } else if (w->state == WORKER_WAITING) {
            loop_timer_stop(w->timer);
            w->state = WORKER_NONE;
        } else if (w->state != WORKER_NONE) {
            w->retiring = true;
        }
    }
    lanes_plan(m, count);
    for (unsigned i = count; i < LANES; i++)
        worker_check_retired(&m->workers[i]);
    if (before && before != count)
        log_info("worker_count", "from %u to %u workers", before, count);
}

void worker_check_retired(struct worker *w)
{
    if (!w->retiring || w->sent_drain || lanes_of(w->m, w->slot) > 0)
        return;
    if (w->state == WORKER_STARTING) {
        worker_kill(w, "it is not needed any more", false);
        return;
    }
    if (w->state != WORKER_READY)
        return;
    w->state = WORKER_DRAINING;
    w->sent_drain = true;
    worker_send(w, MSG_DRAIN, NULL, 0, NULL, 0);
}

static bool everything_sent(const struct worker *w)
{
    for (unsigned i = 0; i < LANES; i++)
        if (w->m->lanes[i].target == (int)w->slot && laneq_peek(&w->m->lanes[i].queue))
            return false;
    return true;
}

/* While presenced drains: DRAIN goes behind the last event. */
void worker_send_drain_when_empty(struct worker *w)
{
    if (w->sent_drain || w->state != WORKER_READY || !everything_sent(w))
        return;
    w->state = WORKER_DRAINING;
    w->sent_drain = true;
    worker_send(w, MSG_DRAIN, NULL, 0, NULL, 0);
}

void workers_drain(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        if (w->state == WORKER_WAITING) {
            loop_timer_stop(w->timer);
            w->state = WORKER_NONE;
        }
        /* One that is starting still takes what waits for it. */
        worker_send_drain_when_empty(w);
    }
}

void workers_kill_all(struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        worker_kill(&m->workers[i], "presenced stops at once", false);
}

bool workers_gone(const struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].pid > 0)
            return false;
    return true;
}

bool worker_is_at_disk(struct worker *w)
{
    int64_t since_ms = atomic_load(&w->m->shm.header->disk_since_ms[w->slot]);

    if (!since_ms)
        return false;
    if (!w->disk_told)
        log_warn("worker_waits",
                 "slot %u, pid %d: for the disk of its spool, %" PRId64 " ms so far", w->slot,
                 (int)w->pid, clock_mono().ms - since_ms);
    w->disk_told = true;
    return true;
}

static bool overdue(struct worker *w, monoms_t now)
{
    return w->ping_id != w->pong_id && now.ms - w->ping_at.ms >= PING_DEADLINE_MS &&
           !worker_is_at_disk(w);
}

void workers_tick(struct master *m)
{
    monoms_t now = loop_served(m->loop);

    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];
        struct msg_id id;

        if ((w->state != WORKER_READY && w->state != WORKER_DRAINING) || !w->ipc || w->reaped)
            continue;
        if (overdue(w, now)) {
            worker_kill(w, "it does not answer pings", true);
            continue;
        }
        if (w->ping_id != w->pong_id || now.ms - w->ping_at.ms < PING_EVERY_MS)
            continue;
        id.id = w->ping_id = master_next_id(m);
        w->ping_at = now;
        worker_send(w, MSG_PING, &id, sizeof(id), NULL, 0);
    }
}
