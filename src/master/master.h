/* What the modules of presenced share. One struct master, one thread, one loop.
 *
 *   main      options, start, end                    (process.c: lock, daemon, user)
 *   kept      what outlives the process: state file, segment
 *   worker    the processes: spawn, ready, ping, reap, replace
 *   lane      which worker owns which lane, and its events on the way (laneq, plan)
 *   fetch     HTTP and DNS by way of lane 0's owner
 *   discover  what Discord says before we connect: application, URL, shards, budget
 *   shard     one gateway session each: gw.h over ws.h and inflate.h (_conn, _gate, _send, _state;
 *             idgate, resume; shards.c: all of them)
 *   session   MSG_SESSION: tells lane 0's owner since when and until when we watched
 *   reset     a guild's reset, step by step
 *   reload    SIGHUP, in two phases                 (secrets.c: the tokens)
 *   cogs      new modules: their trial, then new workers one by one (roll.c)
 *   control   the Unix socket of presencectl (status.c renders the answers) */
#ifndef PRESENCE_MASTER_MASTER_H
#define PRESENCE_MASTER_MASTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "idgate.h"
#include "laneq.h"
#include "presence/backoff.h"
#include "presence/conf.h"
#include "presence/event.h"
#include "presence/gw.h"
#include "presence/inflate.h"
#include "presence/ipc.h"
#include "presence/loop.h"
#include "presence/msg.h"
#include "presence/record.h"
#include "presence/route.h"
#include "presence/shm.h"
#include "presence/ws.h"
#include "resume.h"
#include "state.h"

/* Events kept for the workers, all lanes together. Between the marks the gateway goes on or stays
 * paused, as it was. */
#define QUEUE_MAX_BYTES  ((size_t)64 << 20)
#define QUEUE_HIGH_BYTES ((size_t)48 << 20)
#define QUEUE_LOW_BYTES  ((size_t)16 << 20)
#define LANE_HUNG_BYTES  (QUEUE_MAX_BYTES / 8)
#define LANE_HUNG_MS     5000

/* Bytes in one worker's channel; more waits in the lanes' queues. */
#define CHANNEL_HIGH_BYTES ((size_t)256 << 10)
#define CHANNEL_LOW_BYTES  ((size_t)64 << 10)

struct master;
struct shard;
struct reload;
struct cogs;
struct control;
struct fetches;
struct sessions;
struct discover;

struct secrets {
    char *discord, *graphql; /* never logged; owned */
    char *key;               /* what Presence's own keys are derived from; the same */
};

struct secrets_rotated {
    bool discord, graphql, key;
};

/* --- worker ---------------------------------------------------------------------------------- */

enum worker_state {
    WORKER_NONE,     /* slot not in use */
    WORKER_WAITING,  /* the next start is due at the timer */
    WORKER_STARTING, /* forked; READY is due */
    WORKER_READY,
    WORKER_DRAINING /* MSG_DRAIN was sent */
};

struct worker {
    struct master *m;
    unsigned slot;
    enum worker_state state;
    bool retiring; /* the slot goes away when its lanes are released */
    bool sent_drain, drained;
    pid_t pid; /* 0 = none */
    uint32_t generation;
    struct ipc *ipc; /* NULL: channel closed, or no process */
    int stderr_fd;
    struct loop_fd *stderr_watch;
    struct buf stderr_line;
    struct loop_timer *timer; /* restart, READY deadline, patience after the channel's end */
    struct backoff failed_starts, early_deaths;
    bool reaped;
    int wait_status;
    const char *killed_why; /* we sent SIGKILL: why; NULL = we did not */
    bool blame;             /* the kill was for a hang: an event's doing */
    monoms_t started, ready_at;
    int64_t started_ms;
    uint64_t ping_id, pong_id;
    monoms_t ping_at, deadline; /* of loop_served; deadline: the timer's */
    monoms_t pong_at;
    uint64_t acks;
    unsigned restarts; /* of this slot */
    unsigned suspects; /* lanes that begin with a suspect: deliver one event at a time */
    bool secrets_sent;
    bool disk_told; /* that it waits for its disk; until it answers again */
};

/* The replacement of workers under way. */
struct roll {
    uint64_t left; /* slots whose workers are to be replaced; the one under way included */
    int from, to;  /* the pair under way: to starts, then takes from's lanes; -1 = none */
    unsigned replaced;
    monoms_t deadline; /* of the step under way */
    void (*done)(struct master *m, unsigned replaced, const char *failure); /* NULL = none */
};

