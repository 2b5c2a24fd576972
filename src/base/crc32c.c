/* CRC-32C by the processor's instruction where there is one (SSE 4.2), by a table elsewhere. Called
 * by the spool.
 * Diagnostics: none. */
#include "presence/crc32c.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

static uint32_t table[256];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[i] = crc;
    }
}

uint32_t crc32c_by_table(uint32_t before, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t crc = ~before;

    if (!table[1])
        fill_table();
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t before, const void *bytes,
                                                                 size_t n)
{
    const unsigned char *p = bytes;
    uint64_t crc = ~before, word;

    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; n > 0; n--, p++)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

uint32_t crc32c(uint32_t before, const void *bytes, size_t n)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(before, bytes, n);
    return crc32c_by_table(before, bytes, n);
}
#else
uint32_t crc32c(uint32_t before, const void *bytes, size_t n)
{
    return crc32c_by_table(before, bytes, n);
}
#endif
