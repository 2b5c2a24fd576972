/* libFuzzer: any bytes as what a dead worker left in its lane. */
#include <signal.h>
#include <string.h>

#include "presence/ring.h"
#include "presence/seen.h"
#include "tests/shm_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct shm shm;

static void fold(void *arg, const struct record_header *h)
{
    bool inserted;

    (void)arg;
    if (record_check(h, RECORD_MAX_SLOTS))
        abort();
    seen_apply(&shm, h, 0, &inserted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ring ring;
    const char *bad;
    uint64_t bad_pos, positions[2];

    if (size < sizeof(positions))
        return 0;
    fixture_name("fuzz-ring");
    if (!shm.header)
        shm = fixture_shm(64);
    shm_remove(fixture_instance); /* stays mapped, and is gone whenever this ends */
    ring_init(&ring, &shm, 5);
    memcpy(positions, data, sizeof(positions));
    atomic_store(&ring.lane->tail, positions[0]);
    atomic_store(&ring.lane->head, positions[0] + positions[1] % (ring.size + 2));
    data += sizeof(positions);
    size -= sizeof(positions);
    for (size_t i = 0; i < size && i < (size_t)ring.size * RECORD_SLOT_SIZE; i++)
        ring.slots[(positions[0] % ring.size * RECORD_SLOT_SIZE + i) %
                   ((size_t)ring.size * RECORD_SLOT_SIZE)] = data[i];
    ring_recover(&ring, fold, NULL, &bad, &bad_pos);
    return 0;
}
