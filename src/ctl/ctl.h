/* What presencectl's files share. Each run_... is one command; it complains on stderr. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/client.h"
#include "presence/conf.h"
#include "presence/control.h"

enum ctl_exit {
    CTL_DONE = 0,
    CTL_REFUSED = 1,
    CTL_USAGE = 2,
    CTL_UNREACHABLE = 3 /* the program asked cannot be reached */
};

struct ctl_options {
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

/* reach.c */
/* One line on stderr. */
void ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What -c names, or the file of the installation if it is there, else the defaults. 0, or -1 after
 * a complaint. */
int ctl_load_conf(const struct ctl_options *o, struct conf *conf);
/* Connects to presenced. CTL_DONE, or after a complaint what to exit with. */
int ctl_open(const struct ctl_options *o, struct client *c, int64_t timeout_ms);
/* With CTL_DONE *reply_r is the answer (json_free it); otherwise it is NULL, after a complaint. */
int ctl_ask(struct client *c, const char *command, const char *args, struct json **reply_r);

/* Return what to exit with. */
int run_command(const struct ctl_options *o, const struct control_command *command, int argc,
                char **argv);
int run_invite(const struct ctl_options *o, int argc, char **argv);
int run_query(const struct ctl_options *o, int argc, char **argv);

#define CTL_TIMEOUT_MS 10000 /* of an answer of presenced */

#endif
