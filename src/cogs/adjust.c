/* Proposed changes of settings, until they are made or dropped. Called by /set, /settings and
 * /setup. Diagnostics: none.
 *
 * Between the question and the press, all that was proposed is kept by the host as one text:
 *   version of the settings, administrator or not, id of the request
 *   the changes as JSON
 *   the changes as they were shown
 * The request's id is that of the command, so that pressing twice changes once. */
#include "cogs/adjust_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cogs/change.h"
#include "cogs/operations.h"
#include "cogs/parts.h"
#include "presence/permissions.h"
#include "presence/text.h"

#define VALUE_SHOWN 100u

/* --- what is shown -----------------------------------------------------------------------------
 */

void adjust_put_value(enum setting which, const struct setting_value *v, struct buf *out)
{
    enum setting_place place = setting_infos[which].place;
    struct buf text;

    if (place != PLACE_NONE && !v->none) {
        buf_printf(out, place == PLACE_ROLE ? "<@&%llu>" : "<#%llu>", (unsigned long long)v->id.id);
        return;
    }
    buf_init(&text, 0);
    setting_print_text(which, v, &text);
    text_put(buf_cstr(&text), VALUE_SHOWN, out);
    buf_clear(&text);
}

/* "`key`: old → **new**", and the date that a length of time means. */
static void put_line(struct call *call, enum setting which, const struct settings *before,
                     const struct settings *after, struct buf *out)
{
    const struct setting_value *v = settings_get(after, which);

    buf_printf(out, "`%s`: ", setting_infos[which].key);
    adjust_put_value(which, settings_get(before, which), out);
    buf_puts(out, " → **");
    adjust_put_value(which, v, out);
    buf_puts(out, "**");
    if (setting_infos[which].type == VALUE_SECONDS && !v->none && v->number >= SAY_HOUR_MS)
        buf_printf(out, _(" (from now: <t:%lld:f>)"),
                   (long long)((call->now.ms + v->number) / 1000));
    buf_putc(out, '\n');
}

/* One of the entries of updateSettings. */
static void put_change(enum setting which, const struct settings *after, struct buf *out)
{
    struct buf json;

    buf_printf(out, "{\"key\":\"%s\",\"value\":", setting_infos[which].key);
    if (!settings_is_set(after, which)) {
        buf_puts(out, "null}");
        return;
    }
    buf_init(&json, 0);
    setting_print_json(which, settings_get(after, which), &json);
    buf_put_json(out, buf_cstr(&json), buf_len(&json));
    buf_putc(out, '}');
    buf_clear(&json);
}

/* --- a proposal --------------------------------------------------------------------------------
 */

/* The state of a call; one piece of memory. */
struct proposal {
    int version;
    bool administrator; /* somebody less may not do it */
    unsigned long long request;
    const char *changes, *lines; /* in text */
    char text[];
};

static struct proposal *proposal_new(int version, bool administrator, unsigned long long request,
                                     const char *changes, const char *lines)
{
    size_t n = strlen(changes) + 1, m = strlen(lines) + 1;
    struct proposal *p = xmalloc(sizeof(*p) + n + m);

    *p = (struct proposal){version, administrator, request, p->text, p->text + n};
    memcpy(p->text, changes, n);
    memcpy(p->text + n, lines, m);
    return p;
}

void proposal_keep(struct call *call, char name[CALL_KEPT_SIZE])
{
    const struct proposal *p = call->state;
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "%d %d %llu\n%s\n%s", p->version, p->administrator, p->request, p->changes,
               p->lines);
    call->host->keep(call, buf_cstr(&text), name);
    buf_clear(&text);
}

const char *proposal_lines(const struct call *call)
{
    return ((const struct proposal *)call->state)->lines;
}

/* NULL: it was forgotten. */
static struct proposal *kept(struct call *call, const char *name)
{
    const char *text = call->host->kept(call, name), *changes, *lines;
    struct proposal *p;
    char *first, *at;
    int version;
    bool administrator;

    changes = text ? strchr(text, '\n') : NULL;
    lines = changes ? strchr(changes + 1, '\n') : NULL;
    if (!lines)
        return NULL;
    version = (int)strtol(text, &at, 10);
    administrator = strtol(at, &at, 10) == 1;
    first = xstrndup(changes + 1, (size_t)(lines - changes - 1));
    p = proposal_new(version, administrator, strtoull(at, NULL, 10), first, lines + 1);
    free(first);
    return p;
}

/* --- making the change -------------------------------------------------------------------------
 */

static void made(struct call *call, const struct json *data)
{
    const struct proposal *p = call->state;
    const struct json *result = json_get(data, "done");
    struct message m;

    if (!strcmp(json_string(json_get(result, "code"), ""), "CONFLICT")) {
        say_plain(call, MESSAGE_BAD,
                  _("Somebody changed the settings meanwhile, so nothing was changed now. Look at "
                    "`/settings history` and run the command again."));
        return;
    }
    result = change_done(call, data);
    if (!result)
        return;
    message_init(&m);
    m.colour = MESSAGE_GOOD;
    buf_puts(&m.title, _("Settings changed"));
    buf_puts(&m.body, p->lines);
    buf_printf(&m.footer, _("Version %lld"), (long long)json_int(json_get(result, "version"), 0));
    call_answer(call, &m);
}

