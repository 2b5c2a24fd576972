/* What a call needs of the guild's settings before it begins: the language. Called by call.c, and
 * by copies.c when settings that were being read are known. Diagnostics: none.
 *
 * A worker has most guilds' settings at hand; the first call of a guild waits a moment until they
 * are read. Without them it goes on all the same. */
#include <stdlib.h>
#include <string.h>

#include "worker/call_priv.h"
#include "worker/cogs.h"
#include "worker/copies.h"

/* Until the interaction is that old; Discord waits for 3,000 ms. */
#define WAIT_UNTIL_MS 1500

/* The setting's; else the guild's, where it has chosen one that Presence speaks (English is what
 * Discord says of guilds that have not chosen); else the caller's. */
static void set_locale(struct task *t, const struct settings *s)
{
    const struct interaction *i = &t->interaction;

    t->call.locale = i->locale;
    for (const char *const *l = cogs_locales; *l; l++)
        if (!strcmp(*l, i->guild_locale))
            t->call.locale = i->guild_locale;
    if (s && settings_is_set(s, SETTING_LANGUAGE)) {
        memcpy(t->locale, settings_get(s, SETTING_LANGUAGE)->text, sizeof(t->locale));
        t->call.locale = t->locale;
    }
}

static void begin(struct task *t)
{
    t->waits = false;
    loop_timer_free(&t->timer);
    set_locale(t, copies_settings(t->w, t->interaction.guild));
    task_run(t);
}

static void waited(void *arg)
{
    begin(arg);
}

void task_begin(struct task *t)
{
    const struct settings *s = copies_settings(t->w, t->interaction.guild);
    int64_t left = WAIT_UNTIL_MS - (t->call.now.ms - snowflake_time(t->interaction.id).ms);

    if (s || left <= 0 || t->interaction.type == INTERACTION_COMPLETE ||
        !copies_being_read(t->w, t->interaction.guild)) {
        set_locale(t, s);
        task_run(t);
        return;
    }
    t->waits = true;
    t->timer = loop_timer_new(t->w->loop, waited, t);
    loop_timer_set(t->timer, left < WAIT_UNTIL_MS ? left : WAIT_UNTIL_MS);
}

void call_settings_known(struct worker *w, snowflake_t guild)
{
    struct task *t = LIST_FIRST(&w->calls->tasks), *next;

    for (; t; t = next) {
        next = LIST_NEXT(t, entry);
        if (t->waits && snowflake_equal(t->interaction.guild, guild))
            begin(t);
    }
}
