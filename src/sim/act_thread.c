/* Acts on threads. Called through the table.
 * Diagnostics: see act.c. */
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

static bool find_thread(struct act *a)
{
    if (json_get(a->args, "channel")) {
        if (!channel_is_thread(&a->g->channels[a->channel]))
            act_fail(a, "channel: not a thread");
        return !a->error;
    }
    for (uint32_t i = 0; i < a->g->n_channels; i++)
        if (channel_is_thread(&a->g->channels[i]) && !a->g->channels[i].gone) {
            a->channel = i;
            return true;
        }
    act_fail(a, "channel: the guild has no thread");
    return false;
}

static void emit_thread(struct act *a, const char *type, bool created, enum truth_kind kind)
{
    const struct channel *c = &a->g->channels[a->channel];
    struct buf d;

    buf_init(&d, 0);
    render_channel(a->g, c, true, &d);
    if (created) {
        d.end--;
        buf_puts(&d, ",\"newly_created\":true}");
    }
    if (c->hidden) {
        buf_clear(&d);
        a->sim->truth.unseen[kind]++;
        return;
    }
    act_emit_counted(a, type, INTENT_GUILDS, &d, NULL, kind, a->user, kind ? c->id : 0,
                     kind ? id_ms(c->id) : 0);
}

static void act_thread_create(struct act *a)
{
    const struct channel *parent = &a->g->channels[a->channel];
    uint64_t id = world_next_id(a->w), parent_id = parent->id;
    bool hidden = parent->hidden;

    a->id = id;
    a->channel =
        guild_add_channel(a->g, id, 11, act_string(a, "name", "side talk"), parent_id, a->now_ms);
    a->g->channels[a->channel].owner = a->w->users[a->user].id;
    a->g->channels[a->channel].member_count = 1;
    a->g->channels[a->channel].hidden = hidden;
    emit_thread(a, "THREAD_CREATE", true, TRUTH_THREAD_CREATE);
}

/* The bot is shown an old thread: nobody's act. */
static void act_thread_shown(struct act *a)
{
    if (find_thread(a))
        emit_thread(a, "THREAD_CREATE", false, TRUTH_NONE);
}

static void act_thread_update(struct act *a)
{
    if (!find_thread(a))
        return;
    act_rename(&a->g->channels[a->channel].name, a);
    a->g->channels[a->channel].archived = act_bool(a, "archived", false);
    a->g->channels[a->channel].locked = act_bool(a, "locked", false);
    emit_thread(a, "THREAD_UPDATE", false, TRUTH_NONE);
}

static void act_thread_delete(struct act *a)
{
    struct channel *c;
    struct buf d;

    if (!find_thread(a))
        return;
    c = &a->g->channels[a->channel];
    act_begin(a, &d);
    buf_printf(&d, ",\"type\":%d,\"parent_id\":", c->type);
    render_id(&d, c->parent);
    buf_puts(&d, ",\"id\":");
    render_id(&d, c->id);
    buf_putc(&d, '}');
    c->gone = true;
    act_emit(a, "THREAD_DELETE", INTENT_GUILDS, &d, NULL);
}

static void begin_thread_members(struct act *a, struct buf *d)
{
    struct channel *c = &a->g->channels[a->channel];

    act_begin(a, d);
    buf_puts(d, ",\"id\":");
    render_id(d, c->id);
    buf_printf(d, ",\"member_count\":%u", c->member_count);
}

static void act_thread_join(struct act *a)
{
    struct channel *c;
    struct buf d;

    if (!find_thread(a))
        return;
    c = &a->g->channels[a->channel];
    c->member_count++;
    begin_thread_members(a, &d);
    buf_puts(&d, ",\"added_members\":[{\"id\":");
    render_id(&d, c->id);
    buf_puts(&d, ",\"user_id\":");
    render_id(&d, a->w->users[a->user].id);
    buf_puts(&d, ",\"join_timestamp\":");
    render_time(&d, a->now_ms);
    buf_puts(&d, ",\"flags\":1");
    if (a->slot != NONE) {
        buf_puts(&d, ",\"member\":");
        render_member(a->w, a->guild, a->slot, true, &d);
    }
    buf_puts(&d, ",\"presence\":null}]}");
    act_emit_counted(a, "THREAD_MEMBERS_UPDATE", INTENT_GUILD_MEMBERS, &d, NULL, TRUTH_THREAD_JOIN,
                     a->user, c->id, 0);
}

static void act_thread_leave(struct act *a)
{
    struct channel *c;
    struct buf d;

    if (!find_thread(a))
        return;
    c = &a->g->channels[a->channel];
    if (c->member_count)
        c->member_count--;
    begin_thread_members(a, &d);
    buf_puts(&d, ",\"removed_member_ids\":[");
    render_id(&d, a->w->users[a->user].id);
    buf_puts(&d, "]}");
    act_emit_counted(a, "THREAD_MEMBERS_UPDATE", INTENT_GUILD_MEMBERS, &d, NULL, TRUTH_THREAD_LEAVE,
                     a->user, c->id, 0);
}

const struct act_kind act_thread_kinds[] = {
    {"thread_create", act_thread_create},
    {"thread_shown", act_thread_shown},
    {"thread_update", act_thread_update},
    {"thread_delete", act_thread_delete},
    {"thread_join", act_thread_join},
    {"thread_leave", act_thread_leave},
    {NULL, NULL},
};
