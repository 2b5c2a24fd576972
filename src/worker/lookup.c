/* Who is a bot: an actor of whom neither his events nor the roster told is asked for by REST, off
 * the event's path; the answer becomes a record. Called by react, survey and load.
 * Diagnostics: warns when Discord does not answer; the member stays unknown until it does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "presence/rest.h"
#include "worker/react_parts.h"

#define TRIES     6
#define RETRY_MS  60000
#define ROOM_MS   200
#define ROLES_MAX 512u

struct lookup {
    struct worker *w;
    struct lookup *next;
    snowflake_t guild, user;
    bool left;      /* no member: the user is asked for */
    int64_t due_ms; /* monotonic: when its waiting ends */
    /* the answer, until there is room for it in the lane */
    int bot; /* -1 = none yet */
    struct record_list answer;
};

struct lookups {
    struct lookup *waiting; /* to be asked again, or answers without room */
    struct loop_timer *timer;
    int64_t due_ms; /* the timer's */
};

static void ask(struct lookup *l);

static void drop(struct lookup *l)
{
    record_list_clear(&l->answer);
    free(l);
}

/* An answer without room waits for less than whom Discord does not tell of. */
static void wait_for(struct lookup *l, int64_t ms)
{
    struct lookups *all = l->w->lookups;

    l->due_ms = clock_mono().ms + ms;
    l->next = all->waiting;
    all->waiting = l;
    if (!loop_timer_active(all->timer) || l->due_ms < all->due_ms) {
        all->due_ms = l->due_ms;
        loop_timer_set(all->timer, ms);
    }
}

/* True when the answer is in the lane, or the lane is no longer ours. */
static bool deliver(struct lookup *l)
{
    struct lane *lane = l->w->lanes[route_lane(l->guild)];

    return !lane || !lane_append(lane, &l->answer);
}

static void waited(void *arg)
{
    struct worker *w = arg;
    struct lookup *l = w->lookups->waiting;
    int64_t now_ms = clock_mono().ms;

    w->lookups->waiting = NULL;
    while (l) {
        struct lookup *next = l->next;

        if (l->due_ms > now_ms)
            wait_for(l, l->due_ms - now_ms);
        else if (l->bot < 0)
            ask(l);
        else if (deliver(l))
            drop(l);
        else
            wait_for(l, ROOM_MS);
        l = next;
    }
}

/* --- the answer ------------------------------------------------------------------------------ */

static void put_flag(struct lookup *l)
{
    struct record_subject *r = record_list_add(&l->answer, RECORD_BOT_FLAG, 0, 0, 0);

    r->guild = l->guild;
    r->user = l->user;
    r->at = clock_unix();
    r->h.flags |= l->bot ? RECORD_IS_BOT : RECORD_IS_HUMAN;
}

static uint8_t text_len(const char *text)
{
    size_t len = strlen(text);

    return (uint8_t)(len > 255 ? 255 : len);
}

/* A member object tells more than the flag: he is on the roster, with these names and roles. */
static void put_member(struct lookup *l, const struct json *body)
{
    const struct json *user = json_get(body, "user"), *roles = json_get(body, "roles");
    const char *names[3] = {json_string(json_get(user, "username"), ""),
                            json_string(json_get(user, "global_name"), ""),
                            json_string(json_get(body, "nick"), "")};
    const char *joined = json_string(json_get(body, "joined_at"), "");
    size_t n = json_size(roles) < ROLES_MAX ? json_size(roles) : ROLES_MAX, at = 0;
    uint8_t len[3] = {text_len(names[0]), text_len(names[1]), text_len(names[2])};
    struct record_member *r =
        record_list_add(&l->answer, RECORD_MEMBER, 0, 0, n * 8 + len[0] + (size_t)len[1] + len[2]);
    char *tail = record_list_tail(&l->answer, r);

    r->guild = l->guild;
    r->user = l->user;
    r->at = clock_unix();
    clock_parse_rfc3339(joined, strlen(joined), &r->joined_at);
    r->h.flags |= l->bot ? RECORD_IS_BOT : RECORD_IS_HUMAN;
    r->state = MEMBER_PARTIAL | MEMBER_HAS_ROLES;
    r->role_count = (uint16_t)n;
    for (const struct json *j = json_first(roles); j && at < n; j = json_next(j)) {
        uint64_t id = json_id(j);

        memcpy(tail + 8 * at++, &id, 8);
    }
    r->username_len = len[0];
    r->global_name_len = len[1];
    r->nick_len = len[2];
    tail += n * 8;
    for (unsigned i = 0; i < 3; i++) {
        memcpy(tail, names[i], len[i]);
        tail += len[i];
    }
}

