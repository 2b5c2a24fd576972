/* A cog for measurements: /many_roles gives a role to many members at once, as bulk work. */
#include <stdlib.h>
#include <string.h>

#include "presence/cog.h"
#include "presence/permissions.h"

struct state {
    unsigned awaited, done, failed;
};

static void finish(struct call *call, unsigned done, unsigned failed)
{
    struct message m;

    message_init(&m);
    buf_printf(&m.body, "done %u failed %u", done, failed);
    call_answer(call, &m);
}

static void changed(struct call *call, void *arg, const struct call_response *r)
{
    struct state *s = arg;

    if (r->outcome == OUTCOME_OK)
        s->done++;
    else
        s->failed++;
    if (--s->awaited == 0)
        finish(call, s->done, s->failed);
}

static void listed(struct call *call, void *arg, const struct call_response *r)
{
    struct call_request request = {.method = "PUT", .route = "/guilds/{}/members/{}/roles/{}"};
    struct state *s = arg;

    for (const struct json *j = json_first(r->body); j; j = json_next(j)) {
        request.ids[0] = call->interaction->guild;
        request.ids[1].id = json_id(json_get(json_get(j, "user"), "id"));
        request.ids[2] = call_arg(call, "role")->id;
        s->awaited++;
        call_rest(call, CALL_BULK, &request, changed, s);
    }
    if (s->awaited == 0)
        finish(call, 0, 0);
}

static void many_roles(struct call *call)
{
    const struct call_request request = {.method = "GET",
                                         .route = "/guilds/{}/members",
                                         .ids = {call->interaction->guild},
                                         .query = "limit=1000"};
    struct message m;

    call->state = xcalloc(1, sizeof(struct state));
    message_init(&m);
    buf_puts(&m.body, "at work");
    call_progress(call, &m);
    call_rest(call, CALL_FAST, &request, listed, call->state);
}

static const struct command_option options[] = {
    {.name = "role", .description = "Which role", .type = COMMAND_ROLE, .required = true},
    {.name = NULL},
};
static const struct command_action actions[] = {{.options = options, .run = many_roles},
                                                {.run = NULL}};
static const struct command command = {.kind = COMMAND_SLASH,
                                       .name = "many_roles",
                                       .description = "Give a role to a thousand members",
                                       .permissions = PERMISSION(ADMINISTRATOR),
                                       .actions = actions};
static const struct command *const commands[] = {&command};

COG_EXPORT const struct cog presence_cog = {
    .version = COG_VERSION, .name = "roles", .commands = commands, .n_commands = 1};
