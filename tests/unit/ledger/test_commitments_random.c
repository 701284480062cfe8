/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commitments whatever was spent: money is conserved, the order of rows does not matter, and the books
 * follow the clock.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

enum { RANDOM_ROUNDS = 300 };

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const fates[] = {"cash", "credit", "forfeit"};
static const char *const models[] = {"build-up", "burn-down", "take-or-pay"};

static void open_random(struct scene *scene, uint64_t *seed)
{
    char text[2048];
    int milestone = (int)(next(seed) % 900) + 1;
    int month_of_it = (int)(next(seed) % 8) + 1;
    int roll = (int)(next(seed) % 101);
    const char *counted = next(seed) % 2 == 0 ? "usage" : "invoice";
    const char *begins = next(seed) % 2 == 0 ? "03" : "11";
    const char *second = models[next(seed) % 3];
    const char *second_fate = fates[next(seed) % 3];
    const char *basis = next(seed) % 2 == 0 ? "gross" : "net";
    const char *fate = fates[next(seed) % 3];
    const char *model = models[next(seed) % 3];
    (void)snprintf(
        text, sizeof(text),
        "    one: commit 1000 USD on alpha over 2025-01-01..2026-01-01 %s counting all {\n"
        "        milestone %d USD by 2025-0%d-15; roll-over %d%%; shortfall %s; marketplace cap "
        "25%%\n"
        "        counted at %s\n    }\n"
        "    two: commit 500 USD on alpha over 2025-%s-01..2027-01-01 %s counting all {\n"
        "        shortfall %s; %s; successor of a.one\n    }\n",
        model, milestone, month_of_it, roll, fate, counted, begins, second, second_fate, basis);
    scene_open(scene, text);
    for (int month = 1; month <= 24; month++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d-%02d", 2025 + (month - 1) / 12,
                       (month - 1) % 12 + 1);
        oft_nanos amount = (oft_nanos)(next(seed) % 130);
        if (month <= 12) {
            scene_spend(scene, "a.one", name, amount)->key.outcome = (uint32_t)(next(seed) % 2);
        }
        (void)scene_spend(scene, "a.two", name, amount); /* also before its period: left out */
    }
}

static oft_nanos cost_of(const struct scene *scene, const char *clause)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < scene->row_count; i++) {
        sum +=
            strcmp(scene->rows[i].key.clause, clause) == 0 ? scene->rows[i].totals.amount_nanos : 0;
    }
    return sum;
}

static void check_one(const struct ledger_settlement *it)
{
    for (size_t i = 0; i < it->measure_count; i++) {
        const struct ledger_measure *m = &it->measures[i];
        oft_nanos became = m->owed + m->credit + m->forfeited + m->rolled;
        bool settled = m->state == LEDGER_MEASURE_SHORT && m->kind != LEDGER_MEASURE_RAMP;
        assert_true(became == (settled ? m->missing : 0));
        assert_true(m->owed >= 0 && m->credit >= 0 && m->forfeited >= 0 && m->rolled >= 0);
    }
    assert_true(it->credit_left >= 0 && it->excess >= 0 && it->rolled_excess <= it->excess);
}

/* A commitment that is over was spent, paid, kept, let go of or passed on, to the last nano-unit. */
static void check_money(const struct ledger_settlement *one, const struct ledger_settlement *two)
{
    oft_nanos gone_on = one->rolled_rest;
    oft_nanos settled = 0;
    oft_nanos released = 0;
    for (size_t i = 0; i < one->measure_count; i++) {
        settled += one->measures[i].owed + one->measures[i].credit + one->measures[i].forfeited;
    }
    for (size_t i = 0; i < one->month_count; i++) {
        released += one->months[i].released;
    }
    /* What counted or was settled, less what credits paid for twice: the amount, and what is beyond it. */
    oft_nanos drawn = 0;
    for (size_t i = 0; i < one->due_count; i++) {
        drawn += one->dues[i].due == LEDGER_DUE_DRAWN ? one->dues[i].amount : 0;
    }
    assert_true(one->counted + settled + drawn + gone_on == one->required + one->excess + released);
    assert_true(two->required == 500 * UNIT + gone_on);
    assert_true(two->carried == one->rolled_excess);
    /* Credits: what arose is drawn under either, or left. */
    oft_nanos arose = scene_due(one, LEDGER_DUE_CREDIT) + scene_due(two, LEDGER_DUE_CREDIT);
    oft_nanos used = scene_due(one, LEDGER_DUE_DRAWN) + scene_due(two, LEDGER_DUE_DRAWN);
    assert_true(arose + used == two->credit_left);
}

