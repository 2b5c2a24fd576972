/* Load mode's payloads, glued from pieces: fixed text, and each member's user and member objects,
 * which are rendered once and kept. An entry always gives the same bytes while its member does not
 * change, so that nothing has to be stored for RESUME. Called by sessions.
 * Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "sim/load.h"
#include "sim/render.h"

#define PAYLOAD_ROOM 16384u
#define TEXTS        16u

/* What people write: short and long, with quotes, braces and JSON of their own, as real ones do. */
static const char *const texts[TEXTS] = {
    "ok",
    "see you at eight then, usual place",
    "Has anybody tried the new build yet? It starts a lot faster on my old laptop, but the sound "
    "is gone after a while and I cannot find out why. The log says nothing at all.",
    "lol",
    "the config I use is {\\\"user_id\\\":\\\"1\\\",\\\"guild_id\\\":\\\"2\\\"} \\u2013 works fine",
    "\\ud83d\\udd25\\ud83d\\udd25\\ud83d\\udd25",
    "I wrote it all down here because it took me a whole evening: first stop the service, then "
    "move the old folder away, start it once so that it makes a fresh one, stop it again, and "
    "only then copy the two files back. If you copy them before, it silently ignores them and "
    "you will wonder for hours. Ask me how I know. Tomorrow I will try the same on the other "
    "machine and report whether it behaves any better there; somebody said the newer kernel "
    "makes a difference, which I doubt.",
    "good morning everybody",
    "she said \\\"never again\\\" and then did it again",
    "C:\\\\Users\\\\me\\\\Desktop\\\\notes.txt is all I have left",
    "\\u4eca\\u65e5\\u306f\\u3044\\u3044\\u5929\\u6c17\\u3067\\u3059\\u306d",
    "the next meeting is on Tuesday; please bring the second half of the book, we got stuck in "
    "the middle last time and nobody remembered who the aunt was. There will be cake.",
    "+1",
    "```json\\n{\\\"t\\\":\\\"MESSAGE_CREATE\\\",\\\"d\\\":{\\\"author\\\":{\\\"id\\\":\\\"5\\\"}}}"
    "\\n```",
    "does anyone have the link to yesterday's recording? I missed the part about the garden",
    "brb",
};

static size_t text_len[TEXTS];

static const char embed[] =
    "{\"type\":\"article\",\"url\":\"https://news.example.org/2026/08/the-garden-in-winter\","
    "\"title\":\"The garden in winter: what to do before the first frost\",\"description\":"
    "\"Cover the young trees, cut back the roses, and leave the seed heads for the birds. A short "
    "list for those who put it off every year, with the dates that matter in the north and in the "
    "south.\",\"provider\":{\"name\":\"Example News\",\"url\":null},\"author\":{\"name\":\"A. "
    "Writer\"},\"thumbnail\":{\"url\":\"https://news.example.org/i/garden.jpg\",\"proxy_url\":"
    "\"https://images-ext-1.example.net/external/3f2c/garden.jpg\",\"width\":1200,\"height\":630,"
    "\"flags\":0},\"color\":3447003}";

static const char attachment[] =
    "{\"id\":\"1533083251218976776\",\"filename\":\"IMG_2048.jpg\",\"size\":2483112,\"url\":"
    "\"https://cdn.example.net/attachments/1213063185301639169/1533083251218976776/IMG_2048.jpg"
    "?ex=6a1b2c3d&is=69f9e8d7&hm=0a1b2c3d4e5f60718293a4b5c6d7e8f9\",\"proxy_url\":"
    "\"https://media.example.net/attachments/1213063185301639169/1533083251218976776/IMG_2048.jpg"
    "?ex=6a1b2c3d&is=69f9e8d7&hm=0a1b2c3d4e5f60718293a4b5c6d7e8f9\",\"width\":4032,\"height\":"
    "3024,\"content_type\":\"image/jpeg\",\"content_scan_version\":1,\"placeholder\":"
    "\"3PcNNYSFeXh/d3eld0iHZoZgVwh2\",\"placeholder_version\":1}";

struct pen {
    char *p;
};

static void put(struct pen *pen, const char *bytes, size_t len)
{
    memcpy(pen->p, bytes, len);
    pen->p += len;
}

#define PUT(pen, literal) put(pen, literal, sizeof(literal) - 1)

static void put_number(struct pen *pen, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(pen, digits + at, sizeof(digits) - at);
}

static void put_time(struct pen *pen, int64_t ms)
{
    static int64_t last_ms = -1;
    static char text[RENDER_TIME_LEN + 1];

    if (ms != last_ms) {
        render_time_text(ms, text);
        last_ms = ms;
    }
    put(pen, text, RENDER_TIME_LEN);
}

/* --- pieces ----------------------------------------------------------------------------------- */

