/* Folding records into a batch (what is printed: batch_print.c). Called by flush; pure.
 * Diagnostics: none; records were checked by whoever read them from the ring or the spool. */
#include "worker/batch.h"

#include <stdlib.h>
#include <string.h>

#include "presence/activity.h"
#include "presence/route.h"
#include "worker/batch_parts.h"

#define INDEX_SIZE  32768u /* power of two, at least twice the most entries of all kinds */
#define SIGHT_BYTES 150u

struct batch *batch_new(void)
{
    struct batch *b = xcalloc(1, sizeof(*b));

    b->index = xcalloc(INDEX_SIZE, sizeof(*b->index));
    b->generation = 1;
    return b;
}

void batch_free(struct batch **batch)
{
    struct batch *b = *batch;

    if (!b)
        return;
    free(b->index);
    free(b->sightings);
    free(b->things);
    free(b->ordered);
    offsets_clear(&b->offsets);
    free(b);
    *batch = NULL;
}

void batch_reset(struct batch *b)
{
    batch_next(b);
    b->earlier_sightings = b->earlier_things = b->earlier_ordered = b->bytes = 0;
}

void batch_next(struct batch *b)
{
    b->earlier_sightings += b->n_sightings;
    b->earlier_things += b->n_things;
    b->earlier_ordered += b->n_ordered;
    b->n_sightings = b->n_things = b->n_ordered = b->records = 0;
    memset(b->n_by_tag, 0, sizeof(b->n_by_tag));
    offsets_reset(&b->offsets);
    if (++b->generation == 0) {
        memset(b->index, 0, INDEX_SIZE * sizeof(*b->index));
        b->generation = 1;
    }
}

size_t batch_records(const struct batch *b)
{
    return b->records;
}

const struct offsets *batch_offsets(const struct batch *b)
{
    return &b->offsets;
}

/* What the record can add at most to the request's size. */
static size_t cost(const struct record_header *h)
{
    return h->type == RECORD_SIGHTING ? SIGHT_BYTES : 500u + 6u * h->tail_len;
}

bool batch_room(const struct batch *b, const struct record_header *h)
{
    return b->earlier_sightings + b->n_sightings < BATCH_ROWS_MAX &&
           b->earlier_things + b->n_things < BATCH_ROWS_MAX &&
           b->earlier_ordered + b->n_ordered < BATCH_ROWS_MAX &&
           b->bytes + cost(h) <= BATCH_BYTES_MAX;
}

bool batch_full(const struct batch *b)
{
    return b->earlier_sightings + b->n_sightings >= BATCH_ROWS_SOFT ||
           b->earlier_things + b->n_things >= BATCH_ROWS_SOFT ||
           b->earlier_ordered + b->n_ordered >= BATCH_ROWS_SOFT || b->bytes >= BATCH_BYTES_SOFT;
}

/* --- the index: open addressing, forgotten by generation ------------------------------------- */

static uint64_t hash_key(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return route_mix(a ^ route_mix(b + UINT64_C(0x9e3779b97f4a7c15) * (c + 1)) ^ (d << 1));
}

static bool same_sighting(const struct batch_sighting *s, const struct record_sighting *r,
                          int64_t minute, bool counted, bool found)
{
    return s->found == found && s->guild == r->guild.id && s->user == r->user.id &&
           s->channel == r->channel.id && s->minute == minute && s->kind == r->kind &&
           s->counted == counted;
}

static struct batch_sighting *sighting_for(struct batch *b, const struct record_sighting *r)
{
    bool counted = (r->h.flags & RECORD_COUNTED) != 0, found = (r->h.flags & RECORD_FOUND) != 0;
    int64_t minute = r->at.ms / 60000;
    uint64_t at = hash_key(r->user.id, r->guild.id ^ r->channel.id, (uint64_t)minute,
                           (uint64_t)r->kind * 2 + counted);
    struct batch_sighting *s;

