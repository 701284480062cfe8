/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_SNAPSHOT_FMT_H
#define OFFTAKE_POLICY_SNAPSHOT_FMT_H
/*
 * snapshot_fmt -- the compiled policy: position-independent bytes, versioned like a wire protocol.
 * Edge.
 *
 * One file, written whole and renamed into place; never changed afterwards; mapped read-only. Every
 * reference is an index into a section or an offset into the string section, checked once by
 * policy_open, so that the hot path needs no checks. All integers little-endian, sections 16-aligned.
 *
 *      header | regimes | rows | decisions | candidates | products | models | accounts | pools |
 *      endpoints | clauses | key slots | limits | limit of | ceilings | prices | price of | outputs |
 *      days | months | credentials | passes | strings
 *
 * The instant picks a regime (sorted, contiguous, from ALWAYS to NEVER). Accounts that no clause tells
 * apart are of one kind; kind 0 is that of the request without an account. A regime, a kind and a
 * product pick a row of decisions, one for each model; equal rows are stored once. A decision is
 * candidates in order: first the eligible ones, best first, then the barred ones, each with the
 * clause that decided. What may be used of what is in the limits; what is used is not in here but in
 * the page of policy/limits.h, found by the limit's id. Prices are the plain ones, for what budgets
 * count; the books price by the deal itself. Secrets are not in here: an endpoint has a range of
 * credentials, each with the index of its secret in the file secrets-<generation>, which only the
 * workers' group may read.
 */
#include "base/base.h"

#define POLICY_MAGIC          UINT64_C(0x3159434c4f50464f) /* "OFPOLCY1" as little-endian */
#define POLICY_FORMAT_VERSION 3
#define POLICY_NONE           UINT32_MAX

enum policy_section {
    POLICY_REGIMES,   /* struct policy_regime */
    POLICY_ROWS,      /* uint32_t: index of a row, by (regime * kind_count + kind) * product_count +
                          product */
    POLICY_DECISIONS, /* struct policy_decision, row_count * model_count */
    POLICY_CANDIDATES, /* struct policy_candidate */
    POLICY_PRODUCTS,   /* struct policy_name */
    POLICY_MODELS,     /* struct policy_name, sorted by name bytes for the look-up by name */
    POLICY_ACCOUNTS,   /* struct policy_account */
    POLICY_POOLS,      /* struct policy_pool */
    POLICY_ENDPOINTS,  /* struct policy_endpoint */
    POLICY_CLAUSES,    /* struct policy_clause */
    POLICY_KEY_SLOTS,  /* struct policy_key, open addressing, a power of two, load at most 1/2 */
    POLICY_LIMITS,     /* struct policy_limit */
    POLICY_LIMIT_OF, /* uint32_t: limit of each product, then account, then pool; or POLICY_NONE */
    POLICY_CEILINGS, /* struct policy_ceiling, sorted by pool */
    POLICY_PRICES,   /* struct policy_price */
    POLICY_PRICE_OF, /* struct policy_price_span: sale by product * model_count + model, then cost
                          by endpoint; then of requests that name no model: sale by product,
                          cost by pool */
    POLICY_OUTPUTS,  /* uint32_t: output tokens that an answer of each model has at most */
    POLICY_DAYS,     /* struct policy_period, sorted: days of the books */
    POLICY_MONTHS,   /* struct policy_period */
    POLICY_CREDENTIALS, /* struct policy_credential, those of an endpoint side by side */
    POLICY_PASSES,      /* struct policy_pass, sorted by product */
    POLICY_STRINGS,     /* bytes; each string NUL-terminated */
    POLICY_SECTION_COUNT
};

struct policy_section_ref {
    uint64_t offset;
    uint64_t count; /* items; bytes for the strings */
};

struct policy_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint32_t crc32c;     /* over everything after this field to total_bytes */
    uint32_t flags;      /* 0 */
    uint64_t generation; /* 1, 2, ...: grows with every publication */
    int64_t compiled_ns;
    uint8_t deal_sha256[32];
    uint32_t kind_count; /* of accounts; at least 1 */
    uint32_t reserved;   /* 0 */
    struct policy_section_ref sections[POLICY_SECTION_COUNT];
};

/* A string: offset into the string section, length without the NUL. */
struct policy_text {
    uint32_t offset;
    uint32_t length;
};

struct policy_regime {
    int64_t from_ns;
    int64_t until_ns; /* half-open; the next regime's from */
};

struct policy_decision {
    uint32_t first_candidate;
    uint16_t eligible_count;
    uint16_t barred_count;
    uint32_t refusal_clause; /* when nothing is eligible: the clause to name; POLICY_NONE if no pool
                                serves the model at all */
    uint32_t reserved;
};

