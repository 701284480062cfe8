/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The founding case as it ships, examples/openai.deal, asked at the dates that the world knows:
 * parser, compiler and decision together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/compile.h"
#include "policy/decide.h"
#include "world.h"

#define DEAL_FILE OFFTAKE_EXAMPLES "/openai.deal"

struct founding {
    struct oft_buffer bytes;
    struct policy_view view;
};

static bool founding_open(struct founding *founding)
{
    struct deal_diagnostics diagnostics;
    struct deal *deal = NULL;
    struct oft_error error = {0};
    struct policy_compile_input input = {.generation = 1};

    deal_diagnostics_init(&diagnostics);
    if (access(DEAL_FILE, R_OK) != 0) {
        deal_diagnostics_release(&diagnostics);
        return false;
    }
    assert_int_equal(deal_parse(DEAL_FILE, deal_load_file, NULL, &deal, &diagnostics, &error),
                     OFT_OK);
    input.deal = deal;
    oft_buffer_init(&founding->bytes, OFT_SNAPSHOT_BYTES_MAX);
    assert_int_equal(policy_compile(&input, &founding->bytes, NULL, &error), OFT_OK);
    assert_int_equal(
        policy_open(&founding->view, founding->bytes.data, founding->bytes.length, &error), OFT_OK);
    deal_free(deal);
    deal_diagnostics_release(&diagnostics);
    return true;
}

/* Bits: 1 when a pool of azure is eligible, 2 when one of another provider is. */
static unsigned eligible_at(const struct founding *founding, const char *product, const char *when)
{
    const struct policy_view *view = &founding->view;
    struct policy_query query = {.product = policy_find_product(view, oft_str_from(product))};
    struct policy_answer answer;
    unsigned found = 0;
    uint32_t i;

    assert_int_not_equal(query.product, POLICY_NONE);
    assert_int_equal(oft_instant_parse(oft_str_from(when), &query.instant_ns), OFT_OK);
    for (query.model = 0; query.model < view->model_count; query.model++) {
        decide_query(view, &query, &answer);
        for (i = 0; i < answer.eligible_count; i++) {
            uint32_t pool = answer.choices[i].candidate->pool;

            found |= oft_str_is(policy_text(view, view->pools[pool].provider), "azure") ? 1 : 2;
        }
    }
    return found;
}

static void the_dates_of_the_founding_case_decide(void **state)
{
    struct founding founding;

    (void)state;
    if (!founding_open(&founding)) {
        skip();
    }
    /* The API ran on Azure only until 2026-04-27, from then on anywhere. */
    assert_int_equal(eligible_at(&founding, "api", "2025-06-01"), 1);
    assert_int_equal(eligible_at(&founding, "api", "2025-12-01"), 1);
    assert_int_equal(eligible_at(&founding, "api", "2026-04-26T23:59:59.999999999Z"), 1);
    assert_int_equal(eligible_at(&founding, "api", "2026-04-27"), 3);
    /* ChatGPT was Azure's alone until 2025-01-21. */
    assert_true((eligible_at(&founding, "chatgpt", "2025-01-20T23:59:59Z") & 2) == 0);
    assert_int_equal(eligible_at(&founding, "chatgpt", "2025-06-01"), 3);
    /* Copilot is Microsoft's: its licence is in force in 2025 and not after 2032. */
    assert_int_not_equal(eligible_at(&founding, "copilot", "2025-06-01"), 0);
    assert_int_equal(eligible_at(&founding, "copilot", "2034-01-01"), 0);
    oft_buffer_release(&founding.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dates_of_the_founding_case_decide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
