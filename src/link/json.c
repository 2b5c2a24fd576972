/* JSON trees: cJSON behind a few functions that never trip over a missing or mistyped value. Called
 * by presence-sim and by whoever needs a tree.
 * Diagnostics: none; a text that cannot be parsed is the caller's to report. */
#include "presence/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_DIGITS 15 /* of an integer that a double surely holds */

/* struct json is never defined: it is a cJSON under another name. */
static const cJSON *in(const struct json *j)
{
    return (const cJSON *)j;
}

static const struct json *out_of(const cJSON *j)
{
    return (const struct json *)j;
}

struct json *json_parse(const char *text, size_t len, char **error_r)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);

    if (root) {
        while (end < text + len && strchr(" \t\r\n", *end) && *end)
            end++;
        if (end == text + len)
            return (struct json *)root;
        cJSON_Delete(root);
    }
    if (error_r)
        *error_r = xasprintf("not JSON at byte %zu of %zu", end ? (size_t)(end - text) : 0, len);
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of a string literal that begins at text, quotes included. */
static size_t string_len(const char *text, size_t len)
{
    size_t i = 1;

    while (i < len && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i + 1 < len ? i + 1 : len;
}

struct json *json_parse_exact(const char *text, size_t len, char **error_r)
{
    struct json *root;
    struct buf quoted;

    buf_init(&quoted, 0);
    for (size_t i = 0, n; i < len; i += n) {
        bool whole;

        n = 1;
        if (text[i] == '"') {
            n = string_len(text + i, len - i);
        } else if (is_digit(text[i])) {
            while (i + n < len && is_digit(text[i + n]))
                n++;
            whole = (i == 0 || !strchr("-+.eE", text[i - 1])) &&
                    (i + n == len || !strchr(".eE", text[i + n]));
            if (n > EXACT_DIGITS && whole) {
                buf_putc(&quoted, '"');
                buf_append(&quoted, text + i, n);
                buf_putc(&quoted, '"');
                continue;
            }
        }
        buf_append(&quoted, text + i, n);
    }
    root = json_parse(buf_cstr(&quoted), buf_len(&quoted), error_r);
    buf_clear(&quoted);
    return root;
}

void json_free(struct json **root)
{
    cJSON_Delete((cJSON *)*root);
    *root = NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return out_of(cJSON_GetObjectItemCaseSensitive(in(object), key));
}

const struct json *json_at(const struct json *array, size_t index)
{
    const struct json *j = json_is_array(array) ? json_first(array) : NULL;

    while (j && index-- > 0)
        j = json_next(j);
    return j;
}

size_t json_size(const struct json *array_or_object)
{
    size_t n = 0;

    for (const struct json *j = json_first(array_or_object); j; j = json_next(j))
        n++;
    return n;
}

const struct json *json_first(const struct json *array_or_object)
{
    return json_is_array(array_or_object) || json_is_object(array_or_object)
               ? out_of(in(array_or_object)->child)
               : NULL;
}

const struct json *json_next(const struct json *element)
{
    return element ? out_of(in(element)->next) : NULL;
}

const char *json_key(const struct json *element)
{
    return element ? in(element)->string : NULL;
}

bool json_is_object(const struct json *j)
{
    return cJSON_IsObject(in(j));
}

bool json_is_array(const struct json *j)
{
    return cJSON_IsArray(in(j));
}

bool json_is_null(const struct json *j)
{
    return cJSON_IsNull(in(j));
}

bool json_is_number(const struct json *j)
{
    return cJSON_IsNumber(in(j));
}

bool json_is_string(const struct json *j)
{
    return cJSON_IsString(in(j));
}

bool json_is_bool(const struct json *j)
{
    return cJSON_IsBool(in(j));
}

const char *json_string(const struct json *j, const char *otherwise)
{
    return json_is_string(j) ? in(j)->valuestring : otherwise;
}

double json_double(const struct json *j, double otherwise)
{
    return json_is_number(j) ? in(j)->valuedouble : otherwise;
}

int64_t json_int(const struct json *j, int64_t otherwise)
{
    double v = json_double(j, 0);

    /* Also refuses NaN, for which both comparisons are false. */
    return json_is_number(j) && v > -9.0e18 && v < 9.0e18 ? (int64_t)v : otherwise;
}

bool json_bool(const struct json *j, bool otherwise)
{
    return json_is_bool(j) ? cJSON_IsTrue(in(j)) != 0 : otherwise;
}

uint64_t json_id(const struct json *j)
{
    const char *text = json_string(j, NULL);
    uint64_t id = 0;
    size_t n = 0;

    if (!text)
        return json_is_number(j) && json_int(j, 0) > 0 ? (uint64_t)json_int(j, 0) : 0;
    for (; text[n] >= '0' && text[n] <= '9' && n < 20; n++) {
        if (__builtin_mul_overflow(id, UINT64_C(10), &id) ||
            __builtin_add_overflow(id, (uint64_t)(text[n] - '0'), &id))
            return 0;
    }
    return text[n] == '\0' && n > 0 ? id : 0;
}

void json_print(const struct json *j, struct buf *out)
{
    char *text = j ? cJSON_PrintUnformatted(in(j)) : NULL;

    buf_puts(out, text ? text : "null");
    free(text);
}
