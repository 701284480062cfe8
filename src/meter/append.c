/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing end of the spool: copy into mapped memory, checksum, then the commit word with release
 * order. System calls happen only when a segment is prepared or let go, never in an append. Edge.
 */
#include "meter/append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"

#define NODE_BYTES_MAX 24

static size_t segment_bytes(const struct meter_writer *writer)
{
    return METER_HEADER_BYTES + (size_t)writer->segment_records * METER_RECORD_BYTES;
}

static int segment_path(const struct meter_writer *writer, uint64_t number, const char *suffix,
                        char *path)
{
    int length = snprintf(path, METER_PATH_BYTES_MAX, "%s/%s-%06llu%s", writer->directory,
                          writer->name, (unsigned long long)number, suffix);
    return length > 0 && length < METER_PATH_BYTES_MAX ? 0 : -1;
}

static enum oft_err fail_errno(struct oft_error *reterr, const char *what, const char *path)
{
    int saved = errno;
    enum oft_err code =
        saved == ENOSPC || saved == EDQUOT || saved == EFBIG ? OFT_ERR_FULL : OFT_ERR_IO;
    return oft_fail(reterr, code, "cannot %s the spool segment %s: %s", what, path,
                    strerror(saved));
}

static void fill_header(const struct meter_writer *writer, struct meter_segment_header *header,
                        int64_t now_ns)
{
    header->magic = METER_SEGMENT_MAGIC;
    header->version = METER_FORMAT_VERSION;
    header->record_bytes = METER_RECORD_BYTES;
    header->byte_order = 0x01020304;
    header->capacity = writer->segment_records;
    header->writer_pid = (uint64_t)getpid();
    header->created_ns = now_ns;
    header->segment_number = writer->next_segment_number;
    memcpy(header->writer, writer->name, sizeof(header->writer));
    header->header_crc32c =
        oft_crc32c(0, header, offsetof(struct meter_segment_header, header_crc32c));
}

/* Allocates, maps, locks and heads the file at PATH, still under its temporary name. */
static enum oft_err prepare_file(struct meter_writer *writer, int fd, const char *path,
                                 int64_t now_ns, struct meter_segment_header **ret_header,
                                 struct oft_error *reterr)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return fail_errno(reterr, "lock", path);
    }
    int failure = posix_fallocate(fd, 0, (off_t)segment_bytes(writer));
    if (failure != 0) {
        errno = failure;
        return fail_errno(reterr, "allocate", path);
    }
    void *bytes = mmap(NULL, segment_bytes(writer), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return fail_errno(reterr, "map", path);
    }
    fill_header(writer, bytes, now_ns);
    *ret_header = bytes;
    return OFT_OK;
}

/* A segment gets its final name only when its header is whole, so that no reader sees half of one. */
static enum oft_err make_segment(struct meter_writer *writer, int64_t now_ns, int *ret_fd,
                                 struct meter_segment_header **ret_header, struct oft_error *reterr)
{
    char temporary[METER_PATH_BYTES_MAX];
    char final[METER_PATH_BYTES_MAX];
    if (segment_path(writer, writer->next_segment_number, ".tmp", temporary) != 0 ||
        segment_path(writer, writer->next_segment_number, ".spool", final) != 0) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the spool directory's path is too long");
    }
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return fail_errno(reterr, "create", temporary);
    }
    struct meter_segment_header *header = NULL;
    enum oft_err code = prepare_file(writer, fd, temporary, now_ns, &header, reterr);
    if (code == OFT_OK && rename(temporary, final) != 0) {
        code = fail_errno(reterr, "name", final);
    }
    if (code != OFT_OK) {
        if (header != NULL) {
            (void)munmap(header, segment_bytes(writer));
        }
        (void)unlink(temporary);
        (void)close(fd);
        return code;
    }
    writer->next_segment_number++;
    *ret_fd = fd;
    *ret_header = header;
    return OFT_OK;
}

/* Closing the descriptor releases the lock; the closed mark says that nothing was lost. */
static void let_go(struct meter_writer *writer, int fd, struct meter_segment_header *header)
{
    __atomic_store_n(&header->closed, 1, __ATOMIC_RELEASE);
    (void)msync(header, segment_bytes(writer), MS_ASYNC);
    (void)munmap(header, segment_bytes(writer));
    (void)close(fd);
}

