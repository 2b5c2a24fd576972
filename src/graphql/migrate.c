/* The schema of the database, forward only. Called by --migrate and for each new connection.
 * Diagnostics: a database that is older or newer than this program is refused, with what to do. */
#include "graphql/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "graphql/embedded.h"
#include "presence/buf.h"
#include "presence/pg.h"

const char migrate_check_sql[] = "SELECT max(version) FROM presence.migration";

static const char prepare_sql[] =
    "BEGIN; SELECT pg_advisory_xact_lock(5065797276734835044);"
    " CREATE SCHEMA IF NOT EXISTS presence;"
    " CREATE TABLE IF NOT EXISTS presence.migration (version integer PRIMARY KEY,"
    " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); COMMIT";

int migrate_latest(void)
{
    int latest = 0;

    for (const struct embedded_migration *m = embedded_migrations; m->version; m++)
        if (m->version > latest)
            latest = m->version;
    return latest;
}

int migrate_check(void *arg, const char *value, char **why_r)
{
    int version = value ? atoi(value) : 0, latest = migrate_latest();

    (void)arg;
    if (version == latest)
        return 0;
    if (version > latest)
        *why_r = xasprintf("schema version %d is newer than this program knows (%d): "
                           "install a newer presence-graphqld",
                           version, latest);
    else
        *why_r = xasprintf("schema version %d is older than %d: run presence-graphqld --migrate",
                           version, latest);
    return -1;
}

static int apply(struct pg_sync *pg, const struct embedded_migration *m, char **error_r)
{
    char *sql, *done, *error = NULL;
    int rc;

    if (pg_sync_exec(pg, "BEGIN; SELECT pg_advisory_xact_lock(5065797276734835044)", error_r))
        return -1;
    sql = xasprintf("SELECT 1 FROM presence.migration WHERE version = %d", m->version);
    done = pg_sync_value(pg, sql, &error);
    free(sql);
    if (done || error) {
        free(done);
        *error_r = error;
        pg_sync_exec(pg, "ROLLBACK", &error);
        return *error_r ? -1 : 0;
    }
    sql = xasprintf("SET LOCAL search_path = presence;\n%s\n;"
                    "INSERT INTO presence.migration (version, name) VALUES (%d, '%s'); COMMIT",
                    m->sql, m->version, m->name);
    rc = pg_sync_exec(pg, sql, &error);
    free(sql);
    if (rc == 0) {
        printf("applied %s\n", m->name);
        return 0;
    }
    *error_r = xasprintf("%s: %s", m->name, error);
    free(error);
    error = NULL;
    pg_sync_exec(pg, "ROLLBACK", &error);
    free(error);
    return -1;
}

/* The user must be there: roles are the administrator's to make. */
static int grant(struct pg_sync *pg, const char *conninfo, char **error_r)
{
    char *user = pg_conninfo_user(conninfo, error_r), *sql, *quoted, *value;

    if (!user)
        return -1;
    quoted = pg_sync_quote(pg, user);
    sql = xasprintf("SELECT presence.grant_service(%s)::text", quoted);
    value = pg_sync_value(pg, sql, error_r);
    if (!*error_r)
        printf("the role %s may serve\n", user);
    free(value);
    free(sql);
    free(quoted);
    free(user);
    return *error_r ? -1 : 0;
}

int migrate_run(const char *conninfo, const char *owner, char **error_r)
{
    struct pg_sync *pg = pg_sync_open(owner ? owner : conninfo, error_r);
    char *value;
    int rc = -1;

    if (!pg)
        return -1;
    if (pg_sync_exec(pg, prepare_sql, error_r))
        goto out;
    value = pg_sync_value(pg, "SELECT coalesce(max(version), 0) FROM presence.migration", error_r);
    if (!value)
        goto out;
    rc = atoi(value) > migrate_latest() ? migrate_check(NULL, value, error_r) : 0;
    free(value);
    for (const struct embedded_migration *m = embedded_migrations; m->version && rc == 0; m++)
        rc = apply(pg, m, error_r);
    if (rc == 0 && owner)
        rc = grant(pg, conninfo, error_r);
    if (rc == 0)
        printf("the database is at version %d\n", migrate_latest());
out:
    pg_sync_close(&pg);
    return rc;
}
