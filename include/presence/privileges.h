/* Becoming another user after a start as root. Where we are not root, nothing changes and nothing
 * is an error: [presence] user and group then have no say. Functions return -1 with *error_r (owned
 * by the caller), beginning with the key or the path that is to blame. */
#ifndef PRESENCE_PRIVILEGES_H
#define PRESENCE_PRIVILEGES_H

#include <sys/types.h>

/* mkdir -p; root gives it to user ("" = nobody in particular). */
int privileges_directory(const char *path, mode_t mode, const char *user, char **error_r);

/* Root gives a file of its own to user ("" = nobody in particular). What belongs to somebody else,
 * is no regular file or has other names stays as it is: it is not ours to give. */
int privileges_file(const char *path, const char *user, char **error_r);

/* Becomes user and group ("" = stay; the group then is the user's own), for good. */
int privileges_drop(const char *user, const char *group, char **error_r);

#endif
