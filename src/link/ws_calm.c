/* Rests between reads while little comes, for ws.c and ws_tls.c.
 *
 * At a calm rate each frame would wake this process, and the workers, for itself; most of its cost
 * is the waking. So reading rests after a small round, on all connections at once, and the next
 * round finds several frames. A first frame after a silence never waits, and under load rounds are
 * large and nothing rests.
 * Diagnostics: none. */
#include "ws_priv.h"

#define CALM_BYTES    (64u << 10) /* a round that read less than this ... */
#define CALM_AGAIN_MS 100         /* ... so soon after the last one, ... */
#define CALM_REST_MS  40          /* ... is followed by a rest */

void ws_apply_flow(struct ws *ws)
{
    if (ws->wsi && ws->state == WS_OPEN)
        lws_rx_flow_control(ws->wsi, !ws->paused && !ws->env->calm.resting);
}

static void set_resting(struct ws_env *env, bool resting)
{
    env->calm.resting = resting;
    for (struct ws *ws = env->all; ws; ws = ws->next)
        ws_apply_flow(ws);
}

static void rest_over(void *arg)
{
    set_resting(arg, false);
}

static void round_over(void *arg)
{
    struct ws_env *env = arg;
    struct ws_calm *calm = &env->calm;
    monoms_t now = clock_mono();
    bool little = calm->round_bytes < CALM_BYTES && now.ms - calm->round_at.ms < CALM_AGAIN_MS;

    calm->round_noted = false;
    calm->round_bytes = 0;
    calm->round_at = now;
    if (!little || calm->resting)
        return;
    set_resting(env, true);
    loop_timer_set(calm->timer, CALM_REST_MS);
}

void ws_note_read(struct ws *ws, size_t len)
{
    struct ws_calm *calm = &ws->env->calm;

    ws->arrival = clock_unix();
    ws->arrival_mono = clock_mono();
    calm->round_bytes += len;
    if (!calm->round_noted)
        loop_defer(ws->env->loop, round_over, ws->env);
    calm->round_noted = true;
}

unixms_t ws_arrival(const struct ws *ws)
{
    return ws->arrival;
}

monoms_t ws_arrival_mono(const struct ws *ws)
{
    return ws->arrival_mono;
}

void ws_calm_init(struct ws_env *env)
{
    env->calm.timer = loop_timer_new(env->loop, rest_over, env);
}

void ws_calm_clear(struct ws_env *env)
{
    loop_timer_free(&env->calm.timer);
    loop_undefer(env->loop, round_over, env);
}
