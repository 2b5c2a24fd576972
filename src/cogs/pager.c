/* Lists in pages. What a page is made of (variables, heading) is kept by the host under a name that
 * the buttons carry. Called by cogs. Diagnostics: none. */
#include "cogs/pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a call is about: kept text is "heading LF base LF paging". */
struct page {
    const struct pager *pager;
    char heading_and_base[];
};

static const char *base_of(const struct page *page)
{
    return strchr(page->heading_and_base, '\n') + 1;
}

static void put_heading(const struct page *page, struct buf *out)
{
    size_t len = strcspn(page->heading_and_base, "\n");

    buf_append(out, page->heading_and_base, len);
    if (len)
        buf_puts(out, "\n\n");
}

/* --- buttons -----------------------------------------------------------------------------------
 */

static void turn_button(struct call *call, struct message *m, const char *label, const char *size,
                        const char *cursor_name, const struct json *cursor)
{
    const struct page *page = call->state;
    const char *text = json_string(cursor, "");
    char name[CALL_KEPT_SIZE];
    struct buf kept;

    buf_init(&kept, 0);
    buf_printf(&kept, "%s\n,\"%s\":%d,\"%s\":", page->heading_and_base, size, PAGER_ROWS,
               cursor_name);
    buf_put_json(&kept, text, strlen(text));
    call->host->keep(call, buf_cstr(&kept), name);
    call_button(call, m, MESSAGE_SECONDARY, label, page->pager->button, name);
    buf_clear(&kept);
}

static void put_buttons(struct call *call, struct message *m, const struct json *info)
{
    if (json_bool(json_get(info, "hasPreviousPage"), false))
        turn_button(call, m, _("Back"), "last", "before", json_get(info, "startCursor"));
    if (json_bool(json_get(info, "hasNextPage"), false))
        turn_button(call, m, _("More"), "first", "after", json_get(info, "endCursor"));
}

/* --- a page ------------------------------------------------------------------------------------
 */

static void answered(struct call *call, const struct json *data)
{
    const struct page *page = call->state;
    const struct json *connection = json_get(data, page->pager->connection);
    const struct json *nodes = json_get(connection, "nodes");
    struct message m;

    if (!data) {
        say_away(call);
        return;
    }
    message_init(&m);
    buf_puts(&m.title, call_words(call, page->pager->title));
    put_heading(page, &m.body);
    if (json_size(nodes) == 0)
        buf_puts(&m.body, call_words(call, page->pager->nothing));
    for (const struct json *j = json_first(nodes); j; j = json_next(j)) {
        page->pager->row(call, j, &m.body);
        buf_putc(&m.body, '\n');
    }
    buf_printf(&m.footer, _("%lld in all"),
               (long long)json_int(json_get(connection, "totalCount"), 0));
    put_buttons(call, &m, json_get(connection, "pageInfo"));
    call_answer(call, &m);
}

static void ask(struct call *call, const char *paging)
{
    const struct page *page = call->state;
    struct buf variables;

    buf_init(&variables, 0);
    buf_printf(&variables, "%s%s}", base_of(page), paging);
    call_ask(call, page->pager->operation, buf_cstr(&variables), answered);
    buf_clear(&variables);
}

static struct page *page_new(const struct pager *pager, const char *text, size_t len)
{
    struct page *page = xcalloc(1, sizeof(*page) + len + 1);

    page->pager = pager;
    memcpy(page->heading_and_base, text, len);
    return page;
}

void pager_begin(struct call *call, const struct pager *pager, const char *base,
                 const char *heading)
{
    char paging[32];
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "%s\n%s", heading, base);
    call->state = page_new(pager, buf_cstr(&text), buf_len(&text));
    snprintf(paging, sizeof(paging), ",\"first\":%d", PAGER_ROWS);
    ask(call, paging);
    buf_clear(&text);
}

void pager_press(struct call *call, const struct pager *pager, const char *data)
{
    const char *kept = call->host->kept(call, data), *paging = kept ? strrchr(kept, '\n') : NULL;

    if (!paging) {
        say_plain(call, MESSAGE_GREY, _("This list is too old. Run the command again."));
        return;
    }
    call->update = true;
    call->state = page_new(pager, kept, (size_t)(paging - kept));
    ask(call, paging + 1);
}
