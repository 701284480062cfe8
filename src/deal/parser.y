/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of a deal. It builds an untyped tree (tree.h) and knows no meaning: names, dates and
 * sums are resolved later, where a mistake can be explained. No keyword is reserved: wherever a name
 * may stand, a keyword is a name. A statement with a syntax error is skipped to its end, with its
 * block, and the next one is parsed, so that one run shows several mistakes.
 */
%define api.pure full
%define api.prefix {deal_yy}
%define api.value.type {struct deal_node *}
%define api.location.type {struct deal_position}
%define parse.error custom
%define parse.lac full
%locations
%param {void *scanner}
%parse-param {struct deal_parser *p}

%code requires {
#include "deal/tree.h"
}
%code {
#include <stdio.h>
#include <string.h>
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    do {                                                                                           \
        (current) = (n) > 0 ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0);                                 \
    } while (0)
int deal_lex_raw(DEAL_YYSTYPE *value, DEAL_YYLTYPE *place, void *scanner);
int deal_keyword_token(struct oft_str word);
static int deal_yylex(DEAL_YYSTYPE *value, DEAL_YYLTYPE *place, void *scanner,
                      struct deal_parser *p);
static void deal_yyerror(DEAL_YYLTYPE *place, void *scanner, struct deal_parser *p,
                         const char *message);
/* Twice at one place means that nobody takes the token: then bison must be let to drop it. */
#define RECOVERED                                                                                  \
    do {                                                                                           \
        if (p->recovered_at != p->offset + 1) {                                                    \
            p->recovered_at = p->offset + 1;                                                       \
            yyerrok;                                                                               \
        }                                                                                          \
    } while (0)
#define N(kind, token) deal_node_new(p, NODE_##kind, (token))
#define ADD(node, child) deal_node_add(p, (node), (child))
#define ADOPT(node, list) deal_node_adopt(p, (node), (list))
#define AT(kind, place) deal_node_at(p, NODE_##kind, (place))
}
%lex-param {struct deal_parser *p}

%token END_OF_FILE 0 "the end of the file"
%token EOL "the end of the line"
%token WORD "a name"
%token NUMBER "a number"
%token PERCENT "a percentage"
%token DATE "a date"
%token STRING "a quoted text"
%token URL "an address"
%token DOTDOT ".."
%token KW_DEAL "deal"
%token KW_CUSTOMER "customer"
%token KW_CURRENCY "currency"
%token KW_PARTY "party"
%token KW_PROVIDER "provider"
%token KW_OF "of"
%token KW_PRODUCT "product"
%token KW_CLASS "class"
%token KW_MODEL "model"
%token KW_ACCOUNT "account"
%token KW_EVENT "event"
%token KW_ATTESTED "attested"
%token KW_BY "by"
%token KW_POOL "pool"
%token KW_ON "on"
%token KW_REGION "region"
%token KW_ACCELERATOR "accelerator"
%token KW_COUNT "count"
%token KW_RESERVED "reserved"
%token KW_MARKETPLACE "marketplace"
%token KW_FLAT "flat"
%token KW_SERVES "serves"
%token KW_AS "as"
%token KW_AT "at"
%token KW_KIND "kind"
%token KW_KEY "key"
%token KW_ENV "env"
%token KW_FILE "file"
%token KW_API_VERSION "api-version"
%token KW_CA "ca"
%token KW_PRICE "price"
%token KW_FROM "from"
%token KW_UNTIL "until"
%token KW_LIMIT "limit"
%token KW_REQUESTS "requests"
%token KW_PER "per"
%token KW_MINUTE "minute"
%token KW_TIMEOUT "timeout"
%token KW_AVAILABLE "available"
%token KW_AGREEMENT "agreement"
%token KW_WITH "with"
%token KW_EFFECTIVE "effective"
%token KW_SUPERSEDES "supersedes"
%token KW_PROGRAMME "programme"
%token KW_GROUP "group"
%token KW_SURFACE "surface"
%token KW_FIELD "field"
%token KW_DEDUCTION "deduction"
%token KW_IN "in"
%token KW_VIA "via"
%token KW_TOKENS "tokens"
%token KW_INCLUDE "include"
%token KW_PRICES "prices"
%token KW_VARIANT "variant"
%token KW_ABOVE "above"
%token KW_AFTER "after"
%token KW_MONTHLY "monthly"
%token KW_MONTHS "months"
%token KW_STATEMENTS "statements"
%token KW_PERSON "person"
%token KW_KEYS "keys"
%token KW_PASSTHROUGH "passthrough"
%token KW_EARLIEST "earliest"
%token KW_BUDGET "budget"
%token KW_HEALTH "health"

