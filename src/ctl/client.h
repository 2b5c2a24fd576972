/* The client's end of the control protocol (presence/control.h). */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "presence/buf.h"
#include "presence/json.h"

struct client {
    int fd;
    int64_t timeout_ms;
    struct buf in;
    struct buf last; /* the last answer's line as it came, without newline */
    long id;
};

/* Returns 0, or -1 with *error_r (owned by the caller) saying what to do about it. */
int client_open(struct client *c, const char *socket_path, int64_t timeout_ms, char **error_r);
void client_close(struct client *c);

enum client_outcome {
    CLIENT_OK,
    CLIENT_REFUSED, /* the server answered with an error */
    CLIENT_LOST     /* no answer, or none that can be understood */
};

/* Sends a command with its args (JSON object text) and waits for the answer. With CLIENT_OK
 * *reply_r is the whole answer (json_free it); otherwise it may be NULL and *error_r is a text. */
enum client_outcome client_ask(struct client *c, const char *command, const char *args,
                               struct json **reply_r, char **error_r);

#endif
