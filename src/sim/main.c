/* presence-sim: command line, listeners, start and end.
 * Diagnostics: a wrong argument or a busy port ends the start with one line. */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/log.h"
#include "sim/commands.h"
#include "sim/control.h"
#include "sim/files.h"
#include "sim/gateway.h"
#include "sim/interactions.h"
#include "sim/load.h"
#include "sim/options.h"
#include "sim/received.h"
#include "sim/rest.h"

/* What the invitation asks for, and the two optional rights that invite and AutoMod events need. */
#define PERMISSIONS (UINT64_C(277293943939) | PERM_MANAGE_CHANNEL | PERM_MANAGE_GUILD)
#define TICK_MS     1000
#define BODY_MAX    (25u << 20) /* of a request with files */

struct options {
    char *gateway, *http;
    const char *gateway_name; /* told to clients instead of the address */
    const char *print_ports;
    int ready_fd;
    uint32_t guilds, members;
    uint64_t seed;
    char *load;
    char *settings; /* JSON for options_apply, collected */
};

static const char usage[] =
    "usage: presence-sim [--listen-gateway HOST:PORT] [--listen-http HOST:PORT]\n"
    "                    [--guilds N] [--members N] [--seed N] [--token TOKEN]\n"
    "                    [--shards N] [--max-concurrency N] [--intents-allowed BITS]\n"
    "                    [--set NAME=VALUE]... [--load JSON] [--print-ports FILE]\n"
    "                    [--gateway-name HOST] [--ready-fd N] [-h | --help] [-V | --version]\n"
    "Plays Discord for Presence: gateway, REST and a control API. See presence-sim(1).\n";

_Noreturn static void die(const char *fmt, const char *what)
{
    fprintf(stderr, "presence-sim: ");
    fprintf(stderr, fmt, what);
    fputc('\n', stderr);
    exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t most)
{
    char *end;
    unsigned long long v = strtoull(text, &end, 0);

    if (*text < '0' || *text > '9' || *end || v > most)
        die("%s: expected a number within its range", option);
    return v;
}

/* "name=value" becomes a member of the settings object; digits, true and false stay bare. */
static void collect(struct options *o, const char *name, size_t name_len, const char *value)
{
    bool bare = value[strspn(value, "0123456789")] == '\0' || strcmp(value, "true") == 0 ||
                strcmp(value, "false") == 0;
    bool text =
        strncmp(name, "token", name_len) == 0 || strncmp(name, "permissions", name_len) == 0;
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, o->settings ? o->settings : "");
    buf_puts(&b, o->settings ? "," : "");
    buf_put_json(&b, name, name_len);
    buf_putc(&b, ':');
    if (bare && !text)
        buf_puts(&b, value);
    else
        buf_put_json(&b, value, strlen(value));
    free(o->settings);
    o->settings = xstrdup(buf_cstr(&b));
    buf_clear(&b);
}

static void collect_pair(struct options *o, const char *pair)
{
    const char *equals = strchr(pair, '=');

    if (!equals)
        die("--set %s: expected NAME=VALUE", pair);
    collect(o, pair, (size_t)(equals - pair), equals + 1);
}

