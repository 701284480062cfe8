/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_LEDGER_WORLD_H
#define OFFTAKE_TESTS_LEDGER_WORLD_H
/*
 * A deal parsed from text, and a store of totals in memory that refuses what a real one would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "ledger/ledger.h"

extern const char WORLD_DEAL[];

enum { BOOK_ROWS_MAX = 4096 };

struct book {
    struct ledger_row rows[BOOK_ROWS_MAX];
    size_t row_count;
    oft_nanos debits, credits;
    struct ledger_batch_counts counts;
};

struct world {
    struct deal *deal;
    struct ledger_context *context;
};

void world_open(struct world *world, const char *text);
void world_close(struct world *world);

struct ledger_totals_source book_source(struct book *book);
/* Takes a closed batch over into the book, checking that debits equal credits. */
void book_take(struct book *book, const struct ledger_result *result);
/* Adds COUNT records in one batch. */
void book_add(struct book *book, const struct world *world, const struct meter_record *records,
              size_t count);
/* Sum of amounts and of quantities over rows of KIND whose clause, product or pool is NAME. */
oft_nanos book_amount(const struct book *book, enum ledger_series_kind kind, const char *name);
oft_nanos book_quantity(const struct book *book, enum ledger_series_kind kind, const char *name);
const struct ledger_row *book_row(const struct book *book, enum ledger_series_kind kind,
                                  const char *name);

oft_instant at(const char *instant);
struct meter_record record_of(const char *instant, const char *product, const char *pool,
                              uint64_t input, uint64_t output);

#define assert_nanos(actual, expected)                 \
    do {                                               \
        char actual_text_[OFT_NANOS_TEXT_BYTES];       \
        (void)oft_i128_format((actual), actual_text_); \
        assert_string_equal(actual_text_, expected);   \
    } while (0)

#endif