    for (;; at++) {
        struct batch_index *x = &b->index[at % INDEX_SIZE];

        if (x->generation != b->generation) {
            *x = (struct batch_index){b->generation, 0, (uint32_t)b->n_sightings};
            break;
        }
        if (x->tag == 0 && same_sighting(&b->sightings[x->at], r, minute, counted, found))
            return &b->sightings[x->at];
    }
    if (b->n_sightings == b->cap_sightings) {
        b->cap_sightings = b->cap_sightings ? b->cap_sightings * 2 : 256;
        b->sightings = xrealloc(b->sightings, b->cap_sightings * sizeof(*b->sightings));
    }
    s = &b->sightings[b->n_sightings++];
    *s = (struct batch_sighting){.guild = r->guild.id,
                                 .user = r->user.id,
                                 .channel = r->channel.id,
                                 .minute = minute,
                                 .first = r->at.ms,
                                 .last = r->at.ms,
                                 .kind = r->kind,
                                 .counted = counted,
                                 .found = found};
    b->bytes += SIGHT_BYTES;
    return s;
}

static struct batch_thing *thing_for(struct batch *b, enum batch_tag tag, snowflake_t guild,
                                     snowflake_t id)
{
    uint64_t at = hash_key(id.id, guild.id, tag, 1);
    struct batch_thing *t;

    for (;; at++) {
        struct batch_index *x = &b->index[at % INDEX_SIZE];

        if (x->generation != b->generation) {
            *x = (struct batch_index){b->generation, (uint16_t)tag, (uint32_t)b->n_things};
            break;
        }
        t = x->tag == tag ? &b->things[x->at] : NULL;
        if (t && t->guild.id == guild.id && t->id.id == id.id)
            return t;
    }
    if (b->n_things == b->cap_things) {
        b->cap_things = b->cap_things ? b->cap_things * 2 : 64;
        b->things = xrealloc(b->things, b->cap_things * sizeof(*b->things));
    }
    t = &b->things[b->n_things++];
    *t = (struct batch_thing){.tag = tag, .guild = guild, .id = id, .bot = -1, .there = -1};
    b->n_by_tag[tag]++;
    return t;
}

/* --- folding --------------------------------------------------------------------------------- */

static void later(struct batch_thing *t, unixms_t at)
{
    t->at = unixms_max(t->at, at);
}

static void fold_bot(struct batch_thing *t, uint16_t flags)
{
    if (flags & (RECORD_IS_BOT | RECORD_IS_HUMAN))
        t->bot = (flags & RECORD_IS_BOT) != 0;
}

static void fold_sighting(struct batch *b, const struct record_sighting *r)
{
    struct batch_sighting *s = sighting_for(b, r);

    s->count += !s->found;
    if (r->at.ms < s->first)
        s->first = r->at.ms;
    if (r->at.ms > s->last)
        s->last = r->at.ms;
    if (r->kind == ACTIVITY_EDIT) {
        struct batch_thing *t = thing_for(b, TAG_MEMBER, r->guild, r->user);

        later(t, r->at);
        t->extra = unixms_max(t->extra, r->at);
        b->bytes += 200;
    }
}

static void fold_member(struct batch *b, const struct record_member *r)
{
    struct batch_thing *t = thing_for(b, TAG_MEMBER, r->guild, r->user);

    later(t, r->at);
    fold_bot(t, r->h.flags);
    if (r->state & MEMBER_PARTIAL) {
        t->partial = &r->h;
        if (r->state & MEMBER_HAS_ROLES) /* a member object was there */
            t->there = 1;
        return;
    }
    t->full = &r->h;
    t->partial = NULL;
    t->there = 1;
}

static void fold_guild(struct batch *b, const struct record_guild *r)
{
    struct batch_thing *t = thing_for(b, TAG_GUILD, r->guild, SNOWFLAKE_NONE);

    later(t, r->at);
    t->available = r->available ? 1 : 2;
    t->there = 1;
    if (r->available)
        t->full = &r->h;
}

static void fold_state(struct batch *b, enum batch_tag tag, snowflake_t guild, snowflake_t id,
                       unixms_t at, const struct record_header *full)
{
    struct batch_thing *t = thing_for(b, tag, guild, id);

    later(t, at);
    t->there = full != NULL;
    if (full)
        t->full = full;
}