static void make(struct call *call)
{
    const struct proposal *p = call->state;
    struct buf variables;

    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_printf(&variables,
               ",\"version\":%d,\"changes\":%s,\"actorId\":\"%llu\",\"requestId\":\"%llu\"}",
               p->version, p->changes, (unsigned long long)call->interaction->user.id, p->request);
    call_ask(call, OPERATION_SETTINGS_CHANGE, buf_cstr(&variables), made);
    buf_clear(&variables);
}

static bool may(struct call *call, bool administrator)
{
    if (!administrator || call->interaction->permissions & PERMISSION(ADMINISTRATOR))
        return true;
    say_plain(call, MESSAGE_BAD,
              _("This can lead to members being flagged or kicked: it needs the permission "
                "ADMINISTRATOR."));
    return false;
}

void adjust_press(struct call *call, const char *data)
{
    struct proposal *p;

    call->update = true;
    if (!strcmp(data, ADJUST_CANCEL)) {
        say_plain(call, MESSAGE_GREY, _("Nothing was changed."));
        return;
    }
    p = kept(call, data);
    if (!p) {
        say_plain(call, MESSAGE_GREY, _("This is too old. Run the command again."));
        return;
    }
    call->state = p;
    if (may(call, p->administrator))
        make(call);
}

/* --- proposing ---------------------------------------------------------------------------------
 */

static bool go_together(struct call *call, const struct settings *s)
{
    const char *faults[SETTINGS_FAULTS_MAX];
    size_t count = settings_faults(s, faults);
    struct buf text;

    if (count == 0)
        return true;
    buf_init(&text, 0);
    buf_puts(&text, _("Nothing was changed."));
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "\n%s", call_words(call, faults[i]));
    say_plain(call, MESSAGE_BAD, buf_cstr(&text));
    buf_clear(&text);
    return false;
}

/* What differs, or would be stored otherwise: a default that is set stays when defaults change. */
static size_t differs(const struct settings *before, const struct settings *after,
                      enum setting changed[SETTINGS])
{
    size_t count = 0;

    for (int i = 0; i < SETTINGS; i++) {
        enum setting which = (enum setting)i;

        if (settings_is_set(before, which) != settings_is_set(after, which) ||
            !setting_equal(which, settings_get(before, which), settings_get(after, which)))
            changed[count++] = which;
    }
    return count;
}

static struct proposal *propose(struct call *call, const struct settings *before,
                                const struct settings *after, snowflake_t request,
                                const enum setting *changed, size_t count)
{
    struct proposal *p;
    struct buf changes, lines;
    bool administrator = false;

    buf_init(&changes, 0);
    buf_init(&lines, 0);
    for (size_t i = 0; i < count; i++) {
        buf_putc(&changes, i ? ',' : '[');
        put_change(changed[i], after, &changes);
        put_line(call, changed[i], before, after, &lines);
        administrator |= setting_infos[changed[i]].administrator;
    }
    buf_putc(&changes, ']');
    p = proposal_new(before->version, administrator, request.id, buf_cstr(&changes),
                     buf_cstr(&lines));
    buf_clear(&changes);
    buf_clear(&lines);
    return p;
}

void adjust_propose(struct call *call, const struct settings *before, const struct settings *after,
                    snowflake_t request, bool always_ask)
{
    enum setting changed[SETTINGS];
    size_t count = differs(before, after, changed);
    struct proposal *p;

    if (count == 0) {
        say_plain(call, MESSAGE_GREY, _("It is like that already: nothing was changed."));
        return;
    }
    if (!go_together(call, after))
        return;
    p = propose(call, before, after, request, changed, count);
    free(call->state);
    call->state = p;
    if (!may(call, p->administrator))
        return;
    if (always_ask || settings_sooner(before, after))
        proposal_ask(call, before, after);
    else
        make(call);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

/* The first state of the call. */
struct wish {
    adjust_wish *wish;
    bool always_ask;
    char text[];
};

void adjust_refuse_strange(struct call *call)
{
    say_plain(call, MESSAGE_BAD,
              _("The settings of this server hold something that this version of Presence does "
                "not know, so it changes none of them."));
}

static void read_now(struct call *call, const struct json *data)
{
    const struct wish *w = call->state;
    const struct json *guild = json_get(data, "guild");
    struct settings before, after;

    if (!data) {
        say_away(call);
        return;
    }
    if (!cog_read_settings(guild, &before)) {
        settings_free(&before);
        adjust_refuse_strange(call);
        return;
    }
    settings_copy(&after, &before);
    if (w->wish(call, data, w->text, &after))
        adjust_propose(call, &before, &after, call->interaction->id, w->always_ask);
    settings_free(&before);
    settings_free(&after);
}

void adjust_begin(struct call *call, const char *operation, adjust_wish *wish, const char *text,
                  bool always_ask)
{
    size_t len = strlen(text) + 1;
    struct wish *w = xmalloc(sizeof(*w) + len);
    struct buf variables;

    *w = (struct wish){.wish = wish, .always_ask = always_ask};
    memcpy(w->text, text, len);
    free(call->state);
    call->state = w;
    buf_init(&variables, 0);
    say_guild_variable(call, &variables);
    buf_putc(&variables, '}');
    call_ask(call, operation, buf_cstr(&variables), read_now);
    buf_clear(&variables);
}
