/* What Redis answered, without hiredis' names. Called by presence-worker through redis.h.
 * Diagnostics: none. */
#include <hiredis/hiredis.h>

#include "presence/redis.h"

static const redisReply *reply_of(const struct redis_value *v)
{
    return (const redisReply *)(const void *)v;
}

enum redis_type redis_type(const struct redis_value *v)
{
    switch (reply_of(v)->type) {
    case REDIS_REPLY_STRING:
        return REDIS_STRING;
    case REDIS_REPLY_INTEGER:
        return REDIS_INTEGER;
    case REDIS_REPLY_STATUS:
        return REDIS_STATUS;
    case REDIS_REPLY_ERROR:
        return REDIS_ERROR;
    case REDIS_REPLY_ARRAY:
        return REDIS_ARRAY;
    default:
        return REDIS_NIL;
    }
}

const char *redis_text(const struct redis_value *v, size_t *len_r)
{
    const redisReply *r = reply_of(v);
    bool text = r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ||
                r->type == REDIS_REPLY_ERROR;

    *len_r = text ? (size_t)r->len : 0;
    return text ? r->str : NULL;
}

int64_t redis_integer(const struct redis_value *v)
{
    return reply_of(v)->type == REDIS_REPLY_INTEGER ? reply_of(v)->integer : 0;
}

size_t redis_count(const struct redis_value *v)
{
    return reply_of(v)->type == REDIS_REPLY_ARRAY ? reply_of(v)->elements : 0;
}

const struct redis_value *redis_element(const struct redis_value *v, size_t i)
{
    return (const struct redis_value *)(const void *)reply_of(v)->element[i];
}
