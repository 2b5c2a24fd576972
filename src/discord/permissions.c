/* What a member may do. Called by whoever acts on a member's behalf, and by presence-sim.
 * Diagnostics: none; the answer is a mask. */
#include "presence/permissions.h"

#include <string.h>

#define TEXT  1u
#define VOICE 2u
#define STAGE 4u

#define WHILE_TIMED_OUT (PERMISSION(VIEW_CHANNEL) | PERMISSION(READ_MESSAGE_HISTORY))
/* Of no use to somebody who cannot write. */
#define PARTS_OF_WRITING                                                                           \
    (PERMISSION(MENTION_EVERYONE) | PERMISSION(SEND_TTS_MESSAGES) | PERMISSION(ATTACH_FILES) |     \
     PERMISSION(EMBED_LINKS))

struct bit {
    unsigned bit;
    const char *name;
    unsigned kinds;
};

static const struct bit bits[] = {
#define X(bit, name, kinds) {bit, #name, kinds},
    PERMISSIONS_LIST(X)
#undef X
};

#define X(bit, name, kinds) | UINT64_C(1) << bit
_Static_assert((UINT64_C(0) PERMISSIONS_LIST(X)) == PERMISSIONS_ALL, "the list is complete");
#undef X

/* --- names ------------------------------------------------------------------------------------ */

const char *permissions_name(unsigned bit)
{
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (bits[i].bit == bit)
            return bits[i].name;
    return NULL;
}

uint64_t permissions_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (!strcmp(bits[i].name, name))
            return UINT64_C(1) << bits[i].bit;
    return 0;
}

void permissions_print(uint64_t permissions, struct buf *out)
{
    const char *separator = "";

    for (unsigned bit = 0; bit < 64; bit++) {
        const char *name = permissions_name(bit);

        if (!(permissions >> bit & 1))
            continue;
        if (name)
            buf_printf(out, "%s%s", separator, name);
        else
            buf_printf(out, "%sbit %u", separator, bit);
        separator = ", ";
    }
}

/* --- the guild's level ------------------------------------------------------------------------ */

const struct permissions_role *permissions_role(const struct permissions_guild *guild,
                                                snowflake_t id)
{
    for (size_t i = 0; i < guild->n_roles; i++)
        if (snowflake_equal(guild->roles[i].id, id))
            return &guild->roles[i];
    return NULL;
}

static uint64_t of_role(const struct permissions_guild *guild, snowflake_t id)
{
    const struct permissions_role *role = permissions_role(guild, id);

    return role ? role->permissions : 0;
}

uint64_t permissions_base(const struct permissions_guild *guild,
                          const struct permissions_member *member)
{
    uint64_t p;

    if (snowflake_known(guild->owner) && snowflake_equal(member->id, guild->owner))
        return PERMISSIONS_ALL;
    p = of_role(guild, guild->id);
    for (size_t i = 0; i < member->n_roles; i++)
        p |= of_role(guild, member->roles[i]);
    return p & PERMISSION(ADMINISTRATOR) ? PERMISSIONS_ALL : p;
}

static bool silenced(const struct permissions_member *member, uint64_t base, unixms_t now)
{
    return member->timeout_until.ms > now.ms && !(base & PERMISSION(ADMINISTRATOR));
}

bool permissions_timed_out(const struct permissions_guild *guild,
                           const struct permissions_member *member, unixms_t now)
{
    return silenced(member, permissions_base(guild, member), now);
}

uint64_t permissions_in_guild(const struct permissions_guild *guild,
                              const struct permissions_member *member, unixms_t now)
{
    uint64_t p = permissions_base(guild, member);

    return silenced(member, p, now) ? p & WHILE_TIMED_OUT : p;
}

/* --- channels --------------------------------------------------------------------------------- */

/* The bits that an overwrite can change in a channel of the kind; of a category: in any of its
 * channels. */
