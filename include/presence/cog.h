/* The interface of a cog: a set of commands, and what runs them, in a module that workers load.
 *
 * A cog is a table (struct cog) and functions that are called with a struct call: one command that
 * somebody used, or one press of a button. It ends with exactly one answer. Whatever takes time is
 * asked for (call_ask) and comes back by callback; the process has one thread and waits for nobody.
 * Who acknowledges to Discord in time, and how, is the host's business: a cog just answers.
 *
 * Everything a cog does goes through the functions of its call, so that it needs no symbol of the
 * program that loads it. It is linked with libpresence-cog (pkg-config: presence-cog), which holds
 * what the installed headers declare, and exports one symbol, presence_cog. Modules are made,
 * loaded and replaced as presence-cog(7) says. COG_VERSION grows whenever anything here changes: a
 * module that was built for another one is not loaded. */
#ifndef PRESENCE_COG_H
#define PRESENCE_COG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/command.h"
#include "presence/form.h"
#include "presence/interaction.h"
#include "presence/json.h"
#include "presence/message.h"
#include "presence/outcome.h"
#include "presence/settings.h"
#include "presence/prefix.h"

#define COG_VERSION 1u

struct call;

/* A button of a cog. Its custom id is signed, bound to the user who was shown it, and expires. */
struct cog_button {
    const char *name;     /* [a-z_]{1,16}, its own among all cogs; NULL: end of the table */
    uint64_t permissions; /* asked for again when it is pressed */
    /* data: what was given to call_button. */
    void (*press)(struct call *call, const char *data);
};

/* Each module: COG_EXPORT const struct cog presence_cog = {…}; */
#define COG_EXPORT __attribute__((visibility("default")))
#define COG_SYMBOL "presence_cog"

struct cog {
    unsigned version;                      /* COG_VERSION; the first, whatever else changes */
    const char *name;                      /* [a-z0-9_-]{1,32}: the module's file is name.so */
    const struct command *const *commands; /* of names that no other cog has */
    size_t n_commands;
    const struct cog_button *buttons; /* or NULL */
    /* Called once, before the tables are looked at: completes what is made of other tables. NULL:
     * there is nothing to do. */
    void (*prepare)(void);
    const struct prefix_command *const *prefix_commands; /* developers'; ends with NULL; or NULL */
    /* Whether the module is fit for service: NULL, or what is wrong (text that stays). Called once
     * after prepare, before any command, and in a process of its own before the module is taken
     * into service. NULL: the tables say it all. */
    const char *(*self_check)(void);
    /* The module's own texts in other languages; asked for what Presence has no translation of.
     * NULL: they are English. */
    command_words *words;
};

/* What the process knows of a member at this moment; more recent than what is in the database. */
struct call_member {
    bool known;
    unixms_t last_seen, last_counted; /* UNIXMS_NONE: never, as far as it is known here */
    unsigned seen_kind, counted_kind; /* enum activity_kind */
    snowflake_t voice_channel;        /* is there now */
    unixms_t present_until;
};

/* How the service is. -1 = not known. */
struct call_health {
    int64_t arrival_ms; /* from the making of the interaction to its arrival, by our clock */
    int64_t lag_p50_ms, lag_p99_ms;
    uint64_t events, sightings;
    unsigned lanes;
    bool database, cache;
    snowflake_t self;      /* the bot; none = not known yet */
    uint32_t intents;      /* of the guild's gateway session; 0 = not known */
    bool live;             /* that session is up, and nothing of it is outstanding */
    unsigned rest_waiting; /* requests of the bulk lane that wait for their turn */
    unsigned rest_invalid; /* that Discord refused (401, 403, 429) in ten minutes */
};

/* data: the object "data" of the answer, or NULL: the database is away or refused. */
typedef void call_answered(struct call *call, const struct json *data);

/* A request of Discord's REST API: rate limits, waiting and trying again are the host's business.
 */
struct call_request {
    const char *method;
    const char *route; /* as Discord documents it: "/guilds/{}/members/{}"; see form_path */
    snowflake_t ids[FORM_IDS_MAX];
    const char *query;  /* "limit=100&with_counts=true", or NULL */
    const char *json;   /* the body, or NULL */
    const char *reason; /* for the audit log, UTF-8; or NULL */
    bool has_nonce;     /* a POST that Discord recognises when it is repeated */
};

enum call_lane {
    CALL_FAST, /* the caller waits for it: goes before all bulk work, given up after 10 s */
    CALL_BULK  /* behind other bulk work; takes as long as the limits want */
};

struct call_response {
    enum outcome outcome;
    const char *name;        /* of the outcome; static */
    int code;                /* of an error body; 0 = none */
    const struct json *body; /* NULL if it is no JSON */
};

typedef void call_responded(struct call *call, void *arg, const struct call_response *response);
typedef void call_continued(struct call *call);

/* bytes: those of the file, with a NUL behind them; NULL: it was not to be had. */
typedef void call_fetched(struct call *call, const char *bytes, size_t len);

#define CALL_CUSTOM_ID_SIZE 101u
#define CALL_KEPT_SIZE      21u

