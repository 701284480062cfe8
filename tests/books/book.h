/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_BOOKS_BOOK_H
#define OFFTAKE_TESTS_BOOKS_BOOK_H
/*
 * book -- what the files of book_run share: an order to run, and books in memory.
 */
#include "ledger/ledger.h"
#include "ledger/share.h"

/* What is asked of the finished books. */
struct ask {
    char name[64];
    int32_t month;
};

/* What somebody told of shares, and the names in it. */
struct telling {
    struct ledger_told told;
    char name[64];
    char detail[64];
    char party[64];
};

/* What somebody says of a record that is booked. */
struct correcting {
    uint64_t number;      /* of the record, as the order has them, from 1 */
    oft_instant admitted; /* the record's */
    bool is_void;
    bool sets[METER_UNITS];
    uint64_t units[METER_UNITS];
};

/* Records that are booked, then corrections, and then months before these are soft-closed and closed. */
struct stage {
    size_t records_until, corrections_until;
    int32_t soft_until, closed_until; /* 0: as they were */
};

enum { STAGES_MAX = 16 };

/* A run as it was read from standard input. */
struct order {
    struct meter_record *records; /* shuffled by stage; an INTENT is one that nobody settled */
    size_t record_count, record_capacity;
    struct correcting *corrections;
    size_t correction_count, correction_capacity;
    struct stage stages[STAGES_MAX]; /* one at least */
    size_t stage_count;
    struct ask *asks;
    size_t ask_count, ask_capacity;
    struct {
        char event[64];
        oft_instant at;
    } attested[32];
    size_t attested_count;
    struct telling tellings[64];
    size_t telling_count;
    oft_instant looks[16];
    size_t look_count;
    oft_instant as_of;
    uint64_t dice;
    size_t batch_max;
};

void die(const char *what, const struct oft_error *error) __attribute__((noreturn));
uint64_t roll(uint64_t *dice);
/* The id of record NUMBER, as gateways make them: it begins with the instant of admission. */
void request_id_of(uint64_t number, oft_instant admitted, uint8_t ret_id[16]);
/* DATA is DATA[CAPACITY] of BYTES each; room for one more. */
void *room_for_one(void *data, size_t count, size_t *capacity, size_t bytes);

/* ---- books in memory ----------------------------------------------------------------------------- */

struct book_balance {
    char account[LEDGER_NAME_BYTES + 32];
    oft_nanos amount;
};

struct book {
    struct ledger_row *rows;
    size_t row_count, row_capacity;
    uint32_t *row_slots;
    struct book_balance *balances;
    size_t balance_count, balance_capacity;
    struct ledger_batch_counts counts;
};

struct ledger_totals_source book_source(struct book *book);
/* Books a closed batch; debits must equal credits. */
void book_take(struct book *book, const struct ledger_result *result);
void book_print(const struct book *book);
void book_drop(struct book *book);

/* The same order through spool files and the engine, in the empty directory DATA. */
void run_engine(const struct order *order, const char *deal, const char *data);

#endif
