/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_METER_RECORD_FMT_H
#define OFFTAKE_METER_RECORD_FMT_H
/*
 * record_fmt -- the usage record and the spool segment: a byte format, versioned like a wire
 * protocol. Edge. Little-endian hosts only (checked when a segment is opened).
 *
 * A segment is one file of one writer process: a header page, then slots of 256 bytes, written front
 * to back and never again. Its writer holds an exclusive flock on it for as long as it lives, so that
 * a reader can tell a slow writer from a dead one.
 *
 *      0        4096      4352      4608
 *      | header | record 0 | record 1 | ...            capacity records, preallocated, zeroed
 *
 * A record is complete when its first word is set, and that word is stored last (release). A zero
 * first word is the end of what was written. Two kinds share the layout:
 *   INTENT  before the first byte of an attempt goes to a provider: this pool may be about to bill us.
 *   SETTLED when the request ends: one per request, with its final counts. It retires every intent of
 *           the same request id. A request that never reached a provider has a SETTLED record only.
 * An intent whose writer died without a SETTLED is settled by the reader's rule and flagged.
 */
#include "base/base.h"

#define METER_RECORD_BYTES   256
#define METER_HEADER_BYTES   4096
#define METER_FORMAT_VERSION 1
#define METER_SEGMENT_MAGIC  UINT64_C(0x314c4f4f5054464f) /* "OFTPOOL1" read as little-endian */
#define METER_RECORD_MAGIC   UINT16_C(0x4f52)

enum meter_record_kind { METER_INTENT = 1, METER_SETTLED = 2 };

enum meter_flag {
    METER_FLAG_STREAM = 1u << 0,    /* the client asked for server-sent events */
    METER_FLAG_ABORTED = 1u << 1,   /* the client left before the end */
    METER_FLAG_ESTIMATED = 1u << 2, /* no usage came from the provider: counted from what passed */
    METER_FLAG_CUT = 1u << 3,       /* the provider's answer broke off after its first byte */
    METER_FLAG_UNSETTLED = 1u << 4, /* set by the reader: an intent whose worker died */
    METER_FLAG_REFUSED = 1u << 5,   /* answered by us: no provider was asked */
    METER_FLAG_BAD_USAGE = 1u << 6, /* the provider's usage was absurd and was not believed */
    METER_FLAG_MAYBE_BILLED = 1u << 7, /* an attempt timed out after it was sent */
    METER_FLAG_REHEARSAL = 1u << 8,    /* the gateway ran on a shifted clock */
    METER_FLAG_OTHER_TIER = 1u << 9,   /* the provider named a service tier that is none of ours */
};

enum meter_trace {
    METER_TRACE_SAMPLED = 1u << 0, /* the client's own flag */
    METER_TRACE_SENT = 1u << 7,    /* the client sent a trace context */
};

/* How the request was served; prices may differ by it (deal_variant has the same order). Writers of
 * before there was this field wrote 0. */
enum meter_service_tier {
    METER_TIER_STANDARD = 0,
    METER_TIER_BATCH,
    METER_TIER_FLEX,
    METER_TIER_PRIORITY,
};

/* Which endpoint was called. */
enum meter_operation {
    METER_OP_CHAT = 1,
    METER_OP_COMPLETIONS,
    METER_OP_EMBEDDINGS,
    METER_OP_RESPONSES,
    METER_OP_MESSAGES,
    METER_OP_MODERATIONS,
    METER_OP_IMAGES,
    METER_OP_AUDIO,
    METER_OP_STORED, /* files, uploads, batches, and whatever has an id at a provider */
    METER_OP_OTHER,  /* a path that the deal lets pass */
};

/* Disjoint token classes, in the order of deal_unit_class (input, cached, cache write, output without
 * reasoning, reasoning, audio, image). */
#define METER_UNITS 7

struct meter_record {
    uint32_t commit;   /* METER_RECORD_MAGIC << 16 | kind << 8 | version; stored last */
    uint32_t crc32c;   /* over bytes 8..255 */
    uint64_t sequence; /* slot number in the segment: a misplaced record does not pass */
    uint8_t request_id[16];
    int64_t admitted_ns; /* the instant that decides: which clause, which price */
    int64_t recorded_ns; /* when this record was written */
    uint64_t generation; /* the policy version that the request lived under */
    uint64_t key_id;
    uint64_t account_id; /* the ids are base/hash.h's oft_id_of */
    uint64_t product_id;
    uint64_t model_id;
    uint64_t pool_id;            /* 0: none */
    uint64_t clause_id;          /* the clause that let it run, or that refused it */
    uint64_t units[METER_UNITS]; /* INTENT: input estimate and the output asked for */
    uint32_t flags;
    uint16_t status;          /* what the client got; 0 in an intent, 499 when it left early */
    uint16_t upstream_status; /* the provider's last status, 0 when none */
    uint16_t attempts;
    uint8_t operation;
    uint8_t service_tier;       /* enum meter_service_tier */
    uint32_t connect_us;        /* of the attempt that answered */
    uint32_t first_byte_us;     /* from admission */
    uint32_t total_us;          /* from admission */
    uint32_t max_output_tokens; /* as asked, 0 when not */
    uint32_t stream_events;     /* data events handed on */
    uint64_t request_bytes;
    uint64_t response_bytes;
    int64_t
        charged_nanos;  /* what budgets of key, account and product counted; an intent: promised */
    int64_t cost_nanos; /* what ceilings on the provider counted */
    /* W3C trace context as the client sent it; all 0 when it sent none. */
    uint8_t trace_id[16];
    uint8_t parent_span_id[8];
    uint8_t trace_flags; /* enum meter_trace */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct meter_record) == METER_RECORD_BYTES, "the record is a wire format");
_Static_assert(offsetof(struct meter_record, units) == 104, "the record is a wire format");
_Static_assert(offsetof(struct meter_record, charged_nanos) == 208, "the record is a wire format");
_Static_assert(offsetof(struct meter_record, trace_id) == 224, "the record is a wire format");
_Static_assert(offsetof(struct meter_record, service_tier) == 171, "the record is a wire format");

struct meter_segment_header {
    uint64_t magic;
    uint32_t version;
    uint32_t record_bytes;
    uint32_t byte_order; /* 0x01020304 as the writer stores it */
    uint32_t capacity;   /* records */
    uint64_t writer_pid;
    int64_t created_ns;
    uint64_t segment_number; /* 0, 1, ... of this writer */
    char writer[64];         /* unique name of the writer: node, start instant, pid */
    uint32_t header_crc32c;  /* over the bytes before it */
    uint32_t closed;         /* 1: the writer wrote its last record here (rotation or clean end);
                             stored with release after that record */
};
_Static_assert(sizeof(struct meter_segment_header) <= METER_HEADER_BYTES, "one page");

#endif
