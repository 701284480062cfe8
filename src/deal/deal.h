/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_DEAL_H
#define OFFTAKE_DEAL_DEAL_H
/*
 * deal -- the contract language: text in, a checked `struct deal` or diagnostics out.
 *
 * What it is   The parsed and checked form of one deal file and the files it includes. A deal is a
 *              function of the instant: every clause has a half-open interval [from, until), and
 *              `until` may be a date, an attested event, or the earliest of several.
 * What it is not  It decides nothing and moves no traffic (policy/ compiles it), reads no clock and
 *              opens no file: the caller hands in the text through a loader.
 * May include  base.
 * Units        Money: nano-units of the deal's one currency. Prices: nano-units per million units.
 *              Rates: parts per billion of one (20% is 200,000,000). Time: oft_instant.
 * Ownership    deal_parse makes one arena that holds everything a deal points to; deal_free frees it
 *              whole. All strings are NUL-terminated and live as long as the deal.
 * Errors       Every mistake of the text is a diagnostic with a stable code; several in one run.
 *              Faults (memory, a loader that fails) are enum oft_err.
 * Limits       base/limits.h.
 * Threads      A deal is immutable once deal_parse returns; any thread may read it.
 */
#include "base/memory.h"
#include "base/money.h"
#include "base/time.h"

#define DEAL_NONE     UINT32_MAX          /* "no such index" */
#define DEAL_ALL      (UINT32_MAX - 1)    /* in a scope list: "all" or "*" */
#define DEAL_RATE_ONE INT64_C(1000000000) /* 100%, in parts per billion */

/* Where something stands in the text; LINE and COLUMN count from 1, columns in bytes. */
struct deal_position {
    uint32_t file; /* index into deal.files */
    uint32_t line;
    uint32_t column;
    uint32_t length; /* bytes that the caret underlines; at least 1 */
};

#include "deal/terms.h"

struct deal_file {
    const char *path; /* as the user or the include wrote it, resolved against the including file */
    struct oft_str text;
};

/* ---- names ---------------------------------------------------------------------------------- */

enum deal_product_class { DEAL_CLASS_INFERENCE, DEAL_CLASS_TRAINING, DEAL_CLASS_RESEARCH };

struct deal_party {
    const char *name;  /* "microsoft" */
    const char *title; /* "Microsoft" */
    bool has_key;
    uint8_t key[32]; /* Ed25519: what the party attests is signed with it */
    struct deal_position position;
};

/* Somebody who approves statements, and signs that with the key. */
struct deal_person {
    const char *name; /* "ann" */
    const char *title;
    uint8_t key[32]; /* Ed25519 */
    struct deal_position position;
};

struct deal_provider {
    const char *name; /* "azure" */
    const char *title;
    uint32_t party; /* whom its bills are owed to */
    struct deal_position position;
};

/* Days and months of the books. */
enum deal_budget_period { DEAL_BUDGET_DAY, DEAL_BUDGET_MONTH, DEAL_BUDGET_PERIOD_COUNT };

#define DEAL_LIMIT_REQUESTS_MAX UINT64_C(1000000000)
#define DEAL_LIMIT_TOKENS_MAX   UINT64_C(1000000000000)
#define DEAL_BUDGET_NANOS_MAX   ((oft_nanos)9000000000 * OFT_NANOS_PER_UNIT)

/* What may be used: the gateway refuses what is beyond, or takes another pool. */
struct deal_limits {
    uint64_t requests_per_minute;                     /* 0: no limit stated */
    uint64_t tokens_per_minute;                       /* 0: no limit stated */
    uint64_t concurrent;                              /* requests at once; 0: no limit stated */
    oft_nanos budget_nanos[DEAL_BUDGET_PERIOD_COUNT]; /* 0: none stated */
};

struct deal_product {
    const char *name;
    const char *title;
    enum deal_product_class product_class;
    uint32_t owner_party; /* the deal's customer unless "of PARTY" says otherwise */
    uint32_t field;       /* of use, or DEAL_NONE */
    struct deal_limits limits;
    struct deal_names passes; /* paths that pass though the gateway does not know them; "*": all */
    struct deal_position position;
};

