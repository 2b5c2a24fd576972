/* event: every example frame of the contract sheet with the records it must give, then each row of
 * the event table both counting and not counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/event.h"

#define GUILD   UINT64_C(1213063181107335175)
#define SELF    UINT64_C(1502943274598535171)
#define MIRA    UINT64_C(806374682394759223)
#define TOMAS   UINT64_C(994893149241479228)
#define OWNER   UINT64_C(584320234291335189)
#define SESSION 5
#define ARRIVAL INT64_C(1785586261000) /* 2026-08-01T12:11:01Z */

static const struct {
    uint64_t id;
    const char *name;
} cast[] = {
    {GUILD, "guild"},
    {SELF, "self"},
    {MIRA, "mira"},
    {TOMAS, "tomas"},
    {OWNER, "owner"},
    {UINT64_C(663260391014535170), "otherbot"},
    {UINT64_C(1213063185301639169), "text"},
    {UINT64_C(1213063185301639170), "voice"},
    {UINT64_C(1213787961032839171), "stage"},
    {UINT64_C(1532452719820935179), "thread"},
    {UINT64_C(1503320761958535169), "inactive"},
    {UINT64_C(1213410469478535170), "mods"},
    {UINT64_C(1502950824345735173), "botrole"},
};

struct world {
    struct shm shm;
    struct event_ctx *ctx;
    struct record_list list;
    struct event_result result;
    struct msg_event event; /* what the next frame comes with */
    uint64_t seq;
    struct buf out;
    char instance[64];
};

static void put_id(struct buf *out, snowflake_t id)
{
    for (size_t i = 0; i < sizeof(cast) / sizeof(cast[0]); i++) {
        if (cast[i].id == id.id) {
            buf_puts(out, cast[i].name);
            return;
        }
    }
    buf_put_u64(out, id.id);
}

static void put_time(struct buf *out, unixms_t at)
{
    if (at.ms == ARRIVAL)
        buf_puts(out, "now");
    else
        buf_put_i64(out, at.ms);
}

static void put_sighting(struct buf *out, const struct record_sighting *r)
{
    buf_printf(out, "%s ", activity_infos[r->kind].name);
    put_id(out, r->user);
    buf_putc(out, ' ');
    put_id(out, r->channel);
    buf_putc(out, ' ');
    put_time(out, r->at);
    buf_printf(out, "%s%s%s", r->h.flags & RECORD_COUNTED ? " counted" : "",
               r->h.flags & RECORD_BOT_UNKNOWN ? " unknown" : "",
               r->h.flags & RECORD_REPLAYED ? " replayed" : "");
}

static void put_member(struct buf *out, const struct record_member *r)
{
    const char *tail = record_tail(&r->h);
    size_t roles = (size_t)r->role_count * 8;

    buf_puts(out, r->state & MEMBER_PARTIAL ? "partial " : "member ");
    put_id(out, r->user);
    buf_printf(out, "%s%s%s%s%s ", r->h.flags & RECORD_IS_BOT ? " bot" : "",
               r->h.flags & RECORD_IS_HUMAN ? " human" : "",
               r->state & MEMBER_JOINED ? " joined" : "",
               r->state & MEMBER_PENDING ? " pending" : "",
               r->state & MEMBER_FROM_CATALOGUE ? " catalogue" : "");
    buf_printf(out, "%.*s/%.*s/%.*s", r->username_len, tail + roles, r->global_name_len,
               tail + roles + r->username_len, r->nick_len,
               tail + roles + r->username_len + r->global_name_len);
    if (r->state & MEMBER_HAS_ROLES)
        buf_puts(out, " [");
    for (size_t i = 0; i < r->role_count; i++) {
        snowflake_t role;

        memcpy(&role, tail + i * 8, 8);
        buf_puts(out, i ? "," : "");
        put_id(out, role);
    }
    if (r->state & MEMBER_HAS_ROLES)
        buf_putc(out, ']');
}

static void put_voice(struct buf *out, const struct record_voice *r)
{
    buf_puts(out, "voice ");
    put_id(out, r->user);
    buf_putc(out, ' ');
    put_id(out, r->previous);
    buf_puts(out, ">");
    put_id(out, r->channel);
    buf_printf(out, " %x%s", r->state & 0xffu, r->h.flags & RECORD_ESTIMATED ? " estimated" : "");
}

static void put_channel(struct buf *out, const struct record_channel *r)
{
    const char *tail = record_tail(&r->h);

    buf_puts(out, "channel ");
    put_id(out, r->channel);
    buf_printf(out, " %u %.*s p%d", r->channel_type, r->name_len, tail, r->position);
    if (r->parent.id) {
        buf_puts(out, " in ");
        put_id(out, r->parent);
    }
    if (r->last_message.id)
        buf_printf(out, " last %" PRIu64, r->last_message.id);
    buf_printf(out, "%s%s %.*s", r->archived ? " archived" : "", r->locked ? " locked" : "",
               r->overwrites_len, tail + r->name_len);
}

static void put_guild(struct buf *out, const struct record_guild *r)
{
    const char *tail = record_tail(&r->h);

    if (!r->available) {
        buf_puts(out, "outage");
        return;
    }
    buf_printf(out, "guild %.*s/%.*s owner ", r->name_len, tail, r->locale_len, tail + r->name_len);
    put_id(out, r->owner);
    buf_puts(out, " afk ");
    put_id(out, r->afk_channel);
    buf_puts(out, " system ");
    put_id(out, r->system_channel);
    buf_printf(out, " n%u", r->member_count);
}

static void put_coverage(struct buf *out, const struct record_coverage *r)
{
    assert_int_equal(r->gateway_session, SESSION);
    buf_printf(out, "coverage %s %u", r->edge == COVERAGE_OPEN ? "open" : "close", r->reason);
}

static void put_subject(struct buf *out, const char *name, const struct record_subject *r)
{
    buf_printf(out, "%s ", name);
    put_id(out, r->user);
    buf_putc(out, ' ');
    put_id(out, r->other);
}

static void put_role(struct buf *out, const struct record_role *r)
{
    buf_puts(out, "role ");
    put_id(out, r->role);
    buf_printf(out, " %.*s p%d %" PRIu64 "%s", r->name_len, record_tail(&r->h), r->position,
               r->permissions, r->managed ? " managed" : "");
}

static void put_record(struct buf *out, const struct record_header *h)
{
    const void *r = h;

    switch (h->type) {
    case RECORD_SIGHTING:
        put_sighting(out, r);
        break;
    case RECORD_MEMBER:
        put_member(out, r);
        break;
    case RECORD_MEMBER_LEFT:
        put_subject(out, "left", r);
        break;
    case RECORD_VOICE:
        put_voice(out, r);
        break;
    case RECORD_VOICE_PRESENT:
        put_subject(out, "present", r);
        break;
    case RECORD_VOICE_SYNC:
        buf_puts(out, "voicesync");
        break;
    case RECORD_COMPLETE:
        put_subject(out, "complete", r);
        break;
    case RECORD_CHANNEL:
        put_channel(out, r);
        break;
    case RECORD_CHANNEL_GONE:
        put_subject(out, "channelgone", r);
        break;
    case RECORD_ROLE:
        put_role(out, r);
        break;
    case RECORD_ROLE_GONE:
        put_subject(out, "rolegone", r);
        break;
    case RECORD_GUILD:
        put_guild(out, r);
        break;
    case RECORD_GUILD_LEFT:
        buf_puts(out, "guildleft");
        break;
    case RECORD_COVERAGE:
        put_coverage(out, r);
        break;
    default:
        fail_msg("unexpected record of type %u", h->type);
    }
}

