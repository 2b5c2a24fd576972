/* The limiters. Called by the REST client.
 * Diagnostics: none; waiting is the answer. */
#include "presence/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "presence/buf.h"

#define SLOTS     1024u /* of the hash of limiters */
#define NAMES_MAX 1024u /* templates and buckets together; beyond it buckets are not learnt */
#define SWEEP_MIN                                                                                  \
    2048u /* limiters; beyond it, and twice what was left, idle ones are forgotten                 \
           */

/* A template, or the name of a bucket. */
struct name {
    char text[BUCKETS_TEMPLATE_SIZE];
    uint32_t bucket; /* of a template: where its limiters are now; at first itself */
};

struct limiter {
    struct limiter *next;
    uint32_t name;
    uint64_t major;
    int limit, remaining; /* -1 = not known */
    int in_flight;
    bool unlimited; /* answers of success told nothing of limits */
    int64_t reset_at_ms;
    int64_t reset_id;  /* the window's end by Discord's clock, in ms; 0 = not told */
    int64_t window_ms; /* the longest reset-after seen: after a reset nobody has told the next */
    int64_t blocked_until_ms; /* by a 429 */
};

struct buckets_ticket {
    struct limiter *limiter;
    uint32_t template;
};

struct buckets {
    struct name *names;
    uint32_t n_names;
    struct limiter *slots[SLOTS];
    size_t count, sweep_at;
    struct buckets_ticket **tickets; /* all that are out */
    size_t n_tickets, cap_tickets;
};

/* --- names ------------------------------------------------------------------------------------ */

/* NAMES_MAX if there is no room for one more. */
static uint32_t name_of(struct buckets *b, const char *text)
{
    for (uint32_t i = 0; i < b->n_names; i++)
        if (!strcmp(b->names[i].text, text))
            return i;
    if (b->n_names == NAMES_MAX)
        return NAMES_MAX;
    memcpy(b->names[b->n_names].text, text, strlen(text) + 1);
    b->names[b->n_names].bucket = b->n_names;
    return b->n_names++;
}

/* --- limiters --------------------------------------------------------------------------------- */

static struct limiter **slot_of(struct buckets *b, uint32_t name, uint64_t major)
{
    uint64_t h = (major ^ name * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);

    return &b->slots[(h >> 32) % SLOTS];
}

static struct limiter *find(struct buckets *b, uint32_t name, uint64_t major)
{
    for (struct limiter *l = *slot_of(b, name, major); l; l = l->next)
        if (l->name == name && l->major == major)
            return l;
    return NULL;
}

static void insert(struct buckets *b, struct limiter *l)
{
    struct limiter **slot = slot_of(b, l->name, l->major);

    l->next = *slot;
    *slot = l;
}

