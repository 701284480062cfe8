/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading end of the spool. It trusts nothing that it maps: a length is checked before it is
 * used and again before each read, and a record is believed only with its checksum, its kind and its
 * own place in the file.
 */
#include "meter/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "meter/append.h"

#define SEGMENT_RECORDS_MAX (1u << 22)

static bool is_segment_name(const char *name)
{
    size_t length = strlen(name);
    return length > 6 && length < sizeof(((struct meter_segment *)0)->name) && name[0] != '.' &&
           strcmp(name + length - 6, ".spool") == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void meter_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static enum oft_err push_name(char ***names, size_t *count, size_t *capacity, const char *name)
{
    if (*count == *capacity) {
        size_t grown = *capacity == 0 ? 64 : *capacity * 2;
        char **larger = realloc(*names, grown * sizeof(**names));
        if (larger == NULL) {
            return OFT_ERR_MEMORY;
        }
        *names = larger;
        *capacity = grown;
    }
    (*names)[*count] = strdup(name);
    if ((*names)[*count] == NULL) {
        return OFT_ERR_MEMORY;
    }
    (*count)++;
    return OFT_OK;
}

enum oft_err meter_list(const char *directory, char ***ret_names, size_t *ret_count,
                        struct oft_error *reterr)
{
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot read the spool directory %s: %s", directory,
                        strerror(errno));
    }
    char **names = NULL;
    size_t count = 0;
    size_t capacity = 0;
    enum oft_err code = OFT_OK;
    for (struct dirent *item = readdir(listing); item != NULL && code == OFT_OK;
         item = readdir(listing)) {
        if (is_segment_name(item->d_name)) {
            code = push_name(&names, &count, &capacity, item->d_name);
        }
    }
    (void)closedir(listing);
    if (code != OFT_OK) {
        meter_names_free(names, count);
        return oft_fail(reterr, code, "out of memory listing %s", directory);
    }
    if (count > 1) {
        qsort(names, count, sizeof(*names), compare_names);
    }
    *ret_names = names;
    *ret_count = count;
    return OFT_OK;
}

static enum oft_err check_header(struct meter_segment *segment, struct oft_error *reterr)
{
    const struct meter_segment_header *header = &segment->header;
    if (header->magic != METER_SEGMENT_MAGIC) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "%s is no spool segment: its first bytes are not ours", segment->name);
    }
    if (header->version != METER_FORMAT_VERSION || header->record_bytes != METER_RECORD_BYTES ||
        header->byte_order != 0x01020304) {
        return oft_fail(reterr, OFT_ERR_VERSION,
                        "%s has format version %u; this program reads version %d", segment->name,
                        header->version, METER_FORMAT_VERSION);
    }
    uint32_t crc = oft_crc32c(0, header, offsetof(struct meter_segment_header, header_crc32c));
    if (crc != header->header_crc32c) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "the header of %s fails its checksum",
                        segment->name);
    }
    if (header->capacity == 0 || header->capacity > SEGMENT_RECORDS_MAX ||
        segment->length < METER_HEADER_BYTES + (size_t)header->capacity * METER_RECORD_BYTES) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "%s is shorter than its header says",
                        segment->name);
    }
    segment->capacity = header->capacity;
    return OFT_OK;
}

static enum oft_err map_segment(struct meter_segment *segment, struct oft_error *reterr)
{
    struct stat status;
    if (fstat(segment->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is not a regular file", segment->name);
    }
    if (status.st_size < METER_HEADER_BYTES) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "%s is shorter than a segment's header",
                        segment->name);
    }
    segment->length = (size_t)status.st_size;
    void *bytes = mmap(NULL, segment->length, PROT_READ, MAP_SHARED, segment->fd, 0);
    if (bytes == MAP_FAILED) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot map %s: %s", segment->name, strerror(errno));
    }
    segment->bytes = bytes;
    memcpy(&segment->header, bytes, sizeof(segment->header));
    return check_header(segment, reterr);
}

