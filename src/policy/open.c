/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open -- proves a snapshot's bytes once, so that the look-ups need no checks. Edge.
 *
 * The layout is canonical: sections stand in their order, each at the first 16-aligned offset after
 * the one before, and the strings end the file. The checksum is against accidents, not against
 * malice: every count, index, order and string is checked as if the checksum said nothing.
 */
#include "policy/decide.h"

#include <string.h>

#include "base/hash.h"

#define CHECKED_FROM (offsetof(struct policy_header, crc32c) + sizeof(uint32_t))

static const uint32_t item_bytes[POLICY_SECTION_COUNT] = {
    [POLICY_REGIMES] = sizeof(struct policy_regime),
    [POLICY_ROWS] = sizeof(uint32_t),
    [POLICY_DECISIONS] = sizeof(struct policy_decision),
    [POLICY_CANDIDATES] = sizeof(struct policy_candidate),
    [POLICY_PRODUCTS] = sizeof(struct policy_name),
    [POLICY_MODELS] = sizeof(struct policy_name),
    [POLICY_ACCOUNTS] = sizeof(struct policy_account),
    [POLICY_POOLS] = sizeof(struct policy_pool),
    [POLICY_ENDPOINTS] = sizeof(struct policy_endpoint),
    [POLICY_CLAUSES] = sizeof(struct policy_clause),
    [POLICY_KEY_SLOTS] = sizeof(struct policy_key),
    [POLICY_LIMITS] = sizeof(struct policy_limit),
    [POLICY_LIMIT_OF] = sizeof(uint32_t),
    [POLICY_CEILINGS] = sizeof(struct policy_ceiling),
    [POLICY_PRICES] = sizeof(struct policy_price),
    [POLICY_PRICE_OF] = sizeof(struct policy_price_span),
    [POLICY_OUTPUTS] = sizeof(uint32_t),
    [POLICY_DAYS] = sizeof(struct policy_period),
    [POLICY_MONTHS] = sizeof(struct policy_period),
    [POLICY_CREDENTIALS] = sizeof(struct policy_credential),
    [POLICY_PASSES] = sizeof(struct policy_pass),
    [POLICY_STRINGS] = 1,
};

static enum oft_err corrupt(struct oft_error *reterr, const char *what, uint64_t index)
{
    return oft_fail(reterr, OFT_ERR_CORRUPT,
                    "the policy snapshot is damaged: %s (item %llu); publish it again with "
                    "'offtake reload'",
                    what, (unsigned long long)index);
}

static enum oft_err check_header(const struct policy_header *header, size_t length,
                                 struct oft_error *reterr)
{
    if (header->magic != POLICY_MAGIC) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "this is not a policy snapshot: wrong magic");
    }
    if (header->version != POLICY_FORMAT_VERSION) {
        return oft_fail(reterr, OFT_ERR_VERSION,
                        "the policy snapshot has format %u and this program reads format %u; let "
                        "the same version of offtake publish it",
                        (unsigned)header->version, (unsigned)POLICY_FORMAT_VERSION);
    }
    if (header->header_bytes != sizeof(*header) || header->flags != 0 || header->reserved != 0) {
        return corrupt(reterr, "the header's size or flags", 0);
    }
    if (header->total_bytes != length) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the policy snapshot is cut or has grown: its header says %llu bytes, "
                        "there are %llu",
                        (unsigned long long)header->total_bytes, (unsigned long long)length);
    }
    if (oft_crc32c(0, (const uint8_t *)header + CHECKED_FROM, length - CHECKED_FROM) !=
        header->crc32c) {
        return corrupt(reterr, "its checksum does not match", 0);
    }
    if (header->generation == 0) {
        return corrupt(reterr, "generation 0", 0);
    }
    return OFT_OK;
}

static enum oft_err check_sections(const struct policy_header *header, struct oft_error *reterr)
{
    uint64_t expected = sizeof(*header);
    unsigned section;

