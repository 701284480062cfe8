/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake conf`: what an nginx of the operator's own includes, for those who do not want the nginx that
 * `offtake serve` writes and runs.
 */
#include "cli/command.h"
#include "daemon/serve.h"

enum { OPT_NODE = CLI_OPT_OWN, OPT_MODULE, OPT_CA_BUNDLE };
enum { TEXT_BYTES_MAX = 1 << 20 };

static const char HELP[] =
    "Usage: offtake conf [--data DIR] [--node NAME] [--module FILE]\n"
    "                    [--ca-bundle FILE]\n"
    "Prints offtake.conf, which an nginx of your own includes at http level. Load the\n"
    "module at the top of its nginx.conf, write `location / { offtake; }` into a\n"
    "server, and run `offtake serve DEAL --no-nginx` beside it. It asks no daemon.\n\n"
    "  --data DIR        the daemon's data directory, an absolute path (default:\n"
    "                    $OFFTAKE_DATA, else /var/lib/offtake)\n"
    "  --node NAME       this machine's name in the spools (default: host name)\n"
    "  --module FILE     the nginx module (default: beside this program, else in\n"
    "                    /usr/lib/nginx/modules)\n"
    "  --ca-bundle FILE  who may vouch for providers (default: the system's)\n"
    "  --help            this text\n"
    "\nExit status: 0 done; 2 wrong command line; 3 a fault.\n";

static int options_read(int argc, char **argv, struct serve_options *options, bool *ret_help)
{
    static const struct option OPTIONS[] = {{"data", required_argument, NULL, CLI_OPT_DATA},
                                            {"node", required_argument, NULL, OPT_NODE},
                                            {"module", required_argument, NULL, OPT_MODULE},
                                            {"ca-bundle", required_argument, NULL, OPT_CA_BUNDLE},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            *ret_help = true;
            return CLI_OK;
        } else if (option == CLI_OPT_DATA) {
            options->data_directory = optarg;
        } else if (option == OPT_NODE) {
            options->node = optarg;
        } else if (option == OPT_MODULE) {
            options->module_path = optarg;
        } else if (option == OPT_CA_BUNDLE) {
            options->ca_bundle = optarg;
        } else {
            return CLI_USAGE;
        }
    }
    return optind == argc
               ? CLI_OK
               : cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind]);
}

int cli_conf(int argc, char **argv)
{
    struct cli_target target;
    struct oft_error error = {0};
    struct oft_buffer text;
    bool help = false;
    cli_target_init(&target);
    struct serve_options options = {.data_directory = target.data_directory};
    int code = options_read(argc, argv, &options, &help);
    if (code != CLI_OK || help) {
        return help ? cli_print(HELP) : code;
    }
    oft_buffer_init(&text, TEXT_BYTES_MAX);
    enum oft_err err = daemon_include_text(&options, &text, &error);
    code = err == OFT_OK ? cli_print(oft_buffer_text(&text))
                         : cli_error(CLI_USAGE, "%s", error.message);
    oft_buffer_release(&text);
    return code;
}
