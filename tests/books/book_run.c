/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: book_run memory DEAL < ORDER
 *        book_run engine DEAL DATA < ORDER
 *
 * Books the records of an order, shuffled and cut into batches of random sizes, and prints every
 * series, balance, statement and commitment, for tests/books/compare_books.py to compare with its own.
 *
 * An order has a line for each of these, its words parted by tabs:
 *   seed N | batch MAX | as-of NANOSECONDS | attest EVENT NANOSECONDS | ask NAME MONTH
 *   look NANOSECONDS, for the commitments as they are then with all that was booked; in order of time
 *   told KIND NAME DETAIL MONTH NANOSECONDS AMOUNT DIRECTION PARTY, a deduction or a payment of a share
 *   record COUNT KIND INSTANT ACCOUNT PRODUCT MODEL POOL CLAUSE STATUS FLAGS 7 UNITS 7 STEPS
 * and, for the engine alone, with months from 1 on as year * 12 + month - 1:
 *   correct NUMBER INSTANT WHAT 7 UNITS   of record NUMBER of the order, admitted at INSTANT. WHAT is void,
 *                                         or 7 digits: 1 where units are set
 *   close SOFT_UNTIL CLOSED_UNTIL         what stands above is booked and corrected, then months are closed
 * A record line is COUNT records; the units of number i are UNITS + i * STEPS. KIND is settled or
 * intent. A name that begins with ? is an id in hexadecimal that nothing has; - is none.
 */
#include "book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { WORDS_MAX = 32, LINE_BYTES = 4096 };

void die(const char *what, const struct oft_error *error)
{
    (void)fprintf(stderr, "book_run: %s: %s\n", what, error == NULL ? "" : error->message);
    exit(3);
}

uint64_t roll(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice >> 11;
}

