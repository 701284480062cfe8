/* SPDX-License-Identifier: Apache-2.0 */
/* Who and what the worlds are made of, and chance. */
#include "sim.h"

/* splitmix64: one seed, one sequence, on every machine. */
uint64_t sim_next(struct sim_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t sim_below(struct sim_random *random, uint32_t bound)
{
    return bound == 0 ? 0 : (uint32_t)(((sim_next(random) >> 32) * bound) >> 32);
}

void sim_cast_begin(struct sim_cast *cast)
{
    static const char *const holders[] = {"hold-a", "hold-b", "hold-c", "hold-d", "hold-e"};
    static const char *const vendors[] = {"vend-x", "vend-y", "vend-z"};
    static const char *const terms[] = {"credit", "law", "prepay", "price", "start", "uptime"};
    static const char *const regions[] = {"us", "us-east", "eu", "us-east-1"};

    *cast = (struct sim_cast){
        .customer = desk_party_name("lab"),
        .providers = {desk_word("cloud-p"), desk_word("cloud-q")},
        .products = {desk_product_name("train"), desk_product_name("infer")},
        .accelerators = {desk_word("h100"), desk_word("b200")},
        .groups = {desk_word("public"), desk_word("internal")},
        .tests = {desk_word("financing"), desk_word("arms-length")},
        .laws = {desk_word("NY"), desk_word("DE")},
        .per_gpu_hour = desk_word("gpu-hour"),
        .per_mw_hour = desk_word("MW-hour"),
        .money = {.id = 0, .text = ""},
        .calendar = desk_word("bank"),
        .zone = desk_word("east"),
        .narrow = desk_word("narrow"),
        .unknown = desk_word("nobody-knows"),
        .carve_out = desk_word("research"),
        .floor = desk_word("floor"),
        .free = desk_word("free"),
        .revive = desk_word("revive"),
        .begin = oft_instant_from_date((struct oft_date){2026, 1, 1}),
    };
    for (int i = 0; i < SIM_HOLDERS; i++) {
        cast->holders[i] = desk_party_name(holders[i]);
    }
    for (int i = 0; i < SIM_VENDORS; i++) {
        cast->vendors[i] = desk_party_name(vendors[i]);
    }
    for (int i = 0; i < SIM_TERM_NAMES; i++) {
        cast->terms[i] = desk_word(terms[i]);
    }
    for (int i = 0; i < 4; i++) {
        cast->regions[i] = desk_word(regions[i]);
    }
}
