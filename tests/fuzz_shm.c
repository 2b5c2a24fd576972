/* libFuzzer: any bytes as the header of a segment. What is accepted must be usable. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/ring.h"
#include "presence/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct shm *shm)
{
    struct ring ring;
    bool inserted;

    ring_init(&ring, shm, LANES - 1);
    ring.slots[(size_t)ring.size * RECORD_SLOT_SIZE - 1] = 1;
    seen_touch(shm, (snowflake_t){1}, (snowflake_t){2}, 0, &inserted);
    shm_guild(shm, (snowflake_t){1}, true);
}

/* The first bytes of the input replace those of a right header, at the offset they name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shm made;
    struct shm shm;
    char *why = NULL;
    uint16_t at;
    int fd;

    if (size < 2)
        return 0;
    if (!made.header) {
        struct shm_params params = {.rows = 64, .ring_slots = SHM_RING_SLOTS_MIN, .guilds = 16};

        if (shm_open_master("fuzz-shm", &params, &made, NULL) == SHM_FAILED)
            abort();
        shm_remove("fuzz-shm");
    }
    memcpy(&at, data, 2);
    at %= 256;
    if ((fd = memfd_create("fuzz-shm", MFD_CLOEXEC)) < 0 || ftruncate(fd, (off_t)made.size) ||
        fchmod(fd, 0600) || pwrite(fd, made.header, sizeof(*made.header), 0) < 0 ||
        pwrite(fd, data + 2, size - 2 < 256 ? size - 2 : 256, at) < 0)
        abort();
    if (shm_attach(fd, &shm, &why)) {
        free(why);
        close(fd);
        return 0;
    }
    use(&shm);
    shm_close(&shm);
    return 0;
}
