/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove -- a property of a deal against every decision it can make, now and in all futures.
 *
 * Sets of events are taken in order of their size, regimes in order of time: the first
 * counterexample that is met is the smallest.
 */
#include <string.h>

#include "policy/futures_internal.h"

enum property_kind { PROPERTY_NEVER, PROPERTY_ALWAYS, PROPERTY_ONLY };

struct property {
    enum property_kind kind;
    bool *products; /* by product; likewise below */
    bool *models;
    bool each_model; /* models were named: "always" means each of them */
    bool *accounts;  /* by account, the last for none; NULL: all */
    bool *providers; /* NULL with pools and regions: anywhere */
    bool *pools;
    bool *regions; /* by pool: its region was named */
    bool placed;   /* "on" or "in" was said */
    oft_instant from;
    oft_instant until;
};

struct prover {
    const struct deal *deal;
    struct oft_str text;
    struct property property;
    struct oft_arena arena;
    struct oft_error *reterr;
    /* Of the search. */
    uint32_t happened[FUTURES_EVENTS_MAX];
    uint32_t happened_count;
    uint64_t event_sets;
    uint64_t regimes; /* of the last set */
    uint64_t decisions;
    bool found;
    struct finding {
        oft_instant at;
        uint32_t product, model, account, pool; /* DEAL_NONE where it does not apply */
        struct oft_str clause, source;
        uint32_t happened[FUTURES_EVENTS_MAX];
        uint32_t happened_count;
    } finding;
};

/* ---- the property's words --------------------------------------------------------------------- */

static bool *flags(struct prover *prover, uint32_t count)
{
    return oft_arena_alloc_array(&prover->arena, (size_t)count + 1, sizeof(bool));
}

static enum oft_err bad(struct prover *prover, const char *what, struct oft_str word)
{
    return oft_fail(prover->reterr, OFT_ERR_INVALID,
                    "the property says \"%.*s\", which is %s; see `offtake prove --help`",
                    (int)(word.length > 80 ? 80 : word.length), word.data, what);
}

typedef bool (*mark_fn)(struct prover *prover, struct oft_str word);

/* "a, b, c", each marked by MARK. */
static enum oft_err take_list(struct prover *prover, struct oft_str *text, mark_fn mark,
                              const char *what)
{
    for (;;) {
        struct oft_str before;
        struct oft_str word = policy_next_word(text);

        if (word.length == 0 || !mark(prover, word)) {
            return bad(prover, what, word);
        }
        before = *text;
        word = policy_next_word(text);
        if (!oft_str_is(word, ",")) {
            *text = before;
            return OFT_OK;
        }
    }
}

static bool mark_all(bool *items, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        items[i] = true;
    }
    return true;
}

static bool mark_product(struct prover *prover, struct oft_str word)
{
    static const char *const classes[] = {"inference", "training", "research"};
    const struct deal *deal = prover->deal;
    uint32_t index = deal_find_product(deal, word);
    uint32_t i, k;

    if (oft_str_is(word, "all")) {
        return mark_all(prover->property.products, deal->product_count);
    }
    if (index != DEAL_NONE) {
        prover->property.products[index] = true;
        return true;
    }
    for (k = 0; k < 3; k++) { /* a class, when no product has its name */
        for (i = 0; oft_str_is(word, classes[k]) && i < deal->product_count; i++) {
            prover->property.products[i] =
                prover->property.products[i] ||
                deal->products[i].product_class == (enum deal_product_class)k;
        }
        if (oft_str_is(word, classes[k])) {
            return true;
        }
    }
    return false;
}

static bool mark_model(struct prover *prover, struct oft_str word)
{
    uint32_t index = deal_find_model(prover->deal, word);

    if (oft_str_is(word, "all")) {
        return mark_all(prover->property.models, prover->deal->model_count);
    }
    if (index == DEAL_NONE) {
        return false;
    }
    prover->property.models[index] = true;
    return true;
}

static bool mark_account(struct prover *prover, struct oft_str word)
{
    uint32_t index = deal_find_account(prover->deal, word);

    if (oft_str_is(word, "none")) {
        prover->property.accounts[prover->deal->account_count] = true;
        return true;
    }
    if (index == DEAL_NONE) {
        return false;
    }
    prover->property.accounts[index] = true;
    return true;
}

