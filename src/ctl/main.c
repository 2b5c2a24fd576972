/* presencectl: asks a running presenced for its state, or tells it to do something; asks
 * presence-graphqld for data.
 * Diagnostics on stderr, one line each; exit status 1 = refused, 2 = wrong usage, 3 = the program
 * asked cannot be reached. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/query.h"
#include "ctl/show.h"
#include "presence/conf.h"
#include "presence/control.h"
#include "presence/fd.h"

enum ctl_exit { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

/* Send Messages in Threads, Create Invite, Kick Members, View Audit Log, View Channels, Send
 * Messages, Embed Links, Attach Files, Read Message History, Manage Roles, Use Application
 * Commands. */
#define INVITE_PERMISSIONS UINT64_C(277293943939)

#define HELP_COLUMN 31 /* of usage texts */

#define TIMEOUT_MS        10000
#define TIMEOUT_RELOAD_MS 60000
#define TIMEOUT_QUERY_MS  30000

#define DOCUMENT_MAX (2u << 20) /* bytes of a GraphQL document */

enum long_only { OPTION_OPERATION = 256, OPTION_VAR };

struct options {
    const char *config;
    const char *socket;
    bool json;
    int rounds;       /* of top; 0 = until interrupted */
    int64_t pause_ms; /* between two pictures of top */
    int64_t timeout_ms;
    const char *operation; /* of query */
    const char **vars;     /* of query: "name=value" */
    size_t n_vars;
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"interval", required_argument, NULL, 'i'},
    {"json", no_argument, NULL, 'j'},
    {"operation", required_argument, NULL, OPTION_OPERATION},
    {"rounds", required_argument, NULL, 'n'},
    {"socket", required_argument, NULL, 's'},
    {"timeout", required_argument, NULL, 't'},
    {"var", required_argument, NULL, OPTION_VAR},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static __attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("presencectl: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static bool offered(const struct control_command *c)
{
#ifdef ENABLE_DEBUG_FAULTS
    (void)c;
    return true;
#else
    return !c->debug_only;
#endif
}

static void print_command(const char *name, const char *args, const char *help)
{
    int width = printf("  %s %s", name, args);

    printf("%s%*s%s\n", width < HELP_COLUMN ? "" : "\n",
           width < HELP_COLUMN ? HELP_COLUMN - width : HELP_COLUMN, "", help);
}

static void usage(void)
{
    puts("usage: presencectl [-hjV] [-c FILE] [-s SOCKET] [-t SECONDS] COMMAND [ARGUMENT ...]\n\n"
         "  -c, --config FILE        presence.conf that names the control socket\n"
         "  -h, --help               this text\n"
         "  -i, --interval SECONDS   pause between two pictures of top (1)\n"
         "  -j, --json               the answer as JSON\n"
         "  -n, --rounds COUNT       pictures of top (until interrupted)\n"
         "      --operation NAME     which operation of the document to run\n"
         "  -s, --socket SOCKET      the control socket\n"
         "  -t, --timeout SECONDS    longest wait for an answer (10; query 30; reload 60)\n"
         "      --var NAME=VALUE     a variable of the document; may be given again\n"
         "  -V, --version            the version\n\ncommands:");
    for (const struct control_command *c = control_commands; c->name; c++) {
        struct buf args;

        if (!offered(c))
            continue;
        buf_init(&args, 0);
        for (const struct control_arg *a = c->args; a->name; a++)
            buf_printf(&args, a->optional ? "%s[%s]" : "%s%s", a == c->args ? "" : " ", a->name);
        print_command(c->name, buf_cstr(&args), c->help);
        buf_clear(&args);
    }
    print_command("invite", "[application]", "the link that adds the bot to a server");
    print_command("query", "file", "run a GraphQL document; - reads standard input");
}

/* --- arguments -> JSON ---------------------------------------------------------------------------
 */

/* Returns NULL, or what is wrong. */
static const char *put_arg(struct buf *out, const struct control_arg *a, const char *value)
{
    snowflake_t id;
    char *end;

    buf_printf(out, "%s\"%s\":", buf_len(out) > 1 ? "," : "", a->name);
    switch (a->type) {
    case CONTROL_ARG_ID:
        if (snowflake_parse(value, strlen(value), &id) || !snowflake_known(id))
            return "expected a Discord id (a decimal number)";
        buf_printf(out, "\"%" PRIu64 "\"", id.id);
        return NULL;
    case CONTROL_ARG_NUMBER:
        errno = 0;
        buf_put_i64(out, strtoll(value, &end, 10));
        return end == value || *end || errno ? "expected a number" : NULL;
    default:
        buf_put_json(out, value, strlen(value));
        return NULL;
    }
}

/* The second argument of `debug` belongs to the field that its fault needs. */
static const struct control_arg *debug_arg(const struct control_command *c, const char *fault)
{
    const char *name = strcmp(fault, "drop") == 0    ? "shard"
                       : strcmp(fault, "clock") == 0 ? "offset_ms"
                                                     : "worker";
    const struct control_arg *a = c->args;

    while (strcmp(a->name, name) != 0)
        a++;
    return a;
}

static int make_args(const struct control_command *c, int argc, char **argv, struct buf *out)
{
    const struct control_arg *a = c->args;

    buf_putc(out, '{');
    for (int i = 0; i < argc; i++) {
        const char *wrong;

        if (a->name == NULL || (c->debug_only && i > 1)) {
            complain("%s: unexpected argument %s", c->name, argv[i]);
            return -1;
        }
        wrong = put_arg(out, a, argv[i]);
        if (wrong) {
            complain("%s: %s = %s: %s", c->name, a->name, argv[i], wrong);
            return -1;
        }
        a = c->debug_only && i == 0 ? debug_arg(c, argv[0]) : a + 1;
    }
    if (a->name && !a->optional) {
        complain("%s: expected an argument: %s", c->name, a->name);
        return -1;
    }
    buf_putc(out, '}');
    return 0;
}

/* --- the socket
 * ----------------------------------------------------------------------------------- */

/* Reads what -c names, or the file of the installation if it is there. Returns 0, or -1 after a
 * complaint. */
static int load_conf(const struct options *o, struct conf *conf)
{
    const char *path = o->config ? o->config : PRESENCE_SYSCONFDIR "/presence/presence.conf";
    struct conf_errors errors = {NULL, 0};

    if (o->config == NULL && access(path, F_OK) != 0) {
        conf_defaults(conf);
        return 0;
    }
    if (conf_load(path, conf, &errors) == 0)
        return 0;
    for (size_t i = 0; i < errors.count; i++)
        complain("%s", errors.lines[i]);
    conf_errors_clear(&errors);
    return -1;
}

/* Where presenced listens: as told, or as the configuration says. NULL after a complaint. */
static char *find_socket(const struct options *o)
{
    struct conf conf;
    char *found;

    if (o->socket)
        return xstrdup(o->socket);
    if (load_conf(o, &conf)) {
        complain("the control socket can be named with -s instead");
        return NULL;
    }
    found = xstrdup(conf.control.socket);
    conf_clear(&conf);
    return found;
}

static int open_client(const struct options *o, struct client *c, int64_t timeout_ms)
{
    char *path = find_socket(o), *error;
    int result;

    if (path == NULL)
        return CTL_USAGE;
    result = client_open(c, path, o->timeout_ms ? o->timeout_ms : timeout_ms, &error);
    if (result) {
        complain("%s", error);
        free(error);
    }
    free(path);
    return result ? CTL_UNREACHABLE : CTL_DONE;
}

static int ask(struct client *c, const char *command, const char *args, struct json **reply_r)
{
    char *error;
    enum client_outcome outcome = client_ask(c, command, args, reply_r, &error);

    if (outcome == CLIENT_OK)
        return CTL_DONE;
    complain("%s: %s", command, error);
    free(error);
    json_free(reply_r);
    return outcome == CLIENT_REFUSED ? CTL_REFUSED : CTL_UNREACHABLE;
}

/* --- commands
 * ------------------------------------------------------------------------------------- */

static int print_out(struct buf *out)
{
    bool failed = fwrite(buf_bytes(out), 1, buf_len(out), stdout) != buf_len(out);

    buf_reset(out);
    return failed || fflush(stdout) ? -1 : 0;
}

static void show(const char *command, const struct json *result, struct buf *out)
{
    static const struct {
        const char *command;
        void (*show)(const struct json *result, struct buf *out);
    } shows[] = {{"status", show_status}, {"workers", show_workers}, {"member", show_member},
                 {"guild", show_guild},   {"reload", show_reload},   {"log", show_log}};

    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (strcmp(shows[i].command, command) == 0) {
            shows[i].show(result, out);
            return;
        }
    }
    if (strcmp(command, "drain") == 0)
        buf_puts(out, "presenced drains and stops\n");
}

