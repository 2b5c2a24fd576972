/* The service itself and its view of the gateway. Rows of the table of fields (bind.c).
 * Diagnostics: none. */
#include "config.h"

#include "graphql/bind_priv.h"

/* A lease is stored at least every 30 s (ARCHITECTURE.md, Coverage). */
#define LEASE "interval '60 seconds'"

static const struct bind rows[] = {
    {"Query", "service", BIND_ONE, "(VALUES (1)) {t}", NULL},
    {"Service", "version", BIND_TEXT, "'" PACKAGE_VERSION "'", NULL},
    {"Service", "schemaVersion", BIND_PLAIN, "SELECT max(m.version) FROM presence.migration m",
     NULL},
    {"Service", "health", BIND_TEXT,
     "CASE WHEN EXISTS (SELECT FROM presence.gateway_session s WHERE s.ended_at IS NULL"
     " AND s.watched_until > now() - " LEASE ") THEN 'WATCHING' ELSE 'BLIND' END",
     NULL},
    {"Service", "watchedUntil", BIND_TIME,
     "SELECT max(s.watched_until) FROM presence.gateway_session s", NULL},
    {"Service", "now", BIND_TIME, "now()", NULL},
    {"Service", "database", BIND_TEXT, "current_setting('server_version')", NULL},
    {"Service", "sessions", BIND_LIST, "presence.gateway_session {t} WHERE {t}.ended_at IS NULL",
     "{t}.shard, {t}.session"},
    {"GatewaySession", "session", BIND_BIG, "{p}.session", NULL},
    {"GatewaySession", "shard", BIND_PLAIN, "{p}.shard", NULL},
    {"GatewaySession", "shards", BIND_PLAIN, "{p}.shards", NULL},
    {"GatewaySession", "startedAt", BIND_TIME, "{p}.started_at", NULL},
    {"GatewaySession", "resumes", BIND_PLAIN, "{p}.resumes", NULL},
    {"GatewaySession", "resumedAt", BIND_TIME, "{p}.resumed_at", NULL},
    {"GatewaySession", "watchedUntil", BIND_TIME, "{p}.watched_until", NULL},
};

const struct bind_table bind_service = BIND_TABLE(rows);
