/* Modules with commands: their trial when presenced starts and when somebody asks for it, then new
 * workers where something changed. presenced loads none itself: presence-worker --take-cogs does,
 * in a process of its own, and tells what became of each (src/worker/cog_trial.c). Called by
 * main.c, control_act.c and worker.c. Diagnostics: cog_refused (each module that is not taken),
 * cog_taken, cogs_trial, cogs_reloaded. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/json.h"
#include "presence/log.h"
#include "worker.h"

#define TRIAL_MS   30000
#define REPORT_MAX ((size_t)1 << 20)

struct cogs {
    pid_t pid; /* of the trial; 0 = none is under way */
    bool reaped;
    int status, fd;
    struct loop_fd *watch;
    monoms_t deadline;
    struct buf out;
    bool changed; /* something of what is in service, by the last trial */
    char *report; /* the last one, a JSON array; owned */
    cogs_done *done;
    void *arg;
    bool asked; /* a reload is under way */
    /* whom a worker asked for: its slot, its generation, the request's id; 0 = nobody */
    unsigned ask_slot;
    uint32_t ask_generation;
    uint64_t ask_id;
};

bool cogs_busy(const struct master *m)
{
    return m->cogs && m->cogs->asked;
}

const char *cogs_report(const struct master *m)
{
    return m->cogs && m->cogs->report ? m->cogs->report : "[]";
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void finish(struct master *m, const char *code)
{
    struct cogs *c = m->cogs;
    cogs_done *done = c->done;

    c->done = NULL;
    c->asked = false;
    if (done)
        done(c->arg, code, cogs_report(m));
    if (m->reload_follows && m->phase < PHASE_DRAINING) {
        m->reload_follows = false;
        reload_start(m, NULL, NULL);
    }
}

static void rolled(struct master *m, unsigned replaced, const char *failure)
{
    if (failure)
        log_error("cogs_reloaded", "%u workers replaced, then: %s", replaced, failure);
    else
        log_info("cogs_reloaded", "%u workers replaced", replaced);
    finish(m, failure ? "unavailable" : "ok");
}

/* --- the report --------------------------------------------------------------------------------
 */

static void say_one(const struct json *one)
{
    const char *name = json_string(json_get(one, "name"), "?");

    if (!json_bool(json_get(one, "ok"), false))
        log_error("cog_refused", "%s: %s; %s", name, json_string(json_get(one, "reason"), "?"),
                  json_bool(json_get(one, "kept"), false) ? "the one of before stays in service"
                                                          : "it is not in service");
    else if (json_bool(json_get(one, "changed"), false))
        log_info("cog_taken", "%s is in service", name);
    else if (json_bool(json_get(one, "removed"), false))
        log_info("cog_taken", "%s is not installed any more and left service", name);
}

/* The lines that were printed become an array. */
static void read_report(struct cogs *c)
{
    struct buf list;
    char *line, *rest = xstrdup(buf_cstr(&c->out)), *at = rest;

    buf_init(&list, 0);
    buf_putc(&list, '[');
    c->changed = false;
    while ((line = strsep(&at, "\n"))) {
        struct json *one = json_parse(line, strlen(line), NULL);

        if (json_is_object(one)) {
            say_one(one);
            c->changed |= json_bool(json_get(one, "changed"), false) ||
                          json_bool(json_get(one, "removed"), false);
            buf_printf(&list, "%s%s", buf_len(&list) > 1 ? "," : "", line);
        }
        json_free(&one);
    }
    buf_putc(&list, ']');
    free(c->report);
    c->report = xstrdup(buf_cstr(&list));
    buf_clear(&list);
    free(rest);
}

/* --- the trial ---------------------------------------------------------------------------------
 */

static void tell(struct worker *w, uint64_t id, const char *report)
{
    struct msg_id about = {id};

    worker_send(w, MSG_COGS_REPORT, &about, sizeof(about), report, report ? strlen(report) : 0);
}

/* The worker that asked, if it lives. */
static void tell_asker(struct master *m, bool done)
{
    struct cogs *c = m->cogs;
    struct worker *w = &m->workers[c->ask_slot];

    if (c->ask_id && w->generation == c->ask_generation)
        tell(w, c->ask_id, done ? cogs_report(m) : NULL);
    c->ask_id = 0;
}

static void after_trial(struct master *m, bool done)
{
    struct cogs *c = m->cogs;

    tell_asker(m, done);
    if (m->phase >= PHASE_DRAINING) {
        finish(m, "unavailable");
    } else if (!c->asked) {
        workers_set_count(m, conf_worker_count(&m->conf));
    } else if (!done) {
        finish(m, "unavailable");
    } else if (c->changed) {
        roll_start(m, rolled);
    } else {
        finish(m, "ok");
    }
}

static void trial_over(struct master *m)
{
    struct cogs *c = m->cogs;
    bool good = WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;

    if (!c->reaped || c->watch)
        return;
    c->pid = 0;
    if (!good)
        log_error("cogs_trial", "the trial of the modules ended with status 0x%x", c->status);
    read_report(c);
    after_trial(m, good);
}

static void heard(void *arg, unsigned events)
{
    struct master *m = arg;
    struct cogs *c = m->cogs;
    unsigned char *room = buf_reserve(&c->out, 4096);
    ssize_t n = room ? read(c->fd, room, 4096) : 0;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        buf_commit(&c->out, (size_t)n);
        return;
    }
    loop_fd_del(&c->watch);
    fd_close(&c->fd);
    trial_over(m);
}

