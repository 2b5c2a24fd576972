/* Descriptors and small files. Called by every room.
 * Diagnostics: errno to the caller; fd_read_secret explains itself in error_r. */
#include "presence/fd.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SECRET_MAX_BYTES 4096

int fd_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fd_cloexec(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return -1;
    return fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
}

void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int fd_pair(int fds_r[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds_r);
}

int fd_write_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t w = write(fd, p, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

static char *read_up_to(int fd, size_t max, size_t *len_r)
{
    struct buf b;

    buf_init(&b, 0);
    for (;;) {
        unsigned char *p = buf_reserve(&b, 4096);
        ssize_t n = read(fd, p, 4096);

        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0)
            buf_commit(&b, (size_t)n);
        if (n < 0 || buf_len(&b) > max) {
            int error = n < 0 ? errno : EFBIG;

            freezero(b.data, b.cap);
            errno = error;
            return NULL;
        }
        if (n == 0)
            break;
    }
    buf_cstr(&b);
    if (len_r)
        *len_r = buf_len(&b);
    return (char *)b.data;
}

char *fd_read_file(const char *path, size_t max, size_t *len_r)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error;
    char *bytes;

    if (fd < 0)
        return NULL;
    bytes = read_up_to(fd, max, len_r);
    error = errno;
    close(fd);
    errno = error;
    return bytes;
}

int fd_write_file(const char *path, const void *bytes, size_t n, mode_t mode, bool sync)
{
    char *temporary = xasprintf("%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    int error = 0;

    if (fd < 0 || fd_write_all(fd, bytes, n) || (sync && fsync(fd)))
        error = errno;
    if (fd >= 0 && close(fd) && !error)
        error = errno;
    if (!error && rename(temporary, path))
        error = errno;
    if (error && fd >= 0)
        unlink(temporary);
    free(temporary);
    errno = error;
    return error ? -1 : 0;
}

static bool one_line(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
            return false;
    return true;
}

/* What stands around a secret that people paste into a file: white space, and the mark that some
 * editors begin files with. */
static void trim_secret(char *secret, size_t *len)
{
    while (*len > 0 && strchr(" \t\r\n", secret[*len - 1]))
        secret[--*len] = '\0';
    if (*len >= 3 && memcmp(secret, "\xef\xbb\xbf", 3) == 0) {
        *len -= 3;
        memmove(secret, secret + 3, *len + 1);
        explicit_bzero(secret + *len, 3);
    }
}

char *fd_read_secret(const char *path, char **error_r)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    size_t len;
    char *secret;

    *error_r = NULL;
    if (fd < 0 || fstat(fd, &st)) {
        *error_r = xasprintf("%s: %s", path, strerror(errno));
        fd_close(&fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        *error_r = xasprintf("%s: expected a file", path);
        close(fd);
        return NULL;
    }
    if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        *error_r = xasprintf("%s: mode is %04o, expected 0600: others can read this secret", path,
                             (unsigned)(st.st_mode & 07777));
        close(fd);
        return NULL;
    }
    secret = read_up_to(fd, SECRET_MAX_BYTES, &len);
    if (!secret)
        *error_r = xasprintf("%s: %s", path, strerror(errno));
    close(fd);
    if (secret)
        trim_secret(secret, &len);
    if (secret && (len == 0 || !one_line(secret, len))) {
        *error_r = xasprintf("%s: expected one line of ASCII, the secret", path);
        fd_secret_free(&secret);
    }
    return secret;
}

void fd_secret_free(char **secret)
{
    if (*secret)
        freezero(*secret, strlen(*secret));
    *secret = NULL;
}

int fd_lock_file(const char *path, bool wait)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return -1;
    do
        r = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
    while (r < 0 && errno == EINTR);
    if (r < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int fd_mkdirs(const char *path, mode_t mode)
{
    char partial[PATH_MAX];
    struct stat st;

    if (strlcpy(partial, path, sizeof(partial)) >= sizeof(partial)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *p = partial + 1;; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(partial, mode) && errno != EEXIST)
            return -1;
        *p = c;
        if (c == '\0')
            break;
    }
    if (stat(path, &st))
        return -1;
    if (S_ISDIR(st.st_mode))
        return 0;
    errno = ENOTDIR;
    return -1;
}

static int unix_address(const char *path, struct sockaddr_un *address_r)
{
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlcpy(address_r->sun_path, path, sizeof(address_r->sun_path)) >=
        sizeof(address_r->sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

int fd_unix_connect(const char *path)
{
    struct sockaddr_un address;
    int fd, error;

    if (unix_address(path, &address))
        return -1;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int fd_unix_listen(const char *path, mode_t mode)
{
    struct sockaddr_un address;
    struct stat st;
    int fd, error;

    if (unix_address(path, &address))
        return -1;
    if ((fd = fd_unix_connect(path)) >= 0) {
        close(fd);
        errno = EADDRINUSE;
        return -1;
    }
    /* A file that is no socket refuses connections too, and is not ours to remove. */
    if (errno == ECONNREFUSED && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return -1;
    mode_t old = umask(0177);
    int r = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(old);
    if (r == 0 && chmod(path, mode) == 0 && listen(fd, 128) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}
