/* The last-seen table: finding, inserting, evicting and raising rows. Called by workers for the
 * guilds of the lanes they own; folding records into it is seen_apply.c's. Layout and protocol:
 * seen_shm.h.
 *
 * Diagnostics: a full pair of buckets is told by NULL. */
#include "presence/seen.h"

#include <string.h>

#include "core/seen_internal.h"

#define CANDIDATES (2 * SHM_BUCKET_ROWS)
#define STAMP_MS   256
#define LOW_BYTES  UINT64_C(0x0101010101010101)

/* Where a key may live. */
struct place {
    uint64_t bucket[2];
    uint64_t hash;
    uint8_t tag; /* never 0 */
};

static uint64_t row_guild(const struct seen_row *row)
{
    return __atomic_load_n(&row->guild, __ATOMIC_RELAXED);
}

static uint64_t row_user(const struct seen_row *row)
{
    return __atomic_load_n(&row->user, __ATOMIC_RELAXED);
}

static uint32_t state_of(const struct seen_row *row)
{
    return atomic_load_explicit(&row->state, memory_order_acquire);
}

static bool is_live(uint32_t state)
{
    return (state & 0xff) == SEEN_LIVE;
}

static struct seen_row *table_rows(const struct shm *shm)
{
    return shm_at(shm, shm->header->rows_offset);
}

static uint64_t *tag_word(const struct shm *shm, uint64_t bucket)
{
    return (uint64_t *)shm_at(shm, shm->header->tags_offset) + bucket;
}

/* Two buckets from two halves of one hash; multiply-shift, since their number is no power of two.
 */
static struct place place_of(const struct shm *shm, uint64_t guild, uint64_t user)
{
    uint64_t buckets = shm->header->rows / SHM_BUCKET_ROWS;
    uint64_t hash = route_mix(guild ^ (user << 32 | user >> 32));
    struct place p = {.hash = hash, .tag = (uint8_t)hash};

    p.bucket[0] = ((hash >> 32) * buckets) >> 32;
    p.bucket[1] = ((hash & UINT32_MAX) * buckets) >> 32;
    if (p.bucket[1] == p.bucket[0])
        p.bucket[1] = p.bucket[0] + 1 == buckets ? 0 : p.bucket[0] + 1;
    if (p.tag == 0)
        p.tag = 1;
    return p;
}

/* --- tags ------------------------------------------------------------------------------------ */

/* Bytes of the word that may equal the tag have their top bit set in the answer; the lowest one set
 * is exact, those above it may be wrong, which a look at the row settles. */
static uint64_t tags_like(uint64_t word, uint8_t tag)
{
    uint64_t x = word ^ (LOW_BYTES * tag);

    return (x - LOW_BYTES) & ~x & (LOW_BYTES << 7);
}

