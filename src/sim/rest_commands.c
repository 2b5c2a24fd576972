/* REST: the application's commands, read and overwritten in bulk. Called through the table.
 * Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "sim/commands.h"
#include "sim/render.h"
#include "sim/rest_call.h"

#define TYPES          3u /* chat input, user, message */
#define CREATES_MAX    200u
#define OPTIONS_MAX    25u
#define CHARACTERS_MAX 8000u

struct command {
    uint64_t id;
    int type;
    char *name;
    char *text; /* the finished object */
};

/* Those of one guild, or global ones (guild 0). */
struct scope {
    struct scope *next;
    uint64_t guild;
    struct command *list;
    size_t count;
    unsigned creates; /* names that were new */
};

struct commands {
    struct scope *scopes;
};

struct commands *commands_new(void)
{
    return xcalloc(1, sizeof(struct commands));
}

static void clear_list(struct command *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
        free(list[i].text);
    }
    free(list);
}

void commands_free(struct commands **all)
{
    while ((*all)->scopes) {
        struct scope *s = (*all)->scopes;

        (*all)->scopes = s->next;
        clear_list(s->list, s->count);
        free(s);
    }
    free(*all);
    *all = NULL;
}

static struct scope *scope_of(struct commands *all, uint64_t guild)
{
    struct scope *s = all->scopes;

    while (s && s->guild != guild)
        s = s->next;
    if (s)
        return s;
    s = xcalloc(1, sizeof(*s));
    s->guild = guild;
    s->next = all->scopes;
    all->scopes = s;
    return s;
}

/* --- what a command may be -------------------------------------------------------------------- */

static int type_of(const struct json *j)
{
    return (int)json_int(json_get(j, "type"), 1);
}

static bool good_name(const struct json *j)
{
    const char *name = json_string(json_get(j, "name"), ""), *p = name;

    for (; *p && type_of(j) == 1; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *p))
            return false;
    return *name && strlen(name) <= 32;
}

static bool good_description(const struct json *j)
{
    size_t len = strlen(json_string(json_get(j, "description"), ""));

    return type_of(j) == 1 ? len >= 1 && len <= 100 : len == 0;
}

/* Names and descriptions of an option and all below it; 0 if something about it is wrong. */
static size_t measure(const struct json *j)
{
    const struct json *options = json_get(j, "options");
    size_t sum = strlen(json_string(json_get(j, "name"), "")) +
                 strlen(json_string(json_get(j, "description"), ""));

    if (json_size(options) > OPTIONS_MAX)
        return 0;
    for (const struct json *o = json_first(options); o; o = json_next(o)) {
        size_t below = measure(o);

        if (below == 0)
            return 0;
        sum += below;
    }
    return sum;
}

static const struct command *same(const struct scope *s, int type, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].type == type && !strcmp(s->list[i].name, name))
            return &s->list[i];
    return NULL;
}

struct json *commands_find(struct commands *all, uint64_t guild, const char *name, int type)
{
    const struct command *found = same(scope_of(all, guild), type, name);

    if (!found)
        found = same(scope_of(all, 0), type, name);
    return found ? json_parse_exact(found->text, strlen(found->text), NULL) : NULL;
}

static bool repeats(const struct json *list, const struct json *until)
{
    for (const struct json *j = json_first(list); j != until; j = json_next(j))
        if (type_of(j) == type_of(until) &&
            !strcmp(json_string(json_get(j, "name"), ""), json_string(json_get(until, "name"), "")))
            return true;
    return false;
}

/* Judges the whole list. False: the answer is given. */
static bool list_fits(struct rest_call *c, struct scope *s, unsigned *creates_r)
{
    unsigned of_type[TYPES + 1] = {0};

    *creates_r = 0;
    for (const struct json *j = json_first(c->body); j; j = json_next(j)) {
        int type = type_of(j);
        size_t size = measure(j);

        if (type < 1 || type > (int)TYPES)
            rest_form_error(c, "type", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3).");
        else if (!good_name(j))
            rest_form_error(c, "name", "STRING_TYPE_REGEX",
                            "String value did not match validation regex.");
        else if (!good_description(j))
            rest_form_error(c, "description", "BASE_TYPE_BAD_LENGTH",
                            "Must be between 1 and 100 in length.");
        else if (size == 0 || size > CHARACTERS_MAX)
            rest_form_error(c, "options", "APPLICATION_COMMAND_TOO_LARGE",
                            "Command exceeds maximum size (8000)");
        else if (repeats(c->body, j))
            rest_form_error(c, "name", "APPLICATION_COMMANDS_DUPLICATE_NAME",
                            "Application command names must be unique");
        else if (++of_type[type] > (type == 1 ? 100 : 15))
            rest_error(c, 400, 30032, "Maximum number of application commands reached");
        else {
            *creates_r += !same(s, type, json_string(json_get(j, "name"), ""));
            continue;
        }
        return false;
    }
    if (s->creates + *creates_r <= CREATES_MAX)
        return true;
    rest_error(c, 400, 30034,
               "Max number of daily application command creates has been reached (200)");
    return false;
}

