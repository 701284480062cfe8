/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff -- where the decisions of two deals differ, in boxes of (events x time x account x product x
 * model x pool).
 *
 * Every decision of both is laid beside the other; what differs becomes a record for one model, one
 * kind of account and one set of events. diff_print.c joins records that say the same, and prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diff_internal.h"

/* ---- names ------------------------------------------------------------------------------------ */

/* One copy of each text, so that equal texts are equal pointers. */
const char *policy_diff_intern(struct differ *d, struct oft_str text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t slot, i;

    for (i = 0; i < text.length; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    }
    for (slot = (size_t)hash & (d->interned_slots - 1); d->interned[slot] != NULL;
         slot = (slot + 1) & (d->interned_slots - 1)) {
        if (oft_str_is(text, d->interned[slot])) {
            return d->interned[slot];
        }
    }
    if (d->interned_count * 2 >= d->interned_slots) {
        d->err = oft_fail(d->reterr, OFT_ERR_LIMIT, "too many names to compare these deals");
        return "";
    }
    d->interned[slot] = oft_arena_copy(&d->arena, text);
    d->interned_count++;
    if (d->interned[slot] == NULL) {
        d->err = oft_fail(d->reterr, OFT_ERR_MEMORY, "no memory to compare these deals");
        return "";
    }
    return d->interned[slot];
}

/* ---- the records ------------------------------------------------------------------------------ */

/* A request, laid out in time. */
struct lane {
    const char *product, *model;
    const struct who *who;
    const struct policy_future *futures[2];
    uint32_t products[2], models[2]; /* indices, POLICY_NONE where it is not in the deal */
};

/* What both deals say of a pool now, and since when. */
struct track {
    const struct policy_candidate *now[2]; /* NULL: the pool does not serve the model */
    uint32_t place[2];                     /* among the pools that are eligible in both */
    bool differs;
    struct record open; /* while it differs */
};

static const struct policy_decision *lane_decision(const struct lane *lane, int which,
                                                   uint32_t regime)
{
    const struct policy_future *future = lane->futures[which];
    uint32_t account = which == 0 ? lane->who->account_a : lane->who->account_b;
    uint32_t kind = account == DEAL_NONE ? 0 : future->kinds.of_account[account];

    if (lane->products[which] == POLICY_NONE || lane->models[which] == POLICY_NONE) {
        return NULL;
    }
    return policy_future_decision(future, regime, kind, lane->products[which], lane->models[which]);
}

static bool track_eligible(const struct track *track, int which)
{
    return track->now[which] != NULL && says_eligible(track->now[which]->reason);
}

/* Lays a decision's candidates on the tracks of their pools. */
static void lay(struct differ *d, const struct lane *lane, int which,
                const struct policy_decision *decision)
{
    const struct policy_view *view = &lane->futures[which]->view;
    uint32_t count =
        decision == NULL ? 0 : (uint32_t)decision->eligible_count + decision->barred_count;
    uint32_t i;

    for (i = 0; i < d->pool_count; i++) {
        d->tracks[i].now[which] = NULL;
        d->tracks[i].place[which] = 0;
    }
    for (i = 0; i < count; i++) {
        const struct policy_candidate *candidate = &view->candidates[decision->first_candidate + i];

        d->tracks[d->pool_of[which][candidate->pool]].now[which] = candidate;
    }
    d->decisions += count;
}

/* Places count pools that are eligible in both deals only: one that is barred moves no other. */
static void rank(struct differ *d, const struct lane *lane, int which,
                 const struct policy_decision *decision)
{
    const struct policy_view *view = &lane->futures[which]->view;
    uint32_t place = 0;
    uint32_t i;

    for (i = 0; decision != NULL && i < decision->eligible_count; i++) {
        const struct policy_candidate *candidate = &view->candidates[decision->first_candidate + i];
        struct track *track = &d->tracks[d->pool_of[which][candidate->pool]];

        if (track_eligible(track, 0) && track_eligible(track, 1)) {
            track->place[which] = ++place;
        }
    }
}

static struct side side_of(struct differ *d, const struct lane *lane, const struct track *track,
                           int which)
{
    const struct policy_view *view = &lane->futures[which]->view;
    struct side side = {SAYS_NOTHING, 0, ""};

    if (track->now[which] != NULL) {
        side.reason = track->now[which]->reason;
        side.place = track->place[which];
        side.clause =
            policy_diff_intern(d, policy_text(view, view->clauses[track->now[which]->clause].name));
    }
    return side;
}

