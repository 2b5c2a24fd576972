/* clang-format off */
/* The control API: /_sim/... on the HTTP listener, for the loopback only. JSON in, JSON out; a
 * refused call answers 400 with {"ok":false,"error":"..."}.
 *
 * POST /_sim/act        {"kind", "guild", "user", "channel", ...}: one deed of one user.
 *      guild: an index (default 0) or an id. user: a member's index (0 the bot, 1 another bot, from
 *      2 on the people; default 2) or a user's id. channel: an index, an id or a name (default
 *      "general"). Answers {"ok":true,"id","guild","user","channel","s","sessions","time_ms",
 *      "counted_as"}; s is null when no session could see it, counted_as null when it is nobody's
 *      activity. Kinds and their own arguments:
 *   message {type=0, content, mention, mention_bot, reply_to, nonce, flags, age_ms}
 *   bot_message {self}, webhook_message, ephemeral, dm {content}
 *   old_message {at_ms, type=0, bot}: of the past, for who reads or searches the history
 *   command {type=20}: another app's answer that names the user; type 0 for a component's
 *   edit {message, content, edited_ms}, embed_update {message}, message_delete {message}
 *   reaction_add, reaction_remove {message, emoji}, reaction_remove_all
 *   poll_vote_add, poll_vote_remove {message, answer}, typing
 *   interaction {type=2, name, options, custom_id, data, permissions, locale, age_ms}
 *      or, as clients make it of what is registered: {type=2 or 4, command="status member",
 *      options={name: value}, focused=name} or {command, target=user id}
 *   voice_join {channel, self_mute}, voice_move {channel}, voice_leave, voice_effect
 *   voice_self {self_mute, self_deaf, self_video, self_stream}, voice_hand {up=true}
 *   voice_server {mute, deaf, suppress}
 *   member_join {user | name, bot, pending}, member_repeat, member_leave, ban
 *   member_update {pending, flags, avatar | roles, nick, timeout_s}
 *   presence {status}, audit {action_type=25, target, reason}, automod
 *   thread_create {name}, thread_shown, thread_join, thread_leave
 *   thread_update {name, archived, locked}, thread_delete
 *   event_create {name}, event_update, event_rsvp_add, event_rsvp_remove {event}
 *   invite_create {anonymous}, invite_delete
 *   role_create {name, permissions, position}, role_update {role, name}, role_delete {role}
 *   channel_create {type, name, parent, hidden}, channel_update {name, hidden}, channel_delete
 *   pins_update, guild_update {name, afk_channel}
 *   guild_outage, guild_restore, guild_leave, guild_join {name}
 *
 * The following take "shard", "session" or "conn" to choose connections (none: all) and answer with
 * their number, {"ok":true,"conns":n}:
 * POST /_sim/raw        one of {"t","d"}: a dispatch with the session's next s; {"text"}: a message
 *                       as it stands, compressed where the connection is; {"hex"}: bytes in one
 *                       frame, not compressed; {"wire_hex"}: bytes of the TCP stream.
 *                       "cut": n leaves the last n bytes of a text's message away
 * POST /_sim/drop       TCP reset; {"fin":true}: a plain end without a close frame; {"mid":n}: a
 *                       reset n bytes into a message
 * POST /_sim/close      {"code":4000,"reason"}
 * POST /_sim/op         {"op":1}, {"op":7} (closed 5 s later), {"op":9,"resumable":bool}
 * POST /_sim/stall      {"acks","sending","reading": bool}: true stops, false goes on
 * POST /_sim/duplicate  sends the last event again, with its s
 * POST /_sim/fragment   {"size":n,"trickle":bool}: WebSocket fragments of n bytes (0: whole), one
 *                       byte per TCP segment; for connections to come as well
 * POST /_sim/expire     forgets sessions: RESUME gets op 9 false. Connected ones live on until then
 *
 * POST /_sim/refuse     {"connects":n,"status":503, 0 for a reset},
 *                       {"identifies":n,"code":4004, 0 for op 9},
 *                       {"rest":n,"status":500 or 429, 0 for no answer,"path":part,"retry_after":s,
 *                        "scope":"user", "shared", "global" or "banned","after":bool: once it is done,
 *                        "code":50007}
 * POST /_sim/config     any of heartbeat_ms, enforce_heartbeat, identify_remaining, identify_total,
 *                       identify_window_ms, max_concurrency, shards, guilds_per_shard,
 *                       intents_allowed, session_ttl_ms, replay_max, guild_create_delay_ms,
 *                       chunk_window_ms, send_limit, rest_bucket, rest_window_ms, rest_global,
 *                       check_user_agent, interaction_ack_ms, interaction_token_ms,
 *                       search_not_ready, token, permissions
 * GET  /_sim/config     the same
 * GET  /_sim/received   what clients sent: {"next":n,"items":[{"n","at_ms","what",...}]}, oldest
 *                       first; ?since=n and ?what=heartbeat narrow it. what: connect, identify,
 *                       resume, heartbeat (late_ms: behind the schedule; below 0 early),
 *                       request_members, presence_update, payload, rest, disconnect, oversize,
 *                       undecodable, bad_op, send_limit, refused_connect
 * GET  /_sim/state      URLs, connected sessions, the load's progress
 * GET  /_sim/sessions   the gateway sessions with their counters
 * GET  /_sim/world      ids of guilds, channels, roles; ?members=1 the members too
 * GET  /_sim/truth      the ground truth, one JSON object per line: {"row":"summary"} with totals
 *                       per kind, {"row":"count"} per guild, user, channel and kind,
 *                       {"row":"member"} per member seen, {"row":"voice"} per stay in a voice
 *                       channel, {"row":"roster"} per guild. ?guild=id and ?what=count,member
 *                       narrow it; ?summary=1 gives that alone. Times are ms; where own_time is
 *                       false an event's time is its first delivery, and *_until the last one
 * POST /_sim/load       {"events","rate","seconds","zipf","seed","wait_sessions",
 *                       "mix":{kind:weight}}; rate 0 = flat out
 * GET  /_sim/load       its progress; POST /_sim/load/stop ends it
 * POST /_sim/stop       ends the simulator */
/* clang-format on */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim/sim.h"

void control_handle(struct sim *sim, struct httpd_request *req);

#endif