%%
file: statements { p->root = $1; }

statements: statement { $$ = ADD(AT(LIST, @$), $1); }
    | statements EOL statement { $$ = ADD($1, $3); }

statement: %empty { $$ = NULL; }
    | KW_DEAL STRING { $$ = N(DEAL, $2); }
    | KW_CUSTOMER name { $$ = N(CUSTOMER, $2); }
    | KW_CURRENCY name { $$ = N(CURRENCY, $2); }
    | KW_INCLUDE STRING { $$ = N(INCLUDE, $2); }
    | KW_STATEMENTS KW_IN STRING { $$ = N(STATEMENTS, $3); }
    | KW_MONTHS KW_IN STRING KW_BY STRING { $$ = ADD(N(MONTHS, $3), N(BY, $5)); }
    | KW_MONTHS KW_FROM STRING KW_AT DATE { $$ = ADD(N(MONTHS_FROM, $3), N(FROM, $5)); }
    | KW_PARTY name title party_key { $$ = ADD(ADD(N(PARTY, $2), $3), $4); }
    | KW_PERSON name title KW_KEY STRING { $$ = ADD(ADD(N(PERSON, $2), $3), N(PARTY_KEY, $5)); }
    | KW_GROUP name title { $$ = ADD(N(GROUP, $2), $3); }
    | KW_SURFACE name title { $$ = ADD(N(SURFACE, $2), $3); }
    | KW_FIELD name title { $$ = ADD(N(FIELD, $2), $3); }
    | KW_DEDUCTION name title { $$ = ADD(N(DEDUCTION, $2), $3); }
    | KW_PROVIDER name title KW_OF name title { $$ = ADD(ADD(ADD(N(PROVIDER, $2), $3), N(OF, $5)), $6); }
    | KW_PRODUCT name title product_options product_block
        { $$ = ADOPT(ADOPT(ADD(N(PRODUCT, $2), $3), $4), $5); }
    | KW_MODEL name title { $$ = ADD(N(MODEL, $2), $3); }
    | KW_MODEL name title KW_LIMIT NUMBER WORD KW_TOKENS
        { $$ = ADD(ADD(N(MODEL, $2), $3), ADD(N(OUTPUT_LIMIT, $5), $6)); }
    | KW_ACCOUNT name title account_options account_block
        { $$ = ADOPT(ADOPT(ADD(N(ACCOUNT, $2), $3), $4), $5); }
    | KW_EVENT name title { $$ = ADD(N(EVENT, $2), $3); }
    | KW_EVENT name title KW_ATTESTED KW_BY name { $$ = ADD(ADD(N(EVENT, $2), $3), N(BY, $6)); }
    | KW_POOL name title KW_ON name title pool_block
        { $$ = ADOPT(ADD(ADD(ADD(N(POOL, $2), $3), N(ON, $5)), $6), $7); }
    | KW_AGREEMENT name title KW_WITH name title agreement_block
        { $$ = ADOPT(ADD(ADD(ADD(N(AGREEMENT, $2), $3), N(WITH, $5)), $6), $7); }
    | KW_PRICES KW_OF KW_POOL name price_book { $$ = ADOPT(N(POOL_PRICES, $4), $5); }
    | KW_PRICES KW_OF KW_PRODUCT name price_book { $$ = ADOPT(N(PRODUCT_PRICES, $4), $5); }
    | KW_PROGRAMME name title programme_block { $$ = ADOPT(ADD(N(PROGRAMME, $2), $3), $4); }
    | error { $$ = NULL; RECOVERED; }