static void json_line(const struct json *reply, struct buf *out)
{
    json_print(json_get(reply, "result"), out);
    buf_putc(out, '\n');
}

static int run_top(const struct options *o, struct client *c)
{
    struct json *before = NULL, *reply;
    struct buf out;
    int result = CTL_DONE;

    buf_init(&out, 0);
    for (int round = 0; o->rounds == 0 || round < o->rounds; round++) {
        if (round > 0)
            poll(NULL, 0, (int)o->pause_ms);
        result = ask(c, "top", "{}", &reply);
        if (result)
            break;
        if (o->json) {
            json_line(reply, &out);
        } else {
            buf_puts(&out, isatty(STDOUT_FILENO) ? "\033[H\033[J" : round > 0 ? "\n" : "");
            show_top(json_get(reply, "result"), json_get(before, "result"), &out);
        }
        json_free(&before);
        before = reply;
        if (print_out(&out))
            break;
    }
    json_free(&before);
    buf_clear(&out);
    return result;
}

static int run_command(const struct options *o, const struct control_command *command, int argc,
                       char **argv)
{
    struct client c = {.fd = -1};
    struct json *reply;
    struct buf text;
    int result = CTL_USAGE;

    buf_init(&text, 0);
    if (make_args(command, argc, argv, &text) == 0)
        result = open_client(o, &c,
                             strcmp(command->name, "reload") == 0 ? TIMEOUT_RELOAD_MS : TIMEOUT_MS);
    if (result == CTL_DONE && strcmp(command->name, "top") == 0) {
        result = run_top(o, &c);
    } else if (result == CTL_DONE) {
        result = ask(&c, command->name, buf_cstr(&text), &reply);
        buf_reset(&text);
        if (result == CTL_DONE) {
            if (o->json)
                json_line(reply, &text);
            else
                show(command->name, json_get(reply, "result"), &text);
            json_free(&reply);
            print_out(&text);
        }
    }
    client_close(&c);
    buf_clear(&text);
    return result;
}

