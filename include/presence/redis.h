/* A Redis client on struct loop: one connection, commands pipelined, answers in order, connecting
 * again by itself. Used by presence-worker; Redis is a cache only, so whatever cannot be sent is
 * refused at once instead of being kept. */
#ifndef PRESENCE_REDIS_H
#define PRESENCE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/loop.h"

struct redis;

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_INTEGER, REDIS_STATUS, REDIS_ERROR, REDIS_ARRAY };

struct redis_value;
enum redis_type redis_type(const struct redis_value *v);
const char *redis_text(const struct redis_value *v, size_t *len_r); /* NULL unless it has text */
int64_t redis_integer(const struct redis_value *v);
size_t redis_count(const struct redis_value *v); /* elements of an array */
const struct redis_value *redis_element(const struct redis_value *v, size_t i);

/* The answer; NULL: the connection broke before it came. */
typedef void redis_reply_cb(void *arg, const struct redis_value *reply);
/* Connected and authenticated (true), or away (false, once per loss). */
typedef void redis_state_cb(void *arg, bool up);

/* url: redis://[[user:]password@]host[:port][/db] or unix:///path[?db=N] (unix:/path too). NULL and
 * *error_r (owned by the caller) for anything else; rediss:// is refused: this build of the client
 * library has no TLS. Connecting starts at once and is tried again for ever. */
struct redis *redis_new(struct loop *loop, const char *url, redis_state_cb *state, void *arg,
                        char **error_r);
void redis_free(struct redis **redis); /* answers still owed are answered NULL first */
bool redis_up(const struct redis *redis);
size_t redis_pending(const struct redis *redis); /* answers owed */

/* Queues one command; written at the end of the loop's round. cb may be NULL. Returns 0, or -1 when
 * not connected (cb is not called then). */
int redis_command(struct redis *redis, size_t argc, const char *const *argv, const size_t *lens,
                  redis_reply_cb *cb, void *arg);

#endif
