/* Guilds and their parts as Discord writes them. Called by acts, the gateway and REST.
 * Diagnostics: none. */
#include "sim/intents.h"
#include "sim/render.h"

/* --- guild parts ------------------------------------------------------------------------------ */

void render_role(const struct role *r, struct buf *b)
{
    buf_puts(b, "{\"version\":0,\"unicode_emoji\":null,\"tags\":{}");
    buf_printf(b, ",\"position\":%d,\"permissions\":\"%llu\",\"name\":", r->position,
               (unsigned long long)r->permissions);
    render_string(b, r->name);
    render_flag(b, ",\"mentionable\":", r->mentionable);
    render_flag(b, ",\"managed\":", r->managed);
    buf_puts(b, ",\"id\":");
    render_id(b, r->id);
    render_flag(b, ",\"hoist\":", r->hoist);
    buf_printf(b,
               ",\"icon\":null,\"flags\":0,\"color\":%u,\"colors\":{\"primary_color\":%u,"
               "\"secondary_color\":null,\"tertiary_color\":null}}",
               r->color, r->color);
}

static void render_thread_metadata(const struct channel *c, struct buf *b)
{
    render_flag(b, ",\"thread_metadata\":{\"archived\":", c->archived);
    render_flag(b, ",\"locked\":", c->locked);
    buf_puts(b, ",\"auto_archive_duration\":4320,\"archive_timestamp\":");
    render_time(b, c->created_ms);
    buf_puts(b, ",\"create_timestamp\":");
    render_time(b, c->created_ms);
    buf_puts(b, "},\"owner_id\":");
    render_id(b, c->owner);
    buf_printf(b, ",\"message_count\":%u,\"total_message_sent\":%u,\"member_count\":%u",
               c->message_count, c->message_count, c->member_count);
}

void render_channel(const struct guild *g, const struct channel *c, bool with_guild_id,
                    struct buf *b)
{
    buf_printf(b, "{\"type\":%d,\"name\":", c->type);
    render_string(b, c->name);
    buf_puts(b, ",\"id\":");
    render_id(b, c->id);
    buf_puts(b, ",\"parent_id\":");
    render_id(b, c->parent);
    buf_puts(b, ",\"last_message_id\":");
    render_id(b, c->last_message);
    buf_puts(b, ",\"flags\":0,\"rate_limit_per_user\":0");
    if (with_guild_id) {
        buf_puts(b, ",\"guild_id\":");
        render_id(b, g->id);
    }
    if (channel_is_thread(c)) {
        render_thread_metadata(c, b);
        buf_putc(b, '}');
        return;
    }
    buf_printf(b, ",\"position\":%d,\"nsfw\":false,\"topic\":", c->position);
    render_string(b, c->topic);
    if (channel_is_voice(c))
        buf_puts(b, ",\"bitrate\":64000,\"user_limit\":0,\"rtc_region\":null");
    if (c->type == 15)
        buf_puts(b, ",\"available_tags\":[],\"default_reaction_emoji\":null,"
                    "\"default_sort_order\":null,\"default_forum_layout\":0");
    buf_puts(b, ",\"permission_overwrites\":[");
    if (c->hidden) {
        buf_puts(b, "{\"type\":0,\"id\":");
        render_id(b, g->id);
        buf_puts(b, ",\"allow\":\"0\",\"deny\":\"1024\"}");
    }
    buf_puts(b, "]}");
}

void render_voice_state(const struct world *w, uint32_t guild, uint32_t slot, bool in_event,
                        struct buf *b)
{
    const struct guild *g = &w->guilds[guild];
    const struct member *m = &g->members[slot];
    uint64_t id = w->users[m->user].id;

    buf_puts(b, "{\"user_id\":");
    render_id(b, id);
    render_flag(b, ",\"suppress\":", m->voice_flags & VOICE_IS_SUPPRESS);
    buf_puts(b, ",\"session_id\":");
    render_hash(b, id ^ 99);
    render_flag(b, ",\"self_video\":", m->voice_flags & VOICE_IS_SELF_VIDEO);
    if (m->voice_flags & VOICE_IS_SELF_STREAM)
        buf_puts(b, ",\"self_stream\":true");
    render_flag(b, ",\"self_mute\":", m->voice_flags & VOICE_IS_SELF_MUTE);
    render_flag(b, ",\"self_deaf\":", m->voice_flags & VOICE_IS_SELF_DEAF);
    render_flag(b, ",\"mute\":", m->voice_flags & VOICE_IS_MUTE);
    render_flag(b, ",\"deaf\":", m->voice_flags & VOICE_IS_DEAF);
    buf_puts(b, ",\"request_to_speak_timestamp\":");
    render_time(b, m->hand_ms);
    if (in_event) {
        buf_puts(b, ",\"member\":");
        render_member(w, guild, slot, true, b);
        buf_puts(b, ",\"guild_id\":");
        render_id(b, g->id);
    }
    buf_puts(b, ",\"channel_id\":");
    render_id(b, m->voice_channel ? g->channels[m->voice_channel - 1].id : 0);
    buf_putc(b, '}');
}

void render_scheduled_event(const struct world *w, const struct guild *g,
                            const struct scheduled_event *e, struct buf *b)
{
    uint32_t creator = world_user(w, e->creator);

    buf_puts(b, "{\"id\":");
    render_id(b, e->id);
    buf_puts(b, ",\"guild_id\":");
    render_id(b, g->id);
    buf_puts(b, ",\"channel_id\":");
    render_id(b, e->channel == NONE ? 0 : g->channels[e->channel].id);
    buf_puts(b, ",\"creator_id\":");
    render_id(b, e->creator);
    buf_puts(b, ",\"name\":");
    render_string(b, e->name);
    buf_puts(b, ",\"description\":null,\"scheduled_start_time\":");
    render_time(b, id_ms(e->id) + 86400000);
    buf_puts(b, ",\"scheduled_end_time\":null,\"privacy_level\":2,\"status\":1,\"entity_type\":2,"
                "\"entity_id\":null,\"entity_metadata\":null,\"image\":null,"
                "\"recurrence_rule\":null");
    if (creator != NONE) {
        buf_puts(b, ",\"creator\":");
        render_user(w, creator, b);
    }
    buf_putc(b, '}');
}

