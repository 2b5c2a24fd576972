/* Guilds coming, changing, failing and going; READY and RATE_LIMITED (gateway.md §6, §13, §15).
 * Called through the event table.
 *
 * GUILD_CREATE is a guild's whole state at a session's begin, after an outage or when the bot was
 * invited: all of it becomes idempotent records, coverage last, so that the records may be
 * published in parts and the event read again after a crash. The list of members is never taken for
 * complete. Diagnostics: none; static texts. */
#include "discord/event_priv.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX  1024
#define LOCALE_MAX      32
#define JUST_INVITED_MS (5 * 60 * 1000)

struct guild_parts {
    struct slice name, owner, afk, system, locale, joined, member_count, unavailable, roles,
        channels, threads, members, voice_states;
};

static const char *guild_fields(struct slice d, struct guild_parts *g)
{
    const struct scan_field fields[] = {
        SCAN_FIELD("name", &g->name),
        SCAN_FIELD("owner_id", &g->owner),
        SCAN_FIELD("afk_channel_id", &g->afk),
        SCAN_FIELD("system_channel_id", &g->system),
        SCAN_FIELD("preferred_locale", &g->locale),
        SCAN_FIELD("joined_at", &g->joined),
        SCAN_FIELD("member_count", &g->member_count),
        SCAN_FIELD("unavailable", &g->unavailable),
        SCAN_FIELD("roles", &g->roles),
        SCAN_FIELD("channels", &g->channels),
        SCAN_FIELD("threads", &g->threads),
        SCAN_FIELD("members", &g->members),
        SCAN_FIELD("voice_states", &g->voice_states),
    };

    return FIELDS(d, fields);
}

/* What is absent stays as it was: 0 and empty mean "not given" to whoever stores the record; the
 * AFK channel, which may be taken away, and the count are repeated from the guild's row. */
static void add_guild(struct job *job, const struct guild_parts *g)
{
    const struct shm_guild *known = shm_guild(job->ctx->shm, job->guild, false);
    char name[NAME_BYTES_MAX], locale[LOCALE_MAX];
    size_t name_len = scan_string(g->name, name, sizeof(name));
    size_t locale_len = scan_string(g->locale, locale, sizeof(locale));
    struct record_guild *r = job_add(job, RECORD_GUILD, name_len + locale_len);
    char *tail = record_list_tail(job->list, r);
    uint64_t members = known ? known->member_count : 0;

    r->guild = job->guild;
    r->owner = id_or_none(g->owner);
    r->afk_channel = id_or_none(g->afk);
    if (!g->afk.p && known)
        r->afk_channel.id = known->afk_channel;
    r->system_channel = id_or_none(g->system);
    r->at = job->arrival;
    scan_time(g->joined, &r->joined_at);
    scan_u64(g->member_count, &members);
    r->member_count = members > UINT32_MAX ? 0 : (uint32_t)members;
    r->name_len = (uint16_t)name_len;
    r->locale_len = (uint8_t)locale_len;
    r->available = 1;
    memcpy(tail, name, name_len);
    memcpy(tail + name_len, locale, locale_len);
}

static void add_outage(struct job *job)
{
    struct record_guild *r = job_add(job, RECORD_GUILD, 0);

    r->guild = job->guild;
    r->at = job->arrival;
    r->available = 0;
}

static void add_coverage(struct job *job, enum coverage_edge edge, enum coverage_reason reason)
{
    struct record_coverage *r = job_add(job, RECORD_COVERAGE, 0);

    r->guild = job->guild;
    r->at = job->arrival;
    r->gateway_session = job->event->session;
    r->edge = (uint16_t)edge;
    r->reason = (uint16_t)reason;
}

static bool is_covered(const struct job *job)
{
    const struct shm_guild *known = shm_guild(job->ctx->shm, job->guild, false);

    return known && known->session == job->event->session;
}

static void open_coverage(struct job *job, const struct guild_parts *g)
{
    const struct shm_guild *known = shm_guild(job->ctx->shm, job->guild, false);
    enum coverage_reason reason = COVERAGE_SESSION;
    unixms_t joined = UNIXMS_NONE;

    if (is_covered(job))
        return;
    scan_time(g->joined, &joined);
    if (unixms_known(joined) && job->arrival.ms - joined.ms <= JUST_INVITED_MS)
        reason = COVERAGE_GUILD_JOINED;
    else if (known && !(known->flags & (SHM_GUILD_AVAILABLE | SHM_GUILD_LEFT)))
        reason = COVERAGE_OUTAGE;
    add_coverage(job, COVERAGE_OPEN, reason);
}

