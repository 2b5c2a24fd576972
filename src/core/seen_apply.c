/* Folding records and seeds into the last-seen table and the guild rows. Called by the worker right
 * after a record is in the ring, by a successor that replays tail..head, and when Redis or GraphQL
 * has answered.
 *
 * Applying the same records again, in order, from any point on, ends in the same state: times are
 * maxima, everything else is set to what the record says. (Only SEEN_..._KNOWN may be set on more
 * rows, when a record finds a row that a later one had made.)
 *
 * Diagnostics: none; a record that has no place to go (table full) changes nothing. */
#include <stddef.h>

#include "core/seen_internal.h"
#include "presence/activity.h"
#include "presence/seen.h"

static void set_flags(struct seen_row *row, uint16_t flags, bool on)
{
    if (on)
        row->flags |= flags;
    else
        row->flags &= (uint16_t)~flags;
}

/* ms << 16 | bits: raises the ms, keeps the bits. */
static uint64_t raise_ms(uint64_t packed, unixms_t at)
{
    if (at.ms <= SEEN_MS(packed))
        return packed;
    return SEEN_PACK(at.ms, (uint16_t)packed);
}

static uint64_t with_bits(uint64_t packed, uint16_t bits)
{
    return (packed & ~UINT64_C(0xffff)) | bits;
}

static void become_bot(struct seen_row *row)
{
    row->flags =
        (uint16_t)((row->flags & ~(SEEN_HUMAN | SEEN_LOOKED_UP | SEEN_LOADING)) | SEEN_BOT);
    atomic_store_explicit(&row->seen, 0, memory_order_relaxed);
    atomic_store_explicit(&row->counted, 0, memory_order_relaxed);
}

static void learn_kind(struct seen_row *row, uint16_t record_flags)
{
    if (record_flags & RECORD_IS_BOT) {
        become_bot(row);
    } else if (record_flags & RECORD_IS_HUMAN) {
        set_flags(row, SEEN_BOT | SEEN_LOOKED_UP, false);
        set_flags(row, SEEN_HUMAN, true);
    }
}

static void apply_sighting(struct seen_row *row, const struct record_sighting *s)
{
    if (row->flags & SEEN_BOT)
        return;
    if (!(s->h.flags & RECORD_BOT_UNKNOWN))
        set_flags(row, SEEN_HUMAN, true);
    if (s->kind == ACTIVITY_EDIT)
        row->last_edit = raise_ms(row->last_edit, s->at);
    seen_raise(row, s->at, s->kind, s->h.flags & RECORD_COUNTED);
}

static void apply_member(struct seen_row *row, const struct record_member *m)
{
    learn_kind(row, m->h.flags);
    set_flags(row, SEEN_ON_ROSTER | SEEN_ROSTER_KNOWN, true);
    if (m->state & MEMBER_PARTIAL)
        return;
    set_flags(row, SEEN_STATE_KNOWN, true);
    set_flags(row, SEEN_PENDING, m->state & MEMBER_PENDING);
    row->member_flags = (uint16_t)m->member_flags;
    row->last_edit = with_bits(row->last_edit, (uint16_t)m->avatar_hash);
}

static void apply_voice(struct seen_row *row, const struct record_voice *v)
{
    set_flags(row, SEEN_VOICE_KNOWN, true);
    row->voice_channel = v->channel.id;
    row->present_until =
        with_bits(raise_ms(row->present_until, v->at), snowflake_known(v->channel) ? v->state : 0);
}

static void apply_left(struct seen_row *row)
{
    set_flags(row, SEEN_ON_ROSTER | SEEN_PENDING, false);
    set_flags(row, SEEN_ROSTER_KNOWN | SEEN_VOICE_KNOWN, true);
    row->voice_channel = 0;
    row->present_until = with_bits(row->present_until, 0);
}

/* --- members --------------------------------------------------------------------------------- */

static void apply_to_row(struct seen_row *row, const struct record_header *h)
{
    switch (h->type) {
    case RECORD_SIGHTING:
        apply_sighting(row, (const void *)h);
        break;
    case RECORD_MEMBER:
        apply_member(row, (const void *)h);
        break;
    case RECORD_MEMBER_LEFT:
        apply_left(row);
        break;
    case RECORD_BOT_FLAG:
        learn_kind(row, h->flags);
        break;
    case RECORD_VOICE:
        apply_voice(row, (const void *)h);
        break;
    case RECORD_VOICE_PRESENT:
        row->present_until =
            raise_ms(row->present_until, ((const struct record_subject *)(const void *)h)->at);
        break;
    default:
        break;
    }
}

/* guild and user stand at the same place in every record about a member. */
static struct seen_row *apply_member_record(const struct shm *shm, const struct record_header *h,
                                            unsigned slot, bool *inserted_r)
{
    const struct record_subject *who = (const void *)h;
    struct seen_row *row;

    _Static_assert(offsetof(struct record_sighting, user) == offsetof(struct record_subject, user),
                   "user in a sighting");
    _Static_assert(offsetof(struct record_member, user) == offsetof(struct record_subject, user),
                   "user in a member");
    _Static_assert(offsetof(struct record_voice, user) == offsetof(struct record_subject, user),
                   "user in a voice edge");
    if (!snowflake_known(who->guild) || !snowflake_known(who->user))
        return NULL;
    if (h->type == RECORD_MEMBER_LEFT)
        row = seen_find(shm, who->guild, who->user);
    else
        row = seen_touch(shm, who->guild, who->user, slot, inserted_r);
    if (!row)
        return NULL;
    apply_to_row(row, h);
    seen_stamp(row);
    return row;
}

