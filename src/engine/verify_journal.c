/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal, from its first transaction: each link of the hash chain, each sum, each change of a series,
 * each range of a segment; and what every account and every series must hold in the end.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/verify_internal.h"

void verify_fail(struct verification *verification, const char *format, ...)
{
    if (verification->failures < FAILURES_SHOWN) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(verification->failure_text[verification->failures],
                        sizeof(verification->failure_text[0]), format, arguments);
        va_end(arguments);
    }
    verification->failures++;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct tally_item *)a)->name, ((const struct tally_item *)b)->name);
}

struct tally_item *tally_find(struct tally *tally, const char *name)
{
    struct tally_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return NULL;
    }
    (void)snprintf(item->name, sizeof(item->name), "%s", name);
    struct tally_item **found = tsearch(item, &tally->root, compare_items);
    if (found == NULL || *found != item) {
        free(item);
        return found == NULL ? NULL : *found;
    }
    tally->count++;
    return item;
}

void verify_series_name(const struct ledger_series_key *key, char *out, size_t size)
{
    char rate[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(out, size, "%d|%d|%d|%u|%u|%s|%s|%s|%s|%s|%s|%s", (int)key->kind, key->month,
                   key->for_month, key->unit, key->outcome, oft_i128_format(key->rate, rate),
                   key->account, key->product, key->model, key->pool, key->party, key->clause);
}

/* ---- one transaction --------------------------------------------------------------------------- */

static enum oft_err check_chain(struct verification *verification,
                                const struct store_transaction *row)
{
    uint8_t hash[32];
    unsigned long long number = row->transaction.number;
    if (row->transaction.number != verification->next_number) {
        verify_fail(verification, "transaction %llu follows where %llu should", number,
                    (unsigned long long)verification->next_number);
    }
    if (memcmp(row->previous, verification->previous, sizeof(hash)) != 0) {
        verify_fail(verification, "transaction %llu does not name the hash of the one before it",
                    number);
    }
    enum oft_err code = ledger_transaction_hash(&row->transaction, verification->previous, hash);
    if (code == OFT_OK && memcmp(hash, row->hash, sizeof(hash)) != 0) {
        verify_fail(verification,
                    "transaction %llu does not have the hash that it was written with", number);
    }
    memcpy(verification->previous, row->hash, sizeof(verification->previous));
    verification->next_number = row->transaction.number + 1;
    return code;
}

static enum oft_err check_entries(struct verification *verification,
                                  const struct ledger_transaction *transaction)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < transaction->entry_count; i++) {
        const struct ledger_entry *entry = &transaction->entries[i];
        struct tally_item *account = tally_find(&verification->accounts, entry->account);
        if (account == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (oft_nanos_add(account->amount, entry->amount_nanos, &account->amount) != OFT_OK ||
            oft_nanos_add(sum, entry->amount_nanos, &sum) != OFT_OK) {
            verify_fail(verification, "an amount of transaction %llu is out of range",
                        (unsigned long long)transaction->number);
        }
        if (entry->series >= transaction->change_count) {
            verify_fail(verification, "an entry of transaction %llu names no change",
                        (unsigned long long)transaction->number);
        }
    }
    if (sum != 0) {
        char text[OFT_NANOS_TEXT_BYTES];
        verify_fail(verification, "transaction %llu does not balance: its entries sum to %s",
                    (unsigned long long)transaction->number, oft_nanos_format(sum, text));
    }
    verification->entries += transaction->entry_count;
    return OFT_OK;
}

/* A sale's or cost's amount is its whole quantity at its rate, rounded once; what counts, by its weight. */
static void check_amount(struct verification *verification, const struct ledger_change *change,
                         uint64_t number)
{
    const struct ledger_series_key *key = &change->key;
    oft_nanos expected = change->after.quantity;
    oft_nanos of = key->kind == LEDGER_COMMITMENT ? DEAL_RATE_ONE : ledger_rate_units(key);
    if (key->kind == LEDGER_USAGE || key->kind == LEDGER_SHARE) {
        return;
    }
    bool whole =
        key->kind >= LEDGER_SHORTFALL || (key->kind == LEDGER_COMMITMENT && key->rate == 0);
    if ((!whole && oft_nanos_mul_div_half_even(expected, key->rate, of, &expected) != OFT_OK) ||
        expected != change->after.amount_nanos) {
        verify_fail(verification, "transaction %llu: %s at %s is not quantity times rate",
                    (unsigned long long)number, change->key.clause, change->key.model);
    }
}

/* Nothing is booked to a month once it is closed. */
static void check_period(struct verification *verification, const struct ledger_change *change,
                         uint64_t number)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    if (change->key.month < verification->closed_until) {
        verify_fail(verification, "transaction %llu changed %s, which was closed",
                    (unsigned long long)number, oft_month_format(change->key.month, month));
    }
}