party_key: %empty { $$ = NULL; } | KW_KEY STRING { $$ = N(PARTY_KEY, $2); }
account_options: %empty { $$ = AT(LIST, @$); }
    | account_options KW_IN names { $$ = ADD($1, ADOPT(N(IN, $2), $3)); }
    | account_options KW_VIA name { $$ = ADD($1, N(VIA, $3)); }

account_block: %empty { $$ = NULL; } | '{' account_items '}' { $$ = $2; }
account_items: account_item { $$ = ADD(AT(LIST, @$), $1); }
    | account_items EOL account_item { $$ = ADD($1, $3); }
account_item: %empty { $$ = NULL; } | limit | budget | error { $$ = NULL; RECOVERED; }
limit: KW_LIMIT NUMBER KW_REQUESTS KW_PER KW_MINUTE { $$ = N(LIMIT, $2); }
    | KW_LIMIT NUMBER KW_TOKENS KW_PER KW_MINUTE { $$ = N(TOKENS_LIMIT, $2); }
    | KW_LIMIT NUMBER WORD KW_REQUESTS { $$ = ADD(N(RUNNING_LIMIT, $2), $3); }
budget: KW_BUDGET amount KW_PER WORD { $$ = ADD(ADD(N(BUDGET, $1), $2), N(PER, $4)); }

title: %empty { $$ = NULL; } | STRING { $$ = N(TITLE, $1); }

/* ---- words ---- */
name: WORD | NUMBER | KW_DEAL
    | KW_CUSTOMER
    | KW_CURRENCY
    | KW_PARTY
    | KW_PROVIDER
    | KW_OF
    | KW_PRODUCT
    | KW_CLASS
    | KW_MODEL
    | KW_ACCOUNT
    | KW_EVENT
    | KW_ATTESTED
    | KW_BY
    | KW_POOL
    | KW_ON
    | KW_REGION
    | KW_ACCELERATOR
    | KW_COUNT
    | KW_RESERVED
    | KW_MARKETPLACE
    | KW_FLAT
    | KW_SERVES
    | KW_AS
    | KW_AT
    | KW_KIND
    | KW_KEY
    | KW_ENV
    | KW_FILE
    | KW_API_VERSION
    | KW_CA
    | KW_PRICE
    | KW_FROM
    | KW_UNTIL
    | KW_LIMIT
    | KW_REQUESTS
    | KW_PER
    | KW_MINUTE
    | KW_TIMEOUT
    | KW_AVAILABLE
    | KW_AGREEMENT
    | KW_WITH
    | KW_EFFECTIVE
    | KW_SUPERSEDES
    | KW_PROGRAMME
    | KW_GROUP
    | KW_SURFACE
    | KW_FIELD
    | KW_DEDUCTION
    | KW_IN
    | KW_VIA
    | KW_TOKENS
    | KW_INCLUDE
    | KW_PRICES
    | KW_VARIANT
    | KW_ABOVE
    | KW_AFTER
    | KW_MONTHLY
    | KW_MONTHS
    | KW_STATEMENTS
    | KW_PERSON
    | KW_KEYS
    | KW_PASSTHROUGH
    | KW_EARLIEST
    | KW_BUDGET
    | KW_HEALTH
text: name | STRING
target: name | STRING | '*'
names: target { $$ = ADD(AT(LIST, @$), $1); }
    | names ',' target { $$ = ADD($1, $3); }
amount: NUMBER name { $$ = ADD(N(AMOUNT, $1), N(CURRENCY_NAME, $2)); }

/* ---- ends ---- */
until: KW_UNTIL end { $$ = ADD(N(UNTIL, $1), $2); }
until_opt: %empty { $$ = NULL; } | until
end: DATE { $$ = N(END_DATE, $1); }
    | name { $$ = N(END_EVENT, $1); }
    | KW_EARLIEST KW_OF '(' ends ')' { $$ = ADOPT(N(END_EARLIEST, $1), $4); }
ends: end { $$ = ADD(AT(LIST, @$), $1); }
    | ends ',' end { $$ = ADD($1, $3); }