void request_id_of(uint64_t number, oft_instant admitted, uint8_t ret_id[16])
{
    for (size_t i = 0; i < 8; i++) {
        ret_id[i] = (uint8_t)((uint64_t)admitted >> (56 - 8 * i));
        ret_id[8 + i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

void *room_for_one(void *data, size_t count, size_t *capacity, size_t bytes)
{
    if (count < *capacity) {
        return data;
    }
    *capacity = *capacity == 0 ? 256 : 2 * *capacity;
    void *larger = realloc(data, *capacity * bytes);
    if (larger == NULL) {
        die("out of memory", NULL);
    }
    return larger;
}

/* ---- the order ----------------------------------------------------------------------------------- */

static uint64_t id_of(enum oft_id_kind kind, const char *word)
{
    if (strcmp(word, "-") == 0) {
        return 0;
    }
    return word[0] == '?' ? strtoull(word + 1, NULL, 16) : oft_id_of(kind, oft_str_from(word));
}

static void add_records(struct order *order, char **words)
{
    uint64_t count = strtoull(words[1], NULL, 10);
    bool intent = strcmp(words[2], "intent") == 0;
    struct meter_record record = {
        .commit = (uint32_t)(intent ? METER_INTENT : METER_SETTLED) << 8,
        .admitted_ns = strtoll(words[3], NULL, 10),
        .generation = 1,
        .account_id = id_of(OFT_ID_ACCOUNT, words[4]),
        .product_id = id_of(OFT_ID_PRODUCT, words[5]),
        .model_id = id_of(OFT_ID_MODEL, words[6]),
        .pool_id = id_of(OFT_ID_POOL, words[7]),
        .clause_id = id_of(OFT_ID_CLAUSE, words[8]),
        .status = (uint16_t)strtoul(words[9], NULL, 10),
        .flags = (uint32_t)strtoul(words[10], NULL, 10),
    };
    record.recorded_ns = record.admitted_ns;
    for (uint64_t i = 0; i < count; i++) {
        for (size_t unit = 0; unit < METER_UNITS; unit++) {
            record.units[unit] = strtoull(words[11 + unit], NULL, 10) +
                                 i * strtoull(words[11 + METER_UNITS + unit], NULL, 10);
        }
        request_id_of(order->record_count + 1, record.admitted_ns, record.request_id);
        order->records = room_for_one(order->records, order->record_count, &order->record_capacity,
                                      sizeof(record));
        order->records[order->record_count++] = record;
    }
}

static void add_correction(struct order *order, char **words)
{
    struct correcting it = {.number = strtoull(words[1], NULL, 10),
                            .admitted = strtoll(words[2], NULL, 10),
                            .is_void = strcmp(words[3], "void") == 0};
    for (size_t unit = 0; unit < METER_UNITS && !it.is_void; unit++) {
        it.sets[unit] = words[3][unit] == '1';
        it.units[unit] = strtoull(words[4 + unit], NULL, 10);
    }
    order->corrections = room_for_one(order->corrections, order->correction_count,
                                      &order->correction_capacity, sizeof(it));
    order->corrections[order->correction_count++] = it;
}

/* Records and corrections so far are one stage. */
static void end_stage(struct order *order, int32_t soft_until, int32_t closed_until)
{
    if (order->stage_count == STAGES_MAX) {
        die("too many stages", NULL);
    }
    order->stages[order->stage_count++] =
        (struct stage){order->record_count, order->correction_count, soft_until, closed_until};
}

static void add_telling(struct order *order, char **words)
{
    struct telling *it = &order->tellings[order->telling_count++];
    (void)snprintf(it->name, sizeof(it->name), "%s", words[2]);
    (void)snprintf(it->detail, sizeof(it->detail), "%s", strcmp(words[3], "-") ? words[3] : "");
    (void)snprintf(it->party, sizeof(it->party), "%s", strcmp(words[8], "-") ? words[8] : "");
    it->told = (struct ledger_told){
        .kind = (enum ledger_series_kind)strtol(words[1], NULL, 10),
        .name = it->name,
        .detail = it->detail,
        .party = it->party,
        .month = (int32_t)strtol(words[4], NULL, 10),
        .at = strtoll(words[5], NULL, 10),
        .amount = strtoll(words[6], NULL, 10),
        .direction = (enum ledger_direction)strtol(words[7], NULL, 10),
    };
}

static void take_line(struct order *order, char **words, size_t count)
{
    if (strcmp(words[0], "record") == 0 && count == 11 + 2 * METER_UNITS) {
        add_records(order, words);
    } else if (strcmp(words[0], "ask") == 0 && count == 3) {
        order->asks =
            room_for_one(order->asks, order->ask_count, &order->ask_capacity, sizeof(*order->asks));
        struct ask *ask = &order->asks[order->ask_count++];
        (void)snprintf(ask->name, sizeof(ask->name), "%s", words[1]);
        ask->month = (int32_t)strtol(words[2], NULL, 10);
    } else if (strcmp(words[0], "told") == 0 && count == 9 &&
               order->telling_count < OFT_COUNT_OF(order->tellings)) {
        add_telling(order, words);
    } else if (strcmp(words[0], "look") == 0 && count == 2 &&
               order->look_count < OFT_COUNT_OF(order->looks)) {
        order->looks[order->look_count++] = strtoll(words[1], NULL, 10);
    } else if (strcmp(words[0], "attest") == 0 && count == 3 &&
               order->attested_count < OFT_COUNT_OF(order->attested)) {
        (void)snprintf(order->attested[order->attested_count].event, 64, "%s", words[1]);
        order->attested[order->attested_count++].at = strtoll(words[2], NULL, 10);
    } else if (strcmp(words[0], "correct") == 0 && count == 4 + METER_UNITS) {
        add_correction(order, words);
    } else if (strcmp(words[0], "close") == 0 && count == 3) {
        end_stage(order, (int32_t)strtol(words[1], NULL, 10), (int32_t)strtol(words[2], NULL, 10));
    } else if (strcmp(words[0], "as-of") == 0 && count == 2) {
        order->as_of = strtoll(words[1], NULL, 10);
    } else if (strcmp(words[0], "seed") == 0 && count == 2) {
        order->dice = strtoull(words[1], NULL, 10) * 2 + 1;
    } else if (strcmp(words[0], "batch") == 0 && count == 2) {
        order->batch_max = strtoull(words[1], NULL, 10);
    } else {
        die("a line that cannot be read", NULL);
    }
}

static void shuffle(struct order *order, size_t from, size_t until)
{
    for (size_t i = until - from; i > 1; i--) {
        size_t j = roll(&order->dice) % i;
        struct meter_record swap = order->records[from + i - 1];
        order->records[from + i - 1] = order->records[from + j];
        order->records[from + j] = swap;
    }
}

static void read_order(struct order *order)
{
    static char line[LINE_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX];
        size_t count = 0;
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (char *word; (word = strsep(&rest, "\t")) != NULL;) {
            if (count == WORDS_MAX) {
                die("a line of too many words", NULL);
            }
            words[count++] = word;
        }
        take_line(order, words, count);
    }
    end_stage(order, 0, 0);
    for (size_t stage = 0; stage < order->stage_count; stage++) {
        size_t from = stage == 0 ? 0 : order->stages[stage - 1].records_until;
        shuffle(order, from, order->stages[stage].records_until);
    }
}

/* ---- the ledger alone ---------------------------------------------------------------------------- */

static struct deal *parse(const char *path)
{
    struct deal_diagnostics diagnostics;
    struct deal *deal = NULL;
    struct oft_error error = {0};
    struct oft_buffer out;
    deal_diagnostics_init(&diagnostics);
    oft_buffer_init(&out, 1 << 20);
    if (deal_parse(path, deal_load_file, NULL, &deal, &diagnostics, &error) != OFT_OK) {
        deal_diagnostics_print(&diagnostics, false, &out);
        (void)fprintf(stderr, "%s\n", oft_buffer_text(&out));
        exit(2); /* no deal: another one, please */
    }
    deal_diagnostics_release(&diagnostics);
    oft_buffer_release(&out);
    return deal;
}

static void book_batch(struct book *book, const struct ledger_context *context,
                       const struct meter_record *records, size_t count)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    if (ledger_batch_new(&batch) != OFT_OK) {
        die("out of memory", NULL);
    }
    for (size_t i = 0; i < count; i++) {
        struct meter_record record = records[i];
        if (((record.commit >> 8) & 0xff) == METER_INTENT) {
            ledger_settle_orphan(&records[i], &record);
        }
        if (ledger_batch_add(batch, context, &record) != OFT_OK) {
            die("a record was not taken", NULL);
        }
    }
    if (ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        die("close", &error);
    }
    book_take(book, &result);
    ledger_batch_free(batch);
}

/* What follows from commitments AT an instant; differences are posted, as the engine does. */
static void settle(struct book *book, const struct ledger_context *context,
                   struct deal_attestations attested, oft_instant at)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    struct oft_arena arena;
    const struct ledger_settlement *settlements = NULL;
    size_t count = 0;
    oft_arena_init(&arena, 1 << 26);
    if (ledger_batch_new(&batch) != OFT_OK ||
        ledger_commitments_settle(ledger_context_deal(context), attested, book->rows,
                                  book->row_count, at, &arena, &settlements, &count) != OFT_OK ||
        ledger_dues_add(batch, context, settlements, count, book->rows, book->row_count) !=
            OFT_OK ||
        ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        die("settle", &error);
    }
    book_take(book, &result);
    ledger_batch_free(batch);
    oft_arena_release(&arena);
}

