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
    struct json *body; /* of multipart: its payload_json; or NULL */
    unsigned n_files;  /* of multipart */
    size_t file_bytes; /* all files together */
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

/* Each ends with a row without a method. */
extern const struct rest_route rest_read_routes[], rest_member_routes[], rest_message_routes[],
    rest_command_routes[], rest_interaction_routes[], rest_file_routes[], rest_history_routes[];

void rest_error(struct rest_call *c, unsigned status, int code, const char *message);
void rest_header(struct rest_call *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the body where there is one. False: it is refused, and answered. */
bool rest_read_body(struct rest_call *c);
/* 400/50035 that names one field. */
void rest_form_error(struct rest_call *c, const char *field, const char *code, const char *message);
/* 403/50013. */
void rest_no_permission(struct rest_call *c);

/* An id written in decimal; 0 for anything else. */
uint64_t rest_id(const char *text);
/* What a segment of the path names, or NONE with the answer given: the guild in segment 1, the
 * member in segment 3, the channel in segment 1 (of a guild). */
uint32_t rest_need_guild(struct rest_call *c);
uint32_t rest_need_member(struct rest_call *c, uint32_t guild);
uint32_t rest_need_channel(struct rest_call *c, uint32_t *guild_r);
void rest_put_message(struct rest_call *c, uint32_t guild, const struct message *m,
                      const char *nonce);
/* Does an act of the bot's; more: further arguments, each with a comma before it. Returns the act's
 * id. */
uint64_t rest_act(struct rest_call *c, const char *kind, uint32_t guild, const char *more);
/* An entry in the audit log, with the call's reason. */
void rest_audit(struct rest_call *c, uint32_t guild, int action_type, uint32_t target_user);

/* Counts the request and writes the limits' headers. False: it was too much, and is answered. */
bool rest_within_limits(struct rest_call *c, const struct rest_route *route);
/* A fault that was asked for replaces the answer; status 0 = the connection ends. */
bool rest_fault(struct rest_call *c, bool after);

#endif
