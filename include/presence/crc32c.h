/* CRC-32C (Castagnoli), as in iSCSI: polynomial 0x1edc6f41, reflected. */
#ifndef PRESENCE_CRC32C_H
#define PRESENCE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of bytes that follow others whose CRC is `before` (0 for the first). */
uint32_t crc32c(uint32_t before, const void *bytes, size_t n);
/* The same without the processor's instruction; for tests. */
uint32_t crc32c_by_table(uint32_t before, const void *bytes, size_t n);

#endif
