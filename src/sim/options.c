/* Settings by name. Called by main and by the control API.
 * Diagnostics: a wrong value is told to the caller. */
#include "sim/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/intents.h"
#include "sim/render.h"

struct setting {
    const char *name;
    size_t offset, size;
    int64_t least, most;
};

#define ROW(field, least, most)                                                                    \
    {                                                                                              \
#field, offsetof(struct sim_config, field), sizeof(((struct sim_config *)0)->field),       \
            least, most                                                                            \
    }

static const struct setting settings[] = {
    ROW(shards, 1, 1000),
    ROW(max_concurrency, 1, MAX_CONCURRENCY_MAX),
    ROW(identify_window_ms, 0, 3600000),
    ROW(identify_total, 0, 1000000),
    ROW(identify_remaining, 0, 1000000),
    ROW(guilds_per_shard, 1, 1000000),
    ROW(intents_allowed, 0, INTENTS_ALL),
    ROW(heartbeat_ms, 10, 3600000),
    ROW(enforce_heartbeat, 0, 1),
    ROW(session_ttl_ms, 0, 86400000),
    ROW(replay_max, 1024, 1 << 26),
    ROW(guild_create_delay_ms, 0, 3600000),
    ROW(chunk_window_ms, 0, 3600000),
    ROW(send_limit, 1, 255),
    ROW(rest_bucket, 1, 1000000),
    ROW(rest_window_ms, 1, 3600000),
    ROW(rest_global, 1, 1000000),
    ROW(check_user_agent, 0, 1),
    ROW(interaction_ack_ms, 0, 3600000),
    ROW(interaction_token_ms, 0, 86400000),
    ROW(search_not_ready, 0, 1000000),
};

#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

void options_defaults(struct sim *sim)
{
    sim->config = (struct sim_config){.token = xstrdup("sim-token"),
                                      .shards = 1,
                                      .max_concurrency = 1,
                                      .identify_window_ms = 5000,
                                      .identify_total = 1000,
                                      .identify_remaining = 1000,
                                      .guilds_per_shard = 2500,
                                      .intents_allowed = INTENTS_PRIVILEGED,
                                      .heartbeat_ms = 41250,
                                      .enforce_heartbeat = true,
                                      .session_ttl_ms = 180000,
                                      .replay_max = 1 << 21,
                                      .chunk_window_ms = 30000,
                                      .send_limit = 120,
                                      .rest_bucket = 50,
                                      .rest_window_ms = 1000,
                                      .rest_global = 50,
                                      .check_user_agent = true,
                                      .interaction_ack_ms = 3000,
                                      .interaction_token_ms = 900000};
}

void options_clear(struct sim *sim)
{
    free(sim->config.token);
    sim->config.token = NULL;
}

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    return NULL;
}

static void store(struct sim *sim, const struct setting *s, int64_t value)
{
    char *at = (char *)&sim->config + s->offset;
    uint32_t word = (uint32_t)value;
    bool flag = value != 0;

    if (s->size == sizeof(value))
        memcpy(at, &value, sizeof(value));
    else if (s->size == sizeof(word))
        memcpy(at, &word, sizeof(word));
    else
        memcpy(at, &flag, sizeof(flag));
}

static int64_t load_value(const struct sim *sim, const struct setting *s)
{
    const char *at = (const char *)&sim->config + s->offset;
    int64_t value;
    uint32_t word;

    if (s->size == sizeof(value)) {
        memcpy(&value, at, sizeof(value));
        return value;
    }
    if (s->size == sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        return word;
    }
    return *at != 0;
}

static int64_t value_of(const struct json *j)
{
    return json_is_bool(j) ? json_bool(j, false) : json_int(j, INT64_MIN);
}

static bool is_text(const char *key)
{
    return strcmp(key, "token") == 0 || strcmp(key, "permissions") == 0;
}

static char *check(const struct json *j)
{
    const struct setting *s = find(json_key(j));

    if (is_text(json_key(j)))
        return json_is_string(j) ? NULL : xasprintf("%s: expected a string", json_key(j));
    if (!s)
        return xasprintf("no setting \"%s\"", json_key(j));
    if (value_of(j) < s->least || value_of(j) > s->most)
        return xasprintf("%s: expected %lld to %lld", s->name, (long long)s->least,
                         (long long)s->most);
    return NULL;
}

static void apply_text(struct sim *sim, const char *key, const struct json *j)
{
    if (strcmp(key, "token") == 0) {
        free(sim->config.token);
        sim->config.token = xstrdup(json_string(j, ""));
        return;
    }
    sim->world.permissions = json_id(j);
    for (uint32_t i = 0; i < sim->world.n_guilds; i++)
        sim->world.guilds[i].roles[3].permissions = sim->world.permissions;
}

int options_apply(struct sim *sim, const struct json *args, char **error_r)
{
    for (const struct json *j = json_first(args); j; j = json_next(j))
        if ((*error_r = check(j)))
            return -1;
    for (const struct json *j = json_first(args); j; j = json_next(j)) {
        if (is_text(json_key(j)))
            apply_text(sim, json_key(j), j);
        else
            store(sim, find(json_key(j)), value_of(j));
    }
    return 0;
}

void options_print(const struct sim *sim, struct buf *out)
{
    buf_puts(out, "{");
    for (size_t i = 0; i < N_SETTINGS; i++) {
        buf_printf(out, "\"%s\":", settings[i].name);
        if (settings[i].size == sizeof(bool))
            buf_puts(out, load_value(sim, &settings[i]) ? "true," : "false,");
        else
            buf_printf(out, "%lld,", (long long)load_value(sim, &settings[i]));
    }
    buf_printf(out, "\"permissions\":\"%llu\"}", (unsigned long long)sim->world.permissions);
}
