/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C, the Castagnoli polynomial, reflected. One instruction for eight bytes where the processor
 * has SSE 4.2, a table for four bits at a time elsewhere (the table is small enough to read). Edge.
 */
#include "base/hash.h"

#include <string.h>

static const uint32_t crc32c_nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

static uint32_t crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ crc32c_nibbles[crc & 15];
        crc = (crc >> 4) ^ crc32c_nibbles[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *bytes,
                                                               size_t length)
{
    uint64_t state = crc;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        state = __builtin_ia32_crc32di(state, word);
        bytes += 8;
        length -= 8;
    }
    uint32_t rest = (uint32_t)state;
    while (length > 0) {
        rest = __builtin_ia32_crc32qi(rest, *bytes);
        bytes++;
        length--;
    }
    return rest;
}
#endif

uint32_t oft_crc32c(uint32_t crc, const void *data, size_t length)
{
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return ~crc32c_sse42(crc, data, length);
    }
#endif
    return ~crc32c_portable(crc, data, length);
}
