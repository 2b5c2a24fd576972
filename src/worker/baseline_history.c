/* The baseline by history: the channels that the bot may read, one after the other, from the newest
 * message back to the horizon, at most PAGES_MAX pages of each. Threads are not read. Called by
 * baseline.c. Diagnostics: none. Source: Discord rest.md, "Pagination". */
#include <stdlib.h>

#include "presence/activity.h"
#include "presence/route.h"
#include "presence/seen.h"
#include "worker/baseline_priv.h"

#define PAGE      100
#define PAGES_MAX 100u
#define SEEN_MIN  1024u

static void next_channel(struct baseline *b);
static void read_page(struct baseline *b);

/* --- the newest of each --------------------------------------------------------------
 */

static struct baseline_seen *place(struct baseline_seen *table, size_t cap, uint64_t user)
{
    size_t at = route_mix(user) & (cap - 1);

    while (table[at].user && table[at].user != user)
        at = (at + 1) & (cap - 1);
    return &table[at];
}

static void grow(struct baseline *b)
{
    size_t cap = b->cap_seen ? b->cap_seen * 2 : SEEN_MIN;
    struct baseline_seen *table = xcalloc(cap, sizeof(*table));

    for (size_t i = 0; i < b->cap_seen; i++)
        if (b->seen[i].user)
            *place(table, cap, b->seen[i].user) = b->seen[i];
    free(b->seen);
    b->seen = table;
    b->cap_seen = cap;
}

/* Whether it is the newest so far; *first_r: it is the first. */
static bool is_newest(struct baseline *b, snowflake_t user, snowflake_t message, bool *first_r)
{
    struct baseline_seen *s;

    if (b->n_seen * 2 >= b->cap_seen)
        grow(b);
    s = place(b->seen, b->cap_seen, user.id);
    *first_r = s->user == 0;
    if (s->newest >= message.id)
        return false;
    b->n_seen += *first_r;
    *s = (struct baseline_seen){user.id, message.id};
    return true;
}

void baseline_history_clear(struct baseline *b)
{
    free(b->seen);
    b->seen = NULL;
    b->n_seen = b->cap_seen = 0;
}

/* Those who left, bots, and whoever is known to have acted later, have nothing to gain. One whose
 * row found no room in the table may be a member. */
static bool may_gain(const struct baseline *b, snowflake_t user, snowflake_t message)
{
    snowflake_t guild = lease_guild(b->lease);
    const struct seen_row *row = seen_find(&b->w->shm, guild, user);

    if (!row)
        return seen_let_go(&b->w->shm, guild, user);
    return row->flags & SEEN_ON_ROSTER && !(row->flags & SEEN_BOT) &&
           SEEN_MS(atomic_load(&row->counted)) < snowflake_time(message).ms;
}

static void take_message(struct baseline *b, const struct json *m)
{
    snowflake_t id = {json_id(json_get(m, "id"))};
    snowflake_t author = {json_id(json_get(json_get(m, "author"), "id"))};
    bool first;

    if (snowflake_known(author) && baseline_kind_of(m) != ACTIVITY_NONE &&
        may_gain(b, author, id) && is_newest(b, author, id, &first))
        baseline_found(b, m, author, first);
}

/* --- pages -------------------------------------------------------------------------------------
 */

static void page_kept(struct baseline *b)
{
    baseline_note(b);
    read_page(b);
}

static void channel_kept(struct baseline *b)
{
    b->done++;
    b->before = SNOWFLAKE_NONE;
    next_channel(b);
}

static void page_read(struct baseline *b, const struct rest_answer *answer)
{
    size_t n = 0;
    bool over = false;

    for (const struct json *m = json_first(answer->body); answer->outcome == OUTCOME_OK && m;
         m = json_next(m), n++) {
        snowflake_t id = {json_id(json_get(m, "id"))};

        if (snowflake_time(id).ms < b->horizon.ms) {
            over = true;
            break;
        }
        take_message(b, m);
        if (!snowflake_known(b->before) || id.id < b->before.id)
            b->before = id;
    }
    /* A channel that cannot be read any more is passed over, as one that was deleted. */
    if (over || n < PAGE || ++b->pages >= PAGES_MAX)
        baseline_keep(b, channel_kept);
    else
        baseline_keep(b, page_kept);
}

