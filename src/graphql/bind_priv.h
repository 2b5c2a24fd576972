/* The parts of the table of fields, one file per topic. */
#ifndef GRAPHQL_BIND_PRIV_H
#define GRAPHQL_BIND_PRIV_H

#include <stddef.h>

#include "graphql/bind.h"

#define BIND_TABLE(rows)                                                                           \
    {                                                                                              \
        (rows), sizeof(rows) / sizeof((rows)[0])                                                   \
    }

extern const struct bind_table bind_channel, bind_event, bind_guild, bind_ingest, bind_member,
    bind_rows, bind_writes;

extern const struct bind_list list_guilds, list_members;

#endif
