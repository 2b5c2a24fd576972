/* A message channel over a stream socket in a loop (see msg.h for the messages).
 *
 * Sending queues bytes and writes many messages per system call. Receiving hands over one message
 * at a time; body and tail, 8-byte aligned, are valid until the end of the call, or of handed_over.
 */
#ifndef PRESENCE_IPC_H
#define PRESENCE_IPC_H

#include "presence/loop.h"
#include "presence/msg.h"

struct ipc;

struct ipc_callbacks {
    /* body: the fixed body; tail/tail_len: what follows it. */
    void (*message)(void *arg, const struct msg_header *h, const void *body, const void *tail,
                    size_t tail_len);
    /* End of file, an error, or a message that breaks the rules (why: text). The channel is dead;
     * the owner frees it. Called once. */
    void (*closed)(void *arg, const char *why);
    /* Optional: the send queue fell below the low-water mark after it had been above the high one.
     */
    void (*writable)(void *arg);
    /* Optional: all messages that were read together have been handed over. Their bodies and tails
     * stay valid until it returns. */
    void (*handed_over)(void *arg);
};

/* fd stays with the channel and is closed by ipc_free. */
struct ipc *ipc_new(struct loop *loop, int fd, const struct ipc_callbacks *cb, void *arg);
void ipc_free(struct ipc **ipc);
void ipc_set_generation(struct ipc *ipc, uint32_t generation); /* put into what is sent */

/* Queues a message; written at the end of the loop's round, or at once when much is queued. */
void ipc_send(struct ipc *ipc, uint16_t type, uint16_t lane, const void *body, size_t body_len,
              const void *tail, size_t tail_len);
size_t ipc_queued(const struct ipc *ipc); /* bytes not yet written */
void ipc_set_marks(struct ipc *ipc, size_t low, size_t high);
bool ipc_congested(const struct ipc *ipc);
void ipc_flush(struct ipc *ipc); /* tries to write now */

#endif
