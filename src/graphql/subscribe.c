/* The streams of subscriptions. Called by request.c (a new one), by the listening connection (an
 * event) and by the server (shutdown, new tokens).
 * At most two statements are under way for all of them, so that they never keep queries waiting.
 * Diagnostics: a refused statement is an error in the log (it is our statement). */
#include "graphql/subscribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/request.h"
#include "presence/log.h"
#include "presence/pg_listen.h"
#include "presence/route.h"

#define UNDER_WAY_MAX  2u
#define UNSENT_RESERVE 1024u /* for the last words */

static const char set_event[] = "SELECT set_config('presence.event', $1::text, true)";

struct event {
    struct event *next;
    char text[];
};

struct subscription {
    struct subscriptions *owner;
    struct subscription *prev, *next;
    struct subscription *next_ready;
    struct request *r; /* NULL: the stream has ended, a statement is still under way */
    const char *kind;  /* of presence.tell; "CHANGE" stands for all that workers keep */
    int64_t guild;     /* 0: any */
    uint64_t lanes;    /* of "CHANGE" */
    bool begun, ready, busy;
    struct event *first, **last;
    unsigned waiting;
    struct event *current;
    const char *event_value[1];
    struct pg_call calls[2];
};

struct subscriptions {
    struct loop *loop;
    struct pg *pg;
    char *conninfo, *init_sql;
    struct pg_listener *listener;
    struct subscription *all;
    unsigned n, under_way;
    struct subscription *first_ready, **last_ready;
    struct loop_timer *alive;
    bool closed, freeing;
};

static void pump(struct subscriptions *ss);

/* --- the end of a stream -------------------------------------------------------------------------
 */

static void stop_listening(void *arg)
{
    struct subscriptions *ss = arg;

    if (ss->n == 0)
        pg_listener_free(&ss->listener);
}

static void drop_events(struct subscription *s)
{
    struct event *e;

    while ((e = s->first)) {
        s->first = e->next;
        free(e);
    }
    s->last = &s->first;
    s->waiting = 0;
}

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

static const char *guild_text(const struct subscription *s, char text[24])
{
    snprintf(text, 24, "%lld", (long long)s->guild);
    return s->guild ? text : NULL;
}

static void free_if_idle(struct subscription *s)
{
    if (s->busy || s->r)
        return;
    free(s->current);
    free(s);
}

/* Takes the stream off the lists; its request is the caller's now. */
static struct request *leave(struct subscription *s)
{
    struct subscriptions *ss = s->owner;
    struct request *r = s->r;
    char text[24];

    unready(ss, s);
    drop_events(s);
    *(s->prev ? &s->prev->next : &ss->all) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    ss->n--;
    if (ss->listener) {
        pg_listener_forget(ss->listener, s);
        if (s->begun)
            pg_listener_run(ss->listener, "SELECT presence.unlisten($1, $2)", s->kind,
                            guild_text(s, text), NULL, NULL);
        if (ss->n == 0 && !ss->freeing)
            loop_defer(ss->loop, stop_listening, ss);
    }
    s->r = NULL;
    free_if_idle(s);
    return r;
}

static void end(struct subscription *s, const char *code, const char *message)
{
    bool begun = s->begun;
    struct request *r = leave(s);
    struct buf out;

    if (!begun) {
        gql_error_add(&r->errors, code ? code : "UNAVAILABLE", (struct gql_loc){0, 0}, "%s",
                      message);
        r->status = 503;
        request_answer(r);
        return;
    }
    buf_init(&out, 0);
    if (code)
        buf_printf(&out,
                   "event: next\ndata: {\"errors\":[{\"message\":\"%s\",\"extensions\":{\"code\":"
                   "\"%s\"}}]}\n\n",
                   message, code);
    buf_puts(&out, "event: complete\ndata:\n\n");
    httpd_stream_write(r->http, buf_bytes(&out), buf_len(&out));
    buf_clear(&out);
    httpd_stream_end(r->http);
    request_free(r);
}

