/* Background, directories, user, lock: the start of presenced. Called by main.c.
 * Diagnostics: start_failed for all that ends the start; lock_wait while orphans drain. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "presence/privileges.h"

#define ORPHANS_MS   20000
#define LOCK_POLL_MS 50

static int started_pipe = -1;

int process_daemonise(void)
{
    int ends[2], null;
    char byte;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) || (pid = fork()) < 0) {
        log_error("start_failed", "going into the background: %s", strerror(errno));
        return -1;
    }
    if (pid > 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
    }
    close(ends[0]);
    started_pipe = ends[1];
    setsid();
    if (chdir("/") == 0 && (null = open("/dev/null", O_RDWR)) >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    return 0;
}

void process_started(const char *log_target)
{
    ssize_t n;

    if (started_pipe < 0)
        return;
    if (strcmp(log_target, "stderr") != 0)
        dup2(STDOUT_FILENO, STDERR_FILENO); /* /dev/null: the terminal may go */
    n = write(started_pipe, "1", 1);
    (void)n;
    fd_close(&started_pipe);
}

static int refuse(char *error)
{
    log_error("start_failed", "%s", error);
    free(error);
    return -1;
}

int process_user(const struct conf *conf)
{
    const char *user = conf->presence.user, *target = conf->log.target;
    char *error = NULL;

    if ((*target == '/' && privileges_file(target, user, &error)) ||
        privileges_directory(conf->presence.state_dir, 0700, user, &error) ||
        privileges_directory(conf->presence.run_dir, 0755, user, &error) ||
        privileges_directory(conf->cache.spool_dir, 0700, user, &error) ||
        privileges_drop(user, conf->presence.group, &error))
        return refuse(error);
    return 0;
}

/* Whether the process named in the lock file is a presenced that lives. */
static bool holder_is_master(const char *path, int *pid_r)
{
    char *text = fd_read_file(path, 32, NULL), *comm_path, *comm = NULL;
    bool is = false;

    *pid_r = text ? atoi(text) : 0;
    if (*pid_r > 0 && *pid_r != (int)getpid()) {
        comm_path = xasprintf("/proc/%d/comm", *pid_r);
        comm = fd_read_file(comm_path, 64, NULL);
        is = comm && strncmp(comm, "presenced", 9) == 0;
        free(comm_path);
    }
    free(comm);
    free(text);
    return is;
}

int process_lock(struct master *m)
{
    char *path = xasprintf("%s/%s.lock", m->conf.presence.run_dir, m->conf.cache.instance);
    struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};
    monoms_t begin = clock_mono();
    bool told = false;
    char text[16];
    int pid;

    while ((m->lock_fd = fd_lock_file(path, false)) < 0 && errno == EWOULDBLOCK) {
        if (holder_is_master(path, &pid)) {
            log_error("start_failed", "%s is held: presenced runs already as pid %d", path, pid);
            goto failed;
        }
        if (clock_mono().ms - begin.ms > ORPHANS_MS) {
            log_error("start_failed", "%s is still held, by workers of an earlier presenced", path);
            goto failed;
        }
        if (!told)
            log_info("lock_wait", "workers of an earlier presenced are finishing");
        told = true;
        nanosleep(&pause, NULL);
    }
    if (m->lock_fd < 0) {
        log_error("start_failed", "%s: %s", path, strerror(errno));
        goto failed;
    }
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(m->lock_fd, 0) || pwrite(m->lock_fd, text, (size_t)n, 0) != n)
        log_warn("lock_wait", "%s: cannot write our pid: %s", path, strerror(errno));
    free(path);
    return 0;
failed:
    free(path);
    return -1;
}

char *process_worker_path(const char *option)
{
    const char *env = getenv("PRESENCE_WORKER");
    char self[PATH_MAX], *beside;
    ssize_t n;

    if (option || (env && *env))
        return realpath(option ? option : env, NULL);
    n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        beside = xasprintf("%s/presence-worker", self);
        if (access(beside, X_OK) == 0)
            return beside;
        free(beside);
    }
    return xstrdup(PRESENCE_LIBEXECDIR "/presence-worker");
}
