/* The event table: which handler takes which dispatch (product sheet section 4). Called by the
 * worker for every event; an event that is not listed is nobody's act and changes nothing.
 *
 * Channels of sightings: what the event names; for threads the thread, for audit entries
 * options.channel_id; a voice leave, joins, member updates and RSVPs name none.
 * Diagnostics: none; what is wrong with an event is returned as static text, and then nothing of it
 * may be recorded. */
#include "presence/event.h"

#include <stdlib.h>
#include <string.h>

#include "discord/event_priv.h"
#include "presence/buf.h"

static const struct event_row {
    const char *name;
    size_t len;
    event_handler *handler;
    event_reader *reader; /* NULL: the handler reads for itself */
    bool without_guild;   /* taken although it belongs to no guild */
} rows[] = {
#define ROW(name, handler)                                                                         \
    {                                                                                              \
        name, sizeof(name) - 1, handler, NULL, false                                               \
    }
#define ROW_ANY(name, handler)                                                                     \
    {                                                                                              \
        name, sizeof(name) - 1, handler, NULL, true                                                \
    }
#define ROW_READ(name, handler, reader)                                                            \
    {                                                                                              \
        name, sizeof(name) - 1, handler, reader, false                                             \
    }
    /* the frequent ones first */
    {"MESSAGE_CREATE", sizeof("MESSAGE_CREATE") - 1, event_message_create, event_read_message,
     true},
    ROW_READ("TYPING_START", event_typing, event_read_act),
    ROW_READ("MESSAGE_REACTION_ADD", event_reaction_add, event_read_act),
    ROW("VOICE_STATE_UPDATE", event_voice_state),
    ROW_READ("MESSAGE_UPDATE", event_message_update, event_read_message),
    ROW("GUILD_MEMBERS_CHUNK", event_members_chunk),
    ROW("GUILD_MEMBER_UPDATE", event_member_update),
    ROW_READ("MESSAGE_REACTION_REMOVE", event_reaction_remove, event_read_act),
    ROW("INTERACTION_CREATE", event_interaction),
    ROW_READ("MESSAGE_POLL_VOTE_ADD", event_poll_add, event_read_act),
    ROW_READ("MESSAGE_POLL_VOTE_REMOVE", event_poll_remove, event_read_act),
    ROW("THREAD_CREATE", event_thread_create),
    ROW("THREAD_UPDATE", event_thread_update),
    ROW("THREAD_DELETE", event_thread_delete),
    ROW("THREAD_LIST_SYNC", event_thread_list),
    ROW("THREAD_MEMBERS_UPDATE", event_thread_members),
    ROW("GUILD_MEMBER_ADD", event_member_add),
    ROW("GUILD_MEMBER_REMOVE", event_member_remove),
    ROW("GUILD_AUDIT_LOG_ENTRY_CREATE", event_audit),
    ROW("GUILD_SCHEDULED_EVENT_CREATE", event_scheduled_create),
    ROW_READ("GUILD_SCHEDULED_EVENT_USER_ADD", event_rsvp_add, event_read_act),
    ROW_READ("GUILD_SCHEDULED_EVENT_USER_REMOVE", event_rsvp_remove, event_read_act),
    ROW("INVITE_CREATE", event_invite_create),
    ROW_READ("AUTO_MODERATION_ACTION_EXECUTION", event_automod, event_read_act),
    ROW_READ("VOICE_CHANNEL_EFFECT_SEND", event_voice_effect, event_read_act),
    ROW("CHANNEL_CREATE", event_channel),
    ROW("CHANNEL_UPDATE", event_channel),
    ROW("CHANNEL_DELETE", event_channel_delete),
    ROW("GUILD_ROLE_CREATE", event_role),
    ROW("GUILD_ROLE_UPDATE", event_role),
    ROW("GUILD_ROLE_DELETE", event_role_delete),
    ROW("GUILD_CREATE", event_guild_create),
    ROW("GUILD_UPDATE", event_guild_update),
    ROW("GUILD_DELETE", event_guild_delete),
    ROW_ANY("READY", event_ready),
    ROW_ANY("RATE_LIMITED", event_rate_limited),
#undef ROW
#undef ROW_ANY
#undef ROW_READ
};

