/* The shared budget towards Discord's REST API. Called by the REST clients of all processes.
 * Diagnostics: none; waiting is the answer. */
#include "presence/budget.h"

#define SPACING_US  (1000000 / BUDGET_PER_SECOND)
#define AHEAD_US    (10 * 1000000)      /* next_us is never honestly further ahead */
#define BLOCK_MS    (INT64_C(86400000)) /* nor blocked_until_ms */
#define SLOT_MS     (BUDGET_SLOT_SEC * 1000)
#define SLOTS_COUNT (BUDGET_INVALID_SEC / BUDGET_SLOT_SEC + 1) /* the current one is not full */

_Static_assert(SLOTS_COUNT <= BUDGET_SLOTS, "a slot is not reused while it counts");
_Static_assert(BUDGET_PER_SECOND + BUDGET_BURST + 1 < 50, "below Discord's limit in any second");

/* --- the global limit ------------------------------------------------------------------------- */

/* The generic cell rate algorithm: one word says when a steady sender's next turn would be; who
 * comes earlier than that by no more than the burst takes a turn and moves it on. */
int64_t budget_take(struct budget *b, enum budget_lane lane, int64_t now_us)
{
    int64_t burst_us =
        (int64_t)SPACING_US * (lane == BUDGET_ANSWERS ? BUDGET_BURST : BUDGET_BURST_BULK);
    int64_t seen = atomic_load(&b->next_us), from;

    do {
        from = seen > now_us && seen <= now_us + AHEAD_US ? seen : now_us;
        if (from - now_us > burst_us)
            return (from - now_us - burst_us + 999) / 1000;
    } while (!atomic_compare_exchange_weak(&b->next_us, &seen, from + SPACING_US));
    return 0;
}

void budget_block(struct budget *b, enum budget_block block, int64_t for_ms, int64_t now_ms)
{
    _Atomic int64_t *word = &b->blocked_until_ms[block];
    int64_t until_ms = now_ms + (for_ms > BLOCK_MS ? BLOCK_MS : for_ms);
    int64_t seen = atomic_load(word);

    do {
        if (seen >= until_ms && seen <= now_ms + BLOCK_MS)
            return;
    } while (!atomic_compare_exchange_weak(word, &seen, until_ms));
}

int64_t budget_blocked(const struct budget *b, enum budget_block block, int64_t now_ms)
{
    int64_t left_ms = atomic_load(&b->blocked_until_ms[block]) - now_ms;

    return left_ms > 0 && left_ms <= BLOCK_MS ? left_ms : 0;
}

/* --- invalid requests ------------------------------------------------------------------------- */

static uint32_t slot_number(int64_t now_ms)
{
    return (uint32_t)(now_ms / SLOT_MS) + 1; /* never 0, which an unused word has */
}

void budget_invalid(struct budget *b, int64_t now_ms)
{
    uint32_t number = slot_number(now_ms);
    _Atomic uint64_t *word = &b->invalid[number % BUDGET_SLOTS];
    uint64_t seen = atomic_load(word), next;

    do {
        next = (seen >> 32 == number ? seen : (uint64_t)number << 32) + 1;
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

/* Of the slots that are `back` to 0 slots old. */
static uint32_t sum_of(const struct budget *b, uint32_t now_slot, uint32_t back)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < BUDGET_SLOTS; i++) {
        uint64_t word = atomic_load(&b->invalid[i]);

        if ((uint32_t)(word >> 32) != 0 && now_slot - (uint32_t)(word >> 32) <= back)
            sum += (uint32_t)word;
    }
    return sum;
}

uint32_t budget_invalid_count(const struct budget *b, int64_t now_ms)
{
    return sum_of(b, slot_number(now_ms), SLOTS_COUNT - 1);
}

int64_t budget_brake(const struct budget *b, enum budget_lane lane, int64_t now_ms)
{
    uint32_t most = lane == BUDGET_BULK ? BUDGET_INVALID_BULK : BUDGET_INVALID_ALL;
    uint32_t number = slot_number(now_ms), back = SLOTS_COUNT - 1;

    /* As many slots must grow too old as hold what is too much. */
    while (back != UINT32_MAX && sum_of(b, number, back) >= most)
        back--;
    if (back == SLOTS_COUNT - 1)
        return 0;
    return (int64_t)(SLOTS_COUNT - 1 - back) * SLOT_MS - now_ms % SLOT_MS;
}

/* --- the token -------------------------------------------------------------------------------- */

void budget_refuse_token(struct budget *b, uint64_t digest)
{
    atomic_store(&b->refused_token, digest);
}

void budget_trust_token(struct budget *b, uint64_t digest)
{
    atomic_compare_exchange_strong(&b->refused_token, &digest, 0);
}

bool budget_token_refused(const struct budget *b, uint64_t digest)
{
    return atomic_load(&b->refused_token) == digest;
}