/* --- lane ------------------------------------------------------------------------------------ */

enum lane_state {
    LANE_FREE,    /* nobody owns it */
    LANE_GRANTED, /* waiting for LANE_OWNED */
    LANE_OWNED,   /* events flow */
    LANE_REVOKED  /* waiting for LANE_RELEASED */
};

struct lane {
    struct laneq queue;
    enum lane_state state;
    int slot;             /* of the owner; -1 = nobody */
    int target;           /* slot that shall own it */
    monoms_t heavy_since; /* it holds too much since; 0 = no */
};

/* --- shard ----------------------------------------------------------------------------------- */

struct send_item {
    struct send_item *next;
    size_t len;
    char bytes[];
};

struct shard {
    struct master *m;
    unsigned id;
    struct gw *gw;
    struct ws *ws; /* NULL = no connection */
    struct inflate *inflate;
    enum inflate_kind compress; /* asked for on the next connection */
    enum inflate_kind connected_compress;
    bool was_open;     /* the connection's upgrade was answered */
    bool inflated_any; /* on this connection */
    bool acting;       /* inside shard_act */
    bool wants_identify;
    bool gate_released;
    bool paused;
    bool stopped;          /* for good */
    unsigned token_number; /* of the token that was sent last */
    struct resume resume;  /* and the session's number */
    int64_t session_started_ms, watched_ms, lost_at_ms;
    struct loop_timer *timer;
    int64_t armed_ms;
    uint64_t resolve_id; /* fetch under way for the connection; 0 = none */
    uint64_t ask_id;     /* likewise, for the gateway's URL */
    bool url_tls;
    char *url_host, *url_path;
    uint16_t url_port;
    char *addresses; /* of url_host, one per line, as answered last; owned */
    char *addresses_host;
    unsigned address_next;
    char error[160]; /* of the last connection; gw keeps a reference */
    struct send_item *send_first, **send_end;
    unsigned send_count;
    struct loop_timer *send_timer;
    uint64_t events, connections;
    int last_close;
    enum shm_shard_state published;
    uint32_t published_intents;
    uint64_t published_session;
    char fatal[200]; /* text; empty = none */
};

/* --- all ------------------------------------------------------------------------------------- */

enum master_phase { PHASE_STARTING, PHASE_RUNNING, PHASE_DRAINING, PHASE_DONE };

struct quarantined {
    struct quarantined *next;
    char *file, *event;
    unsigned lane;
    int64_t at_ms;
};

struct master {
    /* options and what they lead to */
    char *conf_path, *worker_path;
    struct conf conf;
    int64_t conf_loaded_ms, started_ms;
    char *restart_needed; /* keys, space separated; NULL = none */
    struct secrets secrets;
    unsigned token_number;   /* of Discord's token in force: grows when it is replaced */
    char *environment_token; /* DISCORD_TOKEN: holds over reloads; NULL = not set */
    int lock_fd;
    uint32_t generation;

    enum master_phase phase;
    int exit_status;
    monoms_t drain_deadline;
    bool saved_clean;

    struct ws_env *ws;
    struct loop *loop;
    struct loop_timer *tick;
    unsigned ticks;
    struct sd_watchdog *watchdog; /* NULL = nobody asks for it */
    struct shm shm;
    bool shm_kept;
    struct state state;
    struct buf state_saved; /* what the file holds */
    bool state_unsaved;     /* it cannot be written: said so */

    struct worker workers[LANES];
    unsigned worker_count;   /* wanted */
    uint64_t workers_active; /* slots that shall own lanes, worker_count of them */
    uint64_t last_id;        /* of pings, fetches, reloads, queries */

    struct lane lanes[LANES];
    struct laneq_pool pool;
    bool flow_paused;
    monoms_t flow_paused_at;

    struct shard *shards;
    unsigned shard_count;
    struct idgate gate;
    struct loop_timer *gate_timer;
    monoms_t budget_at; /* when the budget was read; ms 0 = never */
    bool budget_asked;

    monoms_t reset_at; /* begin of the step at which the reset is */

    uint32_t intents;
    bool application_known;
    uint64_t application_id, application_flags, user_id;
    char *user_name;

