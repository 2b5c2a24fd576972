/* What developers' commands can ask of the worker (struct order_host). Called by cogs.
 * Diagnostics: one line per command when it ends (order); warns about answers that Discord refused
 * and questions that presence-graphqld refused. */
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"
#include "presence/seen.h"
#include "worker/call_priv.h"
#include "worker/cogs.h"
#include "worker/forget.h"
#include "worker/order_priv.h"
#include "worker/react_parts.h"

#define ASK_MS     30000
#define GIVE_UP_MS 60000

/* A question outlives its command where that is dropped first. */
struct question {
    struct worker *w;
    struct deed *deed; /* may be gone: looked for in the list */
};

static struct deed *still_there(const struct question *q)
{
    struct deed *d;

    LIST_FOREACH(d, &q->w->orders->deeds, entry)
    if (d == q->deed)
        return d;
    return NULL;
}

static struct question *question_new(struct deed *d)
{
    struct question *q = xmalloc(sizeof(*q));

    *q = (struct question){d->w, d};
    return q;
}

/* --- messages ----------------------------------------------------------------------------------
 */

static void sent(void *arg, const struct rest_answer *answer)
{
    struct deed *d = arg;

    if (answer->outcome != OUTCOME_OK)
        log_warn("order_unanswered", "channel %llu: %s (status %d, code %d) %s",
                 (unsigned long long)d->order.channel.id, outcome_name(answer->outcome),
                 answer->status, answer->code, answer->error ? answer->error : "");
    d->under_way--;
    deed_check(d);
}

/* The nonce lets Discord recognise what the client had to send twice. */
static void put_message(const struct deed *d, const char *text, struct buf *body)
{
    struct message m;

    message_init(&m);
    m.everybody = true;
    buf_puts(&m.content, text);
    buf_putc(body, '{');
    message_print(&m, true, body);
    buf_printf(body,
               ",\"nonce\":\"%llu-%u\",\"enforce_nonce\":true,\"message_reference\":"
               "{\"message_id\":\"%llu\",\"fail_if_not_exists\":false}}",
               (unsigned long long)d->order.id.id, d->said, (unsigned long long)d->order.id.id);
    message_clear(&m);
}

void deed_say(struct deed *d, const char *text)
{
    char *path = xasprintf("/channels/%llu/messages", (unsigned long long)d->order.channel.id);
    struct rest_request request = {.method = "POST",
                                   .path = path,
                                   .lane = BUDGET_ANSWERS,
                                   .has_nonce = true,
                                   .give_up_ms = GIVE_UP_MS};
    struct buf body;

    d->said++;
    d->under_way++;
    buf_init(&body, 0);
    put_message(d, text, &body);
    request.json = buf_cstr(&body);
    request.json_len = buf_len(&body);
    rest_send(d->w->rest, &request, sent, d);
    buf_clear(&body);
    free(path);
}

static void log_order(const struct deed *d, const char *outcome)
{
    const struct prefix_args *a = &d->args;
    struct buf what;

    buf_init(&what, 0);
    buf_puts(&what, a->command ? a->command->name : "a command");
    for (size_t i = 0; a->command && a->command->arguments && a->command->arguments[i].name; i++) {
        const struct prefix_value *v = &a->values[i];

        if (v->given && snowflake_known(v->id))
            buf_printf(&what, " %llu", (unsigned long long)v->id.id);
        else if (v->given)
            buf_printf(&what, " %s", v->word ? v->word : a->command->arguments[i].name);
    }
    log_info("order", "%s by %llu, guild %llu: %s", buf_cstr(&what),
             (unsigned long long)d->order.author.id, (unsigned long long)d->order.guild.id,
             outcome);
    buf_clear(&what);
}

void deed_end(struct deed *d, const char *outcome, const char *text)
{
    if (d->ended) {
        log_error("cog", "a developer's command was ended twice");
        return;
    }
    log_order(d, outcome);
    d->ended = true;
    deed_say(d, text);
    deed_debug_die(d, "answering");
}

static void host_say(struct order *order, const char *text)
{
    deed_say((struct deed *)order, text);
}

static void host_end(struct order *order, const char *outcome, const char *text)
{
    deed_end((struct deed *)order, outcome, text);
}

static void host_confirm(struct order *order, const char *text)
{
    order_code_ask((struct deed *)order, text);
}

static const char *host_words(const char *locale, const char *text)
{
    return cogs_words(locale, text);
}

/* --- questions ---------------------------------------------------------------------------------
 */

static void answered(void *arg, const struct gql_answer *answer)
{
    struct question *q = arg;
    struct deed *d = still_there(q);

    free(q);
    if (answer->outcome != GQL_DONE)
        log_warn("question_failed", "%s", answer->error ? answer->error : "no answer");
    if (d)
        deed_debug_die(d, "executed");
    if (d)
        d->answered(&d->order, answer->outcome == GQL_DONE ? answer->data : NULL);
}

static void host_ask(struct order *order, const char *operation, const char *variables,
                     order_answered *cb)
{
    struct deed *d = (struct deed *)order;
    struct buf body;

    d->answered = cb;
    buf_init(&body, 0);
    buf_printf(&body, "{\"documentId\":\"%s\",\"variables\":%s}", operation, variables);
    gql_send(&d->w->gql, &body, ASK_MS, answered, question_new(d));
    buf_clear(&body);
}

static void got(void *arg, const struct rest_answer *answer)
{
    struct question *q = arg;
    struct deed *d = still_there(q);

    free(q);
    if (d)
        d->answered(&d->order, answer->outcome == OUTCOME_OK ? answer->body : NULL);
}

