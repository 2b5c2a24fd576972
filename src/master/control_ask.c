/* Requests whose answer the workers know: status, workers, top; member, guild. Called by control.c.
 * Diagnostics: none; what cannot be answered is told to the client. */
#include <inttypes.h>
#include <stdlib.h>

#include "control_priv.h"

#define QUERY_MS 5000
#define STATS_MS 1000

const char *control_stats_of(const struct master *m, unsigned slot)
{
    return m->control ? m->control->stats[slot] : NULL;
}

static void finish_stats(struct client *cl)
{
    struct buf out;

    buf_init(&out, 0);
    if (cl->only_workers) {
        buf_puts(&out, "{\"workers\":");
        status_render_workers(cl->c->m, &out);
        buf_putc(&out, '}');
    } else if (cl->top) {
        status_render_top(cl->c->m, &out);
    } else {
        status_render(cl->c->m, &out);
    }
    client_answer(cl, &out);
    buf_clear(&out);
}

void control_ask_stats(struct client *cl)
{
    static const char query[] = "{\"query\":\"stats\"}";
    struct master *m = cl->c->m;
    struct msg_id id = {master_next_id(m)};

    cl->query_id = id.id;
    cl->waiting = 0;
    for (unsigned i = 0; i < LANES; i++) {
        if (m->workers[i].state != WORKER_READY)
            continue;
        cl->waiting |= UINT64_C(1) << i;
        worker_send(&m->workers[i], MSG_QUERY, &id, sizeof(id), query, sizeof(query) - 1);
    }
    if (!cl->waiting) {
        finish_stats(cl);
        return;
    }
    cl->pending = PENDING_STATS;
    cl->deadline.ms = clock_mono().ms + STATS_MS;
}

/* --- member, guild --------------------------------------------------------------------------- */

void control_ask(struct client *cl, const char *query, const struct json *args)
{
    struct master *m = cl->c->m;
    uint64_t guild = json_id(json_get(args, "guild")), user = json_id(json_get(args, "user"));
    struct msg_id id = {master_next_id(m)};
    struct worker *w;
    struct buf text;

    cl->lane = route_lane((snowflake_t){guild});
    if (!(w = worker_of_lane(m, cl->lane)) || w->state != WORKER_READY) {
        client_refuse(cl, CONTROL_UNAVAILABLE,
                      "the worker of this guild is not there at the moment", NULL);
        return;
    }
    buf_init(&text, 0);
    buf_printf(&text, "{\"query\":\"%s\",\"guild\":\"%" PRIu64 "\",\"user\":\"%" PRIu64 "\"}",
               query, guild, user);
    worker_send(w, MSG_QUERY, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    buf_clear(&text);
    cl->query_id = id.id;
    cl->slot = w->slot;
    cl->pending = PENDING_QUERY;
    cl->deadline.ms = clock_mono().ms + QUERY_MS;
}

/* The worker's object, with what only the master knows. */
static void finish_query(struct client *cl, const char *json, size_t len)
{
    struct master *m = cl->c->m;
    struct json *root = json_parse(json, len, NULL);
    struct buf out;

    if (!json_is_object(root)) {
        client_refuse(cl, CONTROL_UNAVAILABLE, "the worker's answer is not an object", NULL);
    } else if (json_is_string(json_get(root, "error"))) {
        client_refuse(cl, CONTROL_NOT_FOUND, json_string(json_get(root, "error"), ""), NULL);
    } else {
        buf_init(&out, 0);
        json_print(root, &out);
        if (buf_len(&out) > 2)
            out.data[out.end - 1] = ',';
        else
            out.end = out.start + 1;
        buf_printf(&out, "\"lane\":%u,\"worker\":%u,\"shard\":%u}", cl->lane, cl->slot,
                   m->shard_count ? route_shard((snowflake_t){json_id(json_get(root, "guild"))},
                                                m->shard_count)
                                  : 0);
        client_answer(cl, &out);
        buf_clear(&out);
    }
    json_free(&root);
}

void control_query_reply(struct worker *w, uint64_t id, const char *json, size_t len)
{
    struct control *c = w->m->control;
    uint64_t bit = UINT64_C(1) << w->slot;
    struct client *next;

    for (struct client *cl = c ? c->clients : NULL; cl; cl = next) {
        next = cl->next;
        if (cl->query_id != id)
            continue;
        if (cl->pending == PENDING_QUERY && cl->slot == w->slot) {
            finish_query(cl, json, len);
            client_go_on(cl);
            return;
        }
        if (cl->pending != PENDING_STATS || !(cl->waiting & bit))
            continue;
        free(c->stats[w->slot]);
        c->stats[w->slot] = xstrndup(json, len);
        cl->waiting &= ~bit;
        if (cl->waiting)
            return;
        finish_stats(cl);
        client_go_on(cl);
        return;
    }
}

void control_worker_gone(struct worker *w)
{
    struct control *c = w->m->control;
    struct client *next;

    if (!c)
        return;
    free(c->stats[w->slot]);
    c->stats[w->slot] = NULL;
    for (struct client *cl = c->clients; cl; cl = next) {
        next = cl->next;
        if (cl->pending == PENDING_QUERY && cl->slot == w->slot) {
            client_refuse(cl, CONTROL_UNAVAILABLE, "the worker died over it", NULL);
            client_go_on(cl);
        } else if (cl->pending == PENDING_STATS &&
                   (cl->waiting &= ~(UINT64_C(1) << w->slot)) == 0) {
            finish_stats(cl);
            client_go_on(cl);
        }
    }
}

void control_tick(struct master *m)
{
    monoms_t now = clock_mono();
    struct client *next;

    for (struct client *cl = m->control ? m->control->clients : NULL; cl; cl = next) {
        next = cl->next;
        if ((cl->pending != PENDING_STATS && cl->pending != PENDING_QUERY) ||
            now.ms < cl->deadline.ms)
            continue;
        if (cl->pending == PENDING_STATS)
            finish_stats(cl);
        else
            client_refuse(cl, CONTROL_UNAVAILABLE, "the worker did not answer in 5 s", NULL);
        client_go_on(cl);
    }
}