/* The application's id from presenced: 0 after a complaint. */
static uint64_t running_application(const struct options *o, int *exit_r)
{
    struct client c = {.fd = -1};
    struct json *reply = NULL;
    uint64_t id = 0;

    *exit_r = open_client(o, &c, TIMEOUT_MS);
    if (*exit_r == CTL_DONE)
        *exit_r = ask(&c, "status", "{}", &reply);
    if (*exit_r == CTL_DONE) {
        id = json_id(json_get(json_get(reply, "result"), "application_id"));
        if (id == 0) {
            complain("presenced does not know the application yet");
            *exit_r = CTL_REFUSED;
        }
        json_free(&reply);
    } else {
        complain("without presenced the id goes behind invite: presencectl invite APPLICATION");
    }
    client_close(&c);
    return id;
}

static int run_invite(const struct options *o, int argc, char **argv)
{
    snowflake_t id = SNOWFLAKE_NONE;
    int result = CTL_DONE;

    if (argc > 1 || (argc == 1 && (snowflake_parse(argv[0], strlen(argv[0]), &id) || id.id == 0))) {
        complain("invite: expected one application id (a decimal number), or none");
        return CTL_USAGE;
    }
    if (argc == 0)
        id.id = running_application(o, &result);
    if (result)
        return result;
    fputs(o->json ? "{\"url\":\"" : "", stdout);
    printf("https://discord.com/oauth2/authorize?client_id=%" PRIu64
           "&scope=bot+applications.commands&permissions=%" PRIu64,
           id.id, INVITE_PERMISSIONS);
    puts(o->json ? "\"}" : "");
    return CTL_DONE;
}

/* The document in a file, or on standard input ("-"). NULL after a complaint. */
static char *read_document(const char *path)
{
    bool standard_input = strcmp(path, "-") == 0;
    size_t len = 0;
    char *text = fd_read_file(standard_input ? "/dev/stdin" : path, DOCUMENT_MAX, &len);

    if (!text)
        complain("query: %s: %s", standard_input ? "standard input" : path, strerror(errno));
    else if (strlen(text) != len)
        complain("query: %s: a NUL byte is no GraphQL", path);
    else
        return text;
    free(text);
    return NULL;
}