/* The records as text, "; " between; checks what holds for all, and applies them to the table. */
static const char *take_records(struct world *w)
{
    const struct record_header *h;
    bool inserted;

    buf_reset(&w->out);
    for (uint32_t at = 0; at < w->list.count; at += h->slots) {
        h = (const void *)(w->list.slots + (size_t)at * RECORD_SLOT_SIZE);
        assert_null(record_check(h, w->list.count - at));
        assert_int_equal(h->session, w->event.session);
        assert_int_equal(h->seq, w->event.seq);
        assert_int_equal(!!(h->flags & RECORD_EVENT_END), at == w->list.last);
        assert_int_equal(((const struct record_subject *)(const void *)h)->guild.id,
                         w->event.guild);
        if (at)
            buf_puts(&w->out, "; ");
        put_record(&w->out, h);
        seen_apply(&w->shm, h, 0, &inserted);
    }
    return buf_cstr(&w->out);
}

/* Interprets a frame; on an error the text is "error: ...". */
static const char *take(struct world *w, const char *frame)
{
    size_t len = strlen(frame);
    char *exact = malloc(len); /* so that a sanitizer sees a read behind the end */
    struct envelope env;
    const char *error;

    assert_non_null(exact);
    memcpy(exact, frame, len);
    assert_null(envelope_scan(exact, len, &env));
    w->event.seq = env.seq;
    w->event.guild = env.guild.id;
    w->event.t_off = env.t_off;
    w->event.t_len = env.t_len;
    w->event.d_off = env.d_off;
    w->event.d_len = env.d_len;
    if (event_interpret(w->ctx, &w->event, exact, len, &w->list, &w->result, &error) < 0) {
        assert_non_null(error);
        assert_int_equal(w->list.count, 0);
        buf_reset(&w->out);
        buf_printf(&w->out, "error: %s", error);
        free(exact);
        return buf_cstr(&w->out);
    }
    assert_null(error);
    free(exact);
    return take_records(w);
}

/* A dispatch named t of the guild, with more keys of d. */
static const char *send(struct world *w, const char *t, const char *more)
{
    char *frame = xasprintf("{\"t\":\"%s\",\"s\":%" PRIu64
                            ",\"op\":0,\"d\":{\"guild_id\":\"%" PRIu64 "\"%s%s}}",
                            t, ++w->seq, GUILD, *more ? "," : "", more);
    const char *text = take(w, frame);

    free(frame);
    return text;
}

static struct seen_row *row(struct world *w, uint64_t user)
{
    return seen_find(&w->shm, (snowflake_t){GUILD}, (snowflake_t){user});
}

static int setup(void **state)
{
    struct shm_params params = {.rows = 4096, .ring_slots = 256, .guilds = 64};
    struct world *w = xcalloc(1, sizeof(*w));
    char *why = NULL;

    snprintf(w->instance, sizeof(w->instance), "t_event-%d", (int)getpid());
    if (shm_open_master(w->instance, &params, &w->shm, &why) == SHM_FAILED)
        fail_msg("%s", why);
    free(why);
    w->ctx = event_ctx_new(&w->shm);
    event_ctx_set_self(w->ctx, (snowflake_t){SELF});
    record_list_init(&w->list);
    buf_init(&w->out, 0);
    w->event = (struct msg_event){.session = SESSION, .arrival_ms = ARRIVAL};
    w->seq = 1000;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    event_ctx_free(&w->ctx);
    assert_null(w->ctx);
    record_list_clear(&w->list);
    buf_clear(&w->out);
    shm_close(&w->shm);
    shm_remove(w->instance);
    free(w);
    return 0;
}

/* --- the contract's examples ------------------------------------------------------------------ */

#define MIRA_PARTIAL  "partial mira human mira/Mira/Mi [mods]; "
#define TOMAS_PARTIAL "partial tomas human tomas// []; "

/* By the examples' s. They are one story: what an earlier line told need not be told again. */
static const struct {
    uint64_t s;
    const char *records;
} story[] = {
    {101, MIRA_PARTIAL "message mira text 1785585600123 counted"},
    {102, TOMAS_PARTIAL "message tomas thread 1785585930500 counted"},
    {103, ""},                                        /* webhook */
    {104, "command mira text 1785586201000 counted"}, /* an app's answer */
    {105, ""},                                        /* USER_JOIN */
    {106, ""},                                        /* DM */
    {107, "edit mira text 1785586260250 counted"},
    {108, ""},
    {109, ""},
    {110, "reaction_add tomas text now counted"},
    {111, "reaction_remove tomas text now counted"},
    {112, ""},
    {113, ""},
    {114, "poll_vote_add mira text now counted"},
    {115, "poll_vote_remove mira text now counted"},
    {116, "typing mira text 1785585905000"},
    {117, "voice_join mira voice now counted; voice mira 0>voice 1"},
    {118, "voice_leave mira 0 now counted; voice mira voice>0 0"},
    {119, "voice_effect mira voice now counted"},
    {120, ""},
    {121, ""},
    {122,
     "channel thread 11 weekend p0 in text ; thread_create tomas thread 1785435600000 counted"},
    {123, "channel thread 11 weekend p0 in text last 1533083251638407176 archived "},
    /* mira was mentioned there by 102, which in this story came at the same time */
    {124, "thread_leave tomas thread now counted"},
    {125, "channelgone 0 thread"},
    {126, ""},
    {127, "interaction mira text 1785586200000 counted"},
    {128, "invite_create mira text now counted"},
    {129, ""},
    {130, "event_rsvp_add tomas 0 now counted"},
    {131, "partial owner human owner//; event_create owner voice now counted"},
    {132, ""},
    {133, "member tomas human pending tomas// []"}, /* he is there already */
    {134, "member tomas human tomas/Tom/ [inactive]; member_update tomas 0 now counted"},
    {135, "left tomas 0"},
    {136, ""},
    {137, ""},
    {138, ""}, /* by the bot itself */
    {139, "audit owner 0 1785586800000 counted"},
    {140, "automod mira text now counted"},
    {141, ""},
    {2, "guild Reading Club/en-US owner owner afk 0 system text n4; "
        "role guild @everyone p0 1799666563140672; role mods Mods p4 1099511635970; "
        "role botrole Presence p5 277293943938 managed; "
        "channel text 0 general p0 last 1533081865936834564 "
        "[{\"id\":\"1502950824345735173\",\"type\":0,\"allow\":\"1024\",\"deny\":\"0\"}]; "
        "channel voice 2 Lounge p1 []; complete 0 7; "
        "member self bot Presence// [botrole]; member mira human mira/Mira/Mi [mods]; "
        "voice mira 0>voice 1 estimated; present mira voice; voicesync; coverage open 1"},
    {142, "outage; coverage close 2"},
    {143, "guildleft"},
    {144, "role inactive Inactive p1 0"},
    {145, "rolegone 0 inactive"},
    {146, "channel 1533090000000000001 0 new p7 []"},
    {147, "channelgone 0 1533090000000000001"},
    {148, ""},
    {149, "outage"},
    {150, "guild Reading Club 2/en-US owner mira afk voice system text n4; "
          "role guild @everyone p0 1799666563140672; role mods Mods p4 1099511635970; "
          "role botrole Presence p5 277293943938 managed"},
    {151, "role inactive Inactive p2 0"},
    {152, "channel text 0 general p0 last 1533081865936834564 "
          "[{\"id\":\"1213063181107335175\",\"type\":0,\"allow\":\"0\",\"deny\":\"1024\"}]"},
    {153, ""},
    {154, ""},
    {155, "event_rsvp_remove tomas 0 now counted"},
    {156, ""},
    {157, ""},
    {158, ""},
    {159, ""},
    {160, ""},
    {161, ""},
    {162, ""},
    {163, ""},
    {164, ""},
    {165, ""},
    {166, ""},
};

