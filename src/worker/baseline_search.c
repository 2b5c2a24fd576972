/* The baseline by search: of up to 100 members at a time, whose last act is not known, the newest
 * messages first; whoever has one is left out of the next question. Called by baseline.c.
 * Diagnostics: none. Source: Discord rest.md, "Messages"; product sheet section 5. */
#include <stdlib.h>
#include <string.h>

#include "presence/activity.h"
#include "worker/baseline_priv.h"
#include "worker/operations.h"

#define PAGE          25
#define NOT_READY_MS  5000
#define NOT_READY_MAX 24u

static void search_page(struct baseline *b);

/* --- one group of members ----------------------------------------------------------------------
 */

static void group_kept(struct baseline *b)
{
    bool last = !b->next_after;

    b->done += b->n_asked;
    free(b->after);
    b->after = b->next_after;
    b->next_after = NULL;
    if (last)
        b->total = b->done; /* a successor is not asked about whom his predecessor found */
    baseline_note(b);
    if (last)
        lease_finish(b->lease, NULL);
    else
        baseline_search(b);
}

static void take_group(struct baseline *b, const struct json *data)
{
    const struct json *members = json_get(data, "members"), *page = json_get(members, "pageInfo");
    const struct json *total = json_get(members, "totalCount");

    b->n_targets = 0;
    for (const struct json *j = json_first(json_get(members, "nodes"));
         j && b->n_targets < BASELINE_TARGETS; j = json_next(j))
        b->targets[b->n_targets++] = (snowflake_t){json_id(json_get(j, "userId"))};
    b->n_asked = b->n_targets;
    free(b->next_after);
    b->next_after = json_bool(json_get(page, "hasNextPage"), false)
                        ? xstrdup(json_string(json_get(page, "endCursor"), ""))
                        : NULL;
    if (json_is_number(total))
        b->total = (uint64_t)json_int(total, 0);
    b->below = SNOWFLAKE_NONE;
    baseline_note(b);
    if (b->n_targets == 0)
        baseline_keep(b, group_kept);
    else
        search_page(b);
}

void baseline_search(struct baseline *b)
{
    struct buf v;

    buf_init(&v, 0);
    buf_printf(&v, "{\"guildId\":\"%llu\",\"count\":%s,\"after\":",
               (unsigned long long)lease_guild(b->lease).id, b->total ? "false" : "true");
    if (b->after)
        buf_put_json(&v, b->after, strlen(b->after));
    else
        buf_puts(&v, "null");
    buf_putc(&v, '}');
    baseline_ask(b, OPERATION_BASELINE_TARGETS, buf_cstr(&v), take_group);
    buf_clear(&v);
}

/* --- one page ----------------------------------------------------------------------------------
 */

static bool take_target(struct baseline *b, snowflake_t user)
{
    for (size_t i = 0; i < b->n_targets; i++)
        if (snowflake_equal(b->targets[i], user)) {
            b->targets[i] = b->targets[--b->n_targets];
            return true;
        }
    return false;
}

/* A hit is one message in a list of its own. Returns how many messages there were. */
static size_t take_hits(struct baseline *b, const struct json *hits)
{
    size_t n = 0;

    for (const struct json *hit = json_first(hits); hit; hit = json_next(hit))
        for (const struct json *m = json_first(hit); m; m = json_next(m), n++) {
            snowflake_t id = {json_id(json_get(m, "id"))};
            snowflake_t author = {json_id(json_get(json_get(m, "author"), "id"))};

            if (snowflake_known(id) && (!snowflake_known(b->below) || id.id < b->below.id))
                b->below = id;
            if (baseline_kind_of(m) != ACTIVITY_NONE && take_target(b, author))
                baseline_found(b, m, author, true);
        }
    return n;
}

/* Search may be impossible here: reading the channels is not. */
static void give_up(struct baseline *b, const char *why)
{
    if (!b->may_read) {
        baseline_fail(b, why);
        return;
    }
    b->searching = false;
    b->done = b->total = 0;
    baseline_note(b);
    baseline_history(b);
}

static void not_ready(struct baseline *b, const struct json *body)
{
    double wait = json_double(json_get(body, "retry_after"), 0);
    int64_t wait_ms = wait > 0 && wait < 600 ? (int64_t)(wait * 1000) : 0;

    if (++b->not_ready > NOT_READY_MAX)
        give_up(b, "Discord's index of messages is not ready: try again later");
    else
        baseline_later(b, wait_ms > NOT_READY_MS ? wait_ms : NOT_READY_MS / 5 * b->not_ready,
                       search_page);
}

static void page_kept(struct baseline *b)
{
    baseline_note(b);
    search_page(b);
}

static void searched(struct baseline *b, const struct rest_answer *answer)
{
    snowflake_t before = b->below;

    if (answer->outcome == OUTCOME_NOT_READY) {
        not_ready(b, answer->body);
        return;
    }
    b->not_ready = 0;
    if (answer->outcome != OUTCOME_OK || !json_is_array(json_get(answer->body, "messages"))) {
        give_up(b, "Discord does not allow the search: it needs the permission "
                   "READ_MESSAGE_HISTORY and the intent MESSAGE_CONTENT");
        return;
    }
    /* Nothing new, or nobody left: these members are done. */
    if (take_hits(b, json_get(answer->body, "messages")) == 0 || b->n_targets == 0 ||
        snowflake_equal(before, b->below))
        baseline_keep(b, group_kept);
    else
        baseline_keep(b, page_kept);
}

static void search_page(struct baseline *b)
{
    struct buf path;

    buf_init(&path, 0);
    buf_printf(&path,
               "/guilds/%llu/messages/search?sort_by=timestamp&sort_order=desc&limit=%d&"
               "include_nsfw=true&min_id=%llu",
               (unsigned long long)lease_guild(b->lease).id, PAGE,
               (unsigned long long)(b->horizon.ms - SNOWFLAKE_EPOCH_MS) << 22);
    if (snowflake_known(b->below))
        buf_printf(&path, "&max_id=%llu", (unsigned long long)b->below.id);
    for (size_t i = 0; i < b->n_targets; i++)
        buf_printf(&path, "&author_id=%llu", (unsigned long long)b->targets[i].id);
    baseline_get(b, buf_cstr(&path), searched);
    buf_clear(&path);
}