bool cogs_reaped(struct master *m, pid_t pid, int status)
{
    struct cogs *c = m->cogs;

    if (!c || c->pid != pid)
        return false;
    c->reaped = true;
    c->status = status;
    trial_over(m);
    return true;
}

/* In the child. */
static _Noreturn void become_trial(const struct master *m, int out, const char *name, char **env)
{
    char *service = xasprintf("%s/" COGS_SERVICE, m->conf.presence.state_dir);
    char *argv[] = {(char *)"presence-worker", (char *)"--take-cogs",
                    m->conf.workers.cogs_dir,  service,
                    (char *)(uintptr_t)name,   NULL};
    sigset_t none;

    dup2(out, STDOUT_FILENO); /* everything else is closed by exec */
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(m->worker_path, argv, env);
    _exit(127);
}

/* 0; or -1 after a line in the log. */
static int start_trial(struct master *m, const char *name)
{
    struct cogs *c = m->cogs;
    char **env = worker_environment();
    int ends[2] = {-1, -1};

    buf_reset(&c->out);
    c->reaped = false;
    if (pipe2(ends, O_CLOEXEC) || fd_nonblock(ends[0]) || (c->pid = fork()) < 0) {
        log_error("cogs_trial", "%s", strerror(errno));
        fd_close(&ends[0]);
        fd_close(&ends[1]);
        worker_environment_free(env);
        c->pid = 0;
        return -1;
    }
    if (c->pid == 0)
        become_trial(m, ends[1], name, env);
    worker_environment_free(env);
    close(ends[1]);
    c->fd = ends[0];
    c->watch = loop_fd_add(m->loop, c->fd, LOOP_READ, heard, m);
    c->deadline.ms = loop_served(m->loop).ms + TRIAL_MS;
    return 0;
}

/* --- asked for ---------------------------------------------------------------------------------
 */

void cogs_start(struct master *m)
{
    m->cogs = xcalloc(1, sizeof(*m->cogs));
    m->cogs->fd = -1;
    m->roll = (struct roll){.from = -1, .to = -1};
    buf_init(&m->cogs->out, REPORT_MAX);
    if (start_trial(m, NULL))
        after_trial(m, false);
}

void cogs_reload(struct master *m, const char *name, cogs_done *done, void *arg)
{
    struct cogs *c = m->cogs;

    if (m->phase >= PHASE_DRAINING || c->pid || c->asked || reload_running(m)) {
        done(arg, m->phase >= PHASE_DRAINING ? "unavailable" : "busy", "[]");
        return;
    }
    c->done = done;
    c->arg = arg;
    c->asked = true;
    if (start_trial(m, name))
        finish(m, "unavailable");
}

static void nobody_waits(void *arg, const char *code, const char *report)
{
    (void)arg;
    (void)code;
    (void)report;
}

void cogs_ask(struct worker *w, uint64_t id, const char *name, size_t len)
{
    struct master *m = w->m;
    struct cogs *c = m->cogs;
    char *which = xstrndup(name ? name : "", len);

    if (m->phase >= PHASE_DRAINING || c->pid || c->asked || reload_running(m)) {
        tell(w, id, NULL);
    } else {
        c->ask_slot = w->slot;
        c->ask_generation = w->generation;
        c->ask_id = id;
        cogs_reload(m, strcmp(which, "all") != 0 ? which : NULL, nobody_waits, m);
    }
    free(which);
}

void cogs_cancel(struct master *m, void *arg)
{
    if (m->cogs && m->cogs->arg == arg)
        m->cogs->done = NULL;
}

void cogs_tick(struct master *m)
{
    struct cogs *c = m->cogs;

    if (c && c->pid && !c->reaped && loop_served(m->loop).ms >= c->deadline.ms) {
        log_error("cogs_trial", "the trial of the modules took more than %d ms", TRIAL_MS);
        c->deadline.ms += TRIAL_MS;
        kill(c->pid, SIGKILL);
    }
    roll_tick(m);
}

void cogs_clear(struct master *m)
{
    struct cogs *c = m->cogs;

    if (!c)
        return;
    if (c->pid && !c->reaped)
        kill(c->pid, SIGKILL);
    c->done = NULL;
    loop_fd_del(&c->watch);
    fd_close(&c->fd);
    buf_clear(&c->out);
    free(c->report);
    free(c);
    m->cogs = NULL;
}
