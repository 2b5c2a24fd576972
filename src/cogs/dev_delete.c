/* ?delete: deletes what is recorded of a guild, a channel, a member or a user everywhere, and puts
 * back what the catalogue knew unless that is not wanted. What would go is shown first; it goes
 * when the code is repeated. Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "cogs/dev.h"
#include "cogs/operations.h"
#include "presence/text.h"

enum { TYPE, TARGET, NO_READD };

#define ERROR_MAX 300u

static const char *const types[] = {"guild", "channel", "member", "user", NULL};
static const char *const names[] = {"GUILD", "CHANNEL", "MEMBER", "USER"};

static unsigned type_of(const struct order *order)
{
    unsigned i = 0;

    while (types[i] != order->args->values[TYPE].word)
        i++;
    return i;
}

static void ask(struct order *order, bool trial, order_answered *cb)
{
    const char *name = names[type_of(order)];
    struct buf v;

    buf_init(&v, 0);
    buf_printf(&v, "{\"type\":\"%s\",\"id\":\"%llu\",\"readd\":%s,\"dryRun\":%s", name,
               (unsigned long long)order->args->values[TARGET].id.id,
               order->args->values[NO_READD].given ? "false" : "true", trial ? "true" : "false");
    if (*name == 'C' || *name == 'M')
        buf_printf(&v, ",\"guildId\":\"%llu\"", (unsigned long long)order->guild.id);
    if (!trial)
        buf_printf(&v, ",\"actorId\":\"%llu\",\"requestId\":\"%llu\"",
                   (unsigned long long)order->author.id, (unsigned long long)order->id.id);
    buf_putc(&v, '}');
    order_ask(order, OPERATION_DEV_DELETE, buf_cstr(&v), cb);
    buf_clear(&v);
}

/* NULL, with the order ended, if it was not carried out. */
static const struct json *result_of(struct order *order, const struct json *data)
{
    const struct json *done = json_get(data, "done");
    struct buf text;

    if (!json_is_object(done)) {
        order_end(order, "failed",
                  _("The database does not answer, or this instance's token may not erase "
                    "(scope `erase`). If it was done, doing it again changes nothing twice."));
        return NULL;
    }
    if (!strcmp(json_string(json_get(done, "code"), ""), "OK"))
        return done;
    buf_init(&text, 0);
    buf_puts(&text, _("Nothing was deleted."));
    for (const struct json *j = json_first(json_get(done, "errors")); j; j = json_next(j)) {
        buf_putc(&text, '\n');
        text_put_foreign(json_string(j, ""), ERROR_MAX, &text);
    }
    order_end(order, "refused", buf_cstr(&text));
    buf_clear(&text);
    return NULL;
}

static void put_cascade(struct order *order, const struct json *done, struct buf *text)
{
    for (const struct json *j = json_first(json_get(done, "cascade")); j; j = json_next(j)) {
        long long rows = atoll(json_string(json_get(j, "rows"), "0"));

        if (rows == 0)
            continue;
        buf_printf(text, "\n`%s` %lld", json_string(json_get(j, "relation"), ""), rows);
        if (json_bool(json_get(j, "again"), false))
            buf_printf(text, " (%s)", _("put back as catalogued"));
    }
}

/* --- the trial ---------------------------------------------------------------------------------
 */

static void tried(struct order *order, const struct json *data)
{
    const struct json *done = result_of(order, data);
    struct buf text;

    if (!done)
        return;
    buf_init(&text, 0);
    buf_puts(&text, _("This would be deleted:"));
    put_cascade(order, done, &text);
    order_confirm(order, buf_cstr(&text));
    buf_clear(&text);
}

static void try_delete(struct order *order)
{
    ask(order, true, tried);
}

/* --- doing it ----------------------------------------------------------------------------------
 */

static void forget(struct order *order)
{
    snowflake_t target = order->args->values[TARGET].id;

    switch (*names[type_of(order)]) {
    case 'G':
        order_forget(order, target, SNOWFLAKE_NONE);
        break;
    case 'M':
        order_forget(order, order->guild, target);
        break;
    case 'U':
        order_forget(order, SNOWFLAKE_NONE, target);
        break;
    default: /* no cache knows channels */
        break;
    }
}

static void deleted(struct order *order, const struct json *data)
{
    const struct json *done = result_of(order, data);
    struct buf text;

    if (!done)
        return;
    forget(order);
    buf_init(&text, 0);
    buf_puts(&text, _("Deleted:"));
    put_cascade(order, done, &text);
    order_end(order, "done", buf_cstr(&text));
    buf_clear(&text);
}

static void delete_now(struct order *order)
{
    forget(order);
    ask(order, false, deleted);
}

static const struct prefix_argument arguments[] = {{"type", PREFIX_WORD, true, types},
                                                   {"target_id", PREFIX_ID, true, NULL},
                                                   {"--no-readd", PREFIX_FLAG, false, NULL},
                                                   {NULL, PREFIX_ID, false, NULL}};

const struct prefix_command dev_delete = {
    .name = "delete",
    .help = N_("Deletes what is recorded; with --no-readd for good."),
    .guild = true,
    .arguments = arguments,
    .run = try_delete,
    .confirmed = delete_now};
