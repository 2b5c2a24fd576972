/* Developers' commands: which messages are some, who may give them, and where they run. Called by
 * react for messages that begin like one, whose sightings are in the ring.
 *
 * At most once: a message that was delivered before, or replayed after a RESUME, is a sighting
 * only, whatever became of it then. Only fresh. A command about a guild runs where the guild's lane
 * is owned; one that came in a direct message is passed on there. Diagnostics: one line per command
 * (order), when it ends. */
#include "worker/order.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "presence/log.h"
#include "presence/scan.h"
#include "worker/cogs.h"
#include "worker/copies.h"
#include "worker/order_priv.h"

#define DEEDS_MAX     64u
#define DEED_MAX_MS   300000 /* what it waits for went with its lane */
#define FUTURE_MAX_MS 300000 /* a clock that much behind Discord's is wrong, not slow */

#define _(text) cogs_words(locale, (text))

/* --- a command under way ---------------------------------------------------------------------- */

static void take_locale(struct deed *d)
{
    const struct settings *s =
        snowflake_known(d->order.guild) ? copies_settings(d->w, d->order.guild) : NULL;
    const struct setting_value *v = s ? settings_get(s, SETTING_LANGUAGE) : NULL;

    if (v && strlen(v->text) < sizeof(d->locale))
        strcpy(d->locale, v->text);
    d->order.locale = d->locale;
}

static void gave_up(void *arg)
{
    struct deed *d = arg;
    const char *locale = d->order.locale;

    deed_forget(d);
    if (!d->ended)
        deed_end(d, "failed, no end", _("This took too long: what came of it is not known."));
}

struct deed *deed_new(struct worker *w, const struct order_head *head,
                      const struct prefix_args *args)
{
    struct deed *d = xcalloc(1, sizeof(*d));

    d->w = w;
    if (args)
        d->args = *args;
    d->order = (struct order){.host = &order_host_functions,
                              .args = &d->args,
                              .id = head->id,
                              .author = head->author,
                              .channel = head->channel,
                              .guild = head->guild,
                              .self = w->self,
                              .now = clock_unix()};
    take_locale(d);
    d->timer = loop_timer_new(w->loop, gave_up, d);
    loop_timer_set(d->timer, DEED_MAX_MS);
    LIST_INSERT_HEAD(&w->orders->deeds, d, entry);
    return d;
}

static void deed_free(struct deed *d)
{
    deed_forget(d);
    LIST_REMOVE(d, entry);
    loop_timer_free(&d->timer);
    free(d->order.state);
    free(d);
}

void deed_check(struct deed *d)
{
    if (d->ended && d->under_way == 0)
        deed_free(d);
}

void deed_debug_die(const struct deed *d, const char *point)
{
#ifdef ENABLE_DEBUG_FAULTS
    const char *wanted = getenv("PRESENCE_DEBUG_DIE");

    if (wanted && d->confirmed && !strcmp(wanted, point))
        abort();
#else
    (void)d;
    (void)point;
#endif
}

void deed_run(struct deed *d, prefix_run *run)
{
    run(&d->order);
}

static bool full(struct worker *w)
{
    struct deed *d;
    unsigned n = 0;

    LIST_FOREACH(d, &w->orders->deeds, entry)
    n++;
    if (n >= DEEDS_MAX)
        log_warn("order_dropped", "%u developers' commands are under way already", n);
    return n >= DEEDS_MAX;
}

/* --- what is said ------------------------------------------------------------------------------
 */

/* Once per user, then silence: whoever goes on costs nothing. */
static void refuse(struct worker *w, const struct order_head *head)
{
    uint64_t hash = route_mix(head->author.id) % ORDER_REFUSED_BITS, bit = UINT64_C(1) << hash % 64;
    struct deed *d;
    const char *locale;

    if (w->orders->refused[hash / 64] & bit || full(w))
        return;
    w->orders->refused[hash / 64] |= bit;
    d = deed_new(w, head, NULL);
    locale = d->order.locale;
    deed_end(d, "refused, not a developer",
             _("Sorry, these commands are for the developers who run this bot."));
}

static void refuse_arguments(struct deed *d, const struct prefix_command *command,
                             const char *error)
{
    const char *locale = d->order.locale;
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "%s\n%s: `%s", error, _("Usage"), d->w->conf.discord.prefix);
    prefix_usage(command, &text);
    buf_puts(&text, "`");
    deed_end(d, "refused, not understood", buf_cstr(&text));
    buf_clear(&text);
}

/* Whoever calls the bot by its name and asks for something it has not is told what there is. */
static void tell_commands(struct worker *w, const struct order_head *head)
{
    const struct prefix_command *const *list = cogs_prefix_commands();
    struct deed *d = deed_new(w, head, NULL);
    const char *locale = d->order.locale;
    struct buf text;

    buf_init(&text, 0);
    for (; *list; list++) {
        buf_printf(&text, "`%s", w->conf.discord.prefix);
        prefix_usage(*list, &text);
        buf_printf(&text, "` %s\n", _((*list)->help));
    }
    deed_end(d, "refused, unknown", buf_cstr(&text));
    buf_clear(&text);
}

/* --- running -----------------------------------------------------------------------------------
 */

static bool is_developer(const struct worker *w, snowflake_t user)
{
    for (size_t i = 0; i < w->conf.discord.developers.count; i++)
        if (snowflake_equal(w->conf.discord.developers.ids[i], user))
            return true;
    return false;
}

