/* Host names, each resolved in a thread of its own that ends with its answer. Called by redis and
 * by what a worker fetches for the master. Diagnostics: fatal without descriptors; everything else
 * is told to the caller. */
#include "presence/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "presence/buf.h"
#include "presence/fd.h"
#include "presence/log.h"

#define TEXT_MAX     4096u
#define THREAD_STACK (256u << 10)

struct resolve {
    resolve_cb *cb;
    void *arg;
    struct loop_fd *watch;
    int fd; /* what the thread writes: '+' and addresses, or '-' and an error */
    struct buf text;
};

struct job { /* the thread's own: it may outlive the interest in it */
    int fd;
    char host[];
};

/* Little enough for a socket's buffer; nobody may be there any more. */
static void tell(int fd, const void *text, size_t len)
{
    ssize_t ignored = send(fd, text, len, MSG_NOSIGNAL);

    (void)ignored;
}

static void put_addresses(const struct addrinfo *list, struct buf *out)
{
    char address[NI_MAXHOST];

    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (!getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0,
                         NI_NUMERICHOST))
            buf_printf(out, "%s\n", address);
}

static void *look_up(void *arg)
{
    struct job *job = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int code = getaddrinfo(job->host, NULL, &hints, &list);
    struct buf out;

    buf_init(&out, TEXT_MAX);
    buf_putc(&out, code ? '-' : '+');
    if (code)
        buf_puts(&out, code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    else
        put_addresses(list, &out);
    tell(job->fd, buf_bytes(&out), buf_len(&out));
    close(job->fd);
    buf_clear(&out);
    if (list)
        freeaddrinfo(list);
    free(job);
    return NULL;
}

static void start_thread(struct job *job)
{
    static const char failed[] = "-no thread could be started";
    pthread_attr_t attr;
    pthread_t thread;
    int error;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    error = pthread_create(&thread, &attr, look_up, job);
    pthread_attr_destroy(&attr);
    if (!error)
        return;
    tell(job->fd, failed, sizeof(failed) - 1);
    close(job->fd);
    free(job);
}

static void readable(void *arg, unsigned events)
{
    struct resolve *r = arg;
    unsigned char *room = buf_reserve(&r->text, 1024);
    ssize_t n = room ? read(r->fd, room, 1024) : 0;
    const char *text;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        buf_commit(&r->text, (size_t)n);
        return;
    }
    text = buf_cstr(&r->text);
    if (text[0] == '+' && text[1])
        r->cb(r->arg, text + 1, NULL);
    else
        r->cb(r->arg, NULL, text[0] == '-' ? text + 1 : "no address");
    resolve_cancel(&r);
}

struct resolve *resolve_start(struct loop *loop, const char *host, resolve_cb *cb, void *arg)
{
    struct resolve *r = xcalloc(1, sizeof(*r));
    struct job *job = xcalloc(1, sizeof(*job) + strlen(host) + 1);
    int fds[2];

    *r = (struct resolve){.cb = cb, .arg = arg};
    strcpy(job->host, host);
    buf_init(&r->text, TEXT_MAX * 2);
    if (fd_pair(fds))
        fatal("resolve", "socketpair: %s", strerror(errno));
    r->fd = fds[0];
    job->fd = fds[1];
    r->watch = loop_fd_add(loop, r->fd, LOOP_READ, readable, r);
    start_thread(job);
    return r;
}

void resolve_cancel(struct resolve **resolve)
{
    struct resolve *r = *resolve;

    if (!r)
        return;
    *resolve = NULL;
    loop_fd_del(&r->watch);
    close(r->fd);
    buf_clear(&r->text);
    free(r);
}
