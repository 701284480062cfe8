/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_LIMITS_H
#define OFFTAKE_BASE_LIMITS_H
/*
 * Every ceiling of the product in one place. A limit met is an error with a message, never a
 * silent cut. Edge: included by the nginx module as well.
 */
#define OFT_DEAL_FILE_BYTES_MAX           (8u << 20) /* one deal file, and one included file */
#define OFT_DEAL_INCLUDES_MAX             64u        /* files of one deal */
#define OFT_DEAL_INCLUDE_DEPTH_MAX        8u
#define OFT_DEAL_ITEMS_MAX                4096u /* parties, products, models, pools, ... of one kind */
#define OFT_DEAL_DIAGNOSTICS_MAX          200u
#define OFT_PRICE_LIST_BYTES_MAX          (32u << 20) /* a public price list */
#define OFT_DEAL_PRICE_STEPS_MAX          16u         /* volume steps of one price */
#define OFT_NAME_BYTES_MAX                63u         /* a name in a deal */
#define OFT_CLAUSE_ID_BYTES_MAX           160u /* "agreement.label", "pool.price.model@date" */
#define OFT_URL_BYTES_MAX                 1024u
#define OFT_SNAPSHOT_BYTES_MAX            (256u << 20)
#define OFT_POOLS_PER_DECISION_MAX        1024u /* endpoints that serve one model */
#define OFT_ADDRESSES_PER_ENDPOINT_MAX    8u
#define OFT_SECRET_BYTES_MAX              4088u       /* a provider's API key or token */
#define OFT_KEYS_PER_ENDPOINT_MAX         16u         /* keys that a pool rotates */
#define OFT_PASS_PATTERNS_MAX             64u         /* paths that a product lets pass */
#define OFT_API_KEY_BYTES_MAX             128u        /* a client's bearer token */
#define OFT_REQUEST_BODY_BYTES_MAX        (32u << 20) /* default ceiling of an accepted body */
#define OFT_MODEL_NAME_BYTES_MAX          256u        /* the model a client names */
#define OFT_OUTPUT_TOKENS_MAX             10000000u   /* absurd max_tokens are refused with 400 */
#define OFT_USAGE_TOKENS_MAX              1000000000ull /* a provider's count above this is not believed */
#define OFT_SSE_EVENT_BYTES_MAX           (1u << 20) /* an event held back to look for usage */
#define OFT_ATTEMPTS_MAX                  16u        /* attempts of one request, over all pools */
#define OFT_SPOOL_SEGMENT_RECORDS_DEFAULT 65536u
#define OFT_DRAIN_RECORDS_MAX             65536u /* records that are read at once */
/* One transaction of the books takes in what has come, at most so many records, and no more once they are of so
 * many kinds (account, product, model, pool, clause, outcome): its memory follows the kinds. */
#define OFT_TRANSACTION_RECORDS_MAX 16777216u
#define OFT_TRANSACTION_KINDS_MAX   262144u
#define OFT_TRACE_RECORDS_MAX       33554432u /* records that one trace reads: about seven seconds */
#define OFT_HOURS_RECORDS_MAX       134217728u /* records that one month by the hour reads */
#define OFT_EXPORT_ENTRIES_MAX      4000u      /* entries after which a page of the journal ends */
#define OFT_ADMIN_BODY_BYTES_MAX    (1u << 20)
#define OFT_KEYS_MAX                1000000u

#endif
