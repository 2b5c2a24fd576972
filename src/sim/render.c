/* Objects as Discord writes them. Called by acts, the gateway and REST.
 * Diagnostics: none. */
#include "sim/render.h"

#include <string.h>
#include <time.h>

#include "presence/clock.h"
#include "sim/intents.h"

static const char *const adjectives[] = {"quiet", "amber",  "brave", "calm",  "dusty", "eager",
                                         "fuzzy", "gentle", "hasty", "ivory", "jolly", "keen",
                                         "lucky", "mellow", "noble", "plain"};
static const char *const nouns[] = {"otter", "badger", "comet", "daisy",  "ember", "falcon",
                                    "glade", "heron",  "iris",  "jackal", "kite",  "lynx",
                                    "maple", "newt",   "onyx",  "puffin"};

void render_time_text(int64_t unix_ms, char out[RENDER_TIME_LEN + 1])
{
    char text[CLOCK_RFC3339_SIZE];

    clock_rfc3339((unixms_t){unix_ms}, text);
    memcpy(out, text, 23); /* up to the milliseconds */
    memcpy(out + 23, "000+00:00", 10);
}

void render_time(struct buf *b, int64_t unix_ms)
{
    char text[RENDER_TIME_LEN + 1];

    if (unix_ms == 0) {
        buf_puts(b, "null");
        return;
    }
    render_time_text(unix_ms, text);
    buf_printf(b, "\"%s\"", text);
}

void render_string(struct buf *b, const char *text)
{
    if (text)
        buf_put_json(b, text, strlen(text));
    else
        buf_puts(b, "null");
}

void render_id(struct buf *b, uint64_t id)
{
    if (id == 0) {
        buf_puts(b, "null");
        return;
    }
    buf_putc(b, '"');
    buf_put_u64(b, id);
    buf_putc(b, '"');
}

static void put_bool(struct buf *b, const char *key, bool value)
{
    buf_puts(b, key);
    buf_puts(b, value ? "true" : "false");
}

/* --- users and members ------------------------------------------------------------------------ */

void render_user_name(const struct world *w, uint32_t user, struct buf *b)
{
    const struct user *u = &w->users[user];
    uint64_t h = world_hash(u->id);

    if (u->name)
        render_string(b, u->name);
    else
        buf_printf(b, "\"%s_%s_%u\"", adjectives[h & 15], nouns[h >> 4 & 15], user);
}

static void render_display_name(const struct user *u, struct buf *b)
{
    uint64_t h = world_hash(u->id);

    if (u->name || h >> 16 & 3)
        buf_printf(b, "\"%s %s\"", adjectives[h & 15], nouns[h >> 4 & 15]);
    else
        buf_puts(b, "null");
}

static void render_hash(struct buf *b, uint64_t value)
{
    buf_printf(b, "\"%016llx%016llx\"", (unsigned long long)world_hash(value),
               (unsigned long long)world_hash(~value));
}

void render_user(const struct world *w, uint32_t user, struct buf *b)
{
    const struct user *u = &w->users[user];

    buf_puts(b, "{\"username\":");
    render_user_name(w, user, b);
    buf_puts(b, ",\"public_flags\":0,\"primary_guild\":null,\"id\":");
    render_id(b, u->id);
    buf_puts(b, ",\"global_name\":");
    if (u->flags & USER_BOT)
        buf_puts(b, "null,\"discriminator\":\"4821\",\"bot\":true");
    else {
        render_display_name(u, b);
        buf_puts(b, ",\"discriminator\":\"0\"");
    }
    if (u->flags & USER_SYSTEM)
        buf_puts(b, ",\"system\":true");
    buf_puts(b, ",\"display_name_styles\":null,\"collectibles\":null,\"clan\":null,"
                "\"avatar_decoration_data\":null,\"flags\":0,\"avatar\":");
    if (world_hash(u->id) & 1)
        render_hash(b, u->id);
    else
        buf_puts(b, "null");
    buf_putc(b, '}');
}

static void render_nick(const struct world *w, const struct member *m, struct buf *b)
{
    uint64_t h = world_hash(w->users[m->user].id ^ 77);

    if (m->nick)
        render_string(b, m->nick[0] ? m->nick : NULL);
    else if (h % 3 == 0)
        buf_printf(b, "\"%s the %s\"", nouns[h >> 8 & 15], adjectives[h >> 4 & 15]);
    else
        buf_puts(b, "null");
}

