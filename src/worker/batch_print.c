/* A batch as its part of the JSON of a RecordSightings request, written straight into a buffer.
 * Called by flight; pure. Field names: graphql/schema.graphql, input LaneBatch. Diagnostics: none.
 */
#include <string.h>

#include "presence/activity.h"
#include "worker/batch_parts.h"
#include "worker/operations.h"

#define PUT(out, literal) buf_append((out), "" literal, sizeof(literal) - 1)

/* --- numbers, fast: most of a batch is ids and times ----------------------------------------- */

static unsigned char *put_digits(unsigned char *p, uint64_t v)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t n = sizeof(digits);

    while (v >= 100) {
        n -= 2;
        memcpy(digits + n, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        n -= 2;
        memcpy(digits + n, pairs + 2 * v, 2);
    } else {
        digits[--n] = (char)('0' + v);
    }
    memcpy(p, digits + n, sizeof(digits) - n);
    return p + sizeof(digits) - n;
}

static unsigned char *put_id(unsigned char *p, uint64_t id)
{
    if (id == 0) {
        memcpy(p, "null", 4);
        return p + 4;
    }
    *p++ = '"';
    p = put_digits(p, id);
    *p++ = '"';
    return p;
}

static unsigned char *put_ms(unsigned char *p, int64_t ms)
{
    if (ms < 0) {
        *p++ = '-';
        return put_digits(p, 0 - (uint64_t)ms);
    }
    return put_digits(p, (uint64_t)ms);
}

static void id_field(struct buf *out, const char *name, uint64_t id)
{
    unsigned char *p;

    buf_puts(out, name);
    p = buf_reserve(out, 24);
    buf_commit(out, (size_t)(put_id(p, id) - p));
}

static void int_field(struct buf *out, const char *name, int64_t v)
{
    buf_puts(out, name);
    buf_put_i64(out, v);
}

/* A time, or null where it is not known. */
static void time_field(struct buf *out, const char *name, unixms_t t)
{
    buf_puts(out, name);
    if (unixms_known(t))
        buf_put_i64(out, t.ms);
    else
        PUT(out, "null");
}

static void bool_field(struct buf *out, const char *name, bool v)
{
    buf_puts(out, name);
    if (v)
        PUT(out, "true");
    else
        PUT(out, "false");
}

/* Text of a record's tail; empty = null. */
static void text_field(struct buf *out, const char *name, const char *text, size_t len)
{
    buf_puts(out, name);
    if (len)
        buf_put_json(out, text, len);
    else
        PUT(out, "null");
}

/* --- sightings: one list per column ---------------------------------------------------------- */

enum column {
    COL_GUILD,
    COL_USER,
    COL_CHANNEL,
    COL_KIND,
    COL_COUNT,
    COL_FIRST,
    COL_LAST,
    COL_COUNTED
};

static unsigned char *put_cell(unsigned char *p, const struct batch_sighting *s, enum column column)
{
    const char *name;
    size_t len;

    switch (column) {
    case COL_GUILD:
        return put_id(p, s->guild);
    case COL_USER:
        return put_id(p, s->user);
    case COL_CHANNEL:
        return put_id(p, s->channel);
    case COL_COUNT:
        return put_digits(p, s->count);
    case COL_FIRST:
        return put_ms(p, s->first);
    case COL_LAST:
        return put_ms(p, s->last);
    case COL_COUNTED:
        len = s->counted ? 4 : 5;
        memcpy(p, s->counted ? "true" : "false", len);
        return p + len;
    case COL_KIND:
    default:
        name = activity_infos[s->kind < ACTIVITY_KINDS ? s->kind : 0].graphql_name;
        len = strlen(name);
        *p++ = '"';
        memcpy(p, name, len);
        p[len] = '"';
        return p + len + 1;
    }
}

static void print_column(const struct batch *b, const char *name, enum column column,
                         struct buf *out)
{
    unsigned char *start, *p;

    buf_puts(out, name);
    start = p = buf_reserve(out, b->n_sightings * 32 + 2);
    *p++ = '[';
    for (size_t i = 0; i < b->n_sightings; i++) {
        if (i)
            *p++ = ',';
        p = put_cell(p, &b->sightings[i], column);
    }
    *p++ = ']';
    buf_commit(out, (size_t)(p - start));
}

