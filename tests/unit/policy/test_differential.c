/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled decision against a slow evaluator written straight from docs/semantics.md: random
 * deals with many clauses whose ends lie close together, asked at and around every boundary. The
 * evaluator shares no code with deal/ or policy/: it works out ends, prices and order on its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define SPAN             24 /* every instant of a random deal lies in [0, SPAN] */
#define DEALS            400
#define QUERIES_PER_DEAL 100

struct expected {
    enum policy_reason reason;
    char clause[200];
    bool eligible;
    bool reserved;
    int64_t effective;
    int64_t nominal;
};

/* ---- the slow evaluator ----------------------------------------------------------------------- */

static bool slow_ended(const struct world *world, const struct deal_end *end, oft_instant at)
{
    size_t i;

    if (end->kind == DEAL_END_DATE) {
        return at >= end->instant;
    }
    if (end->kind == DEAL_END_EVENT) {
        for (i = 0; i < world->input.attested.count; i++) {
            if (world->attested[i].event == end->event && at >= world->attested[i].instant) {
                return true;
            }
        }
    }
    for (i = 0; end->kind == DEAL_END_EARLIEST && i < end->part_count; i++) {
        if (slow_ended(world, &end->parts[i], at)) {
            return true;
        }
    }
    return false;
}

static bool slow_listed(struct deal_list list, uint32_t item)
{
    return list.items[0] == DEAL_ALL || list.items[0] == item;
}

static bool slow_in_force(const struct world *world, const struct deal_clause *clause,
                          oft_instant at)
{
    return at >= clause->from && at < clause->superseded_from &&
           !slow_ended(world, &clause->until, at);
}

static const struct deal_price *slow_price(const struct world *world, bool is_sale, uint32_t owner,
                                           uint32_t model, oft_instant at)
{
    const struct deal_price *best = NULL;
    int exact;
    uint32_t i;

    for (exact = 1; exact >= 0 && best == NULL; exact--) {
        for (i = 0; i < world->deal.price_count; i++) {
            const struct deal_price *price = &world->prices[i];

            if (price->is_sale == is_sale && price->owner == owner &&
                price->model == (exact ? model : DEAL_ALL) && at >= price->from &&
                !slow_ended(world, &price->until, at) &&
                (best == NULL || price->from > best->from)) {
                best = price;
            }
        }
    }
    return best;
}

static const struct deal_clause *slow_license(const struct world *world, uint32_t product,
                                              uint32_t model, oft_instant at, bool in_force)
{
    const struct deal_clause *latest = NULL;
    uint32_t i;

    for (i = 0; i < world->deal.clause_count; i++) {
        const struct deal_clause *clause = &world->clauses[i];

        if (clause->kind != DEAL_CLAUSE_LICENSE ||
            clause->as.license.licensee_party != world->products[product].owner_party) {
            continue;
        }
        if (in_force && slow_in_force(world, clause, at) &&
            slow_listed(clause->as.license.models, model) &&
            slow_listed(clause->as.license.products, product)) {
            return clause;
        }
        if (!in_force && (latest == NULL || clause->from >= latest->from)) {
            latest = clause;
        }
    }
    return latest;
}

static void slow_exclusive(const struct world *world, uint32_t product, uint32_t provider,
                           oft_instant at, const struct deal_clause **ret_bars,
                           const struct deal_clause **ret_first)
{
    uint32_t i;

    *ret_bars = *ret_first = NULL;
    for (i = world->deal.clause_count; i-- > 0;) {
        const struct deal_clause *clause = &world->clauses[i];

        if (clause->kind == DEAL_CLAUSE_EXCLUSIVE && slow_in_force(world, clause, at) &&
            slow_listed(clause->as.exclusive.products, product)) {
            *ret_first = clause;
            if (clause->as.exclusive.provider != provider) {
                *ret_bars = clause;
            }
        }
    }
}

/* The price less what spending it saves, by the page: exact in 128 bits for the prices of these worlds. */
static int64_t slow_effective(const struct world *world, uint32_t product, uint32_t provider,
                              oft_instant at, int64_t nominal)
{
    const oft_nanos one = (oft_nanos)DEAL_RATE_ONE * DEAL_RATE_ONE;
    oft_nanos saved = 0;
    oft_nanos product_of;
    uint32_t i;

    for (i = 0; i < world->deal.clause_count; i++) {
        const struct deal_clause *clause = &world->clauses[i];

        if (clause->kind == DEAL_CLAUSE_COMMIT && clause->as.commit.provider == provider &&
            slow_in_force(world, clause, at) && at >= clause->as.commit.period_from &&
            at < clause->as.commit.period_until &&
            slow_listed(clause->as.commit.products, product)) {
            saved += (oft_nanos)world->values[i] * world->weights[i];
        }
    }
    product_of = nominal * (saved > one ? 0 : one - saved);
    oft_nanos whole = product_of / one;
    oft_nanos twice = 2 * (product_of % one);
    return (int64_t)(whole + (twice > one || (twice == one && whole % 2 == 1)));
}

