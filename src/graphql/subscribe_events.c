/* What is told to subscribers: an event waits in the queue of each stream that wants it until what
 * was selected of it has been read. At most two statements are under way for all of them, so that
 * they never keep queries waiting. Called by the listening connection.
 *
 * Diagnostics: a refused statement is an error in the log (it is our statement). */
#include <stdlib.h>
#include <string.h>

#include "graphql/subscribe_priv.h"
#include "presence/log.h"
#include "presence/route.h"

#define UNDER_WAY_MAX 2u

static void pump(struct subscriptions *ss);

/* --- queues --------------------------------------------------------------------------------------
 */

static void unready(struct subscriptions *ss, struct subscription *s)
{
    for (struct subscription **p = &ss->first_ready; s->ready && *p; p = &(*p)->next_ready)
        if (*p == s) {
            *p = s->next_ready;
            if (!*p)
                ss->last_ready = p;
            s->ready = false;
            return;
        }
}

void subscription_drop_events(struct subscription *s)
{
    struct event *e;

    unready(s->owner, s);
    while ((e = s->first)) {
        s->first = e->next;
        free(e);
    }
    s->last = &s->first;
    s->waiting = 0;
}

static void make_ready(struct subscription *s)
{
    struct subscriptions *ss = s->owner;

    if (s->ready || s->busy || !s->first)
        return;
    s->ready = true;
    s->next_ready = NULL;
    *ss->last_ready = s;
    ss->last_ready = &s->next_ready;
}

/* One event with its errors, which need memory of their own: the stream may last for months. */
static void put_event(const struct request *r, const char *json, size_t len, struct buf *out)
{
    struct arena *arena = arena_new();
    struct collect collect = r->collect;
    struct gql_errors errors;
    struct buf data;

    collect.arena = arena;
    gql_errors_init(&errors, arena);
    buf_init(&data, 0);
    buf_printf(&data, "{\"%s\":", r->fields->key);
    if (complete_field(&collect, r->fields, json, len, &data, &errors)) {
        buf_putc(&data, '}');
    } else {
        buf_reset(&data);
        buf_puts(&data, "null");
    }
    buf_puts(out, "event: next\ndata: {");
    if (errors.count) {
        buf_puts(out, "\"errors\":");
        gql_errors_print(&errors, out);
        buf_putc(out, ',');
    }
    buf_puts(out, "\"data\":");
    buf_append(out, buf_bytes(&data), buf_len(&data));
    buf_puts(out, "}\n\n");
    buf_clear(&data);
    arena_free(&arena);
}

static void answered(void *arg, const struct pg_answer *a)
{
    struct subscription *s = arg;
    struct subscriptions *ss = s->owner;
    struct buf out;
    const char *text;
    size_t len;

    ss->under_way--;
    s->busy = false;
    free(s->current);
    s->current = NULL;
    if (!s->r) {
        subscription_free_if_idle(s);
    } else if (!(text = pg_value(a, 1, 0, 0, &len))) {
        if (pg_outcome(a) == PG_FAILED)
            log_error("pg_refused", "PostgreSQL refused the statement of a subscription: %s %s",
                      pg_sqlstate(a), pg_message(a));
        subscription_end(s, "RESYNC", "the database did not answer: read again, subscribe again");
    } else {
        buf_init(&out, 0);
        put_event(s->r, text, len, &out);
        if (httpd_stream_unsent(s->r->http) + buf_len(&out) > SUBSCRIPTION_BYTES_MAX)
            subscription_end(s, "RESYNC",
                             "the subscriber is too slow: read again, subscribe again");
        else {
            httpd_stream_write(s->r->http, buf_bytes(&out), buf_len(&out));
            make_ready(s);
        }
        buf_clear(&out);
    }
    pump(ss);
}

/* Sends statements for those who have events waiting, in turn. */
static void pump(struct subscriptions *ss)
{
    struct subscription *s;

    while (ss->under_way < UNDER_WAY_MAX && (s = ss->first_ready)) {
        unready(ss, s);
        s->current = s->first;
        s->first = s->current->next;
        if (!s->first)
            s->last = &s->first;
        s->waiting--;
        s->busy = true;
        ss->under_way++;
        s->event_value[0] = s->current->text;
        pg_submit(ss->pg, s->calls, 2, answered, s);
    }
}

static void enqueue(struct subscription *s, const char *text)
{
    size_t len = strlen(text);
    struct event *e;

    for (e = s->first; e; e = e->next)
        if (strcmp(e->text, text) == 0)
            return;
    if (s->waiting >= SUBSCRIPTION_WAIT_MAX) {
        subscription_end(s, "RESYNC", "the subscriber is too slow: read again, subscribe again");
        return;
    }
    e = xmalloc(sizeof(*e) + len + 1);
    e->next = NULL;
    memcpy(e->text, text, len + 1);
    *s->last = e;
    s->last = &e->next;
    s->waiting++;
    make_ready(s);
}

static bool wants(const struct subscription *s, const char *kind, size_t len, int64_t guild)
{
    static const char *const own[] = {"ACTIVITY", "MEMBER", "DECISION"};
    bool change = true;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        change = change && !(strlen(own[i]) == len && memcmp(own[i], kind, len) == 0);
    if (strcmp(s->kind, "CHANGE") == 0)
        return change && (guild == 0 || s->lanes >> route_lane((snowflake_t){(uint64_t)guild}) & 1);
    return strlen(s->kind) == len && memcmp(s->kind, kind, len) == 0 &&
           (s->guild == 0 || s->guild == guild);
}

void subscriptions_heard(void *arg, const char *payload)
{
    struct subscriptions *ss = arg;
    size_t len = strcspn(payload, " ");
    int64_t guild = strtoll(payload + len, NULL, 10);

    for (struct subscription *s = ss->all, *next; s; s = next) {
        next = s->next;
        if (s->begun && wants(s, payload, len, guild))
            enqueue(s, payload);
    }
    pump(ss);
}

void subscription_prepare(struct subscription *s)
{
    static const char set_event[] = "SELECT set_config('presence.event', $1::text, true)";

    s->calls[0] = (struct pg_call){.sql = set_event, .n_params = 1, .values = s->event_value};
    s->calls[1] = s->r->compiled.call;
}