enum oft_err meter_segment_open(struct meter_segment *segment, const char *directory,
                                const char *name, struct oft_error *reterr)
{
    memset(segment, 0, sizeof(*segment));
    segment->fd = -1;
    if (strlen(name) >= sizeof(segment->name) || strchr(name, '/') != NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "\"%.80s\" is no segment's name", name);
    }
    (void)snprintf(segment->name, sizeof(segment->name), "%s", name);
    char path[METER_PATH_BYTES_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the spool directory's path is too long");
    }
    /* O_NONBLOCK so that a FIFO put there by somebody does not hang us. */
    segment->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (segment->fd < 0) {
        return oft_fail(reterr, errno == ELOOP ? OFT_ERR_INVALID : OFT_ERR_IO, "cannot open %s: %s",
                        path, strerror(errno));
    }
    enum oft_err code = map_segment(segment, reterr);
    if (code != OFT_OK) {
        meter_segment_close(segment);
    }
    return code;
}

void meter_segment_close(struct meter_segment *segment)
{
    if (segment->bytes != NULL) {
        (void)munmap((void *)segment->bytes, segment->length);
    }
    if (segment->fd >= 0) {
        (void)close(segment->fd);
    }
    segment->bytes = NULL;
    segment->fd = -1;
}

enum meter_segment_state meter_segment_state(const struct meter_segment *segment)
{
    const struct meter_segment_header *header = (const void *)segment->bytes;
    if (__atomic_load_n(&header->closed, __ATOMIC_ACQUIRE) != 0) {
        return METER_ENDED;
    }
    /* The writer locked the file before it had this name: a lock we can get means it is gone. */
    if (flock(segment->fd, LOCK_SH | LOCK_NB) != 0) {
        return METER_WRITING;
    }
    (void)flock(segment->fd, LOCK_UN);
    return __atomic_load_n(&header->closed, __ATOMIC_ACQUIRE) != 0 ? METER_ENDED : METER_DEAD;
}

enum meter_record_kind meter_record_kind(const struct meter_record *record)
{
    return (enum meter_record_kind)((record->commit >> 8) & 0xff);
}

bool meter_record_valid(const struct meter_record *record, uint64_t sequence)
{
    enum meter_record_kind kind = meter_record_kind(record);
    uint32_t crc = oft_crc32c(0, &record->sequence,
                              METER_RECORD_BYTES - offsetof(struct meter_record, sequence));
    return record->commit >> 16 == METER_RECORD_MAGIC &&
           (record->commit & 0xff) == METER_FORMAT_VERSION &&
           (kind == METER_INTENT || kind == METER_SETTLED) && record->sequence == sequence &&
           record->crc32c == crc;
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* A file that was cut short under our mapping would fault: look at its length again. */
static bool still_whole(const struct meter_segment *segment)
{
    struct stat status;
    return fstat(segment->fd, &status) == 0 && (size_t)status.st_size >= segment->length;
}

/* The slot after the last one with a commit word, FROM at least: an empty slot before it is damage,
 * not the end. Looked up once a read, so that a damaged file costs one pass and not its square. */
static uint32_t written_end(const struct meter_segment *segment, uint32_t from)
{
    for (uint32_t end = segment->capacity; end > from; end--) {
        const struct meter_record *record = (const void *)(segment->bytes + METER_HEADER_BYTES +
                                                           (size_t)(end - 1) * METER_RECORD_BYTES);
        if (record->commit != 0) {
            return end;
        }
    }
    return from;
}

enum oft_err meter_read(const struct meter_segment *segment, enum meter_segment_state state,
                        uint32_t from, struct meter_record *records, uint32_t records_max,
                        struct meter_read_result *ret_result)
{
    struct meter_read_result result = {.next = from};
    uint32_t end = 0;
    bool end_known = false;
    if (from > segment->capacity || !still_whole(segment)) {
        return OFT_ERR_CORRUPT;
    }
    while (result.next < segment->capacity && result.record_count < records_max) {
        const uint8_t *slot =
            segment->bytes + METER_HEADER_BYTES + (size_t)result.next * METER_RECORD_BYTES;
        const struct meter_record *record = (const void *)slot;
        if (__atomic_load_n(&record->commit, __ATOMIC_ACQUIRE) == 0) {
            if (state != METER_WRITING && !end_known) {
                end = written_end(segment, result.next);
                end_known = true;
            }
            if (state == METER_WRITING || result.next >= end) {
                result.torn = state != METER_WRITING && !all_zero(slot, METER_RECORD_BYTES);
                break;
            }
            result.corrupt_count++;
            result.next++;
            continue;
        }
        struct meter_record *copy = &records[result.record_count];
        memcpy(copy, slot, sizeof(*copy));
        if (meter_record_valid(copy, result.next)) {
            result.record_count++;
        } else {
            result.corrupt_count++;
        }
        result.next++;
    }
    *ret_result = result;
    return OFT_OK;
}