static void answered(void *arg, const struct rest_answer *answer)
{
    struct lookup *l = arg;
    const struct json *user = l->left ? answer->body : json_get(answer->body, "user");

    if (answer->status == 200 && json_id(json_get(user, "id")) == l->user.id) {
        l->bot =
            json_bool(json_get(user, "bot"), false) || json_bool(json_get(user, "system"), false);
        put_flag(l);
        if (!l->left && !l->bot)
            put_member(l, answer->body);
        if (deliver(l))
            drop(l);
        else
            wait_for(l, ROOM_MS);
    } else if (!l->left && (answer->status == 404 || answer->status == 403)) {
        l->left = true;
        ask(l);
    } else if (answer->status == 404) {
        log_debug("lookup_gone", "user %llu does not exist any more",
                  (unsigned long long)l->user.id);
        drop(l); /* SEEN_LOOKED_UP stays: nobody will ever know */
    } else {
        log_warn("lookup_failed", "user %llu: status %d %s; trying again in a minute",
                 (unsigned long long)l->user.id, answer->status,
                 answer->error ? answer->error : "");
        wait_for(l, RETRY_MS);
    }
}

static void ask(struct lookup *l)
{
    char path[96];

    if (l->left) {
        snprintf(path, sizeof(path), "/users/%llu", (unsigned long long)l->user.id);
        rest_get(l->w->rest, path, TRIES, answered, l);
        return;
    }
    snprintf(path, sizeof(path), "/guilds/%llu/members/%llu", (unsigned long long)l->guild.id,
             (unsigned long long)l->user.id);
    rest_get(l->w->rest, path, TRIES, answered, l);
}

/* --- who is asked for ------------------------------------------------------------------------ */

static void want_row(struct worker *w, struct seen_row *row)
{
    struct lookup *l;
    snowflake_t guild = {row->guild};

    if (row->flags & (SEEN_HUMAN | SEEN_BOT | SEEN_LOOKED_UP | SEEN_LOADING))
        return;
    row->flags |= SEEN_LOOKED_UP;
    if (survey_is_due(w, route_lane(guild))) /* it will find him, and asks once */
        return;
    if (roster_will_tell(w, guild, (snowflake_t){row->user}))
        return;
    l = xcalloc(1, sizeof(*l));
    *l = (struct lookup){.w = w, .guild = guild, .user = {row->user}, .bot = -1};
    record_list_init(&l->answer);
    ask(l);
}

void lookup_want(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct seen_row *row = seen_find(&w->shm, guild, user);

    if (row)
        want_row(w, row);
}

void lookup_untold(struct worker *w, snowflake_t guild, snowflake_t user)
{
    struct seen_row *row = seen_find(&w->shm, guild, user);

    if (!row)
        return;
    row->flags &= (uint16_t)~SEEN_LOOKED_UP;
    want_row(w, row);
}

void lookup_init(struct worker *w)
{
    w->lookups = xcalloc(1, sizeof(*w->lookups));
    w->lookups->timer = loop_timer_new(w->loop, waited, w);
}

void lookup_free(struct worker *w)
{
    if (!w->lookups)
        return;
    while (w->lookups->waiting) {
        struct lookup *l = w->lookups->waiting;

        w->lookups->waiting = l->next;
        drop(l);
    }
    loop_timer_free(&w->lookups->timer);
    free(w->lookups);
    w->lookups = NULL;
}
