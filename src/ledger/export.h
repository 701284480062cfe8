/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_EXPORT_H
#define OFFTAKE_LEDGER_EXPORT_H
/*
 * export -- the general journal for other programs: hledger, Beancount, and CSV for everything else.
 *
 * What it is   Writers of one journal's beginning, its transactions one by one, and its end. The end says
 *              what every account comes to, as assertions that have no tolerance.
 * Accounts     Ours are paths, "share-expense/bc.share". Both programs want roots and capitals:
 *              "Expenses:Share-expense:BcX2Eshare". ledger_account_of reads that back.
 * May include  base, deal.  Used by: engine, tests.
 */
#include "ledger/ledger.h"

enum ledger_journal { LEDGER_HLEDGER, LEDGER_BEANCOUNT, LEDGER_JOURNAL_CSV };

struct ledger_export {
    enum ledger_journal journal;
    const char *currency;
    const char *title; /* the deal's */
    bool rehearsal;
    int64_t clock_shift_ns;          /* what makes a recorded instant one of contract time */
    int32_t month_from, month_until; /* of series, both included */
};

/* One account and what it comes to. */
struct ledger_export_account {
    const char *name;
    oft_nanos amount_nanos;
};

/* Appends the name that other programs know ACCOUNT by. */
void ledger_account_name(const char *account, struct oft_buffer *out);
/* And back. OFT_ERR_SYNTAX when ledger_account_name never wrote NAME. */
enum oft_err ledger_account_of(const char *name, struct oft_buffer *out) OFT_MUSTCHECK;

/* FIRST is when the first transaction was recorded; accounts are opened that day. */
void ledger_export_begin(const struct ledger_export *export,
                         const struct ledger_export_account *accounts, size_t account_count,
                         oft_instant first, struct oft_buffer *out);
/* A transaction with its entries in the months of EXPORT. Others of it are left out, in pairs. */
enum oft_err ledger_export_transaction(const struct ledger_export *export,
                                       const struct ledger_transaction *transaction,
                                       const uint8_t hash[32],
                                       struct oft_buffer *out) OFT_MUSTCHECK;
/* LAST is the latest that a transaction was recorded, NUMBER the last transaction's. */
void ledger_export_end(const struct ledger_export *export,
                       const struct ledger_export_account *accounts, size_t account_count,
                       oft_instant last, uint64_t number, struct oft_buffer *out);

#endif
