/* Acts of and around members: joining and leaving, member updates, presence, staff work.
 * Called through the table.
 * Diagnostics: see act.c. */
#include <stdlib.h>
#include <string.h>

#include "sim/act.h"
#include "sim/intents.h"
#include "sim/render.h"

#define NAME_MAX_BYTES            128u /* 32 characters */
#define FLAG_DID_REJOIN           1u
#define FLAG_COMPLETED_ONBOARDING 2u
#define FLAG_STARTED_ONBOARDING   8u
#define FLAG_STARTED_HOME         32u

/* --- membership ------------------------------------------------------------------------------- */

static void emit_member_add(struct act *a, enum truth_kind kind)
{
    struct buf d;

    act_begin(a, &d);
    buf_putc(&d, ',');
    render_member_fields(a->w, a->guild, a->slot, true, &d);
    buf_putc(&d, '}');
    a->channel = NONE;
    act_emit_counted(a, "GUILD_MEMBER_ADD", INTENT_GUILD_MEMBERS, &d, NULL, kind, a->user, 0, 0);
}

static bool was_member(const struct act *a)
{
    for (uint32_t i = 0; i < a->g->n_members; i++)
        if (a->g->members[i].user == a->user)
            return true;
    return false;
}

/* A named user who is not in the guild, or a new one. */
static void act_member_join(struct act *a)
{
    bool again = false;

    if (json_get(a->args, "user")) {
        if (a->slot != NONE) {
            act_fail(a, "user: is a member already (see member_repeat)");
            return;
        }
        again = was_member(a);
    } else {
        a->user = world_add_user(a->w, act_bool(a, "bot", false) ? USER_BOT : 0,
                                 act_string(a, "name", NULL));
    }
    a->slot = world_add_member(a->w, a->guild, a->user, a->now_ms);
    if (again)
        act_member(a)->flags |= FLAG_DID_REJOIN;
    if (act_bool(a, "pending", false))
        act_member(a)->state |= MEMBER_IS_PENDING;
    emit_member_add(a, TRUTH_MEMBER_JOIN);
}

static void act_member_repeat(struct act *a)
{
    if (act_need_member(a))
        emit_member_add(a, TRUTH_NONE);
}

static void act_member_leave(struct act *a)
{
    struct buf d;

    if (!act_need_member(a))
        return;
    if (a->slot == SELF_MEMBER) {
        act_fail(a, "user: the bot itself leaves by guild_leave");
        return;
    }
    if (act_member(a)->voice_channel)
        act_voice_leave(a);
    act_member(a)->state |= MEMBER_LEFT;
    a->g->alive--;
    act_member_changed(a->g, a->slot);
    act_begin(a, &d);
    buf_puts(&d, ",\"user\":");
    render_user(a->w, a->user, &d);
    buf_putc(&d, '}');
    a->channel = NONE;
    a->kind = TRUTH_NONE;
    act_emit(a, "GUILD_MEMBER_REMOVE", INTENT_GUILD_MEMBERS, &d, NULL);
}

void act_member_update_event(struct act *a, enum truth_kind kind)
{
    struct buf d;

    act_member_changed(a->g, a->slot);
    act_begin(a, &d);
    buf_putc(&d, ',');
    render_member_fields(a->w, a->guild, a->slot, true, &d);
    buf_putc(&d, '}');
    a->channel = NONE;
    /* About the bot itself it comes without the intent. */
    act_emit_counted(a, "GUILD_MEMBER_UPDATE", a->slot == SELF_MEMBER ? 0 : INTENT_GUILD_MEMBERS,
                     &d, NULL, kind, a->user, 0, 0);
}

/* Changes by the member count; those by staff do not. True if one of the former was asked for. */
static bool own_changes(struct act *a)
{
    struct member *m = act_member(a);
    bool own = false;

    if (json_is_bool(json_get(a->args, "pending"))) {
        bool pending = act_bool(a, "pending", false);

        own |= (m->state & MEMBER_IS_PENDING) && !pending;
        m->state =
            (uint16_t)(pending ? m->state | MEMBER_IS_PENDING : m->state & ~MEMBER_IS_PENDING);
    }
    if (json_get(a->args, "flags")) {
        uint32_t flags = (uint32_t)act_int(a, "flags", 0);
        uint32_t gained = flags & ~m->flags;

        own |= (gained & (FLAG_COMPLETED_ONBOARDING | FLAG_STARTED_ONBOARDING | FLAG_STARTED_HOME |
                          64u)) != 0;
        m->flags = flags;
    }
    if (act_bool(a, "avatar", false)) {
        m->avatar_rev++;
        own = true;
    }
    return own;
}