static void examples(void **state)
{
    struct world *w = *state;
    FILE *file = fopen(SRCDIR "/tests/data/events.jsonl", "r");
    char *line = NULL;
    size_t cap = 0, n = 0;

    assert_non_null(file);
    while (getline(&line, &cap, file) > 0) {
        size_t i = 0;
        const char *records = take(w, line);

        while (i < sizeof(story) / sizeof(story[0]) && story[i].s != w->event.seq)
            i++;
        assert_true(i < sizeof(story) / sizeof(story[0]));
        if (strcmp(records, story[i].records) != 0)
            fail_msg("s %" PRIu64 ": got      %s\n         expected %s", w->event.seq, records,
                     story[i].records);
        n++;
    }
    assert_int_equal(n, sizeof(story) / sizeof(story[0]));
    free(line);
    fclose(file);
}

/* --- messages --------------------------------------------------------------------------------- */

#define MIRA_USER  "{\"id\":\"806374682394759223\",\"username\":\"mira\"}"
#define MSG_ID     "\"id\":\"1533084612691132416\"" /* 12:10:55 */
#define MSG_TIME   "1785586255000"
#define IN_TEXT    "\"channel_id\":\"1213063185301639169\""
#define MIRA_SHOWN "partial mira human mira//"

static void know(struct world *w, uint64_t user, uint16_t flags)
{
    struct seen_row *r;
    bool inserted;

    r = seen_touch(&w->shm, (snowflake_t){GUILD}, (snowflake_t){user}, 0, &inserted);
    assert_non_null(r);
    r->flags = flags;
}

static const char *message(struct world *w, const char *t, const char *more)
{
    char *d = xasprintf(MSG_ID "," IN_TEXT ",%s", more);
    const char *text = send(w, t, d);

    free(d);
    return text;
}

static void message_types(void **state)
{
    static const unsigned plain[] = {0, 19},
                          system[] = {1, 2, 4, 6, 8, 9, 10, 11, 12, 25, 27, 28, 29, 31, 44};
    struct world *w = *state;

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    for (unsigned type = 0; type < 64; type++) {
        char *more = xasprintf("\"type\":%u,\"author\":" MIRA_USER, type);
        const char *expected = "";

        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
            if (plain[i] == type)
                expected = "message mira text " MSG_TIME " counted";
        for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++)
            if (system[i] == type)
                expected = "message_system mira text " MSG_TIME " counted";
        assert_string_equal(message(w, "MESSAGE_CREATE", more), expected);
        free(more);
    }
}

static void message_refusals(void **state)
{
    struct world *w = *state;

    assert_string_equal(message(w, "MESSAGE_CREATE",
                                "\"type\":0,\"author\":{\"id\":\"663260391014535170\","
                                "\"username\":\"b\",\"bot\":true},\"member\":{\"roles\":[]}"),
                        "partial otherbot bot b// []"); /* known from now on, not recorded */
    assert_string_equal(
        message(w, "MESSAGE_CREATE",
                "\"type\":0,\"author\":{\"id\":\"663260391014535170\",\"bot\":true}"),
        "");
    assert_string_equal(message(w, "MESSAGE_CREATE",
                                "\"type\":0,\"author\":{\"id\":\"643945264868098049\","
                                "\"username\":\"Discord\",\"system\":true}"),
                        "");
    assert_string_equal(
        message(w, "MESSAGE_CREATE", "\"type\":0,\"flags\":64,\"author\":" MIRA_USER), "");
    assert_string_equal(message(w, "MESSAGE_CREATE",
                                "\"type\":0,\"webhook_id\":\"1323802873036935174\",\"author\":"
                                "{\"id\":\"1323802873036935174\",\"username\":\"CI\"}"),
                        "");
    assert_string_equal(
        message(w, "MESSAGE_CREATE", "\"type\":0,\"webhook_id\":null,\"author\":" MIRA_USER),
        MIRA_SHOWN "; message mira text " MSG_TIME " counted");
    assert_string_equal(
        message(w, "MESSAGE_CREATE", "\"type\":0,\"author\":{\"id\":\"1502943274598535171\"}"),
        ""); /* the bot itself, shown without its flag */
    know(w, TOMAS, SEEN_BOT);
    assert_string_equal(
        message(w, "MESSAGE_CREATE", "\"type\":0,\"author\":{\"id\":\"994893149241479228\"}"),
        "partial tomas human //"); /* the newer word is told; nothing recorded */
}

static void answers_of_apps(void **state)
{
    struct world *w = *state;
    static const char app[] = "\"author\":{\"id\":\"663260391014535170\",\"username\":\"b\","
                              "\"bot\":true},\"interaction_metadata\":";
    char *more;

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    for (int type = 0; type <= 23; type++) { /* a plain message, a reply, a command's answer */
        if (type != 0 && type != 19 && type != 20 && type != 23)
            continue;
        more = xasprintf("\"type\":%d,%s{\"id\":\"1\",\"user\":" MIRA_USER "}", type, app);
        assert_string_equal(message(w, "MESSAGE_CREATE", more),
                            "command mira text " MSG_TIME " counted");
        free(more);
    }
    more = xasprintf("\"type\":20,\"webhook_id\":\"663260391014535170\",%s{\"user\":" MIRA_USER "}",
                     app);
    assert_string_equal(message(w, "MESSAGE_CREATE", more),
                        "command mira text " MSG_TIME " counted");
    free(more);
    more = xasprintf("\"type\":20,%s{\"user\":{\"id\":\"%" PRIu64 "\",\"bot\":true}}", app, TOMAS);
    assert_string_equal(message(w, "MESSAGE_CREATE", more), "partial tomas bot //");
    free(more);
    /* a person's message never becomes a command */
    assert_string_equal(message(w, "MESSAGE_CREATE",
                                "\"type\":0,\"author\":" MIRA_USER
                                ",\"interaction_metadata\":{\"user\":{\"id\":\"1\"}}"),
                        "message mira text " MSG_TIME " counted");
}

static void edits(void **state)
{
    struct world *w = *state;
    static const char author[] = "\"type\":0,\"author\":" MIRA_USER ",\"edited_timestamp\":";
    static const struct {
        const char *edited, *records;
    } cases[] = {
        {"null", ""},
        {"\"2026-08-01T12:06:00.999000+00:00\"", ""}, /* over 5 min ago: not now */
        {"\"2026-08-01T12:06:01.000000+00:00\"", "edit mira text 1785585961000 counted"},
        {"\"2026-08-01T12:06:01.000000+00:00\"", ""}, /* the same edit: a link unfurls */
        {"\"2026-08-01T12:11:00.250000+00:00\"", "edit mira text 1785586260250 counted"},
        {"\"2026-08-01T12:10:00.000000+00:00\"", ""}, /* older than his last edit */
        {"\"2026-08-01T12:17:00.000000+00:00\"", ""}, /* the future */
        {"\"yesterday\"", ""},
    };

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *more = xasprintf("%s%s", author, cases[i].edited);

        assert_string_equal(message(w, "MESSAGE_UPDATE", more), cases[i].records);
        free(more);
    }
    assert_string_equal(message(w, "MESSAGE_UPDATE", "\"content\":\"x\""), ""); /* partial */
    assert_string_equal(message(w, "MESSAGE_UPDATE",
                                "\"author\":{\"id\":\"7\",\"bot\":true},\"edited_timestamp\":"
                                "\"2026-08-01T12:11:00+00:00\""),
                        "");
    assert_string_equal(message(w, "MESSAGE_UPDATE",
                                "\"webhook_id\":\"7\",\"author\":{\"id\":\"7\"},"
                                "\"edited_timestamp\":\"2026-08-01T12:11:00+00:00\""),
                        "");
}

