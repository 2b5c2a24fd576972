/* The ground truth: rows by (guild, user, channel, kind), found by a hash table of indexes. Called
 * by acts and load mode (counting), the gateway (delivery), the control API (printing).
 * Diagnostics: fatal when a row that must exist does not. */
#include "sim/truth.h"

#include <stdlib.h>
#include <string.h>

#include "presence/log.h"

#define TABLE_START 4096u

static const char *const names[TRUTH_KINDS] = {
    "none",          "message",         "message_system", "command",           "edit",
    "reaction_add",  "reaction_remove", "poll_vote_add",  "poll_vote_remove",  "typing",
    "voice_join",    "voice_move",      "voice_leave",    "voice_self",        "interaction",
    "thread_create", "thread_join",     "thread_leave",   "member_join",       "member_update",
    "audit",         "event_create",    "event_rsvp_add", "event_rsvp_remove", "invite_create",
    "automod",       "voice_effect",
};

const char *truth_kind_name(enum truth_kind kind)
{
    return names[kind];
}

bool truth_kind_counts(enum truth_kind kind)
{
    return kind != TRUTH_TYPING && kind != TRUTH_NONE;
}

void truth_init(struct truth *t)
{
    *t = (struct truth){.table_size = TABLE_START};
    t->table = xcalloc(t->table_size, sizeof(*t->table));
}

void truth_clear(struct truth *t)
{
    free(t->rows);
    free(t->table);
    free(t->voice);
    *t = (struct truth){0};
}

/* --- rows ------------------------------------------------------------------------------------- */

static uint64_t key_hash(uint32_t guild, uint32_t user, uint64_t channel, unsigned kind)
{
    return world_hash(channel ^ world_hash((uint64_t)guild << 48 ^ (uint64_t)kind << 40 ^ user));
}

/* Where the row is, or would go. */
static uint32_t place(const struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                      unsigned kind)
{
    uint32_t mask = t->table_size - 1;
    uint32_t i = (uint32_t)key_hash(guild, user, channel, kind) & mask;

    for (; t->table[i]; i = (i + 1) & mask) {
        const struct truth_row *r = &t->rows[t->table[i] - 1];

        if (r->user == user && r->channel == channel && r->guild == guild && r->kind == kind)
            break;
    }
    return i;
}

static void grow_table(struct truth *t)
{
    free(t->table);
    t->table_size *= 2;
    t->table = xcalloc(t->table_size, sizeof(*t->table));
    for (uint32_t i = 0; i < t->n_rows; i++) {
        const struct truth_row *r = &t->rows[i];

        t->table[place(t, r->guild, r->user, r->channel, r->kind)] = i + 1;
    }
}

static uint32_t row_of(struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                       enum truth_kind kind)
{
    uint32_t at = place(t, guild, user, channel, kind);

    if (t->table[at])
        return t->table[at] - 1;
    if (t->n_rows == t->cap_rows) {
        t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 1024;
        t->rows = xrealloc(t->rows, t->cap_rows * sizeof(*t->rows));
    }
    t->rows[t->n_rows] = (struct truth_row){
        .guild = (uint16_t)guild, .user = user, .channel = channel, .kind = (uint8_t)kind};
    t->table[at] = ++t->n_rows;
    if (t->n_rows * 2 > t->table_size)
        grow_table(t);
    return t->n_rows - 1;
}

uint32_t truth_count(struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                     enum truth_kind kind, int64_t own_ms, uint64_t event)
{
    uint32_t index = row_of(t, guild, user, channel, kind);
    struct truth_row *r = &t->rows[index];

    r->count++;
    t->totals[kind]++;
    if (own_ms) {
        r->own_time = true;
        if (!r->first_ms || own_ms < r->first_ms)
            r->first_ms = r->first_until_ms = own_ms;
        if (own_ms > r->last_ms)
            r->last_ms = r->last_until_ms = own_ms;
        return index;
    }
    if (!r->first_event)
        r->first_event = event;
    return index;
}

