/* Load mode's plan and pace. How an event is made is load_make.c, how it looks load_render.c.
 * Called by the gateway (flat out: when a socket takes more), a timer (at a rate) and the control
 * API. Diagnostics: what is wrong with a plan is told to the caller. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "presence/clock.h"
#include "sim/act.h"
#include "sim/gateway.h"
#include "sim/load_plan.h"

#define ZIPF_MAX     10.0
#define TICK_MS      1
#define UNWANTED_MAX 100u   /* in a row: nobody is there who wants such events */
#define BURST_MAX    20000u /* events made in one tick, however late it is */

/* --- the plan --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum entry_what what;
    uint32_t usual;
} fast_rows[] = {
    {"message", ENTRY_MESSAGE, 50},           {"typing", ENTRY_TYPING, 20},
    {"reaction_add", ENTRY_REACTION_ADD, 10}, {"reaction_remove", ENTRY_REACTION_REMOVE, 2},
    {"presence", ENTRY_PRESENCE, 12},         {"voice", ENTRY_VOICE, 6},
};

static int add_row(struct load *l, const char *name, uint32_t weight, char **error_r)
{
    struct mix_row *row = &l->mix[l->n_mix];

    if (l->n_mix == MIX_MAX) {
        *error_r = xasprintf("mix: more than %u kinds", MIX_MAX);
        return -1;
    }
    *row = (struct mix_row){.until = l->weight += weight};
    for (size_t i = 0; i < sizeof(fast_rows) / sizeof(fast_rows[0]); i++)
        if (strcmp(fast_rows[i].name, name) == 0) {
            row->what = fast_rows[i].what;
            l->n_mix++;
            return 0;
        }
    if (!act_known(name)) {
        *error_r = xasprintf("mix: \"%s\" is no kind of act", name);
        return -1;
    }
    row->name = l->names[l->n_mix++] = xstrdup(name);
    return 0;
}

static void clear_mix(struct load *l)
{
    for (uint32_t i = 0; i < l->n_mix; i++) {
        free(l->names[i]);
        l->names[i] = NULL;
    }
    l->n_mix = l->weight = 0;
}

static int read_mix(struct load *l, const struct json *mix, char **error_r)
{
    clear_mix(l);
    if (mix && !json_is_object(mix)) {
        *error_r = xstrdup("mix: expected an object of weights");
        return -1;
    }
    for (const struct json *j = json_first(mix); j; j = json_next(j)) {
        int64_t weight = json_int(j, -1);

        if (weight < 0 || weight > 1000000) {
            *error_r = xasprintf("mix: expected a weight for \"%s\"", json_key(j));
            return -1;
        }
        if (weight && add_row(l, json_key(j), (uint32_t)weight, error_r))
            return -1;
    }
    for (size_t i = 0; !mix && i < sizeof(fast_rows) / sizeof(fast_rows[0]); i++)
        add_row(l, fast_rows[i].name, fast_rows[i].usual, error_r);
    if (l->weight == 0) {
        *error_r = xstrdup("mix: expected an object with at least one weight above 0");
        return -1;
    }
    return 0;
}

static void make_zipf(struct load *l, uint32_t n, double exponent)
{
    double sum = 0, at = 0;

    free(l->zipf);
    l->zipf = xmalloc((n ? n : 1) * sizeof(*l->zipf));
    l->n_zipf = n;
    for (uint32_t i = 0; i < n; i++)
        sum += 1.0 / pow(i + 1, exponent);
    for (uint32_t i = 0; i < n; i++) {
        at += 1.0 / pow(i + 1, exponent) / sum;
        l->zipf[i] = at >= 1.0 ? UINT32_MAX : (uint32_t)(at * 4294967295.0);
    }
}

/* --- pace ------------------------------------------------------------------------------------- */

static void finish(struct load *l)
{
    l->running = l->waiting = false;
    l->ended_ms = clock_mono().ms;
    loop_timer_stop(l->timer);
}

static bool over(struct load *l)
{
    const struct load_plan *p = &l->plan;

    if ((p->events && l->dispatched >= p->events) ||
        (p->seconds > 0 && (double)(clock_mono().ms - l->started_ms) >= p->seconds * 1000))
        finish(l);
    return !l->running;
}

unsigned load_fill(struct sim *sim, struct session *s, unsigned n)
{
    struct load *l = sim->load;
    unsigned got = 0;

    if (!l->running || l->waiting || !l->flat_out || over(l))
        return 0;
    for (unsigned i = 0; i < n; i++) {
        enum load_result result = load_next(sim, l, s);

        if (result == LOAD_NOBODY)
            break;
        if (result == LOAD_MADE) {
            got++;
            l->dispatched++;
        }
        if (l->plan.events && l->dispatched >= l->plan.events)
            break;
    }
    return session_backlog(s) > 0 ? got : 0;
}

/* A client that reads too slowly holds the making back: nothing may fall out of its log. */
static bool held_back(const struct sim *sim)
{
    for (size_t i = 0; i < sim->n_sessions; i++) {
        const struct session *s = sim->sessions[i];

        if (s->conn && session_backlog(s) > sim->config.replay_max / 10 * 9)
            return true;
    }
    return false;
}

