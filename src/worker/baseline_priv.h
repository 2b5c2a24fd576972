/* What baseline.c, baseline_search.c and baseline_history.c share: one baseline under way.
 *
 * Its note (lease.h), all of which is also what people are shown:
 *   depth_ms, method ("auto", "search", "history"), dry_run   as it was asked for
 *   using ("search", "history")                               what auto came to
 *   horizon_ms, begun_ms                                      fixed when it began
 *   noted_ms                                                  when this was noted
 *   done, total    members asked about, or channels read; total 0 = not known yet
 *   found          members whose last message was found
 *   requests       made of Discord
 *   after          search: the cursor behind the members that are done
 *   channel, before    history: the channel at hand, and the message it was read down to */
#ifndef WORKER_BASELINE_PRIV_H
#define WORKER_BASELINE_PRIV_H

#include "presence/guild_view.h"
#include "presence/rest.h"
#include "presence/ring.h"
#include "worker/baseline.h"

#define BASELINE_TARGETS 100u /* author_id of one search, and members of one page */

struct baseline;
typedef void baseline_cb(struct baseline *b, const struct json *data);
typedef void baseline_step(struct baseline *b);
/* Answers that tell nothing yet are not passed on. */
typedef void baseline_rest_cb(struct baseline *b, const struct rest_answer *answer);

struct baseline_question; /* of GraphQL, under way */

struct baseline_seen {
    uint64_t user;   /* 0 = free */
    uint64_t newest; /* message */
};

struct baseline {
    struct lease *lease;
    struct worker *w;
    /* what was asked for */
    int64_t depth_ms;
    bool may_search, may_read; /* methods */
    bool dry_run;
    /* how far it is */
    bool searching;
    unixms_t horizon, begun; /* nothing older is looked for */
    uint64_t done, total, found, requests;
    char *after;
    snowflake_t channel, before;
    /* the search at hand */
    snowflake_t targets[BASELINE_TARGETS];
    size_t n_targets, n_asked;
    snowflake_t below; /* messages from here on were seen */
    char *next_after;  /* NULL: these are the last members */
    unsigned not_ready;
    /* the history at hand */
    struct guild_view view;
    unsigned pages;             /* of this channel */
    struct baseline_seen *seen; /* whose messages were met: open addressing */
    size_t n_seen, cap_seen;
    /* what is under way */
    struct record_list records;
    uint64_t position; /* in the lane, behind the records */
    struct rest_call *call;
    char *path; /* of the request at hand: it may be made again */
    baseline_rest_cb *rest_cb;
    unsigned failures; /* in a row */
    struct baseline_question *question;
    struct loop_timer *timer;
    baseline_step *next; /* by the timer */
    baseline_step *kept; /* when the records are durable */
};

/* baseline.c */
void baseline_note(struct baseline *b);
void baseline_later(struct baseline *b, int64_t ms, baseline_step *next);
void baseline_get(struct baseline *b, const char *path, baseline_rest_cb *cb);
/* variables: a JSON object. */
void baseline_ask(struct baseline *b, const char *operation, const char *variables,
                  baseline_cb *cb);
/* A member's message of the past; first: the member was not found before. */
void baseline_found(struct baseline *b, const struct json *message, snowflake_t author, bool first);
/* Goes on when all that was found is durable. */
void baseline_keep(struct baseline *b, baseline_step *next);
/* ACTIVITY_NONE: a message that is nobody's act. */
enum activity_kind baseline_kind_of(const struct json *message);
void baseline_fail(struct baseline *b, const char *why);

/* baseline_search.c, baseline_history.c */
void baseline_search(struct baseline *b);
void baseline_history(struct baseline *b);
void baseline_history_clear(struct baseline *b);

#endif
