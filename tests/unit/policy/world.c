/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world -- see world.h. Everything a deal points to lies in the struct itself, so that a test frees
 * nothing but the snapshot.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct deal_end world_never = {.kind = DEAL_END_NEVER};

struct deal_end world_until(oft_instant instant)
{
    return (struct deal_end){.kind = DEAL_END_DATE, .instant = instant};
}

struct deal_end world_on_event(uint32_t event)
{
    return (struct deal_end){.kind = DEAL_END_EVENT, .event = event};
}

struct deal_list world_list(uint32_t item)
{
    static const uint32_t items[] = {0, 1, 2, 3};
    static const uint32_t all = DEAL_ALL;

    return (struct deal_list){.items = item == DEAL_ALL ? &all : &items[item], .count = 1};
}

static struct deal_pool pool_of(const char *name, uint32_t provider, const char *region)
{
    return (struct deal_pool){.name = name,
                              .title = name,
                              .provider = provider,
                              .region = region,
                              .accelerator = "",
                              .connect_timeout_ms = 2000,
                              .first_byte_timeout_ms = 60000,
                              .read_timeout_ms = 60000,
                              .from = OFT_INSTANT_ALWAYS,
                              .until = world_never,
                              .position = {.line = 20}};
}

static const struct deal_secret secrets[] = {{DEAL_SECRET_ENVIRONMENT, "KEY"},
                                             {DEAL_SECRET_FILE, "/run/key"}};
static const uint32_t one_key[] = {0};

static struct deal_serve serve_of(uint32_t pool, uint32_t model, const char *upstream)
{
    return (struct deal_serve){.pool = pool,
                               .model = model,
                               .upstream_model = upstream,
                               .host = "127.0.0.1",
                               .port = (uint16_t)(9101 + pool),
                               .path_prefix = "/v1",
                               .api_version = "",
                               .signing_region = "",
                               .keys = {one_key, 1},
                               .ca_file = "",
                               .position = {.line = 30}};
}

uint32_t world_price(struct world *world, const char *id, bool is_sale, uint32_t owner,
                     uint32_t model, int64_t units, oft_instant from, struct deal_end until)
{
    struct deal_price *price = &world->prices[world->deal.price_count];

    *price = (struct deal_price){.id = id,
                                 .is_sale = is_sale,
                                 .owner = owner,
                                 .model = model,
                                 .from = from,
                                 .until = until,
                                 .position = {.line = 40}};
    price->per_million_nanos[DEAL_UNIT_INPUT] = units * OFT_NANOS_PER_UNIT / 4;
    price->per_million_nanos[DEAL_UNIT_OUTPUT] = units * OFT_NANOS_PER_UNIT * 3 / 4;
    return world->deal.price_count++;
}

static struct deal_clause *add_clause(struct world *world, enum deal_clause_kind kind,
                                      const char *id, oft_instant from, struct deal_end until)
{
    struct deal_clause *clause = &world->clauses[world->deal.clause_count];

    *clause = (struct deal_clause){.kind = kind,
                                   .id = id,
                                   .label = id,
                                   .amends = DEAL_NONE,
                                   .from = from,
                                   .until = until,
                                   .superseded_from = OFT_INSTANT_NEVER,
                                   .position = {.line = 50 + world->deal.clause_count}};
    world->deal.clause_count++;
    return clause;
}

uint32_t world_exclusive(struct world *world, const char *id, uint32_t product, uint32_t provider,
                         oft_instant from, struct deal_end until)
{
    struct deal_clause *clause = add_clause(world, DEAL_CLAUSE_EXCLUSIVE, id, from, until);

    clause->as.exclusive.products = world_list(product);
    clause->as.exclusive.provider = provider;
    return world->deal.clause_count - 1;
}

uint32_t world_ceiling(struct world *world, const char *id, uint32_t provider, int64_t nanos,
                       oft_instant from, struct deal_end until)
{
    struct deal_clause *clause = add_clause(world, DEAL_CLAUSE_CEILING, id, from, until);

    clause->as.ceiling.provider = provider;
    clause->as.ceiling.period = DEAL_BUDGET_MONTH;
    clause->as.ceiling.amount_nanos = nanos;
    return world->deal.clause_count - 1;
}

