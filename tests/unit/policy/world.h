/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_POLICY_WORLD_H
#define TEST_POLICY_WORLD_H
/*
 * world -- a small deal built by hand and the way from it to an opened snapshot, for the tests.
 *
 *   parties    openai (the customer), microsoft, oracle, coreweave
 *   providers  azure of microsoft, oci of oracle, cw of coreweave
 *   products   api, copilot of microsoft, training (of class training)
 *   models     zeta, alpha (so that the snapshot's order is not the deal's)
 *   pools      east on azure (us-east), west on oci (eu-west), metal on cw (reserved)
 *   serves     zeta from all three, alpha from east
 *   prices     cost: east zeta 12, east alpha 3, west zeta 10; sale: api and copilot, every model
 *   clauses    none: a test adds its own
 */
#include "policy/compile.h"
#include "policy/decide.h"

enum { OPENAI, MICROSOFT, ORACLE, COREWEAVE };
enum { AZURE, OCI, CW };
enum { API, COPILOT, TRAINING };
enum { ZETA, ALPHA };
enum { EAST, WEST, METAL };
enum { EAST_ZETA, WEST_ZETA, METAL_ZETA, EAST_ALPHA };

#define WORLD_ITEMS 80

struct world {
    struct deal deal;
    struct deal_file files[1];
    struct deal_party parties[4];
    struct deal_provider providers[3];
    struct deal_product products[3];
    struct deal_model models[2];
    struct deal_account accounts[2];
    struct deal_event events[2];
    struct deal_price prices[WORLD_ITEMS];
    struct deal_pool pools[WORLD_ITEMS];
    struct deal_serve serves[OFT_POOLS_PER_DECISION_MAX + 8];
    struct deal_clause clauses[WORLD_ITEMS];
    struct deal_attestation attested[2];
    int64_t values[WORLD_ITEMS]; /* of commitments, in parts per billion */
    int64_t weights[WORLD_ITEMS];
    struct policy_compile_input input;
};

struct compiled {
    struct oft_buffer bytes;
    struct policy_view view;
};

extern const struct deal_end world_never;
struct deal_end world_until(oft_instant instant);
struct deal_end world_on_event(uint32_t event);

/* A list of one: an index below 4, or DEAL_ALL. */
struct deal_list world_list(uint32_t item);
void world_init(struct world *world);
/* Each returns the new clause's index; the caller may change it before compiling. */
uint32_t world_exclusive(struct world *world, const char *id, uint32_t product, uint32_t provider,
                         oft_instant from, struct deal_end until);
uint32_t world_ceiling(struct world *world, const char *id, uint32_t provider, int64_t nanos,
                       oft_instant from, struct deal_end until);
uint32_t world_license(struct world *world, const char *id, uint32_t model, uint32_t party,
                       uint32_t product, oft_instant from, struct deal_end until);
uint32_t world_commit(struct world *world, const char *id, uint32_t provider, uint32_t product,
                      oft_instant from, oft_instant until);
uint32_t world_price(struct world *world, const char *id, bool is_sale, uint32_t owner,
                     uint32_t model, int64_t units, oft_instant from, struct deal_end until);
void world_attest(struct world *world, uint32_t event, oft_instant at);

/* Aborts the test when the deal does not compile or the snapshot does not open. */
void world_compile(const struct world *world, struct compiled *compiled);
void compiled_release(struct compiled *compiled);
/* Decides with every address up. PRODUCT is an index, MODEL a name. */
void compiled_decide(const struct compiled *compiled, uint32_t product, const char *model,
                     oft_instant at, struct policy_answer *answer);
/* The name of choice I's pool and of its clause. */
/* Decides with room for everything, barred ones listed. The choices are a static array's: good until
 * the next decision. */
void decide_query(const struct policy_view *view, const struct policy_query *query,
                  struct policy_answer *answer);
const char *choice_pool(const struct compiled *compiled, const struct policy_answer *answer,
                        uint32_t i);
const char *choice_clause(const struct compiled *compiled, const struct policy_answer *answer,
                          uint32_t i);

/* A small seeded generator, the same everywhere. */
uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t bound);

#endif