static void close_track(struct differ *d, struct track *track, oft_instant until)
{
    if (!track->differs) {
        return;
    }
    track->differs = false;
    track->open.until = until;
    if (d->count == RECORDS_MAX) {
        d->err = oft_fail(d->reterr, OFT_ERR_LIMIT,
                          "these deals differ in more than %d places; compare smaller ones",
                          RECORDS_MAX);
        return;
    }
    d->records[d->count++] = track->open;
}

static bool same_side(const struct side *a, const struct side *b)
{
    return a->reason == b->reason && a->place == b->place && a->clause == b->clause;
}

/* Goes on with a track at FROM: what it says now may differ, agree, or differ in another way. */
static void follow_track(struct differ *d, const struct lane *lane, uint32_t pool, oft_instant from)
{
    struct track *track = &d->tracks[pool];
    bool differs = track_eligible(track, 0) != track_eligible(track, 1) ||
                   (track->now[0] == NULL) != (track->now[1] == NULL) ||
                   track->place[0] != track->place[1];
    struct record record = {.from = from,
                            .product = lane->product,
                            .account = lane->who->name,
                            .pool = d->pools[pool],
                            .model = lane->model,
                            .sets = d->set_bit};

    if (!differs) {
        close_track(d, track, from);
        return;
    }
    record.a = side_of(d, lane, track, 0);
    record.b = side_of(d, lane, track, 1);
    if (track->differs && same_side(&track->open.a, &record.a) &&
        same_side(&track->open.b, &record.b)) {
        return;
    }
    close_track(d, track, from);
    track->differs = true;
    track->open = record;
}

static void walk_lane(struct differ *d, const struct lane *lane)
{
    const struct policy_view *a = &lane->futures[0]->view;
    const struct policy_view *b = &lane->futures[1]->view;
    const struct policy_decision *before[2] = {NULL, NULL};
    oft_instant from = OFT_INSTANT_ALWAYS;
    uint32_t i = 0, k = 0, pool;

    while (i < a->regime_count && k < b->regime_count && d->err == OFT_OK) {
        const struct policy_decision *now[2] = {lane_decision(lane, 0, i),
                                                lane_decision(lane, 1, k)};
        oft_instant until = a->regimes[i].until_ns < b->regimes[k].until_ns
                                ? a->regimes[i].until_ns
                                : b->regimes[k].until_ns;

        if (from == OFT_INSTANT_ALWAYS || now[0] != before[0] || now[1] != before[1]) {
            lay(d, lane, 0, now[0]);
            lay(d, lane, 1, now[1]);
            rank(d, lane, 0, now[0]);
            rank(d, lane, 1, now[1]);
            for (pool = 0; pool < d->pool_count; pool++) {
                follow_track(d, lane, pool, from);
            }
        }
        before[0] = now[0];
        before[1] = now[1];
        i += a->regimes[i].until_ns == until ? 1 : 0;
        k += b->regimes[k].until_ns == until ? 1 : 0;
        from = until;
    }
    for (pool = 0; pool < d->pool_count; pool++) {
        close_track(d, &d->tracks[pool], OFT_INSTANT_NEVER);
    }
}

/* Names of one kind that either deal has. */
typedef const char *(*name_fn)(const struct deal *deal, uint32_t index);

static const char *product_name(const struct deal *deal, uint32_t index)
{
    return deal->products[index].name;
}

static const char *model_name(const struct deal *deal, uint32_t index)
{
    return deal->models[index].name;
}

static const char *pool_name(const struct deal *deal, uint32_t index)
{
    return deal->pools[index].name;
}

static const char **name_union(struct differ *d, name_fn name, uint32_t count_a, uint32_t count_b,
                               uint32_t *ret_count)
{
    const char **names =
        oft_arena_alloc_array(&d->arena, (size_t)count_a + count_b + 1, sizeof(*names));
    uint32_t count = 0;
    uint32_t i, k;

    *ret_count = 0;
    if (names == NULL) {
        d->err = oft_fail(d->reterr, OFT_ERR_MEMORY, "no memory to compare these deals");
        return NULL;
    }
    for (i = 0; i < count_a + count_b; i++) {
        const char *text = policy_diff_intern(
            d, oft_str_from(i < count_a ? name(d->deals[0], i) : name(d->deals[1], i - count_a)));

        for (k = 0; k < count && names[k] != text; k++) {
        }
        if (k == count) {
            names[count++] = text;
        }
    }
    *ret_count = count;
    return names;
}

