/* Reload in two phases: the file and the tokens are read whole, the file is sent to every worker,
 * and all of it holds only when each has accepted it. What needs a restart keeps its old value and
 * is named. Called on SIGHUP and by the control socket. Diagnostics: reload_refused, reload_restart
 * (each key), reloaded, reload_pending. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "presence/log.h"
#include "secrets.h"

#define ANSWER_MS 10000

struct reload {
    uint64_t id;
    uint64_t waiting; /* slots whose answer is due */
    monoms_t deadline;
    struct conf next;
    struct secrets secrets; /* as just read; once committed, the old ones */
    struct reload_outcome outcome;
    bool refused;
    bool again; /* SIGHUP came meanwhile */
    reload_done *done;
    void *arg;
};

bool reload_running(const struct master *m)
{
    return m->reload != NULL;
}

void master_apply_log(const struct conf *conf)
{
    log_set_level((enum log_level)conf->log.level);
    log_set_format((enum log_format)conf->log.format);
    if (log_set_target(conf->log.target))
        log_error("log_target", "%s: cannot be written to; keeping the old target",
                  conf->log.target);
}

/* The new configuration with the old values of all keys that a reload does not change. */
static int merge(const struct conf *old_conf, const struct conf *new_conf, struct conf *merged_r,
                 struct conf_errors *errors)
{
    struct buf text;
    const char *section = "";
    int r;

    buf_init(&text, 0);
    for (size_t i = 0; i < conf_keys_count; i++) {
        const struct conf_key *key = &conf_keys[i];
        bool keep = conf_key_needs_restart(key);

        if (strcmp(section, key->section) != 0)
            buf_printf(&text, "[%s]\n", key->section);
        section = key->section;
        buf_printf(&text, "%s = ", key->key);
        conf_print_value(keep ? old_conf : new_conf, key, &text);
        buf_putc(&text, '\n');
    }
    r = conf_parse_text((const char *)buf_bytes(&text), buf_len(&text),
                        "the configuration in force", merged_r, errors);
    buf_clear(&text);
    return r;
}

static void name_restarts(struct master *m, const struct conf_changes *changes)
{
    struct buf keys;

    buf_init(&keys, 0);
    for (size_t i = 0; i < changes->count; i++) {
        const struct conf_change *c = &changes->list[i];

        if (!conf_key_needs_restart(c->key))
            continue;
        log_warn("reload_restart", "[%s] %s stays %s; restart presenced to make it %s",
                 c->key->section, c->key->key, c->old_text, c->new_text);
        buf_printf(&keys, "%s%s.%s", buf_len(&keys) ? " " : "", c->key->section, c->key->key);
    }
    free(m->restart_needed);
    m->restart_needed = buf_len(&keys) ? xstrdup(buf_cstr(&keys)) : NULL;
    buf_clear(&keys);
}

static void add_error(struct conf_errors *errors, char *line)
{
    errors->lines = xrealloc(errors->lines, (errors->count + 1) * sizeof(*errors->lines));
    errors->lines[errors->count++] = line;
}

static void finish(struct master *m, const char *code)
{
    struct reload *r = m->reload;
    bool again = r->again;

    m->reload = NULL;
    for (size_t i = 0; i < r->outcome.errors.count; i++)
        log_error("reload_refused", "%s", r->outcome.errors.lines[i]);
    if (r->done)
        r->done(r->arg, code, &r->outcome);
    conf_changes_clear(&r->outcome.changes);
    conf_errors_clear(&r->outcome.errors);
    secrets_clear(&r->secrets);
    conf_clear(&r->next);
    free(r);
    if (again)
        reload_start(m, NULL, NULL);
}

static void send_verdict(struct master *m, uint16_t type)
{
    struct msg_id id = {m->reload->id};

    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].state == WORKER_READY)
            worker_send(&m->workers[i], type, &id, sizeof(id), NULL, 0);
}

static void commit(struct master *m)
{
    struct reload *r = m->reload;
    struct conf old = m->conf;

    secrets_rotate(m, &r->secrets, &r->outcome.rotated);
    send_verdict(m, MSG_CONF_COMMIT);
    m->conf = r->next;
    memset(&r->next, 0, sizeof(r->next));
    m->conf_loaded_ms = clock_unix().ms;
    name_restarts(m, &r->outcome.changes);
    master_apply_log(&m->conf);
    conf_clear(&old);
    log_info("reloaded", "%s: %zu keys changed, %zu of them need a restart", m->conf_path,
             r->outcome.changes.count, r->outcome.changes.restart);
    finish(m, "ok");
    if (conf_worker_count(&m->conf) != m->worker_count)
        workers_set_count(m, conf_worker_count(&m->conf));
}

