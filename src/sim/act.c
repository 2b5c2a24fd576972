/* Acts: arguments, dispatch and counting; the kinds themselves are in the other act_*.c. Called by
 * the control API and load mode. Diagnostics: what is wrong with a call is told to the caller. */
#include "sim/act.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/render.h"

static const struct act_kind *const tables[] = {
    act_message_kinds, act_reaction_kinds, act_voice_kinds,      act_member_kinds,
    act_thread_kinds,  act_guild_kinds,    act_interaction_kinds};

static const struct act_kind *find_kind(const char *name)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct act_kind *k = tables[t]; k->name; k++)
            if (strcmp(k->name, name) == 0)
                return k;
    return NULL;
}

bool act_known(const char *kind)
{
    return find_kind(kind) != NULL;
}

void act_fail(struct act *a, const char *fmt, ...)
{
    va_list ap;

    if (a->error)
        return;
    va_start(ap, fmt);
    if (vasprintf(&a->error, fmt, ap) < 0)
        a->error = xstrdup("failed");
    va_end(ap);
}

/* --- arguments -------------------------------------------------------------------------------- */

const char *act_string(const struct act *a, const char *key, const char *otherwise)
{
    return json_string(json_get(a->args, key), otherwise);
}

int64_t act_int(const struct act *a, const char *key, int64_t otherwise)
{
    return json_int(json_get(a->args, key), otherwise);
}

bool act_bool(const struct act *a, const char *key, bool otherwise)
{
    return json_bool(json_get(a->args, key), otherwise);
}

uint32_t act_find_user(const struct act *a, const char *key)
{
    const struct json *j = json_get(a->args, key);
    int64_t slot = json_int(j, -1);

    if (json_is_number(j))
        return slot >= 0 && slot < a->g->n_members ? a->g->members[slot].user : NONE;
    return world_user(a->w, json_id(j));
}

uint32_t act_find_channel(const struct act *a, const char *key)
{
    const struct json *j = json_get(a->args, key);
    const char *name = json_string(j, NULL);
    int64_t index = json_int(j, -1);

    if (json_is_number(j))
        return index >= 0 && index < a->g->n_channels && !a->g->channels[index].gone
                   ? (uint32_t)index
                   : NONE;
    if (json_id(j))
        return guild_channel(a->g, json_id(j));
    for (uint32_t i = 0; name && i < a->g->n_channels; i++)
        if (!a->g->channels[i].gone && strcmp(a->g->channels[i].name, name) == 0)
            return i;
    return NONE;
}

uint32_t act_find_role(const struct act *a, const struct json *j)
{
    const char *name = json_string(j, NULL);
    int64_t index = json_int(j, -1);

    if (json_is_number(j))
        return index >= 0 && index < a->g->n_roles ? (uint32_t)index : NONE;
    if (json_id(j))
        return guild_role(a->g, json_id(j));
    for (uint32_t i = 0; name && i < a->g->n_roles; i++)
        if (!a->g->roles[i].gone && strcmp(a->g->roles[i].name, name) == 0)
            return i;
    return NONE;
}

bool act_need_member(struct act *a)
{
    if (a->slot == NONE)
        act_fail(a, "user: not a member of the guild");
    return !a->error;
}

bool act_need_channel(struct act *a)
{
    if (a->channel == NONE)
        act_fail(a, "channel: this act needs one");
    return !a->error;
}

void act_rename(char **name, const struct act *a)
{
    const char *text = act_string(a, "name", NULL);

    if (!text)
        return;
    free(*name);
    *name = xstrdup(text);
}

static void read_place(struct act *a)
{
    const struct json *guild = json_get(a->args, "guild");
    int64_t index = json_int(guild, 0);

    if (json_is_string(guild))
        a->guild = world_guild(a->w, json_id(guild));
    else
        a->guild = index >= 0 && index < a->w->n_guilds ? (uint32_t)index : NONE;
    if (a->guild == NONE) {
        act_fail(a, "guild: no such guild");
        return;
    }
    a->g = &a->w->guilds[a->guild];
    a->user = a->g->n_members > FIRST_HUMAN ? a->g->members[FIRST_HUMAN].user : OTHER_BOT;
    if (json_get(a->args, "user"))
        a->user = act_find_user(a, "user");
    if (a->user == NONE)
        act_fail(a, "user: expected a member's index or a user's id");
    else
        a->slot = guild_member(a->w, a->guild, a->user);
    a->channel = a->g->system_channel;
    if (json_get(a->args, "channel"))
        a->channel = act_find_channel(a, "channel");
    if (a->channel == NONE && json_get(a->args, "channel"))
        act_fail(a, "channel: expected a channel's index, id or name");
}

