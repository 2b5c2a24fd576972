/* Requests that change something: reload, log, debug. Called by control.c.
 * Diagnostics: none here; what is wrong is told to the client. */
#include <inttypes.h>
#include <string.h>

#include "config.h"
#include "control_priv.h"
#include "presence/log.h"

#define CLOCK_OFFSET_MAX (INT64_C(10) * 365 * 86400 * 1000)

static void print_outcome(struct buf *out, const struct reload_outcome *outcome)
{
    const struct conf_changes *changes = &outcome->changes;

    buf_puts(out, "{\"changed\":[");
    for (size_t i = 0; i < changes->count; i++) {
        const struct conf_change *ch = &changes->list[i];

        buf_printf(out, "%s{\"key\":\"%s.%s\",\"old\":", i ? "," : "", ch->key->section,
                   ch->key->key);
        buf_put_json(out, ch->old_text, strlen(ch->old_text));
        buf_puts(out, ",\"new\":");
        buf_put_json(out, ch->new_text, strlen(ch->new_text));
        buf_printf(out, ",\"restart\":%s}", conf_key_needs_restart(ch->key) ? "true" : "false");
    }
    buf_puts(out, "],\"rotated\":[");
    if (outcome->rotated.discord)
        buf_puts(out, "\"discord.token_file\"");
    if (outcome->rotated.graphql)
        buf_printf(out, "%s\"graphql.token_file\"", outcome->rotated.discord ? "," : "");
    buf_puts(out, "]}");
}

static void reloaded(void *arg, const char *code, const struct reload_outcome *outcome)
{
    struct client *cl = arg;
    bool later = cl->pending == PENDING_RELOAD;
    struct buf text;

    buf_init(&text, 0);
    if (strcmp(code, "ok") == 0) {
        print_outcome(&text, outcome);
        client_answer(cl, &text);
    } else if (strcmp(code, "bad_config") == 0) {
        buf_puts(&text, ",\"errors\":[");
        for (size_t i = 0; i < outcome->errors.count; i++) {
            buf_puts(&text, i ? "," : "");
            buf_put_json(&text, outcome->errors.lines[i], strlen(outcome->errors.lines[i]));
        }
        buf_putc(&text, ']');
        client_refuse(cl, CONTROL_BAD_CONFIG, "the configuration was refused; the old one stays",
                      buf_cstr(&text));
    } else {
        client_refuse(cl, strcmp(code, "busy") == 0 ? CONTROL_BUSY : CONTROL_UNAVAILABLE,
                      strcmp(code, "busy") == 0 ? "another reload is under way"
                                                : "presenced is stopping",
                      NULL);
    }
    buf_clear(&text);
    if (later)
        client_go_on(cl);
}

void control_reload(struct client *cl)
{
    struct master *m = cl->c->m;

    reload_start(m, reloaded, cl);
    if (reload_running(m) && buf_len(&cl->out) == 0)
        cl->pending = PENDING_RELOAD;
}

static void cogs_reloaded(void *arg, const char *code, const char *report)
{
    struct client *cl = arg;
    bool later = cl->pending == PENDING_COGS;
    struct buf text;

    buf_init(&text, 0);
    if (strcmp(code, "ok") == 0) {
        buf_printf(&text, "{\"cogs\":%s}", report);
        client_answer(cl, &text);
    } else {
        buf_printf(&text, ",\"cogs\":%s", report);
        client_refuse(cl, strcmp(code, "busy") == 0 ? CONTROL_BUSY : CONTROL_UNAVAILABLE,
                      strcmp(code, "busy") == 0
                          ? "another reload is under way"
                          : "the workers were not all replaced; see the log of presenced",
                      buf_cstr(&text));
    }
    buf_clear(&text);
    if (later)
        client_go_on(cl);
}

void control_reload_cogs(struct client *cl, const struct json *args)
{
    struct master *m = cl->c->m;
    const char *name = json_string(json_get(args, "name"), "");

    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")]) {
        client_refuse(cl, CONTROL_BAD_REQUEST, "name: expected [a-z0-9_-]", NULL);
        return;
    }
    cogs_reload(m, *name && strcmp(name, "all") != 0 ? name : NULL, cogs_reloaded, cl);
    if (cogs_busy(m) && buf_len(&cl->out) == 0)
        cl->pending = PENDING_COGS;
}

void control_set_log_level(struct client *cl, const struct json *args)
{
    struct master *m = cl->c->m;
    enum log_level level, old = log_level();
    struct buf out;

    if (log_level_parse(json_string(json_get(args, "level"), ""), &level)) {
        client_refuse(cl, CONTROL_BAD_REQUEST, "level: expected debug, info, warn or error", NULL);
        return;
    }
    struct msg_id id = {level};
    for (unsigned i = 0; i < LANES; i++)
        worker_send(&m->workers[i], MSG_LOG_LEVEL, &id, sizeof(id), NULL, 0);
    log_set_level(level);
    buf_init(&out, 0);
    buf_printf(&out, "{\"level\":\"%s\",\"old\":\"%s\"}", log_level_name(level),
               log_level_name(old));
    client_answer(cl, &out);
    buf_clear(&out);
}

#ifdef ENABLE_DEBUG_FAULTS
/* A new worker is told at its start (worker.c). */
static void debug_clock(struct client *cl, int64_t offset_ms)
{
    struct master *m = cl->c->m;
    struct msg_id offset = {(uint64_t)offset_ms};

    if (offset_ms < -CLOCK_OFFSET_MAX || offset_ms > CLOCK_OFFSET_MAX) {
        client_refuse(cl, CONTROL_BAD_REQUEST, "offset_ms: expected at most ten years", NULL);
        return;
    }
    clock_set_offset(offset_ms);
    for (unsigned i = 0; i < LANES; i++)
        worker_send(&m->workers[i], MSG_CLOCK, &offset, sizeof(offset), NULL, 0);
    client_answer_text(cl, "{}");
}

void control_debug(struct client *cl, const struct json *args)
{
    static const char *const names[] = {"crash", "hang", "exit"};
    struct master *m = cl->c->m;
    const char *fault = json_string(json_get(args, "fault"), "");
    int64_t slot = json_int(json_get(args, "worker"), -1),
            shard = json_int(json_get(args, "shard"), -1);

    if (strcmp(fault, "drop") == 0 && shard >= 0 && shard < m->shard_count) {
        shard_cut(&m->shards[shard]);
        client_answer_text(cl, "{}");
        return;
    }
    if (strcmp(fault, "clock") == 0 && json_is_number(json_get(args, "offset_ms"))) {
        debug_clock(cl, json_int(json_get(args, "offset_ms"), 0));
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        struct msg_id id = {DEBUG_CRASH + i};

        if (strcmp(fault, names[i]) != 0 || slot < 0 || slot >= LANES)
            continue;
        if (m->workers[slot].state != WORKER_READY) {
            client_refuse(cl, CONTROL_NOT_FOUND, "there is no such worker", NULL);
            return;
        }
        worker_send(&m->workers[slot], MSG_DEBUG, &id, sizeof(id), NULL, 0);
        client_answer_text(cl, "{}");
        return;
    }
    client_refuse(
        cl, CONTROL_BAD_REQUEST,
        "expected fault crash, hang or exit with worker, drop with shard, or clock with offset_ms",
        NULL);
}
#endif
