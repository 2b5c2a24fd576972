/* Changes of settings that somebody proposes: what would become of them is shown, old and new, with
 * the dates they mean; what can make somebody due sooner tells how many, and waits for a press of a
 * button. Nothing is changed if the settings have become others meanwhile. */
#ifndef COGS_ADJUST_H
#define COGS_ADJUST_H

#include "cogs/say.h"
#include "presence/settings.h"

/* Changes *s, which are the settings in force, into what is wanted. data: of the operation; text:
 * as it was given to adjust_begin. False: the call was answered. */
typedef bool adjust_wish(struct call *call, const struct json *data, const char *text,
                         struct settings *s);

/* Asks the operation, which takes $guildId and answers with guild { settingsVersion settings } and
 * what the wish needs beside it; then proposes or makes the change. text is copied. always_ask: it
 * waits for a press, whatever it is. */
void adjust_begin(struct call *call, const char *operation, adjust_wish *wish, const char *text,
                  bool always_ask);
/* The same with what is in force read before, at before->version. request: what the change is known
 * by, so that it is made once. */
void adjust_propose(struct call *call, const struct settings *before, const struct settings *after,
                    snowflake_t request, bool always_ask);
void adjust_press(struct call *call, const char *data);

/* Ends the call: settings are stored that are not understood. */
void adjust_refuse_strange(struct call *call);

/* As people write it, with roles and channels as Discord shows them. */
void adjust_put_value(enum setting which, const struct setting_value *v, struct buf *out);

#endif
