/* The payloads and addresses that a shard's session sends out (gateway.md §1, §4, §5, §7). Called
 * by the master when it carries out the actions of gw.c. The token is only passed through.
 * Diagnostics: -1 for a payload beyond the gateway's limit. */
#include "presence/gw.h"

#include <string.h>

#include "discord/gw_state.h"

static int finish(struct buf *payload, struct buf *out)
{
    int rc = buf_len(payload) <= GW_PAYLOAD_MAX
                 ? buf_append(out, buf_bytes(payload), buf_len(payload))
                 : -1;

    explicit_bzero(payload->data, payload->cap); /* it may hold the token */
    buf_clear(payload);
    return rc;
}

int gw_render_heartbeat(const struct gw *gw, struct buf *out)
{
    if (!gw->has_seq)
        return buf_puts(out, "{\"op\":1,\"d\":null}");
    return buf_printf(out, "{\"op\":1,\"d\":%llu}", (unsigned long long)gw->last_seq);
}

int gw_render_identify(const struct gw *gw, const char *token, const char *status, struct buf *out)
{
    struct buf b;

    buf_init(&b, 0);
    buf_reserve(&b, GW_PAYLOAD_MAX);
    buf_puts(&b, "{\"op\":2,\"d\":{\"token\":");
    buf_put_json(&b, token, strlen(token));
    buf_printf(&b,
               ",\"intents\":%u,\"properties\":{\"os\":\"linux\",\"browser\":\"presence\","
               "\"device\":\"presence\"},\"shard\":[%u,%u],\"large_threshold\":250",
               gw->intents, gw->shard, gw->shards);
    if (status) {
        buf_puts(&b, ",\"presence\":{\"since\":null,\"activities\":[{\"name\":");
        buf_put_json(&b, status, strlen(status));
        buf_puts(&b, ",\"type\":3}],\"status\":\"online\",\"afk\":false}");
    }
    buf_puts(&b, "}}");
    return finish(&b, out);
}

int gw_render_resume(const struct gw *gw, const char *token, uint64_t seq, struct buf *out)
{
    const char *session = gw->session_id ? gw->session_id : "";
    struct buf b;

    buf_init(&b, 0);
    buf_reserve(&b, GW_PAYLOAD_MAX);
    buf_puts(&b, "{\"op\":6,\"d\":{\"token\":");
    buf_put_json(&b, token, strlen(token));
    buf_puts(&b, ",\"session_id\":");
    buf_put_json(&b, session, strlen(session));
    buf_puts(&b, ",\"seq\":");
    buf_put_u64(&b, seq);
    buf_puts(&b, "}}");
    return finish(&b, out);
}

void gw_render_url(const char *url, const char *compress, struct buf *out)
{
    size_t len = strcspn(url, "?#");

    while (len > 0 && url[len - 1] == '/')
        len--;
    buf_append(out, url, len);
    buf_puts(out, "/?v=10&encoding=json");
    if (compress)
        buf_printf(out, "&compress=%s", compress);
}