static void check_events(struct verification *verification,
                         const struct ledger_transaction *transaction)
{
    for (size_t i = 0; i < transaction->event_count; i++) {
        const struct ledger_event *event = &transaction->events[i];
        if (strcmp(event->what, "period-close") == 0 &&
            event->month >= verification->closed_until) {
            verification->closed_until = event->month + 1;
        }
    }
}

/* Both sides of the entries that a change brought. */
struct sides {
    oft_nanos debits, credits;
};

/* What the chain's hash does not cover: which change an entry came from. */
static enum oft_err add_sides(const struct ledger_transaction *transaction, struct sides *sides)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < transaction->entry_count; i++) {
        const struct ledger_entry *entry = &transaction->entries[i];
        if (entry->series < transaction->change_count) { /* else it is a finding already */
            struct sides *of = &sides[entry->series];
            oft_nanos *side = entry->amount_nanos > 0 ? &of->debits : &of->credits;
            code = oft_nanos_add(*side, entry->amount_nanos, side);
        }
    }
    return code;
}

/* The entries of a change are as much on both sides as its amount moved. */
static void check_sides(struct verification *verification, const struct ledger_change *change,
                        oft_nanos before, const struct sides *sides, uint64_t number)
{
    oft_nanos moved;
    oft_nanos sum;
    if (oft_nanos_sub(change->after.amount_nanos, before, &moved) != OFT_OK ||
        oft_nanos_add(sides->debits, sides->credits, &sum) != OFT_OK || sum != 0 ||
        (sides->debits != moved && sides->credits != moved)) {
        verify_fail(verification,
                    "transaction %llu: the entries of %s at %s are not what it changed by",
                    (unsigned long long)number, change->key.clause, change->key.model);
    }
}

/* Each request that was booked by the orphan rule has its record kept. What is corrected is in the
 * correction. */
static enum oft_err count_unsettled(struct verification *verification,
                                    const struct ledger_transaction *transaction,
                                    oft_nanos requests)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)transaction->number);
    if (transaction->event_count > 0) {
        return OFT_OK;
    }
    struct tally_item *item = tally_find(&verification->unsettled, name);
    if (item == NULL) {
        return OFT_ERR_MEMORY;
    }
    item->amount += requests;
    return OFT_OK;
}

static enum oft_err check_changes(struct verification *verification,
                                  const struct ledger_transaction *transaction)
{
    struct sides *sides = calloc(transaction->change_count + 1, sizeof(*sides));
    enum oft_err code = sides == NULL ? OFT_ERR_MEMORY : OFT_OK;
    if (code == OFT_OK && add_sides(transaction, sides) != OFT_OK) {
        verify_fail(verification, "the entries of transaction %llu add up out of range",
                    (unsigned long long)transaction->number);
    }
    for (size_t i = 0; code == OFT_OK && i < transaction->change_count; i++) {
        const struct ledger_change *change = &transaction->changes[i];
        char name[1024];
        verify_series_name(&change->key, name, sizeof(name));
        struct tally_item *series = tally_find(&verification->series, name);
        if (series == NULL) {
            code = OFT_ERR_MEMORY;
            break;
        }
        if (change->key.kind == LEDGER_USAGE && change->key.outcome == LEDGER_UNSETTLED) {
            code = count_unsettled(verification, transaction,
                                   change->after.quantity - series->totals.quantity);
        }
        check_amount(verification, change, transaction->number);
        check_period(verification, change, transaction->number);
        check_sides(verification, change, series->totals.amount_nanos, &sides[i],
                    transaction->number);
        series->totals = change->after;
    }
    free(sides);
    verification->changes += transaction->change_count;
    return code;
}

static enum oft_err check_ranges(struct verification *verification,
                                 const struct ledger_transaction *transaction)
{
    for (size_t i = 0; i < transaction->range_count; i++) {
        const struct ledger_range *range = &transaction->ranges[i];
        struct tally_item *segment = tally_find(&verification->segments, range->segment);
        if (segment == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (range->from != segment->next || range->until < range->from) {
            verify_fail(verification, "transaction %llu read %s from record %u; %u was next",
                        (unsigned long long)transaction->number, range->segment, range->from,
                        segment->next);
        }
        segment->next = range->until;
    }
    return OFT_OK;
}

enum oft_err verify_transaction(void *context, const struct store_transaction *row,
                                struct oft_error *reterr)
{
    struct verification *verification = context;
    (void)reterr;
    verification->transactions++;
    enum oft_err code = check_chain(verification, row);
    if (code == OFT_OK) {
        code = check_entries(verification, &row->transaction);
    }
    if (code == OFT_OK) {
        code = check_changes(verification, &row->transaction);
    }
    check_events(verification, &row->transaction);
    return code == OFT_OK ? check_ranges(verification, &row->transaction) : code;
}
