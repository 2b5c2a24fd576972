/* Acts on guilds and their parts: channels, roles, events, invites, outages, coming and
 * going of the bot. Called through the table.
 * Diagnostics: see act.c. */
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

/* An intent no session can have: the event stays unseen. */
#define UNSEEN (1u << 31)

static uint64_t user_id(const struct act *a)
{
    return a->w->users[a->user].id;
}

/* --- channels and roles ----------------------------------------------------------------------- */

static void emit_channel(struct act *a, const char *type)
{
    struct buf d;

    buf_init(&d, 0);
    render_channel(a->g, &a->g->channels[a->channel], true, &d);
    act_emit(a, type, INTENT_GUILDS, &d, NULL);
}

static void act_channel_create(struct act *a)
{
    a->id = world_next_id(a->w);
    a->channel =
        guild_add_channel(a->g, a->id, (int)act_int(a, "type", 0), act_string(a, "name", "new"),
                          json_id(json_get(a->args, "parent")), a->now_ms);
    a->g->channels[a->channel].hidden = act_bool(a, "hidden", false);
    emit_channel(a, "CHANNEL_CREATE");
}

static void act_channel_update(struct act *a)
{
    struct channel *c = &a->g->channels[a->channel];

    act_rename(&c->name, a);
    c->hidden = act_bool(a, "hidden", c->hidden);
    emit_channel(a, "CHANNEL_UPDATE");
}

static void act_channel_delete(struct act *a)
{
    emit_channel(a, "CHANNEL_DELETE");
    a->g->channels[a->channel].gone = true;
    if (a->g->afk_channel == a->channel)
        a->g->afk_channel = NONE;
}

static void act_pins_update(struct act *a)
{
    struct buf d;

    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, a->g->channels[a->channel].id);
    buf_puts(&d, ",\"last_pin_timestamp\":");
    render_time(&d, a->now_ms);
    buf_putc(&d, '}');
    act_emit(a, "CHANNEL_PINS_UPDATE", INTENT_GUILDS, &d, NULL);
}

static void emit_role(struct act *a, const char *type, uint32_t role)
{
    struct buf d;

    a->id = a->g->roles[role].id;
    act_begin(a, &d);
    buf_puts(&d, ",\"role\":");
    render_role(&a->g->roles[role], &d);
    buf_putc(&d, '}');
    act_emit(a, type, INTENT_GUILDS, &d, NULL);
}

static void act_role_create(struct act *a)
{
    uint32_t role = guild_add_role(a->g, world_next_id(a->w), act_string(a, "name", "new role"),
                                   (uint64_t)act_int(a, "permissions", 0));

    if (role == NONE)
        act_fail(a, "the guild has %u roles, which is all the simulator keeps", ROLES_MAX);
    else {
        a->g->roles[role].position = (int)act_int(a, "position", (int64_t)role);
        emit_role(a, "GUILD_ROLE_CREATE", role);
    }
}

static uint32_t need_role(struct act *a)
{
    uint32_t role = act_find_role(a, json_get(a->args, "role"));

    if (role == NONE)
        act_fail(a, "role: expected a role's index, id or name");
    return role;
}

static void act_role_update(struct act *a)
{
    uint32_t role = need_role(a);

    if (role == NONE)
        return;
    act_rename(&a->g->roles[role].name, a);
    emit_role(a, "GUILD_ROLE_UPDATE", role);
}

static void act_role_delete(struct act *a)
{
    uint32_t role = need_role(a);
    struct buf d;

    if (role == NONE)
        return;
    a->g->roles[role].gone = true;
    for (uint32_t i = 0; i < a->g->n_members; i++) {
        if (!(a->g->members[i].roles >> role & 1))
            continue;
        a->g->members[i].roles &= ~(UINT64_C(1) << role);
        act_member_changed(a->g, i);
    }
    act_begin(a, &d);
    buf_puts(&d, ",\"role_id\":");
    render_id(&d, a->g->roles[role].id);
    buf_putc(&d, '}');
    act_emit(a, "GUILD_ROLE_DELETE", INTENT_GUILDS, &d, NULL);
}

