/* presenced: options, start, signals, the second's tick, end. The work is done by the modules that
 * master.h lists.
 * Diagnostics: started, degraded, draining, stopped. */
#include "master.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/sd.h"
#include "process.h"
#include "secrets.h"

#define DEFAULT_CONF PRESENCE_SYSCONFDIR "/presence/presence.conf"
#define TICK_MS      1000
#define REST_TICKS   2 /* memory for events that nobody needed for so long is given back */
#define DRAIN_MS     25000
#define EXIT_USAGE   64
#define EXIT_CONFIG  78

static struct master master;

uint64_t master_next_id(struct master *m)
{
    return ++m->last_id;
}

void master_degraded(struct master *m, const char *text)
{
    free(m->degraded);
    m->degraded = text ? xstrdup(text) : NULL;
}

/* --- the end --------------------------------------------------------------------------------- */

void master_stop(struct master *m, int exit_status)
{
    if (m->phase >= PHASE_DRAINING)
        return;
    log_info("draining", "%zu bytes wait for the workers", m->pool.bytes);
    sd_notify_send("STOPPING=1\nSTATUS=draining");
    m->phase = PHASE_DRAINING;
    m->exit_status = exit_status;
    m->drain_deadline.ms = loop_served(m->loop).ms + DRAIN_MS;
    shards_stop(m, true);
    workers_drain(m);
    loop_timer_set(m->tick, 0);
}

void master_check_drained(struct master *m)
{
    if (m->phase != PHASE_DRAINING || !workers_gone(m))
        return;
    if (ws_env_closing(m->ws) > 0 && loop_served(m->loop).ms < m->drain_deadline.ms)
        return; /* the tick looks again */
    m->phase = PHASE_DONE;
    loop_stop(m->loop);
}

static void stop_at_once(struct master *m)
{
    workers_kill_all(m);
    m->drain_deadline = loop_served(m->loop);
    loop_timer_set(m->tick, 0);
}

/* --- signals and the tick -------------------------------------------------------------------- */

static void got_signal(void *arg, int signo)
{
    struct master *m = arg;

    switch (signo) {
    case SIGCHLD:
        workers_reap(m);
        break;
    case SIGHUP:
        reload_start(m, NULL, NULL);
        break;
    case SIGUSR1:
        if (log_reopen())
            log_error("log_reopen", "%s: %s", m->conf.log.target, strerror(errno));
        for (unsigned i = 0; i < LANES; i++)
            worker_send(&m->workers[i], MSG_LOG_REOPEN, NULL, 0, NULL, 0);
        log_info("log_reopened", "on SIGUSR1");
        break;
    default:
        if (m->phase < PHASE_DRAINING) {
            master_stop(m, 0);
            break;
        }
        log_warn("stopping", "at once, on a second signal");
        stop_at_once(m);
    }
}

static void note_running(struct master *m)
{
    if (m->phase == PHASE_STARTING && shards_all_live(m))
        m->phase = PHASE_RUNNING;
}

static void check_segment(struct master *m)
{
    if (m->phase < PHASE_DRAINING && kept_segment_is_damaged(m)) {
        master_stop(m, EXIT_FAILURE);
        stop_at_once(m);
    }
}

static void tick(void *arg)
{
    struct master *m = arg;

    check_segment(m);
    atomic_store(&m->shm.header->master_beat_ms, clock_mono().ms);
    if (m->phase == PHASE_DRAINING) {
        if (loop_served(m->loop).ms >= m->drain_deadline.ms)
            workers_kill_all(m);
        workers_drain(m);
        master_check_drained(m);
    } else {
        note_running(m);
        lanes_tick(m);
        reset_tick(m);
        sessions_tick(m);
        shards_note_state(m);
        kept_save_state(m, false);
    }
    workers_tick(m);
    reload_tick(m);
    cogs_tick(m);
    control_tick(m);
    if (++m->ticks % REST_TICKS == 0)
        framepool_rest(&m->pool.frames);
    heap_give_back();
    loop_timer_set(m->tick, m->phase == PHASE_DRAINING ? TICK_MS / 10 : TICK_MS);
}

/* --- start ----------------------------------------------------------------------------------- */

static const int signals[] = {SIGCHLD, SIGHUP, SIGUSR1, SIGTERM, SIGINT};

/* As the user we are from now on: a reload must be able to read them again. */
static int read_secrets(struct master *m)
{
    char *error = NULL;

    m->environment_token = secrets_environment();
    if (secrets_read(&m->conf, m->environment_token, &m->secrets, &error) == 0)
        return 0;
    log_error("start_failed", "%s", error);
    free(error);
    return -1;
}