static void replayed(void **state)
{
    struct world *w = *state;

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    w->event.flags = MSG_EVENT_REPLAYED;
    w->event.gap_ms = 600000; /* the edit may be 15 minutes old */
    assert_string_equal(message(w, "MESSAGE_UPDATE",
                                "\"type\":0,\"author\":" MIRA_USER
                                ",\"edited_timestamp\":\"2026-08-01T11:57:00+00:00\""),
                        "edit mira text 1785585420000 counted replayed");
    assert_string_equal(message(w, "MESSAGE_UPDATE",
                                "\"type\":0,\"author\":" MIRA_USER
                                ",\"edited_timestamp\":\"2026-08-01T11:54:00+00:00\""),
                        "");
    assert_string_equal(
        send(w, "MESSAGE_REACTION_ADD", IN_TEXT ",\"user_id\":\"806374682394759223\""),
        "reaction_add mira text now counted replayed");
}

/* --- acts by id ------------------------------------------------------------------------------- */

static void bot_flag(void **state)
{
    static const char *const by_id[] = {"MESSAGE_REACTION_ADD",
                                        "MESSAGE_REACTION_REMOVE",
                                        "TYPING_START",
                                        "VOICE_CHANNEL_EFFECT_SEND",
                                        "GUILD_SCHEDULED_EVENT_USER_ADD",
                                        "GUILD_SCHEDULED_EVENT_USER_REMOVE",
                                        "AUTO_MODERATION_ACTION_EXECUTION",
                                        "GUILD_AUDIT_LOG_ENTRY_CREATE",
                                        "VOICE_STATE_UPDATE"};
    struct world *w = *state;
    uint64_t user = 9000000000;

    for (size_t i = 0; i < sizeof(by_id) / sizeof(by_id[0]); i++) {
        char *d = xasprintf("\"user_id\":\"%" PRIu64 "\"," IN_TEXT, ++user);

        assert_non_null(strstr(send(w, by_id[i], d), "unknown"));
        assert_true(w->result.flags & EVENT_WANT_BOT_FLAG);
        assert_int_equal(w->result.user.id, user);
        row(w, user)->flags = SEEN_HUMAN;
        row(w, user)->voice_channel = 0;
        assert_true(strlen(send(w, by_id[i], d)) > 0);
        assert_null(strstr(buf_cstr(&w->out), "unknown"));
        assert_false(w->result.flags & EVENT_WANT_BOT_FLAG);
        row(w, user)->flags = SEEN_BOT;
        row(w, user)->voice_channel = 0;
        assert_string_equal(send(w, by_id[i], d), "");
        free(d);
        d = xasprintf("\"user_id\":\"%" PRIu64 "\"," IN_TEXT, SELF);
        assert_string_equal(send(w, by_id[i], d), "");
        free(d);
        assert_string_equal(send(w, by_id[i], "\"user_id\":true"),
                            "error: user_id: expected a snowflake");
    }
    /* voters are always people */
    assert_string_equal(send(w, "MESSAGE_POLL_VOTE_ADD", IN_TEXT ",\"user_id\":\"77\""),
                        "poll_vote_add 77 text now counted");
    assert_string_equal(send(w, "MESSAGE_POLL_VOTE_REMOVE", IN_TEXT ",\"user_id\":\"78\""),
                        "poll_vote_remove 78 text now counted");
}

static void audit(void **state)
{
    struct world *w = *state;
    static const unsigned types[] = {1, 20, 22, 25, 72, 74, 110, 140, 142, 147, 192};

    know(w, OWNER, SEEN_HUMAN | SEEN_RECORDED);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char *d =
            xasprintf(MSG_ID ",\"user_id\":\"%" PRIu64 "\",\"action_type\":%u", OWNER, types[i]);

        assert_string_equal(send(w, "GUILD_AUDIT_LOG_ENTRY_CREATE", d),
                            "audit owner 0 " MSG_TIME " counted");
        free(d);
    }
    for (unsigned type = 143; type <= 146; type++) {
        char *d = xasprintf(MSG_ID ",\"user_id\":\"%" PRIu64 "\",\"action_type\":%u", OWNER, type);

        assert_string_equal(send(w, "GUILD_AUDIT_LOG_ENTRY_CREATE", d), "");
        free(d);
    }
    assert_string_equal(
        send(w, "GUILD_AUDIT_LOG_ENTRY_CREATE",
             MSG_ID ",\"user_id\":\"584320234291335189\",\"action_type\":72,"
                    "\"options\":{\"count\":\"1\",\"channel_id\":\"1213063185301639169\"}"),
        "audit owner text " MSG_TIME " counted");
    assert_string_equal(
        send(w, "GUILD_AUDIT_LOG_ENTRY_CREATE", MSG_ID ",\"user_id\":null,\"action_type\":72"), "");
}

static void times(void **state)
{
    struct world *w = *state;

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    /* a server with ids that carry no time */
    assert_string_equal(send(w, "MESSAGE_CREATE", "\"id\":17," IN_TEXT ",\"author\":" MIRA_USER),
                        "message mira text now counted");
    assert_string_equal(send(w, "MESSAGE_CREATE",
                             "\"id\":\"18446744073709551615\"," IN_TEXT ",\"author\":" MIRA_USER),
                        "message mira text now counted");
    assert_string_equal(send(w, "TYPING_START", IN_TEXT ",\"user_id\":\"806374682394759223\""),
                        "typing mira text now");
    assert_string_equal(
        send(w, "TYPING_START", IN_TEXT ",\"user_id\":806374682394759223,\"timestamp\":1785586260"),
        "typing mira text 1785586260000");
}

/* The first bytes alone decide; whether it is a command others find out. */
static void messages_that_begin_like_commands(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *content;
        bool flagged, awaited;
    } cases[] = {
        {"?ping", true, true}, {"<@1> ping", true, true}, {"\\u003fping", true, true},
        {"ping", false, true}, {" ?ping", false, true},   {"<#1>", false, true},
        {"", false, false},
    };

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        bool awaited = i % 2;
        char *d = xasprintf(MSG_ID ",\"type\":0,\"channel_id\":\"1213063185301639169\","
                                   "\"content\":\"%s\",\"author\":" MIRA_USER,
                            cases[i / 2].content);

        event_ctx_set_prefix(w->ctx, "?");
        event_ctx_await(w->ctx, awaited ? (snowflake_t){MIRA} : SNOWFLAKE_NONE);
        assert_string_equal(send(w, "MESSAGE_CREATE", d), "message mira text " MSG_TIME " counted");
        assert_int_equal(!!(w->result.flags & EVENT_ORDER),
                         awaited ? cases[i / 2].awaited : cases[i / 2].flagged);
        free(d);
    }
    /* A direct message is nobody's activity, but may be a command. */
    assert_string_equal(take(w, "{\"op\":0,\"s\":9,\"t\":\"MESSAGE_CREATE\",\"d\":{" MSG_ID
                                ",\"content\":\"?ping\",\"author\":" MIRA_USER "}}"),
                        "");
    assert_true(w->result.flags & EVENT_ORDER);
}

