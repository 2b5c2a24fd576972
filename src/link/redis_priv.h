/* What the files of the Redis client share. */
#ifndef LINK_REDIS_PRIV_H
#define LINK_REDIS_PRIV_H

#include <stdbool.h>

#include "presence/buf.h"
#include "presence/redis.h"

/* Where Redis is and who we are there; all strings owned, NULL = not given. */
struct redis_address {
    char *path;        /* Unix socket; otherwise */
    char *host, *port; /* both */
    char *user, *password, *db;
};

/* NULL, or what is wrong with it; *a is to be cleared in either case. */
const char *redis_url_parse(const char *url, struct redis_address *a);
void redis_address_clear(struct redis_address *a);

/* A socket whose connection is under way, or -1: with errno; of TCP with *why_r. */
int redis_dial_unix(const char *path);
int redis_dial_tcp(const char *address, const char *port, const char **why_r);
bool redis_is_address(const char *host); /* numeric */

/* Appends one command; out has no limit. lens: of the arguments, NULL = they are strings. */
void redis_print(struct buf *out, size_t argc, const char *const *argv, const size_t *lens);

#endif
