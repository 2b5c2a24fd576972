/* A message to be sent: text, one embed, buttons, selects and files, within Discord's limits
 * whatever is put into it: what is too long is cut, what is too many is left out. Nobody is
 * mentioned who is not named by message_mention. Pure. Source: Discord interactions.md,
 * "Components" and "Limits".
 */
#ifndef PRESENCE_MESSAGE_H
#define PRESENCE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "presence/snowflake.h"

#define MESSAGE_CONTENT_MAX     2000u
#define MESSAGE_TITLE_MAX       256u
#define MESSAGE_BODY_MAX        4096u
#define MESSAGE_FOOTER_MAX      2048u
#define MESSAGE_EMBED_MAX       6000u /* all texts of the embed together */
#define MESSAGE_FIELDS_MAX      25u
#define MESSAGE_FIELD_NAME_MAX  256u
#define MESSAGE_FIELD_VALUE_MAX 1024u
#define MESSAGE_ROWS_MAX        5u
#define MESSAGE_BUTTONS_MAX     5u /* of a row */
#define MESSAGE_LABEL_MAX       80u
#define MESSAGE_CUSTOM_ID_MAX   100u
#define MESSAGE_SELECT_MAX      25u
#define MESSAGE_CHOICE_MAX      100u /* characters */
#define MESSAGE_HINT_MAX        150u
#define MESSAGE_LINE_LABEL_MAX  45u
#define MESSAGE_FILES_MAX       10u
#define MESSAGE_FILE_BYTES      10485760u /* of all files together, where Discord does not say */
#define MESSAGE_EPHEMERAL       64

/* The bar on the embed's left side. */
enum message_colour {
    MESSAGE_NEUTRAL = 0x5865f2,
    MESSAGE_GOOD = 0x3ba55d,
    MESSAGE_IDLE = 0xfaa61a,
    MESSAGE_BAD = 0xed4245,
    MESSAGE_GREY = 0x747f8d
};

enum message_style {
    MESSAGE_PRIMARY = 1,
    MESSAGE_SECONDARY = 2,
    MESSAGE_SUCCESS = 3,
    MESSAGE_DANGER = 4
};

struct message_file {
    char *name;       /* "members.csv" */
    const char *type; /* static: "text/csv" */
    struct buf bytes;
};

struct message {
    struct buf content, title, body, footer; /* UTF-8, as it shall be shown */
    enum message_colour colour;
    bool everybody;        /* everybody in the channel sees it; false: only the caller */
    snowflake_t mention;   /* who is notified */
    bool mention_everyone; /* @everyone and @here in the content notify */
    struct buf fields;     /* JSON */
    size_t n_fields, field_chars;
    struct buf rows; /* JSON */
    size_t n_rows, n_buttons;
    bool row_open;
    struct message_file files[MESSAGE_FILES_MAX];
    size_t n_files;
};

void message_init(struct message *m);
void message_clear(struct message *m);

/* beside: next to the field before, where there is room. Empty texts become a zero width space, as
 * Discord wants them. */
void message_field(struct message *m, const char *name, const char *value, bool beside);

/* In the row of the button before while that has room. */
void message_button(struct message *m, enum message_style style, const char *label,
                    const char *custom_id, bool disabled);

/* One of what a select offers. */
struct message_choice {
    const char *value, *label;
    const char *about; /* or NULL */
    bool chosen;
};
/* What a select lets choose of the guild. */
enum message_pick { MESSAGE_PICK_USER = 5, MESSAGE_PICK_ROLE = 6, MESSAGE_PICK_CHANNEL = 8 };

/* A select in a row of its own; at most 25 choices. hint: shown while nothing is chosen. */
void message_select(struct message *m, const char *hint, const char *custom_id,
                    const struct message_choice *choices, size_t count);
/* The same of users, roles or channels; nothing need be chosen. channels: a bit per channel type, 0
 * = any. */
void message_pick(struct message *m, enum message_pick what, const char *hint,
                  const char *custom_id, snowflake_t chosen, uint32_t channels);

/* A field of a modal: one line. */
struct message_line {
    const char *name;     /* its custom id within the modal */
    const char *label;    /* at most 45 characters */
    const char *about;    /* at most 100, or NULL */
    const char *value;    /* what stands there already, or "" */
    unsigned least, most; /* characters; least 0: may be left empty */
};
#define MESSAGE_LINES_MAX 5u
/* Appends the members of a modal. */
void message_modal_print(const char *title, const char *custom_id, const struct message_line *lines,
                         size_t count, struct buf *out);

/* A file beside the text. The bytes are taken over and the buffer is left empty; the name is
 * copied.
 */
void message_file(struct message *m, const char *name, const char *type, struct buf *bytes);

/* Appends the members of the object, without its braces. Files are named in it; their bytes go
 * beside it, in the order of files[] (form_multipart). flags: those of the first answer; an edit
 * cannot change them. */
void message_print(const struct message *m, bool with_flags, struct buf *out);

#endif
