/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Funding programmes: the total, its tranches, who pledged which share, the calls. Sums are checked
 * here; the books of funding are another room's. Pledges are several, not joint: nobody owes
 * another's.
 */
#include "deal/terms_internal.h"

#include <string.h>

/* A programme in the making, with the line that is being read. */
struct programme_build {
    struct deal_build *build;
    struct deal_programme *programme;
    struct deal_funder *funders;
    struct deal_tranche *tranches;
    struct deal_call *calls;
    const struct deal_node *total;      /* its line */
    const struct deal_node *technology; /* its line */
};

static void take_total(struct programme_build *p, const struct deal_node *at,
                       const struct deal_value *v)
{
    struct deal_build *build = p->build;
    struct deal_programme *programme = p->programme;
    if (p->total != NULL) {
        BUILD_ERROR(build, 11, at, programme->name, "leave one of them out",
                    "the total is said twice");
        return;
    }
    p->total = at;
    programme->total_nanos = v[0].as.amount_nanos;
    programme->from = v[2].as.instant;
    if (v[1].as.count > 100) {
        BUILD_ERROR(build, 27, at, programme->name, "", "a programme runs for 1 to 100 years");
        return;
    }
    programme->until = deal_duration_after(
        programme->from, (struct deal_duration){(uint32_t)v[1].as.count, DEAL_YEARS});
    if (programme->until == OFT_INSTANT_NEVER) {
        BUILD_ERROR(build, 20, at, programme->name, "", "the programme ends after year 2261");
    }
}

static enum deal_pledge_status status_of(const struct deal_value *value)
{
    static const char *const words[] = {"proposed", "committed", "called", "paid"};
    for (unsigned i = 0; value->kind == DEAL_VALUE_WORD && i < OFT_COUNT_OF(words); i++) {
        if (strcmp(value->as.text, words[i]) == 0) {
            return (enum deal_pledge_status)i;
        }
    }
    return DEAL_PLEDGE_PROPOSED; /* an intention is no commitment */
}

static void take_funder(struct programme_build *p, const struct deal_node *at,
                        const struct deal_value *v)
{
    struct deal_build *build = p->build;
    struct deal_programme *programme = p->programme;
    for (uint32_t i = 0; i < programme->funder_count; i++) {
        if (p->funders[i].party == v[0].as.index) {
            BUILD_ERROR(build, 11, at, programme->name, "add the shares up",
                        "this funder is said twice");
        }
    }
    p->funders[programme->funder_count++] =
        (struct deal_funder){.party = v[0].as.index,
                             .share_ppb = v[1].as.rate_ppb,
                             .status = status_of(&v[2]),
                             .role = v[3].kind == DEAL_VALUE_NAME ? v[3].as.text : ""};
}

static void take_technology(struct programme_build *p, const struct deal_node *at,
                            const struct deal_value *v)
{
    struct deal_build *build = p->build;
    if (p->technology != NULL) {
        BUILD_ERROR(build, 11, at, p->programme->name, "leave one of them out",
                    "\"technology\" is said twice");
        return;
    }
    p->technology = at;
    p->programme->technology_parties = v[0].as.list;
}

static void take_line(struct programme_build *p, int line, const struct deal_node *at,
                      const struct deal_value *v)
{
    struct deal_programme *programme = p->programme;
    switch (line) {
    case DEAL_PROGRAMME_TOTAL:
        take_total(p, at, v);
        break;
    case DEAL_PROGRAMME_TRANCHE:
        p->tranches[programme->tranche_count++] = (struct deal_tranche){
            v[0].as.text, v[1].as.amount_nanos, v[2].as.instant, at->position};
        break;
    case DEAL_PROGRAMME_FUNDER:
        take_funder(p, at, v);
        break;
    case DEAL_PROGRAMME_CALL:
        p->calls[programme->call_count++] = (struct deal_call){
            v[0].as.amount_nanos, v[1].as.instant, v[2].as.instant, at->position};
        break;
    default:
        take_technology(p, at, v);
        break;
    }
}

static void read_line(struct programme_build *p, const struct deal_node *run)
{
    struct deal_build *build = p->build;
    struct deal_cursor cursor = {build, run, run->first, NULL, p->programme->name};
    struct deal_value values[DEAL_PATTERN_VALUES_MAX] = {0};
    uint32_t count = 0;
    for (int line = 0; line < DEAL_PROGRAMME_LINE_COUNT; line++) {
        if (deal_pattern_weight(&cursor, deal_programme_lines[line]) < 1) {
            continue;
        }
        if (!deal_pattern_match(&cursor, deal_programme_lines[line], values, &count)) {
            return;
        }
        if (cursor.at != NULL) {
            (void)deal_cursor_expected(&cursor, "the end of the line");
            return;
        }
        take_line(p, line, run->first, values);
        return;
    }
    BUILD_ERROR(
        build, 18, run->first, p->programme->name, "total, tranche, funder, call, technology",
        "\"%.*s\" begins no line of a programme",
        run->first->text.length > 60 ? 60 : (int)run->first->text.length, run->first->text.data);
}