/* --- storing ---------------------------------------------------------------------------------- */

static bool ours(const char *key)
{
    static const char *const keys[] = {"id",
                                       "application_id",
                                       "version",
                                       "guild_id",
                                       "type",
                                       "description",
                                       "default_member_permissions"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!strcmp(key, keys[i]))
            return true;
    return false;
}

static char *print_command(struct rest_call *c, const struct json *j, uint64_t id, uint64_t guild)
{
    const struct json *permissions = json_get(j, "default_member_permissions");
    struct buf b;
    char *text;

    buf_init(&b, 0);
    buf_puts(&b, "{\"id\":");
    render_id(&b, id);
    buf_puts(&b, ",\"application_id\":");
    render_id(&b, c->w->users[SELF_USER].id);
    buf_puts(&b, ",\"version\":");
    render_id(&b, world_next_id(c->w));
    if (guild) {
        buf_puts(&b, ",\"guild_id\":");
        render_id(&b, guild);
    }
    buf_printf(&b, ",\"type\":%d,\"description\":", type_of(j));
    render_string(&b, json_string(json_get(j, "description"), ""));
    buf_puts(&b, ",\"default_member_permissions\":");
    if (json_is_number(permissions)) /* taken as a number or a text, answered as a text */
        buf_printf(&b, "\"%llu\"", (unsigned long long)json_id(permissions));
    else
        render_string(&b, json_string(permissions, NULL));
    for (const struct json *m = json_first(j); m; m = json_next(m))
        if (!ours(json_key(m))) {
            buf_putc(&b, ',');
            render_string(&b, json_key(m));
            buf_putc(&b, ':');
            json_print(m, &b);
        }
    buf_putc(&b, '}');
    text = xstrdup(buf_cstr(&b));
    buf_clear(&b);
    return text;
}

static void put_list(struct rest_call *c, const struct scope *s)
{
    buf_putc(&c->out, '[');
    for (size_t i = 0; i < s->count; i++)
        buf_printf(&c->out, "%s%s", i ? "," : "", s->list[i].text);
    buf_putc(&c->out, ']');
}

static void store(struct rest_call *c, struct scope *s, unsigned creates)
{
    size_t n = 0;
    struct command *list = xcalloc(json_size(c->body) + 1, sizeof(*list));

    for (const struct json *j = json_first(c->body); j; j = json_next(j)) {
        const char *name = json_string(json_get(j, "name"), "");
        const struct command *old = same(s, type_of(j), name);
        uint64_t id = old ? old->id : world_next_id(c->w);

        list[n++] =
            (struct command){id, type_of(j), xstrdup(name), print_command(c, j, id, s->guild)};
    }
    clear_list(s->list, s->count);
    s->list = list;
    s->count = n;
    s->creates += creates;
}

/* The scope that the path names, or NULL with the answer given. */
static struct scope *need_scope(struct rest_call *c)
{
    uint64_t guild = c->n_segments > 4 ? rest_id(c->segments[3]) : 0;
    uint32_t index = guild ? world_guild(c->w, guild) : NONE;

    if (rest_id(c->segments[1]) != c->w->users[SELF_USER].id)
        rest_error(c, 403, 20012,
                   "You are not authorized to perform this action on this application");
    else if (guild && (index == NONE || !c->w->guilds[index].present))
        rest_error(c, 403, 50001, "Missing Access");
    else
        return scope_of(c->sim->commands, guild);
    return NULL;
}

static void get_commands(struct rest_call *c)
{
    const struct scope *s = need_scope(c);

    if (s)
        put_list(c, s);
}

static void overwrite(struct rest_call *c)
{
    struct scope *s = need_scope(c);
    unsigned creates;

    if (!s)
        return;
    if (!json_is_array(c->body)) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return;
    }
    if (list_fits(c, s, &creates)) {
        store(c, s, creates);
        put_list(c, s);
    }
}

const struct rest_route rest_command_routes[] = {
    {"GET", "applications/*/commands", true, get_commands},
    {"PUT", "applications/*/commands", true, overwrite},
    {"GET", "applications/*/guilds/*/commands", true, get_commands},
    {"PUT", "applications/*/guilds/*/commands", true, overwrite},
    {NULL, NULL, false, NULL},
};