static const struct member *with_fragment(struct sim *sim, uint32_t guild, uint32_t slot)
{
    struct member *m = &sim->world.guilds[guild].members[slot];
    struct buf b;

    if (m->fragment)
        return m;
    buf_init(&b, 0);
    render_user(&sim->world, m->user, &b);
    m->fragment_user_len = (uint16_t)buf_len(&b);
    render_member(&sim->world, guild, slot, false, &b);
    m->fragment_member_len = (uint16_t)(buf_len(&b) - m->fragment_user_len);
    buf_cstr(&b);
    m->fragment = (char *)b.data;
    return m;
}

static void put_user(struct pen *pen, const struct member *m)
{
    put(pen, m->fragment, m->fragment_user_len);
}

static void put_member(struct pen *pen, const struct member *m)
{
    put(pen, m->fragment + m->fragment_user_len, m->fragment_member_len);
}

static void put_full_member(struct pen *pen, const struct member *m)
{
    PUT(pen, "{\"user\":");
    put_user(pen, m);
    PUT(pen, ",");
    put(pen, m->fragment + m->fragment_user_len + 1, m->fragment_member_len - 1u);
}

/* --- events ----------------------------------------------------------------------------------- */

struct event {
    const struct world *w;
    const struct guild *g;
    const struct entry *e;
    const struct member *m;
    uint64_t user_id;
};

static void put_message(struct pen *pen, const struct event *ev, bool with_content,
                        const struct member *mentioned)
{
    const struct entry *e = ev->e;
    unsigned text = e->extra % TEXTS;

    PUT(pen, "{\"type\":0,\"tts\":false,\"timestamp\":\"");
    put_time(pen, id_ms(e->u.id));
    PUT(pen, "\",\"pinned\":false,\"nonce\":\"");
    put_number(pen, e->u.id - 100000);
    PUT(pen, "\",\"mentions\":[");
    if (mentioned) {
        put_user(pen, mentioned);
        pen->p--; /* its member goes inside */
        PUT(pen, ",\"member\":");
        put_member(pen, mentioned);
        PUT(pen, "}");
    }
    PUT(pen, "],\"mention_roles\":[],\"mention_everyone\":false,\"member\":");
    put_member(pen, ev->m);
    PUT(pen, ",\"id\":\"");
    put_number(pen, e->u.id);
    PUT(pen, "\",\"flags\":0,\"embeds\":[");
    if (with_content && (e->extra >> 8 & 7) == 0)
        put(pen, embed, sizeof(embed) - 1);
    PUT(pen, "],\"edited_timestamp\":null,\"content\":\"");
    if (with_content)
        put(pen, texts[text], text_len[text]);
    PUT(pen, "\",\"components\":[],\"channel_type\":0,\"channel_id\":\"");
    put_number(pen, ev->g->channels[e->channel].id);
    PUT(pen, "\",\"author\":");
    put_user(pen, ev->m);
    PUT(pen, ",\"attachments\":[");
    if (with_content && (e->extra >> 4 & 15) == 0)
        put(pen, attachment, sizeof(attachment) - 1);
    PUT(pen, "],\"guild_id\":\"");
    put_number(pen, ev->g->id);
    PUT(pen, "\"}}");
}

static void put_typing(struct pen *pen, const struct event *ev)
{
    PUT(pen, "{\"user_id\":\"");
    put_number(pen, ev->user_id);
    PUT(pen, "\",\"timestamp\":");
    put_number(pen, (uint64_t)(id_ms(ev->e->u.id) / 1000));
    PUT(pen, ",\"member\":");
    put_full_member(pen, ev->m);
    PUT(pen, ",\"channel_id\":\"");
    put_number(pen, ev->g->channels[ev->e->channel].id);
    PUT(pen, "\",\"guild_id\":\"");
    put_number(pen, ev->g->id);
    PUT(pen, "\"}}");
}

static void put_reaction(struct pen *pen, const struct event *ev, bool add)
{
    PUT(pen, "{\"user_id\":\"");
    put_number(pen, ev->user_id);
    PUT(pen, "\",\"type\":0,\"message_id\":\"");
    put_number(pen, ev->e->u.id - ((UINT64_C(1) + ev->e->extra) << 26));
    if (add) {
        PUT(pen, "\",\"message_author_id\":\"");
        put_number(pen, ev->w->users[ev->g->owner].id);
        PUT(pen, "\",\"member\":");
        put_full_member(pen, ev->m);
        PUT(pen, ",\"emoji\":{\"name\":\"\xf0\x9f\x94\xa5\",\"id\":null},\"channel_id\":\"");
    } else {
        PUT(pen, "\",\"emoji\":{\"name\":\"\xf0\x9f\x94\xa5\",\"id\":null},\"channel_id\":\"");
    }
    put_number(pen, ev->g->channels[ev->e->channel].id);
    PUT(pen, "\",\"burst\":false,\"guild_id\":\"");
    put_number(pen, ev->g->id);
    PUT(pen, "\"}}");
}

