/* libFuzzer: any bytes as what a peer sends over the socket of a message channel. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "presence/fd.h"
#include "presence/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ipc *ipc;
static unsigned sum;

static void read_message(void *arg, const struct msg_header *h, const void *body, const void *tail,
                         size_t tail_len)
{
    const unsigned char *bytes = tail;

    (void)arg;
    if (msg_check(h) || (uintptr_t)body % 8)
        abort();
    for (size_t i = 0; i < tail_len; i++)
        sum += bytes[i];
}

static void closed(void *arg, const char *why)
{
    (void)arg;
    (void)why;
    ipc_free(&ipc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ipc_callbacks callbacks = {read_message, closed, NULL, NULL};
    struct loop *loop = loop_new();
    int fds[2];

    if (size > 60000 || fd_pair(fds)) {
        loop_free(&loop);
        return 0;
    }
    ipc = ipc_new(loop, fds[0], &callbacks, NULL);
    /* In two pieces, so that messages are cut anywhere. */
    if (send(fds[1], data, size / 2, MSG_NOSIGNAL) < 0)
        abort();
    loop_once(loop, 0);
    if (send(fds[1], data + size / 2, size - size / 2, MSG_NOSIGNAL) < 0 && ipc)
        abort();
    close(fds[1]);
    for (int i = 0; i < 4 && ipc; i++)
        loop_once(loop, 0);
    if (ipc)
        abort(); /* the end of the file must end the channel */
    loop_free(&loop);
    return 0;
}
