/* A JSON tree, for the few places where a tree is the right tool (commands, GUILD_CREATE's parts,
 * control calls). Plain activity is scanned without one. The functions accept NULL as "absent", so
 * that look-ups can be chained. */
#ifndef PRESENCE_JSON_H
#define PRESENCE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"

struct json;

/* Parses exactly one value, or returns NULL and, if error_r is given, a text that names the byte
 * (owned by the caller). Nesting is limited by the library (1,000). */
struct json *json_parse(const char *text, size_t len, char **error_r);
/* The same, but integers of more than 15 digits become strings: a tree keeps numbers as doubles, and
 * some clients write ids without quotes. */
struct json *json_parse_exact(const char *text, size_t len, char **error_r);
void json_free(struct json **root);

const struct json *json_get(const struct json *object, const char *key); /* or NULL */
const struct json *json_at(const struct json *array, size_t index);      /* or NULL */
size_t json_size(const struct json *array_or_object);                    /* 0 for anything else */
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *element);
const char *json_key(const struct json *element); /* of a member of an object */

bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_null(const struct json *j);
bool json_is_number(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_bool(const struct json *j);

/* The value, or the default where it is absent or of another type. */
const char *json_string(const struct json *j, const char *otherwise);
int64_t json_int(const struct json *j, int64_t otherwise); /* truncated; exact up to 2^53 */
double json_double(const struct json *j, double otherwise);
bool json_bool(const struct json *j, bool otherwise);
/* An id: a string of digits, or a number below 2^53. 0 for anything else. */
uint64_t json_id(const struct json *j);

/* Appends the value as compact JSON text. */
void json_print(const struct json *j, struct buf *out);

#endif