static void put_presence(struct pen *pen, const struct event *ev)
{
    static const char *const status[4] = {"online", "idle", "dnd", "offline"};
    const char *text = status[ev->e->extra & 3];

    PUT(pen, "{\"user\":{\"id\":\"");
    put_number(pen, ev->user_id);
    PUT(pen, "\"},\"status\":\"");
    put(pen, text, strlen(text));
    PUT(pen, "\",\"guild_id\":\"");
    put_number(pen, ev->g->id);
    PUT(pen, "\",\"client_status\":{\"desktop\":\"");
    put(pen, text, strlen(text));
    PUT(pen, "\"},\"activities\":[{\"type\":0,\"timestamps\":{\"start\":");
    put_number(pen, (uint64_t)id_ms(ev->e->u.id));
    PUT(pen, "},\"state\":\"In the lobby\",\"session_id\":\"bb4d1d0b1a4e6e5e9f1c2d3e4f5a6b7c\","
             "\"name\":\"A Game With A Long Name\",\"id\":\"5d7b6f8a9c0e1f2d\",\"flags\":1,"
             "\"details\":\"Round 3 of 5, two players left\",\"created_at\":");
    put_number(pen, (uint64_t)id_ms(ev->e->u.id));
    PUT(pen, ",\"assets\":{\"large_text\":\"Castle\",\"large_image\":\"1123456789012345678\"},"
             "\"application_id\":\"1009000000000000001\"}]}}");
}

static void put_flag(struct pen *pen, bool on)
{
    if (on)
        PUT(pen, "true");
    else
        PUT(pen, "false");
}

static void put_voice(struct pen *pen, const struct event *ev)
{
    const struct entry *e = ev->e;

    PUT(pen, "{\"user_id\":\"");
    put_number(pen, ev->user_id);
    PUT(pen, "\",\"suppress\":false,\"session_id\":\"90326bd25d71d39b9ef95b299e3872ff\","
             "\"self_video\":false,\"self_mute\":");
    put_flag(pen, e->extra & VOICE_IS_SELF_MUTE);
    PUT(pen, ",\"self_deaf\":");
    put_flag(pen, e->extra & VOICE_IS_SELF_DEAF);
    PUT(pen, ",\"request_to_speak_timestamp\":null,\"mute\":false,\"member\":");
    put_full_member(pen, ev->m);
    PUT(pen, ",\"guild_id\":\"");
    put_number(pen, ev->g->id);
    if (e->channel) {
        PUT(pen, "\",\"deaf\":false,\"channel_id\":\"");
        put_number(pen, ev->g->channels[e->channel - 1].id);
        PUT(pen, "\"}}");
    } else {
        PUT(pen, "\",\"deaf\":false,\"channel_id\":null}}");
    }
}

static void put_head(struct pen *pen, enum entry_what what, uint64_t seq)
{
    static const char *const names[] = {
        [ENTRY_MESSAGE] = "MESSAGE_CREATE",
        [ENTRY_TYPING] = "TYPING_START",
        [ENTRY_REACTION_ADD] = "MESSAGE_REACTION_ADD",
        [ENTRY_REACTION_REMOVE] = "MESSAGE_REACTION_REMOVE",
        [ENTRY_PRESENCE] = "PRESENCE_UPDATE",
        [ENTRY_VOICE] = "VOICE_STATE_UPDATE",
    };

    PUT(pen, "{\"t\":\"");
    put(pen, names[what], strlen(names[what]));
    PUT(pen, "\",\"s\":");
    put_number(pen, seq);
    PUT(pen, ",\"op\":0,\"d\":");
}

void load_render(struct sim *sim, const struct entry *e, uint64_t seq, bool with_content,
                 struct buf *out)
{
    struct event ev = {.w = &sim->world, .g = &sim->world.guilds[e->guild], .e = e};
    const struct member *mentioned = NULL;
    struct pen pen;
    char *start;

    if (text_len[0] == 0)
        for (unsigned i = 0; i < TEXTS; i++)
            text_len[i] = strlen(texts[i]);
    ev.m = with_fragment(sim, e->guild, e->member);
    ev.user_id = ev.w->users[ev.m->user].id;
    if (e->what == ENTRY_MESSAGE && e->extra >> 12 < 3)
        mentioned = with_fragment(sim, e->guild, FIRST_HUMAN);
    start = pen.p = (char *)buf_reserve(out, PAYLOAD_ROOM);
    put_head(&pen, e->what, seq);
    switch (e->what) {
    case ENTRY_MESSAGE:
        put_message(&pen, &ev, with_content, mentioned);
        break;
    case ENTRY_TYPING:
        put_typing(&pen, &ev);
        break;
    case ENTRY_REACTION_ADD:
    case ENTRY_REACTION_REMOVE:
        put_reaction(&pen, &ev, e->what == ENTRY_REACTION_ADD);
        break;
    case ENTRY_PRESENCE:
        put_presence(&pen, &ev);
        break;
    default:
        put_voice(&pen, &ev);
        break;
    }
    buf_commit(out, (size_t)(pen.p - start));
}
