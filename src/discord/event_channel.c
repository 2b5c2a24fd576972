/* Channels, threads and roles: kept current, never anybody's act. Called through the event table
 * and for the lists in GUILD_CREATE, GUILD_UPDATE and THREAD_LIST_SYNC.
 *
 * Overwrites that do not fit into a record are left out as a whole: a part of them would say
 * something else.
 * Diagnostics: none; static texts. */
#include "discord/event_priv.h"

#include <string.h>

#define NAME_BYTES_MAX 1024 /* 100 characters of up to 4 bytes, and some grace */
#define OVERWRITES_MAX 6500

static int32_t int_or_zero(struct slice value)
{
    int64_t v = 0;

    scan_i64(value, &v);
    return v < INT32_MIN || v > INT32_MAX ? 0 : (int32_t)v;
}

static uint64_t u64_or_zero(struct slice value)
{
    uint64_t v = 0;

    scan_digits(value, &v);
    return v;
}

struct channel {
    struct slice id, type, name, position, parent, owner, last_message, flags, overwrites, metadata;
};

static const char *channel_fields(struct slice object, struct channel *c)
{
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &c->id),
        SCAN_FIELD("type", &c->type),
        SCAN_FIELD("name", &c->name),
        SCAN_FIELD("position", &c->position),
        SCAN_FIELD("parent_id", &c->parent),
        SCAN_FIELD("owner_id", &c->owner),
        SCAN_FIELD("last_message_id", &c->last_message),
        SCAN_FIELD("flags", &c->flags),
        SCAN_FIELD("permission_overwrites", &c->overwrites),
        SCAN_FIELD("thread_metadata", &c->metadata),
    };

    return FIELDS(object, fields);
}

static void read_thread_state(struct slice metadata, struct record_channel *r)
{
    struct slice archived, locked;
    const struct scan_field fields[] = {
        SCAN_FIELD("archived", &archived),
        SCAN_FIELD("locked", &locked),
    };
    bool on = false;

    if (!scan_is_object(metadata) || FIELDS(metadata, fields))
        return;
    r->archived = scan_bool(archived, &on) && on;
    r->locked = scan_bool(locked, &on) && on;
}

const char *channel_read(struct job *job, struct slice object)
{
    struct channel c;
    const char *error = channel_fields(object, &c);
    struct record_channel *r;
    char name[NAME_BYTES_MAX];
    size_t name_len, overwrites_len;
    snowflake_t id;

    if (error)
        return error;
    if (!scan_snowflake(c.id, &id))
        return "channel id: expected a snowflake";
    name_len = scan_string(c.name, name, sizeof(name));
    overwrites_len =
        scan_is_array(c.overwrites) && c.overwrites.len <= OVERWRITES_MAX ? c.overwrites.len : 0;
    r = job_add(job, RECORD_CHANNEL, name_len + overwrites_len);
    r->guild = job->guild;
    r->channel = id;
    r->parent = id_or_none(c.parent);
    r->owner = id_or_none(c.owner);
    r->last_message = id_or_none(c.last_message);
    r->at = job->arrival;
    r->channel_type = (uint16_t)u64_or_zero(c.type);
    r->position = int_or_zero(c.position);
    r->channel_flags = (uint32_t)u64_or_zero(c.flags);
    r->name_len = (uint16_t)name_len;
    r->overwrites_len = (uint16_t)overwrites_len;
    read_thread_state(c.metadata, r);
    char *tail = record_list_tail(job->list, r);
    memcpy(tail, name, name_len);
    if (overwrites_len)
        memcpy(tail + name_len, c.overwrites.p, overwrites_len);
    return NULL;
}

static const char *each(struct job *job, struct slice array,
                        const char *(*read)(struct job *job, struct slice object),
                        const char *expected)
{
    struct slice element;
    struct scan scan;
    const char *error = NULL;

    if (scan_is_null(array))
        return NULL;
    if (!scan_array(&scan, array))
        return expected;
    while (!error && scan_element(&scan, &element))
        error = read(job, element);
    return error ? error : scan.error;
}

const char *channels_read(struct job *job, struct slice array)
{
    return each(job, array, channel_read, "channels or threads: expected an array");
}

const char *event_channel(struct job *job)
{
    return channel_read(job, job->d);
}

static const char *gone(struct job *job, struct slice id, uint16_t type)
{
    if (!id_or_none(id).id)
        return "id of what was deleted: expected a snowflake";
    job_add_subject(job, type, SNOWFLAKE_NONE, id_or_none(id));
    return NULL;
}

const char *event_channel_delete(struct job *job)
{
    struct slice id;
    const struct scan_field fields[] = {SCAN_FIELD("id", &id)};
    const char *error = FIELDS(job->d, fields);

    return error ? error : gone(job, id, RECORD_CHANNEL_GONE);
}

static const char *role_read(struct job *job, struct slice object)
{
    struct slice id, name, permissions, position, managed;
    const struct scan_field fields[] = {
        SCAN_FIELD("id", &id),
        SCAN_FIELD("name", &name),
        SCAN_FIELD("permissions", &permissions),
        SCAN_FIELD("position", &position),
        SCAN_FIELD("managed", &managed),
    };
    char text[NAME_BYTES_MAX];
    const char *error;
    struct record_role *r;
    bool on = false;
    size_t len;

    if (scan_is_string(object)) /* another server's list of ids */
        return NULL;
    error = FIELDS(object, fields);
    if (error)
        return error;
    if (!id_or_none(id).id)
        return "role id: expected a snowflake";
    len = scan_string(name, text, sizeof(text));
    r = job_add(job, RECORD_ROLE, len);
    r->guild = job->guild;
    r->role = id_or_none(id);
    r->permissions = u64_or_zero(permissions);
    r->at = job->arrival;
    r->position = int_or_zero(position);
    r->name_len = (uint16_t)len;
    r->managed = scan_bool(managed, &on) && on;
    memcpy(record_list_tail(job->list, r), text, len);
    return NULL;
}

const char *roles_read(struct job *job, struct slice array)
{
    return each(job, array, role_read, "roles: expected an array");
}

const char *event_role(struct job *job)
{
    struct slice role;
    const struct scan_field fields[] = {SCAN_FIELD("role", &role)};
    const char *error = FIELDS(job->d, fields);

    if (error)
        return error;
    return scan_is_object(role) ? role_read(job, role) : "role: expected an object";
}

const char *event_role_delete(struct job *job)
{
    struct slice id;
    const struct scan_field fields[] = {SCAN_FIELD("role_id", &id)};
    const char *error = FIELDS(job->d, fields);

    return error ? error : gone(job, id, RECORD_ROLE_GONE);
}