static void render_roles(const struct guild *g, const struct member *m, struct buf *b)
{
    bool first = true;

    buf_putc(b, '[');
    for (uint32_t r = 1; r < g->n_roles; r++) {
        if (!(m->roles >> r & 1) || g->roles[r].gone)
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        render_id(b, g->roles[r].id);
    }
    buf_putc(b, ']');
}

void render_member_fields(const struct world *w, uint32_t guild, uint32_t slot, bool with_user,
                          struct buf *b)
{
    const struct guild *g = &w->guilds[guild];
    const struct member *m = &g->members[slot];

    if (with_user) {
        buf_puts(b, "\"user\":");
        render_user(w, m->user, b);
        buf_putc(b, ',');
    }
    buf_puts(b, "\"roles\":");
    render_roles(g, m, b);
    buf_puts(b, ",\"premium_since\":null");
    put_bool(b, ",\"pending\":", m->state & MEMBER_IS_PENDING);
    buf_puts(b, ",\"nick\":");
    render_nick(w, m, b);
    put_bool(b, ",\"mute\":", m->state & MEMBER_MUTE);
    buf_puts(b, ",\"joined_at\":");
    render_time(b, m->joined_ms);
    buf_printf(b, ",\"flags\":%u", m->flags);
    put_bool(b, ",\"deaf\":", m->state & MEMBER_DEAF);
    buf_puts(b, ",\"communication_disabled_until\":");
    render_time(b, m->timeout_until_ms);
    buf_puts(b, ",\"banner\":null,\"avatar\":");
    if (m->avatar_rev)
        render_hash(b, w->users[m->user].id + m->avatar_rev);
    else
        buf_puts(b, "null");
}

void render_member(const struct world *w, uint32_t guild, uint32_t slot, bool with_user,
                   struct buf *b)
{
    buf_putc(b, '{');
    render_member_fields(w, guild, slot, with_user, b);
    buf_putc(b, '}');
}

/* --- guild parts ------------------------------------------------------------------------------ */

void render_role(const struct role *r, struct buf *b)
{
    buf_puts(b, "{\"version\":0,\"unicode_emoji\":null,\"tags\":{}");
    buf_printf(b, ",\"position\":%d,\"permissions\":\"%llu\",\"name\":", r->position,
               (unsigned long long)r->permissions);
    render_string(b, r->name);
    put_bool(b, ",\"mentionable\":", r->mentionable);
    put_bool(b, ",\"managed\":", r->managed);
    buf_puts(b, ",\"id\":");
    render_id(b, r->id);
    put_bool(b, ",\"hoist\":", r->hoist);
    buf_printf(b,
               ",\"icon\":null,\"flags\":0,\"color\":%u,\"colors\":{\"primary_color\":%u,"
               "\"secondary_color\":null,\"tertiary_color\":null}}",
               r->color, r->color);
}

