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
    bool preferred;
    int64_t nominal_nanos;
    int64_t effective_nanos; /* first sort key after reserved and preferred */
};

/* ---- rules: what holds at one instant --------------------------------------------------------- */

/* Accounts that no clause tells apart are of one kind. */
struct policy_kinds {
    uint32_t *of_account;     /* by account */
    uint32_t *representative; /* by kind: an account, DEAL_NONE for kind 0 */
    uint32_t count;
};
enum oft_err policy_kinds_find(const struct deal *deal, struct oft_arena *arena,
                               struct policy_kinds *ret_kinds,
                               struct oft_error *reterr) OFT_MUSTCHECK;

/* Parts per billion of parts per billion: a commitment's value times the weight of a product. */
#define POLICY_VALUE_ONE ((oft_nanos)DEAL_RATE_ONE * DEAL_RATE_ONE)

/* What clauses in force say of one product for one kind of account. */
struct policy_scope {
    uint32_t *exclusive_bar; /* by provider: the clause that bars it, or DEAL_NONE */
    uint32_t *residency_bar; /* by region index: the clause that bars it, or DEAL_NONE */
    uint32_t exclusive;      /* the first that covers the request, or DEAL_NONE */
    bool *preferred;         /* by provider */
    oft_nanos *value;        /* by provider: what spend saves, in parts of POLICY_VALUE_ONE */
    uint32_t *ships_first;   /* primary clauses in force with "ship first" for the product */
    uint32_t ships_first_count;
    bool foreign;          /* the product is another party's */
    uint32_t *license;     /* by model: the one that covers it, or DEAL_NONE; only when foreign */
    uint32_t last_license; /* the licence to the owner that began last, or DEAL_NONE */
    bool *sale_missing;    /* by model */
};

/* Prices of one owner, from the deal's list. */
struct policy_price_range {
    uint32_t first;
    uint32_t count;
};

/* What weighing a serve needs to know, side by side with the others of its model. */
struct policy_slot {
    uint32_t serve;
    uint32_t pool;
    uint32_t provider;
    uint32_t region;    /* index in regions */
    int64_t cost_nanos; /* at the instant: input + output, per million each; 0 when reserved */
    bool cost_known;
    bool reserved;
};

struct policy_rules {
    const struct policy_compile_input *input;
    const struct deal *deal;
    struct policy_kinds kinds;
    /* Serves by model: those of model M are slots[first[M]..first[M + 1]), in the deal's order. */
    uint32_t *first;
    struct policy_slot *slots;
    uint32_t *slot_of;    /* by serve */
    uint32_t *by_price;   /* the same range, as places in it, cheapest first; ties in order */
    uint32_t *pool_first; /* serves by pool, in the same way */
    uint32_t *pool_serves;
    uint32_t *region_of; /* by pool: index in regions */
    const char **regions;
    uint32_t region_count;
    uint32_t primary_count;    /* clauses */
    oft_instant *clause_until; /* by clause, supersession and attested events included */
    uint32_t *priced;          /* prices sorted by owner: indices */
    struct policy_price_range *sale_prices; /* by product */
    struct policy_price_range *cost_prices; /* by pool */
    /* Of the instant. */
    oft_instant at;
    bool *pool_open;                /* by pool */
    struct policy_verdict *scratch; /* as many as one model has serves at most */
};

enum oft_err policy_rules_init(struct policy_rules *rules, const struct policy_compile_input *input,
                               struct oft_arena *arena, struct oft_error *reterr) OFT_MUSTCHECK;
bool policy_scope_init(const struct policy_rules *rules, struct oft_arena *arena,
                       struct policy_scope *scope);
/* The price of an owner (whose prices are RANGE) for MODEL at RULES->at, or NULL. */
const struct deal_price *policy_rules_price(const struct policy_rules *rules,
                                            struct policy_price_range range, uint32_t model);
/* Brings a pool, or the serves of a pool, to the instant RULES->at. True when something changed. */
bool policy_rules_open_pool(struct policy_rules *rules, uint32_t pool);
bool policy_rules_price_pool(struct policy_rules *rules, uint32_t pool);
/* Sorts MODEL's serves by price anew. */
void policy_rules_sort_model(struct policy_rules *rules, uint32_t model);
void policy_rules_scope(const struct policy_rules *rules, uint32_t product, uint32_t kind,
                        struct policy_scope *scope);
/* The candidates for MODEL in the order of the snapshot: eligible ones, best first, then the barred
 * by the priority of their reasons. VERDICTS has room for all serves of the model. */
void policy_rules_decide(struct policy_rules *rules, const struct policy_scope *scope,
                         uint32_t product, uint32_t model, struct policy_verdict *verdicts,
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
    struct policy_kinds kinds;
    /* Index in the clauses section of each synthetic clause, POLICY_NONE until it is needed. */
    uint32_t *clause_of_serve;
    uint32_t *clause_of_window;
    uint32_t *clause_of_cost;
    uint32_t *clause_of_sale;
    uint32_t *clause_of_license;
    uint32_t limit_of_last_key; /* tokens of one key share its limits */
    enum oft_err err;           /* the first failure; later steps do nothing */
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
void policy_build_endpoints(struct policy_build *build); /* compile_endpoints.c */
void policy_build_passes(struct policy_build *build);
/* Regimes, rows, decisions and candidates; compile_decisions.c. */
void policy_build_decisions(struct policy_build *build, const oft_instant *cuts, size_t cut_count);
/* compile_limits.c: limits of products, accounts and pools, and ceilings. */
void policy_build_limits(struct policy_build *build);
/* Index of a new limit with NAME ("key 0f...") , or POLICY_NONE when LIMITS states nothing. */
uint32_t policy_build_limit(struct policy_build *build, const char *what, const char *name,
                            const struct deal_limits *limits);
/* compile_prices.c: what budgets count by: plain prices, output limits, days and months. */
void policy_build_prices(struct policy_build *build);
void policy_build_periods(struct policy_build *build);
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
                         const struct policy_answer *answer, uint32_t only_pool,
                         struct oft_buffer *out);

#endif