static void walk_product(struct differ *d, struct lane *lane, const char **models,
                         uint32_t model_count)
{
    uint32_t m, w;
    int which;

    for (m = 0; m < model_count && d->err == OFT_OK; m++) {
        lane->model = models[m];
        for (which = 0; which < 2; which++) {
            lane->models[which] =
                policy_find_model(&lane->futures[which]->view, oft_str_from(models[m]));
        }
        for (w = 0; w < d->who_count && d->err == OFT_OK; w++) {
            lane->who = &d->who[w];
            walk_lane(d, lane);
        }
    }
}

/* The pools of both, and which of them each view's pools are. */
static void find_pools(struct differ *d)
{
    int which;
    uint32_t i, k;

    d->pools =
        name_union(d, pool_name, d->deals[0]->pool_count, d->deals[1]->pool_count, &d->pool_count);
    d->tracks = oft_arena_alloc_array(&d->arena, (size_t)d->pool_count + 1, sizeof(*d->tracks));
    for (which = 0; which < 2 && d->err == OFT_OK; which++) {
        const struct deal *deal = d->deals[which];

        d->pool_of[which] =
            oft_arena_alloc_array(&d->arena, (size_t)deal->pool_count + 1, sizeof(uint32_t));
        if (d->pool_of[which] == NULL || d->tracks == NULL) {
            d->err = oft_fail(d->reterr, OFT_ERR_MEMORY, "no memory to compare these deals");
            return;
        }
        for (i = 0; i < deal->pool_count; i++) { /* a snapshot's pools stand as in the deal */
            for (k = 0; strcmp(d->pools[k], deal->pools[i].name) != 0; k++) {
            }
            d->pool_of[which][i] = k;
        }
    }
}

static void walk(struct differ *d, const struct policy_future *a, const struct policy_future *b)
{
    struct lane lane = {.futures = {a, b}};
    uint32_t product_count, model_count, i;
    const char **products = name_union(d, product_name, d->deals[0]->product_count,
                                       d->deals[1]->product_count, &product_count);
    const char **models =
        name_union(d, model_name, d->deals[0]->model_count, d->deals[1]->model_count, &model_count);

    d->model_count = model_count;
    for (i = 0; i < product_count && d->err == OFT_OK; i++) {
        lane.product = products[i];
        lane.products[0] = policy_find_product(&a->view, oft_str_from(products[i]));
        lane.products[1] = policy_find_product(&b->view, oft_str_from(products[i]));
        walk_product(d, &lane, models, model_count);
    }
}

/* ---- accounts and events ---------------------------------------------------------------------- */

static bool alike(const struct who *who, const struct policy_future *a,
                  const struct policy_future *b, uint32_t account_a, uint32_t account_b)
{
    uint32_t kind_a = who->account_a == DEAL_NONE ? 0 : a->kinds.of_account[who->account_a];
    uint32_t kind_b = who->account_b == DEAL_NONE ? 0 : b->kinds.of_account[who->account_b];

    return kind_a == a->kinds.of_account[account_a] && kind_b == b->kinds.of_account[account_b];
}

/* Four names are told, the rest is "...". */
static void name_also(struct differ *d, struct who *who, const char *name)
{
    char joined[4 * OFT_NAME_BYTES_MAX + 32];
    unsigned commas = 0;
    const char *c;
    int length;

    for (c = who->name; *c != '\0'; c++) {
        commas += *c == ',' ? 1 : 0;
    }
    if (commas > 3) {
        return;
    }
    length = snprintf(joined, sizeof(joined), "%s, %s", who->name, commas == 3 ? "..." : name);
    if (length > 0 && (size_t)length < sizeof(joined)) {
        who->name = policy_diff_intern(d, oft_str_from(joined));
    }
}

/* One of each pair of kinds is enough: accounts of one pair are treated alike by both deals. */
static void find_who(struct differ *d, const struct policy_future *a, const struct policy_future *b)
{
    const struct deal *deal = d->deals[0];
    uint32_t i, k;

    d->who = oft_arena_alloc_array(&d->arena, (size_t)deal->account_count + 1, sizeof(*d->who));
    if (d->who == NULL) {
        d->err = oft_fail(d->reterr, OFT_ERR_MEMORY, "no memory to compare these deals");
        return;
    }
    d->who[d->who_count++] =
        (struct who){policy_diff_intern(d, oft_str_from("none")), DEAL_NONE, DEAL_NONE};
    for (i = 0; i < deal->account_count; i++) {
        uint32_t other = deal_find_account(d->deals[1], oft_str_from(deal->accounts[i].name));
        bool known = other == DEAL_NONE;

        for (k = 0; k < d->who_count && !known; k++) {
            if (alike(&d->who[k], a, b, i, other)) {
                known = true;
                name_also(d, &d->who[k], deal->accounts[i].name);
            }
        }
        if (!known) {
            d->who[d->who_count++] =
                (struct who){policy_diff_intern(d, oft_str_from(deal->accounts[i].name)), i, other};
        }
    }
}

