/* The lane function is all in the header; this file holds what must be true of it at build time.
 * Diagnostics: none. */
#include "presence/route.h"

_Static_assert((LANES & (LANES - 1)) == 0,
               "lanes are a power of two: route_mix % LANES is uniform");
