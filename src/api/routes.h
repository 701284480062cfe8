/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_API_ROUTES_H
#define OFFTAKE_API_ROUTES_H
/*
 * routes -- from a call to an answer, without a socket: what server.c hands over, tests can too.
 *
 * Order of checks   who asks (401, 403), what for (404, 405), how much (413), what is said (400), and
 *                   then the engine. So a stranger learns nothing, not even which paths there are.
 * The tables        Routes stand in one table with what they take and answer; the desk's acts come
 *                   from desk/acts.h. The OpenAPI document is made from both, so it cannot differ.
 */
#include <jansson.h>

#include "api/api.h"
#include "engine/desk.h"

/* One call. Text is NUL-terminated; members are NULL where the client sent none. */
struct api_call {
    const char *method;
    const char *path; /* without the query, decoded by the server */
    bool over_tcp;
    const char *authorization, *host, *origin, *content_type, *idempotency_key;
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
    bool unsound;      /* ledger verify, trace: the books are not sound */
    char next[64];     /* parameters of the next page; "" at the end */
    struct oft_buffer body;
};

struct api_scope; /* what a handler sees: options, call, parsed body */
typedef void (*api_handler)(const struct api_scope *scope, struct api_answer *answer);

/* What a route answers with, for its clients to know; JSON unless said otherwise. */
enum api_form {
    API_FORM_JSON,
    API_FORM_REPORT,  /* format=: JSON, text or CSV */
    API_FORM_LETTER,  /* format=: text or PDF */
    API_FORM_PAPER,   /* format=: JSON, text, CSV or PDF */
    API_FORM_JOURNAL, /* format=: hledger, beancount or CSV */
    API_FORM_CSV,     /* CSV always */
    API_FORM_METRICS  /* the text format of Prometheus, always */
};

struct api_route {
    const char *method;
    const char *path; /* "{id}" stands for one segment, scope.id */
    api_handler handler;
    bool wants_body; /* a JSON object */
    bool parties;    /* parties may ask too, with a token of theirs */
    unsigned status; /* of success */
    enum api_form form;
    const char *summary;
    const char *query;  /* parameters, blanks between: "party! month!"; '!': it must be there */
    const char *body;   /* schema of the body (openapi_schemas.c); NULL: none */
    const char *answer; /* schema of the answer */
};
const struct api_route *api_routes(size_t *ret_count);
/* Whether PATH is TEMPLATE's; the segment for "{id}" is put into ID. */
enum { API_ID_BYTES = 192 };
bool api_path_matches(const char *template, const char *path, char id[API_ID_BYTES]);

struct api_scope {
    const struct api_options *options;
    const struct api_call *call;
    const struct api_route *route; /* NULL for an act */
    const struct desk_act *act;    /* NULL for a route */
    const char *id;
    const char *party; /* who asks; NULL: the customer */
    const json_t *body;
    oft_instant now_ns;
};

/* Answers CALL. ANSWER's body must be initialised; nothing else. */
void api_dispatch(const struct api_options *options, const struct api_call *call,
                  struct api_answer *answer);

/* The one path that the token for metrics opens. */
#define API_METRICS_PATH "/metrics"
/* Whether CALL may pass: 0, or the status that refuses it and the reason. RET_PARTY gets the party whose
 * token it came with, "" for the customer. */
unsigned api_refuses(const struct api_options *options, const struct api_call *call,
                     char ret_party[ENGINE_PARTY_BYTES], const char **ret_reason);
/* A token's id: the first eight bytes of its hash, as a number in hex. */
bool api_token_id(const char *token, char out[17]);
/* A query parameter; NULL when it is not there. */
const char *api_query(const struct api_scope *scope, const char *name);
/* The OpenAPI document of all routes and acts; NULL: out of memory. */
json_t *api_openapi(void);
/* The schemas that it refers to, by name; NULL: out of memory. */
json_t *api_openapi_schemas(void);

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
void api_get_metrics(const struct api_scope *scope, struct api_answer *answer);
void api_get_top(const struct api_scope *scope, struct api_answer *answer);
void api_post_reload(const struct api_scope *scope, struct api_answer *answer);
void api_post_drain(const struct api_scope *scope, struct api_answer *answer);
void api_post_attest(const struct api_scope *scope, struct api_answer *answer);
void api_get_attestations(const struct api_scope *scope, struct api_answer *answer);
void api_get_keys(const struct api_scope *scope, struct api_answer *answer);
void api_post_keys(const struct api_scope *scope, struct api_answer *answer);
void api_post_key_limits(const struct api_scope *scope, struct api_answer *answer);
void api_post_key_rotate(const struct api_scope *scope, struct api_answer *answer);
void api_delete_key(const struct api_scope *scope, struct api_answer *answer);
void api_get_focus(const struct api_scope *scope, struct api_answer *answer);
void api_get_metering(const struct api_scope *scope, struct api_answer *answer);
void api_get_statement(const struct api_scope *scope, struct api_answer *answer);
void api_get_statements(const struct api_scope *scope, struct api_answer *answer);
void api_post_statements(const struct api_scope *scope, struct api_answer *answer);
void api_get_statement_one(const struct api_scope *scope, struct api_answer *answer);
void api_get_statement_approval(const struct api_scope *scope, struct api_answer *answer);
void api_post_statement_approve(const struct api_scope *scope, struct api_answer *answer);
void api_post_statement_final(const struct api_scope *scope, struct api_answer *answer);
void api_post_statement_restate(const struct api_scope *scope, struct api_answer *answer);
void api_get_periods(const struct api_scope *scope, struct api_answer *answer);
void api_post_period_soft_close(const struct api_scope *scope, struct api_answer *answer);
void api_post_period_close(const struct api_scope *scope, struct api_answer *answer);
void api_get_commitments(const struct api_scope *scope, struct api_answer *answer);
void api_get_corrections(const struct api_scope *scope, struct api_answer *answer);
void api_post_corrections(const struct api_scope *scope, struct api_answer *answer);
void api_get_shares(const struct api_scope *scope, struct api_answer *answer);
void api_post_deductions(const struct api_scope *scope, struct api_answer *answer);
void api_post_share_payments(const struct api_scope *scope, struct api_answer *answer);
void api_get_programmes(const struct api_scope *scope, struct api_answer *answer);
void api_post_programme_call(const struct api_scope *scope, struct api_answer *answer);
void api_post_programme_payment(const struct api_scope *scope, struct api_answer *answer);
void api_post_programme_draw(const struct api_scope *scope, struct api_answer *answer);
void api_get_forecast(const struct api_scope *scope, struct api_answer *answer);
void api_get_usage(const struct api_scope *scope, struct api_answer *answer);
void api_get_ledger_verify(const struct api_scope *scope, struct api_answer *answer);
void api_get_trace(const struct api_scope *scope, struct api_answer *answer);
void api_get_balance(const struct api_scope *scope, struct api_answer *answer);
void api_get_ledger_export(const struct api_scope *scope, struct api_answer *answer);
void api_get_openapi(const struct api_scope *scope, struct api_answer *answer);
void api_post_act(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_list(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_one(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_document(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_journal(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_verify(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_outbox(const struct api_scope *scope, struct api_answer *answer);
void api_get_desk_tokens(const struct api_scope *scope, struct api_answer *answer);
void api_post_desk_tokens(const struct api_scope *scope, struct api_answer *answer);
void api_delete_desk_token(const struct api_scope *scope, struct api_answer *answer);

#endif
