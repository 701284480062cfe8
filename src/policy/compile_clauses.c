/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_clauses -- the clauses section: every clause and price of the deal in one line of words
 * with its place in the text, and the synthetic clauses that decisions need besides.
 *
 * Usage records carry clause ids for years; whatever id a decision can name is given a name here.
 * Words are cut at 200 bytes: they are for people, the deal's text is what binds.
 */
#include "policy/compile_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define SUMMARY_BYTES_MAX 200

static void append_source(struct policy_build *build, struct deal_position position)
{
    const char *path = "deal";
    const char *slash;

    if (position.file < build->deal->file_count) {
        path = build->deal->files[position.file].path;
        slash = strrchr(path, '/');
        path = slash == NULL ? path : slash + 1;
    }
    oft_buffer_printf(&build->scratch, "%s:%u", path, (unsigned)position.line);
}

/* Ends a clause whose summary is in the scratch buffer. */
static void put_clause(struct policy_build *build, struct oft_str name,
                       struct deal_position position)
{
    struct policy_clause clause = {0};

    clause.id = oft_id_of(OFT_ID_CLAUSE, name);
    clause.name = policy_build_text(build, name, "a clause's name");
    clause.summary = policy_build_words(build, oft_str_from(oft_buffer_text(&build->scratch)),
                                        SUMMARY_BYTES_MAX);
    oft_buffer_clear(&build->scratch);
    append_source(build, position);
    clause.source = policy_build_words(build, oft_str_from(oft_buffer_text(&build->scratch)),
                                       SUMMARY_BYTES_MAX);
    oft_buffer_append(&build->sections[POLICY_CLAUSES], &clause, sizeof(clause));
}

static const char *product_name(const struct deal *deal, uint32_t index)
{
    return deal->products[index].name;
}

static const char *model_name(const struct deal *deal, uint32_t index)
{
    return deal->models[index].name;
}

/* "a, b and c"; or ALL for a list of everything. */
static void append_list(struct policy_build *build, struct deal_list list, const char *all,
                        const char *(*name)(const struct deal *deal, uint32_t index))
{
    uint32_t i;

    for (i = 0; i < list.count; i++) {
        if (list.items[i] == DEAL_ALL) {
            oft_buffer_append_text(&build->scratch, all);
            return;
        }
    }
    for (i = 0; i < list.count; i++) {
        if (i > 0) {
            oft_buffer_append_text(&build->scratch, i + 1 == list.count ? " and " : ", ");
        }
        oft_buffer_append_text(&build->scratch, name(build->deal, list.items[i]));
    }
}

/* 200,000,000 parts per billion are "20%". */
static void append_rate(struct policy_build *build, int64_t rate_ppb)
{
    char digits[16];
    int64_t fraction = rate_ppb % 10000000;
    unsigned length = 7;
    unsigned i;

    oft_buffer_printf(&build->scratch, "%lld", (long long)(rate_ppb / 10000000));
    if (fraction > 0) {
        for (i = 7; i > 0; i--) {
            digits[i - 1] = (char)('0' + fraction % 10);
            fraction /= 10;
        }
        while (digits[length - 1] == '0') {
            length--;
        }
        oft_buffer_append_char(&build->scratch, '.');
        oft_buffer_append(&build->scratch, digits, length);
    }
    oft_buffer_append_char(&build->scratch, '%');
}

static void append_interval(struct policy_build *build, oft_instant from, oft_instant until)
{
    char text[OFT_INSTANT_TEXT_BYTES];

    if (from != OFT_INSTANT_ALWAYS) {
        oft_buffer_printf(&build->scratch, ", from %s", oft_instant_format_short(from, text));
    }
    if (until != OFT_INSTANT_NEVER) {
        oft_buffer_printf(&build->scratch, "%s until %s", from == OFT_INSTANT_ALWAYS ? "," : "",
                          oft_instant_format_short(until, text));
    }
}