/* --- telling the gateway ---------------------------------------------------------------------- */

void act_begin(struct act *a, struct buf *d)
{
    buf_init(d, 0);
    buf_puts(d, "{\"guild_id\":");
    render_id(d, a->g->id);
}

bool act_channel_visible(struct act *a)
{
    return a->channel == NONE || !a->g->channels[a->channel].hidden;
}

void act_emit(struct act *a, const char *type, uint32_t intents, struct buf *d, struct buf *bare)
{
    a->got = sim_dispatch(a->sim, a->guild, intents, stored_new(a->sim, type, d, bare));
}

void act_emit_counted(struct act *a, const char *type, uint32_t intents, struct buf *d,
                      struct buf *bare, enum truth_kind kind, uint32_t user, uint64_t channel_id,
                      int64_t own_ms)
{
    struct stored *stored = stored_new(a->sim, type, d, bare);
    bool human = user != NONE && !(a->w->users[user].flags & (USER_BOT | USER_SYSTEM));
    bool seen = sim_anybody(a->sim, a->guild, intents);

    if (human && kind != TRUTH_NONE && seen) {
        uint32_t row =
            truth_count(&a->sim->truth, a->guild, user, channel_id, kind, own_ms, stored->event);

        a->kind = kind;
        if (!own_ms)
            stored->row = row;
    } else if (human && kind != TRUTH_NONE) {
        a->sim->truth.unseen[kind]++;
    }
    a->got = sim_dispatch(a->sim, a->guild, intents, stored);
}

void act_member_changed(struct guild *g, uint32_t slot)
{
    free(g->members[slot].fragment);
    g->members[slot].fragment = NULL;
}

/* --- running ---------------------------------------------------------------------------------- */

static void print_outcome(const struct act *a, struct buf *out)
{
    if (a->error) {
        buf_puts(out, "{\"ok\":false,\"error\":");
        render_string(out, a->error);
        buf_putc(out, '}');
        return;
    }
    buf_puts(out, "{\"ok\":true,\"id\":");
    render_id(out, a->id);
    buf_printf(out,
               ",\"guild\":\"%llu\",\"user\":\"%llu\",\"channel\":", (unsigned long long)a->g->id,
               (unsigned long long)a->w->users[a->user].id);
    render_id(out, a->channel == NONE ? 0 : a->g->channels[a->channel].id);
    buf_puts(out, ",\"s\":");
    if (a->got.sessions)
        buf_put_u64(out, a->got.seq);
    else
        buf_puts(out, "null");
    buf_printf(out, ",\"sessions\":%u,\"time_ms\":%lld,\"counted_as\":", a->got.sessions,
               (long long)a->now_ms);
    render_string(out, a->kind ? truth_kind_name(a->kind) : NULL);
    buf_putc(out, '}');
}

unsigned act_run(struct sim *sim, const struct json *args, struct buf *out)
{
    const char *name = json_string(json_get(args, "kind"), "");
    const struct act_kind *kind = find_kind(name);
    struct act a = {.sim = sim,
                    .w = &sim->world,
                    .args = args,
                    .slot = NONE,
                    .channel = NONE,
                    .now_ms = clock_unix().ms};
    unsigned status;

    if (!kind)
        act_fail(&a, "kind: \"%s\" is no kind of act", name);
    else
        read_place(&a);
    if (!a.error)
        kind->fn(&a);
    print_outcome(&a, out);
    status = a.error ? 400 : 200;
    free(a.error);
    return status;
}

unsigned act_run_plain(struct sim *sim, const char *name, uint32_t guild, uint32_t slot,
                       uint32_t channel)
{
    const struct act_kind *kind = find_kind(name);
    struct act a = {.sim = sim,
                    .w = &sim->world,
                    .guild = guild,
                    .g = &sim->world.guilds[guild],
                    .slot = slot,
                    .channel = channel,
                    .now_ms = clock_unix().ms};

    if (!kind)
        return 0;
    a.user = a.g->members[slot].user;
    kind->fn(&a);
    free(a.error); /* such as leaving voice without being there: no event, no harm */
    return a.got.sessions;
}
