/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrivals as blocks of a deal file. The customer's own lines go in as they are, so they are looked at
 * first: a brace in them could close the pool and write a clause behind it.
 */
#include <string.h>

#include "base/limits.h"
#include "desk/pools.h"

static const char HEAD[] =
    "# " DESK_ORDERS_FILE ": written by offtake from what was delivered under the capacity desk's\n"
    "# orders. What is changed here is lost.\n";

static const struct desk_order *order_of(const struct desk_state *state,
                                         const struct desk_arrival *arrival)
{
    return desk_order_at(state, arrival->order);
}

static const struct desk_need *need_of(const struct desk_state *state,
                                       const struct desk_order *order)
{
    return desk_need_at(state, order->need)->need;
}

/* ---- what an order says ---------------------------------------------------------------------- */

/* The same day of a later month, or its last, at the same time of day: a term is no window, which would
 * end with a day (base/calendar.h). */
static oft_instant months_later(oft_instant from, uint32_t months)
{
    struct oft_date date = oft_date_from_instant(from);
    oft_instant day = oft_instant_from_date(date);
    int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
    if (month / 12 > 2261) {
        return OFT_INSTANT_NEVER;
    }
    date.year = (int32_t)(month / 12);
    date.month = (int32_t)(month % 12) + 1;
    while (!oft_date_valid(date)) {
        date.day--;
    }
    return oft_instant_from_date(date) + (from - day);
}

oft_instant desk_arrival_end(const struct desk_state *state, const struct desk_arrival *arrival)
{
    uint32_t months = need_of(state, order_of(state, arrival))->months;
    return months == 0 ? OFT_INSTANT_NEVER : months_later(arrival->happened, months);
}

bool desk_order_flat(const struct desk_state *state, const struct desk_order *order,
                     oft_nanos *ret_price, bool *ret_by_month)
{
    const struct desk_term *price = desk_terms_find(order->terms, desk_word("price").id);
    enum desk_size_kind unit = need_of(state, order)->unit;
    const char *hour = unit == DESK_SIZE_GPU ? "gpu-hour" : unit == DESK_SIZE_MW ? "MW-hour" : "";
    const char *month = unit == DESK_SIZE_GPU  ? "gpu-month"
                        : unit == DESK_SIZE_MW ? "MW-month"
                                               : "";
    if (price == NULL || price->kind != DESK_TERM_AMOUNT || price->number < 0 ||
        (price->text.id != 0 && strcmp(price->text.text, hour) != 0 &&
         strcmp(price->text.text, month) != 0)) {
        return false;
    }
    if (ret_by_month != NULL) {
        *ret_by_month = price->text.id != 0 && strcmp(price->text.text, month) == 0;
    }
    if (ret_price != NULL) {
        *ret_price = price->number;
    }
    return true;
}

/* ---- what may be written --------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_./-";
    size_t length = strlen(text);
    return length > 0 && length <= OFT_NAME_BYTES_MAX && strspn(text, letters) == length;
}

static bool is_name_or_unsaid(struct desk_name name)
{
    return name.id == 0 || is_name(name.text);
}

enum oft_err desk_pool_check(const struct desk_state *state, const struct desk_arrival *arrival,
                             struct oft_error *reterr)
{
    const struct desk_order *order = order_of(state, arrival);
    const struct desk_need *need = need_of(state, order);
    unsigned number = arrival->order + 1;
    if (!is_name(arrival->pool.text)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.63s\" is no name for a pool: write letters, digits and _ . / -, at "
                        "most %u of them",
                        arrival->pool.text, OFT_NAME_BYTES_MAX);
    }
    if (order->provider.id == 0 || !is_name(order->provider.text)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "order-%u names no provider, so that pool %s cannot be on one", number,
                        arrival->pool.text);
    }
    if (!is_name_or_unsaid(need->region) || !is_name_or_unsaid(need->accelerator)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "the region or the accelerator of order-%u is no name of a deal", number);
    }
    if (strpbrk(arrival->text, "{}") != NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "the lines of pool %s hold a brace: give only what stands inside of its "
                        "block",
                        arrival->pool.text);
    }
    return OFT_OK;
}

/* ---- the block ------------------------------------------------------------------------------- */