static void decide(struct master *m)
{
    struct reload *r = m->reload;

    if (r->waiting)
        return;
    if (r->refused) {
        send_verdict(m, MSG_CONF_ABORT);
        finish(m, "bad_config");
    } else {
        commit(m);
    }
}

static void ask_workers(struct master *m)
{
    struct reload *r = m->reload;
    struct msg_id id = {r->id};
    struct buf text;

    buf_init(&text, 0);
    conf_print_for_workers(&r->next, &text);
    for (unsigned i = 0; i < LANES; i++) {
        struct worker *w = &m->workers[i];

        if (w->state != WORKER_READY)
            continue;
        r->waiting |= UINT64_C(1) << i;
        worker_send(w, MSG_CONF_PREPARE, &id, sizeof(id), buf_bytes(&text), buf_len(&text));
    }
    buf_clear(&text);
}

/* While a worker starts it is told the configuration in force; so nothing may change meanwhile. */
static bool worker_is_starting(const struct master *m)
{
    for (unsigned i = 0; i < LANES; i++)
        if (m->workers[i].state == WORKER_STARTING)
            return true;
    return false;
}

void reload_start(struct master *m, reload_done *done, void *arg)
{
    struct reload *r;
    struct conf fresh = {0};
    char *error = NULL;

    if (m->phase >= PHASE_DRAINING || ((m->reload || cogs_busy(m)) && done)) {
        if (done)
            done(arg, m->phase < PHASE_DRAINING ? "busy" : "unavailable", NULL);
        return;
    }
    if (cogs_busy(m)) {
        log_info("reload_pending", "workers are being replaced; a reload follows");
        m->reload_follows = true;
        return;
    }
    if (m->reload) {
        log_info("reload_pending", "a reload is under way; another follows");
        m->reload->again = true;
        return;
    }
    m->reload = r = xcalloc(1, sizeof(*r));
    r->id = master_next_id(m);
    r->done = done;
    r->arg = arg;
    r->deadline.ms = loop_served(m->loop).ms + ANSWER_MS;
    if (conf_load(m->conf_path, &fresh, &r->outcome.errors)) {
        finish(m, "bad_config");
        return;
    }
    conf_diff(&m->conf, &fresh, &r->outcome.changes);
    if (merge(&m->conf, &fresh, &r->next, &r->outcome.errors)) {
        conf_clear(&fresh);
        finish(m, "bad_config");
        return;
    }
    conf_clear(&fresh);
    if (secrets_read(&r->next, m->environment_token, &r->secrets, &error)) {
        add_error(&r->outcome.errors, error);
        finish(m, "bad_config");
        return;
    }
    ask_workers(m);
    if (!worker_is_starting(m))
        decide(m);
}

void reload_answer(struct worker *w, uint64_t id, bool ready, const char *why, size_t len)
{
    struct reload *r = w->m->reload;

    if (!r || id != r->id || !(r->waiting & UINT64_C(1) << w->slot))
        return;
    r->waiting &= ~(UINT64_C(1) << w->slot);
    if (!ready) {
        r->refused = true;
        add_error(&r->outcome.errors,
                  xasprintf("worker %u: %.*s", w->slot, (int)(len > 500 ? 500 : len), why));
    }
    if (!worker_is_starting(w->m))
        decide(w->m);
}

void reload_worker_gone(struct worker *w)
{
    struct reload *r = w->m->reload;

    if (!r)
        return;
    r->waiting &= ~(UINT64_C(1) << w->slot);
    if (!worker_is_starting(w->m))
        decide(w->m);
}

void reload_tick(struct master *m)
{
    struct reload *r = m->reload;

    if (!r)
        return;
    if (loop_served(m->loop).ms < r->deadline.ms) {
        if (!worker_is_starting(m))
            decide(m);
        return;
    }
    for (unsigned i = 0; i < LANES; i++)
        if (r->waiting & UINT64_C(1) << i)
            add_error(&r->outcome.errors,
                      xasprintf("worker %u did not answer in %d ms", i, ANSWER_MS));
    r->refused = r->refused || r->waiting || worker_is_starting(m);
    r->waiting = 0;
    if (r->outcome.errors.count == 0 && r->refused)
        add_error(&r->outcome.errors, xstrdup("a worker was starting for too long"));
    decide(m);
}

void reload_cancel(struct master *m, void *arg)
{
    if (m->reload && m->reload->arg == arg)
        m->reload->done = NULL;
}

void reload_clear(struct master *m)
{
    if (!m->reload)
        return;
    m->reload->done = NULL;
    m->reload->again = false;
    finish(m, "unavailable");
}