static void interactions(void **state)
{
    struct world *w = *state;
    static const char member[] = "\"member\":{\"user\":" MIRA_USER ",\"roles\":[]}";

    for (int type = 2; type <= 5; type++) {
        char *d = xasprintf(MSG_ID ",\"type\":%d,\"channel\":{\"id\":\"1213063185301639169\"},%s",
                            type, member);

        assert_string_equal(send(w, "INTERACTION_CREATE", d),
                            type == 2 ? MIRA_SHOWN " []; interaction mira text " MSG_TIME " counted"
                                      : "interaction mira text " MSG_TIME " counted");
        free(d);
    }
    assert_string_equal(take(w, "{\"op\":0,\"s\":9,\"t\":\"INTERACTION_CREATE\",\"d\":{" MSG_ID
                                ",\"user\":" MIRA_USER "}}"),
                        ""); /* DM */
    assert_int_equal(w->result.flags & EVENT_INTERACTION, 0);
    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    atomic_store(&row(w, MIRA)->seen, SEEN_PACK(5000, ACTIVITY_MESSAGE));
    atomic_store(&row(w, MIRA)->counted, SEEN_PACK(5000, ACTIVITY_MESSAGE));
    assert_string_equal(send(w, "INTERACTION_CREATE",
                             MSG_ID
                             ",\"type\":2,\"channel_id\":\"1213063185301639169\",\"member\":{"
                             "\"user\":" MIRA_USER ",\"roles\":[]}"),
                        "interaction mira text " MSG_TIME " counted");
    assert_int_equal(w->result.flags & EVENT_INTERACTION, EVENT_INTERACTION);
    assert_int_equal(SEEN_MS(w->result.before_seen), 5000); /* before this very act */
    assert_int_equal(SEEN_KIND(w->result.before_counted), ACTIVITY_MESSAGE);
    assert_string_equal(send(w, "INTERACTION_CREATE", MSG_ID),
                        "error: member.user.id: expected a snowflake");
}

static void others(void **state)
{
    struct world *w = *state;

    assert_string_equal(send(w, "INVITE_CREATE", IN_TEXT), ""); /* vanity */
    assert_string_equal(send(w, "INVITE_CREATE", IN_TEXT ",\"inviter\":" MIRA_USER),
                        MIRA_SHOWN "; invite_create mira text now counted");
    assert_string_equal(
        send(w, "INVITE_CREATE", "\"inviter\":{\"id\":\"663260391014535170\",\"bot\":true}"),
        "partial otherbot bot //");
    assert_string_equal(send(w, "GUILD_SCHEDULED_EVENT_CREATE", "\"creator_id\":null"), "");
    assert_string_equal(send(w, "GUILD_SCHEDULED_EVENT_CREATE",
                             "\"channel_id\":null,\"creator_id\":\"806374682394759223\""),
                        "event_create mira 0 now counted");
    assert_string_equal(
        send(w, "GUILD_SCHEDULED_EVENT_UPDATE", "\"creator_id\":\"806374682394759223\""), "");
    assert_string_equal(send(w, "PRESENCE_UPDATE", "\"user\":{\"id\":\"806374682394759223\"}"), "");
    assert_string_equal(send(w, "SOMETHING_NEW", "\"user_id\":\"806374682394759223\""), "");
    assert_string_equal(send(w, "MESSAGE_REACTION_REMOVE_ALL", IN_TEXT), "");
    assert_string_equal(take(w, "{\"op\":0,\"s\":9,\"t\":\"MESSAGE_REACTION_ADD\",\"d\":{"
                                "\"user_id\":\"806374682394759223\"," IN_TEXT "}}"),
                        ""); /* DM */
}

/* --- voice ------------------------------------------------------------------------------------ */

static const char *voice(struct world *w, const char *channel, const char *more)
{
    char *d = xasprintf("\"user_id\":\"806374682394759223\",\"channel_id\":%s%s", channel, more);
    const char *text = send(w, "VOICE_STATE_UPDATE", d);

    free(d);
    return text;
}

#define VOICE "\"1213063185301639170\""
#define STAGE "\"1213787961032839171\""
#define AFK   "\"1213063185301639199\""

static void voice_rules(void **state)
{
    struct world *w = *state;

    shm_guild(&w->shm, (snowflake_t){GUILD}, true)->afk_channel = UINT64_C(1213063185301639199);
    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    assert_string_equal(voice(w, "null", ""), ""); /* was not in */
    assert_string_equal(voice(w, VOICE, ",\"self_mute\":true"),
                        "voice_join mira voice now counted; voice mira 0>voice 1");
    assert_string_equal(voice(w, VOICE, ",\"self_mute\":true"), "");
    assert_string_equal(voice(w, VOICE, ",\"self_mute\":false"),
                        "voice_self mira voice now counted; voice mira voice>voice 0");
    assert_string_equal(voice(w, VOICE, ",\"self_deaf\":true"),
                        "voice_self mira voice now counted; voice mira voice>voice 2");
    assert_string_equal(voice(w, VOICE, ",\"self_deaf\":true,\"self_video\":true"),
                        "voice_self mira voice now counted; voice mira voice>voice 6");
    assert_string_equal(voice(w, VOICE, ",\"self_stream\":true"),
                        "voice_self mira voice now counted; voice mira voice>voice 8");
    /* by others: the state is kept, nobody acted */
    assert_string_equal(voice(w, VOICE, ",\"self_stream\":true,\"mute\":true"),
                        "voice mira voice>voice 18");
    assert_string_equal(voice(w, VOICE, ",\"self_stream\":true,\"deaf\":true,\"suppress\":true"),
                        "voice mira voice>voice 68");
    assert_string_equal(voice(w, STAGE, ",\"suppress\":true"),
                        "voice_move mira stage now counted; voice mira voice>stage 40");
    assert_string_equal(voice(w, STAGE,
                              ",\"suppress\":true,\"request_to_speak_timestamp\":"
                              "\"2026-08-01T12:11:00+00:00\""),
                        "voice_self mira stage now counted; voice mira stage>stage c0");
    assert_string_equal(voice(w, STAGE,
                              ",\"suppress\":true,\"request_to_speak_timestamp\":"
                              "\"2026-08-01T12:11:00+00:00\""),
                        "");
    assert_string_equal(voice(w, STAGE,
                              ",\"suppress\":true,\"request_to_speak_timestamp\":"
                              "\"2026-08-01T12:11:01+00:00\""),
                        "voice_self mira stage now counted; voice mira stage>stage c0");
    assert_string_equal(voice(w, STAGE, ",\"suppress\":true"), /* taken down: by whom? */
                        "voice mira stage>stage 40");
    assert_string_equal(voice(w, AFK, ""), /* moved by the AFK timer */
                        "voice mira stage>1213063185301639199 0");
    assert_string_equal(voice(w, VOICE, ""), "voice_move mira voice now counted; "
                                             "voice mira 1213063185301639199>voice 0");
    assert_string_equal(voice(w, "null", ""),
                        "voice_leave mira 0 now counted; voice mira voice>0 0");
    assert_int_equal(row(w, MIRA)->voice_channel, 0);
    /* bots are nobody */
    assert_string_equal(send(w, "VOICE_STATE_UPDATE",
                             "\"user_id\":\"55\",\"channel_id\":" VOICE
                             ",\"member\":{\"user\":{\"id\":\"55\",\"bot\":true}}"),
                        "");
    assert_string_equal(voice(w, "12.5", ""), "error: channel_id: expected a snowflake or null");
    /* a leave of somebody unknown still shows that he was there */
    assert_string_equal(send(w, "VOICE_STATE_UPDATE", "\"user_id\":\"56\",\"channel_id\":null"),
                        "voice_leave 56 0 now counted unknown; voice 56 0>0 0");
}

#define GUILD_HEAD                                                                                 \
    "{\"op\":0,\"s\":3,\"t\":\"GUILD_CREATE\",\"d\":{\"id\":\"1213063181107335175\","              \
    "\"name\":\"G\",\"roles\":[],\"channels\":[]"

