/* How cogs say things: times, lengths of time, kinds of activity, errors that are nobody's fault.
 */
#ifndef COGS_SAY_H
#define COGS_SAY_H

#include "presence/cog.h"

#define _(text) call_words(call, (text))
/* A text of a table, put into the caller's language where it is said. */
#define N_(text) text

/* "<t:…:R>": Discord shows it in the reader's language and time zone. "never" for UNIXMS_NONE. */
void say_when(const struct call *call, unixms_t at, struct buf *out);
/* From a DateTime of GraphQL. */
unixms_t say_time_of(const struct json *j);
/* "Silent since 24 October 2026 or longer": the date that a length of time means. */
void say_silent_since(const struct call *call, unixms_t since, struct buf *out);
/* "3 days 4 hours": the two largest units. */
void say_length(const struct call *call, int64_t ms, struct buf *out);
/* "a message" */
const char *say_kind(const struct call *call, unsigned kind);
const char *say_kind_of(const struct call *call, const struct json *j);

/* Ends the call: the database cannot be reached. */
void say_away(struct call *call);
/* Ends the call with one sentence. */
void say_plain(struct call *call, enum message_colour colour, const char *text);

/* Reads an option that is a length of time; *ms_r is `otherwise` if it is not given. False: the
 * call was answered, it is no length of time or not within min and max. */
bool say_read_length(struct call *call, const char *option, int64_t otherwise, int64_t min,
                     int64_t max, int64_t *ms_r);
#define SAY_HOUR_MS INT64_C(3600000)
#define SAY_DAY_MS  (24 * SAY_HOUR_MS)

/* "2026-11-23T16:00:00.000Z" in quotes. */
void say_time_variable(unixms_t at, struct buf *out);

/* Begins the variables of a question: {"guildId":"…" */
void say_guild_variable(const struct call *call, struct buf *out);

#endif
