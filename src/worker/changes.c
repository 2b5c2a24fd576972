/* The stream by which presence-graphqld tells what somebody changed: settings, resets, erasures.
 * One per worker, for its own lanes; from its first comment on nothing is missed, and when it ends,
 * whatever is kept is doubted until there is another. Called by main and lane.
 * Diagnostics: warns once when there is no stream, informs when there is one again. */
#include <stdio.h>
#include <string.h>

#include "presence/log.h"
#include "presence/sse.h"
#include "worker/copies.h"
#include "worker/forget.h"
#include "worker/lease.h"
#include "worker/operations.h"

#define SETTLE_MS      100   /* lanes come and go in groups */
#define SILENCE_MAX_MS 60000 /* the service sends a comment every 15 s */
#define EVENT_MAX      65536u
#define PAUSE_MIN_MS   100
#define PAUSE_MAX_MS   5000

struct changes {
    struct http_call *call; /* NULL: there is no stream */
    bool open, broken, told;
    monoms_t opened;
    struct sse sse;
    struct backoff backoff;
    struct loop_timer *timer;
};

/* Of a reset of a channel the id is the channel's: no cache knows channels. */
static void forget_what(struct worker *w, const char *kind, const struct json *change)
{
    snowflake_t guild = {json_id(json_get(change, "guildId"))},
                id = {json_id(json_get(change, "id"))};

    if (!strcmp(kind, "USER_ERASED"))
        forget(w, SNOWFLAKE_NONE, id);
    else if (!strcmp(kind, "MEMBER_DELETED"))
        forget(w, guild, id);
    else if (!strcmp(kind, "GUILD_DELETED") ||
             (!strcmp(kind, "RESET") && snowflake_equal(guild, id)))
        forget(w, guild, SNOWFLAKE_NONE);
}

static void take_event(void *arg, const char *name, const char *data, size_t len)
{
    struct worker *w = arg;
    struct json *root = json_parse(data, len, NULL);
    const struct json *change = json_get(json_get(root, "data"), "changes");
    const char *kind = json_string(json_get(change, "kind"), "");

    if (strcmp(name, "next") == 0) {
        forget_what(w, kind, change);
        if (!change || json_size(json_get(root, "errors")) > 0) /* RESYNC, or something new */
            w->changes->broken = true;
        else if (!strcmp(kind, "SETTINGS") || !strcmp(kind, "RESET") ||
                 !strcmp(kind, "GUILD_DELETED"))
            copies_changed(w, (snowflake_t){json_id(json_get(change, "guildId"))});
        else if (!strcmp(kind, "JOB"))
            lease_changed(w, (snowflake_t){json_id(json_get(change, "guildId"))});
    }
    json_free(&root);
}

static bool is_stream(const struct http_answer *piece)
{
    char type[64];

    return piece->status == 200 &&
           http_answer_header(piece, "Content-Type", type, sizeof(type)) >= 0 &&
           strncmp(type, "text/event-stream", 17) == 0;
}

/* A stream that ends soon after it began does not begin ever faster. */
static void pause_before_next(struct changes *ch)
{
    if (ch->open && clock_mono().ms - ch->opened.ms > PAUSE_MAX_MS)
        backoff_reset(&ch->backoff);
    if (!loop_timer_active(ch->timer))
        loop_timer_set(ch->timer, backoff_next_ms(&ch->backoff));
}

/* A broken one is ended by the timer: a callback may not. */
static bool take_piece(void *arg, const struct http_answer *piece)
{
    struct worker *w = arg;
    struct changes *ch = w->changes;

    if (!ch->open && !is_stream(piece))
        return false;
    if (!ch->open) {
        ch->open = true;
        ch->opened = clock_mono();
        if (ch->told)
            log_info("changes", "they are told of again");
        ch->told = false;
        copies_trust(w);
        lease_look(w);
    }
    if (!ch->broken && sse_feed(&ch->sse, piece->body, piece->len))
        ch->broken = true;
    if (ch->broken) {
        copies_doubt(w);
        pause_before_next(ch);
    }
    return true;
}

static void ended(void *arg, const struct http_answer *answer)
{
    struct worker *w = arg;
    struct changes *ch = w->changes;

    ch->call = NULL;
    copies_doubt(w);
    if (!ch->told && !ch->open)
        log_warn("changes", "nobody tells of them: %s",
                 answer->error ? answer->error : "the service does not answer with a stream");
    ch->told = ch->told || !ch->open;
    pause_before_next(ch);
}

static bool put_lanes(const struct worker *w, struct buf *out)
{
    bool any = false;

    for (unsigned i = 0; i < LANES; i++) {
        if (!w->lanes[i] || w->lanes[i]->state == LANE_RELEASING)
            continue;
        buf_printf(out, any ? ",%u" : "%u", i);
        any = true;
    }
    return any;
}

static void send(struct worker *w, struct buf *body)
{
    const char *headers[] = {"Content-Type: application/json", "Accept: text/event-stream",
                             w->gql.authorization};
    struct http_request request = {.method = "POST",
                                   .url = w->gql.url,
                                   .unix_path = w->gql.unix_path,
                                   .headers = headers,
                                   .n_headers = 3,
                                   .body = body,
                                   .timeout_ms = -1,
                                   .silence_max_ms = SILENCE_MAX_MS,
                                   .answer_max = EVENT_MAX,
                                   .piece = take_piece};

    w->changes->call = http_send(w->http, &request, ended, w);
}

static void begin(void *arg)
{
    struct worker *w = arg;
    struct changes *ch = w->changes;
    struct buf body;

    if (ch->call)
        http_cancel(&ch->call);
    copies_doubt(w);
    if (!w->gql.url || w->draining)
        return;
    ch->open = ch->broken = false;
    sse_clear(&ch->sse);
    sse_init(&ch->sse, EVENT_MAX, take_event, w);
    buf_init(&body, 0);
    buf_puts(&body, "{\"documentId\":\"" OPERATION_CHANGES "\",\"variables\":{\"lanes\":[");
    if (put_lanes(w, &body)) {
        buf_puts(&body, "]}}");
        send(w, &body);
    }
    buf_clear(&body);
}

void changes_open(struct worker *w)
{
    loop_timer_set(w->changes->timer, SETTLE_MS);
}

void changes_init(struct worker *w)
{
    w->changes = xcalloc(1, sizeof(*w->changes));
    w->changes->timer = loop_timer_new(w->loop, begin, w);
    backoff_init(&w->changes->backoff, PAUSE_MIN_MS, PAUSE_MAX_MS);
    sse_init(&w->changes->sse, EVENT_MAX, take_event, w);
}