enum policy_candidate_flag {
    POLICY_CANDIDATE_RESERVED = 1u << 0,
    POLICY_CANDIDATE_PREFERRED = 1u << 1,  /* of the primary provider */
    POLICY_CANDIDATE_UNRESOLVED = 1u << 2, /* its host has no address: it counts as down */
    POLICY_CANDIDATE_EQUAL = 1u << 3,      /* to the one before it, in all but load */
};
/* Above the flags stands the endpoint's kind, so that a decision need not look it up. */
#define POLICY_CANDIDATE_FLAGS_MAX   15u /* of the bits below the kind */
#define POLICY_CANDIDATE_KIND_SHIFT  8
#define POLICY_CANDIDATE_KIND(flags) ((unsigned)(flags) >> POLICY_CANDIDATE_KIND_SHIFT)

/* Why a candidate stands where it stands. */
enum policy_reason {
    POLICY_ALLOWED_BY_POOL = 1,  /* eligible: the pool serves the model and nothing bars it */
    POLICY_ALLOWED_BY_EXCLUSIVE, /* eligible: the product is exclusive to this pool's provider */
    POLICY_ALLOWED_BY_LICENSE,   /* eligible: another party's product, licensed */
    POLICY_BARRED_BY_EXCLUSIVE,  /* the product is exclusive to another provider */
    POLICY_BARRED_BY_RESIDENCY,  /* product or account stays in other regions */
    POLICY_BARRED_NO_LICENSE,    /* another party's product and no licence in force */
    POLICY_BARRED_NOT_SHIPPED,   /* it ships first on the primary provider */
    POLICY_BARRED_POOL_WINDOW,   /* the pool is not in service at this instant */
    POLICY_BARRED_NO_PRICE,  /* no sale or cost price in force: the request could not be billed */
    POLICY_BARRED_BY_REGION, /* never in a snapshot: policy_decide says it of an eligible pool that
                                is not in the region asked for */
    POLICY_BARRED_BY_KIND,   /* nor this: its endpoint does not speak the dialect of the path */
};

struct policy_candidate {
    uint32_t pool;
    uint32_t endpoint;
    uint32_t clause;
    uint16_t reason;
    uint16_t flags;
    /* Sort key among the eligible: nano-units per million input + output tokens, saturated to 63
     * bits, after what the commitments make it worth. For people; the order is already applied. */
    int64_t effective_price_nanos;
};

struct policy_name {
    uint64_t id; /* oft_id_of(kind, name) */
    struct policy_text name;
};

struct policy_account {
    uint64_t id;
    struct policy_text name;
    uint32_t kind;
    uint32_t reserved; /* 0 */
};

struct policy_pool {
    uint64_t id;
    struct policy_text name;
    struct policy_text provider;
    struct policy_text region;
    uint32_t flags; /* bit 0: reserved capacity */
    uint32_t connect_timeout_ms;
    uint32_t first_byte_timeout_ms;
    uint32_t read_timeout_ms;
    uint64_t requests_per_minute; /* 0: none stated */
};

enum policy_endpoint_kind {
    POLICY_KIND_OPENAI = 0,
    POLICY_KIND_AZURE_OPENAI = 1,
    POLICY_KIND_COMPATIBLE, /* vLLM, SGLang, llama.cpp and the like: it keeps nothing */
    POLICY_KIND_ANTHROPIC,
    POLICY_KIND_BEDROCK,
    POLICY_KIND_VERTEX,
    POLICY_KIND_COUNT
};

struct policy_address {
    uint16_t family; /* 4 or 6 */
    uint16_t port;
    uint8_t bytes[16]; /* network order; IPv4 in the first four */
};

struct policy_endpoint {
    uint32_t pool;
    uint32_t model;
    uint32_t kind;
    uint32_t tls; /* 1: TLS, certificate verified against ca_file for host */
    struct policy_text
        upstream_model;             /* as it stands in JSON between the quotes: already escaped */
    struct policy_text deployment;  /* as it stands in a URL path: already escaped */
    struct policy_text host;        /* for SNI and verification */
    struct policy_text host_header; /* host, with the port when it is not the default */
    struct policy_text path_prefix;
    struct policy_text api_version;
    struct policy_text ca_file;        /* empty: the system's bundle */
    struct policy_text signing_region; /* bedrock: what requests are signed for */
    uint32_t credential;               /* the first in the credentials */
    uint32_t credential_count;         /* 0: it needs none */
    uint32_t address_count; /* 0: the name did not resolve; the endpoint counts as down */
    struct policy_address addresses[8];
};

/* One of the keys of a pool, tried in their order. Its id is of the pool and of where the secret
 * comes from, so that a new policy finds its cool-down again. */
