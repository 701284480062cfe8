/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_CLIENT_H
#define OFFTAKE_CLI_CLIENT_H
/*
 * client -- one call to the daemon's admin API, over its unix socket or TCP.
 *
 * Errors   Everything that goes wrong is told on stderr here: what, why, what to do. The caller gets
 *          the exit code and need not say more.
 */
#include <jansson.h>

#include "cli/command.h"

struct cli_reply {
    long status;
    struct oft_buffer body;
    /* The answer's own verdict: the header X-Offtake-Sound said "false". */
    bool unsound;
    /* What to add to the query for the next page, from the header X-Offtake-Next; "" at the end. */
    char next[64];
};

/*
 * Calls METHOD PATH (path and query, already encoded) with the JSON BODY (NULL: none). CLI_OK: the
 * status is 2xx and RET_REPLY holds the answer. Else the reason is on stderr and the exit code is
 * returned. Release RET_REPLY in both cases.
 */
int cli_call(const struct cli_target *target, const char *method, const char *path,
             const json_t *body, struct cli_reply *ret_reply);
/* The same under an idempotency key: what was done is not done again, so a connection that is lost is
 * tried once more. */
int cli_call_once(const struct cli_target *target, const char *method, const char *path,
                  const json_t *body, const char *idempotency_key, struct cli_reply *ret_reply);
void cli_reply_release(struct cli_reply *reply);

/* The common case of a read-only report: calls GET PATH and prints the answer. */
int cli_call_and_print(const struct cli_target *target, const char *path);

/* Parses the reply's JSON object; NULL, told on stderr, when it is none. The caller decrefs. */
json_t *cli_reply_json(const struct cli_reply *reply);
/* A text member, or "" when it is missing or no text. */
const char *cli_json_text(const json_t *object, const char *name);

/* Appends TEXT to a path or a query, percent-encoded. */
void cli_encode(struct oft_buffer *out, const char *text);

#endif
