/* File descriptors and small files. Functions return -1 and set errno unless said otherwise. */
#ifndef PRESENCE_FD_H
#define PRESENCE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "presence/buf.h"

int fd_nonblock(int fd);
int fd_cloexec(int fd, bool on);
void fd_close(int *fd); /* closes unless -1, sets -1 */

/* A connected pair of Unix stream sockets, both close-on-exec and non-blocking. */
int fd_pair(int fds_r[2]);

/* Writes all n bytes to a blocking descriptor or file. */
int fd_write_all(int fd, const void *bytes, size_t n);

/* Reads a whole file of at most max bytes into a NUL-terminated buffer (owned by the caller). */
char *fd_read_file(const char *path, size_t max, size_t *len_r);

/* Writes a file beside path and renames it over path; with sync, the bytes are on disk before. */
int fd_write_file(const char *path, const void *bytes, size_t n, mode_t mode, bool sync);

/* Reads a secret, one line of ASCII: refuses what is no regular file or can be read by group or
 * others, strips a byte order mark and trailing white space, and wipes nothing: free it with
 * fd_secret_free. On failure NULL and *error_r (owned by the caller). */
char *fd_read_secret(const char *path, char **error_r);
void fd_secret_free(char **secret);

/* Opens or creates path and takes an exclusive lock on it. With wait false, -1/EWOULDBLOCK when
 * another process holds it. The lock lives as long as any descriptor made from it. */
int fd_lock_file(const char *path, bool wait);

/* mkdir -p; existing directories are fine. */
int fd_mkdirs(const char *path, mode_t mode);

/* A non-blocking, close-on-exec Unix listener at path (an unused old socket is replaced; one in use
 * gives EADDRINUSE), its file mode set to mode. And the connect side (blocking connect). */
int fd_unix_listen(const char *path, mode_t mode);
int fd_unix_connect(const char *path);

#endif