static void fold_subject(struct batch *b, const struct record_subject *r)
{
    struct batch_thing *t;

    switch (r->h.type) {
    case RECORD_MEMBER_LEFT:
        fold_state(b, TAG_MEMBER, r->guild, r->user, r->at, NULL);
        break;
    case RECORD_BOT_FLAG:
        t = thing_for(b, TAG_MEMBER, r->guild, r->user);
        later(t, r->at);
        fold_bot(t, r->h.flags);
        break;
    case RECORD_ROSTER_END:
        later(thing_for(b, TAG_ROSTER, r->guild, SNOWFLAKE_NONE), r->at);
        break;
    case RECORD_GUILD_LEFT:
        fold_state(b, TAG_GUILD, r->guild, SNOWFLAKE_NONE, r->at, NULL);
        break;
    case RECORD_CHANNEL_GONE:
        fold_state(b, TAG_CHANNEL, r->guild, r->other, r->at, NULL);
        break;
    case RECORD_ROLE_GONE:
        fold_state(b, TAG_ROLE, r->guild, r->other, r->at, NULL);
        break;
    case RECORD_VOICE_PRESENT:
        later(thing_for(b, TAG_PRESENT, r->guild, r->user), r->at);
        break;
    case RECORD_VOICE_SYNC:
        later(thing_for(b, TAG_VOICE_SYNC, r->guild, SNOWFLAKE_NONE), r->at);
        break;
    case RECORD_COMPLETE:
        for (uint64_t part = PART_CHANNELS; part <= PART_ROLES; part <<= 1)
            if (r->other.id & part)
                later(thing_for(b, TAG_COMPLETE, r->guild, (snowflake_t){part}), r->at);
        break;
    default:
        break;
    }
}

static void keep_in_order(struct batch *b, const struct record_header *h)
{
    if (b->n_ordered == b->cap_ordered) {
        b->cap_ordered = b->cap_ordered ? b->cap_ordered * 2 : 64;
        b->ordered = xrealloc(b->ordered, b->cap_ordered * sizeof(*b->ordered));
    }
    b->ordered[b->n_ordered++] = h;
}

static void fold(struct batch *b, const struct record_header *h)
{
    const struct record_channel *channel = (const void *)h;
    const struct record_role *role = (const void *)h;

    switch (h->type) {
    case RECORD_MEMBER:
        fold_member(b, (const void *)h);
        break;
    case RECORD_GUILD:
        fold_guild(b, (const void *)h);
        break;
    case RECORD_CHANNEL:
        fold_state(b, TAG_CHANNEL, channel->guild, channel->channel, channel->at, h);
        break;
    case RECORD_ROLE:
        fold_state(b, TAG_ROLE, role->guild, role->role, role->at, h);
        break;
    case RECORD_VOICE:
    case RECORD_COVERAGE:
    case RECORD_SESSION:
        keep_in_order(b, h);
        break;
    default:
        fold_subject(b, (const void *)h);
        break;
    }
}

void batch_add(struct batch *b, const struct record_header *h)
{
    if (h->type == RECORD_PAD)
        return;
    b->records++;
    if ((h->flags & RECORD_EVENT_END) && h->session)
        offsets_raise(&b->offsets, h->session, h->seq);
    if (h->type == RECORD_EVENT)
        return;
    if (h->type == RECORD_SIGHTING) {
        fold_sighting(b, (const void *)h);
        return;
    }
    b->bytes += cost(h);
    fold(b, h);
}

void batch_each_member(const struct batch *b,
                       void (*each)(void *arg, snowflake_t guild, snowflake_t user), void *arg)
{
    for (size_t i = 0; i < b->n_sightings; i++)
        each(arg, (snowflake_t){b->sightings[i].guild}, (snowflake_t){b->sightings[i].user});
    for (size_t i = 0; i < b->n_things; i++)
        if (b->things[i].tag == TAG_MEMBER || b->things[i].tag == TAG_PRESENT)
            each(arg, b->things[i].guild, b->things[i].id);
    for (size_t i = 0; i < b->n_ordered; i++)
        if (b->ordered[i]->type == RECORD_VOICE) {
            const struct record_voice *v = (const void *)b->ordered[i];

            each(arg, v->guild, v->user);
        }
}
