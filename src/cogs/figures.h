/* Figures of answers: numbers and shares as fields, and what several questions have in common. */
#ifndef COGS_FIGURES_H
#define COGS_FIGURES_H

#include "cogs/say.h"

void figures_number(struct message *m, const char *name, int64_t n);
/* "12 (30 %)" */
void figures_share(struct message *m, const char *name, int64_t n, int64_t of);
/* totalCount of the connection under that key. */
int64_t figures_total(const struct json *data, const char *key);
/* ,"today":"…","week":"…","month":"…": 24 hours, 7 and 30 days ago. */
void figures_times(const struct call *call, struct buf *variables);
/* For how many percent of the last 30 days, or of the time since it joined, Presence was watching:
 * a guild with botJoinedAt and coverage(from: 30 days ago). -1: nothing is known. */
int figures_covered(const struct call *call, const struct json *guild);

#endif