struct deal_model {
    const char *name; /* what a client asks for; may hold dots, slashes and dashes */
    const char *title;
    uint64_t output_tokens_max; /* what an answer can have at most; 0: not said */
    struct deal_position position;
};

struct deal_account {
    const char *name; /* a customer's account: the receivable's other side */
    const char *title;
    struct deal_list groups;
    uint32_t surface; /* where it bought, or DEAL_NONE */
    struct deal_limits limits;
    struct deal_position position;
};

/* A group of accounts, a surface, a field of use, a deduction. */
struct deal_named {
    const char *name;
    const char *title;
    struct deal_position position;
};

struct deal_event {
    const char *name;
    const char *title;
    uint32_t attester_party; /* who can say that it happened */
    struct deal_position position;
};

/* ---- time ---------------------------------------------------------------------------------- */

/* What has been attested so far: event INDEX happened at INSTANT. Given to every question about
 * time; an event that is not listed has not happened. */
struct deal_attestation {
    uint32_t event;
    oft_instant instant;
};
struct deal_attestations {
    const struct deal_attestation *items;
    size_t count;
};

/* The text that PARTY signs to attest that EVENT happened AT: readable lines. Source: RFC 8032 signs
 * bytes; which ones is ours to say. */
void deal_attestation_statement(const char *deal_title, const char *event, const char *party,
                                oft_instant at, struct oft_buffer *out);

/* ---- prices --------------------------------------------------------------------------------- */

/* Disjoint classes of usage; the record of a request counts each on its own. Reasoning tokens are
 * part of the provider's output count and are taken out of it before they are stored. */
enum deal_unit_class {
    DEAL_UNIT_INPUT,  /* input tokens that were not cached */
    DEAL_UNIT_CACHED, /* input tokens read from a cache */
    DEAL_UNIT_CACHE_WRITE,
    DEAL_UNIT_OUTPUT, /* output tokens without the reasoning ones */
    DEAL_UNIT_REASONING,
    DEAL_UNIT_AUDIO,
    DEAL_UNIT_IMAGE,
    DEAL_UNIT_REQUEST, /* one per request */
    DEAL_UNIT_COUNT
};

/* How a request is served: a price may be for one of these alone. */
enum deal_variant { DEAL_STANDARD, DEAL_BATCH, DEAL_FLEX, DEAL_PRIORITY, DEAL_VARIANT_COUNT };
const char *deal_variant_text(enum deal_variant variant); /* "standard", "batch", ... */

/* Units of one class beyond AFTER in a month of the books cost this. */
struct deal_price_step {
    uint64_t after;
    oft_nanos per_million_nanos[DEAL_UNIT_COUNT];
};

/* One price clause: of a product (what its customers owe) or of a pool (what the provider is owed). */
struct deal_price {
    /* "azure-east.price.gpt-4o@2025-01-21", "...gpt-4o+batch+above-200000@...": a clause id */
    const char *id;
    bool is_sale; /* true: owner is a product; false: owner is a pool */
    uint32_t owner;
    uint32_t model; /* DEAL_ALL for "*" */
    oft_instant from;
    struct deal_end until;
    /* Nano-units per 1,000,000 units, exact. Classes the text leaves out are filled by the parser:
     * cached and cache-write take input's price, reasoning takes output's, audio and image take
     * input's, request is 0. `given` has a bit per class that the text names. */
    oft_nanos per_million_nanos[DEAL_UNIT_COUNT];
    uint32_t given;
    enum deal_variant variant;
    uint64_t above_tokens; /* only for a request with more input tokens; 0: for every one */
    const struct deal_price_step *steps;
    uint32_t step_count;
    struct deal_position position;
};

/* What a pool costs a calendar month (UTC), used or not; a part of a month costs its part, by hours. */
struct deal_flat {
    const char *id; /* "metal.flat@2026-01-01": a clause id */
    uint32_t pool;
    oft_nanos per_month_nanos;
    oft_instant from;      /* never ALWAYS: the pool's, when not said */
    struct deal_end until; /* besides, it ends where the pool does and where its next one begins */
    struct deal_position position;
};
/* ---- pools ---------------------------------------------------------------------------------- */