static void host_rest(struct order *order, const char *path, order_answered *cb)
{
    struct deed *d = (struct deed *)order;
    struct rest_request request = {
        .method = "GET", .path = path, .lane = BUDGET_ANSWERS, .give_up_ms = GIVE_UP_MS};

    d->answered = cb;
    rest_send(d->w->rest, &request, got, question_new(d));
}

/* --- what is known here ------------------------------------------------------------------------
 */

static void host_health(const struct order *order, struct call_health *h)
{
    const struct deed *d = (const struct deed *)order;

    call_health(d->w, order->guild, h);
    h->arrival_ms = order->now.ms - snowflake_time(order->id).ms;
}

struct counting {
    uint64_t guild;
    struct order_guild *g;
};

static bool count_member(void *arg, struct seen_row *row)
{
    struct counting *c = arg;

    if (row->guild != c->guild)
        return true;
    c->g->rows += (row->flags & SEEN_ON_ROSTER) != 0;
    c->g->in_voice += row->voice_channel != 0;
    return true;
}

static void host_guild(const struct order *order, struct order_guild *g)
{
    const struct deed *d = (const struct deed *)order;
    const struct shm_guild *row = shm_guild(&d->w->shm, order->guild, false);
    struct counting counting = {order->guild.id, g};

    *g = (struct order_guild){0};
    if (!row)
        return;
    g->known = true;
    g->available = (row->flags & SHM_GUILD_AVAILABLE) && !(row->flags & SHM_GUILD_LEFT);
    g->watched = row->session != 0;
    g->members = row->member_count;
    g->roster_at.ms = row->roster_at_ms;
    seen_each(&d->w->shm, count_member, &counting);
}

/* --- what others do ----------------------------------------------------------------------------
 */

static void registered(void *arg, const char *failure)
{
    struct deed *d = arg;
    order_done *cb = d->synced;

    d->synced = NULL;
    cb(&d->order, failure);
}

static void host_sync(struct order *order, order_done *cb)
{
    struct deed *d = (struct deed *)order;

    d->synced = cb;
    if (!register_again(d->w, registered, d)) {
        d->synced = NULL;
        cb(order, "another one is under way");
    }
}

static void host_catalogue(struct order *order, order_done *cb)
{
    struct deed *d = (struct deed *)order;
    struct lane *lane = d->w->lanes[route_lane(order->guild)];

    d->catalogued = cb;
    if (lane) {
        roster_want(lane, order->guild);
        return;
    }
    d->catalogued = NULL;
    cb(order, "the guild went to another worker");
}

static void host_forget(struct order *order, snowflake_t guild, snowflake_t user)
{
    forget_everywhere(((struct deed *)order)->w, guild, user);
}

static void host_reload(struct order *order, const char *name, order_answered *cb)
{
    struct deed *d = (struct deed *)order;
    struct msg_id ask = {order->id.id};

    d->reported = cb;
    ipc_send(d->w->ipc, MSG_COGS_ASK, 0, &ask, sizeof(ask), name, strlen(name));
}

void order_reloaded(struct worker *w, snowflake_t request, const char *report, size_t len)
{
    struct json *list = len ? json_parse(report, len, NULL) : NULL;
    order_answered *cb;
    struct deed *d;

    LIST_FOREACH(d, &w->orders->deeds, entry)
    if (d->reported && snowflake_equal(d->order.id, request))
        break;
    if (d) {
        cb = d->reported;
        d->reported = NULL;
        cb(&d->order, list);
    }
    json_free(&list);
}

static struct deed *reset_of(struct worker *w, snowflake_t request)
{
    struct deed *d;

    LIST_FOREACH(d, &w->orders->deeds, entry)
    if (d->reset && snowflake_equal(d->order.id, request))
        return d;
    return NULL;
}

static void end_reset(struct deed *d, const char *failure)
{
    order_done *cb = d->reset;

    d->reset = NULL;
    cb(&d->order, failure);
}

static void host_reset(struct order *order, order_done *cb)
{
    struct deed *d = (struct deed *)order;
    struct msg_reset ask = {order->guild.id, order->id.id, order->author.id};

    d->reset = cb;
    if (d->w->away)
        end_reset(d, "the database is away");
    else
        ipc_send(d->w->ipc, MSG_RESET_ASK, (uint16_t)route_lane(order->guild), &ask, sizeof(ask),
                 NULL, 0);
}

void order_reset_step(struct worker *w, snowflake_t request)
{
    const struct shm_reset *r = &w->shm.header->reset;
    struct deed *d = reset_of(w, request);

    if (d && r->request != request.id)
        end_reset(d, "another reset is under way, or the gateway is not ready");
}

void order_reset_over(struct worker *w, snowflake_t request, bool failed)
{
    struct deed *d = reset_of(w, request);

    if (d)
        end_reset(d, failed ? "the database did not take it" : NULL);
}

void order_catalogued(struct worker *w, snowflake_t guild, const char *failure)
{
    struct deed *d, *next;

    for (d = LIST_FIRST(&w->orders->deeds); d; d = next) {
        order_done *cb = d->catalogued;

        next = LIST_NEXT(d, entry);
        if (!cb || !snowflake_equal(d->order.guild, guild))
            continue;
        d->catalogued = NULL;
        cb(&d->order, failure);
    }
}

void deed_forget(struct deed *d)
{
    d->synced = d->catalogued = d->reset = NULL;
    register_forget(d->w, d);
}

const struct order_host order_host_functions = {
    .say = host_say,
    .end = host_end,
    .confirm = host_confirm,
    .ask = host_ask,
    .health = host_health,
    .guild = host_guild,
    .sync = host_sync,
    .reload = host_reload,
    .rest = host_rest,
    .catalogue = host_catalogue,
    .words = host_words,
    .forget = host_forget,
    .reset = host_reset,
};
