/* REST: acknowledging interactions, their answers and follow-ups. Called through the table.
 * Diagnostics: none; errors are Discord's. */
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/interactions.h"
#include "sim/render.h"
#include "sim/rest_messages.h"

#define EPHEMERAL 64
#define LOADING   128

enum { MESSAGE = 4, DEFER = 5, DEFER_UPDATE = 6, UPDATE = 7, CHOICES = 8, MODAL = 9 };

/* --- answers ---------------------------------------------------------------------------------- */

static struct interaction_answer *add_answer(struct rest_call *c, struct interaction *i, int flags,
                                             const char *content)
{
    struct interaction_answer *a;

    if (i->n_answers == ANSWERS_MAX)
        return NULL;
    a = &i->answers[i->n_answers++];
    *a = (struct interaction_answer){world_next_id(c->w), xstrdup(content), flags};
    return a;
}

static void put_answer(struct rest_call *c, const struct interaction *i,
                       const struct interaction_answer *a)
{
    uint64_t self = c->w->users[SELF_USER].id;
    struct message_view v = {.id = a->id,
                             .type = 20,
                             .guild = i->guild,
                             .channel = i->channel,
                             .user = SELF_USER,
                             .webhook_id = self,
                             .application_id = self,
                             .metadata_user = i->user,
                             .metadata_id = i->id,
                             .target = NONE,
                             .flags = a->flags,
                             .content = a->content,
                             .with_content = true};

    render_message(c->w, &v, &c->out);
}

static int flags_of(const struct json *data)
{
    return (int)json_int(json_get(data, "flags"), 0);
}

/* --- the callback ----------------------------------------------------------------------------- */

/* Whether an interaction of this type can be acknowledged so. */
static bool allowed(int interaction, int callback)
{
    switch (callback) {
    case MESSAGE:
    case DEFER:
        return interaction != 4;
    case DEFER_UPDATE:
    case UPDATE:
        return interaction == 3 || interaction == 5;
    case CHOICES:
        return interaction == 4;
    case MODAL:
        return interaction == 2 || interaction == 3;
    default:
        return false;
    }
}

static bool data_fits(struct rest_call *c, int callback, const struct json *data)
{
    const struct json *title = json_get(data, "title"), *parts = json_get(data, "components");

    if (callback == MESSAGE || callback == UPDATE)
        return rest_message_fits(c, data, callback == MESSAGE);
    if (callback == CHOICES &&
        (!json_is_array(json_get(data, "choices")) || json_size(json_get(data, "choices")) > 25))
        rest_form_error(c, "choices", "BASE_TYPE_BAD_LENGTH",
                        "Must be between 0 and 25 in length.");
    else if (callback == MODAL &&
             (!json_string(title, "")[0] || strlen(json_string(title, "")) > 45 ||
              json_size(parts) < 1 || json_size(parts) > 5))
        rest_form_error(c, "components", "BASE_TYPE_BAD_LENGTH",
                        "Must be between 1 and 5 in length.");
    else
        return true;
    return false;
}

static void put_callback(struct rest_call *c, const struct interaction *i)
{
    bool has_message = i->n_answers > 0;

    buf_printf(&c->out, "{\"interaction\":{\"id\":\"%llu\",\"type\":%d", (unsigned long long)i->id,
               i->type);
    if (has_message) {
        buf_puts(&c->out, ",\"response_message_id\":");
        render_id(&c->out, i->answers[0].id);
        render_flag(&c->out, ",\"response_message_loading\":", i->answers[0].flags & LOADING);
        render_flag(&c->out, ",\"response_message_ephemeral\":", i->answers[0].flags & EPHEMERAL);
    }
    buf_printf(&c->out, "},\"resource\":{\"type\":%d", i->callback);
    if (has_message && i->callback == MESSAGE) {
        buf_puts(&c->out, ",\"message\":");
        put_answer(c, i, &i->answers[0]);
    }
    buf_puts(&c->out, "}}");
}

