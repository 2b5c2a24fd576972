/* Reading what a caller gave with a command. Called by the worker for each interaction, and by
 * tests and fuzzers: whatever the bytes are, the answer is arguments or a named error.
 * Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "discord/command_priv.h"
#include "presence/text.h"

#define SAFE_INTEGER (INT64_C(1) << 53) /* Discord's bound for numbers */

struct reader {
    struct command_args *args;
    struct command_error *error;
    struct slice users, members, roles, channels, attachments; /* resolved */
    size_t text_at[COMMAND_OPTIONS_MAX]; /* offset + 1 in args->texts; 0 = no text */
    bool complete;
};

/* The parts of one entry of data.options. */
struct entry {
    struct slice name, type, value, options, focused;
};

static bool fail(struct reader *r, enum command_fault fault, const struct command_option *about)
{
    r->error->fault = fault;
    r->error->about = about;
    if (about)
        strncpy(r->error->option, about->name, sizeof(r->error->option) - 1);
    return false;
}

static bool malformed(struct reader *r)
{
    return fail(r, COMMAND_MALFORMED, NULL);
}

static bool read_entry(struct slice object, struct entry *e)
{
    const struct scan_field fields[] = {
        SCAN_FIELD("name", &e->name),       SCAN_FIELD("type", &e->type),
        SCAN_FIELD("value", &e->value),     SCAN_FIELD("options", &e->options),
        SCAN_FIELD("focused", &e->focused),
    };

    return scan_is_object(object) &&
           !scan_fields(object, fields, sizeof(fields) / sizeof(fields[0]));
}

/* The value of a member of an object, by its key; absent if there is none. */
static struct slice member_of(struct slice object, snowflake_t id)
{
    char text[SNOWFLAKE_TEXT_SIZE];
    struct slice key, value, wanted = {text, snowflake_print(id, text)};
    struct scan scan;

    if (!scan_is_object(object) || !scan_object(&scan, object))
        return SLICE_NONE;
    while (scan_member(&scan, &key, &value))
        if (slice_equal(key, wanted))
            return value;
    return SLICE_NONE;
}

static bool read_resolved(struct reader *r, struct slice resolved)
{
    const struct scan_field fields[] = {
        SCAN_FIELD("users", &r->users),
        SCAN_FIELD("members", &r->members),
        SCAN_FIELD("roles", &r->roles),
        SCAN_FIELD("channels", &r->channels),
        SCAN_FIELD("attachments", &r->attachments),
    };

    return scan_is_null(resolved) ||
           (scan_is_object(resolved) &&
            !scan_fields(resolved, fields, sizeof(fields) / sizeof(fields[0])));
}

/* --- single values -----------------------------------------------------------------------------
 */

static bool read_text(struct reader *r, const struct command_option *o, struct slice value,
                      size_t index)
{
    size_t at = buf_len(&r->args->texts), n;
    char *room;

    if (!scan_is_string(value))
        return fail(r, COMMAND_WRONG_TYPE, o);
    room = (char *)buf_reserve(&r->args->texts, value.len + 1);
    n = scan_string(value, room, value.len);
    room[n] = '\0';
    if (!r->complete && text_unseen(room))
        return fail(r, COMMAND_UNSEEN, o);
    n = text_chars(room);
    if (!r->complete && (n > (o->max ? (size_t)o->max : COMMAND_TEXT_MAX) || n < (size_t)o->min ||
                         (o->required && n == 0)))
        return fail(r, COMMAND_WRONG_LENGTH, o);
    buf_commit(&r->args->texts, strlen(room) + 1);
    r->text_at[index] = at + 1;
    return true;
}

static bool is_choice(const struct command_option *o, const char *text)
{
    const struct command_choice *c = o->choices;

    while (c && c->value && strcmp(c->value, text) != 0)
        c++;
    return !c || c->value;
}

static bool in_range(const struct command_option *o, double v)
{
    return (!o->min && !o->max) || (v >= (double)o->min && v <= (double)o->max);
}

static bool number_of(struct slice value, double *number_r, int64_t *whole_r)
{
    char text[40], *end;

    if (!scan_i64(value, whole_r) || value.len >= sizeof(text))
        return false;
    memcpy(text, value.p, value.len);
    text[value.len] = '\0';
    *number_r = strtod(text, &end);
    return !*end;
}

