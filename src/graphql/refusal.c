/* What the database refuses, as an error of GraphQL. Called by whoever executes.
 * Diagnostics: a statement that PostgreSQL refuses is logged at error level (it is ours) and
 * answered without its text; a rule that a mutation would break, and a value that is none of its
 * type, are the caller's; an absent database is UNAVAILABLE, and one that is short of something
 * warns as well. */
#include <string.h>

#include "graphql/bind.h"
#include "graphql/request.h"
#include "presence/log.h"

static const char *why_timeout(const struct pg_answer *a, const struct collected *f)
{
    if (!pg_sqlstate(a)[0])
        return pg_message(a);
    return f ? "the statement took too long"
             : "the query took too long: ask for fewer days, fields or rows";
}

/* By SQLSTATE, in our words, for PostgreSQL's may name files and settings. */
static const char *why_unavailable(const struct pg_answer *a)
{
    static const struct {
        const char *begin, *why;
    } reasons[] = {{"53100", "the database has no room on its disk"},
                   {"53300", "the database has no connection to spare"},
                   {"53", "the database is short of resources"},
                   {"55P03", "something else holds what this needs: try again"},
                   {"40", "something else changed what this needs: try again"},
                   {"25006", "the database takes no writes at the moment"},
                   {"57P", "the database is being stopped or started"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strncmp(pg_sqlstate(a), reasons[i].begin, strlen(reasons[i].begin)) == 0)
            return reasons[i].why;
    return pg_message(a);
}

static struct gql_error *refused(struct request *r, const struct pg_answer *a,
                                 const struct collected *f, struct gql_loc loc)
{
    const char *state = pg_sqlstate(a);
    bool deed = f && bind_deed(f->field->name);

    if (strcmp(state, "PR002") == 0 || (deed && strncmp(state, "22", 2) == 0))
        return gql_error_add(&r->errors, "BAD_USER_INPUT", loc, "%s", pg_message(a));
    if (deed && strncmp(state, "23", 2) == 0)
        return gql_error_add(&r->errors, "CONSTRAINT", loc, "the rule %s forbids it",
                             pg_constraint(a));
    log_error("pg_refused", "PostgreSQL refused a statement of %s: %s %s",
              f ? f->field->name : "a query", state, pg_message(a));
    r->status = r->partial ? 0 : 500;
    return gql_error_add(&r->errors, "INTERNAL", loc, "the database refused it (%s)", state);
}

void request_add_refusal(struct request *r, const struct pg_answer *a, const struct collected *f)
{
    struct gql_loc loc = f ? f->first->loc : (struct gql_loc){0, 0};
    struct gql_error *e;

    switch (pg_outcome(a)) {
    case PG_UNAVAILABLE:
        r->status = r->partial ? 0 : 503;
        e = gql_error_add(&r->errors, "UNAVAILABLE", loc, "%s", why_unavailable(a));
        if (strncmp(pg_sqlstate(a), "53", 2) == 0)
            log_warn("pg_short", "PostgreSQL: %s", pg_message(a));
        break;
    case PG_TIMEOUT:
        r->status = r->partial ? 0 : 503;
        e = gql_error_add(&r->errors, "TIMEOUT", loc, "%s", why_timeout(a, f));
        break;
    default:
        e = refused(r, a, f, loc);
    }
    if (f)
        e->path = arena_printf(r->arena, "[\"%s\"]", f->key);
}
