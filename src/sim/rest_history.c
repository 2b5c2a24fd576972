/* REST: the messages of a channel, and the search through those of a guild. Called through the
 * table. Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "sim/access.h"
#include "sim/intents.h"
#include "sim/rest_call.h"

#define SEARCH_OFFSET_MAX 9975

static int64_t query_int(struct rest_call *c, const char *key, int64_t otherwise)
{
    const char *text = httpd_query(c->req, key);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

static uint64_t query_id(struct rest_call *c, const char *key, uint64_t otherwise)
{
    const char *text = httpd_query(c->req, key);

    return text ? rest_id(text) : otherwise;
}

/* --- which messages ----------------------------------------------------------------------------
 */

struct wanted {
    uint64_t above, below; /* ids strictly between */
    uint32_t channel;      /* NONE: all that `visible` allows */
    const bool *visible;   /* by channel */
    const uint64_t *authors;
    size_t n_authors; /* 0 = all */
};

static int newest_first(const void *a, const void *b)
{
    const struct message *x = *(const struct message *const *)a;
    const struct message *y = *(const struct message *const *)b;

    return (x->id < y->id) - (x->id > y->id);
}

static bool fits(const struct world *w, const struct message *m, const struct wanted *want)
{
    if (!m->id || m->id <= want->above || m->id >= want->below)
        return false;
    if (want->channel != NONE ? m->channel != want->channel : !want->visible[m->channel])
        return false;
    for (size_t i = 0; i < want->n_authors; i++)
        if (w->users[m->user].id == want->authors[i])
            return true;
    return want->n_authors == 0;
}

/* Newest first; to be freed. */
static const struct message **find(const struct world *w, const struct guild *g,
                                   const struct wanted *want, size_t *n_r)
{
    const struct message **found = xmalloc((g->n_old + RECENT_MAX) * sizeof(*found));

    *n_r = 0;
    for (uint32_t i = 0; i < g->n_old; i++)
        if (fits(w, &g->old[i], want))
            found[(*n_r)++] = &g->old[i];
    for (uint32_t i = 0; i < RECENT_MAX; i++)
        if (fits(w, &g->recent[i], want))
            found[(*n_r)++] = &g->recent[i];
    qsort(found, *n_r, sizeof(found[0]), newest_first);
    return found;
}

/* --- a channel's -------------------------------------------------------------------------------
 */

static void get_messages(struct rest_call *c)
{
    uint32_t guild, channel = rest_need_channel(c, &guild);
    int64_t limit = query_int(c, "limit", 50);
    struct wanted want = {.above = query_id(c, "after", 0),
                          .below = query_id(c, "before", UINT64_MAX),
                          .channel = channel};
    const struct message **found;
    size_t n = 0;
    bool may;

    if (channel == NONE)
        return;
    if (limit < 1 || limit > 100) {
        rest_error(c, 400, 50035, "Invalid Form Body");
        return;
    }
    may = access_bot_in(c->w, guild, channel) & PERMISSION(READ_MESSAGE_HISTORY);
    found = find(c->w, &c->w->guilds[guild], &want, &n);
    buf_putc(&c->out, '[');
    for (size_t i = 0; may && i < n && i < (size_t)limit; i++) {
        buf_puts(&c->out, i ? "," : "");
        rest_put_message(c, guild, found[i], NULL);
    }
    buf_putc(&c->out, ']');
    free(found);
}

/* --- the search --------------------------------------------------------------------------------
 */

static void put_results(struct rest_call *c, uint32_t guild, const struct message **found, size_t n,
                        size_t offset, size_t limit)
{
    buf_printf(&c->out,
               "{\"doing_deep_historical_index\":false,\"total_results\":%zu,\"messages\":[", n);
    for (size_t i = offset; i < n && i < offset + limit; i++) {
        buf_puts(&c->out, i > offset ? ",[" : "[");
        rest_put_message(c, guild, found[i], NULL);
        buf_putc(&c->out, ']');
    }
    buf_puts(&c->out, "],\"threads\":[],\"members\":[]}");
}

static bool search_allowed(struct rest_call *c, uint32_t guild)
{
    if (!(c->sim->config.intents_allowed & INTENT_MESSAGE_CONTENT))
        rest_error(c, 403, 50001, "Missing Access");
    else if (!(access_bot(c->w, guild) &
               (PERMISSION(READ_MESSAGE_HISTORY) | PERMISSION(ADMINISTRATOR))))
        rest_no_permission(c);
    else if (query_int(c, "limit", 25) < 1 || query_int(c, "limit", 25) > 25 ||
             query_int(c, "offset", 0) < 0 || query_int(c, "offset", 0) > SEARCH_OFFSET_MAX ||
             httpd_query_count(c->req, "author_id") > 100)
        rest_error(c, 400, 50035, "Invalid Form Body");
    else
        return true;
    return false;
}

static void search(struct rest_call *c)
{
    uint32_t guild = rest_need_guild(c);
    uint64_t authors[100];
    const struct message **found;
    struct wanted want;
    const struct guild *g;
    bool *visible;
    size_t n;

    if (guild == NONE || !search_allowed(c, guild))
        return;
    if (c->sim->config.search_not_ready > 0) {
        c->sim->config.search_not_ready--;
        c->status = 202;
        buf_puts(&c->out, "{\"message\":\"Index not yet available. Try again later\","
                          "\"code\":110000,\"documents_indexed\":0,\"retry_after\":0}");
        return;
    }
    g = &c->w->guilds[guild];
    visible = xcalloc(g->n_channels + 1, sizeof(*visible));
    for (uint32_t i = 0; i < g->n_channels; i++)
        visible[i] = !g->channels[i].gone &&
                     permissions_has(access_bot_in(c->w, guild, i),
                                     PERMISSION(VIEW_CHANNEL) | PERMISSION(READ_MESSAGE_HISTORY));
    want = (struct wanted){.above = query_id(c, "min_id", 0),
                           .below = query_id(c, "max_id", UINT64_MAX),
                           .channel = NONE,
                           .visible = visible,
                           .authors = authors,
                           .n_authors = httpd_query_count(c->req, "author_id")};
    for (unsigned i = 0; i < want.n_authors; i++)
        authors[i] = rest_id(httpd_query_at(c->req, "author_id", i));
    found = find(c->w, g, &want, &n);
    put_results(c, guild, found, n, (size_t)query_int(c, "offset", 0),
                (size_t)query_int(c, "limit", 25));
    free(found);
    free(visible);
}

const struct rest_route rest_history_routes[] = {
    {"GET", "channels/*/messages", true, get_messages},
    {"GET", "guilds/*/messages/search", true, search},
    {NULL, NULL, false, NULL},
};
