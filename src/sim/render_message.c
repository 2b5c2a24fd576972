/* Messages as Discord writes them. Called by acts and REST.
 * Diagnostics: none. */
#include "sim/render.h"

static void render_author(const struct world *w, const struct message_view *v, struct buf *b)
{
    buf_puts(b, ",\"author\":");
    if (v->user != NONE) {
        render_user(w, v->user, b);
        return;
    }
    buf_puts(b, "{\"id\":");
    render_id(b, v->webhook_id);
    buf_puts(b, ",\"username\":\"CI\",\"discriminator\":\"0000\",\"avatar\":null,"
                "\"global_name\":null,\"public_flags\":0,\"flags\":0,\"primary_guild\":null,"
                "\"bot\":true}");
}

static void render_mentions(const struct world *w, const struct message_view *v, struct buf *b)
{
    uint32_t slot;

    buf_puts(b, ",\"mentions\":[");
    if (v->target != NONE) {
        render_user(w, v->target, b);
        slot = v->in_event && v->guild != NONE ? guild_member(w, v->guild, v->target) : NONE;
        if (slot != NONE) {
            b->end--; /* the member goes inside the user */
            buf_puts(b, ",\"member\":");
            render_member(w, v->guild, slot, false, b);
            buf_putc(b, '}');
        }
    }
    buf_putc(b, ']');
}

static void render_origin(const struct world *w, const struct message_view *v, uint64_t channel_id,
                          struct buf *b)
{
    if (v->webhook_id) {
        buf_puts(b, ",\"webhook_id\":");
        render_id(b, v->webhook_id);
    }
    if (v->application_id) {
        buf_puts(b, ",\"application_id\":");
        render_id(b, v->application_id);
    }
    if (v->metadata_user != NONE) {
        buf_puts(b, ",\"interaction_metadata\":{\"id\":");
        render_id(b, v->metadata_id);
        buf_puts(b, ",\"type\":2,\"user\":");
        render_user(w, v->metadata_user, b);
        buf_puts(b, ",\"authorizing_integration_owners\":{\"0\":");
        render_id(b, v->guild == NONE ? 0 : w->guilds[v->guild].id);
        buf_puts(b, "}}");
    }
    if (v->reply_to) {
        buf_puts(b, ",\"message_reference\":{\"type\":0,\"message_id\":");
        render_id(b, v->reply_to);
        buf_puts(b, ",\"channel_id\":");
        render_id(b, channel_id);
        buf_puts(b, "},\"referenced_message\":null");
    }
}

static void render_content(const struct message_view *v, struct buf *b)
{
    buf_puts(b, ",\"embeds\":[");
    if (v->with_embed && v->with_content)
        buf_puts(b, "{\"type\":\"link\",\"url\":\"https://example.org/\",\"title\":\"A page\"}");
    buf_puts(b, "],\"content\":");
    render_string(b, v->with_content && v->content ? v->content : "");
}

void render_message(const struct world *w, const struct message_view *v, struct buf *b)
{
    uint64_t channel_id =
        v->guild == NONE ? v->channel_id : w->guilds[v->guild].channels[v->channel].id;
    uint32_t slot = v->in_event && v->guild != NONE && v->user != NONE
                        ? guild_member(w, v->guild, v->user)
                        : NONE;

    buf_printf(b, "{\"type\":%d,\"tts\":false,\"timestamp\":", v->type);
    render_time(b, id_ms(v->id));
    buf_puts(b, ",\"pinned\":false");
    if (v->nonce) {
        buf_puts(b, ",\"nonce\":");
        render_string(b, v->nonce);
    }
    render_mentions(w, v, b);
    buf_puts(b, ",\"mention_roles\":[],\"mention_everyone\":false");
    if (slot != NONE && !v->webhook_id) {
        buf_puts(b, ",\"member\":");
        render_member(w, v->guild, slot, false, b);
    }
    buf_puts(b, ",\"id\":");
    render_id(b, v->id);
    buf_printf(b, ",\"flags\":%d,\"edited_timestamp\":", v->flags);
    render_time(b, v->edited_ms);
    render_content(v, b);
    render_origin(w, v, channel_id, b);
    buf_puts(b, ",\"components\":[]");
    if (v->in_event)
        buf_printf(b, ",\"channel_type\":%d",
                   v->guild == NONE ? 1 : w->guilds[v->guild].channels[v->channel].type);
    buf_puts(b, ",\"channel_id\":");
    render_id(b, channel_id);
    render_author(w, v, b);
    buf_puts(b, ",\"attachments\":[]");
    if (v->in_event && v->guild != NONE) {
        buf_puts(b, ",\"guild_id\":");
        render_id(b, w->guilds[v->guild].id);
    }
    buf_putc(b, '}');
}
