/* What the modules of presence-worker share: the process, its lanes, and who calls whom.
 *
 *   main      descriptors, messages of the master, configuration, end of life
 *   lane      owning a lane: taking over, events into the ring, acknowledging, releasing
 *   flush     when a lane's records go out, and the spool
 *   flight    ring or spool -> batches -> one GraphQL request -> tails and MSG_DURABLE
 *   gql       GraphQL requests and how their answers are judged
 *   rest      Discord's REST API under its limits
 *   copies    settings of the own lanes' guilds, kept true by changes
 *   lease     durable jobs, and who carries them out (baseline)
 *   call      interactions: what runs a command, and its answer
 *   order     developers' commands by message
 *   fetch     what the master asks for: REST bodies, host names */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>

#include "presence/backoff.h"
#include "presence/conf.h"
#include "presence/custom_id.h"
#include "presence/event.h"
#include "presence/framepool.h"
#include "presence/http.h"
#include "presence/ipc.h"
#include "presence/json.h"
#include "presence/loop.h"
#include "presence/ring.h"
#include "presence/route.h"
#include "presence/seen.h"
#include "presence/spool.h"
#include "worker/batch.h"
#include "worker/delay.h"
#include "worker/gql.h"
#include "worker/offsets.h"

#define FLIGHTS_MAX    1u
#define ACK_EVENTS     256u
#define ACK_MS         200
#define SPOOL_AFTER_MS 3000
#define INBOX_SIZE     SEEN_FETCH_MAX

enum lane_state {
    LANE_OWNED,    /* events flow */
    LANE_RELEASING /* revoked; the last answer is awaited */
};

/* An event that could not be logged yet. */
struct held {
    struct held *next;
    struct msg_event event;
    size_t len;
    char frame[];
};

struct lane {
    struct worker *w;
    unsigned number;
    enum lane_state state;
    struct ring ring;
    struct spool *spool; /* NULL: cannot be opened, alert was given */

    /* events in */
    bool retrying;                 /* lane_retry_held is at work */
    struct held *held, **held_end; /* in order; not acknowledged */
    struct record_list partial;    /* rest of an event that is published in parts */
    uint32_t partial_first;        /* slots of it already taken */
    uint64_t ack_n, ack_sent;      /* delivery numbers */
    bool replayed; /* events came again: the master counts them as outstanding until told again */
    bool fresh; /* the ring remembers nothing: old sessions' events wait for what PostgreSQL has */
    bool seeds_due;         /* fresh, and PostgreSQL or the spool has something of it: seeds.c */
    monoms_t crowded_since; /* the ring is more than half full since; 0 = is not */
    bool spool_failed;      /* disk full: said so */

    /* what PostgreSQL has */
    bool pg_known, pg_empty;
    uint64_t pg_epoch, pg_pos;
    bool virgin; /* nothing was ever recorded elsewhere: nothing to be read either */
    bool gap_told, epoch_told;

    /* the batch under way */
    bool in_flight, from_spool;
    bool alone;               /* a request that held others too was refused: send it by itself */
    uint64_t flight_start;    /* position of its first record */
    uint64_t flight_frame_to; /* from_spool: end of the frame */
    unsigned flight_events;
    unsigned failures; /* of the service at the lane's batch, in a row */
    uint64_t flight_epoch, flight_from, flight_to;
    struct offsets flight_offsets;
    uint64_t limit_to;   /* a refused batch is cut in halves: do not go beyond */
    uint64_t refused_to; /* end of the batch that was refused first; 0 = none */
    uint64_t skip_to;    /* what lies before was moved aside; 0 = nothing */

    struct offsets durable; /* as reported to the master */
    struct delay_lane delay;
    monoms_t unflushed_since;
    bool unflushed;
};

/* An event that was read; it lies where the master or the channel has it. */
struct inbox_event {
    struct event_ahead *ahead; /* owned */
    const char *frame;
    size_t len;
    unsigned lane;
};

struct inbox {
    struct inbox_event events[INBOX_SIZE];
    unsigned count; /* of those that wait */
};

struct worker {
    struct loop *loop;
    struct ipc *ipc;
    struct shm shm;
    struct framepool frames; /* where the master keeps events for us */
    unsigned slot;
    uint32_t generation;

    struct conf conf, next_conf;
    bool has_conf, has_next_conf, cogs_loaded, ready_told;
    uint64_t next_conf_id;
    char *discord_token, *graphql_token;
    struct custom_id_key custom_id_key;

    struct inbox inbox;
    struct event_ahead *again; /* a held event whose turn has come */
    struct event_ctx *events;
    struct record_list list;
    snowflake_t self;

    struct lane *lanes[LANES];
    struct loop_timer *ack_timer, *flush_timer, *takeover_timer, *seeds_timer;
    monoms_t flush_tick; /* when the flush timer last ran out */
    unsigned unacked;
    bool takeover_asked, seeds_asked;
    monoms_t spool_alert; /* when a full disk was last told */
    bool retry_due;       /* held events will be tried again */
    uint64_t counted_events, counted_sightings, counted_duplicates; /* not yet in shm counters */