enum deal_provider_kind {
    DEAL_KIND_OPENAI,
    DEAL_KIND_AZURE_OPENAI,
    DEAL_KIND_COMPATIBLE, /* "openai-compatible": vLLM, SGLang, llama.cpp */
    DEAL_KIND_ANTHROPIC,
    DEAL_KIND_BEDROCK,
    DEAL_KIND_VERTEX,
    DEAL_KIND_COUNT
};
const char *deal_kind_text(enum deal_provider_kind kind); /* "azure-openai" */

/* Where a provider's key is read; never the key. */
enum deal_secret_source { DEAL_SECRET_ENVIRONMENT, DEAL_SECRET_FILE };
struct deal_secret {
    enum deal_secret_source source;
    const char *name; /* the variable's or the file's */
};

/* One endpoint: a model served by a pool. */
struct deal_serve {
    uint32_t pool;
    uint32_t model;
    const char *upstream_model; /* the name or the deployment at the provider */
    bool tls;
    const char *host; /* without brackets */
    uint16_t port;
    const char *path_prefix; /* "" or "/v1" ...: begins with a slash, does not end with one */
    enum deal_provider_kind kind;
    const char *api_version;    /* azure-openai, anthropic and what speaks its dialect; or "" */
    const char *signing_region; /* bedrock: what requests are signed for; "" otherwise */
    struct deal_list keys;      /* of deal.secrets, in the order in which they are tried */
    const char *ca_file;        /* "" : the system's bundle */
    struct deal_position position;
};

struct deal_pool {
    const char *name;
    const char *title;
    uint32_t provider;
    const char *region;      /* "" when not said */
    const char *accelerator; /* "" when not said */
    uint64_t accelerator_count;
    bool reserved;                  /* capacity paid for flat: used before metered capacity */
    bool marketplace;               /* bought through the provider's marketplace */
    struct deal_limits limits;      /* no budgets */
    uint32_t connect_timeout_ms;    /* defaults are filled in: 2,000 */
    uint32_t first_byte_timeout_ms; /* 60,000 */
    uint32_t read_timeout_ms;       /* between two reads: 60,000 */
    const char *health_url;   /* asked by itself, to see whether the pool is well; NULL: none */
    uint32_t health_every_ms; /* default 10,000 */
    oft_instant from;         /* when it may be used; OFT_INSTANT_ALWAYS when not said */
    struct deal_end until;
    struct deal_position position;
};

/* ---- agreements and clauses ------------------------------------------------------------------ */

struct deal_agreement {
    const char *name;
    const char *title;
    uint32_t party;
    oft_instant effective;
    struct deal_end until;
    struct deal_position position;
};

bool deal_list_has(struct deal_list list, uint32_t index);

enum deal_clause_kind {
    DEAL_CLAUSE_EXCLUSIVE,
    DEAL_CLAUSE_RESIDENCY,
    DEAL_CLAUSE_LICENSE,
    DEAL_CLAUSE_PRIMARY,
    DEAL_CLAUSE_COMMIT,
    DEAL_CLAUSE_ORDER,
    DEAL_CLAUSE_SHARE,
    DEAL_CLAUSE_FIRST_REFUSAL, /* kept: the capacity desk gives it effect */
    DEAL_CLAUSE_FIRST_OFFER,   /* kept */
    DEAL_CLAUSE_CEILING,
    DEAL_CLAUSE_KIND_COUNT
};
const char *deal_clause_kind_text(enum deal_clause_kind kind); /* "first refusal" */

/* The products run on pools of this provider and on no other. */
struct deal_exclusive {
    struct deal_list products;
    uint32_t provider;
    struct deal_list surfaces;      /* only for accounts that came through these; none: for all */
    struct deal_list except_groups; /* not for accounts in these */
};

/* What these are or ask for runs in these regions only. */
struct deal_residency {
    enum deal_symbol_kind subject; /* SYMBOL_PRODUCT, SYMBOL_ACCOUNT or SYMBOL_GROUP */
    struct deal_list items;
    struct deal_names regions;
};