static void voice_after_absence(void **state)
{
    struct world *w = *state;
    static const char create[] =
        GUILD_HEAD ",\"members\":[{\"user\":{\"id\":\"663260391014535170\",\"username\":\"b\","
                   "\"bot\":true},\"roles\":[]}],\"voice_states\":["
                   "{\"user_id\":\"994893149241479228\",\"channel_id\":" STAGE "},"
                   "{\"user_id\":\"584320234291335189\",\"channel_id\":" VOICE "},"
                   "{\"user_id\":\"663260391014535170\",\"channel_id\":" VOICE "}]}}";

    know(w, MIRA, SEEN_HUMAN);
    row(w, MIRA)->voice_channel = UINT64_C(1213063185301639170);
    know(w, TOMAS, SEEN_HUMAN);
    row(w, TOMAS)->voice_channel = UINT64_C(1213063185301639170);
    know(w, OWNER, SEEN_HUMAN);
    row(w, OWNER)->voice_channel = UINT64_C(1213063185301639170);
    assert_string_equal(
        take(w, create),
        "guild G/ owner 0 afk 0 system 0 n0; complete 0 1; member otherbot bot b// []; "
        "voice tomas voice>stage 0 estimated; present tomas stage; "
        "present owner voice; voice mira voice>0 0 estimated; voicesync; "
        "coverage open 1");
    assert_int_equal(row(w, MIRA)->voice_channel, 0);
    assert_true(w->result.flags & EVENT_WANT_ROSTER);
    assert_true(w->result.flags & EVENT_IDEMPOTENT);
    /* once more: nothing changed, coverage is open */
    assert_string_equal(
        take(w, create),
        "guild G/ owner 0 afk 0 system 0 n0; complete 0 1; member otherbot bot b// []; "
        "present tomas stage; present owner voice; voicesync");
    /* without the voice intent nothing is known */
    w->event.session = SESSION;
    assert_string_equal(take(w, GUILD_HEAD "}}"),
                        "guild G/ owner 0 afk 0 system 0 n0; complete 0 1");
    assert_int_equal(row(w, OWNER)->voice_channel, UINT64_C(1213063185301639170));
}

/* --- guilds ----------------------------------------------------------------------------------- */

static void coverage(void **state)
{
    struct world *w = *state;
    static const char gone[] = "{\"op\":0,\"s\":4,\"t\":\"GUILD_DELETE\",\"d\":{"
                               "\"id\":\"1213063181107335175\"";
    static const char text[] = "guild G/ owner 0 afk 0 system 0 n0; complete 0 1";
    char *frame, *expected;

    assert_string_equal(take(w, GUILD_HEAD "}}"),
                        "guild G/ owner 0 afk 0 system 0 n0; complete 0 1; coverage open 1");
    frame = xasprintf("%s,\"unavailable\":true}}", gone);
    assert_string_equal(take(w, frame), "outage; coverage close 2");
    assert_string_equal(take(w, frame), "outage");
    free(frame);
    expected = xasprintf("%s; coverage open 2", text);
    assert_string_equal(take(w, GUILD_HEAD "}}"), expected); /* the outage is over */
    free(expected);
    frame = xasprintf("%s}}", gone);
    assert_string_equal(take(w, frame), "coverage close 4; guildleft");
    assert_true(w->result.flags & EVENT_GUILD_GONE);
    free(frame);
    expected = xasprintf("%s; coverage open 3", text);
    assert_string_equal(
        take(w, GUILD_HEAD ",\"joined_at\":\"2026-08-01T12:10:59+00:00\",\"unavailable\":false}}"),
        expected); /* invited */
    free(expected);
}

/* What a GUILD_CREATE lists in full; an absent list, or roles that are ids, say nothing. */
static void complete_lists(void **state)
{
    static const struct {
        const char *lists, *complete;
    } cases[] = {
        {"", ""},
        {"\"channels\":null,\"threads\":null,\"roles\":[]", ""},
        {"\"channels\":[]", "; complete 0 1"},
        {"\"threads\":[]", "; complete 0 2"},
        {"\"roles\":[\"7\"],\"threads\":[],\"channels\":[]", "; complete 0 3"},
        {"\"roles\":[{\"id\":\"7\",\"name\":\"r\",\"permissions\":\"0\"}]",
         "; role 7 r p0 0; complete 0 4"},
        {"\"channels\":[],\"threads\":[],"
         "\"roles\":[{\"id\":\"7\",\"name\":\"r\",\"permissions\":\"0\"}]",
         "; role 7 r p0 0; complete 0 7"},
    };
    struct world *w = *state;

    take(w, GUILD_HEAD "}}"); /* coverage is open */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *frame = xasprintf("{\"op\":0,\"s\":4,\"t\":\"GUILD_CREATE\",\"d\":{"
                                "\"id\":\"1213063181107335175\",\"name\":\"G\"%s%s}}",
                                *cases[i].lists ? "," : "", cases[i].lists);
        char *expected = xasprintf("guild G/ owner 0 afk 0 system 0 n0%s", cases[i].complete);

        assert_string_equal(take(w, frame), expected);
        free(frame);
        free(expected);
    }
}

static void update_keeps_what_is_absent(void **state)
{
    struct world *w = *state;
    struct shm_guild *g = shm_guild(&w->shm, (snowflake_t){GUILD}, true);

    g->afk_channel = UINT64_C(1213063185301639170);
    g->member_count = 42;
    assert_string_equal(take(w, "{\"op\":0,\"s\":4,\"t\":\"GUILD_UPDATE\",\"d\":{"
                                "\"id\":\"1213063181107335175\",\"name\":\"H\"}}"),
                        "guild H/ owner 0 afk voice system 0 n42");
    assert_string_equal(take(w, "{\"op\":0,\"s\":4,\"t\":\"GUILD_UPDATE\",\"d\":{"
                                "\"id\":\"1213063181107335175\",\"afk_channel_id\":null}}"),
                        "guild / owner 0 afk 0 system 0 n42");
}

/* --- roster ----------------------------------------------------------------------------------- */

#define TOMAS_USER "\"user\":{\"id\":\"994893149241479228\",\"username\":\"tomas\"}"

static void joins(void **state)
{
    struct world *w = *state;
    static const char d[] =
        TOMAS_USER ",\"roles\":[],\"joined_at\":\"2026-08-01T12:10:00.480000+00:00\",\"flags\":0";
    static const char old[] =
        TOMAS_USER ",\"roles\":[],\"joined_at\":\"2026-08-01T12:05:00.480000+00:00\",\"flags\":0";

    assert_string_equal(send(w, "GUILD_MEMBER_ADD", d),
                        "member tomas human joined tomas// []; member_join tomas 0 now counted");
    assert_string_equal(send(w, "GUILD_MEMBER_ADD", d), "member tomas human tomas// []");
    assert_string_equal(send(w, "GUILD_MEMBER_REMOVE", TOMAS_USER), "left tomas 0");
    assert_string_equal(send(w, "GUILD_MEMBER_ADD", d), /* he left and came back */
                        "member tomas human joined tomas// []; member_join tomas 0 now counted");
    know(w, TOMAS, SEEN_LOADING); /* unknown: joined_at tells */
    assert_string_equal(send(w, "GUILD_MEMBER_ADD", old), "member tomas human tomas// []");
    know(w, TOMAS, SEEN_LOADING);
    w->event.flags = MSG_EVENT_REPLAYED;
    w->event.gap_ms = 120000;
    assert_string_equal(
        send(w, "GUILD_MEMBER_ADD", old),
        "member tomas human joined tomas// []; member_join tomas 0 now counted replayed");
    w->event.flags = 0;
    assert_string_equal(send(w, "GUILD_MEMBER_ADD",
                             "\"user\":{\"id\":\"663260391014535170\",\"bot\":true},\"roles\":[],"
                             "\"joined_at\":\"2026-08-01T12:10:00+00:00\""),
                        "member otherbot bot joined // []");
}

