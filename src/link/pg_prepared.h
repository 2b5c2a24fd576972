/* Which statements a connection has prepared. They are known by a number made of their text with a
 * secret key, so that nobody can write a statement that is taken for another one. The one that was
 * not used for the longest time makes room for a new one. Pure; nothing fails. */
#ifndef LINK_PG_PREPARED_H
#define LINK_PG_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PG_PREPARED_MAX 256

struct pg_prepared {
    struct pg_prepared_row {
        uint64_t id;
        uint64_t used; /* when, in uses; 0 = on its way out */
    } rows[PG_PREPARED_MAX];
    size_t n;
    uint64_t uses;
};

/* Two texts of n bytes get the same number with a chance of n / 2^63 over all keys. */
uint64_t pg_prepared_id(uint64_t key, const char *sql);

/* Whether it is there; marks it as used now. */
bool pg_prepared_use(struct pg_prepared *p, uint64_t id);
/* The one to be given up for a new one, marked as on its way out, or 0 if there is room for `more`
 * besides what is there. What was used since `since` (a value of uses) stays: then there may be
 * none, which is told by UINT64_MAX. */
uint64_t pg_prepared_victim(struct pg_prepared *p, size_t more, uint64_t since);
void pg_prepared_add(struct pg_prepared *p, uint64_t id);
void pg_prepared_remove(struct pg_prepared *p, uint64_t id);
/* Those that were to go and are still there stay. */
void pg_prepared_settle(struct pg_prepared *p);

#endif
