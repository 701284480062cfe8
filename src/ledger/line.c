/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of a statement line and the words for its parts. The id is the beginning of a SHA-256 over the
 * line's key, part by part, each text behind its length: so no two keys have the same bytes.
 */
#include <string.h>

#include "ledger/internal.h"
#include "ledger/statement.h"
#include "ledger/trace.h"

static const char DOMAIN[] = "offtake line 1\n";

/* A part that is added to the key has to be added here, where it is not zero: ids stay what they were. */
_Static_assert(sizeof(struct ledger_series_key) == 48 + 5 * 64 + LEDGER_NAME_BYTES,
               "every part of a key belongs into its line's id");

static void put_number(struct oft_sha256 *hash, oft_nanos value)
{
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++) {
        bytes[i] = (uint8_t)((oft_u128)value >> (8 * i));
    }
    oft_sha256_update(hash, bytes, sizeof(bytes));
}

static void put_text(struct oft_sha256 *hash, const char *text)
{
    put_number(hash, (oft_nanos)strlen(text));
    oft_sha256_update(hash, text, strlen(text));
}

enum oft_err ledger_line_id(const struct ledger_series_key *key, char out[LEDGER_LINE_ID_BYTES])
{
    uint8_t bytes[OFT_SHA256_BYTES];
    struct oft_sha256 *hash = oft_sha256_new();
    out[0] = '\0';
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_sha256_update(hash, DOMAIN, sizeof(DOMAIN) - 1);
    put_number(hash, (oft_nanos)key->kind);
    put_number(hash, key->month);
    put_number(hash, key->unit);
    put_number(hash, key->outcome);
    put_number(hash, key->rate);
    put_text(hash, key->account);
    put_text(hash, key->product);
    put_text(hash, key->model);
    put_text(hash, key->pool);
    put_text(hash, key->party);
    put_text(hash, key->clause);
    if (key->for_month != 0) {
        put_number(hash, key->for_month);
    }
    oft_sha256_final(hash, bytes);
    oft_sha256_free(hash);
    (void)oft_hex(bytes, (LEDGER_LINE_ID_BYTES - 1) / 2, out);
    return OFT_OK;
}

const char *print_line_id(const struct ledger_series_key *key, struct oft_buffer *out,
                          char id[LEDGER_LINE_ID_BYTES])
{
    if (ledger_line_id(key, id) != OFT_OK) {
        out->failed = true;
    }
    return id;
}

const char *ledger_kind_name(enum ledger_series_kind kind)
{
    switch (kind) {
    case LEDGER_USAGE:
        return "usage";
    case LEDGER_SALE:
        return "sale";
    case LEDGER_COST:
        return "cost";
    case LEDGER_SHARE:
        return "share";
    case LEDGER_COMMITMENT:
        return "commitment";
    case LEDGER_SHORTFALL:
        return "commitment-due";
    case LEDGER_SHARE_TERM:
        return "share-term";
    case LEDGER_DEDUCTION:
        return "deduction";
    case LEDGER_PAYMENT:
        return "payment";
    case LEDGER_FUND_CALL:
        return "fund-call";
    case LEDGER_FUND_PAYMENT:
        return "fund-payment";
    case LEDGER_FUND_DRAW:
        return "fund-draw";
    }
    return "?";
}

const char *ledger_unit_name(const struct ledger_series_key *key)
{
    bool priced = key->kind == LEDGER_SALE || key->kind == LEDGER_COST;
    return priced || print_is_capacity(key->unit) ? print_unit_name(key->unit) : "";
}

oft_nanos ledger_rate_units(const struct ledger_series_key *key)
{
    if (key->unit < LEDGER_GPU_OF_MONTH || key->unit > LEDGER_POOL_OF_MONTH) {
        return LEDGER_RATE_UNITS;
    }
    return LEDGER_RATE_UNITS * (key->outcome == 0 ? 1 : (oft_nanos)key->outcome);
}

const char *ledger_outcome_name(uint32_t outcome)
{
    return print_outcome_name(outcome);
}

const char *ledger_direction_name(uint32_t direction)
{
    return print_direction_name(direction);
}

bool ledger_line_takes(const struct ledger_series_key *line, const struct ledger_series_key *part)
{
    struct ledger_series_key own = *line; /* as it would be had it not come late */
    own.month = ledger_own_month(line);
    own.for_month = 0;
    return memcmp(&own, part, sizeof(own)) == 0;
}

bool ledger_line_holds(const struct ledger_series_key *line, const struct ledger_part *part)
{
    if (!part->in_steps) {
        return ledger_line_takes(line, &part->key);
    }
    struct ledger_series_key first = *line;
    bool step = false;
    for (uint32_t i = 0; i < part->rate_count; i++) {
        step = step || part->rates[i] == line->rate;
    }
    first.rate = part->key.rate;
    return step && ledger_line_takes(&first, &part->key);
}

const char *ledger_decimal(oft_nanos value, unsigned scale, char out[LEDGER_DECIMAL_BYTES])
{
    char digits[LEDGER_DECIMAL_BYTES];
    size_t count = 0;
    size_t length = 0;
    oft_u128 rest = value < 0 ? -(oft_u128)value : (oft_u128)value;
    OFT_ASSERT(scale <= 20);
    while (rest != 0 || count <= scale) {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (value < 0) {
        out[length++] = '-';
    }
    while (count > 0) {
        out[length++] = digits[--count];
        if (count == scale && scale > 0) {
            out[length++] = '.';
        }
    }
    out[length] = '\0';
    return out;
}