/* The preferred cloud. */
struct deal_primary {
    uint32_t provider;
    struct deal_list products;
    bool ship_first; /* elsewhere only LEAD after a pool of the provider serves the model */
    bool prefer;     /* its pools come first among those that are not reserved */
    bool has_unless; /* when it holds, ship_first binds nobody */
    struct deal_duration lead;
    struct deal_condition unless;
};

enum deal_commit_model { DEAL_COMMIT_BUILD_UP, DEAL_COMMIT_BURN_DOWN, DEAL_COMMIT_TAKE_OR_PAY };

/* Spend promised to a provider over a period; provider cost counts towards it. */
struct deal_commit {
    oft_nanos amount_nanos;
    uint32_t provider;
    oft_instant period_from;
    oft_instant period_until;
    enum deal_commit_model model;
    struct deal_list products;  /* "counting all" or a list of products */
    const int64_t *weights_ppb; /* by item of `products`: what part of its spend counts */
};

/* Capacity bought. */
struct deal_order {
    struct deal_quantity quantity;
    uint32_t provider;
    oft_instant deliver_by;
};

enum deal_share_base {
    DEAL_BASE_REVENUE, /* sales of the named products */
    DEAL_BASE_SHARE,   /* what another share pays */
};

struct deal_share {
    int64_t rate_ppb; /* -1: by tiers */
    enum deal_share_base base;
    struct deal_list products;
    uint32_t base_clause; /* DEAL_BASE_SHARE */
    uint32_t payer_party;
    uint32_t payee_party;
    oft_nanos total_cap_nanos; /* -1: no cap */
    /* What a record adds is known at once: a rate of revenue, within at most a cap in all. */
    bool plain;
};

/* Licence of models to a party for its products: a product of another party than the customer may
 * use a model only under a licence in force. */
struct deal_license {
    struct deal_list models;
    uint32_t licensee_party;
    struct deal_list products;
    struct deal_list except_fields;
    bool exclusive;
};

/* First refusal (somebody's offer is matched) and first offer (the need is told first): all is in
 * the terms. */
struct deal_refusal {
    uint32_t holder_count;
};

/* No more than this may be spent on a provider's pools in a day or a month of the books. */
struct deal_ceiling {
    oft_nanos amount_nanos;
    enum deal_budget_period period;
    uint32_t provider;
};

struct deal_clause {
    enum deal_clause_kind kind;
    const char *id;    /* "ms-2025-01.api": what traffic, postings and statements carry */
    const char *label; /* "api" */
    const char *text;  /* the clause's own words, white space folded */
    uint32_t agreement;
    uint32_t amends; /* the clause that this one replaces from its own beginning, or DEAL_NONE */
    oft_instant from;
    struct deal_end until; /* its own end and its agreement's, combined */
    /* Ended early by a later agreement: superseded or amended from this instant on, by this clause
     * id or agreement name. OFT_INSTANT_NEVER and NULL when not. */
    oft_instant superseded_from;
    const char *superseded_by;
    struct deal_terms terms;
    union {
        struct deal_exclusive exclusive;
        struct deal_residency residency;
        struct deal_primary primary;
        struct deal_commit commit;
        struct deal_order order;
        struct deal_share share;
        struct deal_license license;
        struct deal_refusal refusal;
        struct deal_ceiling ceiling;
    } as;
    struct deal_position position;
};

/* A funding programme: recorded, with its sums checked; the books of funding are another room's. */
enum deal_pledge_status {
    DEAL_PLEDGE_PROPOSED,
    DEAL_PLEDGE_COMMITTED,
    DEAL_PLEDGE_CALLED,
    DEAL_PLEDGE_PAID
};
struct deal_funder {
    uint32_t party;
    int64_t share_ppb;
    enum deal_pledge_status status;
    const char *role; /* "" when not said */
};
struct deal_tranche {
    const char *name;
    oft_nanos amount_nanos;
    oft_instant from;
    struct deal_position position;
};
/* A call of capital, drawn from the funders by their shares. */
struct deal_call {
    oft_nanos amount_nanos;
    oft_instant on;
    oft_instant due;
    struct deal_position position;
};
struct deal_programme {
    const char *name;
    const char *title;
    oft_nanos total_nanos;
    oft_instant from;
    oft_instant until;
    const struct deal_funder *funders;
    uint32_t funder_count;
    const struct deal_tranche *tranches;
    uint32_t tranche_count;
    const struct deal_call *calls;
    uint32_t call_count;
    struct deal_list technology_parties;
    struct deal_position position;
};