struct policy_credential {
    uint64_t id;
    uint32_t secret; /* index in the secrets file */
    uint32_t reserved;
};

/* A path that passes under a product though the gateway does not know it. */
struct policy_pass {
    uint32_t product;
    struct policy_text pattern; /* "/v1/rerank", or with a star at its end */
};

struct policy_clause {
    uint64_t id;
    struct policy_text name;    /* "ms-2025-01.api" */
    struct policy_text summary; /* one line for people: "api runs on azure only" */
    struct policy_text source;  /* "openai.deal:31" */
};

struct policy_key {
    uint8_t sha256[32]; /* of the whole bearer token; all zero: empty slot */
    uint64_t key_id;
    uint32_t account;
    uint32_t product;
    uint32_t limit; /* or POLICY_NONE */
    uint32_t reserved;
};

/* What may be used. Ids are found in the page of policy/limits.h. */
enum policy_limit_period { POLICY_LIMIT_DAY, POLICY_LIMIT_MONTH, POLICY_LIMIT_PERIODS };
struct policy_limit {
    uint64_t id;                                /* oft_id_of(OFT_ID_LIMIT, name) */
    struct policy_text name;                    /* "account acme": for people */
    uint64_t requests_per_minute;               /* 0: none */
    uint64_t tokens_per_minute;                 /* 0: none */
    int64_t budget_nanos[POLICY_LIMIT_PERIODS]; /* INT64_MAX: none */
    int64_t from_ns;                            /* ceilings: when the clause is in force */
    int64_t until_ns;
    uint32_t concurrent; /* 0: none */
    uint32_t clause;     /* of a ceiling; else POLICY_NONE */
};

struct policy_ceiling {
    uint32_t pool;
    uint32_t limit;
};

/* Nano-units per million units: disjoint classes as in a usage record, then requests. */
#define POLICY_PRICE_UNITS 8
struct policy_price {
    int64_t from_ns;
    int64_t until_ns;
    int64_t per_million_nanos[POLICY_PRICE_UNITS];
};

struct policy_price_span {
    uint32_t first; /* in the prices: sorted, not overlapping, maybe with gaps */
    uint32_t count;
};

/* Numbers grow by one from each to the next. */
struct policy_period {
    int64_t from_ns;
    int64_t number; /* a day's: since 1970-01-01; a month's: as in base/time.h */
};

/* What an answer has at most when neither the request nor the deal says it. */
#define POLICY_OUTPUT_TOKENS_DEFAULT 16384u

_Static_assert(sizeof(struct policy_header) == 440, "wire format");
_Static_assert(sizeof(struct policy_regime) == 16, "wire format");
_Static_assert(sizeof(struct policy_decision) == 16, "wire format");
_Static_assert(sizeof(struct policy_candidate) == 24, "wire format");
_Static_assert(sizeof(struct policy_name) == 16, "wire format");
_Static_assert(sizeof(struct policy_account) == 24, "wire format");
_Static_assert(sizeof(struct policy_pool) == 56, "wire format");
_Static_assert(sizeof(struct policy_address) == 20, "wire format");
_Static_assert(sizeof(struct policy_endpoint) == 252, "wire format");
_Static_assert(sizeof(struct policy_credential) == 16, "wire format");
_Static_assert(sizeof(struct policy_pass) == 12, "wire format");
_Static_assert(sizeof(struct policy_clause) == 32, "wire format");
_Static_assert(sizeof(struct policy_key) == 56, "wire format");
_Static_assert(sizeof(struct policy_limit) == 72, "wire format");
_Static_assert(sizeof(struct policy_ceiling) == 8, "wire format");
_Static_assert(sizeof(struct policy_price) == 80, "wire format");
_Static_assert(sizeof(struct policy_price_span) == 8, "wire format");
_Static_assert(sizeof(struct policy_period) == 16, "wire format");

/* No string of a snapshot is longer, and none holds a control character. */
#define POLICY_TEXT_BYTES_MAX 8192u

/* The secrets file: header, then count fixed slots. Written 0640, root and the workers' group. */
#define POLICY_SECRETS_MAGIC     UINT64_C(0x3254524353464f) /* "OFSCRT2" */
#define POLICY_SECRET_SLOT_BYTES 4096
struct policy_secrets_header {
    uint64_t magic;
    uint64_t generation;
    uint32_t count;
    uint32_t crc32c; /* over the slots */
};
struct policy_secret {
    uint32_t length;
    uint32_t reserved;
    char bytes[4088];
};
_Static_assert(sizeof(struct policy_secret) == POLICY_SECRET_SLOT_BYTES, "wire format");

#endif
