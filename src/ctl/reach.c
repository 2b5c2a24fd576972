/* The ways to presenced and to its configuration, and how presencectl complains. Called by the
 * commands (run_*.c).
 * Diagnostics: what cannot be read or reached, and the server's refusals, a line each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/ctl.h"

void ctl_complain(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("presencectl: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

int ctl_load_conf(const struct ctl_options *o, struct conf *conf)
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
        ctl_complain("%s", errors.lines[i]);
    conf_errors_clear(&errors);
    return -1;
}

/* Where presenced listens: as told, or as the configuration says. NULL after a complaint. */
static char *find_socket(const struct ctl_options *o)
{
    struct conf conf;
    char *found;

    if (o->socket)
        return xstrdup(o->socket);
    if (ctl_load_conf(o, &conf)) {
        ctl_complain("the control socket can be named with -s instead");
        return NULL;
    }
    found = xstrdup(conf.control.socket);
    conf_clear(&conf);
    return found;
}

int ctl_open(const struct ctl_options *o, struct client *c, int64_t timeout_ms)
{
    char *path = find_socket(o), *error;
    int result;

    if (path == NULL)
        return CTL_USAGE;
    result = client_open(c, path, o->timeout_ms ? o->timeout_ms : timeout_ms, &error);
    if (result) {
        ctl_complain("%s", error);
        free(error);
    }
    free(path);
    return result ? CTL_UNREACHABLE : CTL_DONE;
}

int ctl_ask(struct client *c, const char *command, const char *args, struct json **reply_r)
{
    char *error;
    enum client_outcome outcome = client_ask(c, command, args, reply_r, &error);

    if (outcome == CLIENT_OK)
        return CTL_DONE;
    ctl_complain("%s: %s", command, error);
    free(error);
    json_free(reply_r);
    return outcome == CLIENT_REFUSED ? CTL_REFUSED : CTL_UNREACHABLE;
}
