/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a public price list. Whatever comes out as price lines is a deal without errors, whose
 * rates are those of the rows. The first byte chooses the format.
 */
#include <stdlib.h>
#include <string.h>

#include "prices/prices.h"

static void check_deal(const struct prices_book *book)
{
    struct prices_form form = {.source = "list", .sha256 = "0", .pool = "p", .models = true};
    struct oft_buffer text;
    oft_buffer_init(&text, 4u << 20);
    oft_buffer_append_text(&text, "deal \"D\"\ncustomer c\ncurrency USD\nparty b \"B\"\n"
                                  "provider e of b\npool p on e\n");
    prices_write_deal(book, &form, &text);
    struct deal_file file = {"d.deal", {oft_buffer_text(&text), text.length}};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    struct deal *deal = NULL;
    deal_diagnostics_init(&diagnostics);
    enum oft_err err =
        text.failed ? OFT_ERR_MEMORY
                    : deal_parse("d.deal", deal_load_memory, &files, &deal, &diagnostics, &error);
    if (err == OFT_OK) {
        OFT_ASSERT(deal->price_count == book->row_count);
        for (size_t i = 0; i < book->row_count; i++) {
            for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
                OFT_ASSERT((book->rows[i].given & (1u << unit)) == 0 ||
                           deal->prices[i].per_million_nanos[unit] ==
                               book->rows[i].per_million_nanos[unit]);
            }
        }
    }
    OFT_ASSERT(err != OFT_ERR_INVALID || book->row_count > 4000);
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    oft_buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prices_wish wish = {.format = PRICES_LITELLM};
    struct prices_form form = {.source = "list", .sha256 = "0"};
    struct prices_book *book = NULL;
    struct oft_error error = {0};
    struct oft_buffer json;
    if (size == 0) {
        return 0;
    }
    wish.format = data[0] == 'm' ? PRICES_MODELS_DEV : PRICES_LITELLM;
    if (prices_read((struct oft_str){(const char *)data + 1, size - 1}, &wish, &book, &error) !=
        OFT_OK) {
        return 0;
    }
    check_deal(book);
    oft_buffer_init(&json, 4u << 20);
    prices_write_json(book, &form, &json);
    oft_buffer_release(&json);
    prices_free(book);
    return 0;
}
