/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_BUILD_H
#define OFFTAKE_DEAL_BUILD_H
/*
 * build -- from the tree to `struct deal`: names first, then what uses them. Private to deal/.
 *
 * Each resolve_*.c turns one kind of statement into rows and reports what does not fit; check*.c look
 * at the finished deal. The rows are mutable here and const in the deal.
 */
#include "deal/tree.h"

struct deal_symbol {
    struct oft_str name;
    uint32_t kind;
    uint32_t index;
    struct deal_position position;
};

/* Open addressing; sized once for everything the tree can declare. */
struct deal_symbols {
    struct deal_symbol *slots; /* name.data NULL: free */
    size_t capacity;           /* a power of two */
};

struct deal_build {
    struct oft_arena *arena;
    struct deal_diagnostics *diagnostics;
    struct deal *deal;
    const struct deal_node *root;
    bool memory_failed;
    struct deal_symbols symbols;
    /* The rows of the deal, mutable; *_nodes hold the statement of each. */
    struct deal_party *parties;
    struct deal_provider *providers;
    struct deal_product *products;
    struct deal_model *models;
    struct deal_account *accounts;
    struct deal_event *events;
    struct deal_pool *pools;
    struct deal_agreement *agreements;
    struct deal_clause *clauses;
    struct deal_price *prices;
    struct deal_flat *flats;
    struct deal_serve *serves;
    struct deal_secret *secrets;
    struct deal_programme *programmes;
    struct deal_named *groups;
    struct deal_named *surfaces;
    struct deal_named *fields;
    struct deal_named *deductions;
    struct deal_person *persons;
    const struct deal_node **product_nodes;
    const struct deal_node **pool_nodes;
    const struct deal_node **agreement_nodes;
    const struct deal_node **clause_nodes;
    bool *clause_bad; /* its body did not resolve: its kind must not be looked at */
};

/* build.c */
bool deal_build_run(struct deal_build *build); /* false: memory ran out */
void *deal_build_array(struct deal_build *build, size_t count, size_t item_bytes);
const char *deal_build_copy(struct deal_build *build, struct oft_str text);
const char *deal_build_title(struct deal_build *build, const struct deal_node *node);
/* An error at NODE. */
#define BUILD_ERROR(build, code, node, clause, hint, ...)                                     \
    deal_report((build)->diagnostics, DEAL_ERROR, (code), (node)->position, (clause), (hint), \
                __VA_ARGS__)
/* Reports a second child of KIND: "said twice". */
void deal_build_once(struct deal_build *build, const struct deal_node *node,
                     enum deal_node_kind kind, const char *what);

/* symbols.c */
bool deal_symbols_init(struct deal_build *build, size_t names);
/* False, with a diagnostic, when the name is taken or is no good name. */
bool deal_symbols_add(struct deal_build *build, enum deal_symbol_kind kind, struct oft_str name,
                      struct deal_position position, uint32_t index);
uint32_t deal_symbols_find(const struct deal_build *build, enum deal_symbol_kind kind,
                           struct oft_str name);
/* The same, with a diagnostic and a near name when there is none. */
uint32_t deal_symbols_need(struct deal_build *build, enum deal_symbol_kind kind,
                           const struct deal_node *node, const char *clause);
/* NODE's children as a list of indices; "all" and "*" are DEAL_ALL. False after a diagnostic. */
bool deal_symbols_list(struct deal_build *build, enum deal_symbol_kind kind,
                       const struct deal_node *node, const char *clause, struct deal_list *ret);

/* values.c: each says what is wrong and returns false. */
bool deal_value_date(struct deal_build *build, const struct deal_node *node, oft_instant *ret);
bool deal_value_amount(struct deal_build *build, const struct deal_node *amount, const char *clause,
                       oft_nanos *ret);
bool deal_value_money(struct deal_build *build, const struct deal_node *number,
                      const struct deal_node *currency, const char *clause, oft_nanos *ret);
/* A percentage from 0 to MOST_PERCENT. */
bool deal_value_multiple(struct deal_build *build, const struct deal_node *node, const char *clause,
                         unsigned most_percent, int64_t *ret_ppb);
bool deal_value_class(struct deal_build *build, const struct deal_node *node,
                      enum deal_product_class *ret);
bool deal_value_count(struct deal_build *build, const struct deal_node *node, uint64_t max,
                      uint64_t *ret);
/* A budget is counted in 63 bits of nano-units: says so when AMOUNT is nothing or more than 9bn. */
/* An http or https address as pools have them. */
bool deal_value_url(struct deal_build *build, const struct deal_node *node);
bool deal_value_budget(struct deal_build *build, const struct deal_node *node, oft_nanos amount,
                       const char *clause);
bool deal_value_duration_ms(struct deal_build *build, const struct deal_node *node, uint32_t *ret);
/* END := the child of an UNTIL node; UNTIL may be NULL: never. */
bool deal_value_end(struct deal_build *build, const struct deal_node *until, struct deal_end *ret);
bool deal_end_combine(struct deal_build *build, struct deal_end a, struct deal_end b,
                      struct deal_end *ret);
/* The latest instant at which END can come if no event ever happens. */
oft_instant deal_end_latest(const struct deal_end *end);
/* Refuses an interval that is empty or backwards. */
void deal_value_interval(struct deal_build *build, const struct deal_node *node, oft_instant from,
                         const struct deal_end *until, const char *clause);

/* resolve_*.c */
void deal_resolve_names(struct deal_build *build);
void deal_resolve_months(struct deal_build *build); /* months.c */
/* Limits and budgets among NODE's children; NAME is for the messages. resolve_limits.c */
void deal_resolve_limits(struct deal_build *build, const struct deal_node *node, const char *name,
                         struct deal_limits *ret);
void deal_resolve_pools(struct deal_build *build);
void deal_resolve_serve(struct deal_build *build, const struct deal_node *node, uint32_t pool);
/* The keys of an endpoint: its own, or those of its POOL_NODE. resolve_keys.c */
void deal_resolve_keys(struct deal_build *build, const struct deal_node *node,
                       const struct deal_node *pool_node, const char *pool, struct deal_list *ret);
void deal_resolve_passes(struct deal_build *build, const struct deal_node *product,
                         struct deal_names *ret);
void deal_resolve_prices(struct deal_build *build);
void deal_resolve_flats(struct deal_build *build);
void deal_resolve_agreements(struct deal_build *build);
void deal_resolve_programmes(struct deal_build *build);

/* clauses*.c */
/* A clause's head and terms from its runs; FROM is where to begin in the first of them. */
struct deal_cursor;
void deal_resolve_clause_body(struct deal_build *build, struct deal_clause *clause,
                              struct deal_cursor *cursor);
/* Terms of the clause's kind from the rest of CURSOR's run and the runs after it. */
bool deal_resolve_terms(struct deal_build *build, struct deal_clause *clause,
                        struct deal_cursor *cursor);
/* Takes from head and terms what the clause's kind needs, and says what is missing or at odds. */
bool deal_resolve_typed(struct deal_build *build, struct deal_clause *clause,
                        const struct deal_node *node);
void deal_resolve_clauses(struct deal_build *build);
void deal_resolve_supersessions(struct deal_build *build);

/* check*.c */
void deal_check(struct deal_build *build);
void deal_check_terms(struct deal_build *build);
void deal_check_versions(struct deal_build *build);
void deal_check_binding(struct deal_build *build);
void deal_check_prices(struct deal_build *build);

#endif
