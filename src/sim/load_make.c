/* Load mode's single events: who does what, counted in the truth and put into the sessions' logs.
 * Called by load.c.
 * Diagnostics: none. */
#include "sim/act.h"
#include "sim/intents.h"
#include "sim/load_plan.h"

#define AHEAD          12u /* events between drawing and making */
#define SEE_MEMBER     8u  /* events before making at which the member is there */
#define SEE_PLACE      4u  /* and at which its place in the truth's table is */
#define LINE           64u
#define PIECES         640u /* bytes of a member's pieces, about */
#define GUILD_TRIES    256u /* to hit one that the session covers */
#define MEMBER_TRIES   16u
#define FIRST_TEXT     1u /* the generated channels: see world.c */
#define TEXT_CHANNELS  4u
#define FIRST_VOICE    7u
#define VOICE_CHANNELS 2u

static uint64_t draw(struct load *l)
{
    l->random += UINT64_C(0x9e3779b97f4a7c15);
    return world_hash(l->random);
}

static uint32_t draw_rank(struct load *l)
{
    uint32_t at = (uint32_t)(draw(l) >> 32), low = 0, high = l->n_zipf - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (l->zipf[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t intent_of(enum entry_what what)
{
    switch (what) {
    case ENTRY_MESSAGE:
        return INTENT_GUILD_MESSAGES;
    case ENTRY_TYPING:
        return INTENT_GUILD_TYPING;
    case ENTRY_REACTION_ADD:
    case ENTRY_REACTION_REMOVE:
        return INTENT_GUILD_REACTIONS;
    case ENTRY_PRESENCE:
        return INTENT_GUILD_PRESENCES;
    default:
        return INTENT_GUILD_VOICE_STATES;
    }
}

static enum truth_kind kind_of(enum entry_what what)
{
    switch (what) {
    case ENTRY_MESSAGE:
        return TRUTH_MESSAGE;
    case ENTRY_TYPING:
        return TRUTH_TYPING;
    case ENTRY_REACTION_ADD:
        return TRUTH_REACTION_ADD;
    case ENTRY_REACTION_REMOVE:
        return TRUTH_REACTION_REMOVE;
    default:
        return TRUTH_NONE; /* or not known before it is made */
    }
}

uint64_t load_channel(const struct sim *sim, const struct entry *e)
{
    const struct guild *g = &sim->world.guilds[e->guild];

    if (e->what != ENTRY_VOICE)
        return g->channels[e->channel].id;
    return e->channel ? g->channels[e->channel - 1].id : 0;
}

static uint32_t pick_member(struct load *l, const struct guild *g)
{
    uint32_t humans = g->n_members - FIRST_HUMAN;

    for (uint32_t i = 0; i < MEMBER_TRIES && humans > 0; i++) {
        uint64_t rank = draw_rank(l);
        /* The same rank is another member in each guild. */
        uint32_t slot = FIRST_HUMAN + (uint32_t)((rank * 2654435761u + g->id % 8191) % humans);

        if (!(g->members[slot].state & MEMBER_LEFT))
            return slot;
    }
    return NONE;
}

static uint16_t pick_text(struct load *l, const struct guild *g)
{
    uint16_t channel = (uint16_t)(FIRST_TEXT + draw(l) % TEXT_CHANNELS);

    return g->channels[channel].gone || g->channels[channel].hidden ? (uint16_t)g->system_channel
                                                                    : channel;
}

/* Lets the member do something about voice and describes it in e. */
static enum truth_kind change_voice(struct sim *sim, struct load *l, struct entry *e,
                                    int64_t now_ms)
{
    struct guild *g = &sim->world.guilds[e->guild];
    struct member *m = &g->members[e->member];
    uint64_t dice = draw(l) % 10;
    enum truth_kind kind;

    m->hand_ms = 0; /* as it will be rendered */
    if (m->voice_channel && dice < 4) {
        m->voice_flags ^= VOICE_IS_SELF_MUTE;
        kind = TRUTH_VOICE_SELF;
    } else if (m->voice_channel && dice < 8) {
        m->voice_channel = m->voice_flags = 0;
        truth_voice_close(&sim->truth, m->voice_session, now_ms);
        m->voice_session = NONE;
        kind = TRUTH_VOICE_LEAVE;
    } else {
        uint16_t channel = (uint16_t)(FIRST_VOICE + draw(l) % VOICE_CHANNELS + 1);

        kind = m->voice_channel ? TRUTH_VOICE_MOVE : TRUTH_VOICE_JOIN;
        if (channel == m->voice_channel)
            channel = channel == FIRST_VOICE + 1 ? FIRST_VOICE + 2 : FIRST_VOICE + 1;
        truth_voice_close(&sim->truth, m->voice_session, now_ms);
        m->voice_channel = channel;
        m->voice_session =
            truth_voice_open(&sim->truth, e->guild, m->user, g->channels[channel - 1].id, now_ms);
    }
    e->channel = m->voice_channel;
    e->extra = m->voice_flags;
    return kind;
}

static enum truth_kind describe(struct sim *sim, struct load *l, struct entry *e)
{
    struct guild *g = &sim->world.guilds[e->guild];

    if (e->what == ENTRY_VOICE)
        return change_voice(sim, l, e, id_ms(e->u.id));
    e->extra = (uint16_t)draw(l);
    if (e->what == ENTRY_MESSAGE)
        g->channels[e->channel].last_message = e->u.id;
    return kind_of(e->what);
}

static void count(struct sim *sim, struct entry *e, enum truth_kind kind)
{
    uint32_t user = sim->world.guilds[e->guild].members[e->member].user;
    int64_t own_ms = 0;

    if (kind == TRUTH_MESSAGE)
        own_ms = id_ms(e->u.id);
    else if (kind == TRUTH_TYPING)
        own_ms = id_ms(e->u.id) / 1000 * 1000;
    else
        e->kind = (uint8_t)kind; /* its time is its delivery */
    truth_count(&sim->truth, e->guild, user, load_channel(sim, e), kind, own_ms, e->u.id);
}

static bool open_guild(const struct sim *sim, uint32_t guild)
{
    return sim->world.guilds[guild].present && sim->world.guilds[guild].available;
}

static uint32_t pick_guild(struct sim *sim, struct load *l, const struct session *s)
{
    for (uint32_t i = 0; i < GUILD_TRIES && sim->world.n_guilds > 0; i++) {
        uint32_t guild = (uint32_t)(draw(l) % sim->world.n_guilds);

        if (open_guild(sim, guild) &&
            (s ? session_covers(sim, s, guild) : sim_anybody(sim, guild, 0)))
            return guild;
    }
    return NONE;
}

/* --- drawing ahead: a load over many members misses the caches at every turn -------------------
 */

static bool counts_ahead(const struct load_pick *p)
{
    return p->slot != NONE && !p->row->name && kind_of(p->row->what) != TRUTH_NONE;
}

static void fetch_member(const struct sim *sim, const struct load_pick *p)
{
    const char *m =
        p->slot == NONE ? NULL : (const char *)&sim->world.guilds[p->guild].members[p->slot];

    if (m) {
        __builtin_prefetch(m);
        __builtin_prefetch(m + LINE);
    }
}

static void fetch_pieces(const struct sim *sim, struct load_pick *p)
{
    const struct guild *g = &sim->world.guilds[p->guild];
    const struct member *m = &g->members[p->slot];

    if (m->fragment)
        for (size_t at = 0; at < PIECES; at += LINE)
            __builtin_prefetch(m->fragment + at);
    p->place = truth_fetch_place(&sim->truth, p->guild, m->user, g->channels[p->channel].id,
                                 kind_of(p->row->what));
}

static bool draw_pick(struct sim *sim, struct load *l, const struct session *s)
{
    struct load_pick *p = &l->picks[l->picked % PICKS_MAX];
    uint32_t guild = pick_guild(sim, l, s), at = (uint32_t)(draw(l) % l->weight);
    const struct guild *g;

    if (guild == NONE)
        return false;
    g = &sim->world.guilds[guild];
    *p = (struct load_pick){.guild = guild, .row = l->mix, .channel = pick_text(l, g)};
    while (p->row->until <= at)
        p->row++;
    p->slot = pick_member(l, g);
    fetch_member(sim, p);
    l->picked++;
    return true;
}

static struct load_pick *in_line(struct load *l, uint64_t number)
{
    struct load_pick *p = &l->picks[number % PICKS_MAX];

    return number >= l->done && number < l->picked && counts_ahead(p) ? p : NULL;
}

static void draw_ahead(struct sim *sim, struct load *l, const struct session *s)
{
    uint32_t shard = s ? s->shard : 0, shards = s ? s->shards : 0;

    if (l->pick_shard != shard || l->pick_shards != shards) {
        l->done = l->picked; /* drawn for another session */
        l->pick_shard = shard;
        l->pick_shards = shards;
    }
    while (l->picked - l->done < AHEAD && draw_pick(sim, l, s)) {
        struct load_pick *seen = in_line(l, l->picked - 1 - (AHEAD - SEE_MEMBER));
        struct load_pick *placed = in_line(l, l->picked - 1 - (AHEAD - SEE_PLACE));

        if (seen)
            fetch_pieces(sim, seen);
        if (placed)
            truth_fetch_row(&sim->truth, placed->place);
    }
}

/* --- making ----------------------------------------------------------------------------------- */

/* Whether what was drawn is still so. */
static bool still_there(const struct sim *sim, const struct load_pick *p)
{
    const struct guild *g = &sim->world.guilds[p->guild];

    return p->slot != NONE && open_guild(sim, p->guild) &&
           !(g->members[p->slot].state & MEMBER_LEFT) && !g->channels[p->channel].gone &&
           !g->channels[p->channel].hidden;
}

static bool make(struct sim *sim, struct load *l, const struct load_pick *p)
{
    struct entry e = {.guild = (uint16_t)p->guild, .member = p->slot, .channel = p->channel};
    uint32_t intents;
    enum truth_kind kind;
    bool got = false;

    if (!still_there(sim, p))
        return false;
    if (p->row->name)
        return act_run_plain(sim, p->row->name, p->guild, p->slot, p->channel) > 0;
    e.what = (uint8_t)p->row->what;
    e.u.id = world_next_id(&sim->world);
    intents = intent_of(p->row->what);
    if (!sim_anybody(sim, p->guild, intents))
        return false;
    kind = describe(sim, l, &e);
    if (kind)
        count(sim, &e, kind);
    for (size_t i = 0; i < sim->n_sessions; i++) {
        struct session *s = sim->sessions[i];

        if (s->dead || !(s->intents & intents) || !session_covers(sim, s, p->guild))
            continue;
        session_append(sim, s, e);
        got = true;
    }
    return got;
}

enum load_result load_next(struct sim *sim, struct load *l, const struct session *s)
{
    struct load_pick p;

    draw_ahead(sim, l, s);
    if (l->picked == l->done)
        return LOAD_NOBODY;
    p = l->picks[l->done++ % PICKS_MAX];
    l->made++;
    return make(sim, l, &p) ? LOAD_MADE : LOAD_UNWANTED;
}