    for (section = 0; section < POLICY_SECTION_COUNT; section++) {
        const struct policy_section_ref *ref = &header->sections[section];

        expected = (expected + 15) & ~UINT64_C(15);
        if (ref->offset != expected || expected > header->total_bytes ||
            ref->count > (header->total_bytes - expected) / item_bytes[section]) {
            return corrupt(reterr, "a section lies outside the file", section);
        }
        expected += ref->count * item_bytes[section];
    }
    if (expected != header->total_bytes) {
        return corrupt(reterr, "bytes after the last section", 0);
    }
    return OFT_OK;
}

static const void *section_at(const struct policy_header *header, enum policy_section section)
{
    return (const uint8_t *)header + header->sections[section].offset;
}

/* Counts fit 32 bits: a snapshot is at most OFT_SNAPSHOT_BYTES_MAX bytes. */
static uint32_t count_of(const struct policy_header *header, enum policy_section section)
{
    return (uint32_t)header->sections[section].count;
}

static void fill_view(struct policy_view *view, const struct policy_header *header)
{
    view->bytes = (const uint8_t *)header;
    view->header = header;
    view->regimes = section_at(header, POLICY_REGIMES);
    view->rows = section_at(header, POLICY_ROWS);
    view->decisions = section_at(header, POLICY_DECISIONS);
    view->candidates = section_at(header, POLICY_CANDIDATES);
    view->products = section_at(header, POLICY_PRODUCTS);
    view->models = section_at(header, POLICY_MODELS);
    view->accounts = section_at(header, POLICY_ACCOUNTS);
    view->pools = section_at(header, POLICY_POOLS);
    view->endpoints = section_at(header, POLICY_ENDPOINTS);
    view->clauses = section_at(header, POLICY_CLAUSES);
    view->key_slots = section_at(header, POLICY_KEY_SLOTS);
    view->limits = section_at(header, POLICY_LIMITS);
    view->limit_of = section_at(header, POLICY_LIMIT_OF);
    view->ceilings = section_at(header, POLICY_CEILINGS);
    view->prices = section_at(header, POLICY_PRICES);
    view->price_of = section_at(header, POLICY_PRICE_OF);
    view->outputs = section_at(header, POLICY_OUTPUTS);
    view->days = section_at(header, POLICY_DAYS);
    view->months = section_at(header, POLICY_MONTHS);
    view->credentials = section_at(header, POLICY_CREDENTIALS);
    view->passes = section_at(header, POLICY_PASSES);
    view->strings = section_at(header, POLICY_STRINGS);
    view->regime_count = count_of(header, POLICY_REGIMES);
    view->kind_count = header->kind_count;
    view->row_count = count_of(header, POLICY_ROWS);
    view->decision_count = count_of(header, POLICY_DECISIONS);
    view->candidate_count = count_of(header, POLICY_CANDIDATES);
    view->product_count = count_of(header, POLICY_PRODUCTS);
    view->model_count = count_of(header, POLICY_MODELS);
    view->account_count = count_of(header, POLICY_ACCOUNTS);
    view->pool_count = count_of(header, POLICY_POOLS);
    view->endpoint_count = count_of(header, POLICY_ENDPOINTS);
    view->clause_count = count_of(header, POLICY_CLAUSES);
    view->limit_count = count_of(header, POLICY_LIMITS);
    view->ceiling_count = count_of(header, POLICY_CEILINGS);
    view->price_count = count_of(header, POLICY_PRICES);
    view->day_count = count_of(header, POLICY_DAYS);
    view->month_count = count_of(header, POLICY_MONTHS);
    view->credential_count = count_of(header, POLICY_CREDENTIALS);
    view->pass_count = count_of(header, POLICY_PASSES);
    view->key_slot_count = header->sections[POLICY_KEY_SLOTS].count;
}

/* In bounds, NUL-terminated, and without a control character: such a string may go into a request
 * line, a header or a log as it is. */