uint32_t truth_find(const struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                    enum truth_kind kind)
{
    uint32_t at = place(t, guild, user, channel, kind);

    if (!t->table[at])
        fatal("sim_truth", "no row for a counted event of kind %s", names[kind]);
    return t->table[at] - 1;
}

uint32_t truth_fetch_place(const struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                           enum truth_kind kind)
{
    uint32_t at = (uint32_t)key_hash(guild, user, channel, kind) & (t->table_size - 1);

    __builtin_prefetch(&t->table[at]);
    return at;
}

void truth_fetch_row(const struct truth *t, uint32_t place_at)
{
    /* The table may have grown since: any place within it will do. */
    uint32_t row = t->table[place_at & (t->table_size - 1)];

    if (row)
        __builtin_prefetch(&t->rows[row - 1]);
}

void truth_delivered(struct truth *t, uint32_t row, uint64_t event, bool again, int64_t now_ms)
{
    struct truth_row *r = &t->rows[row];

    if (r->own_time)
        return;
    if (event == r->first_event) {
        if (!r->first_ms)
            r->first_ms = now_ms;
        r->first_until_ms = now_ms;
    }
    if (!again)
        r->last_ms = now_ms;
    r->last_until_ms = now_ms;
}

/* --- voice ------------------------------------------------------------------------------------ */

uint32_t truth_voice_open(struct truth *t, uint32_t guild, uint32_t user, uint64_t channel,
                          int64_t at_ms)
{
    if (t->n_voice == t->cap_voice) {
        t->cap_voice = t->cap_voice ? t->cap_voice * 2 : 64;
        t->voice = xrealloc(t->voice, t->cap_voice * sizeof(*t->voice));
    }
    t->voice[t->n_voice] = (struct voice_session){
        .guild = (uint16_t)guild, .user = user, .channel = channel, .from_ms = at_ms};
    return t->n_voice++;
}

void truth_voice_close(struct truth *t, uint32_t session, int64_t at_ms)
{
    if (session != NONE)
        t->voice[session].to_ms = at_ms;
}

/* --- printing --------------------------------------------------------------------------------- */

static void print_ids(const struct world *w, uint32_t guild, uint32_t user, struct buf *out)
{
    buf_printf(out, "\"guild\":\"%llu\",\"user\":\"%llu\"", (unsigned long long)w->guilds[guild].id,
               (unsigned long long)w->users[user].id);
}

void truth_print_rows(const struct truth *t, const struct world *w, uint32_t guild, struct buf *out)
{
    for (uint32_t i = 0; i < t->n_rows; i++) {
        const struct truth_row *r = &t->rows[i];

        if (guild != NONE && r->guild != guild)
            continue;
        buf_puts(out, "{\"row\":\"count\",");
        print_ids(w, r->guild, r->user, out);
        buf_printf(out,
                   ",\"channel\":\"%llu\",\"kind\":\"%s\",\"count\":%u,\"own_time\":%s,"
                   "\"first\":%lld,\"first_until\":%lld,\"last\":%lld,\"last_until\":%lld}\n",
                   (unsigned long long)r->channel, names[r->kind], r->count,
                   r->own_time ? "true" : "false", (long long)r->first_ms,
                   (long long)r->first_until_ms, (long long)r->last_ms,
                   (long long)r->last_until_ms);
    }
}

struct latest {
    const struct truth_row *seen, *counted; /* the row with the latest event */
    int64_t seen_until_ms, counted_until_ms;
};

static void raise_latest(struct latest *l, const struct truth_row *r)
{
    if (!l->seen || r->last_ms > l->seen->last_ms)
        l->seen = r;
    if (r->last_until_ms > l->seen_until_ms)
        l->seen_until_ms = r->last_until_ms;
    if (!truth_kind_counts(r->kind))
        return;
    if (!l->counted || r->last_ms > l->counted->last_ms)
        l->counted = r;
    if (r->last_until_ms > l->counted_until_ms)
        l->counted_until_ms = r->last_until_ms;
}

