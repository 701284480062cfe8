/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_REPLAY_H
#define OFFTAKE_CLI_REPLAY_H
/*
 * replay -- sends a recorded trace of requests through a gateway, and counts what comes back.
 *
 * The trace is the CSV form of the published Azure LLM inference traces: a header line
 * TIMESTAMP,ContextTokens,GeneratedTokens and one request a line, "2023-11-16 18:15:46.6805900,374,44".
 * Lines may end with CR LF. Anything else is an error with its line.
 */
#include "base/time.h"

struct cli_trace_row {
    oft_instant at;
    uint64_t context_tokens;
    uint64_t generated_tokens;
    uint64_t line;
};

struct cli_trace {
    struct cli_trace_row *rows;
    uint64_t count;
};

/* Reads TEXT, the whole file called NAME. Release RET_TRACE with cli_trace_release on success. */
enum oft_err cli_trace_parse(struct oft_str text, const char *name, struct cli_trace *ret_trace,
                             struct oft_error *error) OFT_MUSTCHECK;
void cli_trace_release(struct cli_trace *trace);

/* Takes the next line off REST, without its end of line; false at the end of the text. */
bool cli_trace_next_line(struct oft_str *rest, struct oft_str *line);

/* How long after the first row ROW is due at SPEED millionths of real time; 0 means at once. */
int64_t cli_trace_delay_ns(oft_instant first, oft_instant row, int64_t speed_millionths);

#define CLI_REPLAY_KEY_BYTES 512u
struct cli_replay_options {
    const char *trace_path;
    const char *url;
    const char *model;
    const char *ca_file;
    char key[CLI_REPLAY_KEY_BYTES];
    int64_t speed_millionths; /* 0: as fast as possible */
    uint64_t limit;           /* UINT64_MAX: all */
    unsigned concurrency;
    unsigned stream_percent;
    bool json;
};

/* CLI_OK: OPTIONS are complete. -1: help was printed. Else an exit code, and the reason is told. */
int cli_replay_options(int argc, char **argv, struct cli_replay_options *options);

/* `offtake replay`. Exit: 0 every request succeeded with the tokens asked for, 1 some did not, 2 wrong
 * command line, 3 the trace or the key cannot be read. */
int cli_replay(int argc, char **argv);

#endif