struct event_ctx *event_ctx_new(const struct shm *shm)
{
    struct event_ctx *ctx = xcalloc(1, sizeof(*ctx));

    ctx->shm = shm;
    return ctx;
}

void event_ctx_free(struct event_ctx **ctx)
{
    if (!*ctx)
        return;
    free((*ctx)->in_voice);
    free(*ctx);
    *ctx = NULL;
}

void event_ctx_set_self(struct event_ctx *ctx, snowflake_t self)
{
    ctx->self = self;
}

void event_ctx_set_prefix(struct event_ctx *ctx, const char *prefix)
{
    ctx->prefix = prefix[0];
}

void event_ctx_await(struct event_ctx *ctx, snowflake_t user)
{
    ctx->awaited = user;
}

static const struct event_row *find_row(struct slice name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].len == name.len && memcmp(rows[i].name, name.p, name.len) == 0)
            return &rows[i];
    return NULL;
}

/* The worker got the offsets from the master; they are checked like any other input. */
static bool slice_at(const char *frame, size_t frame_len, uint32_t off, uint32_t len,
                     struct slice *slice_r)
{
    if (off > frame_len || len > frame_len - off)
        return false;
    *slice_r = (struct slice){frame + off, len};
    return true;
}

struct event_ahead *event_ahead_new(void)
{
    return xcalloc(1, sizeof(struct event_ahead));
}

void event_ahead_free(struct event_ahead **ahead)
{
    free(*ahead);
    *ahead = NULL;
}

const struct msg_event *event_head(const struct event_ahead *ahead)
{
    return ahead->event;
}

snowflake_t event_actor(const struct event_ahead *ahead)
{
    return ahead->actor;
}

void event_read(struct event_ahead *ahead, const struct msg_event *event, const char *frame,
                size_t frame_len)
{
    struct slice name;

    ahead->event = event;
    ahead->row = NULL;
    ahead->actor = SNOWFLAKE_NONE;
    ahead->error = NULL;
    if (!slice_at(frame, frame_len, event->t_off, event->t_len, &name) ||
        !slice_at(frame, frame_len, event->d_off, event->d_len, &ahead->d)) {
        ahead->error = "event: expected its parts within the frame";
        return;
    }
    ahead->row = find_row(name);
    if (ahead->row && !event->guild && !ahead->row->without_guild)
        ahead->row = NULL;
    if (ahead->row && ahead->row->reader)
        ahead->row->reader(ahead);
}

/* What the event does, records into job->list. Returns what is wrong, or NULL. */
static const char *handle(struct job *job)
{
    const struct event_ahead *ahead = job->ahead;
    const char *error = ahead->error;

    if (!error && ahead->row)
        error = ahead->row->handler(job);
    if (!error)
        return NULL;
    record_list_reset(job->list);
    job->result->flags = 0;
    job->result->kind = ACTIVITY_NONE;
    return error;
}

int event_interpret_read(struct event_ctx *ctx, const struct event_ahead *ahead,
                         struct record_list *list, struct event_result *result_r,
                         const char **error_r)
{
    struct job job = {.ctx = ctx,
                      .ahead = ahead,
                      .event = ahead->event,
                      .d = ahead->d,
                      .list = list,
                      .result = result_r,
                      .guild = {ahead->event->guild},
                      .arrival = {ahead->event->arrival_ms}};

    ctx->found_user = SNOWFLAKE_NONE;
    ctx->found = NULL;
    record_list_reset(list);
    memset(result_r, 0, sizeof(*result_r));
    result_r->guild = job.guild;
    *error_r = handle(&job);
    if (*error_r)
        return -1;
    if (list->count > 0) {
        struct record_header *last = (void *)(list->slots + (size_t)list->last * RECORD_SLOT_SIZE);

        last->flags |= RECORD_EVENT_END;
    }
    return 0;
}

int event_interpret(struct event_ctx *ctx, const struct msg_event *event, const char *frame,
                    size_t frame_len, struct record_list *list, struct event_result *result_r,
                    const char **error_r)
{
    struct event_ahead ahead;

    event_read(&ahead, event, frame, frame_len);
    return event_interpret_read(ctx, &ahead, list, result_r, error_r);
}