/* --- guilds ---------------------------------------------------------------------------------- */

static void apply_guild(struct shm_guild *g, const struct record_guild *r)
{
    if (!r->available) {
        g->flags &= ~SHM_GUILD_AVAILABLE;
        return;
    }
    g->flags = (g->flags & ~SHM_GUILD_LEFT) | SHM_GUILD_AVAILABLE;
    g->afk_channel = r->afk_channel.id;
    g->member_count = r->member_count;
    if (unixms_known(r->joined_at))
        g->bot_joined_ms = r->joined_at.ms;
}

static void apply_roster_end(struct shm_guild *g, const struct record_subject *r)
{
    if (r->at.ms > g->roster_at_ms)
        g->roster_at_ms = r->at.ms;
    g->roster_session = r->h.session ? r->h.session : g->session;
    g->roster_begin_ms = 0;
    g->flags &= ~SHM_GUILD_ASKED;
}

static void apply_coverage(struct shm_guild *g, const struct record_coverage *r)
{
    if (r->edge == COVERAGE_OPEN)
        g->session = r->gateway_session;
    else if (r->edge == COVERAGE_CLOSE)
        g->session = 0;
    if (r->reason == COVERAGE_OUTAGE) {
        if (r->edge == COVERAGE_OPEN)
            g->flags |= SHM_GUILD_AVAILABLE;
        else
            g->flags &= ~SHM_GUILD_AVAILABLE;
    }
}

static void apply_guild_record(const struct shm *shm, const struct record_header *h)
{
    const struct record_subject *what = (const void *)h;
    struct shm_guild *g;

    _Static_assert(offsetof(struct record_guild, guild) == offsetof(struct record_subject, guild),
                   "guild in a guild record");
    _Static_assert(offsetof(struct record_coverage, guild) ==
                       offsetof(struct record_subject, guild),
                   "guild in a coverage edge");
    if (!(g = shm_guild(shm, what->guild, h->type != RECORD_GUILD_LEFT)))
        return;
    switch (h->type) {
    case RECORD_GUILD:
        apply_guild(g, (const void *)h);
        break;
    case RECORD_ROSTER_END:
        apply_roster_end(g, what);
        break;
    case RECORD_COVERAGE:
        apply_coverage(g, (const void *)h);
        break;
    default: /* RECORD_GUILD_LEFT */
        g->flags = (g->flags & ~SHM_GUILD_AVAILABLE) | SHM_GUILD_LEFT;
        g->session = 0;
        break;
    }
}

struct seen_row *seen_apply(const struct shm *shm, const struct record_header *h, unsigned slot,
                            bool *inserted_r)
{
    *inserted_r = false;
    switch (h->type) {
    case RECORD_SIGHTING:
    case RECORD_MEMBER:
    case RECORD_MEMBER_LEFT:
    case RECORD_BOT_FLAG:
    case RECORD_VOICE:
    case RECORD_VOICE_PRESENT:
        return apply_member_record(shm, h, slot, inserted_r);
    case RECORD_GUILD:
    case RECORD_GUILD_LEFT:
    case RECORD_ROSTER_END:
    case RECORD_COVERAGE:
        apply_guild_record(shm, h);
        return NULL;
    default:
        return NULL;
    }
}

/* --- what was known before ------------------------------------------------------------------- */

/* What a record has told since the row was made is newer than the seed. */
static void merge_state(struct seen_row *row, const struct seen_seed *seed)
{
    if (!(row->flags & SEEN_ROSTER_KNOWN))
        set_flags(row, SEEN_ON_ROSTER, seed->on_roster);
    if (!(row->flags & SEEN_STATE_KNOWN)) {
        set_flags(row, SEEN_PENDING, seed->pending);
        row->member_flags = (uint16_t)seed->member_flags;
        row->last_edit = with_bits(row->last_edit, (uint16_t)seed->avatar_hash);
    }
    if (!(row->flags & SEEN_VOICE_KNOWN)) {
        row->voice_channel = seed->voice_channel.id;
        row->present_until = with_bits(row->present_until, seed->voice_state);
    }
}

void seen_merge(const struct shm *shm, struct seen_row *row, const struct seen_seed *seed)
{
    (void)shm;
    if (seed->bot > 0)
        become_bot(row);
    else if (seed->bot == 0 && !(row->flags & SEEN_BOT))
        set_flags(row, SEEN_HUMAN, true);
    if (!(row->flags & SEEN_BOT)) {
        seen_raise(row, seed->seen, seed->seen_kind, false);
        seen_raise(row, seed->counted, seed->counted_kind, true);
    }
    row->last_edit = raise_ms(row->last_edit, seed->last_edit);
    row->present_until = raise_ms(row->present_until, seed->present_until);
    merge_state(row, seed);
    set_flags(row, SEEN_RECORDED, seed->on_roster);
    set_flags(row, SEEN_CACHED, seed->cached);
    /* Whoever dies before this is asked for again. */
    atomic_thread_fence(memory_order_release);
    set_flags(row, SEEN_LOADING, false);
}
