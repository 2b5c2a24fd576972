/* The envelope of a frame (event.h). Called by the master for every frame, so d is crossed once,
 * blindly, watching for the guild id only.
 * Diagnostics: none; what is wrong with a frame is returned as static text. */
#include "presence/event.h"

#include <string.h>

#include "discord/scan_skip.h"
#include "presence/scan.h"

#define SEQ_MAX ((UINT64_C(1) << 53) - 1) /* beyond it JSON's numbers are not exact */

/* The snowflake behind the key that opens at `quote`; absent and null are fine. */
static const char *read_watched(const struct skip_watch *watch, const char *end, snowflake_t *id_r)
{
    const char *p = watch->found + watch->len + 2;
    struct slice value = {NULL, 0};

    while (*p != ':') /* is_watched_key saw it */
        p++;
    for (p++; p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'); p++)
        continue;
    value.p = p;
    if (p < end && *p == '"') {
        const char *quote = memchr(p + 1, '"', (size_t)(end - p - 1));

        value.len = quote ? (size_t)(quote - p) + 1 : 0;
    } else {
        while (p < end && *p != ',' && *p != '}' && *p != ' ' && *p != '\t' && *p != '\n' &&
               *p != '\r')
            p++;
        value.len = (size_t)(p - value.p);
    }
    if (scan_is_null(value) || scan_snowflake(value, id_r))
        return NULL;
    return "d.guild_id (or the guild's d.id): expected a snowflake";
}

static bool is_rate_limited(struct slice t)
{
    return slice_is(t, "RATE_LIMITED");
}

static bool is_guild_event(struct slice t)
{
    return slice_is(t, "GUILD_CREATE") || slice_is(t, "GUILD_UPDATE") ||
           slice_is(t, "GUILD_DELETE");
}

/* What is told about a request of a guild goes where the guild's chunks would: whoever waits for
 * them is there. */
static void find_in_meta(struct slice d, snowflake_t *id_r)
{
    struct slice guild = SLICE_NONE, meta = SLICE_NONE;
    const struct scan_field in_meta[] = {SCAN_FIELD("guild_id", &guild)};
    const struct scan_field fields[] = {SCAN_FIELD_INNER("meta", &meta, in_meta, 1)};

    if (!scan_fields(d, fields, 1) && !scan_snowflake(guild, id_r))
        *id_r = SNOWFLAKE_NONE;
}

static const char *take_op(struct slice value, struct envelope *env)
{
    uint64_t v;

    if (!scan_u64(value, &v) || v > INT32_MAX)
        return "op: expected a small number";
    env->op = (int)v;
    return NULL;
}

static const char *take_seq(struct slice value, struct envelope *env)
{
    env->has_seq = !scan_is_null(value);
    if (env->has_seq && (!scan_u64(value, &env->seq) || env->seq > SEQ_MAX))
        return "s: expected a number below 2^53 or null";
    return NULL;
}

static const char *take_name(struct slice value, const char *frame, struct envelope *env)
{
    struct slice name = scan_raw_string(value);

    env->t_off = env->t_len = 0;
    if (name.p) {
        env->t_off = (uint32_t)(name.p - frame);
        env->t_len = (uint32_t)name.len;
    } else if (!scan_is_null(value)) {
        return "t: expected a string or null";
    }
    return NULL;
}

static const char *take_member(struct scan *scan, struct slice key, const char *frame,
                               struct skip_watch *watch, struct envelope *env)
{
    struct slice value;

    if (slice_is(key, "d")) {
        watch->found = NULL;
        if (!scan_take_value(scan, watch, &value))
            return scan->error;
        env->d_off = (uint32_t)(value.p - frame);
        env->d_len = (uint32_t)value.len;
        return NULL;
    }
    if (!scan_take_value(scan, NULL, &value))
        return scan->error;
    if (slice_is(key, "op"))
        return take_op(value, env);
    if (slice_is(key, "s"))
        return take_seq(value, env);
    if (slice_is(key, "t"))
        return take_name(value, frame, env);
    return NULL;
}

const char *envelope_scan(const char *frame, size_t len, struct envelope *envelope_r)
{
    struct envelope *env = envelope_r;
    struct skip_watch watch = {"guild_id", 8, NULL};
    struct scan scan;
    struct slice key;
    const char *error;

    *env = (struct envelope){.op = -1};
    if (len > UINT32_MAX)
        return "frame: expected less than 4 GiB";
    if (!scan_object(&scan, (struct slice){frame, len}))
        return "frame: expected an object";
    while (scan_take_key(&scan, &key)) {
        error = take_member(&scan, key, frame, &watch, env);
        if (error)
            return error;
    }
    if (scan.error)
        return scan.error;
    for (const char *p = scan.p; p < frame + len; p++)
        if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t')
            return "frame: expected nothing behind its object";
    if (env->op != 0 || env->d_len < 2 || frame[env->d_off] != '{')
        return NULL;
    if (!watch.found && is_guild_event((struct slice){frame + env->t_off, env->t_len})) {
        watch = (struct skip_watch){"id", 2, NULL};
        skip_container(frame + env->d_off, frame + env->d_off + env->d_len, &watch);
    }
    if (!watch.found && is_rate_limited((struct slice){frame + env->t_off, env->t_len}))
        find_in_meta((struct slice){frame + env->d_off, env->d_len}, &env->guild);
    if (watch.found)
        env->event_error = read_watched(&watch, frame + env->d_off + env->d_len, &env->guild);
    return NULL;
}
