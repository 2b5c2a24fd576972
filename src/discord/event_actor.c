/* Who did it and when: user and member objects, the rules for bots and unknown people, sightings
 * and roster records. Called by the handlers of the event table.
 *
 * Somebody is a person if a full user object says so (the key bot absent or false) or the table
 * knows; somebody of whom neither tells is recorded with RECORD_BOT_UNKNOWN and looked up by the
 * worker. Webhooks never come here.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

#include <string.h>

#define FRESH_MS     (5 * 60 * 1000)
#define FUTURE_MS    (24 * 3600 * 1000)
#define PAST_MS      (7 * (int64_t)FUTURE_MS)
#define ROLES_MAX    512
#define NAME_MAX_LEN 255

const char *user_of_parts(const struct user_parts *parts, struct user *user_r)
{
    *user_r = (struct user){.username = parts->username, .global_name = parts->global_name};
    scan_bool(parts->bot, &user_r->bot);
    scan_bool(parts->system, &user_r->system);
    if (user_r->system)
        user_r->bot = true;
    return scan_snowflake(parts->id, &user_r->id) ? NULL : "user.id: expected a snowflake";
}

const char *user_read(struct slice value, struct user *user_r)
{
    struct user_parts parts;
    const struct scan_field fields[] = USER_FIELDS(&parts);
    const char *error = FIELDS(value, fields);

    return error ? error : user_of_parts(&parts, user_r);
}

static unixms_t time_or_none(struct slice value)
{
    unixms_t t = UNIXMS_NONE;

    scan_time(value, &t);
    return t;
}

const char *member_read_in(struct scan *scan, struct member *m)
{
    struct slice user, joined, premium, timeout, flags, pending;
    struct user_parts parts;
    const struct scan_field user_fields[] = USER_FIELDS(&parts);
    const struct scan_field fields[] = {
        SCAN_FIELD_INNER("user", &user, user_fields, USER_FIELDS_COUNT),
        SCAN_FIELD("nick", &m->nick),
        SCAN_FIELD("roles", &m->roles),
        SCAN_FIELD("avatar", &m->avatar),
        SCAN_FIELD("banner", &m->banner),
        SCAN_FIELD("joined_at", &joined),
        SCAN_FIELD("premium_since", &premium),
        SCAN_FIELD("communication_disabled_until", &timeout),
        SCAN_FIELD("flags", &flags),
        SCAN_FIELD("pending", &pending),
    };
    const char *error = scan_fields_in(scan, fields, sizeof(fields) / sizeof(fields[0]));
    uint64_t bits = 0;

    if (error)
        return error;
    m->joined_at = time_or_none(joined);
    m->premium_since = time_or_none(premium);
    m->timeout_until = time_or_none(timeout);
    m->has_flags = scan_u64(flags, &bits);
    m->flags = (uint32_t)bits;
    m->pending = false;
    m->has_pending = scan_bool(pending, &m->pending);
    m->user.id = SNOWFLAKE_NONE;
    return scan_is_object(user) ? user_of_parts(&parts, &m->user) : NULL;
}

const char *member_read(struct slice value, struct member *m)
{
    struct scan scan = {.p = value.p, .end = value.p ? value.p + value.len : NULL};

    if (!scan_is_null(value))
        return member_read_in(&scan, m);
    memset(m, 0, sizeof(*m));
    return NULL;
}

struct seen_row *job_row(const struct job *job, snowflake_t user)
{
    struct event_ctx *ctx = job->ctx;

    if (!snowflake_equal(ctx->found_user, user)) {
        ctx->found = seen_find(ctx->shm, job->guild, user);
        ctx->found_user = user;
    }
    return ctx->found;
}

void *job_add(struct job *job, uint16_t type, size_t tail_len)
{
    return record_list_add(job->list, type, job->event->session, job->event->seq, tail_len);
}

void job_add_subject(struct job *job, uint16_t type, snowflake_t user, snowflake_t other)
{
    struct record_subject *r = job_add(job, type, 0);

    r->guild = job->guild;
    r->user = user;
    r->other = other;
    r->at = job->arrival;
}

int64_t job_slack_ms(const struct job *job)
{
    return FRESH_MS + (job->event->flags & MSG_EVENT_REPLAYED ? (int64_t)job->event->gap_ms : 0);
}

unixms_t job_time(const struct job *job, unixms_t own)
{
    bool possible = unixms_known(own) && own.ms <= job->arrival.ms + FUTURE_MS &&
                    own.ms >= job->arrival.ms - PAST_MS;

    return possible ? own : job->arrival;
}

void job_act(struct job *job, snowflake_t user, enum person person, snowflake_t channel,
             enum activity_kind kind, unixms_t at)
{
    const struct seen_row *row;
    struct record_sighting *r;

    if (person == PERSON_BOT || snowflake_equal(user, job->ctx->self))
        return;
    row = job_row(job, user);
    if (row && row->flags & SEEN_BOT)
        return;
    if (row && row->flags & SEEN_HUMAN)
        person = PERSON_HUMAN;
    r = job_add(job, RECORD_SIGHTING, 0);
    r->guild = job->guild;
    r->user = user;
    r->channel = channel;
    r->at = at;
    r->kind = (uint16_t)kind;
    if (activity_infos[kind].counts_by_default)
        r->h.flags |= RECORD_COUNTED;
    if (job->event->flags & MSG_EVENT_REPLAYED)
        r->h.flags |= RECORD_REPLAYED;
    if (person == PERSON_UNKNOWN) {
        r->h.flags |= RECORD_BOT_UNKNOWN;
        job->result->flags |= EVENT_WANT_BOT_FLAG;
    }
    job->result->kind = kind;
    job->result->user = user;
}

/* Whether a shown user object tells something that neither the table nor the lane before it holds.
 */
