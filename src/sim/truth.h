/* The ground truth: what the simulated people did, counted where it was made to happen, by product
 * rules written here once more and not shared with Presence.
 *
 * One row per (guild, user, channel, kind). An event that carries its own time (snowflake, typing's
 * seconds) has that time; any other has its first and its last delivery, because the watcher's
 * clock can only say something between them. */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "presence/buf.h"
#include "sim/world.h"

enum truth_kind {
    TRUTH_NONE,
    TRUTH_MESSAGE,
    TRUTH_MESSAGE_SYSTEM,
    TRUTH_COMMAND,
    TRUTH_EDIT,
    TRUTH_REACTION_ADD,
    TRUTH_REACTION_REMOVE,
    TRUTH_POLL_VOTE_ADD,
    TRUTH_POLL_VOTE_REMOVE,
    TRUTH_TYPING,
    TRUTH_VOICE_JOIN,
    TRUTH_VOICE_MOVE,
    TRUTH_VOICE_LEAVE,
    TRUTH_VOICE_SELF,
    TRUTH_INTERACTION,
    TRUTH_THREAD_CREATE,
    TRUTH_THREAD_JOIN,
    TRUTH_THREAD_LEAVE,
    TRUTH_MEMBER_JOIN,
    TRUTH_MEMBER_UPDATE,
    TRUTH_AUDIT,
    TRUTH_EVENT_CREATE,
    TRUTH_EVENT_RSVP_ADD,
    TRUTH_EVENT_RSVP_REMOVE,
    TRUTH_INVITE_CREATE,
    TRUTH_AUTOMOD,
    TRUTH_VOICE_EFFECT,
    TRUTH_KINDS
};

const char *truth_kind_name(enum truth_kind kind);
bool truth_kind_counts(enum truth_kind kind); /* resets idle by default */

struct truth_row {
    uint64_t channel; /* id; 0 = none */
    uint32_t user;    /* index */
    uint16_t guild;   /* index */
    uint8_t kind;
    bool own_time;
    uint32_t count;
    int64_t first_ms, first_until_ms; /* of the earliest event; until: its last delivery */
    int64_t last_ms, last_until_ms;   /* of the latest event; until: the last delivery of any */
    uint64_t first_event; /* its id, to know it again at delivery; 0 = the kind has own times */
};

_Static_assert(sizeof(struct truth_row) == 64,
               "a row is a cache line: load mode touches one per event");

struct voice_session {
    uint32_t user;
    uint16_t guild;
    uint64_t channel;
    int64_t from_ms, to_ms; /* to: 0 while it lasts */
};

struct truth {
    struct truth_row *rows;
    uint32_t n_rows, cap_rows;
    uint32_t *table; /* row index + 1, 0 = empty; open addressing */
    uint32_t table_size;
    struct voice_session *voice;
    uint32_t n_voice, cap_voice;
    uint64_t totals[TRUTH_KINDS];
    uint64_t unseen[TRUTH_KINDS]; /* acts that no session could see: not in rows and totals */
};

void truth_init(struct truth *t);
void truth_clear(struct truth *t);

/* One more event; own_ms 0: its time is its delivery. Returns the row. */
uint32_t truth_count(struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                     enum truth_kind kind, int64_t own_ms, uint64_t event);
/* The row, which must exist. */
uint32_t truth_find(const struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                    enum truth_kind kind);
/* For load mode: ask for the memory of a row before it is counted; first the place in the table,
 * some time later the row. Hints, no promises: nothing is changed, and the row may not exist. */
uint32_t truth_fetch_place(const struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                           enum truth_kind kind);
void truth_fetch_row(const struct truth *t, uint32_t place);
/* The event was handed to a client now, for the first time or again. */
void truth_delivered(struct truth *t, uint32_t row, uint64_t event, bool again, int64_t now_ms);

uint32_t truth_voice_open(struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                          int64_t at_ms);
void truth_voice_close(struct truth *t, uint32_t session, int64_t at_ms);

/* Lines of JSON: rows, members, voice, roster; see control.h. */
void truth_print_rows(const struct truth *t, const struct world *w, uint32_t guild,
                      struct buf *out);
void truth_print_members(const struct truth *t, const struct world *w, uint32_t guild,
                         struct buf *out);
void truth_print_voice(const struct truth *t, const struct world *w, uint32_t guild,
                       struct buf *out);
void truth_print_roster(const struct world *w, uint32_t guild, struct buf *out);
void truth_print_summary(const struct truth *t, struct buf *out); /* one object */

#endif