/* --- scheduled events and invites ------------------------------------------------------------- */

static void act_event_create(struct act *a)
{
    struct scheduled_event *e;
    struct buf d;
    uint32_t channel = NONE;

    for (uint32_t i = 0; i < a->g->n_channels && channel == NONE; i++)
        if (channel_is_voice(&a->g->channels[i]) && !a->g->channels[i].gone)
            channel = i;
    a->g->events = xrealloc(a->g->events, (a->g->n_events + 1) * sizeof(*a->g->events));
    e = &a->g->events[a->g->n_events++];
    *e = (struct scheduled_event){.id = world_next_id(a->w),
                                  .creator = user_id(a),
                                  .channel = channel,
                                  .name = xstrdup(act_string(a, "name", "Quiz"))};
    a->id = e->id;
    a->channel = channel;
    buf_init(&d, 0);
    render_scheduled_event(a->w, a->g, e, &d);
    act_emit_counted(a, "GUILD_SCHEDULED_EVENT_CREATE", INTENT_SCHEDULED_EVENTS, &d, NULL,
                     TRUTH_EVENT_CREATE, a->user, channel == NONE ? 0 : a->g->channels[channel].id,
                     0);
}

static void event_user(struct act *a, const char *type, enum truth_kind kind)
{
    uint64_t event = json_id(json_get(a->args, "event"));
    struct buf d;

    if (!event)
        event = a->g->n_events ? a->g->events[a->g->n_events - 1].id : a->g->id + 1;
    act_begin(a, &d);
    buf_puts(&d, ",\"guild_scheduled_event_id\":");
    render_id(&d, event);
    buf_puts(&d, ",\"user_id\":");
    render_id(&d, user_id(a));
    buf_putc(&d, '}');
    a->id = event;
    a->channel = NONE;
    act_emit_counted(a, type, INTENT_SCHEDULED_EVENTS, &d, NULL, kind, a->user, 0, 0);
}

static void act_rsvp_add(struct act *a)
{
    event_user(a, "GUILD_SCHEDULED_EVENT_USER_ADD", TRUTH_EVENT_RSVP_ADD);
}

static void act_rsvp_remove(struct act *a)
{
    event_user(a, "GUILD_SCHEDULED_EVENT_USER_REMOVE", TRUTH_EVENT_RSVP_REMOVE);
}

static void act_event_update(struct act *a)
{
    struct buf d;

    if (a->g->n_events == 0) {
        act_fail(a, "the guild has no scheduled event");
        return;
    }
    buf_init(&d, 0);
    render_scheduled_event(a->w, a->g, &a->g->events[a->g->n_events - 1], &d);
    act_emit(a, "GUILD_SCHEDULED_EVENT_UPDATE", INTENT_SCHEDULED_EVENTS, &d, NULL);
}

static void act_invite_create(struct act *a)
{
    uint64_t channel = a->g->channels[a->channel].id;
    struct buf d;

    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, channel);
    buf_printf(&d, ",\"code\":\"%08llx\",\"created_at\":",
               (unsigned long long)(world_random(a->w) & 0xffffffff));
    render_time(&d, a->now_ms);
    if (!act_bool(a, "anonymous", false)) {
        buf_puts(&d, ",\"inviter\":");
        render_user(a->w, a->user, &d);
    }
    buf_puts(&d, ",\"max_age\":86400,\"max_uses\":0,\"temporary\":false,\"uses\":0,\"type\":0}");
    act_emit_counted(a, "INVITE_CREATE",
                     bot_may(a->w, PERM_MANAGE_CHANNEL) ? INTENT_GUILD_INVITES : UNSEEN, &d, NULL,
                     act_bool(a, "anonymous", false) ? TRUTH_NONE : TRUTH_INVITE_CREATE, a->user,
                     channel, 0);
}