static int set_up(struct master *m)
{
    if (process_user(&m->conf) || read_secrets(m) || process_lock(m))
        return -1;
    kept_load_state(m);
    if (kept_open_segment(m))
        return -1;
    if (framepool_open(&m->pool.frames, QUEUE_MAX_BYTES)) {
        log_error("start_failed", "memory for events: %s", strerror(errno));
        return -1;
    }
    if (!(m->ws = ws_env_new(NULL))) {
        log_error("start_failed", "libwebsockets cannot be initialised");
        return -1;
    }
    m->loop = ws_env_loop(m->ws);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        loop_signal(m->loop, signals[i], got_signal, m);
    m->started_ms = m->conf_loaded_ms = clock_unix().ms;
    buf_init(&m->state_saved, 0);
    idgate_init(&m->gate);
    m->tick = loop_timer_new(m->loop, tick, m);
    m->watchdog = sd_watchdog_start(m->loop);
    fetch_init(m);
    sessions_init(m);
    lanes_init(m);
    workers_init(m);
    reset_init(m);
    quarantine_load(m);
    return control_init(m);
}

static void tear_down(struct master *m)
{
    discover_clear(m);
    shards_clear(m);
    control_clear(m);
    reload_clear(m);
    cogs_clear(m);
    fetch_clear(m);
    sessions_clear(m);
    workers_clear(m);
    lanes_clear(m);
    quarantine_clear(m);
    loop_timer_free(&m->gate_timer);
    loop_timer_free(&m->tick);
    sd_watchdog_stop(&m->watchdog);
    ws_env_free(&m->ws);
    if (m->shm.header) {
        atomic_store(&m->shm.header->clean, 1);
        shm_close(&m->shm);
    }
    state_clear(&m->state);
    buf_clear(&m->state_saved);
    secrets_clear(&m->secrets);
    fd_secret_free(&m->environment_token);
    free(m->user_name);
    free(m->degraded);
    free(m->restart_needed);
    free(m->conf_path);
    free(m->worker_path);
    conf_clear(&m->conf);
}

static int run(struct master *m)
{
    if (set_up(m)) {
        tear_down(m);
        return 1;
    }
    process_started(m->conf.log.target);
    log_info("started", "presenced " PACKAGE_VERSION ", instance %s, %u workers",
             m->conf.cache.instance, conf_worker_count(&m->conf));
    tick(m);
    cogs_start(m);
    discover_start(m);
    loop_run(m->loop);
    shards_note_state(m);
    kept_save_state(m, true);
    log_info("stopped", "exit status %d", m->exit_status);
    tear_down(m);
    return m->exit_status;
}

static void usage(FILE *to)
{
    fputs("usage: presenced [-dhV] [-c FILE] [-W WORKER]\n"
          "       presenced -n [-v] [-c FILE]\n"
          "  -c FILE        configuration (default " DEFAULT_CONF ")\n"
          "  -d             go into the background\n"
          "  -n             check the configuration and exit; with -v print what is in force\n"
          "  -W WORKER      path of presence-worker\n"
          "  -h, --help     this text\n"
          "  -V, --version  the version\n",
          to);
}

static int load_conf(struct master *m)
{
    struct conf_errors errors = {0};
    int r = conf_load(m->conf_path, &m->conf, &errors);

    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    conf_errors_clear(&errors);
    return r;
}

static int check_only(struct master *m, bool print)
{
    struct buf text;

    buf_init(&text, 0);
    conf_show(&m->conf, &text);
    if (print)
        fwrite(buf_bytes(&text), 1, buf_len(&text), stdout);
    else
        printf("%s: good\n", m->conf_path);
    buf_clear(&text);
    conf_clear(&m->conf);
    free(m->conf_path);
    return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    struct master *m = &master;
    bool check = false, print = false, background = false;
    const char *worker = NULL, *conf_path = DEFAULT_CONF;
    int opt;

    log_init("presenced");
    while ((opt = getopt_long(argc, argv, "c:nvdW:hV", longs, NULL)) != -1) {
        switch (opt) {
        case 'c':
            conf_path = optarg;
            break;
        case 'n':
            check = true;
            break;
        case 'v':
            print = true;
            break;
        case 'd':
            background = true;
            break;
        case 'W':
            worker = optarg;
            break;
        case 'V':
            puts("presenced " PACKAGE_VERSION);
            return 0;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (optind != argc || (print && !check)) {
        usage(stderr);
        return EXIT_USAGE;
    }
    m->lock_fd = -1;
    if (!(m->conf_path = realpath(conf_path, NULL)))
        m->conf_path = xstrdup(conf_path);
    if (load_conf(m)) {
        free(m->conf_path);
        return EXIT_CONFIG;
    }
    if (check)
        return check_only(m, print);
    m->worker_path = process_worker_path(worker);
    if (!m->worker_path || access(m->worker_path, X_OK)) {
        log_error("start_failed", "presence-worker at %s: %s",
                  m->worker_path ? m->worker_path : worker, strerror(errno));
        return 1;
    }
    if (background && process_daemonise())
        return 1;
    master_apply_log(&m->conf);
    return run(m);
}