    struct quarantined *quarantine;
    unsigned quarantine_count;
    char *degraded; /* what does not work, for status; NULL = all well */

    struct discover *discover;
    struct fetches *fetches;
    struct sessions *sessions;
    struct reload *reload;
    bool reload_follows; /* SIGHUP came while workers were being replaced */
    struct cogs *cogs;
    struct roll roll;
    struct control *control;
};

/* main.c */
void master_stop(struct master *m, int exit_status); /* drains, then ends */
void master_check_drained(struct master *m);
uint64_t master_next_id(struct master *m);
void master_degraded(struct master *m, const char *text);

/* kept.c */
void kept_load_state(struct master *m);
void kept_save_state(struct master *m, bool at_end);  /* if it changed */
int kept_open_segment(struct master *m);              /* -1 after a line in the log */
bool kept_segment_is_damaged(const struct master *m); /* says how */

/* worker.c */
void workers_init(struct master *m);
void workers_clear(struct master *m);
void workers_set_count(struct master *m, unsigned count);
bool worker_is_active(const struct worker *w);
void workers_reap(struct master *m);
void workers_tick(struct master *m);
void workers_drain(struct master *m);
void workers_kill_all(struct master *m);
bool workers_gone(const struct master *m);
void worker_kill(struct worker *w, const char *why, bool blame);
bool worker_is_at_disk(struct worker *w); /* it answers nobody, and need not */
struct worker *worker_of_lane(struct master *m, unsigned lane); /* that owns it; or NULL */
struct worker *worker_for_fetch(struct master *m);              /* lane 0's, once granted */
void worker_send(struct worker *w, uint16_t type, const void *body, size_t body_len,
                 const void *tail, size_t tail_len);
void worker_send_drain_when_empty(struct worker *w);
void worker_check_retired(struct worker *w);
const char *worker_state_name(enum worker_state state);

/* lane.c */
void lanes_init(struct master *m);
void lanes_clear(struct master *m);
void lanes_plan(struct master *m); /* sets the targets and starts the moves */
void lanes_move(struct master *m, unsigned from, unsigned to); /* all that one shall own */
void lanes_worker_ready(struct worker *w);
void lanes_worker_gone(struct worker *w, unsigned blame);
void lane_owned(struct worker *w, unsigned lane);
void lane_released(struct worker *w, unsigned lane);
void lane_acked(struct worker *w, unsigned lane, uint64_t n);
void lanes_pump_worker(struct worker *w);
void lanes_tick(struct master *m);
unsigned lanes_of(const struct master *m, unsigned slot);
/* Delivers one dispatch of a shard. */
void lane_deliver(struct master *m, struct shard *s, const struct envelope *env, const char *frame,
                  size_t len, int64_t arrival_ms);

void lane_advance(struct master *m, unsigned lane); /* its next step, if it can be taken */

/* reset.c */
void reset_init(struct master *m); /* before any lane is granted and any shard started */
void reset_tick(struct master *m);
void reset_ask(struct worker *w, const struct msg_reset *ask);
void reset_done(struct worker *w, const struct msg_reset_done *done);
bool reset_wants_lane(const struct master *m, unsigned lane); /* its owner is to let go of it */
void reset_lane_free(struct master *m, unsigned lane);
bool reset_gates(const struct master *m, snowflake_t guild); /* its events are MSG_EVENT_GATED */
bool reset_holds(const struct master *m, unsigned shard);    /* it must not connect */
void reset_shard_back(struct shard *s, bool resumed);        /* RESUMED or READY came */

/* quarantine.c */
void quarantine_load(struct master *m);
void quarantine_event(struct master *m, unsigned lane, const struct framepool_event *e);
void quarantine_clear(struct master *m);

/* fetch.c */
typedef void fetch_cb(void *arg, int status, const char *body, size_t len);
void fetch_init(struct master *m);
void fetch_clear(struct master *m);
uint64_t fetch_start(struct master *m, enum msg_fetch_what what, const char *host,
                     int64_t deadline_ms, fetch_cb *cb, void *arg);
void fetch_cancel(struct master *m, uint64_t id);
void fetch_reply(struct master *m, const struct msg_fetch_reply *reply, const char *tail,
                 size_t len);
void fetch_owner_changed(struct master *m); /* lane 0 was granted */

