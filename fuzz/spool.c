/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's reader over any file: every record it gives must pass its own check, and positions may
 * only grow. The input is laid behind a good header half of the time, so that records are reached.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "meter/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_segment(int fd, const uint8_t *data, size_t size)
{
    uint8_t page[METER_HEADER_BYTES] = {0};
    struct meter_segment_header *header = (void *)page;
    size_t records = size / METER_RECORD_BYTES + 1;
    if (size > 0 && (data[0] & 1) != 0) {
        header->magic = METER_SEGMENT_MAGIC;
        header->version = METER_FORMAT_VERSION;
        header->record_bytes = METER_RECORD_BYTES;
        header->byte_order = 0x01020304;
        header->capacity = (uint32_t)records;
        header->header_crc32c =
            oft_crc32c(0, header, offsetof(struct meter_segment_header, header_crc32c));
        if (pwrite(fd, page, sizeof(page), 0) != (ssize_t)sizeof(page) ||
            pwrite(fd, data, size, METER_HEADER_BYTES) != (ssize_t)size ||
            ftruncate(fd, (off_t)(METER_HEADER_BYTES + records * METER_RECORD_BYTES)) != 0) {
            abort();
        }
    } else if (write(fd, data, size) != (ssize_t)size) {
        abort();
    }
}

static void read_all(const struct meter_segment *segment)
{
    static struct meter_record records[64];
    enum meter_segment_state state = meter_segment_state(segment);
    uint32_t next = 0;
    for (;;) {
        struct meter_read_result result;
        if (meter_read(segment, state, next, records, 64, &result) != OFT_OK) {
            return;
        }
        for (uint32_t i = 0; i < result.record_count; i++) {
            if (!meter_record_valid(&records[i], records[i].sequence)) {
                abort();
            }
        }
        if (result.next < next ||
            result.record_count + result.corrupt_count != result.next - next) {
            abort();
        }
        if (result.next == next) {
            return;
        }
        next = result.next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char directory[] = "/tmp/oft-fuzz-XXXXXX";
    char path[64];
    struct meter_segment segment;
    if (size > 65536 || mkdtemp(directory) == NULL) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/a.spool", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        abort();
    }
    write_segment(fd, data, size);
    (void)close(fd);
    if (meter_segment_open(&segment, directory, "a.spool", NULL) == OFT_OK) {
        read_all(&segment);
        meter_segment_close(&segment);
    }
    (void)unlink(path);
    (void)rmdir(directory);
    return 0;
}