static void expect(struct expected *expected, bool eligible, enum policy_reason reason,
                   const char *a, const char *middle, const char *b)
{
    expected->eligible = eligible;
    expected->reason = reason;
    (void)snprintf(expected->clause, sizeof(expected->clause), "%s%s%s", a, middle, b);
}

static void slow_weigh(const struct world *world, uint32_t serve, uint32_t product, oft_instant at,
                       struct expected *expected)
{
    uint32_t model = world->serves[serve].model;
    const struct deal_pool *pool = &world->pools[world->serves[serve].pool];
    const struct deal_price *cost = slow_price(world, false, world->serves[serve].pool, model, at);
    bool foreign = world->products[product].owner_party != world->deal.customer_party;
    const struct deal_clause *license = slow_license(world, product, model, at, true);
    const struct deal_clause *latest = slow_license(world, product, model, at, false);
    const struct deal_clause *bars, *first;

    slow_exclusive(world, product, pool->provider, at, &bars, &first);
    expected->reserved = pool->reserved;
    expected->nominal = pool->reserved || cost == NULL
                            ? 0
                            : (int64_t)(cost->per_million_nanos[DEAL_UNIT_INPUT] +
                                        cost->per_million_nanos[DEAL_UNIT_OUTPUT]);
    expected->effective = slow_effective(world, product, pool->provider, at, expected->nominal);
    if (bars != NULL) {
        expect(expected, false, POLICY_BARRED_BY_EXCLUSIVE, bars->id, "", "");
    } else if (foreign && license == NULL && latest != NULL) {
        expect(expected, false, POLICY_BARRED_NO_LICENSE, latest->id, "", "");
    } else if (foreign && license == NULL) {
        expect(expected, false, POLICY_BARRED_NO_LICENSE, "license.",
               world->parties[world->products[product].owner_party].name, "");
    } else if (at < pool->from || slow_ended(world, &pool->until, at)) {
        expect(expected, false, POLICY_BARRED_POOL_WINDOW, pool->name, ".available", "");
    } else if (!pool->reserved && cost == NULL) {
        expect(expected, false, POLICY_BARRED_NO_PRICE, pool->name, ".price.",
               world->models[model].name);
    } else if (world->products[product].product_class == DEAL_CLASS_INFERENCE &&
               slow_price(world, true, product, model, at) == NULL) {
        expect(expected, false, POLICY_BARRED_NO_PRICE, world->products[product].name, ".price.",
               world->models[model].name);
    } else if (first != NULL) {
        expect(expected, true, POLICY_ALLOWED_BY_EXCLUSIVE, first->id, "", "");
    } else if (foreign) {
        expect(expected, true, POLICY_ALLOWED_BY_LICENSE, license->id, "", "");
    } else {
        expect(expected, true, POLICY_ALLOWED_BY_POOL, pool->name, ".serves.",
               world->models[model].name);
    }
}

/* Rank as one comparable row; the serve's index ends every tie. */
static bool slow_before(const struct expected *a, const struct expected *b)
{
    if (a->eligible != b->eligible) {
        return a->eligible;
    }
    if (!a->eligible) {
        return a->reason < b->reason;
    }
    if (a->reserved != b->reserved) {
        return a->reserved;
    }
    return a->effective != b->effective ? a->effective < b->effective : a->nominal < b->nominal;
}

/* Serves of MODEL in order, by repeated selection. */
static uint32_t slow_decide(const struct world *world, uint32_t product, uint32_t model,
                            oft_instant at, struct expected *rows, uint32_t *order)
{
    bool taken[WORLD_ITEMS] = {false};
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < world->deal.serve_count; i++) {
        slow_weigh(world, i, product, at, &rows[i]);
        taken[i] = world->serves[i].model != model;
    }
    for (;;) {
        uint32_t best = UINT32_MAX;

        for (i = 0; i < world->deal.serve_count; i++) {
            if (!taken[i] && (best == UINT32_MAX || slow_before(&rows[i], &rows[best]))) {
                best = i;
            }
        }
        if (best == UINT32_MAX) {
            return count;
        }
        taken[best] = true;
        order[count++] = best;
    }
}

/* ---- random deals ----------------------------------------------------------------------------- */

static struct deal_end random_end(uint64_t *seed, struct deal_end parts[2])
{
    switch (random_below(seed, 5)) {
    case 0:
        return world_never;
    case 1:
        return world_on_event(random_below(seed, 2));
    case 2:
        parts[0] = world_until(random_below(seed, SPAN + 1));
        parts[1] = world_on_event(random_below(seed, 2));
        return (struct deal_end){.kind = DEAL_END_EARLIEST, .parts = parts, .part_count = 2};
    default:
        return world_until(random_below(seed, SPAN + 1));
    }
}

static uint32_t random_item(uint64_t *seed, uint32_t count)
{
    return random_below(seed, 4) == 0 ? DEAL_ALL : random_below(seed, count);
}

static oft_instant random_from(uint64_t *seed)
{
    return random_below(seed, 3) == 0 ? OFT_INSTANT_ALWAYS : (oft_instant)random_below(seed, SPAN);
}

