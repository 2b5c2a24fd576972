/* Who may do what. Called by the server for each request, and by --new-token.
 * Diagnostics: errors with file and line go to the caller; the text of a token is never logged. */
#include "graphql/tokens.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graphql/schema.h"
#include "presence/buf.h"
#include "presence/crypto.h"
#include "presence/fd.h"
#include "presence/snowflake.h"

#define FILE_MAX_BYTES (1u << 20)
#define TOKEN_BYTES    32u

struct tokens {
    struct token *list;
    size_t n;
    struct allowance anonymous;
};

void tokens_free(struct tokens **tokens)
{
    struct tokens *t = *tokens;

    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->list[i].name);
        free(t->list[i].guilds);
    }
    free(t->list);
    free(t);
    *tokens = NULL;
}

size_t tokens_count(const struct tokens *tokens)
{
    return tokens->n;
}

/* --- scopes --------------------------------------------------------------------------------------
 */

static int add_scope(struct token *t, const char *text, size_t len)
{
    static const char guild_prefix[] = "read:guild:";
    size_t prefix = sizeof(guild_prefix) - 1;
    snowflake_t guild;

    if (len == 4 && strncmp(text, "read", 4) == 0) {
        t->scopes |= SCOPE_READ;
    } else if (len == 6 && strncmp(text, "ingest", 6) == 0) {
        t->scopes |= SCOPE_INGEST | SCOPE_WRITE;
    } else if (len == 5 && strncmp(text, "admin", 5) == 0) {
        t->scopes |= SCOPE_ADMIN | SCOPE_READ | SCOPE_WRITE | SCOPE_ERASE;
    } else if (len == 5 && strncmp(text, "erase", 5) == 0) {
        t->scopes |= SCOPE_ERASE;
    } else if (len > prefix && strncmp(text, guild_prefix, prefix) == 0 &&
               snowflake_parse(text + prefix, len - prefix, &guild) == 0) {
        t->guilds = xrealloc(t->guilds, (t->n_guilds + 1) * sizeof(*t->guilds));
        t->guilds[t->n_guilds++] = guild.id;
    } else {
        return -1;
    }
    return 0;
}

