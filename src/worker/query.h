/* Questions of the master: MSG_QUERY, {"query":"member"|"guild"|"stats", …}. */
#ifndef WORKER_QUERY_H
#define WORKER_QUERY_H

#include "worker/worker.h"

void query_answer(struct worker *w, uint64_t id, const char *text, size_t len);

#endif