static bool read_number(struct reader *r, const struct command_option *o, struct slice value,
                        struct command_value *v)
{
    if (r->complete && scan_is_string(value)) /* half typed */
        return true;
    if (!number_of(value, &v->number, &v->integer) ||
        (o->type == COMMAND_INTEGER && v->number != (double)v->integer))
        return fail(r, COMMAND_WRONG_TYPE, o);
    if (!in_range(o, v->number) || v->integer >= SAFE_INTEGER || v->integer <= -SAFE_INTEGER)
        return fail(r, COMMAND_OUT_OF_RANGE, o);
    return true;
}

static void resolve_user(const struct reader *r, struct command_value *v)
{
    struct slice bot = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("bot", &bot)};

    v->resolved = member_of(r->users, v->id);
    v->member = member_of(r->members, v->id);
    v->is_member = scan_is_object(v->member);
    if (scan_is_object(v->resolved) && !scan_fields(v->resolved, fields, 1))
        scan_bool(bot, &v->is_bot);
}

static bool channel_fits(const struct command_option *o, struct slice channel)
{
    struct slice type = SLICE_NONE;
    const struct scan_field fields[] = {SCAN_FIELD("type", &type)};
    uint64_t number = 0;

    if (!o->channels || !scan_is_object(channel))
        return true; /* what is not shown is judged when it is used */
    return !scan_fields(channel, fields, 1) && scan_u64(type, &number) && number < 32 &&
           o->channels >> number & 1;
}

static bool read_id(struct reader *r, const struct command_option *o, struct slice value,
                    struct command_value *v)
{
    if (!scan_is_string(value) || !scan_snowflake(value, &v->id))
        return fail(r, COMMAND_WRONG_ID, o);
    if (o->type == COMMAND_CHANNEL)
        v->resolved = member_of(r->channels, v->id);
    else if (o->type == COMMAND_ATTACHMENT)
        v->resolved = member_of(r->attachments, v->id);
    else if (o->type != COMMAND_USER)
        v->resolved = member_of(r->roles, v->id);
    v->is_role = scan_is_object(v->resolved) && o->type == COMMAND_MENTIONABLE;
    if (o->type == COMMAND_USER || (o->type == COMMAND_MENTIONABLE && !v->is_role))
        resolve_user(r, v);
    if (o->type == COMMAND_CHANNEL && !channel_fits(o, v->resolved))
        return fail(r, COMMAND_WRONG_CHANNEL, o);
    return true;
}

static bool read_value(struct reader *r, const struct command_option *o, struct slice value,
                       size_t index)
{
    struct command_value *v = &r->args->values[index];

    v->given = true;
    switch (o->type) {
    case COMMAND_TEXT:
        return read_text(r, o, value, index);
    case COMMAND_INTEGER:
    case COMMAND_NUMBER:
        return read_number(r, o, value, v);
    case COMMAND_BOOL:
        return scan_bool(value, &v->yes) || fail(r, COMMAND_WRONG_TYPE, o);
    case COMMAND_USER:
    case COMMAND_CHANNEL:
    case COMMAND_ROLE:
    case COMMAND_MENTIONABLE:
    case COMMAND_ATTACHMENT:
        return read_id(r, o, value, v);
    }
    return malformed(r);
}

/* --- an action's options -----------------------------------------------------------------------
 */

static bool unknown_option(struct reader *r, struct slice name)
{
    fail(r, COMMAND_UNKNOWN_OPTION, NULL);
    r->error->option[scan_string(name, r->error->option, sizeof(r->error->option) - 1)] = '\0';
    return false;
}

static bool read_option(struct reader *r, const struct entry *e)
{
    const struct command_option *options = r->args->action->options;
    struct slice name = scan_raw_string(e->name);
    uint64_t type = 0;
    bool focused = false;
    size_t i = 0;

    if (!name.p || !scan_u64(e->type, &type))
        return malformed(r);
    while (options && options[i].name &&
           !slice_equal(name, (struct slice){options[i].name, strlen(options[i].name)}))
        i++;
    if (!options || !options[i].name)
        return unknown_option(r, e->name);
    if (type != (uint64_t)options[i].type)
        return fail(r, COMMAND_WRONG_TYPE, &options[i]);
    if (r->args->values[i].given)
        return malformed(r);
    if (scan_bool(e->focused, &focused) && focused)
        r->args->focused = (int)i;
    return read_value(r, &options[i], e->value, i);
}

static bool read_options(struct reader *r, struct slice options)
{
    struct slice object;
    struct entry e;
    struct scan scan;

    if (scan_is_null(options))
        return true;
    if (!scan_is_array(options) || !scan_array(&scan, options))
        return malformed(r);
    while (scan_element(&scan, &object))
        if (!read_entry(object, &e))
            return malformed(r);
        else if (!read_option(r, &e))
            return false;
    return !scan.error || malformed(r);
}