static void print_latest(const struct latest *l, struct buf *out)
{
    buf_printf(out, ",\"seen\":%lld,\"seen_until\":%lld,\"seen_kind\":\"%s\"",
               (long long)l->seen->last_ms, (long long)l->seen_until_ms, names[l->seen->kind]);
    if (l->counted)
        buf_printf(out, ",\"counted\":%lld,\"counted_until\":%lld,\"counted_kind\":\"%s\"",
                   (long long)l->counted->last_ms, (long long)l->counted_until_ms,
                   names[l->counted->kind]);
    else
        buf_puts(out, ",\"counted\":null,\"counted_until\":null,\"counted_kind\":null");
    buf_puts(out, "}\n");
}

static int by_member(const void *a, const void *b)
{
    const struct truth_row *x = *(const struct truth_row *const *)a;
    const struct truth_row *y = *(const struct truth_row *const *)b;

    if (x->guild != y->guild)
        return x->guild < y->guild ? -1 : 1;
    return (x->user > y->user) - (x->user < y->user);
}

void truth_print_members(const struct truth *t, const struct world *w, uint32_t guild,
                         struct buf *out)
{
    const struct truth_row **rows = xmalloc(t->n_rows * sizeof(*rows) + 1);
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->n_rows; i++)
        if (guild == NONE || t->rows[i].guild == guild)
            rows[n++] = &t->rows[i];
    qsort(rows, n, sizeof(*rows), by_member);
    for (uint32_t i = 0; i < n;) {
        const struct truth_row *r = rows[i];
        struct latest l = {0};

        for (; i < n && by_member(&rows[i], &r) == 0; i++)
            raise_latest(&l, rows[i]);
        buf_puts(out, "{\"row\":\"member\",");
        print_ids(w, r->guild, r->user, out);
        print_latest(&l, out);
    }
    free(rows);
}

void truth_print_voice(const struct truth *t, const struct world *w, uint32_t guild,
                       struct buf *out)
{
    for (uint32_t i = 0; i < t->n_voice; i++) {
        const struct voice_session *v = &t->voice[i];

        if (guild != NONE && v->guild != guild)
            continue;
        buf_puts(out, "{\"row\":\"voice\",");
        print_ids(w, v->guild, v->user, out);
        buf_printf(out,
                   ",\"channel\":\"%llu\",\"from\":%lld,\"to\":", (unsigned long long)v->channel,
                   (long long)v->from_ms);
        if (v->to_ms)
            buf_put_i64(out, v->to_ms);
        else
            buf_puts(out, "null");
        buf_puts(out, "}\n");
    }
}

void truth_print_roster(const struct world *w, uint32_t guild, struct buf *out)
{
    for (uint32_t g = 0; g < w->n_guilds; g++) {
        const struct guild *at = &w->guilds[g];
        bool first = true;

        if ((guild != NONE && g != guild) || !at->present)
            continue;
        buf_printf(out, "{\"row\":\"roster\",\"guild\":\"%llu\",\"members\":[",
                   (unsigned long long)at->id);
        for (uint32_t i = 0; i < at->n_members; i++) {
            const struct user *u = &w->users[at->members[i].user];

            if (at->members[i].state & MEMBER_LEFT || u->flags & USER_BOT)
                continue;
            buf_printf(out, "%s\"%llu\"", first ? "" : ",", (unsigned long long)u->id);
            first = false;
        }
        buf_puts(out, "]}\n");
    }
}

static void print_totals(const uint64_t totals[TRUTH_KINDS], struct buf *out)
{
    bool first = true;

    buf_putc(out, '{');
    for (unsigned k = 1; k < TRUTH_KINDS; k++) {
        if (!totals[k])
            continue;
        buf_printf(out, "%s\"%s\":%llu", first ? "" : ",", names[k], (unsigned long long)totals[k]);
        first = false;
    }
    buf_putc(out, '}');
}

void truth_print_summary(const struct truth *t, struct buf *out)
{
    uint64_t total = 0;

    for (unsigned k = 1; k < TRUTH_KINDS; k++)
        total += t->totals[k];
    buf_printf(out, "{\"total\":%llu,\"rows\":%u,\"kinds\":", (unsigned long long)total, t->n_rows);
    print_totals(t->totals, out);
    buf_puts(out, ",\"unseen\":");
    print_totals(t->unseen, out);
    buf_puts(out, "}");
}