static void callback(struct rest_call *c)
{
    struct interaction *i =
        interactions_find(c->sim->interactions, rest_id(c->segments[1]), c->segments[2]);
    int type = (int)json_int(json_get(c->body, "type"), 0);
    const struct json *data = json_get(c->body, "data");
    const char *with = httpd_query(c->req, "with_response");

    if (i && i->callback) {
        rest_error(c, 400, 40060, "Interaction has already been acknowledged.");
        return;
    }
    if (!i || clock_unix().ms - id_ms(i->id) >= c->sim->config.interaction_ack_ms) {
        rest_error(c, 404, 10062, "Unknown interaction");
        return;
    }
    if (!allowed(i->type, type)) {
        rest_form_error(c, "type", "BASE_TYPE_CHOICES", "Value is not valid for this interaction.");
        return;
    }
    if (!data_fits(c, type, data))
        return;
    i->callback = type;
    if (type == MESSAGE)
        add_answer(c, i, flags_of(data), json_string(json_get(data, "content"), ""));
    else if (type == DEFER)
        add_answer(c, i, (flags_of(data) & EPHEMERAL) | LOADING, "");
    else if (type == UPDATE || type == DEFER_UPDATE)
        add_answer(c, i, EPHEMERAL, ""); /* @original is the message with the button */
    if (with && !strcmp(with, "true"))
        put_callback(c, i);
    else
        c->status = 204;
}

/* --- by the interaction's token --------------------------------------------------------------- */

/* The interaction in segments 1 and 2, or NULL with the answer given. */
static struct interaction *need_interaction(struct rest_call *c)
{
    struct interaction *i = interactions_find(c->sim->interactions, 0, c->segments[2]);

    if (!i || !i->callback || rest_id(c->segments[1]) != c->w->users[SELF_USER].id) {
        rest_error(c, 404, 10015, "Unknown Webhook");
        return NULL;
    }
    if (clock_unix().ms - id_ms(i->id) >= c->sim->config.interaction_token_ms) {
        rest_error(c, 401, 50027, "Invalid Webhook Token");
        return NULL;
    }
    return i;
}

/* The answer in segment 4, or NULL with the answer given. */
static struct interaction_answer *need_answer(struct rest_call *c, struct interaction **i_r)
{
    const char *name = c->segments[4];
    uint64_t id = rest_id(name);

    *i_r = need_interaction(c);
    if (!*i_r)
        return NULL;
    for (unsigned k = 0; k < (*i_r)->n_answers; k++) {
        struct interaction_answer *a = &(*i_r)->answers[k];

        if (a->id && (a->id == id || (k == 0 && !strcmp(name, "@original"))))
            return a;
    }
    rest_error(c, 404, 10008, "Unknown Message");
    return NULL;
}

static void get_answer(struct rest_call *c)
{
    struct interaction *i;
    struct interaction_answer *a = need_answer(c, &i);

    if (a)
        put_answer(c, i, a);
}

/* What the first edit of a deferred answer turns it into keeps its visibility. */
static void edit_answer(struct rest_call *c)
{
    struct interaction *i;
    struct interaction_answer *a = need_answer(c, &i);
    const char *content = json_string(json_get(c->body, "content"), NULL);

    if (!a || !rest_message_fits(c, c->body, a->flags & LOADING))
        return;
    if (content) {
        free(a->content);
        a->content = xstrdup(content);
    }
    a->flags &= ~LOADING;
    put_answer(c, i, a);
}

static void delete_answer(struct rest_call *c)
{
    struct interaction *i;
    struct interaction_answer *a = need_answer(c, &i);

    if (!a)
        return;
    a->id = 0;
    c->status = 204;
}

static void follow_up(struct rest_call *c)
{
    struct interaction *i = need_interaction(c);
    struct interaction_answer *a;

    if (!i || !rest_message_fits(c, c->body, true))
        return;
    a = add_answer(c, i, flags_of(c->body), json_string(json_get(c->body, "content"), ""));
    if (a)
        put_answer(c, i, a);
    else
        rest_error(c, 400, 40094, "Follow-up limit reached");
}

const struct rest_route rest_interaction_routes[] = {
    {"POST", "interactions/*/*/callback", false, callback},
    {"POST", "webhooks/*/*", false, follow_up},
    {"GET", "webhooks/*/*/messages/*", false, get_answer},
    {"PATCH", "webhooks/*/*/messages/*", false, edit_answer},
    {"DELETE", "webhooks/*/*/messages/*", false, delete_answer},
    {NULL, NULL, false, NULL},
};
