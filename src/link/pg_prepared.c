/* Prepared statements of a connection. Called by pg_job.c. Diagnostics: none. */
#include "link/pg_prepared.h"

#include <string.h>

#define PRIME ((UINT64_C(1) << 61) - 1)

__extension__ typedef unsigned __int128 wide;

static uint64_t times(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

    return sum >= PRIME ? sum - PRIME : sum;
}

/* The text as a polynomial over the field of 2^61 - 1 elements, seven bytes to a coefficient, at
 * the point `key`: two texts agree at no more points than the polynomial has coefficients. */
uint64_t pg_prepared_id(uint64_t key, const char *sql)
{
    uint64_t point = key % (PRIME - 2) + 2, h = 1;
    size_t len = strlen(sql);

    for (size_t at = 0; at < len; at += 7) {
        uint64_t part = 0;

        memcpy(&part, sql + at, len - at < 7 ? len - at : 7);
        h = times(h, point) + part + 1;
        h = h >= PRIME ? h - PRIME : h;
    }
    return h + 1; /* never 0 */
}

bool pg_prepared_use(struct pg_prepared *p, uint64_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].id == id && p->rows[i].used) {
            p->rows[i].used = ++p->uses;
            return true;
        }
    return false;
}

uint64_t pg_prepared_victim(struct pg_prepared *p, size_t more, uint64_t since)
{
    struct pg_prepared_row *oldest = NULL;
    size_t staying = 0;

    for (size_t i = 0; i < p->n; i++) {
        struct pg_prepared_row *row = &p->rows[i];

        staying += row->used != 0;
        if (row->used && row->used <= since && (!oldest || row->used < oldest->used))
            oldest = row;
    }
    if (staying + more <= PG_PREPARED_MAX)
        return 0;
    if (!oldest)
        return UINT64_MAX;
    oldest->used = 0;
    return oldest->id;
}

void pg_prepared_add(struct pg_prepared *p, uint64_t id)
{
    if (p->n < PG_PREPARED_MAX)
        p->rows[p->n++] = (struct pg_prepared_row){.id = id, .used = ++p->uses};
}

void pg_prepared_remove(struct pg_prepared *p, uint64_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].id == id) {
            p->rows[i] = p->rows[--p->n];
            return;
        }
}

void pg_prepared_settle(struct pg_prepared *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].used == 0)
            p->rows[i].used = 1;
}
