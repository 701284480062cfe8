/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offtake-simulated-provider: the command line of the simulated provider. It serves until SIGINT or
 * SIGTERM. Exit 0 after a signal, 2 for a wrong command line, 3 when it cannot serve.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider.h"

static const char help[] =
    "offtake-simulated-provider [OPTION]...\n"
    "An OpenAI-compatible server that answers what it is told to, for tests.\n"
    "\n"
    "  --port N                  port (default 9101; 0: any, see the first line)\n"
    "  --listen ADDRESS          IPv4 address (default 127.0.0.1)\n"
    "  --name NAME               its name in the counts (default provider)\n"
    "  --kind KIND               openai | azure-openai | both (default both)\n"
    "  --api-key-env VARIABLE    wants the credential that VARIABLE holds: 401 else\n"
    "  --seed N                  answers are a function of it (default 1)\n"
    "  --latency-ms N            wait before each answer (default 0)\n"
    "  --token-interval-us N     wait between events of a stream (default 0)\n"
    "  --requests-per-second N   429 with Retry-After above (default 0: no cap)\n"
    "  --tls-cert F --tls-key F  serve TLS with this PEM chain and key\n"
    "  --threads N               threads that serve (default 2)\n"
    "  --detail-max N            served requests kept by id (default 1000000)\n"
    "  --help                    this text\n"
    "\n"
    "Paths: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses,\n"
    "/v1/messages (a key in x-api-key), /v1/models; /openai/deployments/NAME/...\n"
    "with ?api-version= (azure-openai).\n"
    "\n"
    "Tokens: a prompt whose text starts with \"tokens:1155 cached:200 reasoning:64 \"\n"
    "has these counts (else its bytes over four; headers x-sim-cached and\n"
    "x-sim-reasoning set the last two). max_tokens, max_completion_tokens or\n"
    "max_output_tokens is the exact output.\n"
    "\n"
    "Faults: by header x-sim-fault, by a model or deployment named \"...fault:NAME\",\n"
    "or by POST /sim/fault. A NAME is 429[=S], 429-ms[=MS], 400, 401, 402, 403, 404,\n"
    "408, 409, 500, 502, 503, 504, 529, hang, hang-mid[=K], reset, reset-mid[=K],\n"
    "close-mid[=K], malformed, nousage, usage-neg, usage-big, usage-str, usage-float,\n"
    "usage-dup, downgrade, split, crlf, drip, close, garbage, header-big, ping, empty,\n"
    "chunk[=K], length-short, length-long, gzip, error-first[=STATUS], error-mid[=K],\n"
    "and PLACE-close, PLACE-reset, PLACE-hang where PLACE is header, headers, ping,\n"
    "frame[=K], usage or done. K counts events of a stream; else it is half-way.\n"
    "\n"
    "Control, from this machine only: GET /sim/counts[?detail=1], POST /sim/reset,\n"
    "POST /sim/fault {\"fault\": NAME, \"count\": N, \"model\": NAME}. \"served\" counts\n"
    "requests for which generation began; it is counted before the first byte.\n"
    "\n"
    "Exit: 0 after SIGINT or SIGTERM, 2 wrong usage, 3 cannot serve.\n";

static bool parse_number(const char *text, uint64_t most, uint64_t *ret)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 19)
        return false;
    *ret = strtoull(text, &end, 10);
    return *end == '\0' && *ret <= most;
}