/* --- guilds ----------------------------------------------------------------------------------- */

static void render_guild_roles(const struct guild *g, struct buf *b)
{
    bool first = true;

    buf_puts(b, ",\"roles\":[");
    for (uint32_t r = 0; r < g->n_roles; r++) {
        if (g->roles[r].gone)
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        render_role(&g->roles[r], b);
    }
    buf_putc(b, ']');
}

void render_guild_fields(const struct world *w, uint32_t guild, struct buf *b)
{
    const struct guild *g = &w->guilds[guild];

    buf_puts(b, "\"id\":");
    render_id(b, g->id);
    buf_puts(b, ",\"name\":");
    render_string(b, g->name);
    buf_puts(b, ",\"icon\":null,\"splash\":null,\"discovery_splash\":null,\"home_header\":null,"
                "\"owner_id\":");
    render_id(b, w->users[g->owner].id);
    buf_puts(b, ",\"region\":\"deprecated\",\"afk_channel_id\":");
    render_id(b, g->afk_channel == NONE ? 0 : g->channels[g->afk_channel].id);
    buf_puts(b, ",\"system_channel_id\":");
    render_id(b, g->system_channel == NONE ? 0 : g->channels[g->system_channel].id);
    buf_puts(b, ",\"afk_timeout\":300,\"verification_level\":1,"
                "\"default_message_notifications\":1,\"explicit_content_filter\":0,\"mfa_level\":0,"
                "\"application_id\":null,\"system_channel_flags\":0,\"rules_channel_id\":null,"
                "\"vanity_url_code\":null,\"description\":null,\"banner\":null,\"premium_tier\":0,"
                "\"premium_subscription_count\":0,\"preferred_locale\":\"en-US\","
                "\"public_updates_channel_id\":null,\"safety_alerts_channel_id\":null,"
                "\"nsfw\":false,\"nsfw_level\":0,\"premium_progress_bar_enabled\":false,"
                "\"widget_enabled\":false,\"widget_channel_id\":null,\"incidents_data\":null,"
                "\"max_members\":500000,\"max_presences\":null,\"max_video_channel_users\":25,"
                "\"max_stage_video_channel_users\":50,"
                "\"features\":[\"COMMUNITY\"],\"emojis\":[],\"stickers\":[]");
    render_guild_roles(g, b);
}

static void render_channels(const struct guild *g, bool threads, struct buf *b)
{
    bool first = true;

    buf_puts(b, threads ? ",\"threads\":[" : ",\"channels\":[");
    for (uint32_t i = 0; i < g->n_channels; i++) {
        const struct channel *c = &g->channels[i];

        if (c->gone || channel_is_thread(c) != threads || (threads && (c->archived || c->hidden)))
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        render_channel(g, c, threads, b);
    }
    buf_putc(b, ']');
}

static bool in_partial_list(const struct member *m, uint32_t slot)
{
    return slot == SELF_MEMBER || m->voice_channel;
}

static void render_members(const struct world *w, uint32_t guild, bool all, struct buf *b)
{
    const struct guild *g = &w->guilds[guild];
    bool first = true;

    buf_puts(b, ",\"members\":[");
    for (uint32_t i = 0; i < g->n_members; i++) {
        const struct member *m = &g->members[i];

        if (m->state & MEMBER_LEFT || !(all || in_partial_list(m, i)))
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        render_member(w, guild, i, true, b);
    }
    buf_putc(b, ']');
}

static void render_voice_states(const struct world *w, uint32_t guild, struct buf *b)
{
    const struct guild *g = &w->guilds[guild];
    bool first = true;

    buf_puts(b, ",\"voice_states\":[");
    for (uint32_t i = 0; i < g->n_members; i++) {
        if (g->members[i].state & MEMBER_LEFT || !g->members[i].voice_channel)
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        render_voice_state(w, guild, i, false, b);
    }
    buf_putc(b, ']');
}

void render_guild_create(const struct world *w, uint32_t guild, uint32_t intents,
                         uint32_t large_threshold, struct buf *b)
{
    const struct guild *g = &w->guilds[guild];
    bool all = intents & INTENT_GUILD_PRESENCES && g->alive <= large_threshold;

    buf_putc(b, '{');
    render_guild_fields(w, guild, b);
    buf_puts(b, ",\"joined_at\":");
    render_time(b, g->bot_joined_ms);
    render_flag(b, ",\"large\":", g->alive > large_threshold);
    buf_printf(b, ",\"unavailable\":false,\"member_count\":%u", g->alive);
    render_members(w, guild, all, b);
    if (intents & INTENT_GUILD_VOICE_STATES)
        render_voice_states(w, guild, b);
    else
        buf_puts(b, ",\"voice_states\":[]");
    render_channels(g, false, b);
    render_channels(g, true, b);
    buf_puts(b, ",\"presences\":[],\"stage_instances\":[],\"guild_scheduled_events\":[");
    for (uint32_t i = 0; i < g->n_events; i++) {
        if (i)
            buf_putc(b, ',');
        render_scheduled_event(w, g, &g->events[i], b);
    }
    buf_puts(b, "],\"soundboard_sounds\":[]}");
}
