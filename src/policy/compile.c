/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile -- a deal and what is known besides, into snapshot bytes: the order of the steps, the
 * strings, and the frame around the sections.
 *
 * compile_rules.c weighs, compile_clauses.c words, compile_layout.c fills the sections. Failures are
 * kept in the build and told once at the end.
 */
#include "policy/compile_internal.h"

#include <string.h>

#include "base/hash.h"

void *policy_build_alloc(struct policy_build *build, size_t count, size_t item_bytes)
{
    void *memory = oft_arena_alloc_array(&build->arena, count == 0 ? 1 : count, item_bytes);

    if (memory == NULL && build->err == OFT_OK) {
        build->err = oft_fail(build->reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
    }
    return memory;
}

static struct policy_text put_string(struct policy_build *build, const char *data, size_t length)
{
    struct oft_buffer *strings = &build->sections[POLICY_STRINGS];
    struct policy_text text = {0, 0};

    if (length > 0) { /* offset 0 holds the empty string */
        text.offset = (uint32_t)strings->length;
        text.length = (uint32_t)length;
        oft_buffer_append(strings, data, length);
        oft_buffer_append_char(strings, '\0');
    }
    return text;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

struct policy_text policy_build_text(struct policy_build *build, struct oft_str text,
                                     const char *what)
{
    size_t i;

    if (text.length > POLICY_TEXT_BYTES_MAX) {
        if (build->err == OFT_OK) {
            build->err = oft_fail(build->reterr, OFT_ERR_LIMIT,
                                  "%s is longer than %u bytes; shorten it in the deal", what,
                                  POLICY_TEXT_BYTES_MAX);
        }
        return (struct policy_text){0, 0};
    }
    for (i = 0; i < text.length; i++) {
        if (is_control(text.data[i]) && build->err == OFT_OK) {
            build->err = oft_fail(build->reterr, OFT_ERR_INVALID,
                                  "%s holds a control character; remove it from the deal", what);
        }
    }
    return put_string(build, text.data, text.length);
}

struct policy_text policy_build_words(struct policy_build *build, struct oft_str text, size_t limit)
{
    char words[256];
    size_t length = text.length;
    size_t i;

    if (limit > sizeof(words) - 4) {
        limit = sizeof(words) - 4;
    }
    if (length > limit) {
        length = limit;
        while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80) {
            length--; /* never inside a UTF-8 sequence */
        }
    }
    for (i = 0; i < length; i++) {
        words[i] = is_control(text.data[i]) ? '?' : text.data[i];
    }
    if (length < text.length) {
        memcpy(words + length, "...", 3);
        length += 3;
    }
    return put_string(build, words, length);
}

static void fill_none(uint32_t *items, size_t count)
{
    size_t i;

    for (i = 0; items != NULL && i < count; i++) {
        items[i] = POLICY_NONE;
    }
}

static void build_init(struct policy_build *build, const struct policy_compile_input *input,
                       struct oft_error *reterr)
{
    const struct deal *deal = input->deal;
    size_t sales = (size_t)deal->product_count * deal->model_count;
    unsigned section;

    *build = (struct policy_build){.input = input, .deal = deal, .reterr = reterr};
    oft_arena_init(&build->arena, (size_t)OFT_SNAPSHOT_BYTES_MAX * 2);
    for (section = 0; section < POLICY_SECTION_COUNT; section++) {
        oft_buffer_init(&build->sections[section], OFT_SNAPSHOT_BYTES_MAX);
    }
    oft_buffer_init(&build->scratch, 1u << 20);
    oft_buffer_append_char(&build->sections[POLICY_STRINGS], '\0');
    build->model_rank = policy_build_alloc(build, deal->model_count, sizeof(uint32_t));
    build->model_at = policy_build_alloc(build, deal->model_count, sizeof(uint32_t));
    build->clause_of_serve = policy_build_alloc(build, deal->serve_count, sizeof(uint32_t));
    build->clause_of_window = policy_build_alloc(build, deal->pool_count, sizeof(uint32_t));
    build->clause_of_cost = policy_build_alloc(build, deal->serve_count, sizeof(uint32_t));
    build->clause_of_sale = policy_build_alloc(build, sales, sizeof(uint32_t));
    build->clause_of_license = policy_build_alloc(build, deal->party_count, sizeof(uint32_t));
    fill_none(build->clause_of_serve, deal->serve_count);
    fill_none(build->clause_of_window, deal->pool_count);
    fill_none(build->clause_of_cost, deal->serve_count);
    fill_none(build->clause_of_sale, sales);
    fill_none(build->clause_of_license, deal->party_count);
}

static void build_release(struct policy_build *build)
{
    unsigned section;

    for (section = 0; section < POLICY_SECTION_COUNT; section++) {
        oft_buffer_release(&build->sections[section]);
    }
    oft_buffer_release(&build->scratch);
    oft_arena_release(&build->arena);
}

/* The instants at which a regime ends and the next begins: the two ends of time are none. */
static void find_cuts(struct policy_build *build, const oft_instant **ret_cuts, size_t *ret_count)
{
    oft_instant *instants = NULL;
    size_t count = 0;

    *ret_cuts = NULL;
    *ret_count = 0;
    if (build->err != OFT_OK) {
        return;
    }
    build->err =
        deal_regime_instants(build->deal, build->input->attested, &build->arena, &instants, &count);
    if (build->err != OFT_OK) {
        (void)oft_fail(build->reterr, build->err, "the deal's regimes could not be listed: %s",
                       oft_err_text(build->err));
        return;
    }
    while (count > 0 && instants[0] == OFT_INSTANT_ALWAYS) {
        instants++;
        count--;
    }
    while (count > 0 && instants[count - 1] == OFT_INSTANT_NEVER) {
        count--;
    }
    *ret_cuts = instants;
    *ret_count = count;
}

/* Rows are a full table; one that cannot fit is refused before any of it is made. */
static void check_size(struct policy_build *build, size_t cut_count)
{
    oft_u128 bytes = (oft_u128)(cut_count + 1) * build->kinds.count * build->deal->product_count *
                     sizeof(uint32_t);

    if (build->err == OFT_OK && bytes > OFT_SNAPSHOT_BYTES_MAX) {
        build->err = oft_fail(build->reterr, OFT_ERR_LIMIT,
                              "%llu regimes, %u kinds of accounts and %u products make too large a "
                              "policy (over %u MB); split the deal",
                              (unsigned long long)cut_count + 1, (unsigned)build->kinds.count,
                              (unsigned)build->deal->product_count, OFT_SNAPSHOT_BYTES_MAX >> 20);
    }
}

static uint64_t aligned(uint64_t offset)
{
    return (offset + 15) & ~UINT64_C(15);
}

enum oft_err policy_build_assemble(struct policy_build *build, struct oft_buffer *out)
{
    static const size_t item_bytes[POLICY_SECTION_COUNT] = {sizeof(struct policy_regime),
                                                            sizeof(uint32_t),
                                                            sizeof(struct policy_decision),
                                                            sizeof(struct policy_candidate),
                                                            sizeof(struct policy_name),
                                                            sizeof(struct policy_name),
                                                            sizeof(struct policy_account),
                                                            sizeof(struct policy_pool),
                                                            sizeof(struct policy_endpoint),
                                                            sizeof(struct policy_clause),
                                                            sizeof(struct policy_key),
                                                            sizeof(struct policy_limit),
                                                            sizeof(uint32_t),
                                                            sizeof(struct policy_ceiling),
                                                            sizeof(struct policy_price),
                                                            sizeof(struct policy_price_span),
                                                            sizeof(uint32_t),
                                                            sizeof(struct policy_period),
                                                            sizeof(struct policy_period),
                                                            sizeof(struct policy_credential),
                                                            sizeof(struct policy_pass),
                                                            1};
    const size_t checked_from = offsetof(struct policy_header, crc32c) + sizeof(uint32_t);
    struct policy_header header = {.magic = POLICY_MAGIC,
                                   .version = POLICY_FORMAT_VERSION,
                                   .header_bytes = sizeof(struct policy_header),
                                   .generation = build->input->generation,
                                   .compiled_ns = build->input->compiled_ns,
                                   .kind_count = build->kinds.count};
    uint64_t offset = sizeof(header);
    unsigned i;

    memcpy(header.deal_sha256, build->deal->text_sha256, sizeof(header.deal_sha256));
    for (i = 0; i < POLICY_SECTION_COUNT; i++) {
        if (build->sections[i].failed) {
            return oft_fail(build->reterr, OFT_ERR_LIMIT,
                            "the policy grew beyond %u MB or memory ran out; split the deal",
                            OFT_SNAPSHOT_BYTES_MAX >> 20);
        }
        offset = aligned(offset);
        header.sections[i].offset = offset;
        header.sections[i].count = build->sections[i].length / item_bytes[i];
        offset += build->sections[i].length;
    }
    header.total_bytes = offset;
    oft_buffer_clear(out);
    oft_buffer_append(out, &header, sizeof(header));
    for (i = 0; i < POLICY_SECTION_COUNT; i++) {
        oft_buffer_append_repeat(out, '\0', (size_t)(header.sections[i].offset - out->length));
        if (build->sections[i].length > 0) {
            oft_buffer_append(out, build->sections[i].data, build->sections[i].length);
        }
        if (out->failed) {
            break; /* lengths mean nothing any more */
        }
    }
    if (out->failed || header.total_bytes > OFT_SNAPSHOT_BYTES_MAX) {
        return oft_fail(build->reterr, OFT_ERR_LIMIT,
                        "a policy of %llu bytes is larger than allowed; split the deal",
                        (unsigned long long)header.total_bytes);
    }
    header.crc32c = oft_crc32c(0, out->data + checked_from, out->length - checked_from);
    memcpy(out->data, &header, sizeof(header));
    return OFT_OK;
}

enum oft_err policy_compile(const struct policy_compile_input *input, struct oft_buffer *out,
                            size_t *ret_keys_left_out, struct oft_error *reterr)
{
    struct policy_build build;
    const oft_instant *cuts;
    size_t cut_count;
    size_t keys_left_out = 0;
    enum oft_err err;

    if (input->generation == 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "generation 0 means that nothing is published");
    }
    build_init(&build, input, reterr);
    find_cuts(&build, &cuts, &cut_count);
    if (build.err == OFT_OK) {
        build.err = policy_kinds_find(input->deal, &build.arena, &build.kinds, reterr);
    }
    check_size(&build, cut_count);
    if (build.err == OFT_OK) {
        policy_build_names(&build);
        policy_build_pools(&build);
        policy_build_endpoints(&build);
        policy_build_clauses(&build);
        policy_build_decisions(&build, cuts, cut_count);
        policy_build_limits(&build);
        policy_build_prices(&build);
        policy_build_periods(&build);
        policy_build_passes(&build);
        policy_build_keys(&build, &keys_left_out);
    }
    err = build.err;
    if (err == OFT_OK) {
        err = policy_build_assemble(&build, out);
    }
    build_release(&build);
    if (err == OFT_OK && ret_keys_left_out != NULL) {
        *ret_keys_left_out = keys_left_out;
    }
    return err;
}
