/* What the two files of the last-seen table share. */
#ifndef CORE_SEEN_INTERNAL_H
#define CORE_SEEN_INTERNAL_H

#include "presence/seen.h"

/* Notes that a live row was written now, by a record that is not yet durable. */
void seen_stamp(struct seen_row *row);

#endif