static void print_sightings(const struct batch *b, struct buf *out)
{
    if (b->n_sightings == 0)
        return;
    PUT(out, ",\"sightings\":{");
    print_column(b, "\"guildId\":", COL_GUILD, out);
    print_column(b, ",\"userId\":", COL_USER, out);
    print_column(b, ",\"channelId\":", COL_CHANNEL, out);
    print_column(b, ",\"kind\":", COL_KIND, out);
    print_column(b, ",\"count\":", COL_COUNT, out);
    print_column(b, ",\"firstAt\":", COL_FIRST, out);
    print_column(b, ",\"lastAt\":", COL_LAST, out);
    print_column(b, ",\"counted\":", COL_COUNTED, out);
    PUT(out, "}");
}

/* --- things ---------------------------------------------------------------------------------- */

static void print_roles_of(const struct record_member *r, struct buf *out)
{
    const char *tail = record_tail(&r->h);

    PUT(out, ",\"roles\":[");
    for (size_t i = 0; i < r->role_count; i++) {
        uint64_t role;

        memcpy(&role, tail + 8 * i, 8);
        id_field(out, i ? "," : "", role);
    }
    PUT(out, "]");
}

static void print_names(const struct record_member *r, bool all, struct buf *out)
{
    const char *name = record_tail(&r->h) + 8u * r->role_count;

    if (all || r->username_len)
        text_field(out, ",\"username\":", name, r->username_len);
    name += r->username_len;
    if (all || r->global_name_len)
        text_field(out, ",\"globalName\":", name, r->global_name_len);
    name += r->global_name_len;
    if (all || r->nick_len)
        text_field(out, ",\"nick\":", name, r->nick_len);
}

static void print_member(const struct batch_thing *t, struct buf *out)
{
    const struct record_member *full = (const void *)t->full, *partial = (const void *)t->partial;
    const struct record_member *names = partial && !full ? partial : full;
    const struct record_member *roles = partial && (partial->state & MEMBER_HAS_ROLES) ? partial
                                        : full && (full->state & MEMBER_HAS_ROLES)     ? full
                                                                                       : NULL;

    id_field(out, ",\"userId\":", t->id.id);
    if (t->bot >= 0)
        bool_field(out, ",\"bot\":", t->bot == 1);
    if (t->there >= 0)
        bool_field(out, ",\"onRoster\":", t->there == 1);
    if (names)
        print_names(names, names == full, out);
    if (roles)
        print_roles_of(roles, out);
    if (names && unixms_known(names->joined_at))
        time_field(out, ",\"joinedAt\":", names->joined_at);
    if (full) {
        time_field(out, ",\"premiumSince\":", full->premium_since);
        time_field(out, ",\"timeoutUntil\":", full->timeout_until);
        bool_field(out, ",\"pending\":", (full->state & MEMBER_PENDING) != 0);
        int_field(out, ",\"flags\":", full->member_flags);
        id_field(out, ",\"avatarHash\":", full->avatar_hash);
    }
    if (unixms_known(t->extra))
        time_field(out, ",\"lastEditAt\":", t->extra);
}

static void print_guild(const struct batch_thing *t, struct buf *out)
{
    const struct record_guild *g = (const void *)t->full;

    if (t->available)
        bool_field(out, ",\"available\":", t->available == 1);
    bool_field(out, ",\"left\":", t->there == 0);
    if (!g)
        return;
    text_field(out, ",\"name\":", record_tail(&g->h), g->name_len);
    id_field(out, ",\"ownerId\":", g->owner.id);
    id_field(out, ",\"afkChannelId\":", g->afk_channel.id);
    id_field(out, ",\"systemChannelId\":", g->system_channel.id);
    if (g->locale_len)
        text_field(out, ",\"locale\":", record_tail(&g->h) + g->name_len, g->locale_len);
    if (g->member_count)
        int_field(out, ",\"memberCount\":", g->member_count);
    if (unixms_known(g->joined_at))
        time_field(out, ",\"botJoinedAt\":", g->joined_at);
}

