/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_HOURS_H
#define OFFTAKE_LEDGER_HOURS_H
/*
 * hours -- the lines of one month by the hour, from records.
 *
 * What it is   The books have a line a month; a bill has rows a day, of somebody's own days. Records go
 *              through the same rating as when they were booked, a kind of record once, and what each used
 *              is counted under its line and the hour (UTC) of its admission. Cost is quantity times the
 *              line's rate, which is exact: nothing is rounded here.
 *              At a price in steps by volume the month's units are laid along the steps in the order of
 *              their hours, which comes to what each step has in the month.
 * What it is not  It knows what providers are owed (LEDGER_COST) and nothing else. Late units of a price in steps
 *              have no hours: their count began in a month that is closed.
 * Memory       Bounded: LEDGER_HOURS_LINES_MAX lines of 13 KB and LEDGER_HOURS_KINDS_MAX kinds.
 * May include  base, deal, meter/record_fmt.h.  Used by: engine, tests.
 */
#include "base/limits.h"
#include "ledger/ledger.h"

enum {
    LEDGER_HOURS_OF_LINE = 33 * 24, /* a month, and a day before and after it for other calendars */
    LEDGER_HOURS_LINES_MAX = 4096,
    LEDGER_HOURS_KINDS_MAX = 262144,
};

struct ledger_hours_line {
    struct ledger_series_key key;
    oft_instant begins; /* of hour 0 */
    int64_t *units;     /* LEDGER_HOURS_OF_LINE of them; below 0 where late usage was taken back */
    int64_t *uncertain; /* of these: estimated, or never seen to their end */
};

struct ledger_hours;
/* Of lines that stand in MONTH. */
enum oft_err ledger_hours_new(int32_t month, struct ledger_hours **ret_hours) OFT_MUSTCHECK;
void ledger_hours_free(struct ledger_hours *hours);
/* Which months were closed when the records that follow were booked. */
enum oft_err ledger_hours_periods(struct ledger_hours *hours,
                                  struct ledger_periods periods) OFT_MUSTCHECK;
/* CONTEXT must live until ledger_hours_forget or _free. OFT_ERR_LIMIT: more lines than there may be. */
enum oft_err ledger_hours_add(struct ledger_hours *hours, const struct ledger_context *context,
                              const struct meter_record *record) OFT_MUSTCHECK;
/* The same for a record that was taken back (ledger_batch_reverse). */
enum oft_err ledger_hours_reverse(struct ledger_hours *hours, const struct ledger_context *context,
                                  const struct meter_record *record) OFT_MUSTCHECK;
/* No context of before is needed after it; what was counted stays. */
enum oft_err ledger_hours_forget(struct ledger_hours *hours) OFT_MUSTCHECK;
/* All records were added: lays those at a price in steps along it. Once. */
enum oft_err ledger_hours_finish(struct ledger_hours *hours) OFT_MUSTCHECK;
/* Hours of accelerators and megawatts that are over THROUGH an instant, as ledger_capacity_add has them; not
 * those at a price for a month. Months are DEAL's. */
enum oft_err ledger_hours_capacity(struct ledger_hours *hours, const struct deal *deal,
                                   const struct ledger_charge *charges, size_t count,
                                   oft_instant through) OFT_MUSTCHECK;
const struct ledger_hours_line *ledger_hours_lines(const struct ledger_hours *hours,
                                                   size_t *ret_count);

#endif