/* The same for shares. */
static void settle_shares(struct book *book, const struct ledger_context *context,
                          struct deal_attestations attested, oft_instant at)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    struct oft_arena arena;
    struct ledger_share_settlement *settlements = NULL;
    size_t count = 0;
    oft_arena_init(&arena, 1 << 28);
    if (ledger_batch_new(&batch) != OFT_OK ||
        ledger_shares_settle(ledger_context_deal(context), attested, book->rows, book->row_count,
                             at, &arena, &settlements, &count) != OFT_OK ||
        ledger_shares_add(batch, context, settlements, count, book->rows, book->row_count) !=
            OFT_OK ||
        ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        die("shares", &error);
    }
    book_take(book, &result);
    ledger_batch_free(batch);
    oft_arena_release(&arena);
}

static void tell(struct book *book, const struct ledger_told *told)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    if (ledger_batch_new(&batch) != OFT_OK || ledger_told_add(batch, told) != OFT_OK ||
        ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        die("told", &error);
    }
    book_take(book, &result);
    ledger_batch_free(batch);
}

static void print_shares(const struct book *book, const struct deal *deal,
                         struct deal_attestations attested, oft_instant at, struct oft_buffer *out)
{
    struct oft_arena arena;
    struct ledger_share_settlement *settlements = NULL;
    size_t count = 0;
    oft_arena_init(&arena, 1 << 28);
    oft_buffer_clear(out);
    if (ledger_shares_settle(deal, attested, book->rows, book->row_count, at, &arena, &settlements,
                             &count) != OFT_OK ||
        ledger_shares_print(deal, settlements, count, at, LEDGER_JSON, out) != OFT_OK) {
        die("shares", NULL);
    }
    printf("shares\t%lld\t%s", (long long)at, oft_buffer_text(out));
    oft_arena_release(&arena);
}

