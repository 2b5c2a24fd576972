/* Discord commands as tables: a command is defined once, and from that come the body of its
 * registration, the reading of what a caller gave, the check of his permissions and the help text.
 * Pure. Source: Discord interactions.md, "Registering commands" and "Received data".
 *
 * A command has actions: one without a name (the command itself is called), or up to 25 named ones
 * (sub-commands). Descriptions and names of choices are English; a command_words puts them into
 * another language. */
#ifndef PRESENCE_COMMAND_H
#define PRESENCE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/scan.h"
#include "presence/snowflake.h"

#define COMMAND_OPTIONS_MAX 25u /* of one action, and actions of a command */
#define COMMAND_CHOICES_MAX 25u
#define COMMAND_SIZE_MAX    8000u /* characters of names, descriptions and values of one command */
#define COMMAND_TEXT_MAX    6000u /* characters of a text option */

/* Discord's numbers. */
enum command_kind { COMMAND_SLASH = 1, COMMAND_USER_MENU = 2 };
enum command_type {
    COMMAND_TEXT = 3,
    COMMAND_INTEGER = 4,
    COMMAND_BOOL = 5,
    COMMAND_USER = 6,
    COMMAND_CHANNEL = 7,
    COMMAND_ROLE = 8,
    COMMAND_MENTIONABLE = 9, /* a user or a role */
    COMMAND_NUMBER = 10,
    COMMAND_ATTACHMENT = 11
};

/* One of the values that a text option may have. */
struct command_choice {
    const char *value; /* as handlers see it */
    const char *name;  /* as callers see it */
};

struct command_option {
    const char *name; /* [a-z0-9_-], 1 to 32 */
    const char *description;
    enum command_type type;
    bool required;    /* these come first */
    bool complete;    /* suggestions while typing (text and numbers) */
    int64_t min, max; /* numbers: the value; texts: characters. Both 0: as Discord */
    const struct command_choice *choices; /* texts only; ends with value NULL; NULL = free */
    uint32_t channels;                    /* channels: bit per channel type; 0 = any */
};

struct call; /* a command under way; whoever runs it says what that is */
typedef void command_run(struct call *call);

struct command_action {
    const char *name; /* NULL: the command itself */
    const char *description;
    uint64_t permissions;                 /* needed beside the command's own */
    const struct command_option *options; /* ends with name NULL; NULL = none */
    command_run *run;
    command_run *complete; /* suggests values while somebody types; NULL: it has no such option */
};

struct command {
    enum command_kind kind;
    const char *name;        /* of a menu: mixed case and blanks */
    const char *description; /* NULL for a menu */
    uint64_t permissions;    /* by default; a guild's admins may open it to others. 0 = everybody */
    const struct command_action *actions; /* ends with run NULL */
};

/* The text in the language of a locale of Discord; the text itself where there is none. */
typedef const char *command_words(const char *locale, const char *text);

/* What is wrong with a table, as text to be freed by the caller; NULL: nothing. Checks what Discord
 * would refuse, in every language of `locales` (ends with NULL). */
char *command_check(const struct command *const *commands, size_t count, command_words *words,
                    const char *const *locales);

/* Appends the body of a bulk overwrite: all commands, for guilds only, with their texts in the
 * languages of `locales`. */
void command_print(const struct command *const *commands, size_t count, command_words *words,
                   const char *const *locales, struct buf *out);

/* --- what a caller gave ------------------------------------------------------------------------
 */

struct command_value {
    bool given;
    const char *text; /* texts: terminated, valid UTF-8; else "" */
    int64_t integer;
    double number;
    bool yes;
    snowflake_t id;         /* users, channels, roles, attachments */
    bool is_role;           /* of a mentionable */
    bool is_member, is_bot; /* of a user */
    struct slice resolved;  /* the object as Discord shows it; absent where it does not */
    struct slice member;    /* of a user who is in the guild: the member object */
};

struct command_args {
    const struct command *command;
    const struct command_action *action;
    struct command_value values[COMMAND_OPTIONS_MAX]; /* in the order of the action's options */
    snowflake_t target;                               /* of a menu: whom it was used on */
    struct command_value target_user;                 /* the same as a user option would tell it */
    int focused; /* the option being typed (completion); -1 = none */
    struct buf texts;
};

enum command_fault {
    COMMAND_FINE = 0,
    COMMAND_UNKNOWN,        /* no such command or action: what is registered is older or newer */
    COMMAND_UNKNOWN_OPTION, /* the same for an option */
    COMMAND_MISSING,        /* a required option */
    COMMAND_WRONG_TYPE,     /* the value is of another kind than the option's */
    COMMAND_OUT_OF_RANGE,   /* a number below min or above max */
    COMMAND_WRONG_LENGTH,   /* a text shorter than min or longer than max */
    COMMAND_NO_CHOICE,      /* none of the choices */
    COMMAND_UNSEEN,         /* a text with characters that nobody sees or that turn the line */
    COMMAND_WRONG_ID,       /* no id */
    COMMAND_WRONG_CHANNEL,  /* a channel of a kind that is not asked for */
    COMMAND_MALFORMED       /* not the shape Discord describes */
};

struct command_error {
    enum command_fault fault;
    char option[33]; /* which; as given for an unknown one, "" where none is meant */
    const struct command_option *about; /* NULL = none */
};

/* Reads data of an interaction of type APPLICATION_COMMAND, or (complete) of an autocompletion,
 * whose values are half typed: then nothing is missing, out of range or no choice. args_r is to be
 * cleared whatever is returned; slices in it point into data. Returns 0, or -1 with *error_r. */
int command_parse(const struct command *const *commands, size_t count, struct slice data,
                  bool complete, struct command_args *args_r, struct command_error *error_r);
void command_args_clear(struct command_args *args);

/* The value of an option of the action that is under way; never NULL: not given, if the action has
 * no such option. */
const struct command_value *command_arg(const struct command_args *args, const char *name);

/* For the caller, in the language of the locale: which option, what was expected. */
void command_error_print(const struct command_error *error, command_words *words,
                         const char *locale, struct buf *out);

/* What is needed to run the action, of the bits that the caller lacks; 0 = he may. granted: member
 * permissions as the interaction tells them. */
uint64_t command_lacking(const struct command_args *args, uint64_t granted);

/* --- help --------------------------------------------------------------------------------------
 */

/* By "status", "status member" or the name of a menu; NULL if there is none. *action_r: NULL where
 * only the command is named and it has several. */
const struct command *command_find(const struct command *const *commands, size_t count,
                                   const char *name, const struct command_action **action_r);
/* Appends "/status member member? detail?". */
void command_usage(const struct command *command, const struct command_action *action,
                   struct buf *out);
/* What an option takes, for people: "1 to 25", "at most 200 characters", "csv, json or txt". */
void command_option_limits(const struct command_option *option, command_words *words,
                           const char *locale, struct buf *out);

#endif
