/* Shared by conf.c, conf_keys.c, conf_print.c and conf_value.c only. */
#ifndef CORE_CONF_PRIV_H
#define CORE_CONF_PRIV_H

#include "presence/conf.h"

#define CONF_KEYS_MAX     64
#define CONF_SUN_PATH_MAX 107 /* sockaddr_un.sun_path without its terminator */

static inline void *conf_field(const struct conf *conf, const struct conf_key *key)
{
    return (char *)(uintptr_t)conf + key->offset;
}

/* Stores a value, freeing the one before. Returns NULL, or what was expected instead (owned by the
 * caller) with the field unchanged. */
char *conf_value_set(struct conf *conf, const struct conf_key *key, const char *text);
void conf_value_free(struct conf *conf, const struct conf_key *key);
/* Makes a path below presence.state_dir or run_dir absolute. */
void conf_value_resolve(struct conf *conf, const struct conf_key *key);

/* A copy (owned by the caller) in which *** stands for passwords: of a URL's user, and behind
 * password= as libpq takes it. */
char *conf_without_passwords(const char *text);

#endif
