/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_METER_READ_H
#define OFFTAKE_METER_READ_H
/*
 * read -- the reading end of the spool.
 *
 * What it is   Opens a segment, walks its complete records from a position that the caller keeps,
 *              and says how the segment stands: being written, ended, or left by a dead writer.
 * What it is not  It moves no position and deletes nothing: a position is committed by whoever commits
 *              the postings, in the same transaction.
 * May include  base. Used by: engine, tests, benchmarks.
 * Ownership    meter_segment_open maps the file read-only; meter_segment_close unmaps it. Records
 *              returned are copies.
 * Errors       A segment that is not one (foreign, other version, short, a symbolic link, a FIFO) is
 *              OFT_ERR_CORRUPT / OFT_ERR_VERSION / OFT_ERR_INVALID with a message and is not touched.
 * Threads      One thread per open segment.
 */
#include "meter/record_fmt.h"

enum meter_segment_state {
    METER_WRITING, /* the writer lives: more may come after what can be read now */
    METER_ENDED,   /* closed by its writer: what can be read now is all */
    METER_DEAD,    /* the writer is gone without closing it: what can be read now is all */
};

struct meter_segment {
    char name[128]; /* file name within the directory */
    int fd;
    const uint8_t *bytes;
    size_t length;
    uint32_t capacity;
    struct meter_segment_header header; /* a copy */
};

/* The segments of DIRECTORY sorted by name, which is the order of each writer's segments. Names are
 * malloc'ed: release with meter_names_free. Files that do not end in ".spool" are not listed. */
enum oft_err meter_list(const char *directory, char ***ret_names, size_t *ret_count,
                        struct oft_error *reterr) OFT_MUSTCHECK;
void meter_names_free(char **names, size_t count);

enum oft_err meter_segment_open(struct meter_segment *segment, const char *directory,
                                const char *name, struct oft_error *reterr) OFT_MUSTCHECK;
void meter_segment_close(struct meter_segment *segment);

/* How the segment stands at this moment. Ask before reading: when it says ENDED or DEAD, a read that
 * follows sees everything there will ever be. */
enum meter_segment_state meter_segment_state(const struct meter_segment *segment);

struct meter_read_result {
    uint32_t next; /* the position after what was read; the new position to commit */
    uint32_t record_count;
    uint32_t corrupt_count; /* complete slots whose checksum, sequence or kind is wrong: skipped */
    bool torn; /* STATE was not WRITING and a slot after the last complete one is half written */
};

/* Reads at most RECORDS_MAX complete records from slot FROM on into RECORDS. */
enum oft_err meter_read(const struct meter_segment *segment, enum meter_segment_state state,
                        uint32_t from, struct meter_record *records, uint32_t records_max,
                        struct meter_read_result *ret_result) OFT_MUSTCHECK;

/* Checks one record as meter_read does. */
bool meter_record_valid(const struct meter_record *record, uint64_t sequence);
enum meter_record_kind meter_record_kind(const struct meter_record *record);

#endif
