/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_TRACE_H
#define OFFTAKE_LEDGER_TRACE_H
/*
 * trace -- the id of a statement line, and what single records did to the lines.
 *
 * What it is   A line's id is a function of its series' key alone, so the same line has it on every
 *              statement, in every form and in the books of a copy. A record's parts are what it adds to
 *              each line; a tracer takes many records and adds up what they gave to one line.
 * What it is not  It rates nothing by itself: records go through the same batch as when they were booked.
 * May include  base, deal, meter/record_fmt.h.  Used by: engine, tests.
 */
#include "base/limits.h"
#include "ledger/ledger.h"

/* Sixteen hex digits; the first LEDGER_LINE_SHORT of them on paper. */
enum { LEDGER_LINE_ID_BYTES = 17, LEDGER_LINE_SHORT = 8, LEDGER_LINE_PREFIX_MIN = 6 };
enum oft_err ledger_line_id(const struct ledger_series_key *key,
                            char out[LEDGER_LINE_ID_BYTES]) OFT_MUSTCHECK;
/* "sale", "cost", "share", ...; "?" for none. */
const char *ledger_kind_name(enum ledger_series_kind kind);
/* "input", "gpu-hour"; "" where the line has no unit. */
const char *ledger_unit_name(const struct ledger_series_key *key);
const char *ledger_outcome_name(uint32_t outcome);
const char *ledger_direction_name(uint32_t direction);
/* Whether a line with the key LINE is where a record's PART goes. In the books of one transaction there
 * is one such line for each part. */
bool ledger_line_takes(const struct ledger_series_key *line, const struct ledger_series_key *part);

/* The steps of a price, and of a few that had its name before. */
enum { LEDGER_PART_RATES_MAX = 4 * (OFT_DEAL_PRICE_STEPS_MAX + 1) };

/* What one record adds to one line. Money is exact, in millionths of a nano-unit, unrounded. */
struct ledger_part {
    struct ledger_series_key key;
    oft_nanos quantity;         /* SALE, COST: units. USAGE: requests. Else 0 */
    oft_nanos exact;            /* SALE, COST: quantity times rate. SHARE, COMMITMENT: base */
    int64_t units[METER_UNITS]; /* USAGE */
    /* SALE, COST at a price in steps by volume: which of its steps it fell into is in the month's count and not
     * in the record. The key has the first one's rate, RATES all of them; EXACT is 0. */
    bool in_steps;
    uint32_t rate_count;
    oft_nanos rates[LEDGER_PART_RATES_MAX];
    bool lacks_steps; /* SHARE, COMMITMENT: EXACT is without what such parts came to */
};
struct ledger_parts {
    struct ledger_part *items;
    size_t count;
};
/* Whether a line of the key LINE may have the part, or a step of it. */
bool ledger_line_holds(const struct ledger_series_key *line, const struct ledger_part *part);
/* RECORD as ledger_batch_add would rate it. A share's part is its base, once by product and once for the
 * line with the amount. */
enum oft_err ledger_parts_of(const struct ledger_context *context,
                             const struct meter_record *record,
                             struct ledger_parts *ret_parts) OFT_MUSTCHECK;
void ledger_parts_release(struct ledger_parts *parts);

struct ledger_tracer;
enum oft_err ledger_tracer_new(const struct ledger_series_key *line,
                               struct ledger_tracer **ret_tracer) OFT_MUSTCHECK;
void ledger_tracer_free(struct ledger_tracer *tracer);
/* From now on it looks for the line and all others that differ from it in the rate alone: the steps of one
 * price are traced together. */
void ledger_tracer_all_steps(struct ledger_tracer *tracer);
/* Says whether RECORD has a part in the line. CONTEXT must live until ledger_tracer_sum. */
enum oft_err ledger_tracer_add(struct ledger_tracer *tracer, const struct ledger_context *context,
                               const struct meter_record *record, bool *ret_touches) OFT_MUSTCHECK;

/* The same for a record that was taken back: all that it adds is below 0. */
enum oft_err ledger_tracer_reverse(struct ledger_tracer *tracer,
                                   const struct ledger_context *context,
                                   const struct meter_record *record,
                                   bool *ret_touches) OFT_MUSTCHECK;

struct ledger_traced {
    uint64_t records; /* with a part in the line; those that were taken back too */
    oft_nanos quantity, exact;
    int64_t units[METER_UNITS];
    bool in_steps;             /* SALE, COST: some of its records are in steps */
    bool lacks_steps;          /* SHARE, COMMITMENT: EXACT is without what is in steps; see drawn */
    struct ledger_part *bases; /* SHARE with an amount: its lines by product. Owned by the tracer */
    size_t base_count;
    struct ledger_part
        *drawn; /* SHARE, COMMITMENT: the sales or costs that they were counted from */
    size_t drawn_count;
};
/* What came together so far. No context of before is needed after it, and more records may follow. */
enum oft_err ledger_tracer_sum(struct ledger_tracer *tracer,
                               struct ledger_traced *ret_traced) OFT_MUSTCHECK;

/* What ROW comes to before its amount is rounded, with RET_SCALE decimals: 15, and 18 for a
 * share and for a commitment that counts a part. Capacity by the month has none: OFT_ERR_RANGE. */
enum oft_err ledger_line_unrounded(const struct ledger_row *row, oft_nanos *ret_unrounded,
                                   unsigned *ret_scale) OFT_MUSTCHECK;
/* Whether what was traced is exactly what ROW holds. */
bool ledger_line_adds_up(const struct ledger_row *row, const struct ledger_traced *traced);

/* VALUE with SCALE decimals, "-0.000150000000000". */
enum { LEDGER_DECIMAL_BYTES = 64 };
const char *ledger_decimal(oft_nanos value, unsigned scale, char out[LEDGER_DECIMAL_BYTES]);

#endif
