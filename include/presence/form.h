/* How parts of a call to Discord's REST API are written: paths, the audit-log reason and bodies
 * with files. Pure. Source: Discord rest.md, "Basics" and "Messages". */
#ifndef PRESENCE_FORM_H
#define PRESENCE_FORM_H

#include <stddef.h>

#include "presence/buf.h"
#include "presence/snowflake.h"

/* Appends the route with each "{}" replaced by the next of ids, and the query (NULL = none) behind
 * it: nothing but digits can get into a path. 0, or -1 with nothing appended: the route has other
 * characters than [a-z@/_-] outside "{}", or more or fewer "{}" than there are known ids in front
 * of the first unknown one, or the query has others than [A-Za-z0-9_.&=,%:-]. */
#define FORM_IDS_MAX 4u
int form_path(const char *route, const snowflake_t ids[FORM_IDS_MAX], const char *query,
              struct buf *out);

#define FORM_REASON_MAX 512u /* characters of X-Audit-Log-Reason before they are encoded */

/* Appends the text percent-encoded as UTF-8, cut after FORM_REASON_MAX characters. Bytes that are
 * no UTF-8 become U+FFFD; controls become spaces. */
void form_reason(const char *text, struct buf *out);

struct form_file {
    const char *name; /* as the reader sees it */
    const char *type; /* "text/csv" */
    const void *bytes;
    size_t len;
};

/* Appends a multipart/form-data body: the part payload_json, then files[0], files[1], … boundary
 * must not occur in any of them (a random one of FORM_BOUNDARY_SIZE does not). */
void form_multipart(const char *boundary, const char *json, size_t json_len,
                    const struct form_file *files, size_t n_files, struct buf *out);

#define FORM_BOUNDARY_SIZE 41u
void form_boundary(char out[FORM_BOUNDARY_SIZE]);

#endif