/* discover.c */
void discover_start(struct master *m);
void discover_again(struct master *m); /* the layout of shards was refused */
void discover_clear(struct master *m);
/* Reads /gateway/bot's answer into the gate; the url goes to *url_r (owned). -1 with *error_r. */
int discover_budget(struct master *m, const char *body, size_t len, char **url_r,
                    unsigned *shards_r, const char **error_r);

/* shards.c, and of one: */
void shards_start(struct master *m, unsigned count, const char *url);
void shards_stop(struct master *m, bool keep);
void shards_clear(struct master *m);
void shards_pause(struct master *m, bool paused);
void shards_note_state(struct master *m); /* into m->state */
void shard_durable(struct master *m, unsigned lane, const struct msg_durable *d);
void shard_cut(struct shard *s);  /* debug: drops the connection */
void shard_poke(struct shard *s); /* its state machine was told something */
/* shard_gate.c */
void shards_gate(struct master *m); /* lets waiting shards identify */
/* shard_state.c */
void shards_tell_worker(struct worker *w); /* MSG_GATEWAY_STATE of every shard */
bool shards_all_live(const struct master *m);
unsigned shard_guilds(const struct shard *s); /* known guilds of the shard */
const char *shard_state_name(enum shm_shard_state state);
/* shard_send.c */
void shard_send_request(struct master *m, uint64_t guild, const char *payload, size_t len);
void shard_send_run(struct shard *s);
void shard_send_clear(struct shard *s);

/* session.c */
void sessions_init(struct master *m);
void sessions_clear(struct master *m);
void session_edge(struct master *m, struct shard *s, enum session_edge edge, int close_code);
void sessions_owner_changed(struct master *m);
void sessions_tick(struct master *m);

/* reload.c */
struct reload_outcome {
    struct conf_changes changes;
    struct conf_errors errors;
    struct secrets_rotated rotated;
};
/* code: "ok", "bad_config", "busy" or "unavailable"; outcome is NULL with the last two if there was
 * no reload of the caller's own. */
typedef void reload_done(void *arg, const char *code, const struct reload_outcome *outcome);
/* done may be NULL. */
void reload_start(struct master *m, reload_done *done, void *arg);
void reload_answer(struct worker *w, uint64_t id, bool ready, const char *why, size_t len);
void reload_worker_gone(struct worker *w);
void reload_cancel(struct master *m, void *arg); /* whoever asked is gone */
bool reload_running(const struct master *m);
void reload_tick(struct master *m);
void reload_clear(struct master *m);
void master_apply_log(const struct conf *conf);

/* cogs.c: modules. code as reload_done's, report an array of the trial's lines (control.h). */
typedef void cogs_done(void *arg, const char *code, const char *report);
void cogs_start(struct master *m); /* tries what is installed, then starts the workers */
/* name: of the one module to look at, or NULL. done is called once, when new workers hold the
 * lanes. */
void cogs_reload(struct master *m, const char *name, cogs_done *done, void *arg);
void cogs_cancel(struct master *m, void *arg);
/* A worker asks for somebody in Discord. It is told before the workers are replaced, it among them.
 */
void cogs_ask(struct worker *w, uint64_t id, const char *name, size_t len);
bool cogs_busy(const struct master *m);
bool cogs_reaped(struct master *m, pid_t pid, int status); /* it was ours */
const char *cogs_report(const struct master *m);           /* of the last trial; "[]" */
void cogs_tick(struct master *m);
void cogs_clear(struct master *m);

/* roll.c: new workers for old ones, one by one, while the old ones go on. */
typedef void roll_done(struct master *m, unsigned replaced, const char *failure); /* or NULL */
void roll_start(struct master *m, roll_done *done);
bool roll_running(const struct master *m);
void roll_worker_ready(struct worker *w);
void roll_worker_gone(struct worker *w);
void roll_tick(struct master *m);

/* control.c, status.c */
int control_init(struct master *m);
void control_clear(struct master *m);
void control_query_reply(struct worker *w, uint64_t id, const char *json, size_t len);
void control_worker_gone(struct worker *w);
void control_tick(struct master *m);
/* What the slot's worker said of itself last (an object as text); or NULL. */
const char *control_stats_of(const struct master *m, unsigned slot);
void status_render(struct master *m, struct buf *out);
void status_render_workers(struct master *m, struct buf *out); /* the array */
void status_render_top(struct master *m, struct buf *out);

#endif