static void add_random_clause(struct world *world, uint64_t *seed, const char *id,
                              struct deal_end parts[2])
{
    oft_instant from = random_from(seed);
    uint32_t kind = random_below(seed, 3);
    uint32_t index;

    if (kind == 0) {
        index = world_exclusive(world, id, random_item(seed, 3), random_below(seed, 3), from,
                                random_end(seed, parts));
    } else if (kind == 1) {
        index = world_license(world, id, random_item(seed, 2), 1 + random_below(seed, 2),
                              random_item(seed, 3), from, random_end(seed, parts));
    } else {
        index = world_commit(world, id, random_below(seed, 3), random_item(seed, 3),
                             random_below(seed, SPAN / 2), SPAN / 2 + random_below(seed, SPAN / 2));
        static const int64_t values[] = {0, DEAL_RATE_ONE, 900000000, 333333333, -200000000};
        static const int64_t weights[] = {DEAL_RATE_ONE, 500000000, 123456789, 0};
        world->values[index] = values[random_below(seed, OFT_COUNT_OF(values))];
        world->weights[index] = weights[random_below(seed, OFT_COUNT_OF(weights))];
    }
    if (random_below(seed, 4) == 0) {
        world->clauses[index].superseded_from = (oft_instant)random_below(seed, SPAN);
    }
}

static void make_random_world(struct world *world, uint64_t *seed, struct deal_end parts[][2])
{
    static const char *const ids[] = {"c.0", "c.1", "c.2", "c.3", "c.4", "c.5", "c.6", "c.7"};
    uint32_t clause_count = random_below(seed, 8);
    uint32_t i;

    world_init(world);
    for (i = 0; i < 2; i++) {
        if (random_below(seed, 2) == 0) {
            world_attest(world, i, (oft_instant)random_below(seed, SPAN));
        }
    }
    for (i = 0; i < clause_count; i++) {
        add_random_clause(world, seed, ids[i], parts[i]);
    }
    for (i = 0; i < world->deal.pool_count; i++) {
        world->pools[i].reserved = random_below(seed, 3) == 0;
        if (random_below(seed, 3) == 0) {
            world->pools[i].from = random_from(seed);
            world->pools[i].until = random_end(seed, parts[8 + i]);
        }
    }
    for (i = 0; i < world->deal.price_count; i++) {
        if (random_below(seed, 3) == 0) {
            world->prices[i].until = random_end(seed, parts[12 + i]);
        }
    }
    for (i = 0; i < 4; i++) { /* and prices that overlap others */
        (void)world_price(world, "more", random_below(seed, 2) == 0, random_below(seed, 3),
                          random_item(seed, 2), 1 + random_below(seed, 4),
                          (oft_instant)random_below(seed, 6) * 4 + i, /* no two at one instant */
                          random_end(seed, parts[20 + i]));
    }
}

static void compare(const struct world *world, const struct compiled *compiled, uint32_t product,
                    uint32_t model, oft_instant at)
{
    struct expected rows[WORLD_ITEMS];
    uint32_t order[WORLD_ITEMS];
    struct policy_answer answer;
    uint32_t count = slow_decide(world, product, model, at, rows, order);
    uint32_t eligible = 0;
    uint32_t i;

    compiled_decide(compiled, product, world->models[model].name, at, &answer);
    assert_int_equal(answer.eligible_count + answer.barred_count, count);
    for (i = 0; i < count; i++) {
        const struct expected *row = &rows[order[i]];

        assert_int_equal(answer.choices[i].candidate->endpoint, order[i]);
        assert_int_equal(answer.choices[i].reason, row->reason);
        assert_string_equal(choice_clause(compiled, &answer, i), row->clause);
        eligible += row->eligible;
        if (row->eligible) {
            assert_true(answer.choices[i].candidate->effective_price_nanos == row->effective);
        }
    }
    assert_int_equal(answer.eligible_count, eligible);
    if (eligible == 0 && count > 0) {
        const struct policy_clause *clause = &compiled->view.clauses[answer.refusal_clause];

        assert_string_equal(policy_text(&compiled->view, clause->name).data, rows[order[0]].clause);
    } else {
        assert_int_equal(answer.refusal_clause, POLICY_NONE);
    }
}

static void the_compiled_decision_equals_the_slow_one(void **state)
{
    static struct world world;
    struct deal_end parts[32][2];
    struct compiled compiled;
    uint64_t seed = 20250121;
    int deal, query;

    (void)state;
    for (deal = 0; deal < DEALS; deal++) {
        make_random_world(&world, &seed, parts);
        world_compile(&world, &compiled);
        for (query = 0; query < QUERIES_PER_DEAL; query++) {
            oft_instant at = (oft_instant)random_below(&seed, SPAN + 4) - 2;

            compare(&world, &compiled, random_below(&seed, 3), random_below(&seed, 2), at);
        }
        compare(&world, &compiled, API, ZETA, OFT_INSTANT_ALWAYS);
        compare(&world, &compiled, COPILOT, ZETA, OFT_INSTANT_NEVER - 1);
        compiled_release(&compiled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_compiled_decision_equals_the_slow_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