/* Texts moved while they grew: only now is it known where each is. What is required is there, and
 * choices are among those offered. */
static bool finish(struct reader *r)
{
    const struct command_option *options = r->args->action->options;

    for (size_t i = 0; i < COMMAND_OPTIONS_MAX; i++)
        r->args->values[i].text =
            r->text_at[i] ? (const char *)buf_bytes(&r->args->texts) + r->text_at[i] - 1 : "";
    for (size_t i = 0; options && options[i].name && !r->complete; i++) {
        const struct command_value *v = &r->args->values[i];

        if (options[i].required && !v->given)
            return fail(r, COMMAND_MISSING, &options[i]);
        if (v->given && !is_choice(&options[i], v->text))
            return fail(r, COMMAND_NO_CHOICE, &options[i]);
    }
    return true;
}

/* --- the command -------------------------------------------------------------------------------
 */

static const struct command *command_named(const struct command *const *commands, size_t count,
                                           struct slice name, uint64_t kind)
{
    char text[COMMAND_NAME_MAX * 4 + 1];

    if (name.len > sizeof(text))
        return NULL;
    text[scan_string(name, text, sizeof(text) - 1)] = '\0';
    for (size_t i = 0; i < count; i++)
        if ((uint64_t)commands[i]->kind == kind && !strcmp(commands[i]->name, text))
            return commands[i];
    return NULL;
}

/* The sub-command among options, which are its own then. */
static bool take_action(struct reader *r, struct slice *options)
{
    const struct command_action *a = r->args->command->actions;
    struct slice object, name;
    struct entry e;
    struct scan scan;

    if (!a->name) {
        r->args->action = a;
        return true;
    }
    if (!scan_is_array(*options) || !scan_array(&scan, *options) || !scan_element(&scan, &object))
        return fail(r, COMMAND_UNKNOWN, NULL);
    if (!read_entry(object, &e))
        return malformed(r);
    name = scan_raw_string(e.name);
    for (; name.p && !command_is_end(a); a++)
        if (slice_equal(name, (struct slice){a->name, strlen(a->name)})) {
            r->args->action = a;
            *options = e.options;
            return slice_is(e.type, "1") || malformed(r);
        }
    return fail(r, COMMAND_UNKNOWN, NULL);
}

static bool take_target(struct reader *r, struct slice target)
{
    struct command_value *v = &r->args->target_user;

    if (!scan_snowflake(target, &v->id))
        return malformed(r);
    v->given = true;
    r->args->target = v->id;
    resolve_user(r, v);
    return true;
}

static bool read_data(struct reader *r, const struct command *const *commands, size_t count,
                      struct slice data)
{
    struct slice name, type, options, resolved, target;
    const struct scan_field fields[] = {
        SCAN_FIELD("name", &name),        SCAN_FIELD("type", &type),
        SCAN_FIELD("options", &options),  SCAN_FIELD("resolved", &resolved),
        SCAN_FIELD("target_id", &target),
    };
    uint64_t kind = COMMAND_SLASH;

    if (!scan_is_object(data) || scan_fields(data, fields, sizeof(fields) / sizeof(fields[0])) ||
        (type.p && !scan_u64(type, &kind)) || !read_resolved(r, resolved))
        return malformed(r);
    r->args->command = command_named(commands, count, name, kind);
    if (!r->args->command)
        return fail(r, COMMAND_UNKNOWN, NULL);
    if (kind == COMMAND_USER_MENU && !take_target(r, target))
        return false;
    return take_action(r, &options) && read_options(r, options) && finish(r);
}

int command_parse(const struct command *const *commands, size_t count, struct slice data,
                  bool complete, struct command_args *args, struct command_error *error)
{
    struct reader r = {.args = args, .error = error, .complete = complete};

    *args = (struct command_args){.focused = -1};
    *error = (struct command_error){0};
    buf_init(&args->texts, 0);
    args->target_user.text = "";
    return read_data(&r, commands, count, data) ? 0 : -1;
}

void command_args_clear(struct command_args *args)
{
    buf_clear(&args->texts);
}

const struct command_value *command_arg(const struct command_args *args, const char *name)
{
    static const struct command_value none = {.text = ""};
    const struct command_option *o = args->action ? args->action->options : NULL;

    for (size_t i = 0; o && o[i].name; i++)
        if (!strcmp(o[i].name, name))
            return &args->values[i];
    return &none;
}