/* Nothing is known of the guild but that it cannot be watched. */
static const char *outage(struct job *job)
{
    add_outage(job);
    if (is_covered(job))
        add_coverage(job, COVERAGE_CLOSE, COVERAGE_OUTAGE);
    return NULL;
}

static bool is_true(struct slice value)
{
    bool on = false;

    return scan_bool(value, &on) && on;
}

/* Whether the guild has not been seen in this gateway session. */
static bool first_of_session(const struct job *job)
{
    const struct shm_guild *known = shm_guild(job->ctx->shm, job->guild, false);

    return !known || (known->session != job->event->session && known->flags & SHM_GUILD_AVAILABLE);
}

/* What was deleted while nobody watched shows by not being listed. Other servers list roles as ids,
 * which makes no records. */
static void add_complete(struct job *job, const struct guild_parts *g, bool roles)
{
    uint64_t parts = (scan_is_array(g->channels) ? PART_CHANNELS : 0) |
                     (scan_is_array(g->threads) ? PART_THREADS : 0) | (roles ? PART_ROLES : 0);

    if (parts)
        job_add_subject(job, RECORD_COMPLETE, SNOWFLAKE_NONE, (snowflake_t){parts});
}

const char *event_guild_create(struct job *job)
{
    struct guild_parts g;
    struct id_list bots = {NULL, 0, 0};
    uint32_t members, before;
    bool roles;
    const char *error = guild_fields(job->d, &g);

    if (error)
        return error;
    if (is_true(g.unavailable))
        return outage(job);
    job->result->flags |= EVENT_WANT_ROSTER | EVENT_IDEMPOTENT;
    add_guild(job, &g);
    before = job->list->count;
    error = roles_read(job, g.roles);
    roles = job->list->count > before;
    if (!error)
        error = channels_read(job, g.channels);
    if (!error)
        error = channels_read(job, g.threads);
    if (!error) {
        add_complete(job, &g, roles);
        error = members_read(job, g.members, 0, &bots, &members);
    }
    if (!error)
        error = voice_sync(job, g.voice_states, &bots, first_of_session(job));
    if (!error)
        open_coverage(job, &g);
    free(bots.ids);
    return error;
}

const char *event_guild_update(struct job *job)
{
    struct guild_parts g;
    const char *error = guild_fields(job->d, &g);

    if (error)
        return error;
    job->result->flags |= EVENT_IDEMPOTENT;
    add_guild(job, &g);
    return roles_read(job, g.roles);
}

const char *event_guild_delete(struct job *job)
{
    struct guild_parts g;
    const char *error = guild_fields(job->d, &g);

    if (error)
        return error;
    if (is_true(g.unavailable))
        return outage(job);
    if (is_covered(job))
        add_coverage(job, COVERAGE_CLOSE, COVERAGE_GUILD_LEFT);
    job_add_subject(job, RECORD_GUILD_LEFT, SNOWFLAKE_NONE, SNOWFLAKE_NONE);
    job->result->flags |= EVENT_GUILD_GONE;
    return NULL;
}

const char *event_ready(struct job *job)
{
    struct slice user, id;
    const struct scan_field fields[] = {SCAN_FIELD("user", &user)};
    const struct scan_field user_fields[] = {SCAN_FIELD("id", &id)};
    const char *error = FIELDS(job->d, fields);

    if (error || !scan_is_object(user))
        return error;
    error = FIELDS(user, user_fields);
    if (!error && id_or_none(id).id)
        job->ctx->self = id_or_none(id);
    return error;
}

const char *event_rate_limited(struct job *job)
{
    struct slice opcode, retry, meta, guild, nonce;
    const struct scan_field fields[] = {
        SCAN_FIELD("opcode", &opcode),
        SCAN_FIELD("retry_after", &retry),
        SCAN_FIELD("meta", &meta),
    };
    const struct scan_field meta_fields[] = {
        SCAN_FIELD("guild_id", &guild),
        SCAN_FIELD("nonce", &nonce),
    };
    struct event_result *result = job->result;
    const char *error = FIELDS(job->d, fields);
    uint64_t op = 0;

    if (error || !scan_u64(opcode, &op) || op != 8)
        return error;
    if (!scan_ms(retry, &result->retry_after_ms))
        return "retry_after: expected seconds";
    error = FIELDS(meta, meta_fields);
    if (error)
        return error;
    result->guild = id_or_none(guild);
    result->nonce[scan_string(nonce, result->nonce, sizeof(result->nonce) - 1)] = '\0';
    result->flags |= EVENT_RATE_LIMITED;
    return NULL;
}
