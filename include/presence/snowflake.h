/* Discord ids. Source of the layout: Discord rest.md §1 "Snowflakes". */
#ifndef PRESENCE_SNOWFLAKE_H
#define PRESENCE_SNOWFLAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/clock.h"

typedef struct {
    uint64_t id; /* 0 = none */
} snowflake_t;

#define SNOWFLAKE_NONE     ((snowflake_t){0})
#define SNOWFLAKE_EPOCH_MS 1420070400000

/* Longest decimal form and its terminator. */
#define SNOWFLAKE_TEXT_SIZE 21

static inline bool snowflake_known(snowflake_t s)
{
    return s.id != 0;
}

static inline bool snowflake_equal(snowflake_t a, snowflake_t b)
{
    return a.id == b.id;
}

/* The moment the id was made. */
static inline unixms_t snowflake_time(snowflake_t s)
{
    return (unixms_t){(int64_t)(s.id >> 22) + SNOWFLAKE_EPOCH_MS};
}

/* 1 to 20 decimal digits below 2^64, nothing else. Returns 0, or -1. */
int snowflake_parse(const char *text, size_t len, snowflake_t *id_r);
/* Returns the length written, terminator not counted. */
size_t snowflake_print(snowflake_t s, char out[SNOWFLAKE_TEXT_SIZE]);

#endif
