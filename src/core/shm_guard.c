/* What a process does when the segment that it has mapped is cut short under it: any access may
 * raise SIGBUS then. Called by the master and the workers once they have mapped it.
 * Diagnostics: segment_cut, and the process ends; the next start makes a new segment, and Discord
 * sends again what was not durable. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "presence/log.h"
#include "presence/shm.h"

static struct shm guarded;

/* The signal comes of our own access to the segment, where nobody holds a lock of the C library:
 * what is called here need not be safe in other handlers. Any other reason is a defect like a bad
 * pointer. */
static void bus_error(int signo, siginfo_t *info, void *context)
{
    const char *at = info->si_addr, *begin = (const char *)guarded.header;

    (void)context;
    if (at >= begin && at < begin + guarded.size) {
        log_error("segment_cut", "the shared segment was made shorter while it is in use; the next "
                                 "start begins with a new one");
        _exit(EXIT_FAILURE);
    }
    signal(signo, SIG_DFL); /* and the access is tried again */
}

void shm_guard(const struct shm *shm)
{
    struct sigaction action = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO};

    guarded = *shm;
    sigaction(SIGBUS, &action, NULL);
}
