/* Messages: new ones, edits, and the memory of mentions (product sheet section 4, events.md §3).
 * Called through the event table.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

#define FLAG_EPHEMERAL 64u

/* Mentioned people are added to a thread within moments; that is not their act. */
#define MENTION_MS 5000

/* What a message by a person of each type is; types not named are nobody's act: 7 is counted by
 * GUILD_MEMBER_ADD, 18 by THREAD_CREATE, 21 is a copy, 24 and 46 come by themselves, and the rest
 * are system notices or not yet known. */
enum activity_kind event_message_kind(uint64_t type)
{
    switch (type) {
    case 0:  /* DEFAULT */
    case 19: /* REPLY */
        return ACTIVITY_MESSAGE;
    case 1: /* RECIPIENT_ADD */
    case 2: /* RECIPIENT_REMOVE */
    case 4: /* CHANNEL_NAME_CHANGE */
    case 6: /* CHANNEL_PINNED_MESSAGE */
    case 8: /* GUILD_BOOST and its tiers */
    case 9:
    case 10:
    case 11:
    case 12: /* CHANNEL_FOLLOW_ADD */
    case 25: /* ROLE_SUBSCRIPTION_PURCHASE */
    case 27: /* STAGE_START, _END, _SPEAKER, _TOPIC */
    case 28:
    case 29:
    case 31:
    case 44: /* PURCHASE_NOTIFICATION */
        return ACTIVITY_MESSAGE_SYSTEM;
    default:
        return ACTIVITY_NONE;
    }
}

static bool is_app_answer(uint64_t type)
{
    return type == 20 || type == 23; /* CHAT_INPUT_COMMAND, CONTEXT_MENU_COMMAND */
}

/* Written before the message is in the ring: whoever takes the lane over knows it as well. */
static void remember_mentions(struct job *job, struct slice mentions, snowflake_t channel)
{
    struct slice element, id;
    const struct scan_field fields[] = {SCAN_FIELD("id", &id)};
    struct shm_lane *lane;
    struct scan scan;

    if (!scan_is_array(mentions) || !scan_array(&scan, mentions))
        return;
    lane = shm_lane(job->ctx->shm, route_lane(job->guild));
    while (scan_element(&scan, &element)) {
        struct shm_mention *m = &lane->mentions[lane->mention_next % SHM_MENTIONS_MAX];
        snowflake_t user;

        if (!scan_is_object(element) || FIELDS(element, fields) || !scan_snowflake(id, &user))
            continue;
        *m = (struct shm_mention){channel.id, user.id, job->arrival.ms};
        lane->mention_next++;
    }
}

bool mention_recent(const struct job *job, snowflake_t thread, snowflake_t user)
{
    const struct shm_lane *lane = shm_lane(job->ctx->shm, route_lane(job->guild));

    for (size_t i = 0; i < SHM_MENTIONS_MAX; i++) {
        const struct shm_mention *m = &lane->mentions[i];

        if (m->thread == thread.id && m->user == user.id &&
            job->arrival.ms - m->at_ms <= MENTION_MS && job->arrival.ms >= m->at_ms)
            return true;
    }
    return false;
}

static const char *message_read(struct slice d, struct message *m)
{
    struct slice id, channel, type, flags;
    const struct scan_field author_fields[] = USER_FIELDS(&m->author_parts);
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("type", &type),
        SCAN_FIELD("flags", &flags),
        SCAN_FIELD_INNER("author", &m->author, author_fields, USER_FIELDS_COUNT),
        SCAN_FIELD("member", &m->member),
        SCAN_FIELD("mentions", &m->mentions),
        SCAN_FIELD("content", &m->content),
        SCAN_FIELD("channel_id", &channel),
        SCAN_FIELD("webhook_id", &m->webhook),
        SCAN_FIELD("channel_type", &m->channel_type),
        SCAN_FIELD("edited_timestamp", &m->edited),
        SCAN_FIELD("interaction_metadata", &m->metadata),
    };
    const char *error = FIELDS(d, fields);

    if (error)
        return error;
    m->type = m->flags = 0;
    if (!scan_is_null(type) && !scan_u64(type, &m->type))
        return "type: expected a number";
    scan_u64(flags, &m->flags);
    m->channel = id_or_none(channel);
    return scan_snowflake(id, &m->id) ? NULL : "id: expected a snowflake";
}