static void append_commit(struct policy_build *build, const struct deal_commit *commit)
{
    static const char *const models[] = {
        [DEAL_COMMIT_BUILD_UP] = "build-up",
        [DEAL_COMMIT_BURN_DOWN] = "burn-down",
        [DEAL_COMMIT_TAKE_OR_PAY] = "take-or-pay",
    };
    char amount[OFT_NANOS_TEXT_BYTES];

    oft_buffer_printf(&build->scratch, "%s %s committed on %s, %s, counting ",
                      oft_nanos_format_grouped(commit->amount_nanos, amount), build->deal->currency,
                      build->deal->providers[commit->provider].name, models[commit->model]);
    append_list(build, commit->products, "all products", product_name);
    append_interval(build, commit->period_from, commit->period_until);
}

static void append_share(struct policy_build *build, const struct deal_share *share)
{
    if (share->rate_ppb < 0) {
        oft_buffer_append_text(&build->scratch, "a tiered share");
    } else {
        append_rate(build, share->rate_ppb);
    }
    if (share->base == DEAL_BASE_SHARE) {
        oft_buffer_printf(&build->scratch, " of share %s",
                          build->deal->clauses[share->base_clause].id);
    } else {
        oft_buffer_append_text(&build->scratch, " of revenue from ");
        append_list(build, share->products, "all products", product_name);
    }
    oft_buffer_printf(&build->scratch, " owed by %s to %s",
                      build->deal->parties[share->payer_party].name,
                      build->deal->parties[share->payee_party].name);
}

/* ", or earlier by agi": events that nobody has attested and that would end it. */
static void append_open_events(struct policy_build *build, const struct deal_end *end)
{
    uint32_t i;

    if (end->kind == DEAL_END_EVENT &&
        deal_end_instant(end, build->input->attested) == OFT_INSTANT_NEVER) {
        oft_buffer_printf(&build->scratch, ", ends by %s", build->deal->events[end->event].name);
    }
    for (i = 0; end->kind == DEAL_END_EARLIEST && i < end->part_count; i++) {
        append_open_events(build, &end->parts[i]);
    }
}

static const char *account_name(const struct deal *deal, uint32_t index)
{
    return deal->accounts[index].name;
}

static const char *group_name(const struct deal *deal, uint32_t index)
{
    return deal->groups[index].name;
}

static const char *surface_name(const struct deal *deal, uint32_t index)
{
    return deal->surfaces[index].name;
}

static const char *field_name(const struct deal *deal, uint32_t index)
{
    return deal->fields[index].name;
}

static void append_exclusive(struct policy_build *build, const struct deal_exclusive *exclusive)
{
    bool single = exclusive->products.count == 1 && exclusive->products.items[0] != DEAL_ALL;

    append_list(build, exclusive->products, "all products", product_name);
    oft_buffer_printf(&build->scratch, " %s on %s only", single ? "runs" : "run",
                      build->deal->providers[exclusive->provider].name);
    if (exclusive->surfaces.count > 0) {
        oft_buffer_append_text(&build->scratch, " when sold through ");
        append_list(build, exclusive->surfaces, "any surface", surface_name);
    }
    if (exclusive->except_groups.count > 0) {
        oft_buffer_append_text(&build->scratch, ", but for ");
        append_list(build, exclusive->except_groups, "all groups", group_name);
    }
}

static void append_residency(struct policy_build *build, const struct deal_residency *residency)
{
    uint32_t i;

    if (residency->subject == SYMBOL_PRODUCT) {
        append_list(build, residency->items, "all products", product_name);
    } else {
        oft_buffer_append_text(&build->scratch,
                               residency->subject == SYMBOL_GROUP ? "group " : "account ");
        append_list(build, residency->items, "all",
                    residency->subject == SYMBOL_GROUP ? group_name : account_name);
    }
    oft_buffer_append_text(&build->scratch, " only in ");
    for (i = 0; i < residency->regions.count; i++) {
        oft_buffer_printf(&build->scratch, "%s%s", i > 0 ? ", " : "", residency->regions.items[i]);
    }
}

static void append_license(struct policy_build *build, const struct deal_license *license)
{
    append_list(build, license->models, "all models", model_name);
    oft_buffer_printf(&build->scratch, " licensed%s to %s for ",
                      license->exclusive ? " exclusively" : "",
                      build->deal->parties[license->licensee_party].name);
    append_list(build, license->products, "all products", product_name);
    if (license->except_fields.count > 0) {
        oft_buffer_append_text(&build->scratch, ", but for ");
        append_list(build, license->except_fields, "all fields", field_name);
    }
}