/* The months of the books in a civil time zone: a month in which they begin at another distance from their
 * beginning in UTC than those before. Sorted. Before the first they begin in UTC. */
struct deal_month_begin {
    int32_t month; /* as in base/time.h */
    oft_instant begins;
};
struct deal_months {
    const char *zone;    /* "Europe/Berlin": where the later ones were reckoned; "": all are UTC */
    const char *release; /* of the zone data that this was reckoned with: "2025b" */
    const struct deal_month_begin *begins;
    size_t count;
};

struct deal {
    const char *title;
    const char *currency; /* "USD" */
    uint32_t customer_party;
    uint8_t text_sha256[32]; /* over every file's path and text, in order of inclusion */

    const char *statements_in; /* the time zone of its statements as it says it; "": UTC */
    struct deal_position statements_position;
    struct deal_months months;

    const struct deal_file *files;
    uint32_t file_count;
    uint32_t generated_count; /* the last of them: texts that stood beside the deal's own */
    const struct deal_party *parties;
    uint32_t party_count;
    const struct deal_provider *providers;
    uint32_t provider_count;
    const struct deal_product *products;
    uint32_t product_count;
    const struct deal_model *models;
    uint32_t model_count;
    const struct deal_account *accounts;
    uint32_t account_count;
    const struct deal_event *events;
    uint32_t event_count;
    const struct deal_price *prices;
    uint32_t price_count;
    const struct deal_flat *flats;
    uint32_t flat_count;
    const struct deal_pool *pools;
    uint32_t pool_count;
    const struct deal_serve *serves;
    uint32_t serve_count;
    const struct deal_secret *secrets; /* each once */
    uint32_t secret_count;
    const struct deal_agreement *agreements;
    uint32_t agreement_count;
    const struct deal_clause *clauses;
    uint32_t clause_count;
    const struct deal_programme *programmes;
    uint32_t programme_count;
    const struct deal_named *groups;
    uint32_t group_count;
    const struct deal_named *surfaces;
    uint32_t surface_count;
    const struct deal_named *fields;
    uint32_t field_count;
    const struct deal_named *deductions;
    uint32_t deduction_count;
    const struct deal_person *persons;
    uint32_t person_count;

    struct oft_arena arena;
};

/* ---- diagnostics ----------------------------------------------------------------------------- */

enum deal_severity { DEAL_ERROR, DEAL_WARNING, DEAL_NOTE };

struct deal_diagnostic {
    enum deal_severity severity;
    unsigned code; /* printed OFT%04u; docs/diagnostics/ has a page for each */
    struct deal_position position;
    const char *clause;  /* the clause or thing concerned, "" when none */
    const char *message; /* what is wrong and why */
    const char *hint;    /* what to change; "" when there is nothing to say */
};

struct deal_diagnostics {
    struct oft_arena arena;
    struct deal_diagnostic *items;
    uint32_t count;
    uint32_t error_count;
    /* The texts that positions point into, so that a report can be printed without the deal. */
    struct deal_file *files;
    uint32_t file_count;
};

void deal_diagnostics_init(struct deal_diagnostics *diagnostics);
void deal_diagnostics_release(struct deal_diagnostics *diagnostics);

/* Adds one; the last place is kept for the word that there are more. */
void deal_report(struct deal_diagnostics *diagnostics, enum deal_severity severity, unsigned code,
                 struct deal_position position, const char *clause, const char *hint,
                 const char *format, ...) OFT_PRINTF(7, 8);
/* Puts them in the order of the text; those of one place keep theirs. */
void deal_diagnostics_sort(struct deal_diagnostics *diagnostics);

/* Reads one file for the parser: fills RET_TEXT from ARENA. PATH is already resolved. */
typedef enum oft_err (*deal_load_fn)(void *context, const char *path, struct oft_arena *arena,
                                     struct oft_str *ret_text, struct oft_error *reterr);

