/* presence-graphqld: options, signals, start and end.
 * Diagnostics: whatever is wrong with configuration, tokens or the database's schema at the start
 * is a line on stderr and an exit status of its own; an absent database is not. */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "graphql/migrate.h"
#include "graphql/server.h"
#include "presence/fd.h"
#include "presence/log.h"
#include "presence/pg.h"
#include "presence/privileges.h"
#include "presence/sd.h"

#define EXIT_USAGE   64 /* sysexits, as presenced has them */
#define EXIT_CONFIG  78
#define DESCRIPTORS  4500              /* connections of clients and a few of ours */
#define HEAP_KEPT    ((size_t)8 << 20) /* what a batch of 5,000 needs */
#define DEFAULT_CONF PRESENCE_SYSCONFDIR "/presence/presence.conf"

struct options {
    const char *conf_path;
    bool check, print, migrate, new_token, daemonise, debug;
    char **args;
    int n_args;
};

struct program {
    struct loop *loop;
    struct server *server;
    struct sd_watchdog *watchdog;
    bool stopping;
};

static void usage(FILE *to)
{
    fputs(
        "usage: presence-graphqld [-dfDhV] [-c FILE]\n"
        "       presence-graphqld -n [-v] [-c FILE]\n"
        "       presence-graphqld [-c FILE] --migrate [OWNER-CONNINFO]\n"
        "       presence-graphqld [-c FILE] --new-token NAME SCOPE[,SCOPE]\n"
        "  -c FILE        configuration (default " DEFAULT_CONF ")\n"
        "  -d             go into the background\n"
        "  -f             stay in the foreground (the default)\n"
        "  -D             log at level debug\n"
        "  -n             check the configuration and exit; with -v print what is in force\n"
        "  --migrate      bring the database to this program's version and exit; as the owner of\n"
        "                 OWNER-CONNINFO, so that the service can do with least rights\n"
        "  --new-token    make a token, print it, append its digest to the token file\n"
        "  -h, --help     this text\n"
        "  -V, --version  the version\n",
        to);
}

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
                                          {"migrate", no_argument, NULL, 'M'},
                                          {"new-token", no_argument, NULL, 'T'},
                                          {"version", no_argument, NULL, 'V'},
                                          {NULL, 0, NULL, 0}};
    int c;

    *o = (struct options){.conf_path = DEFAULT_CONF};
    while ((c = getopt_long(argc, argv, "c:dfnvDhV", longs, NULL)) != -1)
        switch (c) {
        case 'c':
            o->conf_path = optarg;
            break;
        case 'd':
            o->daemonise = true;
            break;
        case 'f':
            o->daemonise = false;
            break;
        case 'n':
            o->check = true;
            break;
        case 'v':
            o->print = true;
            break;
        case 'D':
            o->debug = true;
            break;
        case 'M':
            o->migrate = true;
            break;
        case 'T':
            o->new_token = true;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        case 'V':
            puts("presence-graphqld " PACKAGE_VERSION);
            exit(0);
        default:
            usage(stderr);
            return -1;
        }
    o->args = argv + optind;
    o->n_args = argc - optind;
    if ((o->n_args == (o->new_token ? 2 : 0) || (o->migrate && o->n_args == 1)) &&
        (o->check || !o->print))
        return 0;
    usage(stderr);
    return -1;
}

/* --- commands that do one thing
 * ------------------------------------------------------------------- */

static int complain(char *error)
{
    fprintf(stderr, "presence-graphqld: %s\n", error);
    free(error);
    return 1;
}

static int migrate(const struct conf *conf, const struct options *o)
{
    char *error = NULL;

    return migrate_run(conf->graphqld.conninfo, o->n_args ? o->args[0] : NULL, &error)
               ? complain(error)
               : 0;
}

static int new_token(const struct conf *conf, const struct options *o)
{
    const char *path = conf->graphqld.token_file;
    char *error = NULL, *token;
    bool made = access(path, F_OK) != 0;

    token = tokens_create(path, o->args[0], o->args[1], &error);
    if (token && made && privileges_file(path, conf->presence.user, &error)) {
        unlink(path); /* nobody could read it */
        fd_secret_free(&token);
    }
    if (!token)
        return complain(error);
    puts(token);
    fd_secret_free(&token);
    return 0;
}

static int check_only(const struct conf *conf, const struct options *o)
{
    struct buf text;

    buf_init(&text, 0);
    conf_show(conf, &text);
    if (o->print)
        fwrite(buf_bytes(&text), 1, buf_len(&text), stdout);
    else
        printf("%s: good\n", o->conf_path);
    buf_clear(&text);
    return fflush(stdout) ? 1 : 0;
}

