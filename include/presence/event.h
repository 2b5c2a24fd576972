/* From a gateway frame to records: what happened, who did it, when, and does it count. Pure: reads
 * the last-seen table and the guild rows, writes nothing but the record list and the lane's memory
 * of mentions.
 * Sources: product sheet section 4; Discord events.md. */
#ifndef PRESENCE_EVENT_H
#define PRESENCE_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "presence/activity.h"
#include "presence/msg.h"
#include "presence/ring.h"
#include "presence/seen.h"

/* The envelope of a frame, found in one pass without allocation, keys in any order. */
struct envelope {
    int op; /* -1 = missing */
    bool has_seq;
    uint64_t seq;
    uint32_t t_off, t_len; /* event name without quotes; t_len 0 = null or missing */
    uint32_t d_off, d_len; /* the value of d */
    /* d.guild_id; d.id of GUILD_CREATE/UPDATE/DELETE; d.meta.guild_id of RATE_LIMITED; 0 = none */
    snowflake_t guild;
    /* NULL, or what is wrong with the event alone (static text): nobody knows whose it is, but the
     * frame counts in its session. */
    const char *event_error;
};

/* Returns NULL, or what is wrong with the frame and what was expected (static text). */
const char *envelope_scan(const char *frame, size_t len, struct envelope *envelope_r);

/* What the worker's handler needs beside the frame. One per worker. */
struct event_ctx;

struct event_ctx *event_ctx_new(const struct shm *shm);
void event_ctx_free(struct event_ctx **ctx);
/* The bot's own user id (from FETCH_USER_ME or READY); its acts are never recorded. */
void event_ctx_set_self(struct event_ctx *ctx, snowflake_t self);
/* Messages that begin with it are EVENT_ORDER. Empty: none are but mentions. */
void event_ctx_set_prefix(struct event_ctx *ctx, const char *prefix);
/* Every message of this user is EVENT_ORDER, however it begins; SNOWFLAKE_NONE: nobody's. */
void event_ctx_await(struct event_ctx *ctx, snowflake_t user);

/* What a frame asks of the worker beyond its records. */
#define EVENT_WANT_ROSTER   0x1u  /* the guild's roster must be catalogued */
#define EVENT_WANT_BOT_FLAG 0x2u  /* look up `user`: its bot flag is unknown */
#define EVENT_ROSTER_CHUNK  0x4u  /* a GUILD_MEMBERS_CHUNK was taken in: see chunk_* */
#define EVENT_RATE_LIMITED  0x8u  /* RATE_LIMITED for op 8: see retry_after_ms, guild, nonce */
#define EVENT_IDEMPOTENT    0x10u /* the records may be published in parts */
#define EVENT_GUILD_GONE    0x20u
#define EVENT_INTERACTION   0x40u /* somebody used a command or a button: see before_* */
#define EVENT_ORDER         0x80u /* a message that begins as developers' commands do */

struct event_result {
    unsigned flags;          /* EVENT_* */
    enum activity_kind kind; /* of the (last) sighting; ACTIVITY_NONE if there was none */
    snowflake_t guild, user;
    uint32_t chunk_index, chunk_count;
    char nonce[33];
    int64_t retry_after_ms;
    uint32_t members; /* in the chunk */
    /* Of who made the interaction, without it: as in struct seen_row; 0 = nothing is known. */
    uint64_t before_seen, before_counted;
};

/* Interprets one dispatch. Appends its records to list, which it resets first; the last one carries
 * RECORD_EVENT_END (an event without effect leaves the list empty). Returns 0, or -1 with *error_r
 * (static text naming the event part and what was expected): nothing may be recorded then. */
int event_interpret(struct event_ctx *ctx, const struct msg_event *event, const char *frame,
                    size_t frame_len, struct record_list *list, struct event_result *result_r,
                    const char **error_r);

/* The same in two steps, so that the row of an event's actor can be fetched into the cache while
 * others before it are interpreted. event_read asks nothing of the table; event and frame must stay
 * where they are until event_interpret_read. */
struct event_ahead;
struct event_ahead *event_ahead_new(void);
void event_ahead_free(struct event_ahead **ahead);
void event_read(struct event_ahead *ahead, const struct msg_event *event, const char *frame,
                size_t frame_len);
const struct msg_event *event_head(const struct event_ahead *ahead);
/* Whose row will be asked for, as far as was read; SNOWFLAKE_NONE: not known yet. */
snowflake_t event_actor(const struct event_ahead *ahead);
int event_interpret_read(struct event_ctx *ctx, const struct event_ahead *ahead,
                         struct record_list *list, struct event_result *result_r,
                         const char **error_r);

/* What a person's message of Discord's type is; ACTIVITY_NONE: nobody's act, or an app's answer. */
enum activity_kind event_message_kind(uint64_t type);

#endif