static void check_tranches(struct programme_build *p)
{
    struct deal_build *build = p->build;
    const struct deal_programme *programme = p->programme;
    oft_nanos sum = 0;
    for (uint32_t i = 0; i < programme->tranche_count; i++) {
        const struct deal_tranche *tranche = &p->tranches[i];
        if (tranche->from < programme->from || tranche->from >= programme->until) {
            deal_report(build->diagnostics, DEAL_ERROR, 48, tranche->position, programme->name, "",
                        "tranche \"%s\" begins outside of the programme's years", tranche->name);
        }
        if (oft_nanos_add(sum, tranche->amount_nanos, &sum) != OFT_OK ||
            sum > programme->total_nanos) {
            deal_report(build->diagnostics, DEAL_ERROR, 48, tranche->position, programme->name,
                        "lower it, or raise the total",
                        "with tranche \"%s\" they add up to more than the total", tranche->name);
            return;
        }
    }
}

static void check_calls(struct programme_build *p)
{
    struct deal_build *build = p->build;
    const struct deal_programme *programme = p->programme;
    oft_nanos sum = 0;
    char when[OFT_INSTANT_TEXT_BYTES];
    for (uint32_t i = 0; i < programme->call_count; i++) {
        const struct deal_call *call = &p->calls[i];
        oft_instant_format_short(call->on, when);
        if (call->due < call->on) {
            deal_report(build->diagnostics, DEAL_ERROR, 48, call->position, programme->name, "",
                        "the call of %s is due before it is made", when);
        }
        if (oft_nanos_add(sum, call->amount_nanos, &sum) != OFT_OK ||
            sum > programme->total_nanos) {
            deal_report(build->diagnostics, DEAL_ERROR, 48, call->position, programme->name,
                        "lower it, or raise the total",
                        "with the call of %s more is called than was pledged", when);
            return;
        }
    }
}

static void check_funders(struct programme_build *p, const struct deal_node *node)
{
    struct deal_build *build = p->build;
    const struct deal_programme *programme = p->programme;
    int64_t sum = 0;
    for (uint32_t i = 0; i < programme->funder_count; i++) {
        sum += p->funders[i].share_ppb;
    }
    if (programme->funder_count > 0 && sum != DEAL_RATE_ONE) {
        BUILD_ERROR(build, 45, node, programme->name, "let the shares add up to 100%",
                    "the funders' shares add up to %lld.%07lld%%", (long long)(sum / 10000000),
                    (long long)(sum % 10000000));
    }
}

static void resolve_programme(struct deal_build *build, const struct deal_node *node)
{
    struct deal *deal = build->deal;
    struct deal_programme programme = {.position = node->position};
    struct programme_build p = {.build = build, .programme = &programme};
    uint32_t errors = build->diagnostics->error_count;
    if (!deal_symbols_add(build, SYMBOL_PROGRAMME, node->text, node->position,
                          deal->programme_count)) {
        return;
    }
    uint32_t lines = deal_node_count(node, NODE_RUN);
    p.funders = deal_build_array(build, lines, sizeof(*p.funders));
    p.tranches = deal_build_array(build, lines, sizeof(*p.tranches));
    p.calls = deal_build_array(build, lines, sizeof(*p.calls));
    programme.name = deal_build_copy(build, node->text);
    programme.title = deal_build_title(build, node);
    if (build->memory_failed) {
        return;
    }
    for (const struct deal_node *run = node->first; run != NULL; run = run->next) {
        if (run->kind == NODE_RUN) {
            read_line(&p, run);
        }
    }
    if (p.total == NULL && build->diagnostics->error_count == errors) {
        BUILD_ERROR(build, 10, node, programme.name, "add: total AMOUNT over N years from DATE",
                    "programme \"%s\" has no total", programme.name);
    }
    if (build->diagnostics->error_count == errors) {
        check_tranches(&p);
        check_calls(&p);
        check_funders(&p, node);
    }
    programme.funders = p.funders;
    programme.tranches = p.tranches;
    programme.calls = p.calls;
    build->programmes[deal->programme_count++] = programme;
}

void deal_resolve_programmes(struct deal_build *build)
{
    for (const struct deal_node *n = build->root->first; n != NULL && !build->memory_failed;
         n = n->next) {
        if (n->kind == NODE_PROGRAMME) {
            resolve_programme(build, n);
        }
    }
}