static int ask_graphqld(const struct options *o, const struct conf *conf, const char *document)
{
    static const int exits[] = {[QUERY_DONE] = CTL_DONE,
                                [QUERY_REFUSED] = CTL_REFUSED,
                                [QUERY_WRONG] = CTL_USAGE,
                                [QUERY_UNREACHABLE] = CTL_UNREACHABLE};
    struct query q = {.url = conf->graphql.url,
                      .document = document,
                      .operation = o->operation,
                      .vars = o->vars,
                      .n_vars = o->n_vars,
                      .timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_QUERY_MS,
                      .json = o->json};
    enum query_outcome outcome;
    char *error = NULL, *token = fd_read_secret(conf->graphql.token_file, &error);

    if (!token) {
        complain("query: [graphql] token_file: %s", error);
        free(error);
        return CTL_USAGE;
    }
    q.token = token;
    outcome = query_run(&q, &error);
    if (error)
        complain("query: %s", error);
    free(error);
    fd_secret_free(&token);
    return exits[outcome];
}

static int run_query(const struct options *o, int argc, char **argv)
{
    struct conf conf;
    char *document;
    int result;

    if (argc != 1) {
        complain("query: expected the file of a GraphQL document, or - for standard input");
        return CTL_USAGE;
    }
    if (load_conf(o, &conf))
        return CTL_USAGE;
    document = read_document(argv[0]);
    result = document ? ask_graphqld(o, &conf, document) : CTL_USAGE;
    free(document);
    conf_clear(&conf);
    return result;
}

/* --- options
 * -------------------------------------------------------------------------------------- */

static int64_t seconds(const char *value, const char *option)
{
    char *end;
    double s = strtod(value, &end);

    if (end == value || *end || !(s >= 0.001 && s <= 86400)) {
        complain("%s %s: expected seconds from 0.001 to 86400", option, value);
        exit(CTL_USAGE);
    }
    return (int64_t)(s * 1000);
}

static int rounds(const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 1 || n > 1000000) {
        complain("--rounds %s: expected a number from 1 to 1000000", value);
        exit(CTL_USAGE);
    }
    return (int)n;
}

static void parse_options(int argc, char **argv, struct options *o)
{
    int letter;

    *o = (struct options){.pause_ms = 1000};
    while ((letter = getopt_long(argc, argv, "c:hi:jn:s:t:V", long_options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            o->config = optarg;
            break;
        case 'h':
            usage();
            exit(CTL_DONE);
        case 'i':
            o->pause_ms = seconds(optarg, "--interval");
            break;
        case 'j':
            o->json = true;
            break;
        case 'n':
            o->rounds = rounds(optarg);
            break;
        case 's':
            o->socket = optarg;
            break;
        case 't':
            o->timeout_ms = seconds(optarg, "--timeout");
            break;
        case OPTION_OPERATION:
            o->operation = optarg;
            break;
        case OPTION_VAR:
            o->vars = xrealloc(o->vars, (o->n_vars + 1) * sizeof(*o->vars));
            o->vars[o->n_vars++] = optarg;
            break;
        case 'V':
            puts("presencectl " PACKAGE_VERSION);
            exit(CTL_DONE);
        default:
            complain("see presencectl --help");
            exit(CTL_USAGE);
        }
    }
}

static int run(const struct options *o, int argc, char **argv)
{
    const struct control_command *command;
    enum log_level level;

    if (argc == 0) {
        complain("expected a command; see presencectl --help");
        return CTL_USAGE;
    }
    if (strcmp(argv[0], "query") == 0)
        return run_query(o, argc - 1, argv + 1);
    if (o->n_vars || o->operation) {
        complain("--var and --operation belong to query");
        return CTL_USAGE;
    }
    if (strcmp(argv[0], "invite") == 0)
        return run_invite(o, argc - 1, argv + 1);
    command = control_find(argv[0]);
    if (command == NULL || !offered(command)) {
        complain("unknown command %s; see presencectl --help", argv[0]);
        return CTL_USAGE;
    }
    if (strcmp(command->name, "log") == 0 && argc == 2 && log_level_parse(argv[1], &level)) {
        complain("log: level = %s: expected debug, info, warn or error", argv[1]);
        return CTL_USAGE;
    }
    return run_command(o, command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    struct options o;
    int result;

    /* options may stand before or behind the command; an argument such as -5 only behind `--` */
    parse_options(argc, argv, &o);
    result = run(&o, argc - optind, argv + optind);
    free(o.vars);
    return result;
}