/* ---- products ---- */
product_options: %empty { $$ = AT(LIST, @$); }
    | product_options KW_CLASS name { $$ = ADD($1, N(CLASS, $3)); }
    | product_options KW_OF name { $$ = ADD($1, N(OF, $3)); }
    | product_options KW_FIELD name { $$ = ADD($1, N(OF_FIELD, $3)); }
product_block: %empty { $$ = NULL; } | '{' product_items '}' { $$ = $2; }
product_items: product_item { $$ = ADD(AT(LIST, @$), $1); }
    | product_items EOL product_item { $$ = ADD($1, $3); }
product_item: %empty { $$ = NULL; } | price | limit | budget
    | KW_PASSTHROUGH passes { $$ = ADOPT(N(PASSTHROUGH, $1), $2); }
    | error { $$ = NULL; RECOVERED; }
passes: text { $$ = ADD(AT(LIST, @$), $1); } | passes ',' text { $$ = ADD($1, $3); }
price_book: '{' book_items '}' { $$ = $2; }
book_items: book_item { $$ = ADD(AT(LIST, @$), $1); }
    | book_items EOL book_item { $$ = ADD($1, $3); }
book_item: %empty { $$ = NULL; } | price | error { $$ = NULL; RECOVERED; }

/* ---- prices ---- */
price: KW_PRICE target price_scopes price_parts price_steps price_when
    { $$ = ADOPT(ADOPT(ADOPT(ADOPT(N(PRICE, $2), $3), $4), $5), $6); }
price_scopes: %empty { $$ = AT(LIST, @$); }
    | price_scopes KW_VARIANT name { $$ = ADD($1, N(VARIANT, $3)); }
    | price_scopes KW_ABOVE NUMBER KW_TOKENS { $$ = ADD($1, N(ABOVE, $3)); }
price_steps: %empty { $$ = AT(LIST, @$); }
    | price_steps KW_AFTER NUMBER KW_MONTHLY price_parts { $$ = ADD($1, ADOPT(N(STEP, $3), $5)); }
price_parts: price_part { $$ = ADD(AT(LIST, @$), $1); }
    | price_parts price_part { $$ = ADD($1, $2); }
price_part: WORD amount per { $$ = ADD(ADD(N(PRICE_PART, $1), $2), $3); }
per: KW_PER NUMBER unit { $$ = ADD(N(PER, $3), N(COUNT, $2)); }
    | KW_PER unit { $$ = N(PER, $2); }
unit: WORD | KW_REQUESTS | KW_TOKENS
price_when: %empty { $$ = AT(LIST, @$); }
    | price_when KW_FROM DATE { $$ = ADD($1, N(FROM, $3)); }
    | price_when until { $$ = ADD($1, $2); }

/* ---- pools ---- */
pool_block: %empty { $$ = NULL; } | '{' pool_items '}' { $$ = $2; }
pool_items: pool_item { $$ = ADD(AT(LIST, @$), $1); }
    | pool_items EOL pool_item { $$ = ADD($1, $3); }
pool_item: %empty { $$ = NULL; }
    | KW_REGION name { $$ = N(REGION, $2); }
    | KW_ACCELERATOR name { $$ = N(ACCELERATOR, $2); }
    | KW_ACCELERATOR name KW_COUNT NUMBER { $$ = ADD(N(ACCELERATOR, $2), N(COUNT, $4)); }
    | KW_RESERVED { $$ = N(RESERVED, $1); }
    | KW_MARKETPLACE { $$ = N(MARKETPLACE, $1); }
    | KW_FLAT amount KW_PER WORD price_when { $$ = ADOPT(ADD(ADD(N(FLAT, $1), $2), N(PER, $4)), $5); }
    | KW_SERVES name KW_AS text KW_AT URL serve_options
        { $$ = ADOPT(ADD(ADD(N(SERVES, $2), N(UPSTREAM, $4)), N(URL, $6)), $7); }
    | KW_SERVES name KW_AT URL serve_options { $$ = ADOPT(ADD(N(SERVES, $2), N(URL, $4)), $5); }
    | price
    | limit
    | KW_HEALTH KW_AT URL WORD NUMBER { $$ = ADD(ADD(ADD(N(HEALTH, $1), N(URL, $3)), N(EVERY, $4)), N(COUNT, $5)); }
    | KW_HEALTH KW_AT URL { $$ = ADD(N(HEALTH, $1), N(URL, $3)); }
    | KW_KEYS key_sources { $$ = ADOPT(N(KEYS, $1), $2); }
    | KW_TIMEOUT timeouts { $$ = ADOPT(N(TIMEOUT, $1), $2); }
    | KW_AVAILABLE KW_FROM DATE until_opt { $$ = ADD(ADD(N(AVAILABLE, $1), N(FROM, $3)), $4); }
    | KW_AVAILABLE until { $$ = ADD(N(AVAILABLE, $1), $2); }
    | error { $$ = NULL; RECOVERED; }