static bool text_sound(const struct policy_view *view, struct policy_text text)
{
    uint64_t limit = view->header->sections[POLICY_STRINGS].count;
    const char *data;
    uint32_t i;

    if (text.length > POLICY_TEXT_BYTES_MAX || (uint64_t)text.offset + text.length >= limit) {
        return false;
    }
    data = view->strings + text.offset;
    for (i = 0; i < text.length; i++) {
        if ((unsigned char)data[i] < 0x20 || data[i] == 0x7f) {
            return false;
        }
    }
    return data[text.length] == '\0';
}

static enum oft_err check_names(const struct policy_view *view, const struct policy_name *names,
                                uint32_t count, const char *what, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (names[i].id == 0 || names[i].name.length == 0 || !text_sound(view, names[i].name)) {
            return corrupt(reterr, what, i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_accounts(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->account_count; i++) {
        const struct policy_account *account = &view->accounts[i];

        if (account->id == 0 || account->name.length == 0 || account->reserved != 0 ||
            account->kind >= view->kind_count || !text_sound(view, account->name)) {
            return corrupt(reterr, "an account", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_model_order(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 1; i < view->model_count; i++) {
        struct oft_str before = policy_text(view, view->models[i - 1].name);
        struct oft_str after = policy_text(view, view->models[i].name);
        size_t shorter = before.length < after.length ? before.length : after.length;
        int order = memcmp(before.data, after.data, shorter);

        if (order > 0 || (order == 0 && before.length >= after.length)) {
            return corrupt(reterr, "models out of order", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_regimes(const struct policy_view *view, struct oft_error *reterr)
{
    int64_t expected = INT64_MIN;
    uint32_t i;

    for (i = 0; i < view->regime_count; i++) {
        if (view->regimes[i].from_ns != expected || view->regimes[i].until_ns <= expected) {
            return corrupt(reterr, "regimes do not join", i);
        }
        expected = view->regimes[i].until_ns;
    }
    if (view->regime_count == 0 || expected != INT64_MAX) {
        return corrupt(reterr, "regimes do not cover all of time", i);
    }
    return OFT_OK;
}

static enum oft_err check_pools(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->pool_count; i++) {
        const struct policy_pool *pool = &view->pools[i];

        if (pool->id == 0 || pool->name.length == 0 || pool->flags > 1 ||
            !text_sound(view, pool->name) || !text_sound(view, pool->provider) ||
            !text_sound(view, pool->region)) {
            return corrupt(reterr, "a pool", i);
        }
    }
    return OFT_OK;
}

static bool addresses_sound(const struct policy_endpoint *endpoint)
{
    uint32_t i;

    if (endpoint->address_count > OFT_ADDRESSES_PER_ENDPOINT_MAX) {
        return false;
    }
    for (i = 0; i < endpoint->address_count; i++) {
        const struct policy_address *address = &endpoint->addresses[i];

        if ((address->family != 4 && address->family != 6) || address->port == 0) {
            return false;
        }
    }
    return true;
}

static enum oft_err check_endpoints(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->endpoint_count; i++) {
        const struct policy_endpoint *endpoint = &view->endpoints[i];

        if (endpoint->pool >= view->pool_count || endpoint->model >= view->model_count ||
            endpoint->kind >= POLICY_KIND_COUNT || endpoint->tls > 1 ||
            endpoint->credential_count > OFT_KEYS_PER_ENDPOINT_MAX ||
            (uint64_t)endpoint->credential + endpoint->credential_count > view->credential_count ||
            endpoint->host.length == 0 || !addresses_sound(endpoint) ||
            !text_sound(view, endpoint->upstream_model) ||
            !text_sound(view, endpoint->deployment) || !text_sound(view, endpoint->host) ||
            !text_sound(view, endpoint->host_header) || !text_sound(view, endpoint->path_prefix) ||
            !text_sound(view, endpoint->api_version) || !text_sound(view, endpoint->ca_file) ||
            !text_sound(view, endpoint->signing_region)) {
            return corrupt(reterr, "an endpoint", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_credentials(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->credential_count; i++) {
        if (view->credentials[i].id == 0 || view->credentials[i].reserved != 0) {
            return corrupt(reterr, "a credential", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_passes(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->pass_count; i++) {
        const struct policy_pass *pass = &view->passes[i];

        if (pass->product >= view->product_count || pass->pattern.length == 0 ||
            !text_sound(view, pass->pattern) ||
            (i > 0 && pass->product < view->passes[i - 1].product)) {
            return corrupt(reterr, "a path that passes", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_clauses(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->clause_count; i++) {
        const struct policy_clause *clause = &view->clauses[i];

        if (clause->id == 0 || clause->name.length == 0 || !text_sound(view, clause->name) ||
            !text_sound(view, clause->summary) || !text_sound(view, clause->source)) {
            return corrupt(reterr, "a clause", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_candidates(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->candidate_count; i++) {
        const struct policy_candidate *candidate = &view->candidates[i];

        if (candidate->endpoint >= view->endpoint_count || candidate->pool >= view->pool_count ||
            candidate->clause >= view->clause_count || candidate->reason < POLICY_ALLOWED_BY_POOL ||
            candidate->reason > POLICY_BARRED_NO_PRICE || candidate->effective_price_nanos < 0 ||
            (candidate->flags & 0xffu) > POLICY_CANDIDATE_FLAGS_MAX ||
            POLICY_CANDIDATE_KIND(candidate->flags) != view->endpoints[candidate->endpoint].kind ||
            view->endpoints[candidate->endpoint].pool != candidate->pool) {
            return corrupt(reterr, "a candidate", i);
        }
    }
    return OFT_OK;
}

/* Reserved before others, preferred before others: 0 stands first. */
static unsigned rank_of(const struct policy_candidate *item)
{
    return ((item->flags & POLICY_CANDIDATE_RESERVED) != 0 ? 0 : 2) +
           ((item->flags & POLICY_CANDIDATE_PREFERRED) != 0 ? 0 : 1);
}

/* The candidates of one decision: all of MODEL; first the eligible ones, in order, then the barred. */
static bool decision_sound(const struct policy_view *view, const struct policy_decision *decision,
                           uint32_t model)
{
    uint32_t count = (uint32_t)decision->eligible_count + decision->barred_count;
    const struct policy_candidate *items;
    uint32_t i;

    if (count > OFT_POOLS_PER_DECISION_MAX ||
        (uint64_t)decision->first_candidate + count > view->candidate_count ||
        decision->reserved != 0) {
        return false;
    }
    /* A refusal names its clause whenever there is anything to name. */
    if (decision->eligible_count == 0 && decision->barred_count > 0
            ? decision->refusal_clause >= view->clause_count
            : decision->refusal_clause != POLICY_NONE) {
        return false;
    }
    items = view->candidates + decision->first_candidate;
    for (i = 0; i < count; i++) {
        bool barred = items[i].reason >= POLICY_BARRED_BY_EXCLUSIVE;

        if (view->endpoints[items[i].endpoint].model != model ||
            barred != (i >= decision->eligible_count)) {
            return false;
        }
        if ((items[i].flags & POLICY_CANDIDATE_EQUAL) != 0 &&
            (i == 0 || barred || rank_of(&items[i]) != rank_of(&items[i - 1]) ||
             items[i].effective_price_nanos != items[i - 1].effective_price_nanos)) {
            return false;
        }
        if (i > 0 && !barred &&
            (rank_of(&items[i]) < rank_of(&items[i - 1]) ||
             (rank_of(&items[i]) == rank_of(&items[i - 1]) &&
              items[i].effective_price_nanos < items[i - 1].effective_price_nanos))) {
            return false;
        }
    }
    return true;
}

static enum oft_err check_rows(const struct policy_view *view, struct oft_error *reterr)
{
    /* Counts are below 2^28, kind_count below 2^32: each product is looked at before the next. */
    uint64_t rows = (uint64_t)view->regime_count * view->kind_count;
    uint64_t stored = view->model_count == 0 ? 0 : view->decision_count / view->model_count;
    uint32_t i;

    if (view->kind_count == 0 || rows > OFT_SNAPSHOT_BYTES_MAX ||
        rows * view->product_count != view->row_count) {
        return corrupt(reterr, "the number of rows", view->row_count);
    }
    if (stored * view->model_count != view->decision_count) {
        return corrupt(reterr, "the number of decisions", view->decision_count);
    }
    for (i = 0; i < view->row_count; i++) {
        if (view->rows[i] >= stored && view->model_count > 0) {
            return corrupt(reterr, "a row", i);
        }
    }
    return OFT_OK;
}

static enum oft_err check_decisions(const struct policy_view *view, struct oft_error *reterr)
{
    uint32_t i;

    for (i = 0; i < view->decision_count; i++) {
        if (!decision_sound(view, &view->decisions[i], i % view->model_count)) {
            return corrupt(reterr, "a decision", i);
        }
    }
    return OFT_OK;
}

/* ---- limits and prices ----------------------------------------------------------------------- */

static bool limit_sound(const struct policy_view *view, uint32_t limit)
{
    return limit == POLICY_NONE || limit < view->limit_count;
}

static enum oft_err check_limits(const struct policy_view *view, struct oft_error *reterr)
{
    uint64_t holders = (uint64_t)view->product_count + view->account_count + view->pool_count;
    uint32_t i;

    for (i = 0; i < view->limit_count; i++) {
        const struct policy_limit *limit = &view->limits[i];

        if (limit->id == 0 || limit->name.length == 0 || !text_sound(view, limit->name) ||
            limit->budget_nanos[0] < 0 || limit->budget_nanos[1] < 0 ||
            (limit->clause != POLICY_NONE && limit->clause >= view->clause_count)) {
            return corrupt(reterr, "a limit", i);
        }
    }
    if (view->header->sections[POLICY_LIMIT_OF].count != holders) {
        return corrupt(reterr, "the number of limits", holders);
    }
    for (i = 0; i < holders; i++) {
        if (!limit_sound(view, view->limit_of[i])) {
            return corrupt(reterr, "whose limit it is", i);
        }
    }
    for (i = 0; i < view->ceiling_count; i++) {
        const struct policy_ceiling *ceiling = &view->ceilings[i];

        if (ceiling->pool >= view->pool_count || ceiling->limit >= view->limit_count ||
            (i > 0 && ceiling->pool < view->ceilings[i - 1].pool)) {
            return corrupt(reterr, "a ceiling", i);
        }
    }
    return OFT_OK;
}

static bool range_sound(const struct policy_view *view, struct policy_price_span range)
{
    uint32_t i;

    if ((uint64_t)range.first + range.count > view->price_count) {
        return false;
    }
    for (i = 1; i < range.count; i++) {
        const struct policy_price *price = &view->prices[range.first + i];

        if (price->from_ns < price[-1].until_ns) {
            return false;
        }
    }
    return true;
}

static enum oft_err check_prices(const struct policy_view *view, struct oft_error *reterr)
{
    uint64_t ranges = (uint64_t)view->product_count * view->model_count + view->endpoint_count +
                      view->product_count + view->pool_count;
    uint32_t i, unit;

    for (i = 0; i < view->price_count; i++) {
        const struct policy_price *price = &view->prices[i];

        for (unit = 0; unit < POLICY_PRICE_UNITS; unit++) {
            if (price->per_million_nanos[unit] < 0) {
                return corrupt(reterr, "a price", i);
            }
        }
        if (price->from_ns >= price->until_ns) {
            return corrupt(reterr, "a price", i);
        }
    }
    if (view->header->sections[POLICY_PRICE_OF].count != ranges) {
        return corrupt(reterr, "the number of prices", ranges);
    }
    for (i = 0; i < ranges; i++) {
        if (!range_sound(view, view->price_of[i])) {
            return corrupt(reterr, "whose price it is", i);
        }
    }
    if (view->header->sections[POLICY_OUTPUTS].count != view->model_count) {
        return corrupt(reterr, "the number of output limits", view->model_count);
    }
    return OFT_OK;
}

static enum oft_err check_periods(const struct policy_period *periods, uint32_t count,
                                  struct oft_error *reterr)
{
    uint32_t i;

    for (i = 1; i < count; i++) {
        if (periods[i].from_ns <= periods[i - 1].from_ns ||
            periods[i].number != periods[i - 1].number + 1) {
            return corrupt(reterr, "a day or month", i);
        }
    }
    return count == 0 ? corrupt(reterr, "no days or months", 0) : OFT_OK;
}

static enum oft_err check_keys(const struct policy_view *view, struct oft_error *reterr)
{
    static const struct policy_key empty;
    uint64_t used = 0;
    uint64_t i;

    if (view->key_slot_count == 0 || (view->key_slot_count & (view->key_slot_count - 1)) != 0) {
        return corrupt(reterr, "the size of the key table", view->key_slot_count);
    }
    for (i = 0; i < view->key_slot_count; i++) {
        const struct policy_key *key = &view->key_slots[i];

        if (memcmp(key->sha256, empty.sha256, sizeof(key->sha256)) == 0) {
            if (memcmp(key, &empty, sizeof(empty)) != 0) {
                return corrupt(reterr, "a key slot that should be empty", i);
            }
            continue;
        }
        used++;
        if (key->account >= view->account_count || key->product >= view->product_count ||
            !limit_sound(view, key->limit) || key->reserved != 0) {
            return corrupt(reterr, "a key", i);
        }
    }
    /* With an empty slot every search ends; with half of them empty it ends soon. */
    if (used > view->key_slot_count / 2) {
        return corrupt(reterr, "a key table more than half full", used);
    }
    return OFT_OK;
}

static enum oft_err check_things(const struct policy_view *view, struct oft_error *reterr)
{
    enum oft_err err;

    if ((err = check_regimes(view, reterr)) != OFT_OK ||
        (err = check_names(view, view->products, view->product_count, "a product", reterr)) !=
            OFT_OK ||
        (err = check_names(view, view->models, view->model_count, "a model", reterr)) != OFT_OK ||
        (err = check_accounts(view, reterr)) != OFT_OK ||
        (err = check_model_order(view, reterr)) != OFT_OK ||
        (err = check_pools(view, reterr)) != OFT_OK ||
        (err = check_endpoints(view, reterr)) != OFT_OK ||
        (err = check_credentials(view, reterr)) != OFT_OK ||
        (err = check_passes(view, reterr)) != OFT_OK ||
        (err = check_clauses(view, reterr)) != OFT_OK ||
        (err = check_candidates(view, reterr)) != OFT_OK ||
        (err = check_rows(view, reterr)) != OFT_OK ||
        (err = check_decisions(view, reterr)) != OFT_OK ||
        (err = check_limits(view, reterr)) != OFT_OK ||
        (err = check_prices(view, reterr)) != OFT_OK ||
        (err = check_periods(view->days, view->day_count, reterr)) != OFT_OK ||
        (err = check_periods(view->months, view->month_count, reterr)) != OFT_OK ||
        (err = check_keys(view, reterr)) != OFT_OK) {
        return err;
    }
    return OFT_OK;
}

enum oft_err policy_open(struct policy_view *view, const void *bytes, size_t length,
                         struct oft_error *reterr)
{
    const struct policy_header *header = bytes;
    struct policy_view opened;
    enum oft_err err;

    if (bytes == NULL || ((uintptr_t)bytes & 15) != 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a snapshot must be mapped at a 16-aligned place");
    }
    if (length < sizeof(*header) || length > OFT_SNAPSHOT_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the policy snapshot is cut or too large: %llu bytes",
                        (unsigned long long)length);
    }
    err = check_header(header, length, reterr);
    if (err != OFT_OK) {
        return err;
    }
    err = check_sections(header, reterr);
    if (err != OFT_OK) {
        return err;
    }
    fill_view(&opened, header);
    err = check_things(&opened, reterr);
    if (err != OFT_OK) {
        return err;
    }
    *view = opened;
    return OFT_OK;
}
