/* The control protocol between presenced and presencectl: JSON, one object per line, over the Unix
 * stream socket [control] socket. Version 1.
 *
 * The client sends requests, the server answers each, in order; several may be sent at once. A line
 * is at most CONTROL_LINE_MAX bytes, newline included. The file mode of the socket and of its
 * directory decide who may connect; there is no other authentication.
 *
 *   {"v":1,"id":7,"command":"member","args":{"guild":"1234","user":"5678"}}
 *   {"v":1,"id":7,"ok":true,"result":{…}}
 *   {"v":1,"id":7,"ok":false,"error":{"code":"not_found","message":"…"}}
 *
 * id: any integer, echoed (0 if the request could not be read). Error codes: enum
 * control_error / control_error_name. A request with another v is answered by "version" and the
 * field "supported":1, whatever else it holds. After a line that is not an object or is too long
 * the server answers "bad_request" and closes. Unknown fields are ignored by both sides; fields
 * may be added without a new version. All Discord ids are strings, all times are integers in ms
 * since 1970 (null = not known), all durations and sizes carry their unit in the name.
 *
 * Commands, their args and their results (control_commands lists them; those not marked (debug) are
 * in every build):
 *
 * status   {}
 *   version, pid, instance, state ("starting", "running", "draining"), started_ms, config_path,
 *   config_loaded_ms, restart_needed ["cache.members", …], application_id, user_id, user_name,
 *   intents, message_content (bool), degraded [text, …],
 *   shards [{id, shards, state ("down", "connecting", "replaying", "live", "paused"), session
 *            (string), received_seq, resume_seq, latency_ms (null before the first ACK), guilds,
 *            events, reconnects, last_close (0 = none), compress, waiting_sends}],
 *   workers [as in `workers`],
 *   queue {bytes, bytes_max, events, paused (bool: the gateway is not read)}
 *                                            not yet acknowledged by workers
 *   counters {events, sightings, rows_live, evictions, misses, batches, duplicates, spooled}
 *   table {rows, rows_live, bytes}, lanes {count, used_slots, ring_slots, spooled},
 *   quarantine [{file, lane, event, at_ms}],
 *   cogs [as in `reload-cogs`, of the last time], log_level
 * workers  {}
 *   workers [{slot, pid, generation, state ("starting", "ready", "draining", "dead"), lanes,
 *             started_ms, restarts, queued_bytes, unacked, last_pong_ms_ago, graphql ("up", "down",
 *             "unknown"), redis (same), lag_p50_ms, lag_p99_ms (arrival to commit; null: none
 *             yet), acks, in_flight, waiting_slots, spool_bytes, rss_bytes, cpu_ms}]
 * member   {"guild":id, "user":id}
 *   guild, user, known (bool), bot (bool or null), on_roster, last_seen_ms, last_seen_kind,
 *   last_counted_ms, last_counted_kind, present_until_ms, voice_channel (id or null), loading,
 *   pending, lane, worker, shard
 * guild    {"guild":id}
 *   guild, known, available, lane, worker, shard, member_count, members_in_table, roster_at_ms,
 *   roster_begin_ms, bot_joined_ms, watching (bool), settings_version (of the worker's copy; null:
 *   it is being read)
 * top      {}
 *   at_ms, counters (as in status), workers (as in status), queue, shards: what changes, for a
 *   client that asks once a second
 * reload   {}
 *   changed [{key, old, new, restart (bool)}], rotated ["discord.token_file", …] (the files that
 *   hold another token than before); error "bad_config" has the field "errors" [text, …];
 *   answered when every worker has committed; "busy" while another reload is under way
 * reload-cogs  {"name":module or "all"; may be left out}
 *   cogs [{name, ok (bool), changed (bool: it is in service now), removed (bool: it is not
 *         installed any more), kept (bool: the one of before stays in service), reason (if not
 *         ok)}]; answered when all workers were replaced, at once if nothing changed; "busy" while
 *   another reload is under way
 * log      {"level":"debug"|"info"|"warn"|"error"}     level, old
 * drain    {}    answered {} at once; presenced then stops as after SIGTERM
 * debug    (debug) {"fault":"crash"|"hang"|"exit", "worker":slot}
 *          or {"fault":"drop","shard":id} (cuts the gateway connection)
 *          or {"fault":"clock","offset_ms":n} (presenced's and the workers' time of day is n ms
 * ahead of the machine's, as after a step of its clock; 0 ends it)     {} */
#ifndef PRESENCE_CONTROL_H
#define PRESENCE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_VERSION  1
#define CONTROL_LINE_MAX ((size_t)1 << 20)

enum control_error {
    CONTROL_BAD_REQUEST, /* not an object, too long, a missing or wrong argument */
    CONTROL_BAD_VERSION,
    CONTROL_UNKNOWN_COMMAND,
    CONTROL_NOT_FOUND,
    CONTROL_BUSY,
    CONTROL_BAD_CONFIG,
    CONTROL_UNAVAILABLE, /* a worker that is needed is not there, or did not answer in 5 s */
    CONTROL_ERRORS
};

/* "bad_request", "version", "unknown_command", "not_found", "busy", "bad_config", "unavailable". */
const char *control_error_name(enum control_error error);

/* What an argument may be. */
enum control_arg_type { CONTROL_ARG_ID, CONTROL_ARG_WORD, CONTROL_ARG_NUMBER };

struct control_arg {
    const char *name; /* of the JSON field; NULL ends the list */
    enum control_arg_type type;
    bool optional;
};

struct control_command {
    const char *name;
    struct control_arg args[5];
    bool debug_only;  /* an argument's name depends on the first one's value */
    const char *help; /* one line for usage texts */
};

/* Ends with name NULL. Holds the commands that this build's server answers (debug with
 * --enable-debug-faults only); presencectl has a few of its own. */
extern const struct control_command control_commands[];
const struct control_command *control_find(const char *name);

#endif