enum option_id {
    OPT_PORT = 256,
    OPT_LISTEN,
    OPT_NAME,
    OPT_KIND,
    OPT_KEY_ENV,
    OPT_SEED,
    OPT_LATENCY,
    OPT_INTERVAL,
    OPT_RPS,
    OPT_CERT,
    OPT_KEY,
    OPT_THREADS,
    OPT_DETAIL,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"name", required_argument, NULL, OPT_NAME},
    {"kind", required_argument, NULL, OPT_KIND},
    {"api-key-env", required_argument, NULL, OPT_KEY_ENV},
    {"seed", required_argument, NULL, OPT_SEED},
    {"latency-ms", required_argument, NULL, OPT_LATENCY},
    {"token-interval-us", required_argument, NULL, OPT_INTERVAL},
    {"requests-per-second", required_argument, NULL, OPT_RPS},
    {"tls-cert", required_argument, NULL, OPT_CERT},
    {"tls-key", required_argument, NULL, OPT_KEY},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"detail-max", required_argument, NULL, OPT_DETAIL},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool parse_kind(const char *text, enum sim_kind *ret)
{
    if (strcmp(text, "openai") == 0)
        *ret = SIM_KIND_OPENAI;
    else if (strcmp(text, "azure-openai") == 0)
        *ret = SIM_KIND_AZURE;
    else if (strcmp(text, "both") == 0)
        *ret = SIM_KIND_BOTH;
    else
        return false;
    return true;
}

/* An option with a number: where it goes, and how large it may be. */
static bool take_number(int id, const char *text, struct sim_options *options)
{
    uint64_t value = 0;
    uint64_t most = id == OPT_PORT      ? 65535
                    : id == OPT_THREADS ? 256
                    : id == OPT_DETAIL  ? 100000000
                    : id == OPT_SEED    ? UINT64_MAX
                                        : 100000000;
    if (!parse_number(text, most, &value))
        return false;
    switch (id) {
    case OPT_PORT:
        options->port = (uint16_t)value;
        return true;
    case OPT_SEED:
        options->seed = value;
        return true;
    case OPT_LATENCY:
        options->latency_ms = (unsigned)value;
        return true;
    case OPT_INTERVAL:
        options->token_interval_us = (unsigned)value;
        return true;
    case OPT_RPS:
        options->requests_per_second = (unsigned)value;
        return true;
    case OPT_THREADS:
        options->threads = (unsigned)value;
        return true;
    default:
        options->detail_max = value;
        return true;
    }
}

static bool take_option(int id, const char *text, struct sim_options *options)
{
    switch (id) {
    case OPT_LISTEN:
        options->listen = text;
        return true;
    case OPT_NAME:
        options->name = text;
        return true;
    case OPT_KIND:
        return parse_kind(text, &options->kind);
    case OPT_KEY_ENV:
        options->api_key = getenv(text);
        if (options->api_key == NULL || options->api_key[0] == '\0') {
            (void)fprintf(stderr, "the environment holds no %s, so no credential can be checked\n",
                          text);
            return false;
        }
        return true;
    case OPT_CERT:
        options->tls_cert_path = text;
        return true;
    case OPT_KEY:
        options->tls_key_path = text;
        return true;
    default:
        return take_number(id, text, options);
    }
}

int main(int argc, char **argv)
{
    struct sim_options options = {.name = "provider",
                                  .listen = "127.0.0.1",
                                  .kind = SIM_KIND_BOTH,
                                  .seed = 1,
                                  .port = 9101,
                                  .threads = 2,
                                  .detail_max = 1000000};
    int id;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == OPT_HELP) {
            (void)fputs(help, stdout);
            return 0;
        }
        if (id == '?' || !take_option(id, optarg, &options)) {
            (void)fprintf(stderr, "wrong option or value%s%s; see --help\n", id == '?' ? "" : ": ",
                          id == '?' ? "" : optarg);
            return 2;
        }
    }
    if (optind != argc || (options.tls_cert_path == NULL) != (options.tls_key_path == NULL)) {
        (void)fputs(
            "no arguments are taken, and --tls-cert and --tls-key go together; see --help\n",
            stderr);
        return 2;
    }
    sigset_t signals;
    int received = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* the server's threads inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    struct oft_error error = {0};
    struct sim_provider *provider = sim_provider_start(&options, &error);
    if (provider == NULL) {
        (void)fprintf(stderr, "offtake-simulated-provider: %s\n", error.message);
        return 3;
    }
    (void)printf("%s listens on %s:%u\n", options.name, options.listen,
                 (unsigned)sim_provider_port(provider));
    (void)fflush(stdout);
    (void)sigwait(&signals, &received);
    sim_provider_stop(provider);
    return 0;
}
