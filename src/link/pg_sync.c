/* A blocking connection to PostgreSQL, for the command line. Called by presence-graphqld.
 * Diagnostics: errors are texts for the caller. */
#include <stdlib.h>
#include <string.h>

#include "link/pg_priv.h"
#include "presence/buf.h"
#include "presence/log.h"

struct pg_sync {
    PGconn *pq;
};

struct pg_sync *pg_sync_open(const char *conninfo, char **error_r)
{
    struct pg_sync *s = xcalloc(1, sizeof(*s));

    s->pq = PQconnectdb(conninfo);
    if (PQstatus(s->pq) == CONNECTION_OK) {
        PQsetNoticeProcessor(s->pq, pg_no_notice, NULL);
        return s;
    }
    *error_r = xasprintf("%.*s", (int)strcspn(PQerrorMessage(s->pq), "\n"), PQerrorMessage(s->pq));
    pg_sync_close(&s);
    return NULL;
}

void pg_sync_close(struct pg_sync **s)
{
    if (!*s)
        return;
    PQfinish((*s)->pq);
    free(*s);
    *s = NULL;
}

static PGresult *sync_query(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = PQexec(s->pq, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return result;
    *error_r = xstrdup(PQerrorMessage(s->pq));
    (*error_r)[strcspn(*error_r, "\n")] = '\0';
    PQclear(result);
    return NULL;
}

int pg_sync_exec(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = sync_query(s, sql, error_r);

    PQclear(result);
    return result ? 0 : -1;
}

char *pg_sync_value(struct pg_sync *s, const char *sql, char **error_r)
{
    PGresult *result = sync_query(s, sql, error_r);
    char *value = NULL;

    if (result && PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        value = xstrdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

char *pg_sync_quote(struct pg_sync *s, const char *text)
{
    char *quoted = PQescapeLiteral(s->pq, text, strlen(text)), *copy;

    if (!quoted)
        fatal("pg", "cannot quote a name: %s", PQerrorMessage(s->pq));
    copy = xstrdup(quoted);
    PQfreemem(quoted);
    return copy;
}

char *pg_conninfo_user(const char *conninfo, char **error_r)
{
    char *wrong = NULL, *user = NULL;
    PQconninfoOption *list = PQconninfoParse(conninfo, &wrong);

    for (const PQconninfoOption *o = list; o && o->keyword; o++)
        if (strcmp(o->keyword, "user") == 0 && o->val)
            user = xstrdup(o->val);
    if (!user)
        *error_r =
            xasprintf("[graphqld] conninfo: %.*s",
                      wrong ? (int)strcspn(wrong, "\n") : (int)sizeof("it names no user") - 1,
                      wrong ? wrong : "it names no user");
    PQfreemem(wrong);
    PQconninfoFree(list);
    return user;
}
