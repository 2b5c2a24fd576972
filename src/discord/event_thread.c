/* Threads: their making, who goes in and out, and their state (events.md §6). Called through the
 * event table.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

/* A thread's id is made with it, unless it was started from a message: then the two share one id,
 * and only create_timestamp tells. */
#define SAME_MOMENT_MS 2000

static unixms_t creation_time(const struct job *job, snowflake_t id, struct slice metadata)
{
    struct slice timestamp;
    const struct scan_field fields[] = {SCAN_FIELD("create_timestamp", &timestamp)};
    unixms_t own = snowflake_time(id), created;
    int64_t away_ms;

    if (scan_is_object(metadata) && !FIELDS(metadata, fields) && scan_time(timestamp, &created)) {
        away_ms = created.ms - own.ms;
        return job_time(job,
                        away_ms <= SAME_MOMENT_MS && away_ms >= -SAME_MOMENT_MS ? own : created);
    }
    away_ms = job->arrival.ms - own.ms;
    return away_ms <= job_slack_ms(job) && away_ms >= -job_slack_ms(job) ? own : job->arrival;
}

/* Also sent when the bot is added to an old thread; only a new one is somebody's act. */
const char *event_thread_create(struct job *job)
{
    struct slice id, owner, created, metadata;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("owner_id", &owner),
        SCAN_FIELD("newly_created", &created),
        SCAN_FIELD("thread_metadata", &metadata),
    };
    const char *error = FIELDS(job->d, fields);
    bool newly = false;

    if (!error)
        error = channel_read(job, job->d);
    if (error)
        return error;
    scan_bool(created, &newly);
    if (newly && id_or_none(owner).id)
        job_act(job, id_or_none(owner), PERSON_UNKNOWN, id_or_none(id), ACTIVITY_THREAD_CREATE,
                creation_time(job, id_or_none(id), metadata));
    return NULL;
}

const char *event_thread_update(struct job *job)
{
    return channel_read(job, job->d);
}

const char *event_thread_delete(struct job *job)
{
    return event_channel_delete(job);
}

const char *event_thread_list(struct job *job)
{
    struct slice threads;
    const struct scan_field fields[] = {SCAN_FIELD("threads", &threads)};
    const char *error = FIELDS(job->d, fields);

    job->result->flags |= EVENT_IDEMPOTENT;
    return error ? error : channels_read(job, threads);
}

static const char *added(struct job *job, struct slice object, snowflake_t thread)
{
    struct slice user, member;
    const struct scan_field fields[] = {
        SCAN_FIELD("user_id", &user),
        SCAN_FIELD("member", &member),
    };
    const char *error = FIELDS(object, fields);

    if (error)
        return error;
    if (!id_or_none(user).id)
        return "added_members user_id: expected a snowflake";
    if (mention_recent(job, thread, id_or_none(user)))
        return NULL;
    return job_act_member(job, id_or_none(user), member, thread, ACTIVITY_THREAD_JOIN,
                          job->arrival);
}

static const char *all_added(struct job *job, struct slice array, snowflake_t thread)
{
    struct slice element;
    struct scan scan;
    const char *error = NULL;

    if (scan_is_null(array))
        return NULL;
    if (!scan_array(&scan, array))
        return "added_members: expected an array";
    while (!error && scan_element(&scan, &element))
        error = added(job, element, thread);
    return error ? error : scan.error;
}

static const char *all_removed(struct job *job, struct slice array, snowflake_t thread)
{
    struct slice element;
    struct scan scan;
    snowflake_t user;

    if (scan_is_null(array))
        return NULL;
    if (!scan_array(&scan, array))
        return "removed_member_ids: expected an array";
    while (scan_element(&scan, &element)) {
        if (!scan_snowflake(element, &user))
            return "removed_member_ids: expected snowflakes";
        job_act(job, user, PERSON_UNKNOWN, thread, ACTIVITY_THREAD_LEAVE, job->arrival);
    }
    return scan.error;
}

const char *event_thread_members(struct job *job)
{
    struct slice id, in, out;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("added_members", &in),
        SCAN_FIELD("removed_member_ids", &out),
    };
    const char *error = FIELDS(job->d, fields);

    if (!error)
        error = all_added(job, in, id_or_none(id));
    return error ? error : all_removed(job, out, id_or_none(id));
}
