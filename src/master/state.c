/* The state file as text: a line for the whole, a line per shard, and a last line with a checksum,
 * so that half a file is noticed. Called by master.c.
 * Diagnostics: what is wrong with a file, to the caller. */
#include "state.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "presence/route.h"

#define STATE_WORD_MAX 1024

void state_forget_shard(struct state *s, unsigned shard)
{
    struct state_shard *sh = &s->shard[shard];

    free(sh->session_id);
    free(sh->resume_url);
    *sh = (struct state_shard){0};
}

void state_clear(struct state *s)
{
    for (unsigned i = 0; i < SHM_SHARDS_MAX; i++)
        state_forget_shard(s, i);
    memset(s, 0, sizeof(*s));
}

static bool is_word(const char *text)
{
    size_t len = strlen(text);

    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return len > 0 && len <= STATE_WORD_MAX;
}

void state_set_shard(struct state *s, unsigned shard, uint64_t session, uint64_t seq,
                     const char *session_id, const char *resume_url, int64_t watched_ms)
{
    struct state_shard *sh = &s->shard[shard];

    /* What the file's grammar cannot hold cannot be resumed after a restart: no harm, a gap. */
    if (!session_id || !resume_url || !is_word(session_id) || !is_word(resume_url)) {
        state_forget_shard(s, shard);
        return;
    }
    if (!sh->session_id || strcmp(sh->session_id, session_id) != 0) {
        free(sh->session_id);
        sh->session_id = xstrdup(session_id);
    }
    if (!sh->resume_url || strcmp(sh->resume_url, resume_url) != 0) {
        free(sh->resume_url);
        sh->resume_url = xstrdup(resume_url);
    }
    sh->session = session;
    sh->seq = seq;
    sh->watched_ms = watched_ms;
}

static uint64_t checksum(const char *text, size_t len)
{
    uint64_t sum = len;

    for (size_t i = 0; i < len; i++)
        sum = route_mix(sum ^ (unsigned char)text[i]);
    return sum;
}

void state_print(const struct state *s, struct buf *out)
{
    size_t begin = buf_len(out);

    buf_printf(out, "presence-state 1 epoch %" PRIu64 " session_last %" PRIu64 " shards %u\n",
               s->epoch, s->session_last, s->shards);
    for (unsigned i = 0; i < s->shards; i++) {
        const struct state_shard *sh = &s->shard[i];

        if (sh->session)
            buf_printf(out,
                       "shard %u session %" PRIu64 " seq %" PRIu64 " watched %" PRId64 " %s %s\n",
                       i, sh->session, sh->seq, sh->watched_ms, sh->session_id, sh->resume_url);
    }
    buf_printf(out, "end %016" PRIx64 "\n",
               checksum((const char *)buf_bytes(out) + begin, buf_len(out) - begin));
}

static int parse_shard(const char *line, struct state *s)
{
    unsigned shard;
    uint64_t session, seq;
    int64_t watched;
    char id[STATE_WORD_MAX + 1], url[STATE_WORD_MAX + 1];

    if (sscanf(line,
               "shard %u session %" SCNu64 " seq %" SCNu64 " watched %" SCNd64 " %1024s %1024s",
               &shard, &session, &seq, &watched, id, url) != 6 ||
        shard >= s->shards || session == 0)
        return -1;
    state_set_shard(s, shard, session, seq, id, url, watched);
    return 0;
}

int state_parse(const char *text, size_t len, struct state *s, char **error_r)
{
    char *copy = xstrndup(text, len), *line, *next, *end;
    uint64_t sum;
    unsigned number = 1;

    *error_r = NULL;
    state_clear(s);
    end = strncmp(copy, "end ", 4) == 0 ? copy : strstr(copy, "\nend ");
    if (strlen(copy) != len || !end || sscanf(end, "\nend %" SCNx64, &sum) != 1 ||
        sum != checksum(copy, (size_t)(end + 1 - copy))) {
        *error_r = xstrdup("it has no valid checksum at its end");
        goto out;
    }
    end[1] = '\0';
    for (line = copy; *line; line = next, number++) {
        int r = 0;

        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        if (number == 1)
            r = sscanf(line,
                       "presence-state 1 epoch %" SCNu64 " session_last %" SCNu64 " shards %u",
                       &s->epoch, &s->session_last, &s->shards) != 3 ||
                s->shards > SHM_SHARDS_MAX;
        else
            r = parse_shard(line, s);
        if (r) {
            *error_r = xasprintf("line %u is not what this version writes", number);
            break;
        }
    }
out:
    free(copy);
    if (*error_r)
        state_clear(s);
    return *error_r ? -1 : 0;
}

uint64_t state_session_number(struct state *s, int64_t now_ms, unsigned shard)
{
    uint64_t ms = (uint64_t)now_ms, last_ms = s->session_last >> 8;

    if (ms <= last_ms)
        ms = last_ms + 1;
    s->session_last = ms << 8 | (shard & 0xff);
    return s->session_last;
}