static bool mark_group(struct prover *prover, struct oft_str word)
{
    const struct deal *deal = prover->deal;
    uint32_t group, i;

    for (group = 0; group < deal->group_count; group++) {
        if (oft_str_is(word, deal->groups[group].name)) {
            break;
        }
    }
    for (i = 0; group < deal->group_count && i < deal->account_count; i++) {
        prover->property.accounts[i] =
            prover->property.accounts[i] || deal_list_has(deal->accounts[i].groups, group);
    }
    return group < deal->group_count;
}

static bool mark_place(struct prover *prover, struct oft_str word)
{
    uint32_t provider = deal_find_provider(prover->deal, word);
    uint32_t pool = deal_find_pool(prover->deal, word);

    if (provider != DEAL_NONE) {
        prover->property.providers[provider] = true;
    }
    if (pool != DEAL_NONE) {
        prover->property.pools[pool] = true;
    }
    return provider != DEAL_NONE || pool != DEAL_NONE;
}

static bool mark_region(struct prover *prover, struct oft_str word)
{
    bool known = false;
    uint32_t i;

    for (i = 0; i < prover->deal->pool_count; i++) {
        if (oft_str_is(word, prover->deal->pools[i].region)) {
            prover->property.regions[i] = true;
            known = true;
        }
    }
    return known;
}

static enum oft_err take_instant(struct prover *prover, struct oft_str *text, oft_instant *ret)
{
    struct oft_str word = policy_next_word(text);

    return oft_instant_parse(word, ret) == OFT_OK ? OFT_OK : bad(prover, "no date", word);
}

/* "2025-01-01..2026-01-01". */
static enum oft_err take_span(struct prover *prover, struct oft_str *text)
{
    struct oft_str word = policy_next_word(text);
    size_t i;

    for (i = 0; i + 1 < word.length; i++) {
        if (word.data[i] == '.' && word.data[i + 1] == '.') {
            struct oft_str first = {word.data, i};
            struct oft_str last = {word.data + i + 2, word.length - i - 2};

            if (oft_instant_parse(first, &prover->property.from) == OFT_OK &&
                oft_instant_parse(last, &prover->property.until) == OFT_OK) {
                return OFT_OK;
            }
        }
    }
    return bad(prover, "no DATE..DATE", word);
}

static enum oft_err take_who(struct prover *prover, struct oft_str *text)
{
    struct oft_str word = policy_next_word(text);

    prover->property.accounts = flags(prover, prover->deal->account_count + 1);
    if (prover->property.accounts == NULL) {
        return oft_fail(prover->reterr, OFT_ERR_MEMORY, "no memory");
    }
    if (oft_str_is(word, "account")) {
        return take_list(prover, text, mark_account, "no account of the deal");
    }
    if (oft_str_is(word, "group")) {
        return take_list(prover, text, mark_group, "no group of the deal");
    }
    return bad(prover, "neither \"account\" nor \"group\"", word);
}

static enum oft_err take_part(struct prover *prover, struct oft_str word, struct oft_str *text)
{
    struct property *property = &prover->property;

    if (oft_str_is(word, "with")) {
        memset(property->models, 0, prover->deal->model_count * sizeof(bool));
        property->each_model = true;
        return take_list(prover, text, mark_model, "no model of the deal");
    }
    if (oft_str_is(word, "for")) {
        return take_who(prover, text);
    }
    if (oft_str_is(word, "on")) {
        property->placed = true;
        return take_list(prover, text, mark_place, "neither a provider nor a pool of the deal");
    }
    if (oft_str_is(word, "in")) {
        property->placed = true;
        return take_list(prover, text, mark_region, "no region of a pool");
    }
    if (oft_str_is(word, "before") || oft_str_is(word, "until")) {
        return take_instant(prover, text, &property->until);
    }
    if (oft_str_is(word, "from") || oft_str_is(word, "after")) {
        return take_instant(prover, text, &property->from);
    }
    if (oft_str_is(word, "during")) {
        return take_span(prover, text);
    }
    return oft_str_is(word, "somewhere") ? OFT_OK : bad(prover, "no part of a property", word);
}

static enum oft_err parse_property(struct prover *prover)
{
    struct property *property = &prover->property;
    struct oft_str text = prover->text;
    struct oft_str word = policy_next_word(&text);
    enum oft_err err;

