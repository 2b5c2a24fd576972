/* Codes: a destructive command is carried out when the developer who gave it repeats, in the same
 * channel and within a minute, what it was answered with. One at a time: the next one takes the
 * place of the one before. Called by order.c and order_host.c.
 * Diagnostics: none. */
#include <string.h>

#include "presence/crypto.h"
#include "worker/cogs.h"
#include "worker/order_priv.h"

#define _(text)  cogs_words(locale, (text))
#define N_(text) text

static void forget(struct worker *w)
{
    explicit_bzero(&w->orders->code, sizeof(w->orders->code));
    event_ctx_await(w->events, SNOWFLAKE_NONE);
}

void order_code_ask(struct deed *d, const char *text)
{
    struct order_code *code = &d->w->orders->code;
    const char *locale = d->order.locale;
    unsigned char random[PREFIX_CODE_LEN];
    struct buf out;

    crypto_random(random, sizeof(random));
    *code = (struct order_code){.args = d->args,
                                .author = d->order.author,
                                .channel = d->order.channel,
                                .guild = d->order.guild,
                                .until = {snowflake_time(d->order.id).ms + ORDER_CODE_MS}};
    prefix_code(random, code->text);
    event_ctx_await(d->w->events, d->order.author);
    buf_init(&out, 0);
    buf_printf(&out, "%s\n", text);
    buf_printf(&out, _("To do it, repeat `%s` here within %d seconds."), code->text,
               ORDER_CODE_MS / 1000);
    deed_end(d, "asked for its code", buf_cstr(&out));
    buf_clear(&out);
}

static bool is_waited_for(const struct order_code *code, const struct order_head *head)
{
    return snowflake_known(code->author) && snowflake_equal(code->author, head->author) &&
           snowflake_equal(code->channel, head->channel);
}

static void end_with(struct worker *w, const struct order_head *head, const char *outcome,
                     const char *text)
{
    struct deed *d = deed_new(w, head, &w->orders->code.args);

    forget(w);
    deed_end(d, outcome, cogs_words(d->order.locale, text));
}

bool order_code_take(struct worker *w, const struct order_head *head, const char *text)
{
    struct order_code code = w->orders->code;
    struct order_head with_guild = *head;
    char given[PREFIX_CODE_LEN + 1];
    struct deed *d;

    if (!is_waited_for(&code, head) || !prefix_read_code(text, given))
        return false;
    with_guild.guild = code.guild;
    if (snowflake_time(head->id).ms > code.until.ms) {
        end_with(w, &with_guild, "refused, too late",
                 N_("The code has expired. Nothing was done."));
    } else if (!crypto_equal(given, code.text, PREFIX_CODE_LEN)) {
        end_with(w, &with_guild, "refused, another code",
                 N_("That is not the code. Nothing was done; give the command again."));
    } else {
        d = deed_new(w, &with_guild, &code.args);
        forget(w);
        d->confirmed = true;
        deed_debug_die(d, "confirmed");
        deed_run(d, code.args.command->confirmed);
        deed_debug_die(d, "asked");
    }
    return true;
}
