/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The general journal in the languages of hledger and Beancount, and as CSV. Every amount has all nine
 * decimals: then Beancount infers a tolerance of half a nano-unit, which no two amounts of ours differ by,
 * and hledger's commodity has the precision that it balances with. The balances at the end would pass
 * with a nano-unit wrong in Beancount, which doubles its tolerance there; they say "~ 0".
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ledger/export.h"
#include "ledger/statement.h"

/* ---- names ------------------------------------------------------------------------------------- */

/* The root for an account by the first part of its path; what has none here is by its ending. */
static const char *root_of(const char *account, size_t length)
{
    static const struct {
        const char *head, *root;
    } ROOTS[] = {{"receivable", "Assets"},
                 {"receivable-party", "Assets"},
                 {"payable", "Liabilities"},
                 {"revenue", "Income"},
                 {"share-income", "Income"},
                 {"cost", "Expenses"},
                 {"share-expense", "Expenses"},
                 {"shortfall-credit", "Assets"},
                 {"held-back", "Liabilities"},
                 {"held-back-asset", "Assets"},
                 {"cash", "Assets"}};
    struct oft_str head = {account, length};
    for (size_t i = 0; i < OFT_COUNT_OF(ROOTS); i++) {
        if (oft_str_is(head, ROOTS[i].head)) {
            return ROOTS[i].root;
        }
    }
    if (length > 7 && memcmp(account + length - 7, "-income", 7) == 0) {
        return "Income";
    }
    if (length > 8 && memcmp(account + length - 8, "-expense", 8) == 0) {
        return "Expenses";
    }
    return "Equity";
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One part of a path. An X begins two hex digits of a byte that has no place in a name, so that a capital
 * stands for its small letter at the beginning and for nothing else. */
static void put_part(const char *part, size_t length, struct oft_buffer *out)
{
    if (length == 0) {
        oft_buffer_append_text(out, "X00");
    }
    for (size_t i = 0; i < length; i++) {
        char c = part[i];
        if (i == 0 && is_lower(c) && c != 'x') {
            oft_buffer_append_char(out, (char)(c - 'a' + 'A'));
        } else if (is_digit(c) || (i > 0 && (is_lower(c) || c == '-'))) {
            oft_buffer_append_char(out, c);
        } else {
            oft_buffer_printf(out, "X%02X", (unsigned)(unsigned char)c);
        }
    }
}

void ledger_account_name(const char *account, struct oft_buffer *out)
{
    size_t length = strcspn(account, "/");
    oft_buffer_append_text(out, root_of(account, length));
    for (const char *part = account;;) {
        oft_buffer_append_char(out, ':');
        put_part(part, length, out);
        if (part[length] == '\0') {
            return;
        }
        part += length + 1;
        length = strcspn(part, "/");
    }
}

static int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes one part back; false when it is none of ours. */
static bool take_part(const char *part, size_t length, struct oft_buffer *out)
{
    for (size_t i = 0; i < length; i++) {
        char c = part[i];
        if (c == 'X') {
            int high = i + 2 < length ? hex_digit(part[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(part[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            if (high != 0 || low != 0) {
                oft_buffer_append_char(out, (char)(high * 16 + low));
            }
            i += 2;
        } else if (i == 0 && c >= 'A' && c <= 'Z') {
            oft_buffer_append_char(out, (char)(c - 'A' + 'a'));
        } else if (is_digit(c) || (i > 0 && (is_lower(c) || c == '-'))) {
            oft_buffer_append_char(out, c);
        } else {
            return false;
        }
    }
    return length > 0;
}

enum oft_err ledger_account_of(const char *name, struct oft_buffer *out)
{
    struct oft_buffer again;
    size_t begun = out->length;
    const char *part = strchr(name, ':');
    bool good = part != NULL;
    while (good && part != NULL) {
        size_t length = strcspn(part + 1, ":");
        good = take_part(part + 1, length, out);
        part = part[1 + length] == ':' ? part + 1 + length : NULL;
        if (part != NULL) {
            oft_buffer_append_char(out, '/');
        }
    }
    /* The one name of an account is the one that we write. */
    oft_buffer_init(&again, 4096);
    if (good) {
        ledger_account_name(oft_buffer_text(out) + begun, &again);
        good = strcmp(oft_buffer_text(&again), name) == 0;
    }
    oft_buffer_release(&again);
    return good ? OFT_OK : OFT_ERR_SYNTAX;
}

/* ---- small parts ------------------------------------------------------------------------------- */

/* Text that ends no tag, no string and no line. */
static void put_clean(struct oft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        bool plain = (unsigned char)*text >= ' ' && *text != ',' && *text != '"' && *text != '\\' &&
                     *text != ';' && *text != 0x7f;
        oft_buffer_append_char(out, plain ? *text : ' ');
    }
}

static void put_amount(oft_nanos amount, struct oft_buffer *out)
{
    char digits[LEDGER_DECIMAL_BYTES];
    oft_buffer_append_text(out, ledger_decimal(amount, 9, digits));
}

static oft_instant contract_of(const struct ledger_export *export, oft_instant recorded)
{
    oft_instant at;
    return __builtin_add_overflow(recorded, export->clock_shift_ns, &at) ? recorded : at;
}

static void put_date(const struct ledger_export *export, oft_instant recorded, int days,
                     struct oft_buffer *out)
{
    oft_instant at = contract_of(export, recorded);
    struct oft_date date = oft_date_from_instant(at + days * OFT_NS_PER_DAY);
    oft_buffer_printf(out, "%04d-%02d-%02d", (int)date.year, (int)date.month, (int)date.day);
}

static bool is_inside(const struct ledger_export *export, const struct ledger_series_key *key)
{
    return key->month >= export->month_from && key->month <= export->month_until;
}

/* ---- beginning --------------------------------------------------------------------------------- */

static void put_about(const struct ledger_export *export, struct oft_buffer *out)
{
    oft_buffer_append_text(out, "; The general journal of offtake for \"");
    put_clean(out, export->title);
    oft_buffer_append_text(out,
                           "\".\n; Dates are when a transaction was recorded (UTC); a posting's "
                           "month is when it was\n; earned. Debits are positive.\n");
    if (export->rehearsal) {
        oft_buffer_append_text(out,
                               "; REHEARSAL: made on a shifted clock; nothing in it is owed.\n");
    }
    oft_buffer_append_char(out, '\n');
}

static void begin_hledger(const struct ledger_export *export,
                          const struct ledger_export_account *accounts, size_t count,
                          struct oft_buffer *out)
{
    put_about(export, out);
    oft_buffer_printf(out, "decimal-mark .\ncommodity 1000.000000000 %s\n\n", export->currency);
    for (size_t i = 0; i < count; i++) {
        oft_buffer_append_text(out, "account ");
        ledger_account_name(accounts[i].name, out);
        oft_buffer_append_text(out, "  ; offtake:");
        put_clean(out, accounts[i].name);
        oft_buffer_append_char(out, '\n');
    }
}

static void begin_beancount(const struct ledger_export *export,
                            const struct ledger_export_account *accounts, size_t count,
                            oft_instant first, struct oft_buffer *out)
{
    put_about(export, out);
    oft_buffer_append_text(out, "option \"title\" \"");
    put_clean(out, export->title);
    oft_buffer_printf(out, "\"\noption \"operating_currency\" \"%s\"\n\n", export->currency);
    for (size_t i = 0; i < count; i++) {
        put_date(export, first, 0, out);
        oft_buffer_append_text(out, " open ");
        ledger_account_name(accounts[i].name, out);
        oft_buffer_printf(out, " %s\n  offtake: \"", export->currency);
        put_clean(out, accounts[i].name);
        oft_buffer_append_text(out, "\"\n");
    }
}

void ledger_export_begin(const struct ledger_export *export,
                         const struct ledger_export_account *accounts, size_t account_count,
                         oft_instant first, struct oft_buffer *out)
{
    if (export->journal == LEDGER_HLEDGER) {
        begin_hledger(export, accounts, account_count, out);
    } else if (export->journal == LEDGER_BEANCOUNT) {
        begin_beancount(export, accounts, account_count, first, out);
    } else {
        oft_buffer_append_text(out, "number,recorded,account,amount,amount_nanos,currency,month,"
                                    "line,kind,party,customer_account,product,model,pool,unit,"
                                    "clause,sha256\n");
    }
}

/* ---- transactions ------------------------------------------------------------------------------ */

static void put_head(const struct ledger_export *export,
                     const struct ledger_transaction *transaction, const uint8_t hash[32],
                     struct oft_buffer *out)
{
    char hex[OFT_SHA256_HEX_BYTES];
    char at[OFT_INSTANT_TEXT_BYTES];
    unsigned long long number = transaction->number;
    bool beancount = export->journal == LEDGER_BEANCOUNT;
    (void)oft_instant_format(contract_of(export, transaction->recorded_ns), at);
    (void)oft_hex(hash, 32, hex);
    oft_buffer_append_char(out, '\n');
    put_date(export, transaction->recorded_ns, 0, out);
    oft_buffer_printf(out,
                      beancount ? " * \"offtake %llu\"\n  number: %llu\n  recorded: \"%s\"\n"
                                  "  sha256: \"%s\"\n"
                                : " * (%llu) offtake %llu\n    ; recorded:%s\n    ; sha256:%s\n",
                      number, number, at, hex);
}

static void put_tag(const struct ledger_export *export, const char *name, const char *value,
                    struct oft_buffer *out)
{
    if (value[0] == '\0') {
        return;
    }
    if (export->journal == LEDGER_BEANCOUNT) {
        oft_buffer_printf(out, "    %s: \"", name);
        put_clean(out, value);
        oft_buffer_append_text(out, "\"\n");
    } else {
        oft_buffer_printf(out, ", %s:", name);
        put_clean(out, value);
    }
}

static void put_posting(const struct ledger_export *export, const struct ledger_entry *entry,
                        const struct ledger_series_key *key, const char *line,
                        struct oft_buffer *out)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    bool beancount = export->journal == LEDGER_BEANCOUNT;
    (void)oft_month_format(key->month, month);
    oft_buffer_append_text(out, beancount ? "  " : "    ");
    ledger_account_name(entry->account, out);
    oft_buffer_append_text(out, "  ");
    put_amount(entry->amount_nanos, out);
    oft_buffer_printf(out, " %s", export->currency);
    oft_buffer_printf(out, beancount ? "\n    line: \"%s\"\n" : "  ; line:%s", line);
    put_tag(export, "month", month, out);
    put_tag(export, "kind", ledger_kind_name(key->kind), out);
    put_tag(export, "clause", key->clause, out);
    put_tag(export, "party", key->party, out);
    put_tag(export, "product", key->product, out);
    put_tag(export, "model", key->model, out);
    put_tag(export, "pool", key->pool, out);
    put_tag(export, "unit", ledger_unit_name(key), out);
    if (!beancount) {
        oft_buffer_append_char(out, '\n');
    }
}

static void put_csv(const struct ledger_export *export,
                    const struct ledger_transaction *transaction, const uint8_t hash[32],
                    const struct ledger_entry *entry, const struct ledger_series_key *key,
                    const char *line, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char digits[LEDGER_DECIMAL_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    print_csv_number(out, oft_i128_format((oft_nanos)transaction->number, digits));
    print_csv_text(out, oft_instant_format(contract_of(export, transaction->recorded_ns), text));
    print_csv_text(out, entry->account);
    print_csv_number(out, ledger_decimal(entry->amount_nanos, 9, digits));
    print_csv_number(out, oft_i128_format(entry->amount_nanos, digits));
    print_csv_text(out, export->currency);
    print_csv_text(out, oft_month_format(key->month, text));
    print_csv_text(out, line);
    print_csv_text(out, ledger_kind_name(key->kind));
    print_csv_text(out, key->party);
    print_csv_text(out, key->account);
    print_csv_text(out, key->product);
    print_csv_text(out, key->model);
    print_csv_text(out, key->pool);
    print_csv_text(out, ledger_unit_name(key));
    print_csv_text(out, key->clause);
    print_csv_text(out, oft_hex(hash, 32, hex));
    print_csv_end(out);
}

enum oft_err ledger_export_transaction(const struct ledger_export *export,
                                       const struct ledger_transaction *transaction,
                                       const uint8_t hash[32], struct oft_buffer *out)
{
    bool whole = export->month_from == INT32_MIN && export->month_until == INT32_MAX;
    bool headed = export->journal == LEDGER_JOURNAL_CSV;
    char line[LEDGER_LINE_ID_BYTES];
    if (whole && !headed) { /* also one that moved no money: the chain has no gap */
        put_head(export, transaction, hash, out);
        headed = true;
    }
    for (size_t i = 0; i < transaction->entry_count; i++) {
        const struct ledger_entry *entry = &transaction->entries[i];
        if (entry->series >= transaction->change_count) {
            return OFT_ERR_CORRUPT;
        }
        const struct ledger_series_key *key = &transaction->changes[entry->series].key;
        if (!is_inside(export, key)) {
            continue;
        }
        enum oft_err err = ledger_line_id(key, line);
        if (err != OFT_OK) {
            return err;
        }
        if (!headed) {
            put_head(export, transaction, hash, out);
            headed = true;
        }
        if (export->journal == LEDGER_JOURNAL_CSV) {
            put_csv(export, transaction, hash, entry, key, line, out);
        } else {
            put_posting(export, entry, key, line, out);
        }
    }
    return OFT_OK;
}

/* ---- end --------------------------------------------------------------------------------------- */

void ledger_export_end(const struct ledger_export *export,
                       const struct ledger_export_account *accounts, size_t account_count,
                       oft_instant last, uint64_t number, struct oft_buffer *out)
{
    bool beancount = export->journal == LEDGER_BEANCOUNT;
    if (export->journal == LEDGER_JOURNAL_CSV || account_count == 0) {
        return;
    }
    oft_buffer_append_char(out, '\n');
    if (!beancount) { /* hledger looks at a balance after its posting, Beancount before the day */
        put_date(export, last, 0, out);
        oft_buffer_printf(out, " * offtake balances after transaction %llu\n",
                          (unsigned long long)number);
    }
    for (size_t i = 0; i < account_count; i++) {
        if (beancount) {
            put_date(export, last, 1, out);
            oft_buffer_append_text(out, " balance ");
        } else {
            oft_buffer_append_text(out, "    ");
        }
        ledger_account_name(accounts[i].name, out);
        oft_buffer_printf(out, beancount ? "  " : "  0 %s = ", export->currency);
        put_amount(accounts[i].amount_nanos, out);
        oft_buffer_printf(out, beancount ? " ~ 0 %s\n" : " %s\n", export->currency);
    }
}