/* What follows the one statement part at TEXT: a quoted text, a comment, or a character. */
static const char *past(const char *text)
{
    if (*text == '#') {
        return text + strcspn(text, "\n");
    }
    if (*text == '\\') { /* the line goes on */
        const char *rest = text + 1 + strspn(text + 1, " \t\r");
        return *rest == '\n' ? rest + 1 : text + 1;
    }
    if (*text == '"') {
        const char *end = text + 1 + strcspn(text + 1, "\"\n");
        return *end == '"' ? end + 1 : end;
    }
    return text + 1;
}

static bool begins_with(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && strchr(" \t\r\n;#\\", text[length]) != NULL;
}

/* Does a statement of LINES begin with WORD? As the deal's lexer reads them: a statement ends with its
 * line, but not after a comma, or at a semicolon. */
static bool says(const char *lines, const char *word)
{
    bool begins = true;
    bool comma = false;
    for (const char *at = lines; *at != '\0'; at = past(at)) {
        if (*at == ';' || *at == '\n') {
            begins = begins || *at == ';' || !comma;
        } else if (strchr(" \t\r#\\", *at) == NULL) {
            if (begins && begins_with(at, word)) {
                return true;
            }
            begins = false;
            comma = *at == ',';
        }
    }
    return false;
}

static void put_filled_in(const struct desk_state *state, const struct desk_arrival *arrival,
                          struct oft_buffer *out)
{
    const struct desk_order *order = order_of(state, arrival);
    const struct desk_need *need = need_of(state, order);
    const char *lines = arrival->text;
    if (need->region.id != 0 && !says(lines, "region")) {
        oft_buffer_printf(out, "    region %s\n", need->region.text);
    }
    if (need->accelerator.id != 0 && !says(lines, "accelerator")) {
        oft_buffer_printf(out, "    accelerator %s", need->accelerator.text);
        if (need->unit == DESK_SIZE_GPU) {
            oft_buffer_printf(out, " count %llu", (unsigned long long)arrival->quantity);
        }
        oft_buffer_append_char(out, '\n');
    }
    if (desk_order_flat(state, order, NULL, NULL) && !says(lines, "reserved")) {
        oft_buffer_append_text(out, "    reserved\n");
    }
}

static void put_block(const struct desk_state *state, const struct desk_arrival *arrival,
                      struct oft_buffer *out)
{
    const struct desk_order *order = order_of(state, arrival);
    const char *unit = need_of(state, order)->unit == DESK_SIZE_MW ? "MW" : "gpu";
    char from[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    oft_instant end = desk_arrival_end(state, arrival);
    oft_buffer_printf(out, "\n# order-%u: %llu of %llu %s\npool %s on %s {\n", arrival->order + 1,
                      (unsigned long long)arrival->quantity, (unsigned long long)order->quantity,
                      unit, arrival->pool.text, order->provider.text);
    put_filled_in(state, arrival, out);
    oft_buffer_printf(out, "    available from %s%s%s\n",
                      oft_instant_format_short(arrival->happened, from),
                      end == OFT_INSTANT_NEVER ? "" : " until ",
                      end == OFT_INSTANT_NEVER ? "" : oft_instant_format_short(end, until));
    if (arrival->text[0] != '\0') {
        oft_buffer_printf(out, "    %s\n", arrival->text);
    }
    oft_buffer_append_text(out, "}\n");
}

enum oft_err desk_pool_text(const struct desk_state *state, const struct desk_arrival *arrival,
                            struct oft_buffer *out)
{
    enum oft_err code = desk_pool_check(state, arrival, NULL);
    if (code == OFT_OK) {
        put_block(state, arrival, out);
    }
    return code;
}

enum oft_err desk_pools_text(const struct desk_state *state, struct oft_buffer *out)
{
    bool any = false;
    enum oft_err code = OFT_OK;
    for (uint32_t i = 0; code == OFT_OK && i < desk_arrival_count(state); i++) {
        const struct desk_arrival *arrival = desk_arrival_at(state, i);
        if (arrival->pool.id == 0) {
            continue;
        }
        if (!any) {
            oft_buffer_append_text(out, HEAD);
            any = true;
        }
        code = desk_pool_text(state, arrival, out);
    }
    return code;
}