static void gone(void *arg, struct httpd_request *http)
{
    struct subscription *s = arg;
    bool begun = s->begun;
    struct request *r = leave(s);

    if (begun)
        httpd_stream_end(http);
    else
        httpd_abort(http);
    request_free(r);
}

/* --- events --------------------------------------------------------------------------------------
 */

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
        free_if_idle(s);
    } else if (!(text = pg_value(a, 1, 0, 0, &len))) {
        if (pg_outcome(a) == PG_FAILED)
            log_error("pg_refused", "PostgreSQL refused the statement of a subscription: %s %s",
                      pg_sqlstate(a), pg_message(a));
        end(s, "RESYNC", "the database did not answer: read again, subscribe again");
    } else {
        buf_init(&out, 0);
        put_event(s->r, text, len, &out);
        if (httpd_stream_unsent(s->r->http) + buf_len(&out) > SUBSCRIPTION_BYTES_MAX)
            end(s, "RESYNC", "the subscriber is too slow: read again, subscribe again");
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
        end(s, "RESYNC", "the subscriber is too slow: read again, subscribe again");
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

static void heard(void *arg, const char *payload)
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

static void lost(void *arg)
{
    struct subscriptions *ss = arg;

    pg_listener_free(&ss->listener);
    while (ss->all)
        if (ss->all->begun)
            end(ss->all, "RESYNC", "the database was away: read again, subscribe again");
        else
            end(ss->all, "UNAVAILABLE", "the database is away");
}

/* --- the begin of a stream -----------------------------------------------------------------------
 */

static void begin(void *arg, bool ok)
{
    static const struct httpd_header headers[] = {
        {"Content-Type", "text/event-stream; charset=utf-8"},
        {"Cache-Control", "no-store"},
        {"X-Accel-Buffering", "no"}};
    struct subscription *s = arg;

    if (!ok) {
        end(s, "INTERNAL", "the database refused it");
        return;
    }
    s->begun = true;
    httpd_stream(s->r->http, 200, headers, 3, SUBSCRIPTION_BYTES_MAX + UNSENT_RESERVE);
    httpd_stream_write(s->r->http, ":\n\n", 3);
    if (!loop_timer_active(s->owner->alive))
        loop_timer_set(s->owner->alive, SUBSCRIPTION_ALIVE_MS);
}

static void keep_alive(void *arg)
{
    struct subscriptions *ss = arg;

    for (struct subscription *s = ss->all; s; s = s->next)
        if (s->begun && httpd_stream_unsent(s->r->http) == 0)
            httpd_stream_write(s->r->http, ":\n\n", 3);
    if (ss->all)
        loop_timer_set(ss->alive, SUBSCRIPTION_ALIVE_MS);
}

static int read_lanes(struct subscription *s, const struct gql_value *lanes)
{
    for (size_t i = 0; i < lanes->ints.n; i++) {
        if (lanes->ints.v[i] < 0 || lanes->ints.v[i] >= LANES) {
            gql_error_add(&s->r->errors, "BAD_USER_INPUT", s->r->fields->first->loc,
                          "lanes[%zu]: expected 0 to %d", i, LANES - 1);
            return -1;
        }
        s->lanes |= UINT64_C(1) << lanes->ints.v[i];
    }
    return 0;
}

/* Which events, and the statement that reads what is selected of one. */
static int plan(struct subscription *s)
{
    static const struct {
        const char *field, *kind;
    } kinds[] = {{"changes", "CHANGE"},
                 {"activity", "ACTIVITY"},
                 {"memberStateChanged", "MEMBER"},
                 {"decisionMade", "DECISION"}};
    struct request *r = s->r;
    const struct collected *f = r->fields;
    struct gql_value *args;

    for (size_t i = 0; f && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(f->field->name, kinds[i].field) == 0)
            s->kind = kinds[i].kind;
    if (!s->kind || f->next) {
        gql_error_add(&r->errors, "BAD_REQUEST", r->operation->loc,
                      "a subscription selects exactly one field that is told");
        return -1;
    }
    if (gql_coerce_arguments(r->arena, f->field->args, f->field->n_args, f->first->arguments,
                             &r->variables, f->first->loc, &args, &r->errors) ||
        compile_query(&r->collect, r->service->schema->subscription, &f, 1, &r->compiled,
                      &r->errors))
        return -1;
    if (strcmp(s->kind, "CHANGE") == 0)
        return read_lanes(s, &args[0]);
    s->guild = args[0].kind == VALUE_INT ? args[0].i : 0;
    return 0;
}

static int refuse(struct request *r, unsigned status, const char *code, const char *message)
{
    gql_error_add(&r->errors, code, r->operation->loc, "%s", message);
    r->status = status;
    request_answer(r);
    return -1;
}

static int check(const struct subscriptions *ss, struct request *r)
{
    if (!r->stream)
        return refuse(r, 406, "NOT_ACCEPTABLE",
                      "a subscription is answered with text/event-stream, which Accept leaves out");
    if (ss->closed)
        return refuse(r, 503, "UNAVAILABLE", "the service is stopping");
    if (ss->n >= LIMIT_SUBSCRIPTIONS_MAX)
        return refuse(r, 503, "LIMIT_SUBSCRIPTIONS", "there are 1,000 subscriptions already");
    return 0;
}

void subscribe(struct subscriptions *ss, struct request *r)
{
    struct subscription *s;
    char text[24];

    if (check(ss, r))
        return;
    s = xcalloc(1, sizeof(*s));
    s->owner = ss;
    s->r = r;
    s->last = &s->first;
    if (plan(s)) {
        free(s);
        request_answer(r);
        return;
    }
    s->calls[0] = (struct pg_call){.sql = set_event, .n_params = 1, .values = s->event_value};
    s->calls[1] = r->compiled.call;
    s->next = ss->all;
    if (ss->all)
        ss->all->prev = s;
    ss->all = s;
    ss->n++;
    if (!ss->listener)
        ss->listener = pg_listener_new(ss->loop, ss->conninfo, ss->init_sql, heard, lost, ss);
    httpd_set_gone(r->http, gone, s);
    pg_listener_run(ss->listener, "SELECT presence.listen($1, $2)", s->kind, guild_text(s, text),
                    begin, s);
}

/* --- all of them ---------------------------------------------------------------------------------
 */

struct subscriptions *subscriptions_new(struct loop *loop, struct pg *pg, const char *conninfo,
                                        const char *init_sql)
{
    struct subscriptions *ss = xcalloc(1, sizeof(*ss));

    *ss = (struct subscriptions){.loop = loop, .pg = pg};
    ss->conninfo = xstrdup(conninfo);
    ss->init_sql = xstrdup(init_sql);
    ss->last_ready = &ss->first_ready;
    ss->alive = loop_timer_new(loop, keep_alive, ss);
    return ss;
}

void subscriptions_close(struct subscriptions *ss)
{
    ss->closed = true;
    while (ss->all)
        end(ss->all, ss->all->begun ? NULL : "UNAVAILABLE", "the service is stopping");
}

void subscriptions_free(struct subscriptions **subscriptions)
{
    struct subscriptions *ss = *subscriptions;

    if (!ss)
        return;
    *subscriptions = NULL;
    ss->freeing = true;
    subscriptions_close(ss);
    loop_undefer(ss->loop, stop_listening, ss);
    pg_listener_free(&ss->listener);
    loop_timer_free(&ss->alive);
    free(ss->conninfo);
    free(ss->init_sql);
    free(ss);
}

void subscriptions_recheck(struct subscriptions *ss, const struct tokens *tokens)
{
    for (struct subscription *s = ss->all, *next; s; s = next) {
        next = s->next;
        if (!tokens_still(tokens, s->r->digest, s->r->scopes, s->r->guilds, s->r->n_guilds))
            end(s, "UNAUTHENTICATED", "the token is not what it was");
    }
}
