/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_FAULT_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_FAULT_H
/*
 * fault -- the ways in which the provider can be told to fail, and the list of failures in waiting.
 *
 * A fault is a name, with "=NUMBER" where a number means something:
 *   429 429=S         429 with Retry-After of S (1) seconds;  429-ms=M  with retry-after-ms of M (250)
 *   400 401 403 404 408 409 500 502 503 504 529   that status, in the OpenAI error form
 *   hang              no byte is ever sent              hang-mid=K    silence after K (2) events
 *   reset             RST before any byte               reset-mid=K   RST after K (2) events
 *   close-mid=K       a close, cutting the body, after K (2) events
 *   malformed         200 with JSON that does not parse (one event of a stream)
 *   nousage           no usage anywhere
 *   usage-neg -big -str -float -dup   usage with a negative, huge, quoted, fractional, repeated count
 *   downgrade         served as service tier "default", whatever was asked
 *   split             one byte a write                  crlf          events ended by CR LF
 *   drip              seven bytes a write, a millisecond apart
 *   close             a close before any byte           garbage       bytes that are no HTTP, then a close
 *   header-big        a header of 64 KiB
 *   PLACE-close PLACE-reset PLACE-hang   an end in a PLACE:
 *       header        inside the headers                headers       after them, no byte of a body
 *       ping          after a comment and no event      frame[=K]     in the midst of the event after K (2)
 *       usage         after the usage, before [DONE]    done          after [DONE], before the last chunk
 *   ping              comments before, between and after the events
 *   empty             200 and a body of nothing, ended properly
 *   chunk=K           after K (2) events a chunk whose size is none
 *   length-short length-long   a Content-Length that is one off
 *   gzip              Content-Encoding: gzip, which nobody asked for
 *   error-first=S     200, and an error event first, of status S (503)
 *   error-mid=K       200, and an error event after K (2) events
 * In an answer that is no stream, "after K events" means half-way through the body,
 * and "usage" all but its last byte.
 */
#include "base/base.h"
#include "base/limits.h"

enum sim_fault_kind {
    SIM_FAULT_NONE = 0,
    SIM_FAULT_STATUS,
    SIM_FAULT_STATUS_MS,
    SIM_FAULT_HANG,
    SIM_FAULT_HANG_MID,
    SIM_FAULT_RESET,
    SIM_FAULT_RESET_MID,
    SIM_FAULT_CLOSE_MID,
    SIM_FAULT_MALFORMED,
    SIM_FAULT_NOUSAGE,
    SIM_FAULT_USAGE_NEG,
    SIM_FAULT_USAGE_BIG,
    SIM_FAULT_USAGE_STR,
    SIM_FAULT_USAGE_FLOAT,
    SIM_FAULT_USAGE_DUP,
    SIM_FAULT_DOWNGRADE,
    SIM_FAULT_SPLIT,
    SIM_FAULT_CRLF,
    SIM_FAULT_DRIP,
    /* Bytes past libmicrohttpd; status is a sim_raw_place. They stand last. */
    SIM_FAULT_RAW_CLOSE,
    SIM_FAULT_RAW_RESET,
    SIM_FAULT_RAW_HANG,
};

enum sim_raw_place {
    SIM_RAW_BEFORE,
    SIM_RAW_GARBAGE,
    SIM_RAW_HEADER_BIG,
    SIM_RAW_HEADER, /* what follows is in an answer */
    SIM_RAW_HEADERS,
    SIM_RAW_PING,
    SIM_RAW_FRAME,
    SIM_RAW_USAGE,
    SIM_RAW_DONE,
    SIM_RAW_PINGS,
    SIM_RAW_EMPTY,
    SIM_RAW_CHUNK,
    SIM_RAW_LENGTH_SHORT,
    SIM_RAW_LENGTH_LONG,
    SIM_RAW_GZIP,
    SIM_RAW_ERROR_FIRST,
    SIM_RAW_ERROR_MID,
};

struct sim_fault {
    enum sim_fault_kind kind;
    unsigned status; /* or a sim_raw_place */
    unsigned value;  /* seconds, milliseconds, events or a status */
};

bool sim_fault_parse(struct oft_str text, struct sim_fault *ret) OFT_MUSTCHECK;

#define SIM_FAULTS_ARMED_MAX 64u
struct sim_armed_fault {
    struct sim_fault fault;
    uint64_t left;
    char model[OFT_MODEL_NAME_BYTES_MAX + 1]; /* "": any model */
};
/* Faults in waiting, first armed first used. The owner locks. */
struct sim_fault_list {
    struct sim_armed_fault items[SIM_FAULTS_ARMED_MAX];
    unsigned count;
};
/* False when the list is full or the model's name is too long. */
bool sim_fault_arm(struct sim_fault_list *list, struct sim_fault fault, uint64_t count,
                   const char *model) OFT_MUSTCHECK;
/* Uses up one fault that is meant for MODEL; kind SIM_FAULT_NONE when there is none. */
struct sim_fault sim_fault_take(struct sim_fault_list *list, const char *model);

#endif
