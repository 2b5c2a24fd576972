/* What came of a call to Discord's REST API, by name: JSON error codes and statuses turned into
 * what a caller can act on, and whether the call may be tried again. Pure. Source: Discord rest.md,
 * "Errors" and "Rate limits". */
#ifndef PRESENCE_OUTCOME_H
#define PRESENCE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

/* X(constant, name): the codes that lead to it stand in outcome.c. */
#define OUTCOME_LIST(X)                                                                            \
    X(OK, "ok")                                                                                    \
    X(NOT_READY, "not_ready") /* 202: the search index is being built */                           \
    X(UNKNOWN_CHANNEL, "unknown_channel")                                                          \
    X(UNKNOWN_GUILD, "unknown_guild")                                                              \
    X(UNKNOWN_MEMBER, "unknown_member") /* has left: a kick or a role is done */                   \
    X(UNKNOWN_MESSAGE, "unknown_message")                                                          \
    X(UNKNOWN_ROLE, "unknown_role") /* deleted, or @everyone */                                    \
    X(UNKNOWN_USER, "unknown_user") /* the account is gone */                                      \
    X(UNKNOWN_BAN, "unknown_ban")                                                                  \
    X(UNKNOWN_COMMAND, "unknown_command")                                                          \
    X(UNKNOWN_VOICE_STATE, "unknown_voice_state")                                                  \
    X(NOT_FOUND, "not_found")               /* something else is */                                \
    X(TOKEN_EXPIRED, "token_expired")       /* of a webhook or an interaction: never call again */ \
    X(INTERACTION_LATE, "interaction_late") /* over 3 s, or answered by another process */         \
    X(ALREADY_ANSWERED, "already_answered") /* use an edit or a follow-up */                       \
    X(NO_ACCESS, "no_access")               /* channel or guild not visible, or intent off */      \
    X(NO_PERMISSION, "no_permission")       /* or hierarchy */                                     \
    X(NEEDS_2FA, "needs_2fa")               /* on the account of the bot's owner */                \
    X(FORBIDDEN, "forbidden")               /* for another reason */                               \
    X(CANNOT_DM, "cannot_dm")               /* privacy, blocked, no guild in common */             \
    X(DM_TOO_FAST, "dm_too_fast")           /* stop opening DMs for a day */                       \
    X(LIMIT_REACHED, "limit_reached")       /* of roles, channels, overwrites, daily creates */    \
    X(TOO_LARGE, "too_large")                                                                      \
    X(CONTENT_BLOCKED, "content_blocked") /* by AutoMod or a link filter */                        \
    X(THREAD_ARCHIVED, "thread_archived")                                                          \
    X(THREAD_LOCKED, "thread_locked")                                                              \
    X(NO_HISTORY, "no_history")         /* a reply without READ_MESSAGE_HISTORY */                 \
    X(CHANNEL_NEEDED, "channel_needed") /* by the Community feature */                             \
    X(BAD_REQUEST, "bad_request")       /* our own mistake */                                      \
    X(UNAUTHORIZED, "unauthorized")     /* the bot's token is refused */                           \
    X(AGENT_REFUSED, "agent_refused")   /* the User-Agent is */                                    \
    X(RATE_LIMITED, "rate_limited")     /* and waiting did not help */                             \
    X(UNAVAILABLE, "unavailable")       /* Discord has a problem */                                \
    X(NO_ANSWER, "no_answer")           /* it may have been done, or not */                        \
    X(NOT_SENT, "not_sent")             /* no connection: surely not done */                       \
    X(UNEXPECTED, "unexpected")         /* a status nobody promised */

enum outcome {
#define X(constant, name) OUTCOME_##constant,
    OUTCOME_LIST(X)
#undef X
};

const char *outcome_name(enum outcome outcome);

/* status: of the answer, 0 = none came; code: of the error body, 0 = none; bot_token: the call was
 * made with the bot's token (else a 401 is about the token in its path). sent: for status 0,
 * whether any of the request may have reached the server. */
enum outcome outcome_of(int status, int code, bool bot_token, bool sent);

/* Whether the request counts towards the ban for invalid ones. shared: a 429's scope. */
bool outcome_counts_as_invalid(int status, bool shared);

/* How often doing it twice is the same as doing it once. */
enum outcome_repeat {
    OUTCOME_REPEATABLE, /* GET, PUT, DELETE, PATCH with absolute values, POST with a nonce */
    OUTCOME_ONCE        /* a POST without one: it is repeated only if it surely was not done */
};
/* By the method alone: POST is OUTCOME_ONCE. */
enum outcome_repeat outcome_repeat_of(const char *method);
/* Whether a try with this outcome should be followed by another one after a pause. 429s are not
 * asked about: they were not done, and come back when their time has come. */
bool outcome_try_again(enum outcome outcome, enum outcome_repeat repeat);

#endif
