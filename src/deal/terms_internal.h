/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_TERMS_INTERNAL_H
#define OFFTAKE_DEAL_TERMS_INTERNAL_H
/*
 * terms_internal -- the table of heads and terms, and the matcher that reads a run of tokens by a
 * pattern of it. Private to src/deal.
 */
#include "deal/build.h"

struct deal_head_spec {
    enum deal_clause_kind kind;
    const char *pattern;
};
extern const struct deal_head_spec deal_heads[];
extern const size_t deal_head_count;

struct deal_term_spec {
    uint32_t clauses; /* a bit per clause kind that may have it */
    bool repeats;
    const char *name; /* in JSON */
    const char *pattern;
};
extern const struct deal_term_spec deal_term_specs[DEAL_TERM_KEY_COUNT];

enum deal_programme_line {
    DEAL_PROGRAMME_TOTAL,
    DEAL_PROGRAMME_TRANCHE,
    DEAL_PROGRAMME_FUNDER,
    DEAL_PROGRAMME_CALL,
    DEAL_PROGRAMME_TECHNOLOGY,
    DEAL_PROGRAMME_LINE_COUNT
};
extern const char *const deal_programme_lines[DEAL_PROGRAMME_LINE_COUNT];

#define DEAL_PATTERN_VALUES_MAX 8

/* A place in a run of tokens. */
struct deal_cursor {
    struct deal_build *build;
    const struct deal_node *run;  /* NODE_RUN: for the place of what is missing at its end */
    const struct deal_node *at;   /* the next token, NULL at the end */
    const struct deal_node *last; /* the token before */
    const char *clause;           /* for diagnostics */
};

/* The next token is the word TEXT. */
bool deal_cursor_is(const struct deal_cursor *cursor, const char *text);
/* Says that WANTED should stand here. Always false. */
bool deal_cursor_expected(struct deal_cursor *cursor, const char *wanted);
void deal_cursor_step(struct deal_cursor *cursor);

/* How many leading words of PATTERN stand at the cursor; -1 when not all of those before its first
 * value do. */
int deal_pattern_weight(const struct deal_cursor *cursor, const char *pattern);
/* Reads PATTERN; values go into VALUES (room for DEAL_PATTERN_VALUES_MAX). False after a diagnostic. */
bool deal_pattern_match(struct deal_cursor *cursor, const char *pattern, struct deal_value *values,
                        uint32_t *ret_count);
/* Reads one value of KIND ("amount"); terms_values.c. */
bool deal_cursor_value(struct deal_cursor *cursor, const char *kind, size_t kind_length,
                       struct deal_value *ret);

/* The words that a term begins with, as a deal writes them: "marketplace cap". */
void deal_term_append_words(struct oft_buffer *out, enum deal_term_key key);

/* All terms of a clause of KIND from its runs, appended to TERMS (room for MOST). False after a
 * diagnostic. */
bool deal_terms_read(struct deal_cursor *cursor, enum deal_clause_kind kind,
                     struct deal_term *terms, uint32_t most, uint32_t *count);

#endif