static bool any_session(const struct sim *sim)
{
    for (size_t i = 0; i < sim->n_sessions; i++)
        if (!sim->sessions[i]->dead)
            return true;
    return false;
}

static void tick(void *arg)
{
    struct sim *sim = arg;
    struct load *l = sim->load;
    double due;

    if (over(l))
        return;
    loop_timer_set(l->timer, TICK_MS);
    if (!any_session(sim) || held_back(sim)) {
        l->held_back++;
        return;
    }
    due = l->plan.rate * (double)(clock_mono().ms - l->started_ms) / 1000.0;
    for (unsigned n = 0, unwanted = 0;
         n < BURST_MAX && unwanted < UNWANTED_MAX && (double)l->dispatched < due; n++) {
        enum load_result result = load_next(sim, l, NULL);

        if (result == LOAD_NOBODY)
            return;
        l->dispatched += result == LOAD_MADE;
        unwanted = result == LOAD_MADE ? 0 : unwanted + 1;
        if (l->plan.events && l->dispatched >= l->plan.events)
            return;
    }
}

static void begin(struct sim *sim)
{
    struct load *l = sim->load;

    l->waiting = false;
    l->started_ms = clock_mono().ms;
    if (!l->flat_out) {
        loop_timer_set(l->timer, TICK_MS);
        return;
    }
    for (size_t i = 0; i < sim->n_sessions; i++)
        if (sim->sessions[i]->conn)
            gateway_wake(sim->sessions[i]->conn);
}

void load_poke(struct sim *sim)
{
    struct load *l = sim->load;
    uint32_t live = 0;

    if (!l || !l->running) /* none: the simulator is ending */
        return;
    for (size_t i = 0; i < sim->n_sessions; i++)
        live += sim->sessions[i]->conn != NULL;
    if (l->waiting && live >= l->plan.wait_sessions)
        begin(sim);
}

struct load_plan load_plan_from(const struct json *args)
{
    return (struct load_plan){
        .events = (uint64_t)json_int(json_get(args, "events"), 0),
        .rate = json_double(json_get(args, "rate"), 0),
        .seconds = json_double(json_get(args, "seconds"), 0),
        .zipf = json_double(json_get(args, "zipf"), 1.0),
        .seed = (uint64_t)json_int(json_get(args, "seed"), 1),
        .wait_sessions = (uint32_t)json_int(json_get(args, "wait_sessions"), 1),
        .mix = json_get(args, "mix"),
    };
}

int load_start(struct sim *sim, const struct load_plan *plan, char **error_r)
{
    struct load *l = sim->load;

    if (l->running) {
        *error_r = xstrdup("a load is running already");
        return -1;
    }
    if (!(plan->zipf >= 0 && plan->zipf <= ZIPF_MAX)) {
        *error_r = xasprintf("zipf: expected 0 to %.0f", ZIPF_MAX);
        return -1;
    }
    if (read_mix(l, plan->mix, error_r))
        return -1;
    l->plan = *plan;
    l->plan.mix = NULL;
    l->flat_out = plan->rate <= 0;
    l->random = world_hash(plan->seed);
    l->made = l->dispatched = l->held_back = 0;
    l->picked = l->done = 0;
    make_zipf(l, sim->world.humans ? sim->world.humans : 1, plan->zipf);
    l->running = l->waiting = true;
    l->started_ms = clock_mono().ms;
    load_poke(sim);
    return 0;
}

void load_stop(struct sim *sim)
{
    if (sim->load->running)
        finish(sim->load);
}

void load_print(const struct sim *sim, struct buf *out)
{
    const struct load *l = sim->load;
    int64_t end_ms = l->running ? clock_mono().ms : l->ended_ms;
    int64_t elapsed_ms = end_ms - l->started_ms;
    uint64_t backlog = 0;

    for (size_t i = 0; i < sim->n_sessions; i++)
        if (sim->sessions[i]->conn && session_backlog(sim->sessions[i]) > backlog)
            backlog = session_backlog(sim->sessions[i]);
    buf_printf(out,
               "{\"running\":%s,\"waiting\":%s,\"made\":%llu,\"dispatched\":%llu,"
               "\"elapsed_ms\":%lld,\"per_second\":%.0f,\"held_back\":%llu,\"backlog\":%llu}",
               l->running ? "true" : "false", l->waiting ? "true" : "false",
               (unsigned long long)l->made, (unsigned long long)l->dispatched,
               (long long)elapsed_ms,
               elapsed_ms > 0 ? (double)l->dispatched * 1000.0 / (double)elapsed_ms : 0.0,
               (unsigned long long)l->held_back, (unsigned long long)backlog);
}

struct load *load_new(struct sim *sim)
{
    struct load *l = xcalloc(1, sizeof(*l));

    l->timer = loop_timer_new(sim->loop, tick, sim);
    return l;
}

void load_free(struct load **l)
{
    if (!*l)
        return;
    clear_mix(*l);
    loop_timer_free(&(*l)->timer);
    free((*l)->zipf);
    free(*l);
    *l = NULL;
}