static void render_thread_metadata(const struct channel *c, struct buf *b)
{
    put_bool(b, ",\"thread_metadata\":{\"archived\":", c->archived);
    put_bool(b, ",\"locked\":", c->locked);
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
    put_bool(b, ",\"suppress\":", m->voice_flags & VOICE_IS_SUPPRESS);
    buf_puts(b, ",\"session_id\":");
    render_hash(b, id ^ 99);
    put_bool(b, ",\"self_video\":", m->voice_flags & VOICE_IS_SELF_VIDEO);
    if (m->voice_flags & VOICE_IS_SELF_STREAM)
        buf_puts(b, ",\"self_stream\":true");
    put_bool(b, ",\"self_mute\":", m->voice_flags & VOICE_IS_SELF_MUTE);
    put_bool(b, ",\"self_deaf\":", m->voice_flags & VOICE_IS_SELF_DEAF);
    put_bool(b, ",\"mute\":", m->voice_flags & VOICE_IS_MUTE);
    put_bool(b, ",\"deaf\":", m->voice_flags & VOICE_IS_DEAF);
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
    put_bool(b, ",\"large\":", g->alive > large_threshold);
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

/* --- messages --------------------------------------------------------------------------------- */

static void render_author(const struct world *w, const struct message_view *v, struct buf *b)
{
    buf_puts(b, ",\"author\":");
    if (v->user != NONE) {
        render_user(w, v->user, b);
        return;
    }
    buf_puts(b, "{\"id\":");
    render_id(b, v->webhook_id);
    buf_puts(b, ",\"username\":\"CI\",\"discriminator\":\"0000\",\"avatar\":null,"
                "\"global_name\":null,\"public_flags\":0,\"flags\":0,\"primary_guild\":null,"
                "\"bot\":true}");
}

static void render_mentions(const struct world *w, const struct message_view *v, struct buf *b)
{
    uint32_t slot;

    buf_puts(b, ",\"mentions\":[");
    if (v->target != NONE) {
        render_user(w, v->target, b);
        slot = v->in_event && v->guild != NONE ? guild_member(w, v->guild, v->target) : NONE;
        if (slot != NONE) {
            b->end--; /* the member goes inside the user */
            buf_puts(b, ",\"member\":");
            render_member(w, v->guild, slot, false, b);
            buf_putc(b, '}');
        }
    }
    buf_putc(b, ']');
}

static void render_origin(const struct world *w, const struct message_view *v, uint64_t channel_id,
                          struct buf *b)
{
    if (v->webhook_id) {
        buf_puts(b, ",\"webhook_id\":");
        render_id(b, v->webhook_id);
    }
    if (v->application_id) {
        buf_puts(b, ",\"application_id\":");
        render_id(b, v->application_id);
    }
    if (v->metadata_user != NONE) {
        buf_puts(b, ",\"interaction_metadata\":{\"id\":");
        render_id(b, v->metadata_id);
        buf_puts(b, ",\"type\":2,\"user\":");
        render_user(w, v->metadata_user, b);
        buf_puts(b, ",\"authorizing_integration_owners\":{\"0\":");
        render_id(b, v->guild == NONE ? 0 : w->guilds[v->guild].id);
        buf_puts(b, "}}");
    }
    if (v->reply_to) {
        buf_puts(b, ",\"message_reference\":{\"type\":0,\"message_id\":");
        render_id(b, v->reply_to);
        buf_puts(b, ",\"channel_id\":");
        render_id(b, channel_id);
        buf_puts(b, "},\"referenced_message\":null");
    }
}

static void render_content(const struct message_view *v, struct buf *b)
{
    buf_puts(b, ",\"embeds\":[");
    if (v->with_embed && v->with_content)
        buf_puts(b, "{\"type\":\"link\",\"url\":\"https://example.org/\",\"title\":\"A page\"}");
    buf_puts(b, "],\"content\":");
    render_string(b, v->with_content && v->content ? v->content : "");
}

void render_message(const struct world *w, const struct message_view *v, struct buf *b)
{
    uint64_t channel_id =
        v->guild == NONE ? v->channel_id : w->guilds[v->guild].channels[v->channel].id;
    uint32_t slot = v->in_event && v->guild != NONE && v->user != NONE
                        ? guild_member(w, v->guild, v->user)
                        : NONE;

    buf_printf(b, "{\"type\":%d,\"tts\":false,\"timestamp\":", v->type);
    render_time(b, id_ms(v->id));
    buf_puts(b, ",\"pinned\":false");
    if (v->nonce) {
        buf_puts(b, ",\"nonce\":");
        render_string(b, v->nonce);
    }
    render_mentions(w, v, b);
    buf_puts(b, ",\"mention_roles\":[],\"mention_everyone\":false");
    if (slot != NONE && !v->webhook_id) {
        buf_puts(b, ",\"member\":");
        render_member(w, v->guild, slot, false, b);
    }
    buf_puts(b, ",\"id\":");
    render_id(b, v->id);
    buf_printf(b, ",\"flags\":%d,\"edited_timestamp\":", v->flags);
    render_time(b, v->edited_ms);
    render_content(v, b);
    render_origin(w, v, channel_id, b);
    buf_puts(b, ",\"components\":[]");
    if (v->in_event)
        buf_printf(b, ",\"channel_type\":%d",
                   v->guild == NONE ? 1 : w->guilds[v->guild].channels[v->channel].type);
    buf_puts(b, ",\"channel_id\":");
    render_id(b, channel_id);
    render_author(w, v, b);
    buf_puts(b, ",\"attachments\":[]");
    if (v->in_event && v->guild != NONE) {
        buf_puts(b, ",\"guild_id\":");
        render_id(b, w->guilds[v->guild].id);
    }
    buf_putc(b, '}');
}