static const struct option longs[] = {
    {"listen-gateway", required_argument, NULL, 'w'},
    {"gateway-name", required_argument, NULL, 'N'},
    {"listen-http", required_argument, NULL, 'l'},
    {"listen", required_argument, NULL, 'l'}, /* short for the former */
    {"guilds", required_argument, NULL, 'g'},
    {"members", required_argument, NULL, 'm'},
    {"seed", required_argument, NULL, 's'},
    {"token", required_argument, NULL, 't'},
    {"shards", required_argument, NULL, 'n'},
    {"max-concurrency", required_argument, NULL, 'c'},
    {"intents-allowed", required_argument, NULL, 'i'},
    {"set", required_argument, NULL, 'S'},
    {"load", required_argument, NULL, 'L'},
    {"print-ports", required_argument, NULL, 'p'},
    {"ready-fd", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The name of the setting that a shorthand option means, or NULL. */
static const char *setting_of(int c)
{
    switch (c) {
    case 't':
        return "token";
    case 'n':
        return "shards";
    case 'c':
        return "max_concurrency";
    case 'i':
        return "intents_allowed";
    default:
        return NULL;
    }
}

static void take(struct options *o, int c, char *value)
{
    switch (c) {
    case 'w':
        o->gateway = value;
        break;
    case 'N':
        o->gateway_name = value;
        break;
    case 'l':
        o->http = value;
        break;
    case 'g':
        o->guilds = (uint32_t)number("--guilds", value, 60000);
        break;
    case 'm':
        o->members = (uint32_t)number("--members", value, USERS_MAX - 10);
        break;
    case 's':
        o->seed = number("--seed", value, UINT64_MAX);
        break;
    case 'S':
        collect_pair(o, value);
        break;
    case 'L':
        o->load = value;
        break;
    case 'p':
        o->print_ports = value;
        break;
    case 'r':
        o->ready_fd = (int)number("--ready-fd", value, 1 << 20);
        break;
    case 'V':
        puts("presence-sim " PACKAGE_VERSION);
        exit(0);
    default:
        fputs(usage, c == 'h' ? stdout : stderr);
        exit(c == 'h' ? 0 : 2);
    }
}

static void parse(struct options *o, int argc, char **argv)
{
    int c;

    while ((c = getopt_long(argc, argv, "hV", longs, NULL)) != -1) {
        const char *setting = setting_of(c);

        if (setting)
            collect(o, setting, strlen(setting), optarg);
        else
            take(o, c, optarg);
    }
    if (optind < argc)
        die("unexpected argument \"%s\"", argv[optind]);
    if ((uint64_t)o->guilds * o->members > USERS_MAX - 1000)
        die("%s", "--guilds times --members: at most 4,000,000 people");
}

/* --- listeners -------------------------------------------------------------------------------- */

static void on_request(void *arg, struct httpd_request *req)
{
    static const char text[] = "{\"message\":\"404: Not Found\",\"code\":0}";
    struct httpd_header type = {"Content-Type", "application/json"};
    struct sim *sim = arg;

    if (strncmp(httpd_path(req), "/_sim/", 6) == 0)
        control_handle(sim, req);
    else if (strncmp(httpd_path(req), "/api/", 5) == 0)
        rest_handle(sim, req);
    else
        httpd_respond(req, 404, &type, 1, text, sizeof(text) - 1);
}

static void open_gateway(struct sim *sim, const char *address, const char *name)
{
    const char *colon = strrchr(address, ':');
    char *host, *error = NULL;

    if (!colon || !colon[1])
        die("--listen-gateway %s: expected HOST:PORT", address);
    host = xstrndup(address, (size_t)(colon - address));
    sim->ws = ws_server_new(host, (unsigned)number("--listen-gateway", colon + 1, 65535),
                            PAYLOAD_MAX, &gateway_handlers, sim, &error);
    if (!sim->ws)
        die("%s", error);
    sim->loop = ws_server_loop(sim->ws);
    sim->gateway_url = xasprintf("ws://%s:%u", name ? name : host, ws_server_port(sim->ws));
    free(host);
}

static void open_http(struct sim *sim, const char *address)
{
    struct httpd_options options = {.body_max = BODY_MAX};
    char *error = NULL;
    int fd = httpd_listen(address, 0600, &error);

    if (fd >= 0) {
        sim->http_url = xasprintf("http://%.*s:%u", (int)(strrchr(address, ':') - address), address,
                                  httpd_port(fd));
        sim->httpd = httpd_new(sim->loop, fd, &options, on_request, sim, &error);
    }
    if (!sim->httpd)
        die("%s", error);
}

static void announce(const struct sim *sim, const struct options *o)
{
    char *line =
        xasprintf("{\"gateway\":\"%s\",\"http\":\"%s\"}\n", sim->gateway_url, sim->http_url);

    if (o->print_ports && fd_write_file(o->print_ports, line, strlen(line), 0644, false))
        die("cannot write %s", o->print_ports);
    fputs(line, stdout);
    fflush(stdout);
    if (o->ready_fd >= 0) {
        if (fd_write_all(o->ready_fd, line, strlen(line)))
            die("%s", "--ready-fd: cannot write there");
        close(o->ready_fd);
    }
    free(line);
}

static void begin_load(struct sim *sim, const char *text)
{
    char *error = NULL;
    struct json *args = json_parse(text, strlen(text), &error);
    struct load_plan plan = {0};

    if (args) {
        plan = load_plan_from(args);
        load_start(sim, &plan, &error);
    }
    if (error)
        die("--load: %s", error);
    json_free(&args);
}

/* --- running ---------------------------------------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
    (void)signo;
    loop_stop(((struct sim *)arg)->loop);
}

static void on_tick(void *arg)
{
    struct sim *sim = arg;

    gateway_check_beats(sim);
    gateway_send_due_guilds(sim);
    sessions_expire(sim);
    loop_timer_set(sim->tick, TICK_MS);
}

static void apply_settings(struct sim *sim, struct options *o)
{
    char *text = xasprintf("{%s}", o->settings ? o->settings : ""), *error = NULL;
    struct json *args = json_parse(text, strlen(text), &error);

    if (!args || options_apply(sim, args, &error))
        die("%s", error);
    json_free(&args);
    free(text);
}

static void tear_down(struct sim *sim)
{
    load_stop(sim);
    httpd_free(&sim->httpd);
    load_free(&sim->load);
    loop_timer_free(&sim->tick);
    rest_free(&sim->rest);
    commands_free(&sim->commands);
    interactions_free(&sim->interactions);
    files_free(&sim->files);
    ws_server_free(&sim->ws);
    sessions_clear(sim);
    received_clear(sim);
    truth_clear(&sim->truth);
    world_clear(&sim->world);
    options_clear(sim);
    free(sim->faults.refuse_rest_path);
    free(sim->faults.refuse_rest_scope);
    free(sim->gateway_url);
    free(sim->http_url);
}

int main(int argc, char **argv)
{
    static struct sim sim;
    char any[] = "127.0.0.1:0";
    struct options o = {
        .gateway = any, .http = any, .ready_fd = -1, .guilds = 1, .members = 50, .seed = 1};

    log_init("presence-sim");
    signal(SIGPIPE, SIG_IGN);
    parse(&o, argc, argv);
    options_defaults(&sim);
    world_init(&sim.world, o.guilds, o.members, o.seed, PERMISSIONS);
    truth_init(&sim.truth);
    apply_settings(&sim, &o);
    open_gateway(&sim, o.gateway, o.gateway_name);
    open_http(&sim, o.http);
    sim.rest = rest_new();
    sim.commands = commands_new();
    sim.interactions = interactions_new();
    sim.files = files_new();
    sim.load = load_new(&sim);
    sim.tick = loop_timer_new(sim.loop, on_tick, &sim);
    loop_timer_set(sim.tick, TICK_MS);
    loop_signal(sim.loop, SIGTERM, on_signal, &sim);
    loop_signal(sim.loop, SIGINT, on_signal, &sim);
    if (o.load)
        begin_load(&sim, o.load);
    announce(&sim, &o);
    loop_run(sim.loop);
    tear_down(&sim);
    free(o.settings);
    return 0;
}