static enum oft_err find_events(struct differ *d)
{
    int which;

    for (which = 0; which < 2; which++) {
        struct policy_open_events open;
        enum oft_err err =
            policy_open_events(d->deals[which], d->attested[which], &open, d->reterr);
        uint32_t i, k;

        if (err != OFT_OK) {
            return err;
        }
        for (i = 0; i < open.count; i++) {
            const char *name = d->deals[which]->events[open.items[i]].name;

            for (k = 0; k < d->event_count && strcmp(d->events[k].name, name) != 0; k++) {
            }
            if (k == d->event_count) {
                d->events[d->event_count++] = (struct event_name){name, DEAL_NONE, DEAL_NONE};
            }
            *(which == 0 ? &d->events[k].a : &d->events[k].b) = open.items[i];
        }
    }
    if (d->event_count > DIFF_EVENTS_MAX) {
        return oft_fail(d->reterr, OFT_ERR_LIMIT,
                        "more than %d events are open in these deals; suppose some by --attest "
                        "EVENT=INSTANT",
                        DIFF_EVENTS_MAX);
    }
    return OFT_OK;
}

static void walk_set(struct differ *d, uint32_t set)
{
    struct policy_future futures[2];
    uint32_t happened[2][FUTURES_EVENTS_MAX * 2];
    uint32_t counts[2] = {0, 0};
    uint32_t i;
    int made = 0;

    for (i = 0; i < d->event_count; i++) {
        if ((set & (1u << i)) != 0 && d->events[i].a != DEAL_NONE) {
            happened[0][counts[0]++] = d->events[i].a;
        }
        if ((set & (1u << i)) != 0 && d->events[i].b != DEAL_NONE) {
            happened[1][counts[1]++] = d->events[i].b;
        }
    }
    for (made = 0; made < 2 && d->err == OFT_OK; made++) {
        d->err = policy_future_make(&futures[made], d->deals[made], d->attested[made],
                                    happened[made], counts[made], d->reterr);
    }
    d->set_bit = UINT64_C(1) << set;
    if (d->err == OFT_OK && d->who == NULL) {
        find_who(d, &futures[0], &futures[1]);
        find_pools(d);
    }
    d->sets++;
    if (d->err == OFT_OK) {
        walk(d, &futures[0], &futures[1]);
    }
    while (made > 0) {
        policy_future_release(&futures[--made]);
    }
}

static enum oft_err differ_init(struct differ *d)
{
    oft_arena_init(&d->arena, (size_t)1 << 30);
    d->interned_slots = (size_t)1 << 17;
    d->interned = oft_arena_alloc_array(&d->arena, d->interned_slots, sizeof(*d->interned));
    d->records = oft_arena_alloc_array(&d->arena, RECORDS_MAX, sizeof(*d->records));
    if (d->interned == NULL || d->records == NULL) {
        return oft_fail(d->reterr, OFT_ERR_MEMORY, "no memory to compare these deals");
    }
    return find_events(d);
}

enum oft_err policy_diff(const struct deal *a, struct deal_attestations attested_a,
                         const struct deal *b, struct deal_attestations attested_b, bool json,
                         struct oft_buffer *out, bool *ret_same, struct oft_error *reterr)
{
    struct differ d = {.deals = {a, b}, .attested = {attested_a, attested_b}, .reterr = reterr};
    uint32_t set;

    d.err = differ_init(&d);
    for (set = 0; d.err == OFT_OK && set < (1u << d.event_count); set++) {
        walk_set(&d, set);
    }
    if (d.err == OFT_OK) {
        policy_diff_join_sets(&d);
        policy_diff_join_models(&d);
        policy_diff_join_accounts(&d);
    }
    if (d.err == OFT_OK) {
        *ret_same = d.count == 0;
        if (json) {
            policy_diff_print_json(&d, out);
        } else {
            policy_diff_print(&d, out);
        }
    }
    oft_arena_release(&d.arena);
    return d.err;
}
