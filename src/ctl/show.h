/* Results of control commands as text for people. A missing field shows as "-". */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "presence/buf.h"
#include "presence/json.h"

void show_status(const struct json *result, struct buf *out);
void show_workers(const struct json *result, struct buf *out);
void show_member(const struct json *result, struct buf *out);
void show_guild(const struct json *result, struct buf *out);
void show_reload(const struct json *result, struct buf *out);
void show_cogs(const struct json *result, struct buf *out);
void show_log(const struct json *result, struct buf *out);
/* before: the result one interval earlier, NULL for the first picture. */
void show_top(const struct json *result, const struct json *before, struct buf *out);

#endif
