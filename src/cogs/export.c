/* Exports. One page is asked for at a time; what is kept is the file so far, which Discord bounds.
 * Called by cogs. Diagnostics: none. */
#include "cogs/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS   1000
#define BESIDE      4096u /* bytes of the answer that are not the file */
#define AT_ONCE_MAX 4u    /* in this process: each may hold as much as a file */

const struct command_choice export_formats[] = {
    {"csv", N_("CSV, for spreadsheets")},
    {"json", N_("JSON")},
    {"txt", N_("plain text")},
    {NULL, NULL},
};

struct progress {
    const struct export *export;
    char *base;
    struct table table;
};

static unsigned under_way;

static void forget(void *state)
{
    struct progress *p = state;

    under_way--;
    free(p->base);
    table_clear(&p->table);
    free(p);
}

/* --- the answer --------------------------------------------------------------------------------
 */

static void attach(struct call *call, struct message *m, struct progress *p)
{
    char at[CLOCK_RFC3339_SIZE], name[64];

    clock_rfc3339(call->now, at);
    snprintf(name, sizeof(name), "%s-%.10s.%s", p->export->name, at,
             table_extension(p->table.format));
    table_end(&p->table);
    message_file(m, name, table_type(p->table.format), &p->table.bytes);
}

static void finish(struct call *call)
{
    struct progress *p = call->state;
    struct message m;

    if (p->table.rows == 0 && !p->table.full) {
        say_plain(call, MESSAGE_GREY, call_words(call, p->export->nothing));
        return;
    }
    message_init(&m);
    m.colour = p->table.full ? MESSAGE_IDLE : MESSAGE_GOOD;
    buf_printf(&m.body, _("Rows in the file: %zu"), p->table.rows);
    if (p->table.full)
        buf_puts(&m.body, _("\nThe list goes on, but Discord takes no larger file. Ask for less of "
                            "it with the options of this command; whoever runs this bot can get "
                            "all of it with `presencectl query`."));
    attach(call, &m, p);
    call_answer(call, &m);
}

/* --- pages -------------------------------------------------------------------------------------
 */

static void answered(struct call *call, const struct json *data);

static void ask(struct call *call, const char *after)
{
    const struct progress *p = call->state;
    struct buf variables;

    buf_init(&variables, 0);
    buf_printf(&variables, "%s,\"first\":%d", p->base, PAGE_ROWS);
    if (after) {
        buf_puts(&variables, ",\"after\":");
        buf_put_json(&variables, after, strlen(after));
    }
    buf_putc(&variables, '}');
    call_ask(call, p->export->operation, buf_cstr(&variables), answered);
    buf_clear(&variables);
}

static void answered(struct call *call, const struct json *data)
{
    struct progress *p = call->state;
    const struct json *connection = json_get(data, p->export->connection);
    const struct json *info = json_get(connection, "pageInfo"),
                      *nodes = json_get(connection, "nodes");

    if (!data) {
        say_away(call);
        return;
    }
    for (const struct json *j = json_first(nodes); j; j = json_next(j))
        table_row(&p->table, j);
    if (!p->table.full && json_bool(json_get(info, "hasNextPage"), false))
        ask(call, json_string(json_get(info, "endCursor"), ""));
    else
        finish(call);
}

void export_begin(struct call *call, const struct export *e, const char *format, const char *base)
{
    size_t max = call->interaction->attachment_max;
    struct progress *p;

    if (under_way == AT_ONCE_MAX) {
        say_plain(
            call, MESSAGE_GREY,
            _("Several lists are being written at the moment. Please try again in a minute."));
        return;
    }
    if (max == 0 || max > MESSAGE_FILE_BYTES)
        max = MESSAGE_FILE_BYTES;
    p = xcalloc(1, sizeof(*p));
    p->export = e;
    p->base = xstrdup(base);
    table_begin(&p->table, table_format_named(format), e->columns, max > BESIDE ? max - BESIDE : 0);
    under_way++;
    call->state = p;
    call->forget = forget;
    ask(call, NULL);
}