/*
 * Parses and checks PATH and what it includes. On OFT_OK *ret_deal is a deal without errors (there
 * may be warnings and notes) and the caller frees it. OFT_ERR_INVALID means that DIAGNOSTICS holds at
 * least one error and *ret_deal is NULL. Any other code is a fault, told in RETERR.
 */
enum oft_err deal_parse(const char *path, deal_load_fn load, void *load_context,
                        struct deal **ret_deal, struct deal_diagnostics *diagnostics,
                        struct oft_error *reterr) OFT_MUSTCHECK;
/* Texts that stand beside a deal without its including them: capacity that was delivered (desk/pools.h).
 * They are read behind all that it includes and are files of the deal like others; they include none,
 * and a pool in them may serve nothing without a word. */
struct deal_generated {
    const struct deal_file *files;
    size_t count;
};
enum oft_err deal_parse_with(const char *path, deal_load_fn load, void *load_context,
                             struct deal_generated generated, struct deal **ret_deal,
                             struct deal_diagnostics *diagnostics,
                             struct oft_error *reterr) OFT_MUSTCHECK;
/* Parses a deal once more from its texts as deal.files has them (one at least): which of them were
 * generated follows from what the first includes. */
enum oft_err deal_parse_files(const struct deal_file *files, size_t count, struct deal **ret_deal,
                              struct deal_diagnostics *diagnostics,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* Parses the words of one file alone, whatever they mean: for a part of a deal. RET_TEXT is in ARENA.
 * OFT_ERR_INVALID after diagnostics. */
enum oft_err deal_parse_words(const char *path, deal_load_fn load, void *load_context,
                              struct oft_arena *arena, struct oft_str *ret_text,
                              struct deal_diagnostics *diagnostics,
                              struct oft_error *reterr) OFT_MUSTCHECK;
void deal_free(struct deal *deal); /* accepts NULL */

/* Loader for plain files (I/O lives in deal/load.c, apart from the pure parser): bounds the size,
 * refuses what is not a regular file. CONTEXT is unused. */
enum oft_err deal_load_file(void *context, const char *path, struct oft_arena *arena,
                            struct oft_str *ret_text, struct oft_error *reterr);
/* Loader for texts in memory: CONTEXT is a struct deal_memory_files. For the stored deals of past
 * policies and for tests. */
struct deal_memory_files {
    const struct deal_file *files;
    size_t count;
};
enum oft_err deal_load_memory(void *context, const char *path, struct oft_arena *arena,
                              struct oft_str *ret_text, struct oft_error *reterr);

/* Prints all diagnostics for people: file:line:column, severity, code, the line with a caret, why and
 * hint; fits 80 columns, COLOUR only when asked. Ends with a count line. */
void deal_diagnostics_print(const struct deal_diagnostics *diagnostics, bool colour,
                            struct oft_buffer *out);
/* The same as a JSON document (one object: "diagnostics": [...], "errors": N, "warnings": N). */
void deal_diagnostics_print_json(const struct deal_diagnostics *diagnostics,
                                 struct oft_buffer *out);

/* DEAL as one JSON document (docs/schema/deal.schema.json). */
void deal_emit_json(const struct deal *deal, struct oft_buffer *out);

/* An error where the deal names the time zone of its statements: it is unknown, and WHY. */
void deal_zone_unknown(const struct deal *deal, struct deal_diagnostics *diagnostics,
                       const char *why);

/* ---- questions ------------------------------------------------------------------------------- */

/* The instant at which END comes, given what is attested: OFT_INSTANT_NEVER when it may never. */
oft_instant deal_end_instant(const struct deal_end *end, struct deal_attestations attested);
/* When a clause begins, and the first instant at which it no longer holds, supersession included. */
oft_instant deal_clause_until(const struct deal_clause *clause, struct deal_attestations attested);
bool deal_clause_in_force(const struct deal_clause *clause, oft_instant at,
                          struct deal_attestations attested);
/* The first instant at which CONDITION holds; OFT_INSTANT_NEVER when it may never. */
oft_instant deal_condition_instant(const struct deal_condition *condition,
                                   struct deal_attestations attested);
/* AT and DURATION later; months and years by the calendar, on the last day of a shorter month.
 * Business days count as days here: calendars are the desk's. Never beyond OFT_INSTANT_NEVER. */
oft_instant deal_duration_after(oft_instant at, struct deal_duration duration);
/* What part of PRODUCT's cost the commitment counts, in parts per billion; 0 when it does not. */
int64_t deal_commit_weight(const struct deal_commit *commit, uint32_t product);
/* Does a request of ACCOUNT (DEAL_NONE: of none) for PRODUCT fall under this clause's scope? Says
 * nothing of time. */
bool deal_exclusive_covers(const struct deal *deal, const struct deal_exclusive *exclusive,
                           uint32_t product, uint32_t account);
bool deal_residency_covers(const struct deal *deal, const struct deal_residency *residency,
                           uint32_t product, uint32_t account);
bool deal_license_covers(const struct deal *deal, const struct deal_license *license,
                         uint32_t product, uint32_t model);
bool deal_names_have(struct deal_names names, const char *name);
/* When MODEL is first served by a pool of PROVIDER: OFT_INSTANT_NEVER when by none. */
oft_instant deal_ship_instant(const struct deal *deal, uint32_t provider, uint32_t model);
/* From when on elsewhere: the ship instant and the lead, or the exception, whichever is earlier. */
oft_instant deal_shipped_from(const struct deal *deal, const struct deal_primary *primary,
                              uint32_t model, struct deal_attestations attested);

/* The price clause for OWNER (a product when IS_SALE, else a pool) and MODEL at AT: a price that
 * names the model wins over "*", then the latest `from`. NULL when none is in force. */
const struct deal_price *deal_price_at(const struct deal *deal, bool is_sale, uint32_t owner,
                                       uint32_t model, oft_instant at,
                                       struct deal_attestations attested);
/* The end of what FLAT is owed for; nothing is when it is not after its beginning. */
oft_instant deal_flat_until(const struct deal *deal, const struct deal_flat *flat,
                            struct deal_attestations attested);

/* What a request is, as far as its price depends on it. */
struct deal_request {
    enum deal_variant variant;
    uint64_t input_tokens; /* of its own, read from a cache and written to one */
};
/* The price clause for one request. Of those in force: one that names the model wins over "*", then
 * one for the request's variant over one for all, then the greatest `above`, then the latest `from`.
 * deal_price_at is that of a standard request without input: the nominal price. */
const struct deal_price *deal_price_for(const struct deal *deal, bool is_sale, uint32_t owner,
                                        uint32_t model, oft_instant at,
                                        struct deal_attestations attested,
                                        struct deal_request request);
/* Is it for every request of its model? Only such prices are nominal; decisions look at no others. */
bool deal_price_is_nominal(const struct deal_price *price);

/* Every instant at which something begins or ends, sorted, without duplicates, in the arena.
 * The regimes are the half-open intervals between them. */
enum oft_err deal_regime_instants(const struct deal *deal, struct deal_attestations attested,
                                  struct oft_arena *arena, oft_instant **ret_instants,
                                  size_t *ret_count) OFT_MUSTCHECK;

/* Regimes with what begins and ends, drawn in 80 columns or as JSON. */
enum oft_err deal_timeline(const struct deal *deal, struct deal_attestations attested, bool json,
                           struct oft_buffer *out) OFT_MUSTCHECK;

/* The month of the books that AT is of, and a month's first instant. DEAL may be NULL: UTC. */
int32_t deal_month_of(const struct deal *deal, oft_instant at);
oft_instant deal_month_start(const struct deal *deal, int32_t month);

/* Index by name, or DEAL_NONE. */
uint32_t deal_find_party(const struct deal *deal, struct oft_str name);
uint32_t deal_find_provider(const struct deal *deal, struct oft_str name);
uint32_t deal_find_product(const struct deal *deal, struct oft_str name);
uint32_t deal_find_model(const struct deal *deal, struct oft_str name);
uint32_t deal_find_account(const struct deal *deal, struct oft_str name);
uint32_t deal_find_pool(const struct deal *deal, struct oft_str name);
uint32_t deal_find_event(const struct deal *deal, struct oft_str name);
uint32_t deal_find_clause(const struct deal *deal, struct oft_str id);

#endif
