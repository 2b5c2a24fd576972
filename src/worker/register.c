/* Registration of the commands with Discord: the owner of lane 0 reads what is registered and
 * overwrites it only where it differs, since new names are counted per day. Called by react when a
 * lane is taken.
 * Diagnostics: says what was registered; warns when Discord refuses or cannot be asked, and tries
 * again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cogs.h"
#include "presence/log.h"
#include "presence/rest.h"
#include "worker/react_parts.h"

#define RETRY_MIN_MS 5000
#define RETRY_MAX_MS 3600000

struct registration {
    struct worker *w;
    struct loop_timer *timer;
    struct backoff backoff;
    bool under_way, done;
    register_told *asked; /* who wants to know what came of it; NULL = nobody */
    void *asker;
    char path[64];
    struct buf body; /* what shall be registered */
};

static void tell_asker(struct registration *r, const char *failure)
{
    register_told *cb = r->asked;

    r->asked = NULL;
    if (cb)
        cb(r->asker, failure);
}

static void try_again(struct registration *r, const char *what, const struct rest_answer *answer)
{
    int64_t ms = backoff_next_ms(&r->backoff);

    tell_asker(r, outcome_name(answer->outcome));

    r->under_way = false;
    log_warn("commands_not_registered", "%s: %s (status %d, code %d) %s; trying again in %lld s",
             what, outcome_name(answer->outcome), answer->status, answer->code,
             answer->error ? answer->error : "", (long long)(ms / 1000));
    loop_timer_set(r->timer, ms);
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static bool same(const struct json *ours, const struct json *theirs);

/* What a client shows or enforces: whoever has it without our asking differs from us. Everything
 * else that Discord adds is its own. */
static bool is_ours(const char *key)
{
    static const char *const keys[] = {
        "options",
        "choices",
        "required",
        "autocomplete",
        "min_value",
        "max_value",
        "min_length",
        "max_length",
        "channel_types",
        "nsfw",
        "default_member_permissions",
        "name_localizations",
        "description_localizations",
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!strcmp(key, keys[i]))
            return true;
    return false;
}

static bool is_default(const struct json *j)
{
    return json_is_null(j) || (json_is_bool(j) && !json_bool(j, true)) ||
           ((json_is_array(j) || json_is_object(j)) && json_size(j) == 0);
}

static bool same_object(const struct json *ours, const struct json *theirs)
{
    for (const struct json *j = json_first(ours); j; j = json_next(j))
        if (!same(j, json_get(theirs, json_key(j))))
            return false;
    for (const struct json *j = json_first(theirs); j; j = json_next(j))
        if (is_ours(json_key(j)) && !json_get(ours, json_key(j)) && !is_default(j))
            return false;
    return true;
}

static bool same_array(const struct json *ours, const struct json *theirs)
{
    const struct json *b = json_first(theirs);

    if (json_size(ours) != json_size(theirs))
        return false;
    for (const struct json *a = json_first(ours); a; a = json_next(a), b = json_next(b))
        if (!same(a, b))
            return false;
    return true;
}

static bool same(const struct json *ours, const struct json *theirs)
{
    if (json_is_object(ours))
        return json_is_object(theirs) && same_object(ours, theirs);
    if (json_is_array(ours))
        return json_is_array(theirs) && same_array(ours, theirs);
    if (json_is_string(ours))
        return json_is_string(theirs) && !strcmp(json_string(ours, ""), json_string(theirs, ""));
    if (json_is_number(ours)) /* permissions are answered as texts */
        return json_is_string(theirs)
                   ? json_id(ours) == json_id(theirs)
                   : json_is_number(theirs) && json_int(ours, 0) == json_int(theirs, 0);
    return json_is_bool(ours) && json_is_bool(theirs) &&
           json_bool(ours, false) == json_bool(theirs, false);
}

static const struct json *named_like(const struct json *list, const struct json *command)
{
    const struct json *j = json_first(list);

    while (j && !(json_int(json_get(j, "type"), 1) == json_int(json_get(command, "type"), 1) &&
                  !strcmp(json_string(json_get(j, "name"), ""),
                          json_string(json_get(command, "name"), ""))))
        j = json_next(j);
    return j;
}

/* In whatever order. */
static bool all_same(const struct json *ours, const struct json *theirs)
{
    if (json_size(ours) != json_size(theirs))
        return false;
    for (const struct json *j = json_first(ours); j; j = json_next(j))
        if (!same(j, named_like(theirs, j)))
            return false;
    return true;
}

/* --- the calls ---------------------------------------------------------------------------------
 */

static void finished(struct registration *r)
{
    r->under_way = false;
    r->done = true;
    buf_clear(&r->body);
    backoff_reset(&r->backoff);
    tell_asker(r, NULL);
}

static void overwritten(void *arg, const struct rest_answer *answer)
{
    struct registration *r = arg;

    if (answer->outcome != OUTCOME_OK) {
        try_again(r, "overwriting them", answer);
        return;
    }
    log_info("commands_registered", "%zu commands", json_size(answer->body));
    finished(r);
}

static void listed(void *arg, const struct rest_answer *answer)
{
    struct registration *r = arg;
    struct json *ours;
    bool differs;
    struct rest_request put = {.method = "PUT",
                               .path = r->path,
                               .lane = BUDGET_BULK,
                               .json = buf_cstr(&r->body),
                               .json_len = buf_len(&r->body)};

    if (answer->outcome != OUTCOME_OK) {
        try_again(r, "reading them", answer);
        return;
    }
    ours = json_parse(put.json, put.json_len, NULL);
    differs = !json_is_array(answer->body) || !all_same(ours, answer->body);
    json_free(&ours);
    if (differs)
        rest_send(r->w->rest, &put, overwritten, r);
    else
        finished(r);
}

static void application_told(void *arg, const struct rest_answer *answer)
{
    struct registration *r = arg;
    uint64_t id = json_id(json_get(answer->body, "id"));
    size_t count;
    const struct command *const *commands = cogs_commands(&count);
    char *path;

    if (answer->outcome != OUTCOME_OK || !id) {
        try_again(r, "whose application this is", answer);
        return;
    }
    snprintf(r->path, sizeof(r->path), "/applications/%llu/commands", (unsigned long long)id);
    path = xasprintf("%s?with_localizations=true", r->path);
    buf_reset(&r->body);
    command_print(commands, count, cogs_words, cogs_locales, &r->body);
    rest_get(r->w->rest, path, 0, listed, r);
    free(path);
}

static void begin(void *arg)
{
    struct registration *r = arg;

    if (r->under_way || (r->done && !r->asked) || (!r->asked && !r->w->lanes[0]))
        return;
    r->under_way = true;
    rest_get(r->w->rest, "/applications/@me", 0, application_told, r);
}

void register_commands(struct worker *w)
{
    begin(w->registration);
}

bool register_again(struct worker *w, register_told *cb, void *arg)
{
    struct registration *r = w->registration;

    if (r->asked)
        return false;
    r->asked = cb;
    r->asker = arg;
    loop_timer_set(r->timer, 0);
    return true;
}

void register_forget(struct worker *w, const void *arg)
{
    if (w->registration->asker == arg)
        w->registration->asked = NULL;
}

void register_init(struct worker *w)
{
    struct registration *r = xcalloc(1, sizeof(*r));

    *r = (struct registration){.w = w, .timer = loop_timer_new(w->loop, begin, r)};
    backoff_init(&r->backoff, RETRY_MIN_MS, RETRY_MAX_MS);
    buf_init(&r->body, 0);
    w->registration = r;
}

void register_free(struct worker *w)
{
    loop_timer_free(&w->registration->timer);
    buf_clear(&w->registration->body);
    free(w->registration);
    w->registration = NULL;
}
