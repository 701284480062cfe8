/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_TREE_H
#define OFFTAKE_DEAL_TREE_H
/*
 * tree -- the untyped syntax tree between the grammar and the resolver. Private to deal/.
 *
 * A node is a token or a construct: its KIND, the TEXT it hangs on (a slice of the source), where it
 * stands, and its children in the order of the text. Nothing here knows what a name means.
 */
#include "deal/deal.h"

enum deal_node_kind {
    NODE_TOKEN,
    NODE_LIST,
    NODE_DEAL,
    NODE_CUSTOMER,
    NODE_CURRENCY,
    NODE_PARTY,
    NODE_PROVIDER,
    NODE_PRODUCT,
    NODE_MODEL,
    NODE_ACCOUNT,
    NODE_EVENT,
    NODE_POOL,
    NODE_AGREEMENT,
    NODE_PROGRAMME,
    NODE_INCLUDE,
    NODE_TITLE,
    NODE_CLASS,
    NODE_OF,
    NODE_BY,
    NODE_ON,
    NODE_WITH,
    NODE_FROM,
    NODE_UNTIL,
    NODE_END_DATE,
    NODE_END_EVENT,
    NODE_END_EARLIEST,
    NODE_REGION,
    NODE_ACCELERATOR,
    NODE_COUNT,
    NODE_RESERVED,
    NODE_MARKETPLACE,
    NODE_FLAT,
    NODE_SERVES,
    NODE_UPSTREAM,
    NODE_URL,
    NODE_PROVIDER_KIND,
    NODE_KEY_ENV,
    NODE_KEY_FILE,
    NODE_KEY_LITERAL,
    NODE_API_VERSION,
    NODE_CA_FILE,
    NODE_SIGNING_REGION,
    NODE_KEYS,
    NODE_PASSTHROUGH,
    NODE_PRICE,
    NODE_PRICE_PART,
    NODE_PER,
    NODE_VARIANT,
    NODE_ABOVE,
    NODE_STEP,
    NODE_POOL_PRICES,
    NODE_PRODUCT_PRICES,
    NODE_LIMIT,
    NODE_TIMEOUT,
    NODE_TIMEOUT_PART,
    NODE_AVAILABLE,
    NODE_EFFECTIVE,
    NODE_SUPERSEDES,
    NODE_CLAUSE,
    NODE_AMOUNT,
    NODE_CURRENCY_NAME,
    NODE_GROUP,
    NODE_SURFACE,
    NODE_FIELD,
    NODE_DEDUCTION,
    NODE_IN,
    NODE_VIA,
    NODE_OF_FIELD,
    NODE_PARTY_KEY,
    NODE_TOKENS_LIMIT,
    NODE_RUNNING_LIMIT,
    NODE_OUTPUT_LIMIT,
    NODE_BUDGET,
    NODE_HEALTH,
    NODE_EVERY,
    NODE_STATEMENTS,
    NODE_MONTHS,
    NODE_MONTHS_FROM,
    NODE_PERSON,
    NODE_RUN, /* a line of a clause or programme: its children are the tokens */
    NODE_KIND_COUNT
};

/* What a token is, for those that read runs of tokens. */
enum deal_token_class {
    DEAL_TOKEN_NONE,
    DEAL_TOKEN_WORD, /* keywords too: no word is reserved */
    DEAL_TOKEN_NUMBER,
    DEAL_TOKEN_PERCENT,
    DEAL_TOKEN_DATE,
    DEAL_TOKEN_STRING,
    DEAL_TOKEN_URL,
    DEAL_TOKEN_MARK, /* , ( ) * .. */
};

struct deal_node {
    enum deal_node_kind kind;
    enum deal_token_class token;
    bool quoted; /* the text stood in quotes, which are taken off */
    struct oft_str text;
    struct deal_position position;
    struct deal_node *first;
    struct deal_node *last;
    struct deal_node *next;
};

/* What one file's parse carries around. */
struct deal_parser {
    struct oft_arena *arena;
    struct deal_diagnostics *diagnostics;
    struct oft_str text;
    uint32_t file;
    struct deal_node *root;
    bool memory_failed;
    /* The lexer's place. */
    uint32_t line;
    uint32_t column;
    size_t offset;
    int paren_depth;
    int brace_depth;
    bool last_was_comma;
    /* After a syntax error the rest of the statement is skipped, its block with it. */
    bool skipping;
    int skip_depth;
    uint32_t told_line; /* where the last syntax error was */
    uint32_t told_column;
    size_t recovered_at;         /* the offset after the last recovery, plus one */
    struct deal_node *lookahead; /* the token that a syntax error is about */
    struct deal_node spare;      /* handed out when the arena is full: never linked */
};

struct deal_node *deal_node_new(struct deal_parser *parser, enum deal_node_kind kind,
                                const struct deal_node *token);
/* A node of KIND at KEYWORD's place, without text. */
struct deal_node *deal_node_at(struct deal_parser *parser, enum deal_node_kind kind,
                               struct deal_position position);
/* Appends CHILD (which may be NULL: nothing happens) and returns NODE. */
struct deal_node *deal_node_add(struct deal_parser *parser, struct deal_node *node,
                                struct deal_node *child);
/* Moves LIST's children under NODE. LIST may be NULL. */
struct deal_node *deal_node_adopt(struct deal_parser *parser, struct deal_node *node,
                                  struct deal_node *list);
const struct deal_node *deal_node_child(const struct deal_node *node, enum deal_node_kind kind);
uint32_t deal_node_count(const struct deal_node *node, enum deal_node_kind kind);

/* ---- diagnostics (diagnostics.c) ------------------------------------------------------------- */

/* Blots out what stands there in the texts that reports show: it is a secret. */
void deal_diagnostics_mask(struct deal_diagnostics *diagnostics, struct deal_position position);
bool deal_diagnostics_full(const struct deal_diagnostics *diagnostics);

/* ---- text (text.c) --------------------------------------------------------------------------- */

/* Refuses what is no clean UTF-8 text, with one diagnostic at the first bad byte. */
bool deal_text_check(struct oft_str text, uint32_t file, struct deal_diagnostics *diagnostics);
/* White space folded to single blanks, comments left out. */
char *deal_text_fold(struct oft_arena *arena, struct oft_str text);
size_t deal_edit_distance(struct oft_str a, struct oft_str b);

/* ---- grammar --------------------------------------------------------------------------------- */

/* Cuts PARSER's text into tokens without parsing them, and hands each to SEEN. For tests. False when
 * memory ran out. */
bool deal_lexer_walk(struct deal_parser *parser,
                     void (*seen)(void *context, const struct deal_node *token), void *context);
/* Parses PARSER's text into PARSER->root. False when memory ran out. */
bool deal_grammar_run(struct deal_parser *parser);

#endif
