/* Changes that a command makes in the database: once, whatever is sent again (the interaction's id
 * is the request's), and what came of them in words. */
#ifndef COGS_CHANGE_H
#define COGS_CHANGE_H

#include "cogs/say.h"

#define CHANGE_REASON_MAX 200

/* Appends ,"actorId":"…","requestId":"…" */
void change_put_caller(const struct call *call, struct buf *variables);
/* Appends ,"key":"text" if the option was given. */
void change_put_text(const struct call *call, const char *option, const char *key,
                     struct buf *variables);
/* The result under the alias "done". NULL, with the call answered, if it was not carried out. */
const struct json *change_done(struct call *call, const struct json *data);

#endif
