/* Developers' commands by text: "?delete member 123456789012345678", "@Presence ping". A command is
 * a row of a table; what somebody wrote is compared with the tables here. Pure; nothing that was
 * written is ever repeated to anybody, but ids and words of the tables.
 *
 * Source of the commands: product sheet section 2. */
#ifndef PRESENCE_PREFIX_H
#define PRESENCE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/buf.h"
#include "presence/snowflake.h"

#define PREFIX_ARGUMENTS_MAX 4u
#define PREFIX_TEXT_MAX      400u /* bytes; a longer message is no command */
#define PREFIX_CODE_LEN      6u
#define PREFIX_ID_MIN        17u /* digits; 20 at most */
/* A command that is older, by its message's id, is not run. */
#define PREFIX_FRESH_MS 60000

struct order; /* a command under way (order.h) */
typedef void prefix_run(struct order *order);

enum prefix_type {
    PREFIX_ID,   /* 17 to 20 digits */
    PREFIX_WORD, /* one of words */
    PREFIX_FLAG  /* its own name, or not */
};

struct prefix_argument {
    const char *name; /* "target_id", "--no-readd" */
    enum prefix_type type;
    bool required;            /* these come first */
    const char *const *words; /* of a PREFIX_WORD; ends with NULL */
};

struct prefix_command {
    const char *name; /* [a-z]{1,16} */
    const char *help; /* one sentence */
    /* It is about a guild: the one where it was written; in a direct message the guild's id is the
     * first thing behind its name, and such a command runs where that guild's lane is owned. */
    bool guild;
    const struct prefix_argument *arguments; /* ends with name NULL; NULL = none */
    prefix_run *run;
    /* Of a destructive command: run shows what it would do and ends with order_confirm; this does
     * it, once the code was repeated. */
    prefix_run *confirmed;
};

struct prefix_value {
    bool given;
    const char *word; /* of the table */
    snowflake_t id;
};

struct prefix_args {
    const struct prefix_command *command;
    snowflake_t guild;                                /* in a direct message: as given */
    struct prefix_value values[PREFIX_ARGUMENTS_MAX]; /* in the order of the arguments */
};

/* The text behind the prefix or a mention of the bot, blanks skipped; NULL if it begins with
 * neither. */
const char *prefix_strip(const char *text, const char *prefix, snowflake_t self);

/* By the first word of the text, in whatever case; NULL: there is none. */
const struct prefix_command *prefix_find(const struct prefix_command *const *commands,
                                         const char *text);

/* Reads what stands behind the name. direct: it is a direct message. 0, or -1 with what was
 * expected appended to error. */
int prefix_parse(const struct prefix_command *command, const char *text, bool direct,
                 struct prefix_args *args_r, struct buf *error);

/* Appends "delete <guild|member> <target_id> [--no-readd]". */
void prefix_usage(const struct prefix_command *command, struct buf *out);

/* --- codes -------------------------------------------------------------------------------------
 */

/* From random bytes, letters and digits that nobody takes for another. */
void prefix_code(const unsigned char random[PREFIX_CODE_LEN], char out[PREFIX_CODE_LEN + 1]);
/* Whether the text is nothing but such a code, in whatever case; then in upper case. */
bool prefix_read_code(const char *text, char out[PREFIX_CODE_LEN + 1]);

#endif