    property->from = OFT_INSTANT_ALWAYS;
    property->until = OFT_INSTANT_NEVER;
    property->products = flags(prover, prover->deal->product_count);
    property->models = flags(prover, prover->deal->model_count);
    property->providers = flags(prover, prover->deal->provider_count);
    property->pools = flags(prover, prover->deal->pool_count);
    property->regions = flags(prover, prover->deal->pool_count);
    if (property->products == NULL || property->models == NULL || property->providers == NULL ||
        property->pools == NULL || property->regions == NULL) {
        return oft_fail(prover->reterr, OFT_ERR_MEMORY, "no memory");
    }
    (void)mark_all(property->models, prover->deal->model_count);
    if (oft_str_is(word, "always") || oft_str_is(word, "only") || oft_str_is(word, "never")) {
        property->kind = oft_str_is(word, "always") ? PROPERTY_ALWAYS
                         : oft_str_is(word, "only") ? PROPERTY_ONLY
                                                    : PROPERTY_NEVER;
    } else {
        return bad(prover, "none of never, always, only, equivalent", word);
    }
    err = take_list(prover, &text, mark_product, "no product or class of the deal");
    while (err == OFT_OK) {
        word = policy_next_word(&text);
        if (word.length == 0) {
            break;
        }
        err = take_part(prover, word, &text);
    }
    if (err == OFT_OK && property->kind == PROPERTY_ONLY && !property->placed) {
        err = oft_fail(prover->reterr, OFT_ERR_INVALID,
                       "\"only\" needs a place: on PROVIDER, or in REGION");
    }
    if (err == OFT_OK && property->from >= property->until) {
        err = oft_fail(prover->reterr, OFT_ERR_INVALID, "the property is about no time at all");
    }
    return err;
}

/* ---- the search ------------------------------------------------------------------------------- */

static bool is_placed(const struct prover *prover, uint32_t pool)
{
    const struct property *property = &prover->property;

    return !property->placed || property->pools[pool] || property->regions[pool] ||
           property->providers[prover->deal->pools[pool].provider];
}

/* Is an account of this kind meant? *ret_account is one of them. */
static bool kind_meant(const struct prover *prover, const struct policy_future *future,
                       uint32_t kind, uint32_t *ret_account)
{
    const bool *accounts = prover->property.accounts;
    uint32_t i;

    *ret_account = future->kinds.representative[kind];
    if (accounts == NULL) {
        return true;
    }
    for (i = 0; i < prover->deal->account_count; i++) {
        if (accounts[i] && future->kinds.of_account[i] == kind) {
            *ret_account = i;
            return true;
        }
    }
    *ret_account = DEAL_NONE;
    return kind == 0 && accounts[prover->deal->account_count];
}

static void find(struct prover *prover, const struct policy_future *future, uint32_t regime,
                 uint32_t account, uint32_t product, uint32_t model, uint32_t pool, uint32_t clause)
{
    oft_instant from = future->view.regimes[regime].from_ns;
    struct finding *finding = &prover->finding;

    prover->found = true;
    finding->at = from > prover->property.from ? from : prover->property.from;
    finding->account = account;
    finding->product = product;
    finding->model = model;
    finding->pool = pool;
    finding->clause = finding->source = (struct oft_str){"", 0};
    if (clause != POLICY_NONE) { /* the view goes, the words stay */
        struct oft_str name = policy_text(&future->view, future->view.clauses[clause].name);
        struct oft_str source = policy_text(&future->view, future->view.clauses[clause].source);
        const char *copy = oft_arena_copy(&prover->arena, name);

        finding->clause = oft_str_from(copy == NULL ? "" : copy);
        copy = oft_arena_copy(&prover->arena, source);
        finding->source = oft_str_from(copy == NULL ? "" : copy);
    }
    memcpy(finding->happened, prover->happened, sizeof(prover->happened));
    finding->happened_count = prover->happened_count;
}

static uint32_t deal_model(const struct policy_future *future, uint32_t rank)
{
    return deal_find_model(future->deal,
                           policy_text(&future->view, future->view.models[rank].name));
}

/* One model: "never" and "only" look for an eligible pool in the wrong place; the result is whether
 * there is one in a right place. */
