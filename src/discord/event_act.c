/* Acts that one payload tells whole: reactions, votes, typing, interactions, invites, scheduled
 * events, AutoMod, the audit log, voice effects (product sheet section 4, events.md §4, §7, §8).
 * Called through the event table.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

void event_read_act(struct event_ahead *ahead)
{
    struct act *act = &ahead->act;
    const struct scan_field fields[] = {
        SCAN_FIELD("user_id", &act->user),
        SCAN_FIELD("channel_id", &act->channel),
        SCAN_FIELD("member", &act->member),
        SCAN_FIELD("timestamp", &act->timestamp),
    };

    ahead->error = FIELDS(ahead->d, fields);
    if (!ahead->error && !scan_snowflake(act->user, &ahead->actor))
        ahead->error = EXPECTED_USER_ID;
}

/* d.user_id did it in d.channel_id, just now. */
static const char *act_of_user_id(struct job *job, enum activity_kind kind, enum person person)
{
    const struct act *act = &job->ahead->act;
    snowflake_t user = job->ahead->actor, channel = id_or_none(act->channel);

    if (person == PERSON_UNKNOWN)
        return job_act_member(job, user, act->member, channel, kind, job->arrival);
    job_act(job, user, person, channel, kind, job->arrival);
    return NULL;
}

const char *event_reaction_add(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_REACTION_ADD, PERSON_UNKNOWN);
}

/* Perhaps a moderator's doing; the error only keeps people. */
const char *event_reaction_remove(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_REACTION_REMOVE, PERSON_UNKNOWN);
}

/* Bots cannot vote. */
const char *event_poll_add(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_POLL_VOTE_ADD, PERSON_HUMAN);
}

const char *event_poll_remove(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_POLL_VOTE_REMOVE, PERSON_HUMAN);
}

const char *event_voice_effect(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_VOICE_EFFECT, PERSON_UNKNOWN);
}

const char *event_automod(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_AUTOMOD, PERSON_UNKNOWN);
}

const char *event_typing(struct job *job)
{
    const struct act *act = &job->ahead->act;
    unixms_t own = UNIXMS_NONE;

    scan_ms(act->timestamp, &own.ms); /* seconds */
    return job_act_member(job, job->ahead->actor, act->member, id_or_none(act->channel),
                          ACTIVITY_TYPING, job_time(job, own));
}

/* Whoever asks about himself is told of the time before he asked. */
static void note_interaction(struct job *job, snowflake_t user)
{
    struct seen_row *row = job_row(job, user);

    job->result->flags |= EVENT_INTERACTION;
    if (!row)
        return;
    job->result->before_seen = atomic_load(&row->seen);
    job->result->before_counted = atomic_load(&row->counted);
}

const char *event_interaction(struct job *job)
{
    struct slice id, channel, channel_object, member;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("channel_id", &channel),
        SCAN_FIELD("channel", &channel_object),
        SCAN_FIELD("member", &member),
    };
    const struct scan_field channel_fields[] = {SCAN_FIELD("id", &channel)};
    const char *error = FIELDS(job->d, fields);
    struct user user;

    if (!error)
        error = member_user(member, &user);
    if (error)
        return error;
    if (!user.id.id)
        return "member.user.id: expected a snowflake";
    if (!id_or_none(channel).id && scan_is_object(channel_object))
        error = FIELDS(channel_object, channel_fields);
    if (error)
        return error;
    note_interaction(job, user.id);
    return job_act_shown(job, &user, member, id_or_none(channel), ACTIVITY_INTERACTION,
                         job_time(job, snowflake_time(id_or_none(id))));
}

/* Somebody shown as a whole user object under `key`, or by an id alone. */
static const char *act_of_user(struct job *job, struct slice user, struct slice id,
                               struct slice channel, enum activity_kind kind)
{
    struct user u;
    const char *error;

    if (scan_is_object(user)) {
        error = user_read(user, &u);
        if (error)
            return error;
        return job_act_shown(job, &u, SLICE_NONE, id_or_none(channel), kind, job->arrival);
    }
    if (id_or_none(id).id)
        job_act(job, id_or_none(id), PERSON_UNKNOWN, id_or_none(channel), kind, job->arrival);
    return NULL;
}

/* Vanity and widget invites have no inviter. */
const char *event_invite_create(struct job *job)
{
    struct slice inviter, channel;
    const struct scan_field fields[] = {
        SCAN_FIELD("inviter", &inviter),
        SCAN_FIELD("channel_id", &channel),
    };
    const char *error = FIELDS(job->d, fields);

    return error ? error : act_of_user(job, inviter, SLICE_NONE, channel, ACTIVITY_INVITE_CREATE);
}

const char *event_scheduled_create(struct job *job)
{
    struct slice creator, creator_id, channel;
    const struct scan_field fields[] = {
        SCAN_FIELD("creator", &creator),
        SCAN_FIELD("creator_id", &creator_id),
        SCAN_FIELD("channel_id", &channel),
    };
    const char *error = FIELDS(job->d, fields);

    return error ? error : act_of_user(job, creator, creator_id, channel, ACTIVITY_EVENT_CREATE);
}

/* The event's channel is not in the payload. */
const char *event_rsvp_add(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_EVENT_RSVP_ADD, PERSON_UNKNOWN);
}

const char *event_rsvp_remove(struct job *job)
{
    return act_of_user_id(job, ACTIVITY_EVENT_RSVP_REMOVE, PERSON_UNKNOWN);
}

/* AutoMod's own entries name the person it acted against. */
static bool is_automod_entry(struct slice action_type)
{
    uint64_t type = 0;

    scan_u64(action_type, &type);
    return type >= 143 && type <= 146;
}

const char *event_audit(struct job *job)
{
    struct slice id, user, type, options, channel = SLICE_NONE;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("user_id", &user),
        SCAN_FIELD("action_type", &type),
        SCAN_FIELD("options", &options),
    };
    const struct scan_field option_fields[] = {SCAN_FIELD("channel_id", &channel)};
    const char *error = FIELDS(job->d, fields);

    if (error || scan_is_null(user) || is_automod_entry(type))
        return error;
    if (!id_or_none(user).id)
        return EXPECTED_USER_ID;
    if (scan_is_object(options))
        error = FIELDS(options, option_fields);
    if (!error)
        job_act(job, id_or_none(user), PERSON_UNKNOWN, id_or_none(channel), ACTIVITY_AUDIT,
                job_time(job, snowflake_time(id_or_none(id))));
    return error;
}