serve_options: %empty { $$ = AT(LIST, @$); }
    | serve_options KW_KIND name { $$ = ADD($1, N(PROVIDER_KIND, $3)); }
    | serve_options KW_KEY KW_ENV name { $$ = ADD($1, N(KEY_ENV, $4)); }
    | serve_options KW_KEY KW_FILE STRING { $$ = ADD($1, N(KEY_FILE, $4)); }
    | serve_options KW_KEY STRING { $$ = ADD($1, N(KEY_LITERAL, $3)); deal_diagnostics_mask(p->diagnostics, @3); }
    | serve_options KW_KEY WORD { $$ = ADD($1, N(KEY_LITERAL, $3)); deal_diagnostics_mask(p->diagnostics, @3); }
    | serve_options KW_REGION name { $$ = ADD($1, N(SIGNING_REGION, $3)); }
    | serve_options KW_API_VERSION STRING { $$ = ADD($1, N(API_VERSION, $3)); }
    | serve_options KW_CA KW_FILE STRING { $$ = ADD($1, N(CA_FILE, $4)); }
key_sources: key_source { $$ = ADD(AT(LIST, @$), $1); }
    | key_sources ',' key_source { $$ = ADD($1, $3); }
key_source: KW_ENV name { $$ = N(KEY_ENV, $2); } | KW_FILE STRING { $$ = N(KEY_FILE, $2); }
timeouts: WORD NUMBER { $$ = ADD(AT(LIST, @$), ADD(N(TIMEOUT_PART, $1), N(COUNT, $2))); }
    | timeouts WORD NUMBER { $$ = ADD($1, ADD(N(TIMEOUT_PART, $2), N(COUNT, $3))); }

/* ---- agreements ---- */
agreement_block: '{' agreement_items '}' { $$ = $2; }
agreement_items: agreement_item { $$ = ADD(AT(LIST, @$), $1); }
    | agreement_items EOL agreement_item { $$ = ADD($1, $3); }
agreement_item: %empty { $$ = NULL; }
    | KW_EFFECTIVE DATE until_opt { $$ = ADD(N(EFFECTIVE, $2), $3); }
    | KW_SUPERSEDES names { $$ = ADOPT(N(SUPERSEDES, $1), $2); }
    | name ':' run run_block { $$ = ADOPT(ADD(N(CLAUSE, $1), $3), $4); }
    | error { $$ = NULL; RECOVERED; }

/* A line of a clause or a programme: terms_table.c knows what its words mean. */
run: run_word { $$ = ADD(AT(RUN, @$), $1); } | run run_word { $$ = ADD($1, $2); }
run_word: name | DATE | PERCENT | STRING | URL | '(' | ')' | ',' | DOTDOT | '*'
run_block: %empty { $$ = NULL; } | '{' run_items '}' { $$ = $2; }
run_items: run_item { $$ = ADD(AT(LIST, @$), $1); } | run_items EOL run_item { $$ = ADD($1, $3); }
run_item: %empty { $$ = NULL; } | run | error { $$ = NULL; RECOVERED; }

