/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_COMPILE_INTERNAL_H
#define OFFTAKE_POLICY_COMPILE_INTERNAL_H
/*
 * compile_internal -- what the files of the compiler share: rules say who may serve and why, clauses
 * give each why an index and words, layout makes bytes. Private to src/policy.
 */
#include "base/limits.h"
#include "policy/compile.h"

/* Why, before it has an index in the clauses section. All but the first kind are synthetic clauses:
 * facts of the deal that decide without being clauses of an agreement. */
enum policy_ground_kind {
    POLICY_GROUND_CLAUSE,  /* a: clause of the deal */
    POLICY_GROUND_SERVES,  /* a: serve; "<pool>.serves.<model>" */
    POLICY_GROUND_WINDOW,  /* a: pool; "<pool>.available" */
    POLICY_GROUND_COST,    /* a: serve; "<pool>.price.<model>" */
    POLICY_GROUND_SALE,    /* a: product, b: model; "<product>.price.<model>" */
    POLICY_GROUND_LICENSE, /* a: party; "license.<party>" */
};
struct policy_ground {
    enum policy_ground_kind kind;
    uint32_t a;
    uint32_t b;
};

struct policy_verdict {
    uint32_t serve;
    uint32_t pool;
    enum policy_reason reason;
    struct policy_ground ground;
    bool eligible;
    bool reserved;
    int64_t effective_nanos; /* first sort key after reserved */
    int64_t nominal_nanos;   /* breaks its ties */
};

/* ---- rules: one regime, one product at a time ------------------------------------------------- */

struct policy_rules {
    const struct policy_compile_input *input;
    const struct deal *deal;
    /* Serves by model: those of model M are serves[first[M]..first[M + 1]), in the deal's order. */
    uint32_t *first;
    uint32_t *serves;
    /* Of the regime. */
    oft_instant at;
    bool *pool_open;     /* by pool */
    bool *cost_known;    /* by serve */
    int64_t *cost_nanos; /* by serve: input + output, per million each */
    /* Of the product. */
    uint32_t product;
    uint32_t *exclusives; /* clauses in force that cover the product */
    uint32_t exclusive_count;
    bool *behind; /* by provider: its commitment counts this product and is behind */
};

enum oft_err policy_rules_init(struct policy_rules *rules, const struct policy_compile_input *input,
                               struct oft_arena *arena, struct oft_error *reterr) OFT_MUSTCHECK;
void policy_rules_set_regime(struct policy_rules *rules, oft_instant at);
void policy_rules_set_product(struct policy_rules *rules, uint32_t product);
/* The candidates for MODEL in the order of the snapshot: eligible ones, best first, then the barred
 * by the priority of their reasons. */
void policy_rules_decide(const struct policy_rules *rules, uint32_t model,
                         struct policy_verdict verdicts[OFT_POOLS_PER_DECISION_MAX],
                         uint32_t *ret_count, uint32_t *ret_eligible_count);

/* ---- the bytes in the making ------------------------------------------------------------------ */

struct policy_build {
    const struct policy_compile_input *input;
    const struct deal *deal;
    struct oft_arena arena;
    struct oft_buffer sections[POLICY_SECTION_COUNT];
    struct oft_buffer scratch;
    uint32_t *model_rank; /* index in the snapshot by index in the deal */
    uint32_t *model_at;   /* and back */
    /* Index in the clauses section of each synthetic clause, POLICY_NONE until it is needed. */
    uint32_t *clause_of_serve;
    uint32_t *clause_of_window;
    uint32_t *clause_of_cost;
    uint32_t *clause_of_sale;
    uint32_t *clause_of_license;
    enum oft_err err; /* the first failure; later steps do nothing */
    struct oft_error *reterr;
};

/* A string that must go out as it is: a control character in it fails the build. */
struct policy_text policy_build_text(struct policy_build *build, struct oft_str text,
                                     const char *what);
/* A string for people: control characters become '?', and beyond LIMIT bytes it ends in "...". */
struct policy_text policy_build_words(struct policy_build *build, struct oft_str text,
                                      size_t limit);
void *policy_build_alloc(struct policy_build *build, size_t count, size_t item_bytes);

/* Clauses and prices of the deal, in its order: clause C has index C, price P index
 * clause_count + P. Synthetic ones follow as they are needed. */
void policy_build_clauses(struct policy_build *build);
uint32_t policy_build_ground(struct policy_build *build, struct policy_ground ground);

void policy_build_names(struct policy_build *build);
void policy_build_pools(struct policy_build *build);
void policy_build_endpoints(struct policy_build *build);
void policy_build_decisions(struct policy_build *build, const oft_instant *cuts, size_t cut_count);
void policy_build_keys(struct policy_build *build, size_t *ret_keys_left_out);
enum oft_err policy_build_assemble(struct policy_build *build, struct oft_buffer *out);

/* ---- words ------------------------------------------------------------------------------------ */

/* TEXT as it stands between the quotes of a JSON string; bytes that are no UTF-8 become U+FFFD. */
void policy_escape_json(struct oft_buffer *out, struct oft_str text);
/* TEXT as one segment of a URL's path: all but unreserved characters percent-encoded. */
void policy_escape_path(struct oft_buffer *out, struct oft_str text);

/* ---- explain ---------------------------------------------------------------------------------- */

struct policy_view;
struct policy_query;
struct policy_answer;
void policy_explain_json(const struct policy_view *view, const struct policy_query *query,
                         const struct policy_answer *answer, struct oft_buffer *out);

#endif
