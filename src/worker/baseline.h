/* The baseline: the members' last messages of the time before the bot came. */
#ifndef WORKER_BASELINE_H
#define WORKER_BASELINE_H

#include "worker/lease.h"

extern const struct lease_kind baseline_kind;

#endif