static bool is_news(const struct job *job, const struct user *user)
{
    const struct seen_row *row = job_row(job, user->id);

    if (!row)
        return true;
    if (user->bot)
        return !(row->flags & SEEN_BOT);
    return !(row->flags & SEEN_HUMAN) || !(row->flags & (SEEN_RECORDED | SEEN_ROSTER_KNOWN));
}

const char *job_act_shown(struct job *job, const struct user *user, struct slice member,
                          snowflake_t channel, enum activity_kind kind, unixms_t at)
{
    struct member m;
    const char *error;

    if (user->system || snowflake_equal(user->id, job->ctx->self))
        return NULL;
    if (is_news(job, user)) {
        error = member_read(member, &m);
        if (error)
            return error;
        job_add_member(job, user, &m, MEMBER_PARTIAL);
    }
    job_act(job, user->id, user->bot ? PERSON_BOT : PERSON_HUMAN, channel, kind, at);
    return NULL;
}

const char *member_user(struct slice member, struct user *user_r)
{
    struct slice user;
    struct user_parts parts;
    const struct scan_field user_fields[] = USER_FIELDS(&parts);
    const struct scan_field fields[] = {
        SCAN_FIELD_INNER("user", &user, user_fields, USER_FIELDS_COUNT)};
    const char *error;

    user_r->id = SNOWFLAKE_NONE;
    user_r->bot = user_r->system = false;
    if (scan_is_null(member))
        return NULL;
    error = FIELDS(member, fields);
    return error || !scan_is_object(user) ? error : user_of_parts(&parts, user_r);
}

const char *job_act_member(struct job *job, snowflake_t id, struct slice member,
                           snowflake_t channel, enum activity_kind kind, unixms_t at)
{
    struct user user;
    const char *error = member_user(member, &user);

    if (error)
        return error;
    if (snowflake_equal(user.id, id))
        return job_act_shown(job, &user, member, channel, kind, at);
    job_act(job, id, PERSON_UNKNOWN, channel, kind, at);
    return NULL;
}

/* FNV-1a over both; never 0 in its low 16 bits, which are what the table keeps. */
uint32_t member_avatar_hash(const struct member *member)
{
    const struct slice parts[] = {scan_raw_string(member->avatar), scan_raw_string(member->banner)};
    uint32_t hash = UINT32_C(2166136261);

    if (!parts[0].p && !parts[1].p)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < parts[i].len; k++)
            hash = (hash ^ (unsigned char)parts[i].p[k]) * UINT32_C(16777619);
        hash = (hash ^ 0xff) * UINT32_C(16777619);
    }
    return hash & 0xffff ? hash : hash | 1;
}

/* Role ids; other servers list @everyone too, or whole objects. */
static uint16_t read_roles(struct slice array, snowflake_t guild, snowflake_t *ids)
{
    struct slice element, id;
    const struct scan_field fields[] = {SCAN_FIELD("id", &id)};
    struct scan scan;
    uint16_t n = 0;

    if (!scan_is_array(array) || !scan_array(&scan, array))
        return 0;
    while (n < ROLES_MAX && scan_element(&scan, &element)) {
        id = element;
        if (scan_is_object(element) && FIELDS(element, fields))
            continue;
        if (scan_snowflake(id, &ids[n]) && !snowflake_equal(ids[n], guild))
            n++;
    }
    return n;
}

/* A key that is absent keeps its value; null is none. */
static void keep_absent(const struct job *job, const struct member *m, struct record_member *r)
{
    const struct seen_row *row;

    if (m->has_flags && m->avatar.p && m->banner.p)
        return;
    row = job_row(job, r->user);
    if (!row)
        return;
    if (!m->has_flags)
        r->member_flags = row->member_flags;
    if (!m->avatar.p || !m->banner.p)
        r->avatar_hash = (uint16_t)row->last_edit;
}

void job_add_member(struct job *job, const struct user *user, const struct member *m,
                    unsigned state)
{
    snowflake_t roles[ROLES_MAX];
    char names[3][NAME_MAX_LEN];
    const uint8_t len[3] = {(uint8_t)scan_string(user->username, names[0], NAME_MAX_LEN),
                            (uint8_t)scan_string(user->global_name, names[1], NAME_MAX_LEN),
                            (uint8_t)scan_string(m->nick, names[2], NAME_MAX_LEN)};
    uint16_t role_count = read_roles(m->roles, job->guild, roles);
    size_t role_bytes = role_count * sizeof(roles[0]);
    struct record_member *r =
        job_add(job, RECORD_MEMBER, role_bytes + len[0] + (size_t)len[1] + len[2]);
    char *tail = record_list_tail(job->list, r);

    r->h.flags |= user->bot ? RECORD_IS_BOT : RECORD_IS_HUMAN;
    r->guild = job->guild;
    r->user = user->id;
    r->at = job->arrival;
    r->joined_at = m->joined_at;
    r->premium_since = m->premium_since;
    r->timeout_until = m->timeout_until;
    r->member_flags = m->flags;
    r->state = (uint16_t)(state | (m->pending ? MEMBER_PENDING : 0) |
                          (scan_is_array(m->roles) ? MEMBER_HAS_ROLES : 0));
    r->role_count = role_count;
    r->avatar_hash = member_avatar_hash(m);
    r->username_len = len[0];
    r->global_name_len = len[1];
    r->nick_len = len[2];
    if (!(state & MEMBER_PARTIAL))
        keep_absent(job, m, r);
    memcpy(tail, roles, role_bytes);
    tail += role_bytes;
    for (size_t i = 0; i < 3; i++) {
        memcpy(tail, names[i], len[i]);
        tail += len[i];
    }
}