static void staff_changes(struct act *a)
{
    const struct json *roles = json_get(a->args, "roles");
    struct member *m = act_member(a);

    if (json_is_array(roles)) {
        m->roles = 0;
        for (const struct json *j = json_first(roles); j; j = json_next(j)) {
            uint32_t role = act_find_role(a, j);

            if (role == NONE)
                act_fail(a, "roles: no such role");
            else
                m->roles |= UINT64_C(1) << role;
        }
    }
    if (json_get(a->args, "nick")) {
        free(m->nick);
        m->nick = xstrndup(act_string(a, "nick", ""), NAME_MAX_BYTES);
    }
    if (json_get(a->args, "timeout_s"))
        m->timeout_until_ms =
            act_int(a, "timeout_s", 0) > 0 ? a->now_ms + 1000 * act_int(a, "timeout_s", 0) : 0;
}

static void act_member_update(struct act *a)
{
    bool own;

    if (!act_need_member(a))
        return;
    own = own_changes(a);
    staff_changes(a);
    if (!a->error)
        act_member_update_event(a, own ? TRUTH_MEMBER_UPDATE : TRUTH_NONE);
}

static void act_ban(struct act *a)
{
    struct buf d;

    act_begin(a, &d);
    buf_puts(&d, ",\"user\":");
    render_user(a->w, a->user, &d);
    buf_putc(&d, '}');
    act_emit(a, "GUILD_BAN_ADD",
             bot_may(a->w, PERM_BAN | PERM_VIEW_AUDIT_LOG) ? INTENT_GUILD_MODERATION : 1u << 31, &d,
             NULL);
    if (a->slot != NONE)
        act_member_leave(a);
}

static void act_presence(struct act *a)
{
    struct buf d;

    act_begin(a, &d);
    buf_puts(&d, ",\"user\":{\"id\":");
    render_id(&d, a->w->users[a->user].id);
    buf_puts(&d, "},\"status\":");
    render_string(&d, act_string(a, "status", "online"));
    buf_puts(&d, ",\"client_status\":{\"desktop\":\"online\"},\"activities\":[]}");
    a->channel = NONE;
    act_emit(a, "PRESENCE_UPDATE", INTENT_GUILD_PRESENCES, &d, NULL);
}

/* --- staff work ------------------------------------------------------------------------------- */

static bool is_automod(int64_t type)
{
    return type >= 143 && type <= 146;
}

static void act_audit(struct act *a)
{
    int64_t type = act_int(a, "action_type", 25);
    uint32_t target = json_get(a->args, "target") ? act_find_user(a, "target") : NONE;
    struct buf d;

    a->id = world_next_id(a->w);
    act_begin(a, &d);
    buf_puts(&d, ",\"id\":");
    render_id(&d, a->id);
    buf_puts(&d, ",\"user_id\":");
    render_id(&d, a->w->users[a->user].id);
    buf_puts(&d, ",\"target_id\":");
    render_id(&d, a->w->users[target == NONE ? a->user : target].id);
    buf_printf(&d, ",\"action_type\":%lld", (long long)type);
    if (act_string(a, "reason", NULL)) {
        buf_puts(&d, ",\"reason\":");
        render_string(&d, act_string(a, "reason", NULL));
    }
    buf_putc(&d, '}');
    a->channel = NONE;
    act_emit_counted(a, "GUILD_AUDIT_LOG_ENTRY_CREATE",
                     bot_may(a->w, PERM_VIEW_AUDIT_LOG) ? INTENT_GUILD_MODERATION : 1u << 31, &d,
                     NULL, is_automod(type) ? TRUTH_NONE : TRUTH_AUDIT, a->user, 0, id_ms(a->id));
}

static void act_automod(struct act *a)
{
    uint64_t channel = a->channel == NONE ? 0 : a->g->channels[a->channel].id;
    struct buf d, bare;

    act_begin(a, &d);
    buf_puts(&d, ",\"action\":{\"type\":1,\"metadata\":{}},\"rule_id\":\"1335550279680135173\","
                 "\"rule_trigger_type\":1,\"user_id\":");
    render_id(&d, a->w->users[a->user].id);
    if (channel) {
        buf_puts(&d, ",\"channel_id\":");
        render_id(&d, channel);
    }
    buf_puts(&d, ",\"matched_keyword\":\"http*\"");
    buf_init(&bare, 0);
    buf_append(&bare, buf_bytes(&d), buf_len(&d));
    buf_puts(&bare, ",\"content\":\"\",\"matched_content\":\"\"}");
    buf_puts(&d, ",\"content\":\"http://x\",\"matched_content\":\"http://x\"}");
    act_emit_counted(a, "AUTO_MODERATION_ACTION_EXECUTION",
                     bot_may(a->w, PERM_MANAGE_GUILD) ? INTENT_AUTOMOD_EXECUTION : 1u << 31, &d,
                     &bare, TRUTH_AUTOMOD, a->user, channel, 0);
}

const struct act_kind act_member_kinds[] = {
    {"member_join", act_member_join},
    {"member_repeat", act_member_repeat},
    {"member_leave", act_member_leave},
    {"member_update", act_member_update},
    {"ban", act_ban},
    {"presence", act_presence},
    {"audit", act_audit},
    {"automod", act_automod},
    {NULL, NULL},
};
