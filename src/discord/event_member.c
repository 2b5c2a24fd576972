/* The roster: joins, updates, leaves and catalogue chunks (product sheet section 4, events.md §8,
 * gateway.md §13). Called through the event table.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"
#include "discord/scan_skip.h"
#include "presence/buf.h"

/* Guild member flags that only the member's own hand sets. */
#define FLAG_COMPLETED_ONBOARDING   (1u << 1)
#define FLAG_STARTED_ONBOARDING     (1u << 3)
#define FLAG_STARTED_HOME_ACTIONS   (1u << 5)
#define FLAG_COMPLETED_HOME_ACTIONS (1u << 6)
#define FLAGS_OWN                                                                                  \
    (FLAG_COMPLETED_ONBOARDING | FLAG_STARTED_ONBOARDING | FLAG_STARTED_HOME_ACTIONS |             \
     FLAG_COMPLETED_HOME_ACTIONS)

static const char *read_shown(struct slice object, struct member *m)
{
    const char *error = member_read(object, m);

    if (error)
        return error;
    return m->user.id.id ? NULL : "user: expected a user object";
}

/* GUILD_MEMBER_ADD can repeat for people who are there already. */
static bool is_real_join(const struct job *job, const struct seen_row *row, const struct member *m)
{
    int64_t age_ms = job->arrival.ms - m->joined_at.ms;

    if (row && row->flags & SEEN_ON_ROSTER)
        return false;
    if (row && row->flags & SEEN_ROSTER_KNOWN)
        return true; /* he had left */
    return unixms_known(m->joined_at) && age_ms <= job_slack_ms(job) &&
           age_ms >= -job_slack_ms(job);
}

const char *event_member_add(struct job *job)
{
    struct member m;
    const char *error = read_shown(job->d, &m);
    bool join;

    if (error || m.user.system)
        return error;
    join = is_real_join(job, job_row(job, m.user.id), &m);
    job_add_member(job, &m.user, &m, join ? MEMBER_JOINED : 0);
    if (join)
        job_act(job, m.user.id, m.user.bot ? PERSON_BOT : PERSON_HUMAN, SNOWFLAKE_NONE,
                ACTIVITY_MEMBER_JOIN, job->arrival);
    return NULL;
}

/* Roles, nick, timeout and the user's global profile may be anybody's doing. What was before is
 * sure only of a row that a whole member object filled. */
static bool is_own_act(const struct seen_row *row, const struct member *m)
{
    uint32_t gained;
    bool known = row && (row->flags & SEEN_STATE_KNOWN ||
                         (row->flags & SEEN_RECORDED && !(row->flags & SEEN_LOADING)));

    if (!known)
        return false;
    gained = m->has_flags ? m->flags & ~(uint32_t)row->member_flags & FLAGS_OWN : 0;
    if (gained || (row->flags & SEEN_PENDING && m->has_pending && !m->pending))
        return true;
    /* absent is not the same as none */
    return m->avatar.p && m->banner.p &&
           (uint16_t)member_avatar_hash(m) != (uint16_t)row->last_edit;
}

const char *event_member_update(struct job *job)
{
    struct member m;
    const char *error = read_shown(job->d, &m);
    bool own;

    if (error || m.user.system)
        return error;
    own = is_own_act(job_row(job, m.user.id), &m);
    job_add_member(job, &m.user, &m, 0);
    if (own)
        job_act(job, m.user.id, m.user.bot ? PERSON_BOT : PERSON_HUMAN, SNOWFLAKE_NONE,
                ACTIVITY_MEMBER_UPDATE, job->arrival);
    return NULL;
}

const char *event_member_remove(struct job *job)
{
    struct slice user;
    const struct scan_field fields[] = {SCAN_FIELD("user", &user)};
    struct user u;
    const char *error = FIELDS(job->d, fields);

    if (!error)
        error = user_read(user, &u);
    if (!error)
        job_add_subject(job, RECORD_MEMBER_LEFT, u.id, SNOWFLAKE_NONE);
    return error;
}

static void list_id(struct id_list *list, snowflake_t id)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->ids = xrealloc(list->ids, list->cap * sizeof(*list->ids));
    }
    list->ids[list->count++] = id;
}

const char *members_read_in(struct job *job, struct scan *outer, unsigned state,
                            struct id_list *bots, uint32_t *count_r)
{
    struct scan scan;
    struct member m;
    const char *error;

    if (!scan_array(&scan, (struct slice){outer->p, (size_t)(outer->end - outer->p)}))
        return "members: expected an array";
    while (scan_next(&scan)) {
        error = member_read_in(&scan, &m);
        if (error)
            return error;
        if (!m.user.id.id)
            return "user: expected a user object";
        if (m.user.system)
            continue;
        if (m.user.bot && bots)
            list_id(bots, m.user.id);
        job_add_member(job, &m.user, &m, state);
        (*count_r)++;
    }
    outer->p = scan.p;
    return scan.error;
}

const char *members_read(struct job *job, struct slice array, unsigned state, struct id_list *bots,
                         uint32_t *count_r)
{
    struct scan scan = {.p = array.p, .end = array.p ? array.p + array.len : NULL};

    *count_r = 0;
    return scan_is_null(array) ? NULL : members_read_in(job, &scan, state, bots, count_r);
}

/* The members are most of a chunk: they are read where they are met. */
static const char *chunk_member(struct job *job, struct scan *scan, struct slice key,
                                uint64_t *index, uint64_t *count)
{
    struct event_result *result = job->result;
    struct slice value;

    if (slice_is(key, "members"))
        return members_read_in(job, scan, MEMBER_FROM_CATALOGUE, NULL, &result->members);
    if (!scan_take_value(scan, NULL, &value))
        return scan->error;
    if (slice_is(key, "chunk_index"))
        scan_u64(value, index);
    else if (slice_is(key, "chunk_count"))
        scan_u64(value, count);
    else if (slice_is(key, "nonce"))
        result->nonce[scan_string(value, result->nonce, sizeof(result->nonce) - 1)] = '\0';
    return NULL;
}

const char *event_members_chunk(struct job *job)
{
    struct event_result *result = job->result;
    uint64_t index = 0, count = 1;
    const char *error = NULL;
    struct scan scan;
    struct slice key;

    scan_object(&scan, job->d);
    while (!error && scan_take_key(&scan, &key))
        error = chunk_member(job, &scan, key, &index, &count);
    if (error || scan.error)
        return error ? error : scan.error;
    if (index >= count || count > UINT32_MAX)
        return "chunk_index: expected to be below chunk_count";
    result->chunk_index = (uint32_t)index;
    result->chunk_count = (uint32_t)count;
    result->flags |= EVENT_ROSTER_CHUNK | EVENT_IDEMPOTENT;
    return NULL;
}