static void print_channel(const struct batch_thing *t, struct buf *out)
{
    const struct record_channel *c = (const void *)t->full;

    id_field(out, ",\"channelId\":", t->id.id);
    bool_field(out, ",\"gone\":", t->there == 0);
    if (!c)
        return;
    int_field(out, ",\"type\":", c->channel_type);
    text_field(out, ",\"name\":", record_tail(&c->h), c->name_len);
    id_field(out, ",\"parentId\":", c->parent.id);
    if (snowflake_known(c->owner))
        id_field(out, ",\"ownerId\":", c->owner.id);
    if (snowflake_known(c->last_message))
        id_field(out, ",\"lastMessageId\":", c->last_message.id);
    int_field(out, ",\"position\":", c->position);
    int_field(out, ",\"flags\":", (int32_t)c->channel_flags);
    bool_field(out, ",\"archived\":", c->archived != 0);
    bool_field(out, ",\"locked\":", c->locked != 0);
    if (c->overwrites_len)
        text_field(out, ",\"overwrites\":", record_tail(&c->h) + c->name_len, c->overwrites_len);
}

static void print_role(const struct batch_thing *t, struct buf *out)
{
    const struct record_role *r = (const void *)t->full;

    id_field(out, ",\"roleId\":", t->id.id);
    bool_field(out, ",\"gone\":", t->there == 0);
    if (!r)
        return;
    text_field(out, ",\"name\":", record_tail(&r->h), r->name_len);
    int_field(out, ",\"position\":", r->position);
    PUT(out, ",\"permissions\":\"");
    buf_put_u64(out, r->permissions);
    PUT(out, "\"");
    bool_field(out, ",\"managed\":", r->managed != 0);
}

static void print_thing(const struct batch_thing *t, struct buf *out)
{
    switch (t->tag) {
    case TAG_MEMBER:
        print_member(t, out);
        break;
    case TAG_GUILD:
        print_guild(t, out);
        break;
    case TAG_CHANNEL:
        print_channel(t, out);
        break;
    case TAG_ROLE:
        print_role(t, out);
        break;
    case TAG_PRESENT:
        id_field(out, ",\"userId\":", t->id.id);
        break;
    case TAG_COMPLETE:
        buf_printf(out, ",\"part\":\"%s\"",
                   t->id.id == PART_CHANNELS  ? "CHANNELS"
                   : t->id.id == PART_THREADS ? "THREADS"
                                              : "ROLES");
        break;
    default:
        break;
    }
}

static void print_things(const struct batch *b, enum batch_tag tag, const char *name,
                         const char *time_name, struct buf *out)
{
    bool first = true;

    if (b->n_by_tag[tag] == 0)
        return;
    buf_puts(out, name);
    for (size_t i = 0; i < b->n_things; i++) {
        const struct batch_thing *t = &b->things[i];

        if (t->tag != tag)
            continue;
        id_field(out, first ? "{\"guildId\":" : ",{\"guildId\":", t->guild.id);
        int_field(out, time_name, t->at.ms);
        print_thing(t, out);
        PUT(out, "}");
        first = false;
    }
    PUT(out, "]");
}

/* --- what keeps its order -------------------------------------------------------------------- */

static void print_voice(const struct record_voice *v, struct buf *out)
{
    id_field(out, "{\"guildId\":", v->guild.id);
    id_field(out, ",\"userId\":", v->user.id);
    id_field(out, ",\"channelId\":", v->channel.id);
    int_field(out, ",\"at\":", v->at.ms);
    int_field(out, ",\"state\":", v->state);
    bool_field(out, ",\"estimated\":", (v->h.flags & RECORD_ESTIMATED) != 0);
    PUT(out, "}");
}

static void print_coverage(const struct record_coverage *c, struct buf *out)
{
    static const char *const reasons[] = {
        [COVERAGE_SESSION] = "SESSION",           [COVERAGE_OUTAGE] = "OUTAGE",
        [COVERAGE_GUILD_JOINED] = "GUILD_JOINED", [COVERAGE_GUILD_LEFT] = "GUILD_LEFT",
        [COVERAGE_EVENTS_LOST] = "EVENTS_LOST",
    };
    unsigned reason = c->reason >= COVERAGE_SESSION && c->reason <= COVERAGE_EVENTS_LOST
                          ? c->reason
                          : COVERAGE_SESSION;

    id_field(out, "{\"guildId\":", c->guild.id);
    PUT(out, ",\"session\":\"");
    buf_put_u64(out, c->gateway_session);
    int_field(out, "\",\"at\":", c->at.ms);
    bool_field(out, ",\"open\":", c->edge == COVERAGE_OPEN);
    buf_printf(out, ",\"reason\":\"%s\"}", reasons[reason]);
}

