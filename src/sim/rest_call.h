/* One REST call on its way through the checks and its route. */
#ifndef SIM_REST_CALL_H
#define SIM_REST_CALL_H

#include "presence/json.h"
#include "sim/sim.h"

#define REST_SEGMENTS_MAX 10

struct rest_header {
    const char *name;
    char value[64];
};

struct rest_call {
    struct sim *sim;
    struct world *w;
    struct httpd_request *req;
    const char *path; /* behind /api/v10 */
    char split[512];
    const char *segments[REST_SEGMENTS_MAX];
    size_t n_segments;
    struct json *body; /* or NULL */
    unsigned status;
    struct buf out;
    struct rest_header headers[10];
    size_t n_headers;
};

struct rest_route {
    const char *method;
    const char *path; /* segments, '*' for a variable one */
    bool needs_token;
    void (*fn)(struct rest_call *c);
};

extern const struct rest_route rest_routes[];

void rest_error(struct rest_call *c, unsigned status, int code, const char *message);
void rest_header(struct rest_call *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Counts the request and writes the limits' headers. False: it was too much, and is answered. */
bool rest_within_limits(struct rest_call *c, const struct rest_route *route);
/* A fault that was asked for replaces the answer; status 0 = the connection ends. */
bool rest_fault(struct rest_call *c, bool after);

#endif
