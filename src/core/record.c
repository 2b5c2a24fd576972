/* Judging records before they are trusted. Called by ring and spool readers and by tests.
 * Diagnostics: static texts to the caller. */
#include "presence/record.h"

#include <stddef.h>

static const uint16_t fixed_sizes[RECORD_TYPES] = {
    [RECORD_PAD] = sizeof(struct record_header),
    [RECORD_EVENT] = sizeof(struct record_header),
    [RECORD_SIGHTING] = sizeof(struct record_sighting),
    [RECORD_MEMBER] = sizeof(struct record_member),
    [RECORD_MEMBER_LEFT] = sizeof(struct record_subject),
    [RECORD_BOT_FLAG] = sizeof(struct record_subject),
    [RECORD_ROSTER_END] = sizeof(struct record_subject),
    [RECORD_GUILD] = sizeof(struct record_guild),
    [RECORD_GUILD_LEFT] = sizeof(struct record_subject),
    [RECORD_CHANNEL] = sizeof(struct record_channel),
    [RECORD_CHANNEL_GONE] = sizeof(struct record_subject),
    [RECORD_ROLE] = sizeof(struct record_role),
    [RECORD_ROLE_GONE] = sizeof(struct record_subject),
    [RECORD_VOICE] = sizeof(struct record_voice),
    [RECORD_VOICE_PRESENT] = sizeof(struct record_subject),
    [RECORD_VOICE_SYNC] = sizeof(struct record_subject),
    [RECORD_COVERAGE] = sizeof(struct record_coverage),
    [RECORD_SESSION] = sizeof(struct record_session),
    [RECORD_COMPLETE] = sizeof(struct record_subject),
};

uint32_t record_fixed_size(uint16_t type)
{
    return type < RECORD_TYPES ? fixed_sizes[type] : 0;
}

/* The bytes that a record's own counts and lengths claim of its tail. */
static uint32_t tail_claimed(const struct record_header *h)
{
    switch (h->type) {
    case RECORD_MEMBER: {
        const struct record_member *m = (const void *)h;

        return m->role_count * 8u + m->username_len + m->global_name_len + m->nick_len;
    }
    case RECORD_GUILD: {
        const struct record_guild *g = (const void *)h;

        return (uint32_t)g->name_len + g->locale_len;
    }
    case RECORD_CHANNEL: {
        const struct record_channel *c = (const void *)h;

        return (uint32_t)c->name_len + c->overwrites_len;
    }
    case RECORD_ROLE:
        return ((const struct record_role *)(const void *)h)->name_len;
    default:
        return 0;
    }
}

const char *record_check(const struct record_header *h, uint32_t available)
{
    uint32_t fixed, size;

    if (available == 0)
        return "no slot left, expected a record";
    fixed = record_fixed_size(h->type);
    if (fixed == 0)
        return "unknown record type, expected 1 to 19";
    if (h->slots == 0 || h->slots > RECORD_MAX_SLOTS)
        return "record of a wrong number of slots, expected 1 to 128";
    if (h->slots > available)
        return "record longer than the slots that are left";
    size = h->slots * RECORD_SLOT_SIZE;
    if (size < fixed)
        return "record shorter than the fixed part of its type";
    if (h->tail_len > size - fixed)
        return "tail longer than its record";
    if (tail_claimed(h) != h->tail_len)
        return "lengths of the parts do not add up to the tail";
    return NULL;
}
