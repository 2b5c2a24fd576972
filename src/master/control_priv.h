/* Between the files of the control socket. */
#ifndef PRESENCE_MASTER_CONTROL_PRIV_H
#define PRESENCE_MASTER_CONTROL_PRIV_H

#include "master.h"
#include "presence/control.h"
#include "presence/json.h"

enum pending { PENDING_NONE, PENDING_STATS, PENDING_QUERY, PENDING_RELOAD, PENDING_COGS };

struct client {
    struct client *next;
    struct control *c;
    int fd;
    struct loop_fd *watch;
    struct buf in, out;
    bool closing; /* once what is in out has gone */
    enum pending pending;
    int64_t id; /* of the request under way */
    uint64_t query_id;
    uint64_t waiting; /* PENDING_STATS: slots */
    unsigned slot;    /* PENDING_QUERY */
    unsigned lane;
    bool top, only_workers;
    monoms_t deadline;
};

struct control {
    struct master *m;
    int fd;
    struct loop_fd *watch;
    struct client *clients;
    unsigned count;
    char *stats[LANES]; /* last answer of each slot */
};

/* control.c: the answer to the request under way. */
void client_answer(struct client *cl, const struct buf *result);
void client_answer_text(struct client *cl, const char *json);
/* extra: further fields of the error, beginning with a comma; NULL = none. */
void client_refuse(struct client *cl, enum control_error code, const char *message,
                   const char *extra);
/* An answer came from outside of the client's own events: goes on with his next request. The client
 * may be gone afterwards. */
void client_go_on(struct client *cl);

/* control_ask.c */
void control_ask_stats(struct client *cl);
void control_ask(struct client *cl, const char *query, const struct json *args);

/* control_act.c */
void control_reload(struct client *cl);
void control_reload_cogs(struct client *cl, const struct json *args);
void control_set_log_level(struct client *cl, const struct json *args);
void control_debug(struct client *cl, const struct json *args); /* debug builds */

#endif
