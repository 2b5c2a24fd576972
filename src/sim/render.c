/* Objects as Discord writes them. Called by acts, the gateway and REST.
 * Diagnostics: none. */
#include "sim/render.h"

#include <string.h>
#include <time.h>

#include "presence/clock.h"

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

void render_flag(struct buf *b, const char *key, bool value)
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

void render_hash(struct buf *b, uint64_t value)
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
    render_flag(b, ",\"pending\":", m->state & MEMBER_IS_PENDING);
    buf_puts(b, ",\"nick\":");
    render_nick(w, m, b);
    render_flag(b, ",\"mute\":", m->state & MEMBER_MUTE);
    buf_puts(b, ",\"joined_at\":");
    render_time(b, m->joined_ms);
    buf_printf(b, ",\"flags\":%u", m->flags);
    render_flag(b, ",\"deaf\":", m->state & MEMBER_DEAF);
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
