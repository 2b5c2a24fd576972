/* Migrations: sql/NNN_name.sql, compiled in. */
#ifndef GRAPHQL_MIGRATE_H
#define GRAPHQL_MIGRATE_H

/* The last one this program knows. */
int migrate_latest(void);

/* Applies what is missing, each in a transaction of its own; prints a line for each. owner: NULL,
 * or with what to connect instead; then the user of conninfo is given the rights to serve, and no
 * others. Returns 0, or -1 with *error_r (owned by the caller). */
int migrate_run(const char *conninfo, const char *owner, char **error_r);

/* For connections: judges the answer to migrate_check_sql. */
extern const char migrate_check_sql[];
int migrate_check(void *arg, const char *value, char **why_r);

#endif