static void append_condition(struct policy_build *build, const struct deal_condition *condition,
                             bool inner)
{
    uint32_t i;

    if (condition->kind == DEAL_CONDITION_EVENT) {
        oft_buffer_append_text(&build->scratch, build->deal->events[condition->event].name);
        return;
    }
    oft_buffer_append_text(&build->scratch, inner ? "(" : "");
    for (i = 0; i < condition->part_count; i++) {
        oft_buffer_append_text(&build->scratch, i == 0                                  ? ""
                                                : condition->kind == DEAL_CONDITION_AND ? " and "
                                                                                        : " or ");
        append_condition(build, &condition->parts[i], true);
    }
    oft_buffer_append_text(&build->scratch, inner ? ")" : "");
}

static void append_primary(struct policy_build *build, const struct deal_primary *primary)
{
    append_list(build, primary->products, "all products", product_name);
    oft_buffer_printf(&build->scratch, ": %s is the primary cloud",
                      build->deal->providers[primary->provider].name);
    if (primary->ship_first) {
        oft_buffer_append_text(&build->scratch, ", ships first");
        if (primary->lead.count > 0) {
            oft_buffer_printf(&build->scratch, " by %u %s%s", (unsigned)primary->lead.count,
                              deal_duration_unit_text(primary->lead.unit),
                              primary->lead.count == 1 ? "" : "s");
        }
        if (primary->has_unless) {
            oft_buffer_append_text(&build->scratch, ", unless ");
            append_condition(build, &primary->unless, false);
        }
    }
    oft_buffer_append_text(&build->scratch, primary->prefer ? ", preferred" : "");
}

static void append_ceiling(struct policy_build *build, const struct deal_ceiling *ceiling)
{
    char amount[OFT_NANOS_TEXT_BYTES];

    oft_buffer_printf(&build->scratch, "at most %s %s a %s is spent on %s",
                      oft_nanos_format(ceiling->amount_nanos, amount), build->deal->currency,
                      ceiling->period == DEAL_BUDGET_DAY ? "day" : "month",
                      build->deal->providers[ceiling->provider].name);
}

static void append_summary(struct policy_build *build, const struct deal_clause *clause)
{
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        append_exclusive(build, &clause->as.exclusive);
        break;
    case DEAL_CLAUSE_RESIDENCY:
        append_residency(build, &clause->as.residency);
        break;
    case DEAL_CLAUSE_COMMIT:
        append_commit(build, &clause->as.commit);
        return; /* its period is what binds, not the clause's interval */
    case DEAL_CLAUSE_SHARE:
        append_share(build, &clause->as.share);
        break;
    case DEAL_CLAUSE_LICENSE:
        append_license(build, &clause->as.license);
        break;
    case DEAL_CLAUSE_PRIMARY:
        append_primary(build, &clause->as.primary);
        break;
    case DEAL_CLAUSE_CEILING:
        append_ceiling(build, &clause->as.ceiling);
        break;
    default:
        oft_buffer_append_text(&build->scratch, clause->text);
        break;
    }
    append_interval(build, clause->from, deal_clause_until(clause, build->input->attested));
    append_open_events(build, &clause->until);
}

static void append_price(struct policy_build *build, const struct deal_price *price)
{
    char input[OFT_NANOS_TEXT_BYTES];
    char output[OFT_NANOS_TEXT_BYTES];
    const struct deal *deal = build->deal;

    oft_buffer_printf(&build->scratch, "%s price of %s %s %s", price->is_sale ? "sale" : "cost",
                      price->model == DEAL_ALL ? "every model" : deal->models[price->model].name,
                      price->is_sale ? "for" : "on",
                      price->is_sale ? deal->products[price->owner].name
                                     : deal->pools[price->owner].name);
    if (price->variant != DEAL_STANDARD) {
        oft_buffer_printf(&build->scratch, ", %s", deal_variant_text(price->variant));
    }
    if (price->above_tokens > 0) {
        oft_buffer_printf(&build->scratch, ", above %llu input tokens",
                          (unsigned long long)price->above_tokens);
    }
    oft_buffer_printf(&build->scratch, ": input %s, output %s %s per 1M tokens",
                      oft_nanos_format(price->per_million_nanos[DEAL_UNIT_INPUT], input),
                      oft_nanos_format(price->per_million_nanos[DEAL_UNIT_OUTPUT], output),
                      deal->currency);
    append_interval(build, price->from, deal_end_instant(&price->until, build->input->attested));
}

