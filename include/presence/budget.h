/* What all processes of one bot share towards Discord's REST API: the global limit, a global 429,
 * the count of invalid requests, a token that was refused. Source: Discord rest.md, "Rate limits".
 *
 * struct budget lies in shared memory (all zero: nothing happened yet) or in a process's own. Every
 * word is changed by one atomic operation, so a process may die at any instruction and leaves
 * nothing to be cleaned up. Times are of the monotonic clock, which all processes of a machine
 * share; a word that lies impossibly far ahead (an older boot) counts as past. */
#ifndef PRESENCE_BUDGET_H
#define PRESENCE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Discord allows 50 requests in a second. Ours are spread: at most BUDGET_PER_SECOND go out in the
 * long run, and no second, wherever it begins, sees more than that plus BUDGET_BURST plus one. */
#define BUDGET_PER_SECOND 40
#define BUDGET_BURST      8 /* for answers */
#define BUDGET_BURST_BULK 2 /* for bulk work: the rest of the burst is the answers' */

/* Discord bans an address after 10,000 invalid requests in 10 minutes. */
#define BUDGET_INVALID_SEC  600
#define BUDGET_INVALID_BULK 500  /* from here on bulk work waits */
#define BUDGET_INVALID_ALL  2500 /* from here on everything waits */
#define BUDGET_SLOT_SEC     30
#define BUDGET_SLOTS        32u /* more than cover the time counted */

enum budget_lane { BUDGET_ANSWERS, BUDGET_BULK };

struct budget {
    _Alignas(64) _Atomic int64_t next_us; /* when a steady sender would send the next one */
    _Atomic int64_t blocked_until_ms[2];  /* by enum budget_block */
    _Atomic uint64_t refused_token;       /* digest of a token that got 401; 0 = none */
    _Alignas(64) _Atomic uint64_t invalid[BUDGET_SLOTS]; /* number of the slot << 32 | count */
};

/* Asks for a place among all requests. 0: taken; otherwise how long to wait in ms (at least 1). */
int64_t budget_take(struct budget *budget, enum budget_lane lane, int64_t now_us);

enum budget_block {
    BUDGET_GLOBAL, /* a global 429: answers to interactions are not concerned */
    BUDGET_BAN     /* the address is banned: nothing gets through */
};

/* Nothing of the kind goes out before now_ms + for_ms; an earlier, longer block stays. */
void budget_block(struct budget *budget, enum budget_block block, int64_t for_ms, int64_t now_ms);
/* ms left of the block; 0 = none. */
int64_t budget_blocked(const struct budget *budget, enum budget_block block, int64_t now_ms);

/* Counts a 401, a 403 or a 429 that is not shared. */
void budget_invalid(struct budget *budget, int64_t now_ms);
/* Of the last BUDGET_INVALID_SEC, and up to BUDGET_SLOT_SEC more. */
uint32_t budget_invalid_count(const struct budget *budget, int64_t now_ms);
/* How long the lane must not send because of that count; 0 = it may. */
int64_t budget_brake(const struct budget *budget, enum budget_lane lane, int64_t now_ms);

/* A token that Discord refused is of no use to any process until it is replaced. digest: never 0.
 */
void budget_refuse_token(struct budget *budget, uint64_t digest);
/* Somebody acted: it may be tried again. */
void budget_trust_token(struct budget *budget, uint64_t digest);
bool budget_token_refused(const struct budget *budget, uint64_t digest);

#endif