static bool look_at_model(struct prover *prover, const struct policy_future *future,
                          uint32_t regime, uint32_t kind, uint32_t account, uint32_t product,
                          uint32_t rank, uint32_t model)
{
    const struct policy_decision *decision =
        policy_future_decision(future, regime, kind, product, rank);
    bool bad_place = prover->property.kind == PROPERTY_NEVER;
    bool any = false;
    uint32_t i;

    prover->decisions += (uint64_t)decision->eligible_count + decision->barred_count;
    for (i = 0; i < decision->eligible_count && !prover->found; i++) {
        const struct policy_candidate *candidate =
            &future->view.candidates[decision->first_candidate + i];
        bool placed = is_placed(prover, candidate->pool);

        any = any || placed;
        if (prover->property.kind != PROPERTY_ALWAYS && placed == bad_place) {
            find(prover, future, regime, account, product, model, candidate->pool,
                 candidate->clause);
        }
    }
    if (prover->property.kind == PROPERTY_ALWAYS && !any && prover->property.each_model &&
        !prover->found) {
        find(prover, future, regime, account, product, model, DEAL_NONE,
             decision->eligible_count > 0 ? POLICY_NONE : decision->refusal_clause);
    }
    return any;
}

static void look_at_product(struct prover *prover, const struct policy_future *future,
                            uint32_t regime, uint32_t kind, uint32_t account, uint32_t product)
{
    bool any = false;
    uint32_t rank;

    for (rank = 0; rank < future->view.model_count && !prover->found; rank++) {
        uint32_t model = deal_model(future, rank);

        if (prover->property.models[model]) {
            any = look_at_model(prover, future, regime, kind, account, product, rank, model) || any;
        }
    }
    if (prover->property.kind == PROPERTY_ALWAYS && !any && !prover->found) {
        const struct policy_decision *decision =
            policy_future_decision(future, regime, kind, product, 0);

        find(prover, future, regime, account, product, DEAL_NONE, DEAL_NONE,
             future->view.model_count > 0 ? decision->refusal_clause : POLICY_NONE);
    }
}

static void look_at_future(struct prover *prover, const struct policy_future *future)
{
    uint32_t regime, kind, product;
    uint32_t account;

    prover->regimes = 0;
    for (regime = 0; regime < future->view.regime_count && !prover->found; regime++) {
        const struct policy_regime *item = &future->view.regimes[regime];

        if (item->from_ns >= prover->property.until || item->until_ns <= prover->property.from) {
            continue;
        }
        prover->regimes++;
        for (product = 0; product < prover->deal->product_count && !prover->found; product++) {
            for (kind = 0;
                 kind < future->kinds.count && prover->property.products[product] && !prover->found;
                 kind++) {
                if (kind_meant(prover, future, kind, &account)) {
                    look_at_product(prover, future, regime, kind, account, product);
                }
            }
        }
    }
}

/* All sets of SIZE events of EVENTS, as bits. */
static enum oft_err look_at_sets(struct prover *prover, const struct policy_open_events *events,
                                 struct deal_attestations attested, unsigned size)
{
    uint32_t set;
    enum oft_err err = OFT_OK;

    for (set = 0; set < (1u << events->count) && err == OFT_OK && !prover->found; set++) {
        struct policy_future future;
        uint32_t i;

        if ((unsigned)__builtin_popcount(set) != size) {
            continue;
        }
        prover->happened_count = 0;
        for (i = 0; i < events->count; i++) {
            if ((set & (1u << i)) != 0) {
                prover->happened[prover->happened_count++] = events->items[i];
            }
        }
        err = policy_future_make(&future, prover->deal, attested, prover->happened,
                                 prover->happened_count, prover->reterr);
        if (err == OFT_OK) {
            prover->event_sets++;
            look_at_future(prover, &future);
        }
        policy_future_release(&future);
    }
    return err;
}

/* ---- the answer ------------------------------------------------------------------------------- */

static void json_string(struct oft_buffer *out, struct oft_str text)
{
    oft_buffer_append_char(out, '"');
    policy_escape_json(out, text);
    oft_buffer_append_char(out, '"');
}

static void json_name(struct oft_buffer *out, const char *member, const char *name)
{
    oft_buffer_printf(out, ",\"%s\":", member);
    if (name == NULL) {
        oft_buffer_append_text(out, "null");
    } else {
        json_string(out, oft_str_from(name));
    }
}

