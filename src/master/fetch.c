/* What the master needs over HTTP or from DNS, asked of the owner of lane 0. A request outlives the
 * worker that was asked: the next owner is asked again, until the deadline.
 * Diagnostics: none; the asker hears a negative status and the reason. */
#include <stdlib.h>
#include <string.h>

#include "master.h"

struct fetch {
    struct fetch *next;
    struct fetches *all;
    uint64_t id;
    enum msg_fetch_what what;
    char *host;
    fetch_cb *cb;
    void *arg;
    struct loop_timer *deadline;
};

struct fetches {
    struct master *m;
    struct fetch *first;
};

void fetch_init(struct master *m)
{
    m->fetches = xcalloc(1, sizeof(*m->fetches));
    m->fetches->m = m;
}

static void ask(struct fetch *f)
{
    struct worker *w = worker_for_fetch(f->all->m);
    struct msg_fetch body = {.id = f->id, .what = f->what};

    if (w)
        worker_send(w, MSG_FETCH, &body, sizeof(body), f->host, f->host ? strlen(f->host) : 0);
}

static struct fetch *take(struct fetches *all, uint64_t id)
{
    for (struct fetch **f = &all->first; *f; f = &(*f)->next) {
        struct fetch *found = *f;

        if (found->id == id) {
            *f = found->next;
            return found;
        }
    }
    return NULL;
}

static void discard(struct fetch *f)
{
    loop_timer_free(&f->deadline);
    free(f->host);
    free(f);
}

static void finish(struct fetch *f, int status, const char *body, size_t len)
{
    f->cb(f->arg, status, body, len);
    discard(f);
}

static void deadline_passed(void *arg)
{
    static const char why[] = "no answer in time";
    struct fetch *f = arg;

    take(f->all, f->id);
    finish(f, -1, why, sizeof(why) - 1);
}

uint64_t fetch_start(struct master *m, enum msg_fetch_what what, const char *host,
                     int64_t deadline_ms, fetch_cb *cb, void *arg)
{
    struct fetch *f = xcalloc(1, sizeof(*f));

    *f = (struct fetch){.next = m->fetches->first,
                        .all = m->fetches,
                        .id = master_next_id(m),
                        .what = what,
                        .host = host ? xstrdup(host) : NULL,
                        .cb = cb,
                        .arg = arg};
    f->deadline = loop_timer_new(m->loop, deadline_passed, f);
    loop_timer_set(f->deadline, deadline_ms);
    m->fetches->first = f;
    ask(f);
    return f->id;
}

void fetch_cancel(struct master *m, uint64_t id)
{
    struct fetch *f = m->fetches ? take(m->fetches, id) : NULL;

    if (f)
        discard(f);
}

void fetch_reply(struct master *m, const struct msg_fetch_reply *reply, const char *tail,
                 size_t len)
{
    struct fetch *f = take(m->fetches, reply->id);

    if (f)
        finish(f, reply->status, tail, len);
}

void fetch_owner_changed(struct master *m)
{
    for (struct fetch *f = m->fetches->first; f; f = f->next)
        ask(f);
}

void fetch_clear(struct master *m)
{
    while (m->fetches && m->fetches->first) {
        struct fetch *f = m->fetches->first;

        m->fetches->first = f->next;
        discard(f);
    }
    free(m->fetches);
    m->fetches = NULL;
}
