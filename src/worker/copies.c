/* Copies of guilds' settings: read from presence-graphqld when first asked for, read again when
 * changes.c hears of a change, and not used while it cannot hear. Called by query, and by whatever
 * acts by a setting.
 * Diagnostics: warns when settings cannot be read or understood; whoever asks is told that they are
 * not known. */
#include "worker/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/call.h"
#include "worker/operations.h"

#define ASK_MS   10000
#define RETRY_MS 1000

struct copy {
    snowflake_t guild;
    struct settings settings;
    bool known;   /* settings are what PostgreSQL has */
    bool wanted;  /* to be read */
    bool strange; /* they hold what is not understood: not read again until they change */
};

/* One question at a time: guilds are few that change, and a worker's other requests matter more. */
struct copies {
    struct copy *list; /* by guild */
    size_t count;
    bool trusted;             /* changes are heard of */
    snowflake_t asked;        /* the guild whose settings are being read, or none */
    bool asked_in_vain;       /* it was changed, forgotten or doubted meanwhile */
    struct loop_timer *timer; /* the next question: soon, or after a failure */
};

/* --- the list ----------------------------------------------------------------------------- */

static size_t place(const struct copies *c, snowflake_t guild)
{
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->list[middle].guild.id < guild.id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct copy *find(struct copies *c, snowflake_t guild)
{
    size_t i = place(c, guild);

    return i < c->count && snowflake_equal(c->list[i].guild, guild) ? &c->list[i] : NULL;
}

static struct copy *add(struct copies *c, snowflake_t guild)
{
    size_t i = place(c, guild);

    c->list = xrealloc(c->list, (c->count + 1) * sizeof(*c->list));
    memmove(c->list + i + 1, c->list + i, (c->count++ - i) * sizeof(*c->list));
    c->list[i] = (struct copy){.guild = guild, .wanted = true};
    settings_init(&c->list[i].settings);
    return &c->list[i];
}

static void doubt(struct copies *c, struct copy *copy)
{
    copy->known = copy->strange = false;
    copy->wanted = true;
    if (snowflake_equal(copy->guild, c->asked))
        c->asked_in_vain = true;
}

/* --- reading ------------------------------------------------------------------------------ */

/* What this worker does not understand it must not act by. */
static bool take_setting(struct settings *s, const struct json *row, snowflake_t guild)
{
    const char *key = json_string(json_get(row, "key"), "");
    char *wrong = settings_put_stored(s, key, json_string(json_get(row, "value"), ""));

    if (wrong) {
        log_warn("settings", "guild %llu: %.64s: %s; nothing is done by its settings",
                 (unsigned long long)guild.id, key, wrong);
        free(wrong);
        return false;
    }
    return true;
}

static void take_settings(struct copy *copy, const struct json *guild)
{
    const struct json *rows = json_get(guild, "settings");
    struct settings s;

    settings_init(&s);
    s.version = (int32_t)json_int(json_get(guild, "settingsVersion"), 0);
    for (const struct json *row = json_first(rows); row; row = json_next(row)) {
        if (!take_setting(&s, row, copy->guild)) {
            copy->strange = true;
            settings_free(&s);
            return;
        }
    }
    settings_free(&copy->settings);
    copy->settings = s;
    copy->known = true;
}

/* Never at once: a piece of the stream of changes is no place to send from. */
static void ask_soon(struct worker *w)
{
    if (!loop_timer_active(w->copies->timer))
        loop_timer_set(w->copies->timer, 0);
}

static void answered(void *arg, const struct gql_answer *answer)
{
    struct worker *w = arg;
    struct copies *c = w->copies;
    struct copy *copy = find(c, c->asked);
    bool in_vain = c->asked_in_vain;

    c->asked = SNOWFLAKE_NONE;
    if (answer->outcome != GQL_DONE) {
        log_warn("settings", "they cannot be read: %s",
                 answer->error ? answer->error : "no answer");
        if (copy)
            copy->wanted = true;
        loop_timer_set(c->timer, RETRY_MS);
        return;
    }
    if (copy && !in_vain && json_is_object(json_get(answer->data, "guild")))
        take_settings(copy, json_get(answer->data, "guild"));
    ask_soon(w);
    if (copy && copy->known)
        call_settings_known(w, copy->guild);
}

static void ask(struct worker *w, struct copy *copy)
{
    struct buf body;

    copy->wanted = false;
    w->copies->asked = copy->guild;
    w->copies->asked_in_vain = false;
    buf_init(&body, 0);
    buf_printf(&body,
               "{\"documentId\":\"" OPERATION_GUILD_SETTINGS
               "\",\"variables\":{\"guildId\":\"%llu\"}}",
               (unsigned long long)copy->guild.id);
    gql_send(&w->gql, &body, ASK_MS, answered, w);
    buf_clear(&body);
}

static void ask_next(void *arg)
{
    struct worker *w = arg;
    struct copies *c = w->copies;

    if (!c->trusted || snowflake_known(c->asked))
        return;
    for (size_t i = 0; i < c->count; i++) {
        if (c->list[i].wanted) {
            ask(w, &c->list[i]);
            return;
        }
    }
}

/* --- from outside ------------------------------------------------------------------------- */

const struct settings *copies_settings(struct worker *w, snowflake_t guild)
{
    struct copies *c = w->copies;
    struct copy *copy;

    if (!w->lanes[route_lane(guild)])
        return NULL;
    copy = find(c, guild);
    if (!copy)
        copy = add(c, guild);
    if (c->trusted && copy->known)
        return &copy->settings;
    if (!copy->strange && !snowflake_equal(c->asked, guild))
        copy->wanted = true;
    ask_soon(w);
    return NULL;
}

bool copies_being_read(struct worker *w, snowflake_t guild)
{
    struct copies *c = w->copies;
    const struct copy *copy = find(c, guild);

    return !w->away && copy && (copy->wanted || snowflake_equal(c->asked, guild));
}

void copies_changed(struct worker *w, snowflake_t guild)
{
    struct copies *c = w->copies;

    for (size_t i = 0; i < c->count; i++)
        if (!snowflake_known(guild) || snowflake_equal(c->list[i].guild, guild))
            doubt(c, &c->list[i]);
    ask_soon(w);
}

void copies_doubt(struct worker *w)
{
    copies_changed(w, SNOWFLAKE_NONE);
    w->copies->trusted = false;
}

void copies_trust(struct worker *w)
{
    w->copies->trusted = true;
    ask_soon(w);
}

void copies_forget_lane(struct worker *w, unsigned lane)
{
    struct copies *c = w->copies;
    size_t kept = 0;

    for (size_t i = 0; i < c->count; i++) {
        if (route_lane(c->list[i].guild) != lane) {
            c->list[kept++] = c->list[i];
            continue;
        }
        doubt(c, &c->list[i]);
        settings_free(&c->list[i].settings);
    }
    c->count = kept;
}

void copies_init(struct worker *w)
{
    w->copies = xcalloc(1, sizeof(*w->copies));
    w->copies->timer = loop_timer_new(w->loop, ask_next, w);
}
