/* Discord's REST API, as far as it is needed: /api/v10/... */
#ifndef SIM_REST_H
#define SIM_REST_H

#include "sim/sim.h"

struct rest *rest_new(void);
void rest_free(struct rest **r);
void rest_handle(struct sim *sim, struct httpd_request *req);

#endif