/* Refuses a database of another version; one that is away is none of our business yet. */
static int check_database(const struct conf *conf)
{
    char *error = NULL, *value, *rights, *why = NULL;
    struct pg_sync *pg = pg_sync_open(conf->graphqld.conninfo, &error);
    int rc;

    if (!pg) {
        log_warn("pg_down", "database: %s", error);
        free(error);
        return 0;
    }
    value = pg_sync_value(pg, migrate_check_sql, &error);
    free(error);
    error = NULL;
    rights = pg_sync_value(pg, "SELECT has_table_privilege('presence.audit', 'DELETE')", &error);
    free(error);
    if (rights && strcmp(rights, "t") == 0)
        log_warn("rights",
                 "the user of [graphqld] conninfo owns the tables: a role of its own, made "
                 "by --migrate OWNER-CONNINFO, could do less harm");
    free(rights);
    pg_sync_close(&pg);
    rc = migrate_check(NULL, value, &why);
    free(value);
    return rc ? complain(why) : 0;
}

/* --- signals
 * -------------------------------------------------------------------------------------- */

static void drained(void *arg)
{
    struct program *p = arg;

    loop_stop(p->loop);
}

static void on_terminate(void *arg, int signo)
{
    struct program *p = arg;

    (void)signo;
    if (p->stopping) {
        loop_stop(p->loop);
        return;
    }
    p->stopping = true;
    log_info("stopping", "answering what is under way");
    sd_notify_send("STOPPING=1");
    server_drain(p->server, drained, p);
}

static void on_reload(void *arg, int signo)
{
    struct program *p = arg;

    (void)signo;
    server_reload(p->server);
}

static void on_reopen(void *arg, int signo)
{
    (void)arg;
    (void)signo;
    if (log_reopen())
        log_error("log", "cannot open the log file again");
}

/* --- serving
 * -------------------------------------------------------------------------------------- */

static int set_log(const struct conf *conf, bool debug)
{
    log_set_level(debug ? LOG_LEVEL_DEBUG : (enum log_level)conf->log.level);
    log_set_format((enum log_format)conf->log.format);
    if (log_set_target(conf->log.target) == 0)
        return 0;
    fprintf(stderr, "presence-graphqld: cannot log to %s\n", conf->log.target);
    return -1;
}

/* Thousands of idle connections are held, cheaply; each is a descriptor. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < DESCRIPTORS)
        log_warn("descriptors", "only %llu descriptors may be open; %d were expected",
                 (unsigned long long)limit.rlim_cur, DESCRIPTORS);
}

/* The user of presenced, and the place of the socket where both look for it. with_log: the log is
 * open, and will be opened again on SIGUSR1. */
static int become_user(const struct conf *conf, bool with_log)
{
    const char *user = conf->presence.user, *target = conf->log.target;
    char *error = NULL;

    if ((with_log && *target == '/' && privileges_file(target, user, &error)) ||
        privileges_directory(conf->presence.run_dir, 0755, user, &error) ||
        privileges_drop(user, conf->presence.group, &error))
        return complain(error);
    return 0;
}

static void say_where(const struct conf *conf, const struct server *server, bool passed)
{
    const char *where = passed ? "the socket that was passed" : conf->graphqld.listen;

    if (server_port(server))
        log_info("listening", "%s (port %u)", where, server_port(server));
    else
        log_info("listening", "%s", where);
}

static int serve(const struct conf *conf, const struct options *o)
{
    struct program p = {0};
    char *error = NULL;
    int listener = sd_listener(&error);

    if (error)
        return complain(error);
    if (set_log(conf, o->debug) || become_user(conf, true) || check_database(conf))
        return 1;
    if (o->daemonise && daemon(0, 0))
        return complain(xstrdup("cannot go to the background"));
    raise_descriptors();
    heap_keep(HEAP_KEPT);
    p.loop = loop_new_epoll();
    loop_signal(p.loop, SIGTERM, on_terminate, &p);
    loop_signal(p.loop, SIGINT, on_terminate, &p);
    loop_signal(p.loop, SIGHUP, on_reload, &p);
    loop_signal(p.loop, SIGUSR1, on_reopen, &p);
    signal(SIGPIPE, SIG_IGN);
    p.server = server_new(p.loop, conf, listener, &error);
    if (!p.server) {
        loop_free(&p.loop);
        return complain(error);
    }
    say_where(conf, p.server, listener >= 0);
    sd_notify_send("READY=1");
    p.watchdog = sd_watchdog_start(p.loop);
    loop_run(p.loop);
    sd_watchdog_stop(&p.watchdog);
    server_free(&p.server);
    loop_free(&p.loop);
    log_info("stopped", "bye");
    return 0;
}

int main(int argc, char **argv)
{
    struct conf_errors errors = {0};
    struct options o;
    struct conf conf;
    int rc;

    log_init("presence-graphqld");
    if (parse_options(argc, argv, &o))
        return EXIT_USAGE;
    if (conf_load(o.conf_path, &conf, &errors)) {
        for (size_t i = 0; i < errors.count; i++)
            fprintf(stderr, "%s\n", errors.lines[i]);
        conf_errors_clear(&errors);
        return EXIT_CONFIG;
    }
    if (o.migrate) {
        rc = (o.n_args == 0 && become_user(&conf, false)) || migrate(&conf, &o);
    } else if (o.new_token) {
        rc = new_token(&conf, &o);
    } else if (o.check) {
        rc = check_only(&conf, &o);
    } else {
        rc = serve(&conf, &o);
    }
    conf_clear(&conf);
    return rc;
}