static void act_invite_delete(struct act *a)
{
    struct buf d;

    act_begin(a, &d);
    buf_puts(&d, ",\"channel_id\":");
    render_id(&d, a->g->channels[a->channel].id);
    buf_puts(&d, ",\"code\":\"0badc0de\"}");
    act_emit(a, "INVITE_DELETE", bot_may(a->w, PERM_MANAGE_CHANNEL) ? INTENT_GUILD_INVITES : UNSEEN,
             &d, NULL);
}

/* --- the guild itself ------------------------------------------------------------------------- */

static void act_guild_update(struct act *a)
{
    struct buf d;

    act_rename(&a->g->name, a);
    if (json_get(a->args, "afk_channel"))
        a->g->afk_channel = act_find_channel(a, "afk_channel");
    buf_init(&d, 0);
    buf_putc(&d, '{');
    render_guild_fields(a->w, a->guild, &d);
    buf_putc(&d, '}');
    act_emit(a, "GUILD_UPDATE", INTENT_GUILDS, &d, NULL);
}

static void emit_gone(struct act *a, bool outage)
{
    struct buf d;

    buf_init(&d, 0);
    buf_puts(&d, "{\"id\":");
    render_id(&d, a->g->id);
    buf_puts(&d, outage ? ",\"unavailable\":true}" : "}");
    act_emit(a, "GUILD_DELETE", INTENT_GUILDS, &d, NULL);
}

/* Each session gets the guild as its own intents show it. */
static void emit_guild_create(struct act *a)
{
    for (size_t i = 0; i < a->sim->n_sessions; i++) {
        struct session *s = a->sim->sessions[i];
        struct stored *stored;
        struct buf d;

        if (s->dead || !(s->intents & INTENT_GUILDS) || !session_covers(a->sim, s, a->guild))
            continue;
        buf_init(&d, 0);
        render_guild_create(a->w, a->guild, s->intents, s->large_threshold, &d);
        stored = stored_new(a->sim, "GUILD_CREATE", &d, NULL);
        a->got.seq = session_append_stored(a->sim, s, stored);
        a->got.sessions++;
        stored_unref(stored);
    }
}

static void act_outage(struct act *a)
{
    a->g->available = false;
    emit_gone(a, true);
}

static void act_restore(struct act *a)
{
    if (!a->g->present || a->g->available) {
        act_fail(a, "guild: is in no outage");
        return;
    }
    a->g->available = true;
    emit_guild_create(a);
}

static void act_guild_leave(struct act *a)
{
    a->g->present = false;
    emit_gone(a, false);
}

/* The bot is invited: again to a guild it left, or to a new one. */
static void act_guild_join(struct act *a)
{
    if (!json_get(a->args, "guild")) {
        a->guild = world_add_guild(a->w, act_string(a, "name", NULL));
        a->g = &a->w->guilds[a->guild];
        a->user = a->g->owner;
        a->channel = a->g->system_channel;
    } else if (a->g->present) {
        act_fail(a, "guild: the bot is in it already");
        return;
    }
    a->g->present = a->g->available = true;
    a->g->bot_joined_ms = a->now_ms;
    a->id = a->g->id;
    emit_guild_create(a);
}

const struct act_kind act_guild_kinds[] = {
    {"channel_create", act_channel_create},
    {"channel_update", act_channel_update},
    {"channel_delete", act_channel_delete},
    {"pins_update", act_pins_update},
    {"role_create", act_role_create},
    {"role_update", act_role_update},
    {"role_delete", act_role_delete},
    {"event_create", act_event_create},
    {"event_update", act_event_update},
    {"event_rsvp_add", act_rsvp_add},
    {"event_rsvp_remove", act_rsvp_remove},
    {"invite_create", act_invite_create},
    {"invite_delete", act_invite_delete},
    {"guild_update", act_guild_update},
    {"guild_outage", act_outage},
    {"guild_restore", act_restore},
    {"guild_leave", act_guild_leave},
    {"guild_join", act_guild_join},
    {NULL, NULL},
};