struct call_host {
    /* Takes the message over (it is cleared); the call ends with it. */
    void (*answer)(struct call *call, struct message *message);
    void (*ask)(struct call *call, const char *operation, const char *variables, call_answered *cb);
    void (*member)(const struct call *call, snowflake_t user, struct call_member *member_r);
    void (*health)(const struct call *call, struct call_health *health_r);
    /* All commands of all cogs. */
    const struct command *const *(*commands)(const struct call *call, size_t *count_r);
    const char *(*words)(const char *locale, const char *text);
    void (*custom_id)(const struct call *call, const char *name, const char *data,
                      char out[CALL_CUSTOM_ID_SIZE]);
    /* Keeps a text for later presses: its name in *name_r (fits a button's data). It is forgotten
     * after a quarter of an hour, when there are too many, and when the process ends. */
    void (*keep)(const struct call *call, const char *text, char name_r[CALL_KEPT_SIZE]);
    const char *(*kept)(const struct call *call, const char *name); /* or NULL */
    void (*rest)(struct call *call, enum call_lane lane, const struct call_request *request,
                 call_responded *cb, void *arg);
    bool (*progress)(struct call *call, struct message *message);
    void (*wait)(struct call *call, int64_t ms, call_continued *cb);
    bool (*fetch)(struct call *call, const char *url, size_t max, call_fetched *cb);
    /* Those in force in the guild; they live until the function returns that asks. NULL: they are
     * not known now. */
    const struct settings *(*settings)(struct call *call);
    void (*choices)(struct call *call, const char *json);
    void (*modal)(struct call *call, const char *title, const char *name, const char *data,
                  const struct message_line *lines, size_t count);
    bool (*input)(const struct call *call, const char *name, char *out, size_t out_size);
};

struct call {
    const struct call_host *host;
    const struct interaction *interaction;
    const struct command_args *args; /* of a button: empty */
    const char *locale;              /* of the answer */
    unixms_t now;                    /* when it began */
    struct call_member before;       /* the caller, without this very act */
    bool everybody; /* the answer is for everybody in the channel; set it before asking anything */
    bool update; /* of a button: the answer takes the place of the message it stands on; the same */
    void *
        state; /* the cog's; given to forget, or to free() where that is NULL, when the call ends */
    void (*forget)(void *state);
};

static inline void call_answer(struct call *call, struct message *message)
{
    call->host->answer(call, message);
}

/* operation: the id of a trusted document of presence-graphqld ("sha256:…"); variables: a JSON
 * object. The callback comes later, never before this returns. */
static inline void call_ask(struct call *call, const char *operation, const char *variables,
                            call_answered *cb)
{
    call->host->ask(call, operation, variables, cb);
}

/* The callback comes later, with what came of the request; several may be under way. It does not
 * come if the call ends before: what was asked for is done all the same. All is copied. A request
 * that cannot be written (form_path) ends as OUTCOME_BAD_REQUEST. */
static inline void call_rest(struct call *call, enum call_lane lane,
                             const struct call_request *request, call_responded *cb, void *arg)
{
    call->host->rest(call, lane, request, cb, arg);
}

/* Shows how far the call is and goes on; the message, which has no files, is taken over. Discord
 * gets the first at once and the latest of what follows at most every 5 s; call_answer ends it as
 * ever. False, from a quarter of an hour after the beginning: Discord takes no more edits, what is
 * shown stays; an answer is then posted in the channel if it is for everybody, else nobody gets it.
 * What shows progress does not keep the process from ending: work that must not be lost belongs
 * elsewhere. */
static inline bool call_progress(struct call *call, struct message *message)
{
    return call->host->progress(call, message);
}

/* Calls back once after so long; one at a time: asked for again, it begins anew. */
static inline void call_wait(struct call *call, int64_t ms, call_continued *cb)
{
    call->host->wait(call, ms, cb);
}

/* Fetches a file that the caller gave, by the address that came with it; one that is longer than
 * max bytes is not to be had. The callback comes later, never before this returns. False: the
 * address is none of Discord's, and there is no callback. */
static inline bool call_fetch(struct call *call, const char *url, size_t max, call_fetched *cb)
{
    return call->host->fetch(call, url, max, cb);
}

/* Of a command or a press, and before anything was asked for: shows a form of one to five lines.
 * The call ends with it; what is sent comes as a press of the button with that name and data. */
static inline void call_modal(struct call *call, const char *title, const char *name,
                              const char *data, const struct message_line *lines, size_t count)
{
    call->host->modal(call, title, name, data, lines, count);
}

/* Of a press: what was chosen in the select ("" as name; the first, if there are several), or what
 * stands in that line of the form; terminated. False: nothing, or it does not fit, and *out is
 * empty. */
static inline bool call_input(const struct call *call, const char *name, char *out, size_t out_size)
{
    return call->host->input(call, name, out, out_size);
}

/* A button of the cog's table, for who sees this answer. data: [A-Za-z0-9_-], at most 40. */
static inline void call_button(const struct call *call, struct message *m, enum message_style style,
                               const char *label, const char *name, const char *data)
{
    char id[CALL_CUSTOM_ID_SIZE];

    call->host->custom_id(call, name, data, id);
    message_button(m, style, label, id, false);
}

/* Ends a completion, which is answered at once: a JSON array of {"name", "value"}, at most 25. */
static inline void call_choices(struct call *call, const char *json)
{
    call->host->choices(call, json);
}

static inline void call_select(const struct call *call, struct message *m, const char *hint,
                               const char *name, const char *data,
                               const struct message_choice *choices, size_t count)
{
    char id[CALL_CUSTOM_ID_SIZE];

    call->host->custom_id(call, name, data, id);
    message_select(m, hint, id, choices, count);
}

static inline void call_pick(const struct call *call, struct message *m, enum message_pick what,
                             const char *hint, const char *name, const char *data,
                             snowflake_t chosen, uint32_t channels)
{
    char id[CALL_CUSTOM_ID_SIZE];

    call->host->custom_id(call, name, data, id);
    message_pick(m, what, hint, id, chosen, channels);
}

/* Of a command; of a button nothing is given. */
static inline const struct command_value *call_arg(const struct call *call, const char *name)
{
    return command_arg(call->args, name);
}

/* The text in the language of the answer. */
static inline __attribute__((format_arg(2))) const char *call_words(const struct call *call,
                                                                    const char *text)
{
    return call->host->words(call->locale, text);
}

#endif