static void take_out(struct buckets *b, struct limiter *l)
{
    struct limiter **at = slot_of(b, l->name, l->major);

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

/* Forgets limiters about which nothing is left to be known. */
static void sweep(struct buckets *b, int64_t now_ms)
{
    for (size_t i = 0; i < SLOTS; i++)
        for (struct limiter **at = &b->slots[i]; *at;) {
            struct limiter *l = *at;

            if (l->in_flight > 0 || l->reset_at_ms > now_ms || l->blocked_until_ms > now_ms) {
                at = &l->next;
                continue;
            }
            *at = l->next;
            free(l);
            b->count--;
        }
    b->sweep_at = b->count * 2 > SWEEP_MIN ? b->count * 2 : SWEEP_MIN;
}

static struct limiter *limiter_for(struct buckets *b, uint32_t name, uint64_t major, int64_t now_ms)
{
    struct limiter *l = find(b, name, major);

    if (l)
        return l;
    if (b->count >= b->sweep_at)
        sweep(b, now_ms);
    l = xcalloc(1, sizeof(*l));
    *l = (struct limiter){.name = name, .major = major, .limit = -1, .remaining = -1};
    insert(b, l);
    b->count++;
    return l;
}

/* The window is over: the whole limit is there again, but for what is under way. */
static void refill(struct limiter *l, int64_t now_ms)
{
    int left = l->limit - l->in_flight;

    if (l->remaining < 0 || l->reset_at_ms > now_ms)
        return;
    l->remaining = left > 0 ? left : l->in_flight == 0;
    l->reset_at_ms = now_ms + l->window_ms;
    l->reset_id = 0;
}

/* --- tickets ---------------------------------------------------------------------------------- */

static struct buckets_ticket *issue(struct buckets *b, struct limiter *l, uint32_t template)
{
    struct buckets_ticket *t = xmalloc(sizeof(*t));

    *t = (struct buckets_ticket){l, template};
    if (b->n_tickets == b->cap_tickets) {
        b->cap_tickets = b->cap_tickets ? b->cap_tickets * 2 : 16;
        b->tickets = xrealloc(b->tickets, b->cap_tickets * sizeof(struct buckets_ticket *));
    }
    b->tickets[b->n_tickets++] = t;
    l->in_flight++;
    return t;
}

static void redeem(struct buckets *b, struct buckets_ticket **ticket)
{
    for (size_t i = 0; i < b->n_tickets; i++)
        if (b->tickets[i] == *ticket) {
            b->tickets[i] = b->tickets[--b->n_tickets];
            break;
        }
    (*ticket)->limiter->in_flight--;
    free(*ticket);
    *ticket = NULL;
}

int64_t buckets_take(struct buckets *b, const struct buckets_route *route, int64_t now_ms,
                     struct buckets_ticket **ticket_r)
{
    uint32_t template = name_of(b, route->template);
    struct limiter *l;

    if (template == NAMES_MAX)
        template = 0; /* shares the first one's limiter: slower, never faster */
    l = limiter_for(b, b->names[template].bucket, route->major, now_ms);
    *ticket_r = NULL;
    if (l->blocked_until_ms > now_ms)
        return l->blocked_until_ms - now_ms;
    refill(l, now_ms);
    if (l->remaining == 0)
        return l->reset_at_ms > now_ms ? l->reset_at_ms - now_ms : BUCKETS_UNTIL_ANSWER;
    if (l->remaining < 0 && l->in_flight > 0 && !l->unlimited)
        return BUCKETS_UNTIL_ANSWER;
    if (l->remaining > 0)
        l->remaining--;
    *ticket_r = issue(b, l, template);
    return 0;
}

void buckets_put_back(struct buckets *b, struct buckets_ticket **ticket)
{
    struct limiter *l = (*ticket)->limiter;

    if (l->remaining >= 0 && l->remaining < l->limit)
        l->remaining++;
    redeem(b, ticket);
}

/* --- learning --------------------------------------------------------------------------------- */

static int64_t ms_of(double sec)
{
    return sec > BUCKETS_WAIT_MAX_SEC ? INT64_C(1000) * BUCKETS_WAIT_MAX_SEC
                                      : (int64_t)(sec * 1000) + 1;
}

/* The answer names the bucket of the route: from here on its limiters are that bucket's. */
static struct limiter *rename_to(struct buckets *b, uint32_t template, struct limiter *l,
                                 const char *bucket)
{
    uint32_t name = name_of(b, bucket);
    struct limiter *there;

    if (name == NAMES_MAX)
        return l;
    b->names[template].bucket = name;
    if (l->name == name)
        return l;
    there = find(b, name, l->major);
    if (there)
        return there;
    if (l->name != template)
        return limiter_for(b, name, l->major, INT64_MIN); /* the old bucket keeps its own */
    take_out(b, l);
    l->name = name;
    insert(b, l);
    return l;
}

/* Answers can overtake each other, so within one window the least is believed, and what an answer
 * of an earlier window says is not. */
static void learn_numbers(struct limiter *l, const struct buckets_answer *a, int64_t now_ms)
{
    int64_t id = a->reset_sec >= 0 ? (int64_t)(a->reset_sec * 1000 + 0.5) : 0;
    int64_t reset_at_ms = now_ms + ms_of(a->reset_after_sec);
    int left = a->remaining > l->in_flight ? a->remaining - l->in_flight : 0;
    bool same = id && l->reset_id ? id == l->reset_id : reset_at_ms <= l->reset_at_ms;

    if (id && id < l->reset_id)
        return;
    l->unlimited = false;
    if (a->limit > 0)
        l->limit = a->limit;
    l->remaining = same && l->remaining >= 0 && l->remaining < left ? l->remaining : left;
    if (!same || l->reset_at_ms <= now_ms || reset_at_ms < l->reset_at_ms)
        l->reset_at_ms = reset_at_ms;
    if (id)
        l->reset_id = id;
    if (ms_of(a->reset_after_sec) > l->window_ms)
        l->window_ms = ms_of(a->reset_after_sec);
}

void buckets_learn(struct buckets *b, struct buckets_ticket **ticket,
                   const struct buckets_answer *a, int64_t now_ms)
{
    struct limiter *l = (*ticket)->limiter;
    uint32_t template = (*ticket)->template;

    redeem(b, ticket);
    if (a->bucket[0])
        l = rename_to(b, template, l, a->bucket);
    if (a->remaining >= 0 && a->reset_after_sec >= 0)
        learn_numbers(l, a, now_ms);
    else if (a->status >= 200 && a->status < 300 && l->remaining < 0)
        l->unlimited = true;
    if (a->status == 429 && (a->scope == BUCKETS_USER || a->scope == BUCKETS_SHARED)) {
        int64_t until_ms = now_ms + ms_of(a->retry_after_sec);

        if (until_ms > l->blocked_until_ms)
            l->blocked_until_ms = until_ms;
    }
}

/* --- life ------------------------------------------------------------------------------------- */

struct buckets *buckets_new(void)
{
    struct buckets *b = xcalloc(1, sizeof(*b));

    b->names = xcalloc(NAMES_MAX, sizeof(*b->names));
    b->sweep_at = SWEEP_MIN;
    return b;
}

void buckets_free(struct buckets **buckets)
{
    struct buckets *b = *buckets;

    if (!b)
        return;
    for (size_t i = 0; i < b->n_tickets; i++)
        free(b->tickets[i]);
    for (size_t i = 0; i < SLOTS; i++)
        while (b->slots[i]) {
            struct limiter *l = b->slots[i];

            b->slots[i] = l->next;
            free(l);
        }
    free(b->tickets);
    free(b->names);
    free(b);
    *buckets = NULL;
}
