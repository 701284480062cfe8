/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_PROVIDER_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_PROVIDER_H
/*
 * provider -- a model provider that can be told exactly what to answer, and how to fail.
 *
 * What it is   An OpenAI-compatible server for tests, demonstrations and benchmarks. What it answers
 *              is a function of its seed and of the request; what it served it counts exactly.
 * What it is not  It runs no model, and it is not meant to face a network that is not loopback.
 * Threads      Start and stop from one thread. Everything inside locks for itself.
 */
#include "base/base.h"

enum sim_kind {
    SIM_KIND_OPENAI = 1, /* /v1/..., Authorization: Bearer */
    SIM_KIND_AZURE = 2,  /* /openai/deployments/{name}/..., api-key or Authorization: Bearer */
    SIM_KIND_BOTH = 3,
};

struct sim_options {
    const char *name;
    const char *listen;  /* an IPv4 address */
    const char *api_key; /* NULL or "": credentials are not looked at */
    const char *tls_cert_path;
    const char *tls_key_path;
    uint64_t seed;
    uint64_t detail_max; /* served requests kept by id for /sim/counts?detail=1 */
    enum sim_kind kind;
    unsigned latency_ms;          /* before the first byte of an answer */
    unsigned token_interval_us;   /* between two events of a stream */
    unsigned requests_per_second; /* 0: no cap */
    unsigned threads;
    uint16_t port; /* 0: the kernel chooses */
};

struct sim_provider;
/* NULL on failure, with ERROR filled. OPTIONS' strings must outlive the provider. */
struct sim_provider *sim_provider_start(const struct sim_options *options, struct oft_error *error);
uint16_t sim_provider_port(const struct sim_provider *provider);
void sim_provider_stop(struct sim_provider *provider); /* accepts NULL */

#endif
