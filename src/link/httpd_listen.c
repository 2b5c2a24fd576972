/* Where an HTTP server listens: TCP or a Unix socket. Called by presence-graphqld and presence-sim
 * before they start the server.
 * Diagnostics: errors as text, to the caller. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "presence/fd.h"
#include "presence/httpd.h"

static int listen_tcp(const char *address, char **error_r)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    const char *colon = strrchr(address, ':');
    char *host;
    int fd = -1, one = 1, rc;

    if (!colon || colon == address || !colon[1]) {
        *error_r = xasprintf("\"%s\": expected host:port or unix:/path", address);
        return -1;
    }
    if (address[0] == '[' && colon[-1] == ']')
        host = xstrndup(address + 1, (size_t)(colon - address) - 2);
    else
        host = xstrndup(address, (size_t)(colon - address));
    rc = getaddrinfo(host, colon + 1, &hints, &found);
    free(host);
    if (rc) {
        *error_r = xasprintf("\"%s\": %s", address, gai_strerror(rc));
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1024)) {
        *error_r = xasprintf("cannot listen on %s: %s", address, strerror(errno));
        fd_close(&fd);
    }
    freeaddrinfo(found);
    return fd;
}

int httpd_listen(const char *address, unsigned unix_mode, char **error_r)
{
    int fd;

    if (strncmp(address, "unix:", 5) != 0)
        return listen_tcp(address, error_r);
    fd = fd_unix_listen(address + 5, (mode_t)unix_mode);
    if (fd < 0)
        *error_r = xasprintf("cannot listen on %s: %s", address, strerror(errno));
    return fd;
}

unsigned httpd_port(int listen_fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    if (getsockname(listen_fd, (struct sockaddr *)&sa, &len))
        return 0;
    if (sa.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&sa)->sin_port);
    if (sa.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
    return 0;
}