uint32_t world_license(struct world *world, const char *id, uint32_t model, uint32_t party,
                       uint32_t product, oft_instant from, struct deal_end until)
{
    struct deal_clause *clause = add_clause(world, DEAL_CLAUSE_LICENSE, id, from, until);

    clause->as.license.models = world_list(model);
    clause->as.license.licensee_party = party;
    clause->as.license.products = world_list(product);
    return world->deal.clause_count - 1;
}

uint32_t world_commit(struct world *world, const char *id, uint32_t provider, uint32_t product,
                      oft_instant from, oft_instant until)
{
    struct deal_clause *clause =
        add_clause(world, DEAL_CLAUSE_COMMIT, id, OFT_INSTANT_ALWAYS, world_never);

    clause->as.commit.amount_nanos = 1000 * OFT_NANOS_PER_UNIT;
    clause->as.commit.provider = provider;
    clause->as.commit.period_from = from;
    clause->as.commit.period_until = until;
    clause->as.commit.products = world_list(product);
    world->weights[world->deal.clause_count - 1] = DEAL_RATE_ONE;
    clause->as.commit.weights_ppb = &world->weights[world->deal.clause_count - 1];
    return world->deal.clause_count - 1;
}

void world_attest(struct world *world, uint32_t event, oft_instant at)
{
    world->attested[world->input.attested.count++] =
        (struct deal_attestation){.event = event, .instant = at};
}

static void fill_names(struct world *world)
{
    static const char *const parties[] = {"openai", "microsoft", "oracle", "coreweave"};
    size_t i;

    for (i = 0; i < 4; i++) {
        world->parties[i] = (struct deal_party){.name = parties[i], .title = parties[i]};
    }
    world->files[0] = (struct deal_file){.path = "deals/world.deal"};
    world->providers[AZURE] = (struct deal_provider){"azure", "Azure", MICROSOFT, {0}};
    world->providers[OCI] = (struct deal_provider){"oci", "OCI", ORACLE, {0}};
    world->providers[CW] = (struct deal_provider){"cw", "CoreWeave", COREWEAVE, {0}};
    world->products[API] =
        (struct deal_product){.name = "api", .owner_party = OPENAI, .field = DEAL_NONE};
    world->products[COPILOT] =
        (struct deal_product){.name = "copilot", .owner_party = MICROSOFT, .field = DEAL_NONE};
    world->products[TRAINING] = (struct deal_product){.name = "training",
                                                      .product_class = DEAL_CLASS_TRAINING,
                                                      .owner_party = OPENAI,
                                                      .field = DEAL_NONE};
    world->models[ZETA] = (struct deal_model){.name = "zeta"};
    world->models[ALPHA] = (struct deal_model){.name = "alpha"};
    world->accounts[0] = (struct deal_account){.name = "acme"};
    world->accounts[1] = (struct deal_account){.name = "bolt"};
    world->events[0] = (struct deal_event){.name = "agi", .attester_party = ORACLE};
    world->events[1] = (struct deal_event){.name = "ipo", .attester_party = ORACLE};
    world->deal = (struct deal){.title = "World",
                                .currency = "USD",
                                .customer_party = OPENAI,
                                .text_sha256 = {1, 2, 3},
                                .files = world->files,
                                .file_count = 1,
                                .parties = world->parties,
                                .party_count = 4,
                                .providers = world->providers,
                                .provider_count = 3,
                                .products = world->products,
                                .product_count = 3,
                                .models = world->models,
                                .model_count = 2,
                                .accounts = world->accounts,
                                .account_count = 2,
                                .events = world->events,
                                .event_count = 2,
                                .prices = world->prices,
                                .pools = world->pools,
                                .pool_count = 3,
                                .serves = world->serves,
                                .serve_count = 4,
                                .secrets = secrets,
                                .secret_count = 2,
                                .clauses = world->clauses};
}

