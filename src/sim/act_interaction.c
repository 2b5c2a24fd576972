/* Acts on the bot: commands, buttons, selects, modals. A command by its registered name is sent as
 * a client would send it, whatever its values: what clients check, somebody without a client does
 * not. Called through the table. Diagnostics: see act.c. */
#include <stdlib.h>
#include <string.h>

#include "presence/snowflake.h"
#include "sim/access.h"
#include "sim/act.h"
#include "sim/commands.h"
#include "sim/files.h"
#include "sim/intents.h"
#include "sim/interactions.h"
#include "sim/render.h"

enum { SUB_COMMAND = 1, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, ATTACHMENT = 11 };

/* --- what ids stand for ------------------------------------------------------------------------
 */

struct resolved {
    struct buf users, members, roles, channels, attachments;
};

static void put_key(struct buf *b, uint64_t id)
{
    if (buf_len(b) > 0)
        buf_putc(b, ',');
    render_id(b, id);
    buf_putc(b, ':');
}

/* Into the object that was just written: what somebody may do in a channel. */
static void add_permissions(struct act *a, uint32_t slot, uint32_t channel, struct buf *b)
{
    b->end--;
    buf_printf(b, ",\"permissions\":\"%llu\"}",
               (unsigned long long)access_in(a->w, a->guild, slot, channel));
}

static void resolve_user(struct act *a, uint64_t id, struct resolved *r)
{
    uint32_t user = world_user(a->w, id),
             slot = user == NONE ? NONE : guild_member(a->w, a->guild, user);

    if (user == NONE)
        return;
    put_key(&r->users, id);
    render_user(a->w, user, &r->users);
    if (slot == NONE)
        return;
    put_key(&r->members, id);
    render_member(a->w, a->guild, slot, false, &r->members);
    add_permissions(a, slot, a->channel, &r->members);
}

/* One of args.files: texts by id. */
static void resolve_file(struct act *a, uint64_t id, struct resolved *r)
{
    const char *text = files_find(a->sim->files, id);

    if (!text)
        return;
    put_key(&r->attachments, id);
    buf_puts(&r->attachments, "{\"id\":");
    render_id(&r->attachments, id);
    buf_printf(&r->attachments,
               ",\"filename\":\"file.json\",\"size\":%zu,\"content_type\":\"application/json\","
               "\"ephemeral\":true,\"url\":\"%s/api/attachments/%llu/%llu/file.json?ex=1\","
               "\"proxy_url\":\"%s/api/attachments/%llu/%llu/file.json?ex=1\"}",
               strlen(text), a->sim->http_url, (unsigned long long)act_channel_id(a),
               (unsigned long long)id, a->sim->http_url, (unsigned long long)act_channel_id(a),
               (unsigned long long)id);
}

static void take_files(struct act *a)
{
    const struct json *files = json_get(a->args, "files");

    for (const struct json *f = json_first(files); f; f = json_next(f))
        files_add(a->sim->files, strtoull(json_key(f), NULL, 10), json_string(f, ""));
}

static void resolve(struct act *a, int type, uint64_t id, struct resolved *r)
{
    uint32_t role = guild_role(a->g, id), channel = guild_channel(a->g, id);

    if ((type == ROLE || type == MENTIONABLE) && role != NONE) {
        put_key(&r->roles, id);
        render_role(&a->g->roles[role], &r->roles);
    } else if (type == CHANNEL && channel != NONE) {
        put_key(&r->channels, id);
        render_channel(a->g, &a->g->channels[channel], false, &r->channels);
        add_permissions(a, a->slot, channel, &r->channels);
    } else if (type == USER || type == MENTIONABLE) {
        resolve_user(a, id, r);
    } else if (type == ATTACHMENT) {
        resolve_file(a, id, r);
    }
}

static void resolve_options(struct act *a, const struct json *options, struct resolved *r)
{
    for (const struct json *o = json_first(options); o; o = json_next(o)) {
        resolve(a, (int)json_int(json_get(o, "type"), 0), json_id(json_get(o, "value")), r);
        resolve_options(a, json_get(o, "options"), r);
    }
}

static void put_map(const char *key, struct buf *map, const char **comma, struct buf *d)
{
    if (buf_len(map) > 0) {
        buf_printf(d, "%s\"%s\":{%s}", *comma, key, buf_cstr(map));
        *comma = ",";
    }
    buf_clear(map);
}

