/* The tokens, and the secret of this instance: read at the start and again at every reload, handed
 * to the workers by message. Called by main.c and reload.c; Discord's once more by shard.c and
 * discover.c when it is refused. Diagnostics: token_rotated; token_file when a refused token cannot
 * be read again; otherwise what is wrong with a file goes to the caller. */
#include "secrets.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "presence/sd.h"

#define KEY_BYTES 32u

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

/* The secret is made where there is none. Whoever begins at the same time finds the other's: it is
 * linked into its place, which fails if there is one. */
static void make_key(const char *path)
{
    unsigned char bytes[KEY_BYTES];
    char hex[2 * KEY_BYTES + 2], *beside = xasprintf("%s.new.%ld", path, (long)getpid());

    arc4random_buf(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    hex[2 * KEY_BYTES] = '\n';
    if (fd_write_file(beside, hex, 2 * KEY_BYTES + 1, 0600, true) == 0) {
        if (link(beside, path) == 0)
            log_info("secret_made", "%s", path);
        unlink(beside);
    }
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(hex, sizeof(hex));
    free(beside);
}

static char *read_key(const struct conf *conf, char **error_r)
{
    char *file = sd_credential("secret", conf->discord.secret_file), *why = NULL, *key;

    if (access(file, F_OK) && errno == ENOENT)
        make_key(file);
    key = fd_read_secret(file, &why);
    if (!key)
        *error_r = xasprintf("[discord] secret_file: %s", why);
    free(why);
    free(file);
    return key;
}

int secrets_read(const struct conf *conf, const char *environment, struct secrets *secrets_r,
                 char **error_r)
{
    struct secrets s = {0};

    s.discord = environment ? xstrdup(environment) : read_discord(conf, error_r);
    if (s.discord)
        s.graphql = read_token("graphql", "graphql.token", conf->graphql.token_file, error_r);
    if (s.graphql)
        s.key = read_key(conf, error_r);
    if (!s.key) {
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
    fd_secret_free(&secrets->key);
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
    send_secret(w, SECRET_KEY, w->m->secrets.key);
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
    if (rotated.key)
        log_info("secret_rotated",
                 "discord.secret_file: a new secret; buttons shown until now are refused");
}

void secrets_rotate(struct master *m, struct secrets *next, struct secrets_rotated *rotated_r)
{
    rotated_r->discord = rotate(m, SECRET_DISCORD_TOKEN, &m->secrets.discord, &next->discord);
    m->token_number += rotated_r->discord;
    rotated_r->graphql = rotate(m, SECRET_GRAPHQL_TOKEN, &m->secrets.graphql, &next->graphql);
    rotated_r->key = rotate(m, SECRET_KEY, &m->secrets.key, &next->key);
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
