/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of `offtake replay`: its help, its options, and the key, which is best read from a
 * file or the environment.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "cli/command.h"
#include "cli/replay.h"

#define CONCURRENCY_MAX 1024u

static const char help[] =
    "Usage: offtake replay TRACE.csv --url URL --model M --key-file FILE [OPTION]...\n"
    "Sends a recorded trace as chat completions and adds up what the answers count.\n"
    "\n"
    "  --url URL            the gateway, such as http://127.0.0.1:8080\n"
    "  --model M            the model to ask for\n"
    "  --key-file FILE      the API key is this file's first line\n"
    "  --key-env VARIABLE   the API key is in the environment\n"
    "  --key KEY            the API key; other users may see it: rather use a file\n"
    "  --speed X            times the recorded pace (default 1); 0 or max: no pauses\n"
    "  --limit N            the first N rows only\n"
    "  --concurrency N      requests at a time (default 64, at most 1024)\n"
    "  --stream-share P     percent asked as streams (default 50%)\n"
    "  --ca-file FILE       certificates to trust for an https URL\n"
    "  --json               the totals as JSON\n"
    "\n"
    "The trace has the header TIMESTAMP,ContextTokens,GeneratedTokens. Prompts say\n"
    "\"tokens:N\", which the simulated provider obeys; a real model counts its own.\n"
    "A row with a count of 0 cannot be asked for: it is skipped, and told.\n"
    "Nothing is retried.\n"
    "\n"
    "Exit: 0 every request was answered with the tokens of its row, 1 some were\n"
    "not, 2 wrong usage, 3 the trace or the key cannot be read, or a fault.\n";

static int refuse(const char *message)
{
    (void)fprintf(stderr, "offtake replay: %s; see offtake replay --help\n", message);
    return CLI_USAGE;
}

/* Keys go into a header and models into JSON: only what needs no escape there is taken. */
static bool plain_text(const char *text, size_t most)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= 0x20 || text[i] > 0x7E || text[i] == '"' || text[i] == '\\')
            return false;
    return length > 0 && length < most;
}

static bool read_key_file(const char *path, char key[CLI_REPLAY_KEY_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "offtake replay: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    bool good = fgets(key, CLI_REPLAY_KEY_BYTES, file) != NULL;
    (void)fclose(file);
    if (good)
        key[strcspn(key, "\r\n")] = '\0';
    else
        (void)fprintf(stderr, "offtake replay: %s holds no key\n", path);
    return good;
}

static bool take_key(int id, const char *text, char key[CLI_REPLAY_KEY_BYTES])
{
    if (id == 'f')
        return read_key_file(text, key);
    if (id == 'e' && (text = getenv(text)) == NULL) {
        (void)fputs("offtake replay: the environment lacks that variable\n", stderr);
        return false;
    }
    if (strlen(text) >= CLI_REPLAY_KEY_BYTES)
        return false;
    memcpy(key, text, strlen(text) + 1);
    return true;
}

static bool take_number(const char *text, uint64_t most, uint64_t *ret)
{
    oft_nanos value = 0;
    if (oft_decimal_parse(oft_str_from(text), 0, &value) != OFT_OK || value < 0 || value > most)
        return false;
    *ret = (uint64_t)value;
    return true;
}

static bool take_speed(const char *text, int64_t *ret)
{
    oft_nanos value = 0;
    if (strcmp(text, "max") != 0 && (oft_decimal_parse(oft_str_from(text), 6, &value) != OFT_OK ||
                                     value < 0 || value > INT64_C(1000000) * 1000000))
        return false;
    *ret = (int64_t)value;
    return true;
}

static bool take_percent(const char *text, uint64_t *ret)
{
    char digits[8];
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '%')
        length--;
    if (length >= sizeof(digits))
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    return take_number(digits, 100, ret);
}

static bool take_option(int id, const char *text, struct cli_replay_options *options)
{
    uint64_t number = 0;
    bool good = true;
    switch (id) {
    case 'u':
        options->url = text;
        return true;
    case 'm':
        options->model = text;
        return plain_text(text, 256);
    case 'a':
        options->ca_file = text;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 's':
        return take_speed(text, &options->speed_millionths);
    case 'l':
        return take_number(text, UINT32_MAX, &options->limit);
    case 'c':
        good = take_number(text, CONCURRENCY_MAX, &number) && number > 0;
        options->concurrency = (unsigned)number;
        return good;
    case 'p':
        good = take_percent(text, &number);
        options->stream_percent = (unsigned)number;
        return good;
    default:
        return take_key(id, text, options->key) && plain_text(options->key, CLI_REPLAY_KEY_BYTES);
    }
}

int cli_replay_options(int argc, char **argv, struct cli_replay_options *options)
{
    static const struct option longs[] = {{"url", required_argument, NULL, 'u'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"key-file", required_argument, NULL, 'f'},
                                          {"key-env", required_argument, NULL, 'e'},
                                          {"key", required_argument, NULL, 'k'},
                                          {"speed", required_argument, NULL, 's'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {"concurrency", required_argument, NULL, 'c'},
                                          {"stream-share", required_argument, NULL, 'p'},
                                          {"ca-file", required_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int id;
    optind = 1;
    while ((id = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (id == 'h')
            return fputs(help, stdout) < 0 ? CLI_FAULT : -1;
        if (id == '?')
            return refuse("wrong option");
        if (!take_option(id, optarg, options))
            return id == 'f' || id == 'e' ? CLI_FAULT : refuse("an option's value is not right");
        if (id == 'k')
            explicit_bzero(optarg, strlen(optarg)); /* out of the process list, though late */
    }
    if (optind + 1 != argc)
        return refuse("give one trace");
    if (options->url == NULL || options->model == NULL || options->key[0] == '\0')
        return refuse("--url, --model and a key are needed");
    options->trace_path = argv[optind];
    return CLI_OK;
}