void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    fill_names(world);
    world->pools[EAST] = pool_of("east", AZURE, "us-east");
    world->pools[WEST] = pool_of("west", OCI, "eu-west");
    world->pools[METAL] = pool_of("metal", CW, "us-east");
    world->pools[METAL].reserved = true;
    world->serves[EAST_ZETA] = serve_of(EAST, ZETA, "zeta-prod");
    world->serves[WEST_ZETA] = serve_of(WEST, ZETA, "zeta");
    world->serves[METAL_ZETA] = serve_of(METAL, ZETA, "zeta");
    world->serves[EAST_ALPHA] = serve_of(EAST, ALPHA, "alpha/\"big\" one");
    (void)world_price(world, "east.price.zeta@", false, EAST, ZETA, 12, OFT_INSTANT_ALWAYS,
                      world_never);
    (void)world_price(world, "west.price.zeta@", false, WEST, ZETA, 10, OFT_INSTANT_ALWAYS,
                      world_never);
    (void)world_price(world, "east.price.alpha@", false, EAST, ALPHA, 3, OFT_INSTANT_ALWAYS,
                      world_never);
    (void)world_price(world, "api.price.*@", true, API, DEAL_ALL, 20, OFT_INSTANT_ALWAYS,
                      world_never);
    (void)world_price(world, "copilot.price.*@", true, COPILOT, DEAL_ALL, 30, OFT_INSTANT_ALWAYS,
                      world_never);
    world->input = (struct policy_compile_input){.deal = &world->deal,
                                                 .attested = {.items = world->attested},
                                                 .generation = 7,
                                                 .compiled_ns = 1234,
                                                 .commitment_value_ppb = world->values};
}

static void die(const char *what, const struct oft_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, error->message);
    abort();
}

void world_compile(const struct world *world, struct compiled *compiled)
{
    static struct policy_resolved resolved[OFT_POOLS_PER_DECISION_MAX + 8];
    struct policy_compile_input input = world->input;
    struct oft_error error = {0};
    uint32_t i;

    memset(resolved, 0, sizeof(resolved));
    for (i = 0; i < world->deal.serve_count; i++) {
        resolved[i].host = world->serves[i].host;
        resolved[i].port = world->serves[i].port;
        resolved[i].address_count = 1;
        resolved[i].addresses[0] = (struct policy_address){
            .family = 4, .port = world->serves[i].port, .bytes = {127, 0, 0, 1}};
    }
    if (input.resolved == NULL) {
        input.resolved = resolved;
        input.resolved_count = world->deal.serve_count;
    }
    oft_buffer_init(&compiled->bytes, OFT_SNAPSHOT_BYTES_MAX);
    if (policy_compile(&input, &compiled->bytes, NULL, &error) != OFT_OK) {
        die("policy_compile", &error);
    }
    if (policy_open(&compiled->view, compiled->bytes.data, compiled->bytes.length, &error) !=
        OFT_OK) {
        die("policy_open", &error);
    }
}

void compiled_release(struct compiled *compiled)
{
    oft_buffer_release(&compiled->bytes);
}

void decide_query(const struct policy_view *view, const struct policy_query *query,
                  struct policy_answer *answer)
{
    static struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    struct policy_query asked = *query;

    asked.with_barred = true;
    if (asked.account == 0) {
        asked.account = POLICY_NONE; /* what a test does not say */
    }
    policy_decide(view, &asked, choices, OFT_POOLS_PER_DECISION_MAX, answer);
}

void compiled_decide(const struct compiled *compiled, uint32_t product, const char *model,
                     oft_instant at, struct policy_answer *answer)
{
    struct policy_query query = {.instant_ns = at, .product = product};

    query.model = policy_find_model(&compiled->view, oft_str_from(model));
    decide_query(&compiled->view, &query, answer);
}

const char *choice_pool(const struct compiled *compiled, const struct policy_answer *answer,
                        uint32_t i)
{
    uint32_t pool = answer->choices[i].candidate->pool;

    return policy_text(&compiled->view, compiled->view.pools[pool].name).data;
}

const char *choice_clause(const struct compiled *compiled, const struct policy_answer *answer,
                          uint32_t i)
{
    uint32_t clause = answer->choices[i].candidate->clause;

    return policy_text(&compiled->view, compiled->view.clauses[clause].name).data;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(random_next(state) % bound);
}