static int parse_scopes(struct token *t, const char *text)
{
    while (true) {
        size_t len = strcspn(text, ",");

        if (add_scope(t, text, len))
            return -1;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

/* --- the file ------------------------------------------------------------------------------------
 */

static const char *parse_line(struct token *t, char *line)
{
    char *save = NULL, *name = strtok_r(line, " \t\r", &save),
         *digest = strtok_r(NULL, " \t\r", &save), *scopes = strtok_r(NULL, " \t\r", &save);

    if (!scopes || strtok_r(NULL, " \t\r", &save))
        return "expected: name sha256hex scope[,scope]";
    if (crypto_unhex(digest, strlen(digest), t->digest, sizeof(t->digest)))
        return "expected 64 hexadecimal digits as the second word";
    if (parse_scopes(t, scopes))
        return "expected scopes out of read, ingest, erase, admin, read:guild:<id>";
    t->name = xstrdup(name);
    return NULL;
}

struct tokens *tokens_load(const char *path, char **error_r)
{
    struct tokens *tokens = xcalloc(1, sizeof(*tokens));
    size_t len;
    char *text = fd_read_file(path, FILE_MAX_BYTES, &len), *rest = text, *line;
    unsigned number = 0;

    if (!text) {
        *error_r = xasprintf("%s: %s", path, strerror(errno));
        tokens_free(&tokens);
        return NULL;
    }
    while ((line = strsep(&rest, "\n"))) {
        const char *wrong;

        number++;
        line += strspn(line, " \t\r");
        if (!*line || *line == '#')
            continue;
        tokens->list = xrealloc(tokens->list, (tokens->n + 1) * sizeof(*tokens->list));
        tokens->list[tokens->n] = (struct token){0};
        wrong = parse_line(&tokens->list[tokens->n++], line);
        if (wrong) {
            *error_r = xasprintf("%s:%u: %s", path, number, wrong);
            tokens_free(&tokens);
            break;
        }
    }
    free(text);
    return tokens;
}

const struct token *tokens_find(const struct tokens *tokens, const char *header)
{
    const struct token *found = NULL;
    uint8_t digest[CRYPTO_SHA256_SIZE];

    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7;
    header += strspn(header, " ");
    crypto_sha256(header, strlen(header), digest);
    for (size_t i = 0; i < tokens->n; i++)
        if (crypto_equal(tokens->list[i].digest, digest, sizeof(digest)))
            found = &tokens->list[i];
    return found;
}

unsigned tokens_take(struct tokens *tokens, const struct token *token, unsigned rate,
                     int64_t now_ms)
{
    struct allowance *a = &tokens->anonymous;
    int64_t full = (int64_t)rate * 2000;

    if (token)
        a = &tokens->list[token - tokens->list].allowance;
    if (a->at_ms == 0 || now_ms - a->at_ms >= 2000)
        a->thousandths = full;
    else
        a->thousandths += (now_ms - a->at_ms) * rate;
    if (a->thousandths > full)
        a->thousandths = full;
    a->at_ms = now_ms;
    if (a->thousandths < 1000)
        return 1; /* rate is at least 1 a second */
    a->thousandths -= 1000;
    return 0;
}

bool tokens_still(const struct tokens *tokens, const uint8_t digest[32], unsigned scopes,
                  const uint64_t *guilds, size_t n_guilds)
{
    for (size_t i = 0; i < tokens->n; i++) {
        const struct token *t = &tokens->list[i];

        if (crypto_equal(t->digest, digest, sizeof(t->digest)) && t->scopes == scopes &&
            t->n_guilds == n_guilds &&
            (n_guilds == 0 || memcmp(t->guilds, guilds, n_guilds * sizeof(*guilds)) == 0))
            return true;
    }
    return false;
}

/* --- a new one -----------------------------------------------------------------------------------
 */

static bool valid_name(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
            return false;
    return *name && strlen(name) <= 64;
}

/* Appends the line; one that an editor left without its end is ended first. */
static int append_line(const char *path, const char *line, char **error_r)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    char *text = NULL;
    char last = '\n';
    off_t end;
    int rc = -1;

    if (fd >= 0 && (end = lseek(fd, 0, SEEK_END)) > 0 && pread(fd, &last, 1, end - 1) != 1)
        last = '\n';
    text = xasprintf("%s%s", last == '\n' ? "" : "\n", line);
    if (fd < 0 || fd_write_all(fd, text, strlen(text)) || fsync(fd))
        *error_r = xasprintf("%s: %s", path, strerror(errno));
    else
        rc = 0;
    free(text);
    fd_close(&fd);
    return rc;
}

char *tokens_create(const char *path, const char *name, const char *scopes, char **error_r)
{
    struct token check = {0};
    uint8_t random[TOKEN_BYTES], digest[CRYPTO_SHA256_SIZE];
    char text[2 * TOKEN_BYTES + 1], hex[CRYPTO_SHA256_HEX];
    char *line;
    int rc;

    rc = parse_scopes(&check, scopes);
    free(check.guilds);
    if (rc) {
        *error_r = xasprintf("scope \"%s\": expected read, ingest, erase, admin or "
                             "read:guild:<id>, separated by commas",
                             scopes);
        return NULL;
    }
    if (!valid_name(name)) {
        *error_r = xasprintf("name \"%s\": expected letters, digits, - _ . (at most 64)", name);
        return NULL;
    }
    crypto_random(random, sizeof(random));
    crypto_hex(random, sizeof(random), text);
    crypto_sha256(text, strlen(text), digest);
    crypto_hex(digest, sizeof(digest), hex);
    line = xasprintf("%s %s %s\n", name, hex, scopes);
    rc = append_line(path, line, error_r);
    free(line);
    return rc ? NULL : xstrdup(text);
}
