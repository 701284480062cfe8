/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints: "serves MODEL as NAME at URL kind K key env X". The address is taken apart here, once,
 * and what could smuggle bytes into a request (user names, queries, odd characters) is refused. A
 * key is named, never written: a literal one is an error, and its text is not repeated.
 */
#include "base/limits.h"
#include "deal/build.h"

#include <string.h>

static bool url_error(struct deal_build *build, const struct deal_node *node, const char *why)
{
    BUILD_ERROR(build, 30, node, "", "write http(s)://host[:port][/path]",
                "this address cannot be used: %s", why);
    return false;
}

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool is_path_byte(char c)
{
    return is_host_byte(c) || c == '/' || c == '~' || c == ':' || c == '@' || c == '+' || c == '=';
}

static size_t find_byte(struct oft_str text, char c)
{
    const char *at = text.length == 0 ? NULL : memchr(text.data, c, text.length);
    return at == NULL ? text.length : (size_t)(at - text.data);
}

static struct oft_str rest_of(struct oft_str text, size_t start)
{
    return (struct oft_str){text.data + start, text.length - start};
}

static bool parse_port(struct oft_str text, uint16_t *ret)
{
    uint32_t port = 0;
    if (text.length < 1 || text.length > 5) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    *ret = (uint16_t)port;
    return port >= 1 && port <= 65535;
}

/* "[::1]:80" or "host:80": the host without brackets. */
static bool parse_authority(struct deal_build *build, const struct deal_node *node,
                            struct oft_str text, struct deal_serve *serve)
{
    struct oft_str host = text;
    struct oft_str after;
    bool six = text.length > 0 && text.data[0] == '[';
    if (six) {
        size_t close = find_byte(text, ']');
        if (close == text.length) {
            return url_error(build, node, "the bracket of its IPv6 host is not closed");
        }
        host = (struct oft_str){text.data + 1, close - 1};
        after = rest_of(text, close + 1);
    } else {
        host.length = find_byte(text, ':');
        after = rest_of(text, host.length);
    }
    if (host.length == 0 || host.length > 253) {
        return url_error(build, node, "it has no host, or one of more than 253 bytes");
    }
    for (size_t i = 0; i < host.length; i++) {
        if (!is_host_byte(host.data[i]) && !(six && host.data[i] == ':')) {
            return url_error(build, node, "its host holds a character that no host has");
        }
    }
    if (after.length > 0 &&
        (after.data[0] != ':' || !parse_port(rest_of(after, 1), &serve->port))) {
        return url_error(build, node, "its port is not a number from 1 to 65535");
    }
    serve->host = deal_build_copy(build, host);
    return true;
}

static bool parse_url(struct deal_build *build, const struct deal_node *node,
                      struct deal_serve *serve)
{
    struct oft_str text = node->text;
    size_t scheme = find_byte(text, ':');
    struct oft_str name = {text.data, scheme};
    serve->tls = oft_str_is(name, "https");
    serve->port = serve->tls ? 443 : 80;
    if (!serve->tls && !oft_str_is(name, "http")) {
        return url_error(build, node, "its scheme is neither http nor https");
    }
    if (text.length > OFT_URL_BYTES_MAX) {
        return url_error(build, node, "it is longer than 1024 bytes");
    }
    struct oft_str rest = rest_of(text, scheme + 3);
    size_t slash = find_byte(rest, '/');
    struct oft_str path = rest_of(rest, slash);
    while (path.length > 0 && path.data[path.length - 1] == '/') {
        path.length--;
    }
    for (size_t i = 0; i < path.length; i++) {
        if (!is_path_byte(path.data[i])) {
            return url_error(build, node, "its path holds a query, a fragment or an odd character");
        }
    }
    serve->path_prefix = deal_build_copy(build, path);
    return parse_authority(build, node, (struct oft_str){rest.data, slash}, serve);
}

bool deal_value_url(struct deal_build *build, const struct deal_node *node)
{
    struct deal_serve parts = {0};
    return parse_url(build, node, &parts);
}

static const char *const kinds[DEAL_KIND_COUNT] = {
    [DEAL_KIND_OPENAI] = "openai",
    [DEAL_KIND_AZURE_OPENAI] = "azure-openai",
    [DEAL_KIND_COMPATIBLE] = "openai-compatible",
    [DEAL_KIND_ANTHROPIC] = "anthropic",
    [DEAL_KIND_BEDROCK] = "bedrock",
    [DEAL_KIND_VERTEX] = "vertex",
};

const char *deal_kind_text(enum deal_provider_kind kind)
{
    return kinds[kind];
}

static bool find_kind(struct deal_build *build, const struct deal_node *node,
                      const struct deal_node *kind, enum deal_provider_kind *ret)
{
    *ret = DEAL_KIND_OPENAI;
    if (kind == NULL) {
        BUILD_ERROR(build, 31, node, "", "add: kind openai, or: kind azure-openai",
                    "this endpoint does not say which protocol it speaks");
        return false;
    }
    for (int i = 0; i < DEAL_KIND_COUNT; i++) {
        if (oft_str_is(kind->text, kinds[i])) {
            *ret = (enum deal_provider_kind)i;
            return true;
        }
    }
    BUILD_ERROR(build, 31, kind, "",
                "write openai, azure-openai, openai-compatible, anthropic, bedrock or vertex",
                "\"%.*s\" is no kind of endpoint", (int)kind->text.length, kind->text.data);
    return false;
}

