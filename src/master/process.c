/* Background, directories, user, lock, tokens: the start of presenced. Called by main.c.
 * Diagnostics: start_failed for all that ends the start; lock_wait while orphans drain. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"

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

static int make_directory(const char *path, mode_t mode, const struct passwd *owner)
{
    struct stat st;

    if (fd_mkdirs(path, mode) || stat(path, &st)) {
        log_error("start_failed", "directory %s: %s", path, strerror(errno));
        return -1;
    }
    if (owner && st.st_uid != owner->pw_uid && chown(path, owner->pw_uid, owner->pw_gid)) {
        log_error("start_failed", "directory %s cannot be given to %s: %s", path, owner->pw_name,
                  strerror(errno));
        return -1;
    }
    return 0;
}

int process_directories(struct master *m)
{
    const struct passwd *owner = NULL;

    if (geteuid() == 0 && *m->conf.presence.user && !(owner = getpwnam(m->conf.presence.user))) {
        log_error("start_failed", "[presence] user: there is no user %s", m->conf.presence.user);
        return -1;
    }
    return make_directory(m->conf.presence.state_dir, 0700, owner) ||
                   make_directory(m->conf.presence.run_dir, 0755, owner) ||
                   make_directory(m->conf.cache.spool_dir, 0700, owner)
               ? -1
               : 0;
}

int process_drop_privileges(const struct conf *conf)
{
    const struct passwd *user = *conf->presence.user ? getpwnam(conf->presence.user) : NULL;
    const struct group *group = *conf->presence.group ? getgrnam(conf->presence.group) : NULL;
    gid_t gid;

    if (geteuid() != 0)
        return 0;
    if ((*conf->presence.user && !user) || (*conf->presence.group && !group)) {
        log_error("start_failed", "[presence] %s: there is no %s %s", user ? "group" : "user",
                  user ? "group" : "user", user ? conf->presence.group : conf->presence.user);
        return -1;
    }
    if (!user && !group)
        return 0;
    gid = group ? group->gr_gid : user->pw_gid;
    if (setgid(gid) || (user && initgroups(user->pw_name, gid)) || (user && setuid(user->pw_uid))) {
        log_error("start_failed", "becoming user %s: %s", conf->presence.user, strerror(errno));
        return -1;
    }
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

/* A credential of the service manager comes before the file. */
static char *read_token(const char *credential, const char *path, char **error_r)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char *other = dir ? xasprintf("%s/%s", dir, credential) : NULL, *token;
    bool use = other && access(other, R_OK) == 0;

    token = fd_read_secret(use ? other : path, error_r);
    free(other);
    return token;
}

int process_secrets(struct master *m)
{
    const char *from_env = getenv("DISCORD_TOKEN");
    char *error = NULL;

    if (from_env && *from_env)
        m->token = xstrdup(from_env);
    else
        m->token = read_token("discord.token", m->conf.discord.token_file, &error);
    unsetenv("DISCORD_TOKEN");
    if (m->token)
        m->graphql_token = read_token("graphql.token", m->conf.graphql.token_file, &error);
    if (m->token && m->graphql_token)
        return 0;
    log_error("start_failed", "[%s] token_file: %s", m->token ? "graphql" : "discord", error);
    free(error);
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
