/* presencectl: asks a running presenced for its state, or tells it to do something; asks
 * presence-graphqld for data. This file: options and which command it is.
 * Diagnostics on stderr, one line each; exit status 1 = refused, 2 = wrong usage, 3 = the program
 * asked cannot be reached. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "presence/log.h"

#define HELP_COLUMN 31 /* of usage texts */

enum long_only { OPTION_OPERATION = 256, OPTION_VAR };

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

        buf_init(&args, 0);
        for (const struct control_arg *a = c->args; a->name; a++)
            buf_printf(&args, a->optional ? "%s[%s]" : "%s%s", a == c->args ? "" : " ", a->name);
        print_command(c->name, buf_cstr(&args), c->help);
        buf_clear(&args);
    }
    print_command("invite", "[application]", "the link that adds the bot to a server");
    print_command("query", "file", "run a GraphQL document; - reads standard input");
}

static int64_t seconds(const char *value, const char *option)
{
    char *end;
    double s = strtod(value, &end);

    if (end == value || *end || !(s >= 0.001 && s <= 86400)) {
        ctl_complain("%s %s: expected seconds from 0.001 to 86400", option, value);
        exit(CTL_USAGE);
    }
    return (int64_t)(s * 1000);
}

static int rounds(const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 1 || n > 1000000) {
        ctl_complain("--rounds %s: expected a number from 1 to 1000000", value);
        exit(CTL_USAGE);
    }
    return (int)n;
}

static void parse_options(int argc, char **argv, struct ctl_options *o)
{
    int letter;

    *o = (struct ctl_options){.pause_ms = 1000};
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
            ctl_complain("see presencectl --help");
            exit(CTL_USAGE);
        }
    }
}

static int run(const struct ctl_options *o, int argc, char **argv)
{
    const struct control_command *command;
    enum log_level level;

    if (argc == 0) {
        ctl_complain("expected a command; see presencectl --help");
        return CTL_USAGE;
    }
    if (strcmp(argv[0], "query") == 0)
        return run_query(o, argc - 1, argv + 1);
    if (o->n_vars || o->operation) {
        ctl_complain("--var and --operation belong to query");
        return CTL_USAGE;
    }
    if (strcmp(argv[0], "invite") == 0)
        return run_invite(o, argc - 1, argv + 1);
    command = control_find(argv[0]);
    if (command == NULL) {
        ctl_complain("unknown command %s; see presencectl --help", argv[0]);
        return CTL_USAGE;
    }
    if (strcmp(command->name, "log") == 0 && argc == 2 && log_level_parse(argv[1], &level)) {
        ctl_complain("log: level = %s: expected debug, info, warn or error", argv[1]);
        return CTL_USAGE;
    }
    return run_command(o, command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    struct ctl_options o;
    int result;

    /* options may stand before or behind the command; an argument such as -5 only behind `--` */
    parse_options(argc, argv, &o);
    result = run(&o, argc - optind, argv + optind);
    free(o.vars);
    return result;
}
