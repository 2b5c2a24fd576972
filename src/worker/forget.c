/* Forgetting in the caches what the store has forgotten: resets and erasures, by developers'
 * commands and by whoever else asks presence-graphqld for them. Called by main, changes and
 * order_host. Diagnostics: none. */
#include "worker/forget.h"

#include <stdlib.h>

#include "worker/cache.h"

#define AGAIN_MS  250
#define TRIES_MAX 40u /* a row that is busy for so long is of now */

/* Rows that could not be forgotten yet. */
struct again {
    struct again *next;
    snowflake_t guild, user;
    unsigned tries;
};

struct forgets {
    struct again *first;
    struct loop_timer *timer;
};

struct forgetting {
    struct worker *w;
    snowflake_t guild;
    bool done;
};

static void later(struct worker *w, snowflake_t guild, snowflake_t user, unsigned tries)
{
    struct again *a;

    if (tries >= TRIES_MAX)
        return;
    a = xmalloc(sizeof(*a));
    *a = (struct again){w->forgets->first, guild, user, tries + 1};
    w->forgets->first = a;
    if (!loop_timer_active(w->forgets->timer))
        loop_timer_set(w->forgets->timer, AGAIN_MS);
}

static bool forget_row(struct worker *w, struct seen_row *row)
{
    const struct lane *lane = w->lanes[route_lane((snowflake_t){row->guild})];

    return !lane || seen_forget(&w->shm, row, !flush_pending(lane));
}

static bool forget_member_of(void *arg, struct seen_row *row)
{
    struct forgetting *f = arg;

    if (row->guild == f->guild.id && !forget_row(f->w, row))
        f->done = false;
    return true;
}

/* The rows alone. */
static void forget_rows(struct worker *w, snowflake_t guild, snowflake_t user, unsigned tries)
{
    struct forgetting f = {w, guild, true};
    struct seen_row *row;

    if (snowflake_known(user)) {
        row = seen_find(&w->shm, guild, user);
        f.done = !row || forget_row(w, row);
    } else {
        seen_each(&w->shm, forget_member_of, &f);
    }
    if (!f.done)
        later(w, guild, user, tries);
}

static void forget_in(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct lane *lane = w->lanes[route_lane(guild)];

    if (!lane)
        return;
    if (snowflake_known(user))
        cache_forget_member(lane, guild, user);
    else
        cache_forget_lane(lane);
    forget_rows(w, guild, user, 0);
}

static void again(void *arg)
{
    struct worker *w = arg;
    struct again *a = w->forgets->first;

    w->forgets->first = NULL;
    while (a) {
        struct again *next = a->next;

        forget_rows(w, a->guild, a->user, a->tries);
        free(a);
        a = next;
    }
}

void forget(struct worker *w, snowflake_t guild, snowflake_t user)
{
    const struct shm_guild *rows = shm_at(&w->shm, w->shm.header->guilds_offset);

    if (snowflake_known(guild)) {
        forget_in(w, guild, user);
        return;
    }
    for (uint64_t i = 0; snowflake_known(user) && i < w->shm.header->guilds; i++)
        if (rows[i].guild)
            forget_in(w, (snowflake_t){rows[i].guild}, user);
}

void forget_everywhere(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct msg_forget m = {guild.id, user.id};

    ipc_send(w->ipc, MSG_FORGET_PASS, 0, &m, sizeof(m), NULL, 0);
}

void forget_init(struct worker *w)
{
    w->forgets = xcalloc(1, sizeof(*w->forgets));
    w->forgets->timer = loop_timer_new(w->loop, again, w);
}