void event_read_message(struct event_ahead *ahead)
{
    ahead->error = message_read(ahead->d, &ahead->message);
    if (!ahead->error)
        ahead->actor = id_or_none(ahead->message.author_parts.id);
}

/* An app's answer is the act of the person who asked it. */
static const char *credit_asker(struct job *job, const struct message *m)
{
    struct slice asker;
    const struct scan_field fields[] = {SCAN_FIELD("user", &asker)};
    struct user user;
    const char *error = FIELDS(m->metadata, fields);

    if (error || scan_is_null(asker))
        return error;
    error = user_read(asker, &user);
    if (error)
        return error;
    return job_act_shown(job, &user, SLICE_NONE, m->channel, ACTIVITY_COMMAND,
                         job_time(job, snowflake_time(m->id)));
}

static bool may_be_thread(struct slice channel_type)
{
    uint64_t type;

    return !scan_u64(channel_type, &type) || (type >= 10 && type <= 12);
}

/* A look at the first bytes: whose command it is, if it is one, is the worker's to find out. What
 * begins with an escape may begin with anything. */
static bool may_be_order(const struct job *job, const struct message *m)
{
    const char *p = m->content.p;

    if (m->content.len < 3)
        return false;
    return !job->guild.id || (job->ctx->prefix && p[1] == job->ctx->prefix) || p[1] == '\\' ||
           (p[1] == '<' && p[2] == '@') ||
           (job->ctx->awaited.id && snowflake_equal(job->ahead->actor, job->ctx->awaited));
}

const char *event_message_create(struct job *job)
{
    const struct message *m = &job->ahead->message;
    struct user author;
    enum activity_kind kind;
    const char *error;
    bool webhook;

    if (m->flags & FLAG_EPHEMERAL)
        return NULL;
    if (may_be_order(job, m))
        job->result->flags |= EVENT_ORDER;
    if (!job->guild.id)
        return NULL; /* a direct message is nobody's activity in a guild */
    if (!scan_is_object(m->author))
        return "author: expected an object";
    error = user_of_parts(&m->author_parts, &author);
    if (error)
        return error;
    webhook = !scan_is_null(m->webhook);
    if (may_be_thread(m->channel_type))
        remember_mentions(job, m->mentions, m->channel);
    if (scan_is_object(m->metadata) && (webhook || author.bot || is_app_answer(m->type)))
        return credit_asker(job, m);
    if (webhook)
        return NULL;
    kind = event_message_kind(m->type);
    if (kind == ACTIVITY_NONE)
        return NULL;
    return job_act_shown(job, &author, m->member, m->channel, kind,
                         job_time(job, snowflake_time(m->id)));
}

/* A person's edit: newer than his last one, and of now. Links being unfurled, pins, polls ending
 * and re-indexing send updates too. */
static bool is_fresh_edit(const struct job *job, snowflake_t user, unixms_t edited)
{
    const struct seen_row *row = job_row(job, user);
    int64_t age_ms = job->arrival.ms - edited.ms;

    if (row && edited.ms <= SEEN_MS(row->last_edit))
        return false;
    return age_ms <= job_slack_ms(job) && age_ms >= -job_slack_ms(job);
}

const char *event_message_update(struct job *job)
{
    const struct message *m = &job->ahead->message;
    struct user author;
    unixms_t edited;
    const char *error;

    if (m->flags & FLAG_EPHEMERAL || !scan_is_null(m->webhook))
        return NULL;
    if (!scan_is_object(m->author) || !scan_time(m->edited, &edited))
        return NULL;
    error = user_of_parts(&m->author_parts, &author);
    if (error || author.bot)
        return error;
    if (!is_fresh_edit(job, author.id, edited))
        return NULL;
    return job_act_shown(job, &author, m->member, m->channel, ACTIVITY_EDIT, edited);
}
