/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_endpoints -- where a pool serves a model: host, path, names made ready for a request, the
 * keys that it may use; and the paths that products let pass.
 */
#include "policy/compile_internal.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

/* What goes into a request line or a Host header as it is may hold only these. */
static void check_url_part(struct policy_build *build, const struct deal_serve *serve,
                           const char *text, const char *also, const char *what)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    const char *c;

    for (c = text; *c != '\0' && build->err == OFT_OK; c++) {
        if (strchr(plain, *c) == NULL && strchr(also, *c) == NULL) {
            build->err =
                oft_fail(build->reterr, OFT_ERR_INVALID,
                         "pool '%s': the %s of its endpoint for '%s' holds the byte 0x%02x, "
                         "which cannot stand there; write it percent-encoded or correct it",
                         build->deal->pools[serve->pool].name, what,
                         build->deal->models[serve->model].name, (unsigned)(unsigned char)*c);
        }
    }
}

static struct policy_text put_host_header(struct policy_build *build,
                                          const struct deal_serve *serve)
{
    bool literal = strchr(serve->host, ':') != NULL; /* IPv6 */

    oft_buffer_clear(&build->scratch);
    oft_buffer_printf(&build->scratch, literal ? "[%s]" : "%s", serve->host);
    if (serve->port != (serve->tls ? 443 : 80)) {
        oft_buffer_printf(&build->scratch, ":%u", (unsigned)serve->port);
    }
    return policy_build_text(build, oft_str_from(oft_buffer_text(&build->scratch)), "a host");
}

static void put_addresses(struct policy_build *build, const struct deal_serve *serve,
                          struct policy_endpoint *endpoint)
{
    const struct policy_compile_input *input = build->input;
    size_t i;
    uint32_t a;

    for (i = 0; i < input->resolved_count; i++) {
        const struct policy_resolved *resolved = &input->resolved[i];

        if (resolved->port != serve->port || strcmp(resolved->host, serve->host) != 0) {
            continue;
        }
        for (a = 0; a < resolved->address_count && a < OFT_ADDRESSES_PER_ENDPOINT_MAX; a++) {
            struct policy_address *address = &endpoint->addresses[a];
            bool four = resolved->addresses[a].family == 4;

            address->family = four ? 4 : 6;
            address->port = serve->port;
            memcpy(address->bytes, resolved->addresses[a].bytes, four ? 4 : 16);
        }
        endpoint->address_count = a;
        return;
    }
}

/* A key by the pool that uses it and by where its secret comes from: two pools with one key have
 * quotas of their own. */
static uint64_t credential_id(struct policy_build *build, const struct deal_serve *serve,
                              const struct deal_secret *secret)
{
    oft_buffer_clear(&build->scratch);
    oft_buffer_printf(&build->scratch, "%s %s %s", build->deal->pools[serve->pool].name,
                      secret->source == DEAL_SECRET_FILE ? "file" : "env", secret->name);
    return oft_id_of(OFT_ID_CREDENTIAL, oft_str_from(oft_buffer_text(&build->scratch)));
}

static void put_credentials(struct policy_build *build, const struct deal_serve *serve,
                            struct policy_endpoint *endpoint)
{
    struct oft_buffer *section = &build->sections[POLICY_CREDENTIALS];
    uint32_t i;

    endpoint->credential = (uint32_t)(section->length / sizeof(struct policy_credential));
    endpoint->credential_count = serve->keys.count;
    for (i = 0; i < serve->keys.count; i++) {
        struct policy_credential item = {.secret = serve->keys.items[i]};

        item.id = credential_id(build, serve, &build->deal->secrets[item.secret]);
        oft_buffer_append(section, &item, sizeof(item));
    }
}

static enum policy_endpoint_kind kind_of(const struct deal_serve *serve)
{
    static const enum policy_endpoint_kind kinds[DEAL_KIND_COUNT] = {
        [DEAL_KIND_OPENAI] = POLICY_KIND_OPENAI,
        [DEAL_KIND_AZURE_OPENAI] = POLICY_KIND_AZURE_OPENAI,
        [DEAL_KIND_COMPATIBLE] = POLICY_KIND_COMPATIBLE,
        [DEAL_KIND_ANTHROPIC] = POLICY_KIND_ANTHROPIC,
        [DEAL_KIND_BEDROCK] = POLICY_KIND_BEDROCK,
        [DEAL_KIND_VERTEX] = POLICY_KIND_VERTEX,
    };

    return kinds[serve->kind];
}

static void build_endpoint(struct policy_build *build, uint32_t index)
{
    const struct deal_serve *serve = &build->deal->serves[index];
    struct oft_str upstream = oft_str_from(serve->upstream_model);
    struct oft_buffer *scratch = &build->scratch;
    struct policy_endpoint item = {0};

    check_url_part(build, serve, serve->host, ":", "host");
    check_url_part(build, serve, serve->path_prefix, "/%!$&'()*+,;=:@", "path");
    check_url_part(build, serve, serve->api_version, "", "api version");
    check_url_part(build, serve, serve->signing_region, "", "region to sign for");
    item.pool = serve->pool;
    item.model = build->model_rank[serve->model];
    item.kind = kind_of(serve);
    item.tls = serve->tls ? 1 : 0;
    oft_buffer_clear(scratch);
    policy_escape_json(scratch, upstream);
    item.upstream_model =
        policy_build_text(build, oft_str_from(oft_buffer_text(scratch)), "an upstream model");
    oft_buffer_clear(scratch);
    policy_escape_path(scratch, upstream);
    item.deployment =
        policy_build_text(build, oft_str_from(oft_buffer_text(scratch)), "a deployment");
    item.host = policy_build_text(build, oft_str_from(serve->host), "a host");
    item.host_header = put_host_header(build, serve);
    item.path_prefix = policy_build_text(build, oft_str_from(serve->path_prefix), "a URL's path");
    item.api_version = policy_build_text(build, oft_str_from(serve->api_version), "an api version");
    item.ca_file = policy_build_text(build, oft_str_from(serve->ca_file), "a CA file's name");
    item.signing_region =
        policy_build_text(build, oft_str_from(serve->signing_region), "a region to sign for");
    put_credentials(build, serve, &item);
    put_addresses(build, serve, &item);
    oft_buffer_append(&build->sections[POLICY_ENDPOINTS], &item, sizeof(item));
}

void policy_build_endpoints(struct policy_build *build)
{
    uint32_t i;

    for (i = 0; i < build->deal->serve_count; i++) {
        build_endpoint(build, i);
    }
}

/* ---- paths that pass --------------------------------------------------------------------------- */

void policy_build_passes(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    uint32_t product, i;

    for (product = 0; product < deal->product_count; product++) {
        const struct deal_names *patterns = &deal->products[product].passes;

        for (i = 0; i < patterns->count; i++) {
            struct policy_pass item = {.product = product};

            item.pattern =
                policy_build_text(build, oft_str_from(patterns->items[i]), "a path that passes");
            oft_buffer_append(&build->sections[POLICY_PASSES], &item, sizeof(item));
        }
    }
}
