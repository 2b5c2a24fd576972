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
/* The same from a DateTime of GraphQL. */
unixms_t say_time_of(const struct json *j);
/* "3 days 4 hours": the two largest units. */
void say_length(const struct call *call, int64_t ms, struct buf *out);
/* "a message" */
const char *say_kind(const struct call *call, unsigned kind);
const char *say_kind_of(const struct call *call, const struct json *j);

/* Ends the call: the database cannot be reached. */
void say_away(struct call *call);
/* Ends the call with one sentence. */
void say_plain(struct call *call, enum message_colour colour, const char *text);

/* Begins the variables of a question: {"guildId":"…" */
void say_guild_variable(const struct call *call, struct buf *out);

#endif
