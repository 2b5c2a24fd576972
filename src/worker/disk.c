/* Says in shared memory that the worker waits for its spools' disk. Called before each step that
 * may take as long as the disk likes. Diagnostics: none here; the master tells when it takes long.
 */
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "worker/worker.h"

/* One whose disk takes longer than a ping may stay unanswered, if the file named is there: once. */
static void debug_slow_disk(void)
{
#ifdef ENABLE_DEBUG_FAULTS
    const char *file = getenv("PRESENCE_DEBUG_SLOW_DISK");

    if (file && unlink(file) == 0)
        sleep(16);
#endif
}

static void back_from_disk(void *arg)
{
    struct worker *w = arg;

    w->at_disk = false;
    atomic_store(&w->shm.header->disk_since_ms[w->slot], 0);
}

void disk_enter(struct worker *w)
{
    if (!w->at_disk) {
        w->at_disk = true;
        atomic_store(&w->shm.header->disk_since_ms[w->slot], clock_mono().ms);
        loop_defer(w->loop, back_from_disk, w);
    }
    debug_slow_disk();
}
