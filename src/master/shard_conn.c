/* A shard's connections: resolving, connecting, and what comes in. Called by shard.c, whose state
 * machine hears of all of it.
 * Diagnostics: gateway_compress, gateway_connect, gateway_event, gateway_frame, gateway_inflate,
 * gateway_resolve. */
#include "shard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/log.h"

#define RESOLVE_MS 10000
#define USER_AGENT "DiscordBot (https://github.com/presence/presence, " PACKAGE_VERSION ")"

static void connection_opened(void *arg)
{
    struct shard *s = arg;

    s->was_open = true;
    if (s->m->flow_paused) /* a replay would only lengthen the queues */
        ws_pause(s->ws, true);
    gw_connected(s->gw, clock_mono());
    shard_act(s);
}

static void connection_closed(void *arg, int code, int http_status, const char *error)
{
    struct shard *s = arg;
    monoms_t now = clock_mono();

    s->ws = NULL;
    s->paused = false;
    snprintf(s->error, sizeof(s->error), "%s", error);
    if (http_status >= 400 && http_status < 500 && s->connected_compress == INFLATE_ZSTD) {
        log_warn("gateway_compress",
                 "shard %u: zstd-stream is refused (HTTP %d), trying zlib-stream", s->id,
                 http_status);
        s->compress = INFLATE_ZLIB;
    }
    if (gw_shard_state(s->gw) == SHARD_CONNECTING || http_status || code == 0)
        s->address_next++; /* perhaps another address serves us better */
    if (http_status || !s->was_open)
        gw_failed(s->gw, now, http_status, s->error);
    else
        gw_closed(s->gw, now, code);
    s->was_open = false;
    shard_act(s);
}

static void broken_stream(struct shard *s, const char *error)
{
    log_error("gateway_inflate", "shard %u: %s", s->id, error);
    if (!s->inflated_any && s->connected_compress == INFLATE_ZSTD) {
        log_warn("gateway_compress", "shard %u: falling back to zlib-stream", s->id);
        s->compress = INFLATE_ZLIB;
    }
    gw_broken(s->gw, clock_mono(), true);
    shard_act(s);
}

static void take_payload(struct shard *s, const char *frame, size_t len)
{
    struct ws *ws = s->ws;
    int64_t arrival_ms = ws_arrival(ws).ms;
    monoms_t now = ws_arrival_mono(ws);
    struct envelope env;
    const char *error = envelope_scan(frame, len, &env);
    enum gw_verdict verdict;

    if (error) {
        log_error("gateway_frame", "shard %u: frame of %zu bytes: %s", s->id, len, error);
        gw_broken(s->gw, now, false);
        shard_act(s);
        return;
    }
    verdict = gw_payload(s->gw, now, frame, len, &env);
    if (verdict == GW_BROKEN)
        log_error("gateway_frame", "shard %u: op %d came where it may not", s->id, env.op);
    if (env.op == 0 && env.has_seq && verdict != GW_BROKEN)
        resume_received(&s->resume, env.seq);
    shard_act(s);
    if (s->published == SHARD_LIVE)
        s->watched_ms = arrival_ms;
    if (verdict != GW_DELIVER || s->ws != ws)
        return;
    if (env.event_error) {
        log_warn("gateway_event", "shard %u: %.*s with s %llu is passed over: %s", s->id,
                 (int)env.t_len, frame + env.t_off, (unsigned long long)env.seq, env.event_error);
        return;
    }
    s->events++;
    lane_deliver(s->m, s, &env, frame, len, arrival_ms);
}

static void connection_message(void *arg, const void *bytes, size_t len, bool binary)
{
    struct shard *s = arg;
    const char *error;
    const void *payload;
    size_t payload_len;

    if (!binary || !s->inflate) { /* text is never compressed */
        take_payload(s, bytes, len);
        return;
    }
    switch (inflate_message(s->inflate, bytes, len, &payload, &payload_len, &error)) {
    case 1:
        s->inflated_any = true;
        take_payload(s, payload, payload_len);
        break;
    case -1:
        broken_stream(s, error);
        break;
    default:
        break;
    }
}

static void connect_to(struct shard *s, const char *address)
{
    static const struct ws_callbacks callbacks = {
        .opened = connection_opened, .message = connection_message, .closed = connection_closed};
    struct ws_target target = {.address = address,
                               .port = s->url_port,
                               .tls = s->url_tls,
                               .host = s->url_host,
                               .path = s->url_path,
                               .user_agent = USER_AGENT};

    inflate_free(&s->inflate);
    s->connected_compress = s->compress;
    s->inflated_any = s->was_open = s->paused = false;
    if (s->compress != INFLATE_NONE)
        s->inflate = inflate_new(s->compress, 0);
    log_debug("gateway_connect", "shard %u: %s port %u", s->id, address, s->url_port);
    s->connections++;
    s->ws = ws_connect(s->m->ws, &target, &callbacks, s);
}

/* The address whose turn it is, of those that s->addresses lists. */
static void connect_next(struct shard *s)
{
    unsigned count = 0;
    const char *p;
    char address[INET6_ADDRSTRLEN];
    size_t len;

    for (p = s->addresses; *p; p += strcspn(p, "\n"), p += *p == '\n')
        count++;
    p = s->addresses;
    for (unsigned skip = count ? s->address_next % count : 0; skip > 0; skip--)
        p += strcspn(p, "\n") + 1;
    len = strcspn(p, "\n");
    snprintf(address, sizeof(address), "%.*s", (int)len, p);
    connect_to(s, address);
}

static void resolved(void *arg, int status, const char *body, size_t len)
{
    struct shard *s = arg;

    s->resolve_id = 0;
    if (status == 200 && len > 0) {
        free(s->addresses);
        free(s->addresses_host);
        s->addresses = xstrndup(body, len);
        s->addresses_host = xstrdup(s->url_host);
    } else if (s->addresses && s->addresses_host && strcmp(s->addresses_host, s->url_host) == 0) {
        log_warn("gateway_resolve", "%s: %.*s; using what was found before", s->url_host,
                 (int)(len > 200 ? 200 : len), body);
    } else {
        snprintf(s->error, sizeof(s->error), "cannot resolve %s: %.*s", s->url_host,
                 (int)(len > 80 ? 80 : len), body);
        gw_failed(s->gw, clock_mono(), 0, s->error);
        shard_act(s);
        return;
    }
    connect_next(s);
}

void shard_disconnect(struct shard *s)
{
    if (s->resolve_id)
        fetch_cancel(s->m, s->resolve_id);
    s->resolve_id = 0;
    ws_abort(&s->ws);
}

void shard_connect(struct shard *s, const char *url)
{
    struct buf full;
    struct in6_addr unused;
    const char *error = NULL;

    shard_disconnect(s);
    free(s->url_host);
    free(s->url_path);
    s->url_host = s->url_path = NULL;
    buf_init(&full, 0);
    gw_render_url(url, inflate_name(s->compress), &full);
    if (ws_url_parse(buf_cstr(&full), &s->url_tls, &s->url_host, &s->url_port, &s->url_path,
                     &error)) {
        snprintf(s->error, sizeof(s->error), "bad gateway URL: %s", error);
        gw_failed(s->gw, clock_mono(), 0, s->error);
    } else if (inet_pton(AF_INET, s->url_host, &unused) == 1 ||
               inet_pton(AF_INET6, s->url_host, &unused) == 1) {
        connect_to(s, s->url_host);
    } else {
        s->resolve_id = fetch_start(s->m, FETCH_RESOLVE, s->url_host, RESOLVE_MS, resolved, s);
    }
    buf_clear(&full);
}