static void print_commitments(const struct book *book, const struct deal *deal,
                              struct deal_attestations attested, oft_instant at,
                              struct oft_buffer *out)
{
    struct oft_arena arena;
    struct ledger_commitment_status *status = NULL;
    size_t count = 0;
    oft_arena_init(&arena, 1 << 26);
    for (int forecast = 0; forecast < 2; forecast++) {
        oft_buffer_clear(out);
        if (ledger_commitments(deal, attested, book->rows, book->row_count, at, &arena, &status,
                               &count) != OFT_OK ||
            (forecast
                 ? ledger_forecasts_print(deal, status, count, at, &arena, LEDGER_JSON, out)
                 : ledger_commitments_print(deal, status, count, at, LEDGER_JSON, out)) != OFT_OK) {
            die("commitments", NULL);
        }
        printf("%s\t%lld\t%s", forecast ? "forecasts" : "commitments", (long long)at,
               oft_buffer_text(out));
    }
    oft_arena_release(&arena);
}

static void print_statements(const struct order *order, const struct book *book,
                             const struct deal *deal, struct deal_attestations attested)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    struct ledger_statement_input input = {.deal = deal,
                                           .attested = attested,
                                           .rows = book->rows,
                                           .row_count = book->row_count,
                                           .commitment_rows = book->rows,
                                           .commitment_row_count = book->row_count,
                                           .as_of = order->as_of};
    oft_buffer_init(&out, (size_t)1 << 28);
    for (size_t i = 0; i < order->ask_count; i++) {
        input.party = order->asks[i].name;
        input.month = order->asks[i].month;
        oft_buffer_clear(&out);
        if (ledger_statement(&input, LEDGER_JSON, &out, &error) != OFT_OK) {
            die("statement", &error);
        }
        printf("statement\t%s\t%d\t%s", input.party, input.month, oft_buffer_text(&out));
    }
    for (size_t i = 0; i < order->look_count; i++) {
        print_commitments(book, deal, attested, order->looks[i], &out);
        print_shares(book, deal, attested, order->looks[i], &out);
    }
    oft_buffer_release(&out);
}

static void run_memory(const struct order *order, const char *path)
{
    struct book book = {0};
    struct oft_error error = {0};
    struct ledger_context *context;
    struct deal *deal = parse(path);
    struct deal_attestation items[OFT_COUNT_OF(order->attested)];
    for (size_t i = 0; i < order->attested_count; i++) {
        items[i] = (struct deal_attestation){
            deal_find_event(deal, oft_str_from(order->attested[i].event)), order->attested[i].at};
    }
    struct deal_attestations attested = {items, order->attested_count};
    if (ledger_context_new(deal, 1, attested, &context, &error) != OFT_OK) {
        die("context", &error);
    }
    if (order->stage_count > 1 || order->correction_count > 0) {
        die("months are closed and records corrected by the engine alone", NULL);
    }
    uint64_t dice = order->dice;
    size_t looked = 0;
    size_t told = 0;
    for (size_t from = 0; from < order->record_count;) {
        size_t count = 1 + roll(&dice) % order->batch_max;
        count = count < order->record_count - from ? count : order->record_count - from;
        book_batch(&book, context, order->records + from, count);
        from += count;
        if (looked < order->look_count && roll(&dice) % 4 == 0) {
            settle_shares(&book, context, attested, order->looks[looked]);
            settle(&book, context, attested, order->looks[looked++]);
        }
        if (told < order->telling_count && roll(&dice) % 4 == 0) {
            tell(&book, &order->tellings[told++].told);
        }
    }
    while (told < order->telling_count) {
        tell(&book, &order->tellings[told++].told);
    }
    settle(&book, context, attested, order->as_of);
    settle_shares(&book, context, attested, order->as_of);
    book_print(&book);
    print_statements(order, &book, deal, attested);
    book_drop(&book);
    ledger_context_free(context);
    deal_free(deal);
}

int main(int argc, char **argv)
{
    static struct order order = {.dice = 1, .batch_max = 1000};
    bool engine = argc == 4 && strcmp(argv[1], "engine") == 0;
    if (!engine && !(argc == 3 && strcmp(argv[1], "memory") == 0)) {
        (void)fputs("Usage: book_run memory DEAL < ORDER\n"
                    "       book_run engine DEAL DATA < ORDER\n",
                    stderr);
        return 64;
    }
    read_order(&order);
    if (engine) {
        run_engine(&order, argv[2], argv[3]);
    } else {
        run_memory(&order, argv[2]);
    }
    free(order.records);
    free(order.corrections);
    free(order.asks);
    return 0;
}
