/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Books in memory: rows by key and balances by account.
 */
#include "book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_SLOTS = 1 << 18 };

static uint64_t hash_of(const struct ledger_series_key *key)
{
    const unsigned char *bytes = (const unsigned char *)key;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(*key); i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ (hash >> 29);
}

/* NULL: there is none, and MAKE is not wanted. */
static struct ledger_row *row_of(struct book *book, const struct ledger_series_key *key, bool make)
{
    if (book->row_slots == NULL) {
        book->row_slots = calloc(ROW_SLOTS, sizeof(*book->row_slots));
        if (book->row_slots == NULL) {
            die("out of memory", NULL);
        }
    }
    size_t slot = hash_of(key) % ROW_SLOTS;
    for (; book->row_slots[slot] != 0; slot = (slot + 1) % ROW_SLOTS) {
        struct ledger_row *row = &book->rows[book->row_slots[slot] - 1];
        if (memcmp(&row->key, key, sizeof(*key)) == 0) {
            return row;
        }
    }
    if (!make) {
        return NULL;
    }
    if (book->row_count >= ROW_SLOTS / 2) {
        die("too many series", NULL);
    }
    book->rows =
        room_for_one(book->rows, book->row_count, &book->row_capacity, sizeof(*book->rows));
    book->rows[book->row_count] = (struct ledger_row){.key = *key};
    book->row_slots[slot] = (uint32_t)++book->row_count;
    return &book->rows[book->row_count - 1];
}

static enum oft_err totals_of(void *context, const struct ledger_series_key *key,
                              struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    const struct ledger_row *row = row_of(context, key, false);
    (void)reterr;
    *ret_totals = row == NULL ? (struct ledger_totals){0} : row->totals;
    return OFT_OK;
}

static enum oft_err share_total_of(void *context, const char *clause, oft_nanos *ret_amount,
                                   struct oft_error *reterr)
{
    const struct book *book = context;
    (void)reterr;
    *ret_amount = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        if (book->rows[i].key.kind == LEDGER_SHARE &&
            book->rows[i].key.unit == LEDGER_SHARE_PLAIN &&
            strcmp(book->rows[i].key.clause, clause) == 0) {
            *ret_amount += book->rows[i].totals.amount_nanos;
        }
    }
    return OFT_OK;
}

struct ledger_totals_source book_source(struct book *book)
{
    return (struct ledger_totals_source){book, totals_of, share_total_of, NULL};
}

static void add_entry(struct book *book, const struct ledger_entry *entry)
{
    size_t i = 0;
    while (i < book->balance_count && strcmp(book->balances[i].account, entry->account) != 0) {
        i++;
    }
    if (i == book->balance_count) {
        book->balances = room_for_one(book->balances, book->balance_count, &book->balance_capacity,
                                      sizeof(*book->balances));
        book->balances[i] = (struct book_balance){.amount = 0};
        (void)snprintf(book->balances[i].account, sizeof(book->balances[i].account), "%s",
                       entry->account);
        book->balance_count++;
    }
    book->balances[i].amount += entry->amount_nanos;
}

void book_take(struct book *book, const struct ledger_result *result)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < result->entry_count; i++) {
        sum += result->entries[i].amount_nanos;
        add_entry(book, &result->entries[i]);
    }
    if (sum != 0) {
        die("debits do not equal credits", NULL);
    }
    for (size_t i = 0; i < result->change_count; i++) {
        row_of(book, &result->changes[i].key, true)->totals = result->changes[i].after;
    }
    book->counts.records += result->counts.records;
    book->counts.unrated += result->counts.unrated;
    book->counts.unsettled += result->counts.unsettled;
    book->counts.estimated += result->counts.estimated;
}

void book_print(const struct book *book)
{
    char one[OFT_NANOS_TEXT_BYTES];
    char two[OFT_NANOS_TEXT_BYTES];
    char three[OFT_NANOS_TEXT_BYTES];
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_series_key *key = &book->rows[i].key;
        const struct ledger_totals *totals = &book->rows[i].totals;
        printf("series\t%d\t%d\t%u\t%u\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", (int)key->kind,
               key->month, key->unit, key->outcome, oft_i128_format(key->rate, one), key->account,
               key->product, key->model, key->pool, key->party, key->clause,
               oft_i128_format(totals->quantity, two),
               oft_i128_format(totals->amount_nanos, three));
        for (size_t unit = 0; unit < METER_UNITS; unit++) {
            printf("\t%llu", (unsigned long long)totals->units[unit]);
        }
        printf("\n");
    }
    for (size_t i = 0; i < book->balance_count; i++) {
        printf("balance\t%s\t%s\n", book->balances[i].account,
               oft_i128_format(book->balances[i].amount, one));
    }
    printf("counts\t%llu\t%llu\t%llu\t%llu\n", (unsigned long long)book->counts.records,
           (unsigned long long)book->counts.unrated, (unsigned long long)book->counts.unsettled,
           (unsigned long long)book->counts.estimated);
}

void book_drop(struct book *book)
{
    free(book->rows);
    free(book->row_slots);
    free(book->balances);
}