programme_block: '{' run_items '}' { $$ = $2; }
%%
static const struct keyword {
    const char *text;
    int token;
} keywords[] = {
    {"above", KW_ABOVE},
    {"accelerator", KW_ACCELERATOR},
    {"account", KW_ACCOUNT},
    {"after", KW_AFTER},
    {"agreement", KW_AGREEMENT},
    {"api-version", KW_API_VERSION},
    {"as", KW_AS},
    {"at", KW_AT},
    {"attested", KW_ATTESTED},
    {"available", KW_AVAILABLE},
    {"budget", KW_BUDGET},
    {"by", KW_BY},
    {"ca", KW_CA},
    {"class", KW_CLASS},
    {"count", KW_COUNT},
    {"currency", KW_CURRENCY},
    {"customer", KW_CUSTOMER},
    {"deal", KW_DEAL},
    {"deduction", KW_DEDUCTION},
    {"earliest", KW_EARLIEST},
    {"effective", KW_EFFECTIVE},
    {"env", KW_ENV},
    {"event", KW_EVENT},
    {"field", KW_FIELD},
    {"file", KW_FILE},
    {"flat", KW_FLAT},
    {"from", KW_FROM},
    {"group", KW_GROUP},
    {"health", KW_HEALTH},
    {"in", KW_IN},
    {"include", KW_INCLUDE},
    {"key", KW_KEY},
    {"keys", KW_KEYS},
    {"kind", KW_KIND},
    {"limit", KW_LIMIT},
    {"marketplace", KW_MARKETPLACE},
    {"minute", KW_MINUTE},
    {"model", KW_MODEL},
    {"monthly", KW_MONTHLY},
    {"months", KW_MONTHS},
    {"of", KW_OF},
    {"on", KW_ON},
    {"party", KW_PARTY},
    {"passthrough", KW_PASSTHROUGH},
    {"per", KW_PER},
    {"person", KW_PERSON},
    {"pool", KW_POOL},
    {"price", KW_PRICE},
    {"prices", KW_PRICES},
    {"product", KW_PRODUCT},
    {"programme", KW_PROGRAMME},
    {"provider", KW_PROVIDER},
    {"region", KW_REGION},
    {"requests", KW_REQUESTS},
    {"reserved", KW_RESERVED},
    {"serves", KW_SERVES},
    {"statements", KW_STATEMENTS},
    {"supersedes", KW_SUPERSEDES},
    {"surface", KW_SURFACE},
    {"timeout", KW_TIMEOUT},
    {"tokens", KW_TOKENS},
    {"until", KW_UNTIL},
    {"variant", KW_VARIANT},
    {"via", KW_VIA},
    {"with", KW_WITH},
};

int deal_keyword_token(struct oft_str word)
{
    size_t low = 0;
    size_t high = sizeof(keywords) / sizeof(keywords[0]);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *text = keywords[middle].text;
        size_t length = strlen(text);
        int order = strncmp(word.data, text, word.length < length ? word.length : length);
        order = order != 0 ? order : (word.length > length) - (word.length < length);
        if (order == 0) {
            return keywords[middle].token;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return WORD;
}

/* Passes tokens on; after a syntax error it drops them until the statement's own end. */
static int deal_yylex(DEAL_YYSTYPE *value, DEAL_YYLTYPE *place, void *scanner,
                      struct deal_parser *p)
{
    for (;;) {
        int token = deal_lex_raw(value, place, scanner);
        if (token == END_OF_FILE || token == 0) {
            *place = (struct deal_position){p->file, p->line, p->column, 1};
            p->lookahead = NULL;
            return END_OF_FILE;
        }
        p->lookahead = *value;
        if (token == '}' && p->brace_depth < 0) {
            p->brace_depth = 0;
            p->skip_depth = 0;
            deal_report(p->diagnostics, DEAL_ERROR, 1, *place, "", "take it out",
                        "this } closes nothing");
            continue;
        }
        if (!p->skipping) {
            return token;
        }
        bool ends = (token == EOL && p->brace_depth <= p->skip_depth) ||
                    (token == '}' && p->brace_depth < p->skip_depth);
        if (ends) {
            p->skipping = false;
            return token;
        }
    }
}

static void deal_yyerror(DEAL_YYLTYPE *place, void *scanner, struct deal_parser *p,
                         const char *message)
{
    (void)scanner;
    (void)message; /* only "memory exhausted" comes here: syntax errors are told below */
    deal_report(p->diagnostics, DEAL_ERROR, 1, *place, "", "",
                "this is nested too deeply to be read");
}

static bool is_keyword(yysymbol_kind_t kind)
{
    return kind >= YYSYMBOL_KW_DEAL && kind <= YYSYMBOL_KW_EARLIEST;
}

/* The words that would have been right, at most five; a place for a name takes any keyword. */
static void list_expected(const yysymbol_kind_t *expected, int count, char *out, size_t size)
{
    bool takes_name = false;
    for (int i = 0; i < count; i++) {
        takes_name = takes_name || expected[i] == YYSYMBOL_WORD;
    }
    size_t length = 0;
    int told = 0;
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (takes_name && (is_keyword(expected[i]) || expected[i] == YYSYMBOL_NUMBER)) {
            continue;
        }
        if (told == 5) {
            out[0] = '\0';
            return;
        }
        const char *name = yysymbol_name(expected[i]);
        bool quote = is_keyword(expected[i]);
        int wrote = snprintf(out + length, size - length, "%s%s%s%s", told > 0 ? " or " : "",
                             quote ? "\"" : "", name, quote ? "\"" : "");
        if (wrote < 0 || (size_t)wrote >= size - length) {
            return;
        }
        length += (size_t)wrote;
        told++;
    }
}

