/* ?reload: modules that were installed anew are tried and taken into service. The workers are
 * replaced afterwards, this one too. Diagnostics: none. */
#include "cogs/dev.h"
#include "presence/text.h"

#define REASON_SHOWN 300u

static void put_one(struct order *order, const struct json *one, struct buf *out)
{
    bool ok = json_bool(json_get(one, "ok"), false);

    buf_puts(out, "\n`");
    text_put(json_string(json_get(one, "name"), "?"), 32, out);
    buf_puts(out, "`: ");
    if (ok) {
        buf_puts(out, json_bool(json_get(one, "removed"), false)   ? _("is not installed any more")
                      : json_bool(json_get(one, "changed"), false) ? _("ok, new")
                                                                   : _("ok, unchanged"));
        return;
    }
    buf_puts(out, _("failed: "));
    text_put_foreign(json_string(json_get(one, "reason"), "?"), REASON_SHOWN, out);
    if (json_bool(json_get(one, "kept"), false))
        buf_puts(out, _("; the old one stays"));
}

static void reported(struct order *order, const struct json *report)
{
    bool failed = false;
    struct buf text;

    if (!json_is_array(report)) {
        order_end(order, "refused",
                  _("Not now: another reload is under way, or the service is stopping."));
        return;
    }
    buf_init(&text, 0);
    buf_puts(&text, _("The modules:"));
    for (const struct json *one = json_first(report); one; one = json_next(one)) {
        put_one(order, one, &text);
        failed |= !json_bool(json_get(one, "ok"), false);
    }
    order_end(order, failed ? "failed" : "done", buf_cstr(&text));
    buf_clear(&text);
}

static void reload(struct order *order)
{
    const struct prefix_value *which = &order->args->values[0];

    order_reload(order, which->given ? which->word : "all", reported);
}

static const char *const names[] = {"all", "admin", "dev", "setup", "user", NULL};
static const struct prefix_argument arguments[] = {
    {.name = "cog", .type = PREFIX_WORD, .words = names}, {.name = NULL}};

const struct prefix_command dev_reload = {
    .name = "reload",
    .help = N_("Takes modules that were installed anew into service."),
    .arguments = arguments,
    .run = reload};
