/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_API_ROUTES_H
#define OFFTAKE_API_ROUTES_H
/*
 * routes -- from a call to an answer, without a socket: what server.c hands over, tests can too.
 *
 * Order of checks   who asks (401, 403), what for (404, 405), how much (413), what is said (400), and
 *                   then the engine. So a stranger learns nothing, not even which paths there are.
 */
#include <jansson.h>

#include "api/api.h"

/* One call. Text is NUL-terminated; members are NULL where the client sent none. */
struct api_call {
    const char *method;
    const char *path; /* without the query, decoded by the server */
    bool over_tcp;
    const char *authorization, *host, *origin, *content_type;
    const char *(*query)(void *context, const char *name); /* NULL: absent */
    void *query_context;
    const char *body;
    size_t body_length;
    bool body_too_long; /* the rest was thrown away */
};

struct api_answer {
    unsigned status;
    const char *content_type;
    const char *allow; /* of a 405, else NULL */
    bool unsound;      /* ledger verify: the books are not sound */
    struct oft_buffer body;
};

struct api_scope; /* what a handler sees: options, call, parsed body */
typedef void (*api_handler)(const struct api_scope *scope, struct api_answer *answer);

struct api_route {
    const char *method;
    const char *path; /* one that ends in "/" takes one more segment, scope.id */
    api_handler handler;
    bool wants_body; /* a JSON object */
};
const struct api_route *api_routes(size_t *ret_count);

struct api_scope {
    const struct api_options *options;
    const struct api_call *call;
    const char *id;
    const json_t *body;
    oft_instant now_ns;
};

/* Answers CALL. ANSWER's body must be initialised; nothing else. */
void api_dispatch(const struct api_options *options, const struct api_call *call,
                  struct api_answer *answer);

/* Whether CALL may pass: 0, or the status that refuses it and the reason. */
unsigned api_refuses(const struct api_options *options, const struct api_call *call,
                     const char **ret_reason);

/* Fills ANSWER with an error in the one form. REPORT may be NULL. */
void api_answer_error(struct api_answer *answer, unsigned status, const char *code,
                      const char *message, const char *report);
/* The same from an engine's error. */
void api_answer_fault(struct api_answer *answer, enum oft_err err, const struct oft_error *error,
                      const char *report);
/* Takes OBJECT over (NULL: out of memory). */
void api_answer_json(struct api_answer *answer, unsigned status, json_t *object);

/* Handlers, by subject. */
void api_get_status(const struct api_scope *scope, struct api_answer *answer);
void api_post_reload(const struct api_scope *scope, struct api_answer *answer);
void api_post_drain(const struct api_scope *scope, struct api_answer *answer);
void api_post_attest(const struct api_scope *scope, struct api_answer *answer);
void api_get_attestations(const struct api_scope *scope, struct api_answer *answer);
void api_get_keys(const struct api_scope *scope, struct api_answer *answer);
void api_post_keys(const struct api_scope *scope, struct api_answer *answer);
void api_delete_key(const struct api_scope *scope, struct api_answer *answer);
void api_get_statement(const struct api_scope *scope, struct api_answer *answer);
void api_get_commitments(const struct api_scope *scope, struct api_answer *answer);
void api_get_usage(const struct api_scope *scope, struct api_answer *answer);
void api_get_ledger_verify(const struct api_scope *scope, struct api_answer *answer);

#endif
