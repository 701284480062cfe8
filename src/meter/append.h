/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_METER_APPEND_H
#define OFFTAKE_METER_APPEND_H
/*
 * append -- the writing end of the spool. Edge: compiled into the nginx module.
 *
 * What it is   One writer per process appends intents and settlements to its own segments in one
 *              directory. Appending is a copy into mapped memory: no system call, no allocation.
 * Promise      A record is there once meter_append returns, whatever happens to the process
 *              (kill -9 included). When the machine loses power, what the reader has not booked yet
 *              may be lost.
 * Full disk    A segment is allocated on disk (posix_fallocate) before a byte of it is used, so an
 *              append never faults. When no next segment can be had, meter_reserve says OFT_ERR_FULL
 *              and the caller refuses the request before it asks a provider.
 * Ownership    The caller owns struct meter_writer (zeroed before meter_writer_open).
 * Errors       enum oft_err with a struct oft_error; nothing aborts.
 * Threads      One thread per writer.
 *
 * A request reserves its records at admission and gives back what it did not use: settling never
 * fails for want of room.
 */
#include "meter/record_fmt.h"

#define METER_PATH_BYTES_MAX 4096

struct meter_writer {
    char directory[METER_PATH_BYTES_MAX];
    char name[64];
    uint32_t segment_records;
    uint64_t next_segment_number;
    int current_fd, spare_fd;                     /* -1: none */
    struct meter_segment_header *current, *spare; /* mapped */
    uint32_t used;                                /* records written into the current segment */
    uint32_t reserved;                            /* records promised to requests in flight */
    uint64_t appended;                            /* records, ever */
    uint64_t failures;                            /* appends that found no room: a bug if not 0 */
};

/* Opens a first segment. NOW_NS names the writer together with NODE (at most 24 bytes of
 * [a-z0-9-]) and the process id. SEGMENT_RECORDS 0 means the default. */
enum oft_err meter_writer_open(struct meter_writer *writer, const char *directory, const char *node,
                               uint32_t segment_records, int64_t now_ns,
                               struct oft_error *reterr) OFT_MUSTCHECK;

/* Promises room for COUNT more records, preparing the next segment when the current one runs low.
 * OFT_ERR_FULL when the disk has no room: nothing is promised. */
enum oft_err meter_reserve(struct meter_writer *writer, uint32_t count,
                           int64_t now_ns) OFT_MUSTCHECK;
void meter_unreserve(struct meter_writer *writer, uint32_t count);

/* Appends a copy of RECORD, of which it sets commit (from KIND), crc32c and sequence; uses up one
 * reserved record. */
enum oft_err meter_append(struct meter_writer *writer, enum meter_record_kind kind,
                          const struct meter_record *record) OFT_MUSTCHECK;

/* Marks the current segment closed and lets go of it. Safe on a zeroed writer. */
void meter_writer_close(struct meter_writer *writer);

#endif