/* "partty": a keyword that was expected and is one or two letters away. */
static const char *near_keyword(const struct deal_node *token, const yysymbol_kind_t *expected,
                                int count)
{
    for (int i = 0; token != NULL && token->text.length > 2 && i < count; i++) {
        const char *name = yysymbol_name(expected[i]);
        if (is_keyword(expected[i]) && !oft_str_is(token->text, name) &&
            deal_edit_distance(token->text, oft_str_from(name)) <= 2) {
            return name;
        }
    }
    return NULL;
}

static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, struct deal_parser *p)
{
    (void)scanner;
    yysymbol_kind_t expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, expected, YYNTOKENS);
    yysymbol_kind_t found = yypcontext_token(context);
    const struct deal_position *place = yypcontext_location(context);
    struct deal_node *token = p->lookahead;
    if (p->told_line == place->line && p->told_column == place->column) {
        return 0; /* one place, one diagnostic: the recovery meets the same token again */
    }
    p->told_line = place->line;
    p->told_column = place->column;
    char wanted[256];
    char hint[300] = "";
    list_expected(expected, count < 0 ? 0 : count, wanted, sizeof(wanted));
    const char *near = found == YYSYMBOL_WORD ? near_keyword(token, expected, count) : NULL;
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
    } else if (found == YYSYMBOL_EOL && token != NULL) {
        (void)snprintf(hint, sizeof(hint), "a line ends a statement; go on after a comma or a \\");
    }
    bool quote = found == YYSYMBOL_WORD || is_keyword(found) || found == YYSYMBOL_NUMBER;
    char what[96];
    if (quote && token != NULL) {
        int length = token->text.length > 60 ? 60 : (int)token->text.length;
        (void)snprintf(what, sizeof(what), "\"%.*s\"", length, token->text.data);
    } else {
        (void)snprintf(what, sizeof(what), "%s", found < 0 ? "this" : yysymbol_name(found));
    }
    if (wanted[0] != '\0') {
        deal_report(p->diagnostics, DEAL_ERROR, 1, *place, "", hint, "%s stands where %s should",
                    what, wanted);
    } else {
        deal_report(p->diagnostics, DEAL_ERROR, 1, *place, "", hint,
                    "%s does not belong here", what);
    }
    if (found != YYSYMBOL_EOL && found != YYSYMBOL_YYEOF && found >= 0 &&
        strcmp(yysymbol_name(found), "'}'") != 0) {
        p->skipping = true;
        p->skip_depth = p->brace_depth - (strcmp(yysymbol_name(found), "'{'") == 0 ? 1 : 0);
    }
    return 0;
}
