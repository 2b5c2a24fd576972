/* A worker process is made: its descriptors, its environment, its channel. Called by worker.c.
 *
 * A child begins with its channel on descriptor 3, the segment on 4, the instance's lock on 5, the
 * events' memory on 6, its standard error in a pipe to us, a small environment and nothing else.
 * Secrets go by message. Diagnostics: errno to the caller. */
#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "presence/fd.h"
#include "worker.h"

#define CHILD_CHANNEL_FD 3
#define CHILD_SEGMENT_FD 4
#define CHILD_LOCK_FD    5
#define CHILD_FRAMES_FD  6
#define FIRST_FREE_FD    (CHILD_FRAMES_FD + 1)

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
    "PRESENCE_DEBUG_DIE",
    "PRESENCE_DEBUG_POISON",
    "PRESENCE_DEBUG_SLOW_DISK",
#endif
};
#define KEPT_VARIABLES (sizeof(kept_variables) / sizeof(kept_variables[0]))

char **worker_environment(void)
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

void worker_environment_free(char **env)
{
    for (char **e = env; *e; e++)
        free(*e);
    free(env);
}

/* In the child. */
static _Noreturn void give_up(int err, const char *why)
{
    ssize_t ignored = write(err, why, strlen(why));

    (void)ignored;
    _exit(127);
}

/* In the child. Moves the descriptors to their places: first out of each other's way. */
static _Noreturn void become_worker(const struct master *m, int channel, int err,
                                    char *const argv[], char *const env[])
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    int fds[] = {fcntl(channel, F_DUPFD, FIRST_FREE_FD),
                 fcntl(m->shm.fd, F_DUPFD, FIRST_FREE_FD),
                 fcntl(m->lock_fd, F_DUPFD, FIRST_FREE_FD),
                 fcntl(err, F_DUPFD, FIRST_FREE_FD),
                 fcntl(null, F_DUPFD, FIRST_FREE_FD),
                 fcntl(m->pool.frames.fd, F_DUPFD, FIRST_FREE_FD)};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] < 0)
            give_up(err, "no descriptors are left for presence-worker\n");
    dup2(fds[4], STDIN_FILENO);
    dup2(fds[3], STDOUT_FILENO);
    dup2(fds[3], STDERR_FILENO);
    dup2(fds[0], CHILD_CHANNEL_FD);
    dup2(fds[1], CHILD_SEGMENT_FD);
    dup2(fds[2], CHILD_LOCK_FD);
    dup2(fds[5], CHILD_FRAMES_FD);
    closefrom(FIRST_FREE_FD);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(m->worker_path, argv, env);
    give_up(STDERR_FILENO, "cannot execute presence-worker\n");
}

int worker_spawn(struct worker *w)
{
    static const struct ipc_callbacks callbacks = {
        .message = worker_message, .closed = worker_channel_closed, .writable = NULL};
    struct master *m = w->m;
    char slot[16], generation[16];
    char *argv[] = {(char *)"presence-worker", (char *)"-s", slot, (char *)"-g", generation, NULL};
    char **env = worker_environment();
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
    worker_environment_free(env);
    close(pair[1]);
    close(err[1]);
    struct ipc_callbacks cb = callbacks;
    cb.writable = (void (*)(void *))lanes_pump_worker;
    w->ipc = ipc_new(m->loop, pair[0], &cb, w);
    ipc_set_generation(w->ipc, w->generation);
    ipc_set_marks(w->ipc, CHANNEL_LOW_BYTES, CHANNEL_HIGH_BYTES);
    worker_stderr_open(w, err[0]);
    return 0;
failed:
    saved = errno;
    worker_environment_free(env);
    fd_close(&pair[0]);
    fd_close(&pair[1]);
    fd_close(&err[0]);
    fd_close(&err[1]);
    w->pid = 0;
    errno = saved;
    return -1;
}
