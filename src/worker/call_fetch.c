/* Files that callers give to a command: fetched from Discord, and from nowhere else, without the
 * bot's token. Called by cogs through call_host.c. Diagnostics: logs why a file was not fetched. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "worker/call_priv.h"

#define FETCH_MS 10000

/* "https://host:port/": what an address begins with that is on the same host. */
static bool is_under(const char *url, const char *base, size_t len)
{
    return len > 0 && strncmp(url, base, len) == 0 && url[len] == '/';
}

/* Of an http address, without the slash behind it. */
static size_t origin_len(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

/* Where Discord keeps files, or the host of the API that is configured. */
static bool is_discords(const struct worker *w, const char *url)
{
    static const char *const hosts[] = {"https://cdn.discordapp.com",
                                        "https://media.discordapp.net"};
    const char *api = w->conf.discord.api_base;

    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
            return false;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (is_under(url, hosts[i], strlen(hosts[i])))
            return true;
    return is_under(url, api, origin_len(api));
}

static void fetched(void *arg, const struct http_answer *answer)
{
    struct task *t = arg;

    t->fetch = NULL;
    if (answer->status == 200) {
        t->fetched(&t->call, answer->body, answer->len);
        return;
    }
    log_warn("file_unfetched", "guild %llu: status %d %s",
             (unsigned long long)t->interaction.guild.id, answer->status,
             answer->error ? answer->error : "");
    t->fetched(&t->call, NULL, 0);
}

bool task_fetch(struct task *t, const char *url, size_t max, call_fetched *cb)
{
    struct http_request request = {
        .method = "GET", .url = url, .timeout_ms = FETCH_MS, .answer_max = max};

    if (!is_discords(t->w, url))
        return false;
    task_forget_file(t);
    t->fetched = cb;
    t->fetch = http_send(t->w->http, &request, fetched, t);
    return true;
}

void task_forget_file(struct task *t)
{
    if (t->fetch)
        http_cancel(&t->fetch);
}
