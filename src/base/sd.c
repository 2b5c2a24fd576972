/* What a service manager passes and wants to hear. Called by presenced and presence-graphqld.
 * Diagnostics: sd_listener explains itself in error_r; a notification that cannot be sent is not
 * an error, as there may be nobody to read it. */
#include "presence/sd.h"

#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"

#define LISTEN_FDS_START 3

struct sd_watchdog {
    struct loop_timer *timer;
    int64_t every_ms;
};

/* A positive number out of the environment; 0 = not set, or something else. */
static long long env_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long long n;

    if (!text || !*text)
        return 0;
    errno = 0;
    n = strtoll(text, &end, 10);
    return *end || errno || n < 0 ? 0 : n;
}

void sd_notify_send(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len;
    int fd;

    if (!path || (path[0] != '/' && path[0] != '@') ||
        strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path))
        return;
    len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
        return;
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)len);
    close(fd);
}

static bool is_listener(int fd)
{
    int type = 0, listening = 0;
    socklen_t type_len = sizeof(type), listening_len = sizeof(listening);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) == 0 && listening;
}

int sd_listener(char **error_r)
{
    bool ours = env_number("LISTEN_PID") == (long long)getpid();
    long long n = ours ? env_number("LISTEN_FDS") : 0;

    *error_r = NULL;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (n == 0)
        return -1;
    if (n > 1)
        *error_r = xasprintf("%lld sockets were passed; expected one", n);
    else if (!is_listener(LISTEN_FDS_START))
        *error_r = xasprintf("descriptor %d was passed; expected a listening stream socket",
                             LISTEN_FDS_START);
    else if (fd_nonblock(LISTEN_FDS_START) || fd_cloexec(LISTEN_FDS_START, true))
        *error_r = xasprintf("descriptor %d: %s", LISTEN_FDS_START, strerror(errno));
    return *error_r ? -1 : LISTEN_FDS_START;
}

char *sd_credential(const char *credential, const char *file)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char *path = dir && *dir ? xasprintf("%s/%s", dir, credential) : NULL;

    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return xstrdup(file);
}

/* --- watchdog -------------------------------------------------------------------------------- */

static void alive(void *arg)
{
    struct sd_watchdog *w = arg;

    sd_notify_send("WATCHDOG=1");
    loop_timer_set(w->timer, w->every_ms);
}

struct sd_watchdog *sd_watchdog_start(struct loop *loop)
{
    long long usec = env_number("WATCHDOG_USEC"), pid = env_number("WATCHDOG_PID");
    struct sd_watchdog *w;

    if (usec == 0 || !getenv("NOTIFY_SOCKET") || (pid != 0 && pid != (long long)getpid()))
        return NULL;
    w = xcalloc(1, sizeof(*w));
    w->every_ms = usec < 2000 ? 1 : usec / 2000;
    w->timer = loop_timer_new(loop, alive, w);
    alive(w);
    return w;
}

void sd_watchdog_stop(struct sd_watchdog **watchdog)
{
    if (*watchdog)
        loop_timer_free(&(*watchdog)->timer);
    free(*watchdog);
    *watchdog = NULL;
}
