/* Non-blocking connections to Redis. Called by redis.c.
 * Diagnostics: errno, or a static text, to the caller. */
#include "redis_priv.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "presence/fd.h"

bool redis_is_address(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *a = NULL;
    bool is = getaddrinfo(host, NULL, &hints, &a) == 0;

    if (is)
        freeaddrinfo(a);
    return is;
}

int redis_dial_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    memcpy(address.sun_path, path, strlen(path)); /* length checked by redis_url_parse */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS) {
        int saved = errno;

        fd_close(&fd);
        errno = saved;
    }
    return fd;
}

int redis_dial_tcp(const char *address, const char *port, const char **why_r)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *a = NULL;
    int code = getaddrinfo(address, port, &hints, &a), fd;

    if (code) {
        *why_r = gai_strerror(code);
        return -1;
    }
    fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) && errno != EINPROGRESS) {
        *why_r = strerror(errno);
        fd_close(&fd);
    }
    freeaddrinfo(a);
    return fd;
}