static void put_resolved(struct resolved *r, struct buf *d)
{
    const char *comma = "";

    buf_puts(d, ",\"resolved\":{");
    put_map("users", &r->users, &comma, d);
    put_map("members", &r->members, &comma, d);
    put_map("roles", &r->roles, &comma, d);
    put_map("channels", &r->channels, &comma, d);
    put_map("attachments", &r->attachments, &comma, d);
    buf_putc(d, '}');
}

/* --- a registered command ----------------------------------------------------------------------
 */

/* The values given, in the form of data.options; types come from the registration. A value whose
 * name is not registered is sent as a text. */
static void put_options(struct act *a, const struct json *registered, struct buf *d)
{
    const struct json *values = json_get(a->args, "options");

    buf_puts(d, ",\"options\":[");
    for (const struct json *v = json_first(values); v; v = json_next(v)) {
        const struct json *o = json_first(registered);

        while (o && strcmp(json_string(json_get(o, "name"), ""), json_key(v)) != 0)
            o = json_next(o);
        buf_puts(d, v == json_first(values) ? "{\"name\":" : ",{\"name\":");
        render_string(d, json_key(v));
        buf_printf(d, ",\"type\":%d,\"value\":", (int)json_int(json_get(o, "type"), 3));
        json_print(v, d);
        if (!strcmp(json_key(v), act_string(a, "focused", "")))
            buf_puts(d, ",\"focused\":true");
        buf_putc(d, '}');
    }
    buf_putc(d, ']');
}

static void put_action(struct act *a, const struct json *command, const char *action, struct buf *d)
{
    const struct json *o = json_first(json_get(command, "options"));

    if (!*action) {
        put_options(a, json_get(command, "options"), d);
        return;
    }
    while (o && strcmp(json_string(json_get(o, "name"), ""), action) != 0)
        o = json_next(o);
    buf_puts(d, ",\"options\":[{\"type\":1,\"name\":");
    render_string(d, action);
    put_options(a, json_get(o, "options"), d);
    buf_puts(d, "}]");
}

/* "status member" or the name of a menu. False: it is not registered. */
static bool put_command(struct act *a, const char *name, struct buf *d)
{
    uint64_t target = json_id(json_get(a->args, "target"));
    size_t len = target ? strlen(name) : strcspn(name, " ");
    char *first = xstrndup(name, len);
    struct json *command = commands_find(a->sim->commands, a->g->id, first, target ? 2 : 1);

    if (command) {
        buf_puts(d, "{\"id\":");
        render_id(d, json_id(json_get(command, "id")));
        buf_printf(d, ",\"type\":%d,\"name\":", target ? 2 : 1);
        render_string(d, first);
        if (target) {
            buf_puts(d, ",\"target_id\":");
            render_id(d, target);
        } else {
            put_action(a, command, name[len] ? name + len + 1 : "", d);
        }
        buf_putc(d, '}');
    }
    free(first);
    json_free(&command);
    return buf_len(d) > 0;
}

/* --- the data ----------------------------------------------------------------------------------
 */

static void put_raw_command(struct act *a, struct buf *d)
{
    buf_puts(d, "{\"id\":\"1503335861452935170\",\"type\":1,\"name\":");
    render_string(d, act_string(a, "name", "ping"));
    if (json_get(a->args, "options")) {
        buf_puts(d, ",\"options\":");
        json_print(json_get(a->args, "options"), d);
    }
    buf_putc(d, '}');
}

/* What `data` is; false: act_fail was told why not. */
static bool put_data(struct act *a, int type, struct buf *d)
{
    const char *command = act_string(a, "command", NULL);

    if (json_get(a->args, "data")) {
        json_print(json_get(a->args, "data"), d);
    } else if (command && !put_command(a, command, d)) {
        act_fail(a, "command: %s is not registered", command);
        return false;
    } else if (!command && (type == 2 || type == 4)) {
        put_raw_command(a, d);
    } else if (!command) {
        buf_puts(d, "{\"custom_id\":");
        render_string(d, act_string(a, "custom_id", "ok"));
        buf_puts(d, type == 5 ? ",\"components\":[]}" : ",\"component_type\":2}");
    }
    return true;
}