void policy_build_clauses(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    uint32_t i;

    for (i = 0; i < deal->clause_count; i++) {
        oft_buffer_clear(&build->scratch);
        append_summary(build, &deal->clauses[i]);
        put_clause(build, oft_str_from(deal->clauses[i].id), deal->clauses[i].position);
    }
    for (i = 0; i < deal->price_count; i++) {
        oft_buffer_clear(&build->scratch);
        append_price(build, &deal->prices[i]);
        put_clause(build, oft_str_from(deal->prices[i].id), deal->prices[i].position);
    }
}

/* Where the index of a synthetic clause is kept. */
static uint32_t *place_of(struct policy_build *build, struct policy_ground ground)
{
    switch (ground.kind) {
    case POLICY_GROUND_SERVES:
        return &build->clause_of_serve[ground.a];
    case POLICY_GROUND_WINDOW:
        return &build->clause_of_window[ground.a];
    case POLICY_GROUND_COST:
        return &build->clause_of_cost[ground.a];
    case POLICY_GROUND_SALE:
        return &build->clause_of_sale[(size_t)ground.a * build->deal->model_count + ground.b];
    case POLICY_GROUND_LICENSE:
        return &build->clause_of_license[ground.a];
    case POLICY_GROUND_CLAUSE:
        break;
    }
    return NULL;
}

/* The summary goes into the scratch buffer, the name into NAME; returns where it stands. */
static struct deal_position word_ground(struct policy_build *build, struct policy_ground ground,
                                        char *name, size_t name_bytes)
{
    const struct deal *deal = build->deal;
    struct oft_buffer *words = &build->scratch;
    const struct deal_serve *serve;
    const struct deal_pool *pool;
    const char *model;

    oft_buffer_clear(words);
    if (ground.kind == POLICY_GROUND_LICENSE) {
        const struct deal_party *party = &deal->parties[ground.a];

        (void)snprintf(name, name_bytes, "license.%s", party->name);
        oft_buffer_printf(words, "no licence to %s exists in this deal", party->name);
        return party->position;
    }
    if (ground.kind == POLICY_GROUND_WINDOW) {
        pool = &deal->pools[ground.a];
        (void)snprintf(name, name_bytes, "%s.available", pool->name);
        oft_buffer_printf(words, "%s may be used", pool->name);
        append_interval(build, pool->from, deal_end_instant(&pool->until, build->input->attested));
        return pool->position;
    }
    if (ground.kind == POLICY_GROUND_SALE) {
        const struct deal_product *product = &deal->products[ground.a];

        model = deal->models[ground.b].name;
        (void)snprintf(name, name_bytes, "%s.price.%s", product->name, model);
        oft_buffer_printf(words, "%s has no sale price for %s in force", product->name, model);
        return product->position;
    }
    serve = &deal->serves[ground.a];
    pool = &deal->pools[serve->pool];
    model = deal->models[serve->model].name;
    if (ground.kind == POLICY_GROUND_COST) {
        (void)snprintf(name, name_bytes, "%s.price.%s", pool->name, model);
        oft_buffer_printf(words, "%s has no cost price for %s in force", pool->name, model);
    } else {
        (void)snprintf(name, name_bytes, "%s.serves.%s", pool->name, model);
        oft_buffer_printf(words, "%s serves %s", pool->name, model);
    }
    return serve->position;
}

uint32_t policy_build_ground(struct policy_build *build, struct policy_ground ground)
{
    uint32_t *place = place_of(build, ground);
    struct deal_position position;
    char name[OFT_CLAUSE_ID_BYTES_MAX * 4];

    if (place == NULL) {
        return ground.a; /* a clause of the deal keeps its index */
    }
    if (*place == POLICY_NONE) {
        *place = (uint32_t)(build->sections[POLICY_CLAUSES].length / sizeof(struct policy_clause));
        position = word_ground(build, ground, name, sizeof(name));
        put_clause(build, oft_str_from(name), position);
    }
    return *place;
}
