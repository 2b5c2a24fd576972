/* Redis URLs taken apart. Called by redis.c.
 * Diagnostics: static texts to the caller. */
#include "redis_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "presence/buf.h"

static void unescape(char *s)
{
    char *out = s;

    for (; *s; s++) {
        char hex[3] = {0};

        if (*s == '%' && s[1] && s[2]) {
            memcpy(hex, s + 1, 2);
            *out++ = (char)strtol(hex, NULL, 16);
            s += 2;
        } else {
            *out++ = *s;
        }
    }
    *out = '\0';
}

static const char *take_unix_url(struct redis_address *a, const char *rest)
{
    const char *query = strchr(rest, '?');

    if (!strncmp(rest, "//", 2))
        rest += 2;
    a->path = query ? xstrndup(rest, (size_t)(query - rest)) : xstrdup(rest);
    if (a->path[0] != '/')
        return "a Unix socket's path must be absolute: unix:///run/redis/redis.sock";
    if (strlen(a->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "the Unix socket's path is too long (at most 107 bytes)";
    if (query && !strncmp(query, "?db=", 4))
        a->db = xstrdup(query + 4);
    return NULL;
}

static void take_credentials(struct redis_address *a, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);

    if (colon && colon > text)
        a->user = xstrndup(text, (size_t)(colon - text));
    a->password =
        colon ? xstrndup(colon + 1, len - (size_t)(colon + 1 - text)) : xstrndup(text, len);
    if (a->user)
        unescape(a->user);
    unescape(a->password);
}

static const char *take_tcp_url(struct redis_address *a, const char *rest)
{
    const char *slash = strchr(rest, '/');
    size_t len = slash ? (size_t)(slash - rest) : strlen(rest);
    const char *at = memrchr(rest, '@', len), *colon;

    if (at) {
        take_credentials(a, rest, (size_t)(at - rest));
        len -= (size_t)(at + 1 - rest);
        rest = at + 1;
    }
    if (slash && slash[1])
        a->db = xstrdup(slash + 1);
    if (len && rest[0] == '[' && memchr(rest, ']', len)) {
        const char *close = memchr(rest, ']', len);

        a->host = xstrndup(rest + 1, (size_t)(close - rest - 1));
        colon = close + 1 < rest + len && close[1] == ':' ? close + 1 : NULL;
    } else {
        colon = memchr(rest, ':', len);
        a->host = xstrndup(rest, colon ? (size_t)(colon - rest) : len);
    }
    a->port = colon ? xstrndup(colon + 1, len - (size_t)(colon + 1 - rest)) : xstrdup("6379");
    return a->host[0] && a->port[0] ? NULL : "expected redis://[user:password@]host[:port][/db]";
}

const char *redis_url_parse(const char *url, struct redis_address *a)
{
    *a = (struct redis_address){0};
    if (!strncmp(url, "rediss:", 7))
        return "rediss:// needs TLS, which the installed hiredis (0.14) does not have: use unix:// "
               "or redis:// through a local TLS proxy";
    if (!strncmp(url, "unix:", 5))
        return take_unix_url(a, url + 5);
    if (!strncmp(url, "redis://", 8))
        return take_tcp_url(a, url + 8);
    return "expected a URL that begins with redis:// or unix://";
}

void redis_address_clear(struct redis_address *a)
{
    free(a->host);
    free(a->port);
    free(a->path);
    free(a->user);
    if (a->password)
        explicit_bzero(a->password, strlen(a->password));
    free(a->password);
    free(a->db);
    *a = (struct redis_address){0};
}