/* Ids are resolved unless the data says so itself. */
static void put_all(struct act *a, const char *data, size_t len, struct buf *d)
{
    struct json *j = json_parse_exact(data, len, NULL);
    struct resolved r = {0};

    buf_puts(d, ",\"data\":");
    buf_append(d, data, len);
    if (json_is_object(j) && !json_get(j, "resolved")) {
        resolve_options(a, json_get(j, "options"), &r);
        if (json_get(j, "target_id"))
            resolve_user(a, json_id(json_get(j, "target_id")), &r);
        if (buf_len(&r.users) || buf_len(&r.roles) || buf_len(&r.channels) ||
            buf_len(&r.attachments)) {
            d->end--;
            put_resolved(&r, d);
            buf_putc(d, '}');
        }
    }
    json_free(&j);
}

static uint64_t permissions_of(struct act *a)
{
    const char *given = act_string(a, "permissions", NULL);

    return given ? strtoull(given, NULL, 10) : access_in(a->w, a->guild, a->slot, a->channel);
}

static void put_envelope(struct act *a, int type, struct buf *d)
{
    char token[INTERACTION_TOKEN_SIZE];
    struct buf member;

    interaction_token(a->id, token);
    buf_init(&member, 0);
    render_member_fields(a->w, a->guild, a->slot, true, &member);
    act_begin(a, d);
    buf_puts(d, ",\"id\":");
    render_id(d, a->id);
    buf_puts(d, ",\"application_id\":");
    render_id(d, a->w->users[SELF_USER].id);
    buf_printf(d,
               ",\"type\":%d,\"version\":1,\"token\":\"%s\",\"guild\":{\"id\":\"%llu\","
               "\"locale\":\"en-US\",\"features\":[]},\"guild_locale\":",
               type, token, (unsigned long long)a->g->id);
    render_string(d, act_string(a, "guild_locale", "en-US"));
    buf_puts(d, ",\"locale\":");
    render_string(d, act_string(a, "locale", "en-US"));
    buf_printf(d,
               ",\"member\":{\"permissions\":\"%llu\",%s},\"app_permissions\":\"%llu\","
               "\"entitlements\":[],\"authorizing_integration_owners\":{\"0\":\"%llu\"},"
               "\"context\":0,\"attachment_size_limit\":%lld,\"channel_id\":\"%llu\","
               "\"channel\":",
               (unsigned long long)permissions_of(a), buf_cstr(&member),
               (unsigned long long)access_bot_in(a->w, a->guild, a->channel),
               (unsigned long long)a->g->id, (long long)act_int(a, "attachment_max", 10485760),
               (unsigned long long)act_channel_id(a));
    buf_clear(&member);
    render_channel(a->g, &a->g->channels[a->channel], true, d);
}

/* One that is age_ms old was made between others: its id must not be theirs. */
static uint64_t new_id(struct act *a)
{
    int64_t age = act_int(a, "age_ms", 0);
    uint64_t id =
        age ? (uint64_t)(a->now_ms - age - SNOWFLAKE_EPOCH_MS) << 22 : world_next_id(a->w);
    char token[INTERACTION_TOKEN_SIZE];

    for (;; id++) {
        interaction_token(id, token);
        if (!interactions_find(a->sim->interactions, id, token))
            return id;
    }
}

static void act_interaction(struct act *a)
{
    int type = (int)act_int(a, "type", 2);
    struct buf d, data;

    if (!act_need_channel(a) || a->slot == NONE) {
        act_fail(a, "user: not a member");
        return;
    }
    take_files(a);
    buf_init(&data, 0);
    if (put_data(a, type, &data)) {
        a->id = new_id(a);
        interactions_add(a->sim->interactions, a->id, type, a->guild, a->channel, a->user);
        put_envelope(a, type, &d);
        put_all(a, (const char *)buf_bytes(&data), buf_len(&data), &d);
        buf_putc(&d, '}');
        act_emit_counted(a, "INTERACTION_CREATE", 0, &d, NULL, TRUTH_INTERACTION, a->user,
                         act_channel_id(a), id_ms(a->id));
    }
    buf_clear(&data);
}

const struct act_kind act_interaction_kinds[] = {
    {"interaction", act_interaction},
    {NULL, NULL},
};