static void print_session(const struct record_session *s, struct buf *out)
{
    static const char *const edges[] = {
        [SESSION_STARTED] = "STARTED",
        [SESSION_WATCHED] = "WATCHED",
        [SESSION_RESUMED] = "RESUMED",
        [SESSION_ENDED] = "ENDED",
    };
    unsigned edge =
        s->edge >= SESSION_STARTED && s->edge <= SESSION_ENDED ? s->edge : SESSION_WATCHED;

    buf_printf(out, "{\"session\":\"%llu\",\"shard\":%u,\"shards\":%u,\"edge\":\"%s\"",
               (unsigned long long)s->gateway_session, s->shard, s->shards, edges[edge]);
    int_field(out, ",\"at\":", s->at.ms);
    int_field(
        out, ",\"watchedUntil\":", unixms_known(s->watched_until) ? s->watched_until.ms : s->at.ms);
    if (s->close_code)
        int_field(out, ",\"closeCode\":", s->close_code);
    PUT(out, "}");
}

static void print_ordered(const struct batch *b, uint16_t type, const char *name, struct buf *out)
{
    bool any = false;

    for (size_t i = 0; i < b->n_ordered; i++) {
        const struct record_header *h = b->ordered[i];

        if (h->type != type)
            continue;
        buf_puts(out, any ? "," : name);
        any = true;
        if (type == RECORD_VOICE)
            print_voice((const void *)h, out);
        else if (type == RECORD_COVERAGE)
            print_coverage((const void *)h, out);
        else
            print_session((const void *)h, out);
    }
    if (any)
        PUT(out, "]");
}

static void print_offsets(const struct batch *b, struct buf *out)
{
    PUT(out, ",\"sessions\":[");
    for (size_t i = 0; i < b->offsets.count; i++) {
        id_field(out, i ? ",{\"session\":" : "{\"session\":", b->offsets.list[i].session);
        id_field(out, ",\"seq\":", b->offsets.list[i].seq);
        PUT(out, "}");
    }
    PUT(out, "]");
}

void batch_print_begin(struct buf *out)
{
    PUT(out, "{\"documentId\":\"" OPERATION_RECORD_SIGHTINGS "\",\"variables\":{\"batches\":[");
}

void batch_print_end(struct buf *out)
{
    PUT(out, "]}}");
}

void batch_print(const struct batch *b, unsigned lane, uint64_t epoch, uint64_t claim,
                 uint64_t from, uint64_t to, struct buf *out)
{
    buf_printf(out, "{\"lane\":%u,\"epoch\":\"%llu\",\"claim\":\"%llu\"", lane,
               (unsigned long long)epoch, (unsigned long long)claim);
    buf_printf(out, ",\"from\":\"%llu\",\"to\":\"%llu\"", (unsigned long long)from,
               (unsigned long long)to);
    print_offsets(b, out);
    print_sightings(b, out);
    print_things(b, TAG_MEMBER, ",\"members\":[", ",\"at\":", out);
    print_things(b, TAG_GUILD, ",\"guilds\":[", ",\"at\":", out);
    print_things(b, TAG_CHANNEL, ",\"channels\":[", ",\"at\":", out);
    print_things(b, TAG_ROLE, ",\"roles\":[", ",\"at\":", out);
    print_ordered(b, RECORD_VOICE, ",\"voice\":[", out);
    print_things(b, TAG_PRESENT, ",\"present\":[", ",\"until\":", out);
    print_things(b, TAG_ROSTER, ",\"rostersComplete\":[", ",\"begunAt\":", out);
    print_things(b, TAG_COMPLETE, ",\"partsComplete\":[", ",\"at\":", out);
    print_things(b, TAG_VOICE_SYNC, ",\"voiceComplete\":[", ",\"at\":", out);
    print_ordered(b, RECORD_COVERAGE, ",\"coverage\":[", out);
    print_ordered(b, RECORD_SESSION, ",\"gateway\":[", out);
    PUT(out, "}");
}