static bool has_version(enum deal_provider_kind kind)
{
    return kind != DEAL_KIND_OPENAI && kind != DEAL_KIND_COMPATIBLE;
}

static void resolve_kind(struct deal_build *build, const struct deal_node *node,
                         struct deal_serve *serve)
{
    const struct deal_node *kind = deal_node_child(node, NODE_PROVIDER_KIND);
    const struct deal_node *version = deal_node_child(node, NODE_API_VERSION);
    serve->api_version = version != NULL ? deal_build_copy(build, version->text) : "";
    if (!find_kind(build, node, kind, &serve->kind)) {
        return;
    }
    if (serve->kind == DEAL_KIND_AZURE_OPENAI && serve->api_version[0] == '\0') {
        BUILD_ERROR(build, 32, kind, "", "add: api-version \"2024-10-21\"",
                    "an azure-openai endpoint needs an api-version");
    } else if (version != NULL && !has_version(serve->kind)) {
        deal_report(build->diagnostics, DEAL_WARNING, 33, version->position, "", "leave it out",
                    "endpoints of this kind have no api-version");
    }
    for (const char *c = serve->api_version; *c != '\0'; c++) {
        if (!is_host_byte(*c)) {
            BUILD_ERROR(build, 32, version, "", "use letters, digits, . - and _",
                        "an api-version goes into an address and may not hold this");
            return;
        }
    }
}

/* "bedrock-runtime.us-east-1.amazonaws.com": the region that requests are signed for. */
static const char *region_of_host(struct deal_build *build, const char *host)
{
    static const char *const services[] = {"bedrock-runtime.", "bedrock-runtime-fips."};
    for (size_t i = 0; i < OFT_COUNT_OF(services); i++) {
        size_t length = strlen(services[i]);
        const char *end =
            strncmp(host, services[i], length) == 0 ? strchr(host + length, '.') : NULL;
        if (end != NULL && end > host + length) {
            return deal_build_copy(build,
                                   (struct oft_str){host + length, (size_t)(end - host) - length});
        }
    }
    return "";
}

static void resolve_signing(struct deal_build *build, const struct deal_node *node,
                            struct deal_serve *serve)
{
    const struct deal_node *region = deal_node_child(node, NODE_SIGNING_REGION);
    serve->signing_region = "";
    if (serve->kind != DEAL_KIND_BEDROCK) {
        if (region != NULL) {
            deal_report(build->diagnostics, DEAL_WARNING, 33, region->position, "", "leave it out",
                        "only bedrock endpoints are signed for a region");
        }
        return;
    }
    serve->signing_region =
        region != NULL ? deal_build_copy(build, region->text) : region_of_host(build, serve->host);
    if (serve->signing_region[0] == '\0') {
        BUILD_ERROR(build, 83, node, "", "add: region us-east-1",
                    "a bedrock endpoint needs the region that its requests are signed for");
    }
}

static void once_each(struct deal_build *build, const struct deal_node *node)
{
    deal_build_once(build, node, NODE_PROVIDER_KIND, "the kind");
    deal_build_once(build, node, NODE_API_VERSION, "the api-version");
    deal_build_once(build, node, NODE_SIGNING_REGION, "the region");
    deal_build_once(build, node, NODE_CA_FILE, "the ca file");
}

/* A name that goes into an address or a JSON text without being quoted there. */
static bool upstream_good(struct oft_str name)
{
    bool good = name.length > 0 && name.length <= OFT_MODEL_NAME_BYTES_MAX;
    for (size_t i = 0; good && i < name.length; i++) {
        good = is_path_byte(name.data[i]);
    }
    return good;
}

void deal_resolve_serve(struct deal_build *build, const struct deal_node *node, uint32_t pool)
{
    const char *pool_name = build->pools[pool].name;
    struct deal *deal = build->deal;
    struct deal_serve serve = {.pool = pool, .position = node->position};
    once_each(build, node);
    serve.model = deal_symbols_need(build, SYMBOL_MODEL, node, pool_name);
    const struct deal_node *upstream = deal_node_child(node, NODE_UPSTREAM);
    const struct deal_node *named = upstream != NULL ? upstream : node;
    if (!upstream_good(named->text)) {
        BUILD_ERROR(build, 36, named, pool_name, "use letters, digits and . _ - / : @ + = ~",
                    "this name at the provider is empty, too long or holds an odd character");
    }
    serve.upstream_model = deal_build_copy(build, named->text);
    const struct deal_node *ca = deal_node_child(node, NODE_CA_FILE);
    serve.ca_file = ca != NULL ? deal_build_copy(build, ca->text) : "";
    serve.host = "";
    serve.path_prefix = "";
    (void)parse_url(build, deal_node_child(node, NODE_URL), &serve);
    resolve_kind(build, node, &serve);
    resolve_signing(build, node, &serve);
    deal_resolve_keys(build, node, build->pool_nodes[pool], pool_name, &serve.keys);
    for (uint32_t i = deal->serve_count; i > 0 && build->serves[i - 1].pool == pool; i--) {
        if (serve.model != DEAL_NONE && build->serves[i - 1].model == serve.model) {
            BUILD_ERROR(build, 13, node, pool_name, "make it a pool of its own",
                        "this pool already serves \"%.*s\"", (int)node->text.length,
                        node->text.data);
            return;
        }
    }
    build->serves[deal->serve_count++] = serve;
}