static uint64_t overwritable(enum permissions_channel_kind kind)
{
    unsigned wanted = kind == CHANNEL_TEXT    ? TEXT
                      : kind == CHANNEL_VOICE ? VOICE
                      : kind == CHANNEL_STAGE ? STAGE
                                              : TEXT | VOICE | STAGE;
    uint64_t mask = 0;

    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (bits[i].kinds & wanted)
            mask |= UINT64_C(1) << bits[i].bit;
    return mask;
}

static const struct permissions_overwrite *overwrite_of(const struct permissions_channel *channel,
                                                        snowflake_t id, bool of_member)
{
    for (size_t i = 0; i < channel->n_overwrites; i++)
        if (channel->overwrites[i].of_member == of_member &&
            snowflake_equal(channel->overwrites[i].id, id))
            return &channel->overwrites[i];
    return NULL;
}

static uint64_t apply(uint64_t p, uint64_t deny, uint64_t allow, uint64_t mask)
{
    return (p & ~(deny & mask)) | (allow & mask);
}

/* @everyone's overwrite, then those of all roles together, then the member's own. */
static uint64_t overwritten(const struct permissions_guild *guild,
                            const struct permissions_member *member,
                            const struct permissions_channel *channel, uint64_t p)
{
    const struct permissions_overwrite *o = overwrite_of(channel, guild->id, false);
    uint64_t mask = overwritable(channel->kind), allow = 0, deny = 0;

    if (o)
        p = apply(p, o->deny, o->allow, mask);
    for (size_t i = 0; i < member->n_roles; i++) {
        /* A role that is gone has no say, even if its overwrite is still listed. */
        if (!permissions_role(guild, member->roles[i]) ||
            snowflake_equal(member->roles[i], guild->id))
            continue;
        o = overwrite_of(channel, member->roles[i], false);
        if (o) {
            allow |= o->allow;
            deny |= o->deny;
        }
    }
    p = apply(p, deny, allow, mask);
    o = overwrite_of(channel, member->id, true);
    return o ? apply(p, o->deny, o->allow, mask) : p;
}

/* What the lack of one permission takes away as well. */
static uint64_t implied(uint64_t p, enum permissions_channel_kind kind)
{
    if (!(p & PERMISSION(VIEW_CHANNEL)))
        return 0;
    if ((kind == CHANNEL_VOICE || kind == CHANNEL_STAGE) && !(p & PERMISSION(CONNECT)))
        return PERMISSION(VIEW_CHANNEL);
    if (!(p & PERMISSION(SEND_MESSAGES)))
        p &= ~PARTS_OF_WRITING;
    return p;
}

uint64_t permissions_in_channel(const struct permissions_guild *guild,
                                const struct permissions_member *member,
                                const struct permissions_channel *channel, unixms_t now)
{
    uint64_t base = permissions_base(guild, member), p;

    if (base & PERMISSION(ADMINISTRATOR))
        return PERMISSIONS_ALL;
    p = overwritten(guild, member, channel, base);
    if (silenced(member, base, now))
        p &= WHILE_TIMED_OUT;
    return implied(p, channel->kind);
}

uint64_t permissions_in_thread(const struct permissions_guild *guild,
                               const struct permissions_member *member,
                               const struct permissions_channel *parent,
                               const struct permissions_thread *thread, unixms_t now)
{
    uint64_t base = permissions_base(guild, member), p;

    if (base & PERMISSION(ADMINISTRATOR))
        return PERMISSIONS_ALL;
    p = overwritten(guild, member, parent, base) & ~PERMISSION(SEND_MESSAGES);
    if (silenced(member, base, now))
        p &= WHILE_TIMED_OUT;
    if (thread->is_private && !thread->joined && !(p & PERMISSION(MANAGE_THREADS)))
        return 0;
    if (p & PERMISSION(SEND_MESSAGES_IN_THREADS))
        p |= PERMISSION(SEND_MESSAGES);
    return implied(p, CHANNEL_TEXT);
}