static bool node_name_valid(const char *node)
{
    size_t length = strlen(node);
    if (length == 0 || length > NODE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = node[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

enum oft_err meter_writer_open(struct meter_writer *writer, const char *directory, const char *node,
                               uint32_t segment_records, int64_t now_ns, struct oft_error *reterr)
{
    memset(writer, 0, sizeof(*writer));
    writer->current_fd = -1;
    writer->spare_fd = -1;
    if (!node_name_valid(node)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "the node name \"%.40s\" is not 1 to %d characters of a-z, 0-9 and -", node,
                        NODE_BYTES_MAX);
    }
    size_t length = strlen(directory);
    if (length >= sizeof(writer->directory)) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the spool directory's path is too long");
    }
    memcpy(writer->directory, directory, length + 1);
    writer->segment_records =
        segment_records == 0 ? OFT_SPOOL_SEGMENT_RECORDS_DEFAULT : segment_records;
    (void)snprintf(writer->name, sizeof(writer->name), "%s-%lld-%lld", node, (long long)now_ns,
                   (long long)getpid());
    return make_segment(writer, now_ns, &writer->current_fd, &writer->current, reterr);
}

/* Records that can still be written into what is mapped. */
static uint64_t room(const struct meter_writer *writer)
{
    uint64_t records = 0;
    if (writer->current != NULL) {
        records += writer->segment_records - writer->used;
    }
    if (writer->spare != NULL) {
        records += writer->segment_records;
    }
    return records;
}

enum oft_err meter_reserve(struct meter_writer *writer, uint32_t count, int64_t now_ns)
{
    if (writer->current == NULL && writer->spare == NULL && writer->segment_records == 0) {
        return OFT_ERR_FULL; /* never opened */
    }
    uint64_t wanted = (uint64_t)writer->reserved + count;
    if (wanted + writer->segment_records / 8 > room(writer) && writer->spare == NULL) {
        enum oft_err code = make_segment(writer, now_ns, &writer->spare_fd, &writer->spare, NULL);
        if (code != OFT_OK && wanted > room(writer)) {
            return OFT_ERR_FULL;
        }
    }
    if (wanted > room(writer)) {
        return OFT_ERR_FULL;
    }
    writer->reserved += count;
    return OFT_OK;
}

void meter_unreserve(struct meter_writer *writer, uint32_t count)
{
    writer->reserved -= count < writer->reserved ? count : writer->reserved;
}

static void switch_to_spare(struct meter_writer *writer)
{
    if (writer->current != NULL) {
        let_go(writer, writer->current_fd, writer->current);
    }
    writer->current = writer->spare;
    writer->current_fd = writer->spare_fd;
    writer->spare = NULL;
    writer->spare_fd = -1;
    writer->used = 0;
}

enum oft_err meter_append(struct meter_writer *writer, enum meter_record_kind kind,
                          const struct meter_record *record)
{
    if (writer->current == NULL || writer->used == writer->segment_records) {
        switch_to_spare(writer);
        if (writer->current == NULL) {
            writer->failures++;
            return OFT_ERR_FULL;
        }
    }
    uint8_t *slots = (uint8_t *)writer->current + METER_HEADER_BYTES;
    struct meter_record *slot =
        (struct meter_record *)(slots + (size_t)writer->used * METER_RECORD_BYTES);
    struct meter_record copy = *record;
    copy.sequence = writer->used;
    copy.commit = 0;
    copy.crc32c =
        oft_crc32c(0, &copy.sequence, METER_RECORD_BYTES - offsetof(struct meter_record, sequence));
    *slot = copy;
    uint32_t commit =
        (uint32_t)METER_RECORD_MAGIC << 16 | (uint32_t)kind << 8 | METER_FORMAT_VERSION;
    __atomic_store_n(&slot->commit, commit, __ATOMIC_RELEASE);
    writer->used++;
    writer->appended++;
    if (writer->reserved > 0) {
        writer->reserved--;
    }
    return OFT_OK;
}

void meter_writer_close(struct meter_writer *writer)
{
    if (writer->current != NULL) {
        let_go(writer, writer->current_fd, writer->current);
    }
    if (writer->spare != NULL) {
        let_go(writer, writer->spare_fd, writer->spare);
    }
    writer->current = NULL;
    writer->spare = NULL;
    writer->current_fd = -1;
    writer->spare_fd = -1;
}