static bool fresh(snowflake_t message)
{
    int64_t age = clock_unix().ms - snowflake_time(message).ms;

    return age <= PREFIX_FRESH_MS && age > -FUTURE_MAX_MS;
}

static void pass(struct worker *w, const struct order_head *head, unsigned lane, bool all,
                 const char *text)
{
    struct msg_order m = {
        .id = head->id.id, .author = head->author.id, .channel = head->channel.id, .all = all};

    ipc_send(w->ipc, MSG_ORDER_PASS, (uint16_t)lane, &m, sizeof(m), text, strlen(text));
}

/* text: a command that there is, by somebody who may. */
static void run(struct worker *w, struct order_head head, const struct prefix_command *command,
                const char *text)
{
    bool direct = !snowflake_known(head.guild);
    struct prefix_args args;
    struct buf error;
    struct deed *d;
    int bad;

    if (full(w))
        return;
    buf_init(&error, 0);
    bad = prefix_parse(command, text, direct, &args, &error);
    if (!bad && direct)
        head.guild = args.guild;
    if (!bad && command->guild && !w->lanes[route_lane(head.guild)]) {
        pass(w, &head, route_lane(head.guild), false, text);
    } else {
        d = deed_new(w, &head, &args);
        if (bad)
            refuse_arguments(d, command, buf_cstr(&error));
        else
            deed_run(d, command->run);
    }
    buf_clear(&error);
}

void order_passed(struct worker *w, const struct msg_order *m, const char *text, size_t len)
{
    struct order_head head = {.id = {m->id}, .author = {m->author}, .channel = {m->channel}};
    const struct prefix_command *command;
    char *copy;

    if (w->draining || !is_developer(w, head.author) || !fresh(head.id))
        return;
    copy = xstrndup(text ? text : "", len);
    command = prefix_find(cogs_prefix_commands(), copy);
    if (m->all)
        order_code_take(w, &head, copy);
    else if (command)
        run(w, head, command, copy);
    free(copy);
}

/* --- from a message ----------------------------------------------------------------------------
 */

/* What was written, and by whom; false: not by a person, or too long for a command. */
static bool read_message(const struct msg_event *event, const char *frame, struct order_head *head,
                         char text[PREFIX_TEXT_MAX + 1])
{
    struct slice id, channel, webhook, content, author_id, bot, author;
    const struct scan_field author_fields[] = {SCAN_FIELD("id", &author_id),
                                               SCAN_FIELD("bot", &bot)};
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("channel_id", &channel),
        SCAN_FIELD("webhook_id", &webhook),
        SCAN_FIELD("content", &content),
        SCAN_FIELD_INNER("author", &author, author_fields, 2),
    };
    bool is_bot = false;
    size_t len;

    if (scan_fields((struct slice){frame + event->d_off, event->d_len}, fields, 5) ||
        !scan_snowflake(id, &head->id) || !scan_snowflake(channel, &head->channel) ||
        !scan_snowflake(author_id, &head->author) || !scan_is_null(webhook))
        return false;
    scan_bool(bot, &is_bot);
    head->guild.id = event->guild;
    len = scan_string(content, text, PREFIX_TEXT_MAX + 1);
    if (is_bot || len > PREFIX_TEXT_MAX)
        return false;
    text[len] = '\0';
    return true;
}

/* A code that belongs to a command in a guild, or one that another worker may wait for. */
static bool take_code(struct worker *w, const struct order_head *head, const char *text)
{
    char code[PREFIX_CODE_LEN + 1];

    if (!prefix_read_code(text, code))
        return false;
    if (snowflake_known(head->guild))
        return order_code_take(w, head, text);
    pass(w, head, 0, true, text);
    return true;
}

static void take_text(struct worker *w, const struct order_head *head, const char *text)
{
    const char *rest = prefix_strip(text, w->conf.discord.prefix, w->self);
    const struct prefix_command *command = rest ? prefix_find(cogs_prefix_commands(), rest) : NULL;

    if (!is_developer(w, head->author)) {
        if (command && w->conf.discord.developers.count > 0)
            refuse(w, head);
    } else if (!command && take_code(w, head, rest ? rest : text)) {
        return;
    } else if (command) {
        run(w, *head, command, rest);
    } else if (rest && *text == '<' && !full(w)) {
        tell_commands(w, head);
    }
}

void order_begin(struct lane *lane, const struct msg_event *event, const char *frame)
{
    struct worker *w = lane->w;
    struct order_head head;
    char text[PREFIX_TEXT_MAX + 1];

    if (event->flags & (MSG_EVENT_REDELIVERED | MSG_EVENT_REPLAYED) || w->draining ||
        w->conf.discord.developers.count == 0)
        return;
    if (read_message(event, frame, &head, text) && fresh(head.id))
        take_text(w, &head, text);
}

/* --- life --------------------------------------------------------------------------------------
 */

bool order_pending(const struct worker *w)
{
    return !LIST_EMPTY(&w->orders->deeds);
}

void order_init(struct worker *w)
{
    w->orders = xcalloc(1, sizeof(*w->orders));
    w->orders->w = w;
    LIST_INIT(&w->orders->deeds);
}

void order_free(struct worker *w)
{
    while (!LIST_EMPTY(&w->orders->deeds))
        deed_free(LIST_FIRST(&w->orders->deeds));
    free(w->orders);
    w->orders = NULL;
}