static void read_page(struct baseline *b)
{
    char *path =
        snowflake_known(b->before)
            ? xasprintf("/channels/%llu/messages?limit=%d&before=%llu",
                        (unsigned long long)b->channel.id, PAGE, (unsigned long long)b->before.id)
            : xasprintf("/channels/%llu/messages?limit=%d", (unsigned long long)b->channel.id,
                        PAGE);

    baseline_get(b, path, page_read);
    free(path);
}

/* --- channels ----------------------------------------------------------------------------------
 */

/* Whether there is anything to be found: the id of the last message tells its time. */
static bool worth_reading(const struct baseline *b, size_t i)
{
    const uint64_t needed = PERMISSION(VIEW_CHANNEL) | PERMISSION(READ_MESSAGE_HISTORY);
    const struct guild_view_channel *c = &b->view.channels[i];

    return guild_view_holds_messages(&b->view, i) && snowflake_known(c->last_message) &&
           snowflake_time(c->last_message).ms >= b->horizon.ms &&
           permissions_has(guild_view_may_in(&b->view, i, clock_unix()), needed);
}

/* By their ids, so that a successor goes on where this one was. */
static void next_channel(struct baseline *b)
{
    snowflake_t best = SNOWFLAKE_NONE;

    for (size_t i = 0; i < b->view.n_channels; i++) {
        snowflake_t id = b->view.channels[i].id;

        if (id.id > b->channel.id && worth_reading(b, i) &&
            (!snowflake_known(best) || id.id < best.id))
            best = id;
    }
    b->pages = 0;
    if (!snowflake_known(best)) {
        baseline_note(b);
        lease_finish(b->lease, NULL);
        return;
    }
    b->channel = best;
    baseline_note(b);
    read_page(b);
}

static void count_channels(struct baseline *b)
{
    b->total = b->done;
    for (size_t i = 0; i < b->view.n_channels; i++)
        b->total += worth_reading(b, i) && b->view.channels[i].id.id > b->channel.id;
    if (snowflake_known(b->before)) { /* a channel that a predecessor began */
        b->total++;
        read_page(b);
    } else {
        next_channel(b);
    }
}

/* --- what there is -----------------------------------------------------------------------------
 */

static void channels_told(struct baseline *b, const struct rest_answer *answer)
{
    if (answer->outcome == OUTCOME_OK && guild_view_channels(&b->view, answer->body))
        count_channels(b);
    else
        baseline_fail(b, "Discord does not tell the channels");
}

static void get_of_guild(struct baseline *b, const char *rest, baseline_rest_cb *cb)
{
    char *path = xasprintf("/guilds/%llu%s", (unsigned long long)lease_guild(b->lease).id, rest);

    baseline_get(b, path, cb);
    free(path);
}

static void bot_told(struct baseline *b, const struct rest_answer *answer)
{
    if (answer->outcome == OUTCOME_OK && guild_view_bot(&b->view, answer->body))
        get_of_guild(b, "/channels", channels_told);
    else
        baseline_fail(b, "Discord does not tell which roles Presence has");
}

static void guild_told(struct baseline *b, const struct rest_answer *answer)
{
    char *rest;

    if (answer->outcome != OUTCOME_OK || !guild_view_guild(&b->view, answer->body)) {
        baseline_fail(b, "Discord does not tell the roles");
        return;
    }
    rest = xasprintf("/members/%llu", (unsigned long long)b->w->self.id);
    get_of_guild(b, rest, bot_told);
    free(rest);
}

void baseline_history(struct baseline *b)
{
    if (snowflake_known(b->w->self))
        get_of_guild(b, "", guild_told);
    else
        baseline_later(b, 1000, baseline_history);
}
