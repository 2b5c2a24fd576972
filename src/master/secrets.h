/* What presenced keeps secret: Discord's token, the GraphQL service's, and what its own keys are
 * derived from. */
#ifndef PRESENCE_MASTER_SECRETS_H
#define PRESENCE_MASTER_SECRETS_H

#include "master.h"

/* Takes DISCORD_TOKEN out of the environment: a copy (fd_secret_free), or NULL if it is not set. */
char *secrets_environment(void);

/* Reads them; the instance's secret is made where there is none. A credential of the service
 * manager comes before the file, environment (may be NULL) before either for Discord. 0; or -1 with
 * *error_r (owned by the caller). */
int secrets_read(const struct conf *conf, const char *environment, struct secrets *secrets_r,
                 char **error_r);
void secrets_clear(struct secrets *secrets);

/* Hands all to a worker. */
void secrets_send(struct worker *w);

/* Reads Discord's token once more, after it was refused. True: the file holds another one, which is
 * in force now. False: it is the same, it cannot be read (logged), or it is the environment's. */
bool secrets_discord_changed(struct master *m);

/* Puts what is different in *next in force and tells all workers; the old ones stay in *next. */
void secrets_rotate(struct master *m, struct secrets *next, struct secrets_rotated *rotated_r);

#endif