static void print_json(const struct prover *prover, struct oft_buffer *out)
{
    const struct deal *deal = prover->deal;
    const struct finding *it = &prover->finding;
    char when[OFT_INSTANT_TEXT_BYTES];
    uint32_t i;

    oft_buffer_append_text(out, "{\"property\":");
    json_string(out, prover->text);
    oft_buffer_printf(out, ",\"holds\":%s,\"event_sets\":%llu,\"decisions\":%llu",
                      prover->found ? "false" : "true", (unsigned long long)prover->event_sets,
                      (unsigned long long)prover->decisions);
    if (prover->found) {
        oft_buffer_append_text(out, ",\"counterexample\":{\"instant\":");
        json_string(out, oft_str_from(oft_instant_format(it->at, when)));
        json_name(out, "product", deal->products[it->product].name);
        json_name(out, "model", it->model == DEAL_NONE ? NULL : deal->models[it->model].name);
        json_name(out, "account",
                  it->account == DEAL_NONE ? NULL : deal->accounts[it->account].name);
        json_name(out, "pool", it->pool == DEAL_NONE ? NULL : deal->pools[it->pool].name);
        json_name(out, "clause", it->clause.length == 0 ? NULL : it->clause.data);
        json_name(out, "source", it->source.length == 0 ? NULL : it->source.data);
        oft_buffer_append_text(out, ",\"events\":[");
        for (i = 0; i < it->happened_count; i++) {
            oft_buffer_append_text(out, i > 0 ? "," : "");
            json_string(out, oft_str_from(deal->events[it->happened[i]].name));
        }
        oft_buffer_append_text(out, "]}");
    }
    oft_buffer_append_text(out, "}\n");
}

static void print_finding(const struct prover *prover, struct oft_buffer *out)
{
    const struct deal *deal = prover->deal;
    const struct finding *it = &prover->finding;
    char when[OFT_INSTANT_TEXT_BYTES];
    uint32_t i;

    oft_buffer_printf(out, "  at       %s\n  product  %s\n", oft_instant_format_short(it->at, when),
                      deal->products[it->product].name);
    oft_buffer_printf(out, "  model    %s\n",
                      it->model == DEAL_NONE ? "any" : deal->models[it->model].name);
    if (it->account != DEAL_NONE) {
        oft_buffer_printf(out, "  account  %s\n", deal->accounts[it->account].name);
    }
    if (it->pool != DEAL_NONE) {
        oft_buffer_printf(out, "  pool     %s, on %s: eligible\n", deal->pools[it->pool].name,
                          deal->providers[deal->pools[it->pool].provider].name);
    } else {
        oft_buffer_append_text(out, "  pool     none is eligible there\n");
    }
    if (it->clause.length > 0) {
        oft_buffer_printf(out, "  by       %s at %s\n", it->clause.data, it->source.data);
    }
    for (i = 0; i < it->happened_count; i++) {
        oft_buffer_printf(out, "  %s  %s\n", i == 0 ? "once   " : "and    ",
                          deal->events[it->happened[i]].name);
    }
}

static void print_text(const struct prover *prover, struct oft_buffer *out)
{
    oft_buffer_printf(out, "%s: ", prover->found ? "fails" : "holds");
    oft_buffer_append_str(out, prover->text);
    oft_buffer_append_char(out, '\n');
    if (prover->found) {
        print_finding(prover, out);
    }
    oft_buffer_printf(out, "looked at %llu decisions in %llu set%s of events%s\n",
                      (unsigned long long)prover->decisions, (unsigned long long)prover->event_sets,
                      prover->event_sets == 1 ? "" : "s",
                      prover->found ? ", up to this one" : ": all there are");
}

enum oft_err policy_prove(const struct deal *deal, struct deal_attestations attested,
                          struct oft_str property, bool json, struct oft_buffer *out,
                          bool *ret_holds, struct oft_error *reterr)
{
    struct prover prover = {.deal = deal, .text = property, .reterr = reterr};
    struct policy_open_events events;
    enum oft_err err;
    unsigned size;

    oft_arena_init(&prover.arena, (size_t)1 << 24);
    err = parse_property(&prover);
    if (err == OFT_OK) {
        err = policy_open_events(deal, attested, &events, reterr);
    }
    for (size = 0; err == OFT_OK && size <= events.count && !prover.found; size++) {
        err = look_at_sets(&prover, &events, attested, size);
    }
    if (err == OFT_OK) {
        *ret_holds = !prover.found;
        if (json) {
            print_json(&prover, out);
        } else {
            print_text(&prover, out);
        }
    }
    oft_arena_release(&prover.arena);
    return err;
}