static void updates(void **state)
{
    struct world *w = *state;
#define UPDATE(more)                                                                               \
    send(w, "GUILD_MEMBER_UPDATE", TOMAS_USER ",\"roles\":[],\"avatar\":null,\"banner\":null," more)
#define PLAIN "member tomas human tomas// []"
#define ACT   PLAIN "; member_update tomas 0 now counted"

    assert_string_equal(UPDATE("\"pending\":true,\"flags\":0"), /* only remembered */
                        "member tomas human pending tomas// []");
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":0"), ACT);
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":0"), PLAIN);
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":8"), ACT);    /* STARTED_ONBOARDING */
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":10"), ACT);   /* COMPLETED_ */
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":11"), PLAIN); /* DID_REJOIN */
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":15"),
                        PLAIN);                                         /* BYPASSES_VERIFICATION */
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":47"), ACT); /* home actions */
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":111"), ACT);
    assert_string_equal(UPDATE("\"pending\":false,\"flags\":0"), PLAIN); /* lost flags */
    assert_string_equal(UPDATE("\"pending\":false,\"nick\":\"T\",\"flags\":0"),
                        "member tomas human tomas//T []"); /* nick: perhaps a moderator */
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE",
                             TOMAS_USER ",\"roles\":[],\"avatar\":\"a1\",\"banner\":null"),
                        ACT);
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE", TOMAS_USER ",\"roles\":[]"), PLAIN);
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE", /* absent kept it */
                             TOMAS_USER ",\"roles\":[],\"avatar\":\"a1\",\"banner\":null"),
                        PLAIN);
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE",
                             TOMAS_USER ",\"roles\":[],\"avatar\":\"a1\",\"banner\":\"b1\""),
                        ACT);
    know(w, TOMAS, SEEN_HUMAN); /* known as a person, nothing of his state */
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE",
                             TOMAS_USER ",\"roles\":[],\"avatar\":\"a9\",\"banner\":null,"
                                        "\"flags\":2"),
                        PLAIN);
    assert_string_equal(send(w, "GUILD_MEMBER_UPDATE",
                             "\"user\":{\"id\":\"663260391014535170\",\"bot\":true},"
                             "\"roles\":[\"1213410469478535170\"],\"flags\":2"),
                        "member otherbot bot // [mods]");
}

static void chunks(void **state)
{
    struct world *w = *state;

    assert_string_equal(
        send(w, "GUILD_MEMBERS_CHUNK",
             "\"members\":[{\"user\":{\"id\":\"806374682394759223\",\"username\":\"mi\\u0072a\","
             "\"global_name\":\"M\\ud83d\\ude00\"},\"nick\":\"a\\\"b\",\"roles\":[\"1\","
             "{\"id\":\"2\",\"name\":\"x\"},\"1213063181107335175\",3],"
             "\"joined_at\":\"2024-03-02T08:15:00+00:00\"},"
             "{\"user\":{\"id\":663260391014535170,\"username\":\"b\",\"bot\":true},\"roles\":[]}"
             "],\"chunk_index\":4,\"chunk_count\":5,\"not_found\":[123123],\"nonce\":\"look-8\""),
        "member mira human catalogue mira/M\xf0\x9f\x98\x80/a\"b [1,2,3]; "
        "member otherbot bot catalogue b// []");
    assert_int_equal(w->result.flags, EVENT_ROSTER_CHUNK | EVENT_IDEMPOTENT);
    assert_int_equal(w->result.chunk_index, 4);
    assert_int_equal(w->result.chunk_count, 5);
    assert_int_equal(w->result.members, 2);
    assert_string_equal(w->result.nonce, "look-8");
    assert_string_equal(send(w, "GUILD_MEMBERS_CHUNK",
                             "\"members\":[],\"chunk_index\":1,"
                             "\"chunk_count\":1"),
                        "error: chunk_index: expected to be below chunk_count");
    assert_string_equal(send(w, "GUILD_MEMBERS_CHUNK", "\"members\":[{\"user\":5}]"),
                        "error: user: expected a user object");
}

static void rate_limited(void **state)
{
    struct world *w = *state;

    assert_string_equal(take(w,
                             "{\"op\":0,\"s\":58,\"t\":\"RATE_LIMITED\",\"d\":{\"opcode\":8,"
                             "\"retry_after\":17.3,\"meta\":{\"guild_id\":\"1213063181107335175\","
                             "\"nonce\":\"sync-9\"}}}"),
                        "");
    assert_int_equal(w->result.flags, EVENT_RATE_LIMITED);
    assert_int_equal(w->result.retry_after_ms, 17300);
    assert_int_equal(w->result.guild.id, GUILD);
    assert_string_equal(w->result.nonce, "sync-9");
}

static void ready_tells_who_we_are(void **state)
{
    struct world *w = *state;

    event_ctx_set_self(w->ctx, SNOWFLAKE_NONE);
    assert_string_equal(take(w, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"user\":{\"id\":"
                                "\"806374682394759223\"},\"session_id\":\"x\"}}"),
                        "");
    assert_string_equal(message(w, "MESSAGE_CREATE", "\"author\":" MIRA_USER), "");
}

/* --- threads ---------------------------------------------------------------------------------- */

#define IN_THREAD "\"id\":\"1532452719820935179\""

static void threads(void **state)
{
    struct world *w = *state;
    static const char add[] = IN_THREAD ",\"added_members\":[{\"user_id\":\"806374682394759223\"}]";

    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    /* started from a message of 12:00:00.123, with its id */
    assert_string_equal(send(w, "THREAD_CREATE",
                             "\"id\":\"1533081865936834564\",\"newly_created\":true,"
                             "\"owner_id\":\"806374682394759223\",\"thread_metadata\":"
                             "{\"create_timestamp\":\"2026-08-01T12:11:00.500000+00:00\"}"),
                        "channel 1533081865936834564 0  p0 ; thread_create mira "
                        "1533081865936834564 1785586260500 counted");
    /* the same where the server does not tell when */
    assert_string_equal(send(w, "THREAD_CREATE",
                             "\"id\":\"1533081865936834564\",\"newly_created\":true,"
                             "\"owner_id\":\"806374682394759223\""),
                        "channel 1533081865936834564 0  p0 ; thread_create mira "
                        "1533081865936834564 now counted");
    assert_string_equal(send(w, "THREAD_CREATE",
                             MSG_ID ",\"newly_created\":true,"
                                    "\"owner_id\":\"806374682394759223\""),
                        "channel 1533084612691132416 0  p0 ; thread_create mira "
                        "1533084612691132416 " MSG_TIME " counted");
    assert_string_equal(send(w, "THREAD_CREATE",
                             IN_THREAD ",\"type\":11,\"owner_id\":\"806374682394759223\","
                                       "\"member\":{}"),
                        "channel thread 11  p0 "); /* the bot was added to an old one */
    assert_string_equal(send(w, "THREAD_MEMBERS_UPDATE", add),
                        "thread_join mira thread now counted");
    assert_string_equal(send(w, "MESSAGE_CREATE",
                             MSG_ID ",\"type\":0,\"channel_id\":\"1532452719820935179\","
                                    "\"channel_type\":11,\"author\":{\"id\":\"5\",\"bot\":true},"
                                    "\"mentions\":[" MIRA_USER "]"),
                        "partial 5 bot //");
    event_ctx_free(&w->ctx); /* another worker takes the lane over */
    w->ctx = event_ctx_new(&w->shm);
    w->event.arrival_ms = ARRIVAL + 5000;
    assert_string_equal(send(w, "THREAD_MEMBERS_UPDATE", add), "");
    w->event.arrival_ms = ARRIVAL + 5001;
    assert_non_null(strstr(send(w, "THREAD_MEMBERS_UPDATE", add), "thread_join mira"));
    w->event.arrival_ms = ARRIVAL;
    assert_string_equal(send(w, "MESSAGE_CREATE", /* not in a thread: nobody is added */
                             MSG_ID ",\"type\":0,\"channel_id\":\"1532452719820935179\","
                                    "\"channel_type\":0,\"author\":{\"id\":\"5\",\"bot\":true},"
                                    "\"mentions\":[{\"id\":\"994893149241479228\"}]"),
                        "");
    assert_string_equal(send(w, "THREAD_MEMBERS_UPDATE",
                             IN_THREAD
                             ",\"added_members\":[{\"user_id\":\"994893149241479228\",\"member\":"
                             "{" TOMAS_USER ",\"roles\":[]}}],\"removed_member_ids\":[\"5\"]"),
                        "partial tomas human tomas// []; thread_join tomas thread now counted");
    assert_string_equal(send(w, "THREAD_MEMBERS_UPDATE", IN_THREAD ",\"added_members\":{}"),
                        "error: added_members: expected an array");
    assert_string_equal(send(w, "THREAD_LIST_SYNC",
                             "\"threads\":[{" IN_THREAD ",\"type\":12,\"name\":\"w\","
                             "\"parent_id\":\"1213063185301639169\",\"thread_metadata\":"
                             "{\"archived\":false,\"locked\":true}}]"),
                        "channel thread 12 w p0 in text locked ");
}

