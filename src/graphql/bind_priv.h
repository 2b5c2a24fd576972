/* The parts of the table of fields, one file per topic. */
#ifndef GRAPHQL_BIND_PRIV_H
#define GRAPHQL_BIND_PRIV_H

#include <stddef.h>

#include "graphql/bind.h"

#define BIND_TABLE(rows)                                                                           \
    {                                                                                              \
        (rows), sizeof(rows) / sizeof((rows)[0])                                                   \
    }

/* Of the types nameConnection and nameEdge. */
#define BIND_PAGES(name)                                                                           \
    {name "Connection", "nodes", BIND_ROWS, NULL, NULL},                                           \
        {name "Connection", "edges", BIND_ROWS, NULL, NULL},                                       \
        {name "Connection", "pageInfo", BIND_SAME, NULL, NULL},                                    \
        {name "Connection", "totalCount", BIND_TOTAL, NULL, NULL},                                 \
        {name "Edge", "cursor", BIND_CURSOR, NULL, NULL},                                          \
    {                                                                                              \
        name "Edge", "node", BIND_SAME, NULL, NULL                                                 \
    }

/* The soft reset of the guild that owns the page: what was recorded before it is as if unknown. */
#define BIND_RESET                                                                                 \
    "coalesce((SELECT g.reset_at FROM presence.guild g WHERE g.guild_id = {owner}), '-infinity')"

extern const struct bind_table bind_activity, bind_channel, bind_event, bind_guild, bind_ingest,
    bind_member, bind_record, bind_rows, bind_service, bind_writes;

extern const struct bind_list list_absences, list_activity, list_channels, list_decisions,
    list_exemptions, list_guilds, list_jobs, list_members, list_purge, list_revisions;

#endif
