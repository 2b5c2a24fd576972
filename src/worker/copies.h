/* What a worker keeps copies of, and how they stay true: the settings of the guilds in its lanes.
 */
#ifndef WORKER_COPIES_H
#define WORKER_COPIES_H

#include "presence/settings.h"
#include "worker/worker.h"

/* --- copies.c ----------------------------------------------------------------------------------
 */

/* The settings in force in a guild of an own lane; they live until the loop's next round. NULL:
 * they are not known now. Then they are being read, and whoever needs them asks again. */
const struct settings *copies_settings(struct worker *w, snowflake_t guild);

/* They are not known, but will be soon if nothing fails. */
bool copies_being_read(struct worker *w, snowflake_t guild);

/* Something of the guild was changed (none: of all guilds): what is kept of it is read again. */
void copies_changed(struct worker *w, snowflake_t guild);
/* Changes may go unheard from now on: nothing counts as known until copies_trust. */
void copies_doubt(struct worker *w);
void copies_trust(struct worker *w);
void copies_forget_lane(struct worker *w, unsigned lane);
void copies_init(struct worker *w);

/* --- changes.c ---------------------------------------------------------------------------------
 */

/* The lanes, the service or the token are others now: the stream begins anew, soon. */
void changes_open(struct worker *w);
void changes_init(struct worker *w);

#endif
