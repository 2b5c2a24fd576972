/* One call of the control API: between control.c and control_conn.c. */
#ifndef SIM_CONTROL_CALL_H
#define SIM_CONTROL_CALL_H

#include "presence/json.h"
#include "sim/sim.h"

struct control_call {
    struct sim *sim;
    struct httpd_request *req;
    const struct json *args; /* NULL for GET */
    unsigned status;
    struct buf out;
    char *error; /* owned */
};

void control_ok(struct control_call *c); /* {"ok":true} */

/* control_conn.c */
void control_drop(struct control_call *c);
void control_close(struct control_call *c);
void control_op(struct control_call *c);
void control_stall(struct control_call *c);
void control_duplicate(struct control_call *c);
void control_fragment(struct control_call *c);
void control_raw(struct control_call *c);
void control_expire(struct control_call *c);
void control_refuse(struct control_call *c);

#endif