/* --- two steps -------------------------------------------------------------------------------- */

/* What the table holds counts when an event is interpreted, not when it is read. */
static void read_ahead(void **state)
{
    struct world *w = *state;
    static const char frame[] = "{\"user_id\":\"806374682394759223\"," IN_TEXT "}";
    struct msg_event first = {
        .session = SESSION, .seq = 1, .guild = GUILD, .arrival_ms = ARRIVAL, .d_len = 1};
    struct msg_event event = {
        .session = SESSION, .seq = 2, .guild = GUILD, .arrival_ms = ARRIVAL, .t_off = 0};
    struct event_ahead *one = event_ahead_new(), *two = event_ahead_new();
    char *text = xasprintf("TYPING_START%s", frame);
    const char *error;

    event.t_len = 12;
    event.d_off = 12;
    event.d_len = (uint32_t)strlen(frame);
    know(w, MIRA, SEEN_HUMAN | SEEN_RECORDED);
    event_read(one, &event, text, strlen(text));
    event_read(two, &first, "{}", 2);
    assert_int_equal(event_actor(one).id, MIRA);
    assert_int_equal(event_actor(two).id, 0);
    assert_ptr_equal(event_head(one), &event);
    assert_int_equal(event_interpret_read(w->ctx, one, &w->list, &w->result, &error), 0);
    assert_int_equal(w->result.kind, ACTIVITY_TYPING);
    assert_int_equal(w->list.count, 1);
    row(w, MIRA)->flags = SEEN_BOT;
    assert_int_equal(event_interpret_read(w->ctx, one, &w->list, &w->result, &error), 0);
    assert_int_equal(w->list.count, 0);
    assert_int_equal(event_interpret_read(w->ctx, two, &w->list, &w->result, &error), 0);
    assert_int_equal(w->list.count, 0);
    event_ahead_free(&one);
    event_ahead_free(&two);
    free(text);
}

/* --- bad input -------------------------------------------------------------------------------- */

static void bad_input(void **state)
{
    struct world *w = *state;
    struct msg_event event = {.session = 1, .seq = 1, .guild = GUILD, .d_off = 5, .d_len = 10};
    const char *error;
    char *deep = xmalloc(200001), *frame;

    assert_int_equal(event_interpret(w->ctx, &event, "{}", 2, &w->list, &w->result, &error), -1);
    assert_string_equal(error, "event: expected its parts within the frame");
    assert_string_equal(message(w, "MESSAGE_CREATE", "\"author\":7"),
                        "error: author: expected an object");
    assert_string_equal(message(w, "MESSAGE_CREATE", "\"author\":{\"id\":\"x\"}"),
                        "error: user.id: expected a snowflake");
    assert_string_equal(message(w, "MESSAGE_CREATE", "\"type\":\"0\",\"author\":" MIRA_USER),
                        "error: type: expected a number");
    assert_string_equal(send(w, "MESSAGE_CREATE", "\"author\":" MIRA_USER),
                        "error: id: expected a snowflake");
    assert_string_equal(send(w, "CHANNEL_CREATE", ""), "error: channel id: expected a snowflake");
    assert_string_equal(send(w, "GUILD_ROLE_CREATE", ""), "error: role: expected an object");
    /* wrong in its last part: nothing of it is recorded */
    assert_string_equal(take(w, GUILD_HEAD ",\"voice_states\":[{\"user_id\":\"1\","
                                           "\"channel_id\":\"2\"},{}]}}"),
                        "error: user_id: expected a snowflake");
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    deep[200000] = '\0';
    frame = xasprintf("\"type\":0,\"author\":" MIRA_USER ",\"embeds\":%s", deep);
    assert_non_null(strstr(message(w, "MESSAGE_CREATE", frame), "message mira"));
    free(frame);
    free(deep);
}

static void long_names_and_overwrites(void **state)
{
    struct world *w = *state;
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, "\"id\":\"9\",\"name\":\"");
    for (int i = 0; i < 2000; i++)
        buf_puts(&b, "\xc3\xa9");
    buf_puts(&b, "\",\"permission_overwrites\":[\"");
    for (int i = 0; i < 7000; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, "\"]");
    send(w, "CHANNEL_CREATE", buf_cstr(&b));
    const struct record_channel *r = (const void *)w->list.slots;
    assert_int_equal(r->name_len, 1024);
    assert_int_equal(r->overwrites_len, 0);
    buf_reset(&b);
    buf_puts(&b, "\"type\":0,\"author\":{\"id\":\"806374682394759223\",\"username\":\"");
    for (int i = 0; i < 300; i++)
        buf_puts(&b, "\xc3\xa9");
    buf_puts(&b, "\"},\"member\":{\"roles\":[1");
    for (int i = 2; i < 2000; i++)
        buf_printf(&b, ",%d", i);
    buf_puts(&b, "]}");
    assert_non_null(strstr(message(w, "MESSAGE_CREATE", buf_cstr(&b)), "message mira"));
    const struct record_member *m = (const void *)w->list.slots;
    assert_int_equal(m->username_len, 254); /* whole characters */
    assert_int_equal(m->role_count, 512);
    buf_clear(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(examples),
        TEST(message_types),
        TEST(message_refusals),
        TEST(answers_of_apps),
        TEST(edits),
        TEST(replayed),
        TEST(bot_flag),
        TEST(audit),
        TEST(times),
        TEST(messages_that_begin_like_commands),
        TEST(interactions),
        TEST(others),
        TEST(voice_rules),
        TEST(voice_after_absence),
        TEST(coverage),
        TEST(complete_lists),
        TEST(update_keeps_what_is_absent),
        TEST(joins),
        TEST(updates),
        TEST(chunks),
        TEST(rate_limited),
        TEST(ready_tells_who_we_are),
        TEST(threads),
        TEST(read_ahead),
        TEST(bad_input),
        TEST(long_names_and_overwrites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
