/* An order: a command that a developer gave by a message (prefix.h), while it is under way.
 *
 * Everything that the code of a cog does goes through the functions of its order. An order ends
 * with order_end or order_confirm; before that it may say as much as it likes. Whatever takes time
 * comes back by callback, never before the asking function returns. It runs at most once: not when
 * its message is delivered again or replayed, and what it changes in the database carries its id,
 * so that a change sent twice is made once. */
#ifndef PRESENCE_ORDER_H
#define PRESENCE_ORDER_H

#include "presence/cog.h"
#include "presence/prefix.h"

typedef void order_answered(struct order *order, const struct json *data); /* as call_answered */
/* failure: NULL, or what went wrong (a sentence, valid during the call). */
typedef void order_done(struct order *order, const char *failure);

/* What a guild looks like in this process's memory. */
struct order_guild {
    bool known, available, watched;
    uint32_t members;   /* as Discord counts them */
    uint32_t rows;      /* members in the table: on the roster */
    uint32_t in_voice;  /* members of whom it is known */
    unixms_t roster_at; /* the last complete catalogue; UNIXMS_NONE: never */
};

struct order_host {
    void (*say)(struct order *order, const char *text);
    void (*end)(struct order *order, const char *outcome, const char *text);
    void (*confirm)(struct order *order, const char *text);
    void (*ask)(struct order *order, const char *operation, const char *variables,
                order_answered *cb);
    void (*health)(const struct order *order, struct call_health *health_r);
    void (*guild)(const struct order *order, struct order_guild *guild_r);
    void (*sync)(struct order *order, order_done *cb);
    void (*rest)(struct order *order, const char *path, order_answered *cb);
    void (*catalogue)(struct order *order, order_done *cb);
    const char *(*words)(const char *locale, const char *text);
    void (*forget)(struct order *order, snowflake_t guild, snowflake_t user);
    void (*reset)(struct order *order, order_done *cb);
    void (*reload)(struct order *order, const char *name, order_answered *cb);
};

struct order {
    const struct order_host *host;
    const struct prefix_args *args;
    snowflake_t id; /* of the message; of the one with the code, once that was repeated */
    snowflake_t author, channel;
    snowflake_t guild;  /* NONE: a command that is about none, in a direct message */
    snowflake_t self;   /* the bot; NONE: not known yet */
    const char *locale; /* the guild's language, where it has chosen one; else "" */
    unixms_t now;       /* when it began */
    void *state;        /* the cog's; freed with free() when the order ends */
};

/* A message in answer to the order. Markdown; at most MESSAGE_CONTENT_MAX characters are shown. */
static inline void order_say(struct order *order, const char *text)
{
    order->host->say(order, text);
}

/* The last one. outcome: "done", "refused", "failed", for the operator's log. */
static inline void order_end(struct order *order, const char *outcome, const char *text)
{
    order->host->end(order, outcome, text);
}

/* Says what would be done, and the code that has to be repeated for it. */
static inline void order_confirm(struct order *order, const char *text)
{
    order->host->confirm(order, text);
}

/* As call_ask. */
static inline void order_ask(struct order *order, const char *operation, const char *variables,
                             order_answered *cb)
{
    order->host->ask(order, operation, variables, cb);
}

/* A GET of Discord's API: its body, or NULL. */
static inline void order_get(struct order *order, const char *path, order_answered *cb)
{
    order->host->rest(order, path, cb);
}

/* Compares the commands that Discord has with those of the cogs, and overwrites what differs. */
static inline void order_sync(struct order *order, order_done *cb)
{
    order->host->sync(order, cb);
}

/* The text in the language of the order. */
static inline __attribute__((format_arg(2))) const char *order_words(const struct order *order,
                                                                     const char *text)
{
    return order->host->words(order->locale, text);
}

/* The caches of all workers forget the user in every guild (guild NONE), or every member of the
 * guild (user NONE), or the one member. To be called before and after the store is told to. */
static inline void order_forget(struct order *order, snowflake_t guild, snowflake_t user)
{
    order->host->forget(order, guild, user);
}

/* Resets the guild: its shard disconnects for a moment, caches forget it, the store begins anew. */
static inline void order_reset(struct order *order, order_done *cb)
{
    order->host->reset(order, cb);
}

/* Tries the installed modules, or the named one ("all": all). Calls back with what became of each,
 * as control.h has it for reload-cogs; NULL: it cannot be done now. Then the workers are replaced.
 */
static inline void order_reload(struct order *order, const char *name, order_answered *cb)
{
    order->host->reload(order, name, cb);
}

/* Asks for the guild's members, once per 30 s. */
static inline void order_catalogue(struct order *order, order_done *cb)
{
    order->host->catalogue(order, cb);
}

#endif
