/* The streams of subscriptions: how they begin and end. Called by request.c (a new one), by the
 * listening connection (it is lost) and by the server (shutdown, new tokens).
 *
 * Diagnostics: errors of the request, or the last words of the stream. */
#include "graphql/subscribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/subscribe_priv.h"
#include "presence/pg_listen.h"
#include "presence/route.h"

#define UNSENT_RESERVE 1024u /* for the last words */

/* --- the end of a stream -------------------------------------------------------------------------
 */

static void stop_listening(void *arg)
{
    struct subscriptions *ss = arg;

    if (ss->n == 0)
        pg_listener_free(&ss->listener);
}

static const char *guild_text(const struct subscription *s, char text[24])
{
    snprintf(text, 24, "%lld", (long long)s->guild);
    return s->guild ? text : NULL;
}

void subscription_free_if_idle(struct subscription *s)
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

    subscription_drop_events(s);
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
    subscription_free_if_idle(s);
    return r;
}

void subscription_end(struct subscription *s, const char *code, const char *message)
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

/* --- the connection that listens is lost
 * ----------------------------------------------------------
 */

static void lost(void *arg)
{
    struct subscriptions *ss = arg;

    pg_listener_free(&ss->listener);
    while (ss->all)
        if (ss->all->begun)
            subscription_end(ss->all, "RESYNC",
                             "the database was away: read again, subscribe again");
        else
            subscription_end(ss->all, "UNAVAILABLE", "the database is away");
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
        subscription_end(s, "INTERNAL", "the database refused it");
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
    subscription_prepare(s);
    s->next = ss->all;
    if (ss->all)
        ss->all->prev = s;
    ss->all = s;
    ss->n++;
    if (!ss->listener)
        ss->listener =
            pg_listener_new(ss->loop, ss->conninfo, ss->init_sql, subscriptions_heard, lost, ss);
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
        subscription_end(ss->all, ss->all->begun ? NULL : "UNAVAILABLE", "the service is stopping");
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
            subscription_end(s, "UNAUTHENTICATED", "the token is not what it was");
    }
}