static void money_is_conserved_whatever_was_spent(void **state)
{
    uint64_t seed = UINT64_C(0xc0117ed5);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        struct scene scene;
        open_random(&scene, &seed);
        const struct ledger_settlement *two = scene_settle(&scene, "a.two", "2027-01-01");
        const struct ledger_settlement *one = &scene.all[0];
        check_one(one);
        check_one(two);
        check_money(one, two);
        assert_true(one->counted <= cost_of(&scene, "a.one"));
        assert_true(two->counted <= cost_of(&scene, "a.two"));
        scene_close(&scene);
    }
}

static void the_order_of_rows_does_not_matter(void **state)
{
    uint64_t seed = UINT64_C(0x0123abcd);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        struct scene scene;
        open_random(&scene, &seed);
        struct ledger_settlement before = *scene_settle(&scene, "a.two", "2026-05-20");
        for (size_t i = scene.row_count; i > 1; i--) {
            size_t other = (size_t)(next(&seed) % i);
            struct ledger_row row = scene.rows[i - 1];
            scene.rows[i - 1] = scene.rows[other];
            scene.rows[other] = row;
        }
        const struct ledger_settlement *after = scene_settle(&scene, "a.two", "2026-05-20");
        assert_true(before.progress == after->progress && before.required == after->required);
        assert_int_equal(before.due_count, after->due_count);
        for (size_t i = 0; i < before.due_count; i++) {
            assert_true(before.dues[i].amount == after->dues[i].amount);
            assert_int_equal(before.dues[i].month, after->dues[i].month);
        }
        scene_close(&scene);
    }
}

static size_t book_dues(struct scene *scene, struct book *book, const char *instant)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    (void)scene_settle(scene, "a.one", instant);
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_dues_add(batch, scene->world.context, scene->all, scene->count,
                                     book->rows, book->row_count),
                     OFT_OK);
    if (ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    book_take(book, &result);
    size_t changes = result.change_count;
    ledger_batch_free(batch);
    return changes;
}

static void the_books_follow_the_clock_however_often_it_is_looked_at(void **state)
{
    static struct book once;
    static struct book steps;
    uint64_t seed = UINT64_C(0x5eed);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS / 10; round++) {
        struct scene scene;
        memset(&once, 0, sizeof(once));
        memset(&steps, 0, sizeof(steps));
        open_random(&scene, &seed);
        size_t all = scene.row_count;
        for (scene.row_count = 0; scene.row_count < all; scene.row_count += next(&seed) % 7) {
            scene.row_count = scene.row_count > all ? all : scene.row_count;
            (void)book_dues(&scene, &steps, next(&seed) % 2 == 0 ? "2026-02-01" : "2027-01-01");
        }
        scene.row_count = all;
        (void)book_dues(&scene, &steps, "2027-01-01");
        assert_int_equal(book_dues(&scene, &steps, "2027-01-01"), 0);
        (void)book_dues(&scene, &once, "2027-01-01");
        for (size_t i = 0; i < steps.row_count; i++) {
            const struct ledger_row *row = &steps.rows[i];
            oft_nanos held = 0;
            for (size_t j = 0; j < once.row_count; j++) {
                held += memcmp(&once.rows[j].key, &row->key, sizeof(row->key)) == 0
                            ? once.rows[j].totals.amount_nanos
                            : 0;
            }
            assert_true(held == row->totals.amount_nanos);
        }
        assert_true(steps.debits + steps.credits == 0);
        scene_close(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_is_conserved_whatever_was_spent),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
        cmocka_unit_test(the_books_follow_the_clock_however_often_it_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
