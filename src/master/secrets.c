/* The tokens: read at the start and again at every reload, handed to the workers by message. Called
 * by main.c and reload.c; Discord's once more by shard.c and discover.c when it is refused.
 * Diagnostics: token_rotated; token_file when a refused token cannot be read again; otherwise what
 * is wrong with a file goes to the caller. */
#include "secrets.h"

#include <stdlib.h>
#include <string.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "presence/sd.h"

char *secrets_environment(void)
{
    const char *value = getenv("DISCORD_TOKEN");
    char *token = value && *value ? xstrdup(value) : NULL;

    unsetenv("DISCORD_TOKEN");
    return token;
}

static char *read_token(const char *section, const char *credential, const char *path,
                        char **error_r)
{
    char *file = sd_credential(credential, path), *why = NULL;
    char *token = fd_read_secret(file, &why);

    if (!token)
        *error_r = xasprintf("[%s] token_file: %s", section, why);
    free(why);
    free(file);
    return token;
}

static char *read_discord(const struct conf *conf, char **error_r)
{
    return read_token("discord", "discord.token", conf->discord.token_file, error_r);
}

int secrets_read(const struct conf *conf, const char *environment, struct secrets *secrets_r,
                 char **error_r)
{
    struct secrets s = {0};

    s.discord = environment ? xstrdup(environment) : read_discord(conf, error_r);
    if (s.discord)
        s.graphql = read_token("graphql", "graphql.token", conf->graphql.token_file, error_r);
    if (!s.graphql) {
        secrets_clear(&s);
        return -1;
    }
    *secrets_r = s;
    return 0;
}

void secrets_clear(struct secrets *secrets)
{
    fd_secret_free(&secrets->discord);
    fd_secret_free(&secrets->graphql);
}

static void send_secret(struct worker *w, enum msg_secret which, const char *text)
{
    struct msg_id id = {which};

    worker_send(w, MSG_SECRET, &id, sizeof(id), text, strlen(text));
}

void secrets_send(struct worker *w)
{
    send_secret(w, SECRET_DISCORD_TOKEN, w->m->secrets.discord);
    send_secret(w, SECRET_GRAPHQL_TOKEN, w->m->secrets.graphql);
}

/* Whether *next differs; then it takes the place of *now and all workers have it, draining ones
 * too: what they still hold goes out with it. */
static bool rotate(struct master *m, enum msg_secret which, char **now, char **next)
{
    char *old = *now;

    if (strcmp(old, *next) == 0)
        return false;
    *now = *next;
    *next = old;
    for (unsigned i = 0; i < LANES; i++)
        send_secret(&m->workers[i], which, *now);
    return true;
}

static void tell_rotated(struct secrets_rotated rotated)
{
    if (rotated.discord)
        log_info("token_rotated",
                 "discord.token_file: a new token, for the next Identify and REST request on");
    if (rotated.graphql)
        log_info("token_rotated", "graphql.token_file: a new token, sent to the workers");
}

void secrets_rotate(struct master *m, struct secrets *next, struct secrets_rotated *rotated_r)
{
    rotated_r->discord = rotate(m, SECRET_DISCORD_TOKEN, &m->secrets.discord, &next->discord);
    m->token_number += rotated_r->discord;
    rotated_r->graphql = rotate(m, SECRET_GRAPHQL_TOKEN, &m->secrets.graphql, &next->graphql);
    tell_rotated(*rotated_r);
}

bool secrets_discord_changed(struct master *m)
{
    struct secrets_rotated rotated = {0};
    char *error = NULL, *next;

    if (m->environment_token)
        return false;
    next = read_discord(&m->conf, &error);
    if (!next) {
        log_error("token_file", "%s", error);
        free(error);
        return false;
    }
    rotated.discord = rotate(m, SECRET_DISCORD_TOKEN, &m->secrets.discord, &next);
    m->token_number += rotated.discord;
    fd_secret_free(&next);
    tell_rotated(rotated);
    return rotated.discord;
}