    struct http *http;
    struct gql gql;
    struct batch *batch;
    unsigned flights;   /* requests under way */
    unsigned next_lane; /* where the round robin goes on */
    bool away;          /* GraphQL does not answer */
    bool away_told;     /* said so; until it has answered again */
    bool heard;         /* it has answered once */
    monoms_t away_since;
    struct backoff away_backoff;
    struct loop_timer *away_timer;
    unsigned rejected; /* events moved aside */
    struct delay delay;

    struct load *load;
    struct rest *rest;
    struct react *react;
    struct calls *calls;
    struct orders *orders;
    struct forgets *forgets;
    struct reset *reset;
    struct registration *registration;
    struct lookups *lookups;
    struct rosters *rosters;
    struct voice *voice;
    struct survey *survey;
    struct cache *cache;
    struct copies *copies;
    struct changes *changes;
    struct leases *leases;

    bool draining, orphan, done, at_disk;
    struct loop_timer *drain_timer;
    monoms_t drain_since;
    unsigned errors_said; /* rate limit of the log for refused frames */
    monoms_t errors_since;
};

/* main.c */
void worker_alert(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void worker_check_drained(struct worker *w);

/* lane.c */
void lane_grant(struct worker *w, unsigned number);
void lane_revoke(struct worker *w, unsigned number);
void lane_try_release(struct lane *lane);
void lane_event(struct worker *w, unsigned number, const struct event_ahead *ahead,
                const char *frame, size_t len);
/* Logs records that no gateway frame caused. 0, or -1 when there is no room (ask again later). */
int lane_append(struct lane *lane, const struct record_list *list);
void lane_retry_held(struct lane *lane); /* room was made */
void lane_send_acks(struct worker *w);
void lane_report_durable(struct lane *lane, const struct offsets *offsets);
void lane_report_all_durable(struct lane *lane);
void lane_appended(const struct lane *lane, struct offsets *offsets_r);
void lane_apply(struct lane *lane, const struct record_header *h); /* to the table alone */
void lane_free(struct lane **lane);

/* inbox.c */
/* event and frame stay where they are until inbox_empty. */
void inbox_event(struct worker *w, unsigned lane, const struct msg_event *event, const char *frame,
                 size_t len);
void inbox_empty(struct worker *w); /* all that was read is taken */
void inbox_init(struct worker *w);

/* known.c */
/* False: the event must wait until its member's row is read back, which is under way. */
bool known_before(struct lane *lane, const struct msg_event *event, const char *frame, size_t len);
void known_now(struct lane *lane); /* a row was read back */

/* seeds.c */
void seeds_ask(struct worker *w);     /* for the lanes that are due */
void seeds_settle(struct lane *lane); /* its table has what there is to know */
/* takeover.c */
void takeover_ask(struct worker *w); /* asks GraphQL for all lanes that need it */

/* disk.c */
/* Before whatever waits for the disk: until the loop's next round the master must not take silence
 * for a hang. A disk may take any time; a successor would wait for the same one. */
void disk_enter(struct worker *w);

/* flight.c */
struct flight;
/* Begins a request; NULL while as many are under way as may be, or GraphQL is away. */
struct flight *flight_new(struct worker *w);
/* Puts the lane's next batch into it, if it has one. False: not into this one; send it first. */
bool flight_take(struct flight *f, struct lane *lane);
void flight_send(struct flight **f); /* NULL, or nothing in it: nothing is sent */

/* flush.c */
uint64_t flush_waiting(const struct lane *lane); /* slots in the ring */
void flush_note(struct lane *lane);              /* records were appended */
void flush_all(struct worker *w);
void flush_lane(struct lane *lane);
bool flush_spool_lane(struct lane *lane);    /* what the ring holds goes to disk now */
bool flush_clean(const struct lane *lane);   /* nothing under way, nothing only in memory */
bool flush_pending(const struct lane *lane); /* something is not in PostgreSQL yet */
void flush_spool_all(struct worker *w);
void flush_init(struct worker *w);

/* away.c */
void away_enter(struct worker *w, const char *why);
void away_leave(struct worker *w);
void away_tick(struct worker *w);
void away_init(struct worker *w);

/* build.c */
/* Fills w->batch and the lane's flight_* from the spool or the ring. False: nothing to send. */
bool build_batch(struct lane *lane);
/* Notes where PostgreSQL stands; the tail follows. True if it moved. */
bool build_position(struct lane *lane, uint64_t epoch, uint64_t position);

/* reject.c */
/* Slots [from, to) of the ring, padding included. */
void ring_copy(const struct ring *ring, uint64_t from, uint64_t to, unsigned char *out);

/* fetch.c */
void fetch_request(struct worker *w, const struct msg_fetch *fetch, const char *host, size_t len);
void fetch_self(struct worker *w);

#endif
