/* Events on their way from the channel to their lanes: first several are read, then their actors'
 * rows are brought into the cache together, then they are taken, one after the other. Each row by
 * itself is a miss that takes longer than all else about an event. Called by main for each message.
 *
 * An event that was delivered before does not wait: perhaps it killed somebody, and who dies of it
 * must be found at it and nowhere else.
 * Diagnostics: none. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "worker/worker.h"

#define FETCH_BYTES 4096u

void inbox_init(struct worker *w)
{
    for (unsigned i = 0; i < INBOX_SIZE; i++)
        w->inbox.events[i].ahead = event_ahead_new();
    w->again = event_ahead_new();
}

/* An event that holds this word kills whoever is given it: so tests make a poisoned one. */
static void debug_poison(const char *frame, size_t len)
{
#ifdef ENABLE_DEBUG_FAULTS
    static const char *word;

    if (!word && !(word = getenv("PRESENCE_DEBUG_POISON")))
        word = "";
    if (*word && memmem(frame, len, word, strlen(word)))
        abort();
#else
    (void)frame;
    (void)len;
#endif
}

/* Another process has just written it: reading it line by line waits for each. No more than has
 * room in the nearest cache. */
static void fetch_frame(const char *frame, size_t len)
{
    size_t end = len < FETCH_BYTES ? len : FETCH_BYTES;

    for (size_t i = 128; i < end; i += 64)
        __builtin_prefetch(frame + i);
}

static void fetch_rows(const struct worker *w)
{
    struct seen_key keys[INBOX_SIZE];
    size_t n = 0;

    for (unsigned i = 0; i < w->inbox.count; i++) {
        const struct event_ahead *ahead = w->inbox.events[i].ahead;

        if (snowflake_known(event_actor(ahead)))
            keys[n++] = (struct seen_key){{event_head(ahead)->guild}, event_actor(ahead)};
    }
    if (n > 1)
        seen_fetch(&w->shm, keys, n);
}

void inbox_empty(struct worker *w)
{
    fetch_rows(w);
    for (unsigned i = 0; i < w->inbox.count; i++) {
        const struct inbox_event *e = &w->inbox.events[i];

        debug_poison(e->frame, e->len);
        lane_event(w, e->lane, e->ahead, e->frame, e->len);
    }
    w->inbox.count = 0;
}

void inbox_event(struct worker *w, unsigned lane, const struct msg_event *event, const char *frame,
                 size_t len)
{
    bool again = event->flags & MSG_EVENT_REDELIVERED;
    struct inbox_event *e;

    if (again || w->inbox.count == INBOX_SIZE)
        inbox_empty(w);
    e = &w->inbox.events[w->inbox.count++];
    e->lane = lane;
    e->frame = frame;
    e->len = len;
    fetch_frame(frame, len);
    event_read(e->ahead, event, frame, len);
    if (again)
        inbox_empty(w);
}
