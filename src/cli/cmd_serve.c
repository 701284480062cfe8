/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake serve`: reads the options of the daemon and hands over to it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_serve.h"
#include "cli/command.h"

enum {
    OPT_LISTEN = CLI_OPT_OWN,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_WORKERS,
    OPT_MODULE,
    OPT_NGINX,
    OPT_ADMIN_LISTEN,
    OPT_ADMIN_TOKEN_FILE,
    OPT_REHEARSE_AT,
    OPT_STALE_AFTER,
    OPT_USER,
    OPT_NODE,
    OPT_CA_BUNDLE,
    OPT_DESK_CONFIG,
    OPT_METRICS_TOKEN_FILE,
    OPT_ACCESS_LOG,
    OPT_OTLP,
    OPT_OTLP_HEADERS,
    OPT_OTLP_ONE_OF,
    OPT_STOP_AFTER,
    OPT_NO_NGINX
};

static const char HELP[] =
    "Usage: offtake serve DEAL [OPTION]...\n"
    "Runs the control plane in the foreground: checks the deal, publishes it, starts\n"
    "nginx with the offtake module, books what it serves, answers the admin API.\n"
    "A deal with an error starts nothing. Providers' keys are read from the\n"
    "environment variables or files that the deal names.\n\n"
    "  --listen ADDR:PORT  where clients connect (default: 127.0.0.1:8080)\n"
    "  --data DIR          books, spools and sockets (default: $OFFTAKE_DATA, else\n"
    "                      /var/lib/offtake)\n"
    "  --tls-cert FILE     certificate chain for clients' connections, PEM\n"
    "  --tls-key FILE      its key\n"
    "  --workers N         nginx workers (default: one a core)\n"
    "  --user NAME         whom the workers run as, when started as root (default:\n"
    "                      www-data, else nobody)\n"
    "  --node NAME         this machine's name in the spools (default: host name)\n"
    "  --stale-after TIME  how long workers go on by the last policy without the\n"
    "                      daemon: 90s, 30m, 24h, 7d or never (default: 24h)\n"
    "  --rehearse-at INSTANT\n"
    "                      rehearse: let the contract's clock begin at this instant;\n"
    "                      the books are marked and never mixed with real ones\n"
    "  --admin-listen ADDR:PORT\n"
    "                      answer the admin API over TCP too, with a token\n"
    "  --admin-token-file FILE\n"
    "                      where to put that token when it is made (default: shown\n"
    "                      on a terminal, else DIR/admin-token)\n"
    "  --metrics-token-file FILE\n"
    "                      a token that opens GET /metrics over TCP and nothing\n"
    "                      else: the first line of FILE, 16 to 128 characters\n"
    "  --access-log FILE   one line of JSON a request, without keys, queries and\n"
    "                      prompts (default: none)\n"
    "  --otlp URL          send traces to an OpenTelemetry collector, OTLP/HTTP:\n"
    "                      http://127.0.0.1:4318/v1/traces (default: none are made)\n"
    "  --otlp-headers FILE lines \"Name: value\" to send along, for a collector's key\n"
    "  --otlp-one-of N     trace one of N requests, when the client has not decided\n"
    "                      with a traceparent (default: 1)\n"
    "  --stop-after TIME   how long requests may go on after TERM: 90s, 5m\n"
    "                      (default: 20s)\n"
    "  --no-nginx          run no nginx: one of your own has the module\n"
    "                      (see `offtake conf`)\n"
    "  --ca-bundle FILE    who may vouch for providers (default: the system's)\n"
    "  --desk-config FILE  where the capacity desk's notices go (default:\n"
    "                      DIR/desk.json, if there is one)\n"
    "  --module FILE       the nginx module (default: beside this program, else in\n"
    "                      /usr/lib/nginx/modules)\n"
    "  --nginx FILE        the nginx program (default: /usr/sbin/nginx)\n"
    "  --help              this text\n\n"
    "Signals: TERM, INT and QUIT stop in order, a second one at once; HUP reloads the\n"
    "deal; USR1 opens the access log anew; USR2 upgrades nginx to the program and\n"
    "module that are on disk now, and no request is dropped.\n"
    "Exit status: 0 stopped in order; 1 the deal has errors; 2 wrong command line;\n"
    "3 a fault.\n";

enum oft_err cli_duration_parse(const char *text, int64_t *ret_ns)
{
    static const struct {
        char letter;
        int64_t ns;
    } UNITS[] = {{'s', OFT_NS_PER_SECOND},
                 {'m', 60 * OFT_NS_PER_SECOND},
                 {'h', 3600 * OFT_NS_PER_SECOND},
                 {'d', OFT_NS_PER_DAY}};
    if (strcmp(text, "never") == 0) {
        *ret_ns = 0;
        return OFT_OK;
    }
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits] == '\0' || text[digits + 1] != '\0') {
        return OFT_ERR_SYNTAX;
    }
    int64_t count = (int64_t)strtol(text, NULL, 10);
    for (size_t i = 0; i < OFT_COUNT_OF(UNITS); i++) {
        if (text[digits] == UNITS[i].letter && count > 0) {
            return __builtin_mul_overflow(count, UNITS[i].ns, ret_ns) ? OFT_ERR_RANGE : OFT_OK;
        }
    }
    return OFT_ERR_SYNTAX;
}

static int option_read(struct serve_options *options, int option, const char *value)
{
    static const char TITLE[] = "offtake serve";
    char *end;
    unsigned long count;
    switch (option) {
    case CLI_OPT_DATA:
        options->data_directory = value;
        return CLI_OK;
    case OPT_LISTEN:
        options->listen = value;
        return CLI_OK;
    case OPT_TLS_CERT:
        options->tls_cert = value;
        return CLI_OK;
    case OPT_TLS_KEY:
        options->tls_key = value;
        return CLI_OK;
    case OPT_MODULE:
        options->module_path = value;
        return CLI_OK;
    case OPT_NGINX:
        options->nginx_path = value;
        return CLI_OK;
    case OPT_ADMIN_LISTEN:
        options->admin_listen = value;
        return CLI_OK;
    case OPT_ADMIN_TOKEN_FILE:
        options->admin_token_file = value;
        return CLI_OK;
    case OPT_USER:
        options->user = value;
        return CLI_OK;
    case OPT_NODE:
        options->node = value;
        return CLI_OK;
    case OPT_CA_BUNDLE:
        options->ca_bundle = value;
        return CLI_OK;
    case OPT_DESK_CONFIG:
        options->desk_config = value;
        return CLI_OK;
    case OPT_METRICS_TOKEN_FILE:
        options->metrics_token_file = value;
        return CLI_OK;
    case OPT_ACCESS_LOG:
        options->access_log = value;
        return CLI_OK;
    case OPT_OTLP:
        options->otlp_url = value;
        return CLI_OK;
    case OPT_OTLP_HEADERS:
        options->otlp_headers_file = value;
        return CLI_OK;
    case OPT_OTLP_ONE_OF:
        count = strtoul(value, &end, 10);
        if (value[0] < '1' || value[0] > '9' || *end != '\0' || count > 1000000) {
            return cli_usage_error(TITLE, "--otlp-one-of takes a number from 1 to 1000000");
        }
        options->otlp_one_of = (uint32_t)count;
        return CLI_OK;
    case OPT_NO_NGINX:
        options->no_nginx = true;
        return CLI_OK;
    case OPT_STOP_AFTER:
        if (cli_duration_parse(value, &options->stop_after_ms) != OFT_OK ||
            options->stop_after_ms == 0) {
            return cli_usage_error(TITLE, "--stop-after takes 90s, 5m or 1h");
        }
        options->stop_after_ms /= 1000000;
        return CLI_OK;
    case OPT_WORKERS:
        count = strtoul(value, &end, 10);
        if (value[0] < '1' || value[0] > '9' || *end != '\0' || count > 512) {
            return cli_usage_error(TITLE, "--workers takes a number from 1 to 512");
        }
        options->workers = (unsigned)count;
        return CLI_OK;
    case OPT_REHEARSE_AT:
        options->rehearsal = true;
        if (oft_instant_parse(oft_str_from(value), &options->rehearse_at) != OFT_OK) {
            return cli_usage_error(TITLE, "\"%s\" is no instant; write 2026-04-26T23:59:45Z",
                                   value);
        }
        return CLI_OK;
    case OPT_STALE_AFTER:
        if (cli_duration_parse(value, &options->stale_after_ns) != OFT_OK) {
            return cli_usage_error(TITLE, "--stale-after takes 90s, 30m, 24h, 7d or never");
        }
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

int cli_serve_options(int argc, char **argv, struct serve_options *ret_options, bool *ret_help)
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, CLI_OPT_DATA},
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
        {"tls-key", required_argument, NULL, OPT_TLS_KEY},
        {"workers", required_argument, NULL, OPT_WORKERS},
        {"module", required_argument, NULL, OPT_MODULE},
        {"nginx", required_argument, NULL, OPT_NGINX},
        {"admin-listen", required_argument, NULL, OPT_ADMIN_LISTEN},
        {"admin-token-file", required_argument, NULL, OPT_ADMIN_TOKEN_FILE},
        {"rehearse-at", required_argument, NULL, OPT_REHEARSE_AT},
        {"stale-after", required_argument, NULL, OPT_STALE_AFTER},
        {"user", required_argument, NULL, OPT_USER},
        {"node", required_argument, NULL, OPT_NODE},
        {"ca-bundle", required_argument, NULL, OPT_CA_BUNDLE},
        {"desk-config", required_argument, NULL, OPT_DESK_CONFIG},
        {"metrics-token-file", required_argument, NULL, OPT_METRICS_TOKEN_FILE},
        {"access-log", required_argument, NULL, OPT_ACCESS_LOG},
        {"otlp", required_argument, NULL, OPT_OTLP},
        {"otlp-headers", required_argument, NULL, OPT_OTLP_HEADERS},
        {"otlp-one-of", required_argument, NULL, OPT_OTLP_ONE_OF},
        {"stop-after", required_argument, NULL, OPT_STOP_AFTER},
        {"no-nginx", no_argument, NULL, OPT_NO_NGINX},
        {"help", no_argument, NULL, 'h'},
        {0}};
    struct cli_target target;
    int option;
    cli_target_init(&target);
    *ret_help = false;
    *ret_options = (struct serve_options){
        .listen = "127.0.0.1:8080",
        .data_directory = target.data_directory,
        .otlp_one_of = 1,
        .stale_after_ns = 24 * 3600 * OFT_NS_PER_SECOND,
    };
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            *ret_help = true;
            return CLI_OK;
        }
        int code = option_read(ret_options, option, optarg);
        if (code != CLI_OK) {
            return code;
        }
    }
    if (argc - optind != 1) {
        return cli_usage_error(argv[0], "one deal file is needed, %d given", argc - optind);
    }
    ret_options->deal_path = argv[optind];
    return CLI_OK;
}

int cli_serve(int argc, char **argv)
{
    struct serve_options options;
    bool help;
    int code = cli_serve_options(argc, argv, &options, &help);
    if (code != CLI_OK) {
        return code;
    }
    if (help) {
        return cli_print(HELP);
    }
    struct oft_error error = {0};
    code = daemon_serve(&options, &error);
    return error.code == OFT_OK ? code : cli_error(code, "%s", error.message);
}