static void set_tag(const struct shm *shm, const struct seen_row *row, uint8_t tag)
{
    uint64_t index = (uint64_t)(row - table_rows(shm));
    unsigned shift = (unsigned)(index % SHM_BUCKET_ROWS) * 8;
    uint64_t *word = tag_word(shm, index / SHM_BUCKET_ROWS);
    uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), wanted;

    do
        wanted = (old & ~(UINT64_C(0xff) << shift)) | (uint64_t)tag << shift;
    while (
        !__atomic_compare_exchange_n(word, &old, wanted, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* --- finding --------------------------------------------------------------------------------- */

static struct seen_row *find_in_bucket(const struct shm *shm, uint64_t bucket, uint8_t tag,
                                       uint64_t guild, uint64_t user)
{
    uint64_t word = __atomic_load_n(tag_word(shm, bucket), __ATOMIC_ACQUIRE);

    for (uint64_t hits = tags_like(word, tag); hits; hits &= hits - 1) {
        unsigned i = (unsigned)__builtin_ctzll(hits) / 8;
        struct seen_row *row = table_rows(shm) + bucket * SHM_BUCKET_ROWS + i;

        if (is_live(state_of(row)) && row_guild(row) == guild && row_user(row) == user)
            return row;
    }
    return NULL;
}

static struct seen_row *find_at(const struct shm *shm, const struct place *p, uint64_t guild,
                                uint64_t user)
{
    struct seen_row *row;

    __builtin_prefetch(tag_word(shm, p->bucket[1]));
    row = find_in_bucket(shm, p->bucket[0], p->tag, guild, user);
    return row ? row : find_in_bucket(shm, p->bucket[1], p->tag, guild, user);
}

struct seen_row *seen_find(const struct shm *shm, snowflake_t guild, snowflake_t user)
{
    struct place p = place_of(shm, guild.id, user.id);

    return find_at(shm, &p, guild.id, user.id);
}

/* --- claiming and evicting ------------------------------------------------------------------- */

static struct seen_row *candidate(const struct shm *shm, const struct place *p, unsigned i)
{
    return table_rows(shm) + p->bucket[i / SHM_BUCKET_ROWS % 2] * SHM_BUCKET_ROWS +
           i % SHM_BUCKET_ROWS;
}

static uint32_t claimed_by(unsigned slot)
{
    return SEEN_CLAIMED | (slot & 0xff) << 8;
}

/* Top bit of each byte whose tag is 0: rows that look empty. Exact, unlike tags_like. */
static uint64_t empty_tags(const struct shm *shm, uint64_t bucket)
{
    uint64_t word = __atomic_load_n(tag_word(shm, bucket), __ATOMIC_ACQUIRE);
    uint64_t low7 = LOW_BYTES * 0x7f;

    return ~(((word & low7) + low7) | word | low7);
}

/* The less filled of the two: that choice is what lets both fill up. */
static unsigned roomier(const struct shm *shm, const struct place *p)
{
    return __builtin_popcountll(empty_tags(shm, p->bucket[0])) >=
                   __builtin_popcountll(empty_tags(shm, p->bucket[1]))
               ? 0
               : 1;
}

static struct seen_row *claim_in_bucket(const struct shm *shm, uint64_t bucket, uint64_t free,
                                        unsigned slot)
{
    for (; free; free &= free - 1) {
        unsigned i = (unsigned)__builtin_ctzll(free) / 8;
        struct seen_row *row = table_rows(shm) + bucket * SHM_BUCKET_ROWS + i;
        uint32_t empty = SEEN_EMPTY;

        /* Owners of other lanes look for rows here too. */
        if (atomic_compare_exchange_strong_explicit(&row->state, &empty, claimed_by(slot),
                                                    memory_order_acq_rel, memory_order_relaxed))
            return row;
    }
    return NULL;
}

/* An empty row, claimed. */
static struct seen_row *claim_empty(const struct shm *shm, const struct place *p, unsigned slot)
{
    unsigned first = roomier(shm, p);
    struct seen_row *row =
        claim_in_bucket(shm, p->bucket[first], empty_tags(shm, p->bucket[first]), slot);

    return row ? row
               : claim_in_bucket(shm, p->bucket[!first], empty_tags(shm, p->bucket[!first]), slot);
}

/* Loads the rows that bits tell of. A prefetch would not do: processors drop one whose page they do
 * not know the address of, and in a large table that is most of them. */
static void load_rows(const struct shm *shm, uint64_t bucket, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        (void)*(volatile const uint64_t *)&table_rows(
            shm)[bucket * SHM_BUCKET_ROWS + (unsigned)__builtin_ctzll(bits) / 8]
            .guild;
}

/* The row, if it is there; otherwise the one that it will most likely get. */
static void load_row(const struct shm *shm, const struct place *p)
{
    uint64_t hits[2], free;
    unsigned roomy;

    for (unsigned b = 0; b < 2; b++) {
        hits[b] = tags_like(__atomic_load_n(tag_word(shm, p->bucket[b]), __ATOMIC_RELAXED), p->tag);
        load_rows(shm, p->bucket[b], hits[b]);
    }
    if (hits[0] | hits[1])
        return;
    roomy = roomier(shm, p);
    free = empty_tags(shm, p->bucket[roomy]);
    load_rows(shm, p->bucket[roomy], free & -free);
}

/* No load waits for another but a row's for its tags', so that they are under way together. */
void seen_fetch(const struct shm *shm, const struct seen_key *keys, size_t n)
{
    struct place places[SEEN_FETCH_MAX];

    for (size_t i = 0; i < n; i++) {
        places[i] = place_of(shm, keys[i].guild.id, keys[i].user.id);
        (void)*(volatile const uint64_t *)tag_word(shm, places[i].bucket[0]);
        (void)*(volatile const uint64_t *)tag_word(shm, places[i].bucket[1]);
    }
    for (size_t i = 0; i < n; i++)
        load_row(shm, &places[i]);
}

/* The stamp counts STAMP_MS; two of slack cover the coarse clock and the rounding. A stamp between
 * the durable time and now is not durable; one elsewhere is older than the durable time, however
 * often 16 bits may have gone round since. */
static bool is_durable(uint32_t state, int64_t durable_ms, int64_t now_ms)
{
    int64_t begin = durable_ms / STAMP_MS - 2, end = now_ms / STAMP_MS + 2;
    uint16_t ahead = (uint16_t)((state >> 16) - (uint32_t)begin);

    return durable_ms > 0 && ahead > end - begin;
}

struct hand {
    const struct shm *shm;
    uint32_t owner; /* of the lane that wants room */
    int64_t now_ms;
};

/* May the row be taken away by the process that wants room? Judges rows of its own lanes only: any
 * other may change while it is looked at. */
static bool may_evict(const struct hand *hand, const struct seen_row *row)
{
    uint32_t state = state_of(row);
    uint64_t guild = row_guild(row);
    const struct shm_lane *lane;

    if (!is_live(state) || guild == 0)
        return false;
    lane = shm_lane(hand->shm, route_lane((snowflake_t){guild}));
    if (atomic_load_explicit(&lane->owner, memory_order_acquire) != hand->owner)
        return false;
    if ((row->flags & (SEEN_LOADING | SEEN_LOOKED_UP)) || row->voice_channel)
        return false;
    return is_durable(state, atomic_load_explicit(&lane->durable_ms, memory_order_acquire),
                      hand->now_ms);
}

/* One that was not used since the candidates were last swept; if all were, any, and all are swept.
 * Bots last: their rows spare a look-up per event. Where to begin is chance, so that no position is
 * taken more often. */
static struct seen_row *choose_victim(const struct hand *hand, const struct place *p)
{
    struct seen_row *spare = NULL, *swept[CANDIDATES];
    unsigned n = 0;

    for (unsigned i = 0; i < CANDIDATES; i++) {
        struct seen_row *row = candidate(hand->shm, p, (unsigned)(p->hash >> 16) + i);

        if (!may_evict(hand, row))
            continue;
        if (!(row->flags & (SEEN_REFERENCED | SEEN_BOT)))
            return row;
        if (!spare || ((spare->flags & SEEN_BOT) && !(row->flags & SEEN_BOT)))
            spare = row;
        swept[n++] = row;
    }
    while (n > 0)
        swept[--n]->flags &= (uint16_t)~SEEN_REFERENCED;
    return spare;
}

/* Makes a claimed row blank; the key comes last of all. */
static void blank(struct seen_row *row)
{
    __atomic_store_n(&row->guild, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&row->user, 0, __ATOMIC_RELAXED);
    atomic_store_explicit(&row->seen, 0, memory_order_relaxed);
    atomic_store_explicit(&row->counted, 0, memory_order_relaxed);
    row->present_until = row->voice_channel = row->last_edit = 0;
    row->flags = row->member_flags = 0;
}

static _Atomic uint64_t *let_go_word(const struct shm *shm, uint64_t guild, uint64_t user,
                                     uint64_t *bit_r)
{
    uint64_t at = route_mix(user ^ (guild << 32 | guild >> 32)) % SHM_LET_GO_BITS;

    *bit_r = UINT64_C(1) << at % 64;
    return &shm_lane(shm, route_lane((snowflake_t){guild}))->let_go[at / 64];
}

static void let_go(const struct shm *shm, uint64_t guild, uint64_t user)
{
    uint64_t bit;
    _Atomic uint64_t *word = let_go_word(shm, guild, user, &bit);

    atomic_fetch_or_explicit(word, bit, memory_order_release);
}

bool seen_let_go(const struct shm *shm, snowflake_t guild, snowflake_t user)
{
    uint64_t bit;
    _Atomic uint64_t *word = let_go_word(shm, guild.id, user.id, &bit);

    return atomic_load_explicit(word, memory_order_acquire) & bit;
}

static struct seen_row *evict(const struct shm *shm, const struct place *p, snowflake_t guild,
                              unsigned slot)
{
    struct hand hand = {.shm = shm, .now_ms = clock_mono().ms};
    struct seen_row *row;

    hand.owner =
        atomic_load_explicit(&shm_lane(shm, route_lane(guild))->owner, memory_order_acquire);
    if (!(row = choose_victim(&hand, p)))
        return NULL;
    let_go(shm, row_guild(row), row_user(row));
    atomic_store_explicit(&row->state, claimed_by(slot), memory_order_release);
    set_tag(shm, row, 0);
    blank(row);
    shm_count(shm, SHM_COUNT_EVICTIONS, 1);
    shm_count(shm, SHM_COUNT_ROWS_LIVE, UINT64_MAX);
    return row;
}

/* --- inserting and erasing ------------------------------------------------------------------- */

void seen_stamp(struct seen_row *row)
{
    uint32_t stamp = (uint32_t)(clock_mono_coarse().ms / STAMP_MS);

    atomic_store_explicit(&row->state, SEEN_LIVE | (stamp & 0xffff) << 16, memory_order_release);
}

struct seen_row *seen_touch(const struct shm *shm, snowflake_t guild, snowflake_t user,
                            unsigned slot, bool *inserted_r)
{
    struct place p = place_of(shm, guild.id, user.id);
    struct seen_row *row = find_at(shm, &p, guild.id, user.id);

    *inserted_r = false;
    if (row) {
        row->flags |= SEEN_REFERENCED;
        return row;
    }
    if (!(row = claim_empty(shm, &p, slot)) && !(row = evict(shm, &p, guild, slot))) {
        let_go(shm, guild.id, user.id);
        shm_count(shm, SHM_COUNT_NO_ROOM, 1);
        return NULL;
    }
    row->flags = SEEN_LOADING | SEEN_REFERENCED;
    __atomic_store_n(&row->guild, guild.id, __ATOMIC_RELAXED);
    __atomic_store_n(&row->user, user.id, __ATOMIC_RELAXED);
    set_tag(shm, row, p.tag);
    seen_stamp(row);
    shm_count(shm, SHM_COUNT_ROWS_LIVE, 1);
    *inserted_r = true;
    return row;
}

void seen_erase(const struct shm *shm, struct seen_row *row)
{
    uint32_t owner;

    if (!is_live(state_of(row)))
        return;
    owner = atomic_load_explicit(&shm_lane(shm, route_lane((snowflake_t){row_guild(row)}))->owner,
                                 memory_order_relaxed);
    let_go(shm, row_guild(row), row_user(row));
    atomic_store_explicit(&row->state, claimed_by(owner - 1), memory_order_release);
    set_tag(shm, row, 0);
    blank(row);
    atomic_store_explicit(&row->state, SEEN_EMPTY, memory_order_release);
    shm_count(shm, SHM_COUNT_ROWS_LIVE, UINT64_MAX);
}

bool seen_forget(const struct shm *shm, struct seen_row *row, bool committed)
{
    uint32_t state = state_of(row);
    const struct shm_lane *lane = shm_lane(shm, route_lane((snowflake_t){row_guild(row)}));
    bool durable = committed ||
                   is_durable(state, atomic_load_explicit(&lane->durable_ms, memory_order_acquire),
                              clock_mono().ms);

    if (!is_live(state))
        return true;
    row->flags &= (uint16_t)~SEEN_RECORDED;
    if (!durable || row->flags & SEEN_LOADING)
        return false;
    if (!row->voice_channel) {
        seen_erase(shm, row);
        return true;
    }
    atomic_store(&row->seen, 0);
    atomic_store(&row->counted, 0);
    return true;
}

static bool is_claim_of(uint32_t state, unsigned slot)
{
    return slot == SEEN_ANY_SLOT ? (state & 0xff) == SEEN_CLAIMED : state == claimed_by(slot);
}

void seen_release_claims(const struct shm *shm, unsigned slot)
{
    for (uint64_t i = 0; i < shm->header->rows; i++) {
        struct seen_row *row = table_rows(shm) + i;

        if (!is_claim_of(state_of(row), slot))
            continue;
        set_tag(shm, row, 0);
        blank(row);
        atomic_store_explicit(&row->state, SEEN_EMPTY, memory_order_release);
    }
}

void seen_each(const struct shm *shm, bool (*each)(void *arg, struct seen_row *row), void *arg)
{
    for (uint64_t i = 0; i < shm->header->rows; i++) {
        struct seen_row *row = table_rows(shm) + i;

        if (is_live(state_of(row)) && !each(arg, row))
            return;
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static void raise_to(_Atomic uint64_t *value, uint64_t to)
{
    uint64_t old = atomic_load_explicit(value, memory_order_relaxed);

    while (old < to && !atomic_compare_exchange_weak_explicit(value, &old, to, memory_order_release,
                                                              memory_order_relaxed))
        ;
}

void seen_raise(struct seen_row *row, unixms_t at, uint16_t kind, bool counted)
{
    uint64_t packed;

    if (at.ms <= 0)
        return;
    packed = SEEN_PACK(at.ms, kind);
    raise_to(&row->seen, packed);
    if (counted)
        raise_to(&row->counted, packed);
}

void seen_set_durable(const struct shm *shm, unsigned lane, unixms_t durable)
{
    /* The wall clock may jump; how long ago `durable` was does not. */
    int64_t ago = clock_unix().ms - durable.ms, mono = clock_mono().ms;

    atomic_store_explicit(&shm_lane(shm, lane)->durable_ms, mono - (ago > 0 ? ago : 0),
                          memory_order_release);
}

/* A commit rarely covers all that was appended when it ends. So a pair of head and time is kept:
 * once that head is committed, so is all that was folded in until that time, and the next pair is
 * taken. */
void seen_committed(const struct shm *shm, unsigned lane, uint64_t position)
{
    struct shm_lane *l = shm_lane(shm, lane);

    if (position < l->check_head)
        return;
    atomic_store_explicit(&l->durable_ms, l->check_ms, memory_order_release);
    l->check_head = atomic_load_explicit(&l->head, memory_order_acquire);
    l->check_ms = clock_mono().ms;
}
