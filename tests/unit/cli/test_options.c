/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines: what is understood, what is a usage error, and that every command explains itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/client.h"
#include "cli/cmd_serve.h"
#include "cli/command.h"

enum { WORDS_MAX = 24 };

struct line {
    int argc;
    char *argv[WORDS_MAX + 1];
    char text[1024];
};

/* Splits TEXT at spaces. */
static struct line *line_make(const char *text)
{
    static struct line line;
    memset(&line, 0, sizeof line);
    (void)snprintf(line.text, sizeof line.text, "%s", text);
    for (char *word = strtok(line.text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(line.argc < WORDS_MAX);
        line.argv[line.argc++] = word;
    }
    optind = 0;
    opterr = 0;
    return &line;
}

static int run(const char *text)
{
    struct line *line = line_make(text);
    return cli_main(line->argc, line->argv);
}

static int serve(const char *text, struct serve_options *options)
{
    bool help;
    struct line *line = line_make(text);
    return cli_serve_options(line->argc, line->argv, options, &help);
}

static void serve_has_sound_defaults(void **state)
{
    struct serve_options options;
    (void)state;
    (void)unsetenv("OFFTAKE_DATA");
    assert_int_equal(serve("serve a.deal", &options), CLI_OK);
    assert_string_equal(options.deal_path, "a.deal");
    assert_string_equal(options.listen, "127.0.0.1:8080");
    assert_string_equal(options.data_directory, "/var/lib/offtake");
    assert_int_equal(options.stale_after_ns, 24 * 3600 * OFT_NS_PER_SECOND);
    assert_null(options.admin_listen);
    assert_false(options.rehearsal);
    assert_int_equal(setenv("OFFTAKE_DATA", "/srv/o", 1), 0);
    assert_int_equal(serve("serve a.deal", &options), CLI_OK);
    assert_string_equal(options.data_directory, "/srv/o");
    (void)unsetenv("OFFTAKE_DATA");
}

static void serve_takes_its_options_before_or_after_the_deal(void **state)
{
    struct serve_options options;
    (void)state;
    assert_int_equal(serve("serve --workers 3 a.deal --listen [::]:9 --data /d --rehearse-at "
                           "2026-04-26T23:59:45Z --stale-after 90s --admin-listen 127.0.0.1:9",
                           &options),
                     CLI_OK);
    assert_int_equal(options.workers, 3);
    assert_string_equal(options.listen, "[::]:9");
    assert_true(options.rehearsal);
    assert_int_equal(options.rehearse_at, INT64_C(1777247985) * OFT_NS_PER_SECOND);
    assert_int_equal(options.stale_after_ns, 90 * OFT_NS_PER_SECOND);
}

static void serve_refuses_what_it_cannot_mean(void **state)
{
    static const char *const BAD[] = {"serve",
                                      "serve a.deal b.deal",
                                      "serve a.deal --workers 0",
                                      "serve a.deal --workers 1x",
                                      "serve a.deal --workers -1",
                                      "serve a.deal --rehearse-at tomorrow",
                                      "serve a.deal --stale-after 24",
                                      "serve a.deal --nonsense",
                                      "serve a.deal --listen"};
    struct serve_options options;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_equal(serve(BAD[i], &options), CLI_USAGE);
    }
}

static void durations_are_a_number_and_a_letter(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } GOOD[] = {{"never", 0},
                {"1s", OFT_NS_PER_SECOND},
                {"30m", 1800 * OFT_NS_PER_SECOND},
                {"24h", 86400 * OFT_NS_PER_SECOND},
                {"7d", 7 * OFT_NS_PER_DAY}};
    static const char *const BAD[] = {"",    "s",     "0s",       "1",      "1w",
                                      "-1s", "1h30m", "9999999d", "999999d"};
    int64_t ns;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(GOOD); i++) {
        ns = -1;
        assert_int_equal(cli_duration_parse(GOOD[i].text, &ns), OFT_OK);
        assert_int_equal(ns, GOOD[i].ns);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_not_equal(cli_duration_parse(BAD[i], &ns), OFT_OK);
    }
}

static void instants_are_dates_full_instants_or_now(void **state)
{
    oft_instant at = 0;
    (void)state;
    assert_int_equal(cli_instant_parse("2025-06-01", &at), OFT_OK);
    assert_int_equal(at, INT64_C(1748736000) * OFT_NS_PER_SECOND);
    assert_int_equal(cli_instant_parse("2025-06-01T00:00:00.000000001Z", &at), OFT_OK);
    assert_int_equal(at, INT64_C(1748736000) * OFT_NS_PER_SECOND + 1);
    oft_instant before = cli_now();
    assert_int_equal(cli_instant_parse("now", &at), OFT_OK);
    assert_true(at >= before && at <= cli_now());
    assert_int_not_equal(cli_instant_parse("yesterday", &at), OFT_OK);
    assert_int_not_equal(cli_instant_parse("2025-02-30", &at), OFT_OK);
}

static void a_wrong_command_line_is_2(void **state)
{
    static const char *const BAD[] = {"offtake",
                                      "offtake conjure",
                                      "offtake check",
                                      "offtake check --nonsense a.deal",
                                      "offtake explain a.deal --product p",
                                      "offtake explain a.deal --product p --model m --at x",
                                      "offtake keys",
                                      "offtake keys conjure",
                                      "offtake keys create --account a",
                                      "offtake keys revoke",
                                      "offtake statement --party p",
                                      "offtake statement --party p --month x",
                                      "offtake ledger",
                                      "offtake ledger burn",
                                      "offtake usage more",
                                      "offtake status more",
                                      "offtake attest",
                                      "offtake attest agi",
                                      "offtake help conjure",
                                      "offtake ledger verify --csv"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_equal(run(BAD[i]), CLI_USAGE);
    }
}

static void a_daemon_that_is_not_there_is_3(void **state)
{
    static const char *const COMMANDS[] = {"status",
                                           "reload",
                                           "drain",
                                           "usage",
                                           "commitments",
                                           "ledger verify",
                                           "keys list",
                                           "keys create --account a --product p",
                                           "statement --party p --month 2026-04",
                                           "attest agi --party panel"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(COMMANDS); i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "offtake %s --data /nonexistent/offtake", COMMANDS[i]);
        assert_int_equal(run(text), CLI_FAULT);
    }
}

static void over_tcp_a_token_must_be_in_the_environment(void **state)
{
    (void)state;
    (void)unsetenv("OFFTAKE_ADMIN_TOKEN");
    assert_int_equal(run("offtake status --admin http://127.0.0.1:1"), CLI_USAGE);
    assert_int_equal(setenv("OFFTAKE_ADMIN_TOKEN", "x", 1), 0);
    assert_int_equal(run("offtake status --admin http://127.0.0.1:1"), CLI_FAULT);
    assert_int_equal(run("offtake status --admin file:///etc/passwd"), CLI_FAULT);
    (void)unsetenv("OFFTAKE_ADMIN_TOKEN");
}

static void every_command_has_help_of_at_most_80_columns(void **state)
{
    size_t count;
    const struct cli_command *commands = cli_commands(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        char text[64], path[] = "/tmp/oft-help-XXXXXX", help[65536];
        if (strcmp(commands[i].name, "version") == 0) {
            continue;
        }
        int fd = mkstemp(path), saved = dup(STDOUT_FILENO);
        assert_true(fd >= 0 && saved >= 0);
        (void)fflush(stdout);
        assert_true(dup2(fd, STDOUT_FILENO) >= 0);
        (void)snprintf(text, sizeof text, "offtake %s --help", commands[i].name);
        int code = run(text);
        (void)fflush(stdout);
        assert_true(dup2(saved, STDOUT_FILENO) >= 0);
        ssize_t length = pread(fd, help, sizeof help - 1, 0);
        (void)close(saved);
        (void)close(fd);
        (void)unlink(path);
        assert_int_equal(code, CLI_OK);
        assert_true(length > 100);
        help[length] = '\0';
        assert_non_null(strstr(help, commands[i].name));
        for (char *line = strtok(help, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            assert_true(strlen(line) <= 80);
        }
    }
}

static void what_goes_into_a_query_is_encoded(void **state)
{
    struct oft_buffer out;
    (void)state;
    oft_buffer_init(&out, 256);
    cli_encode(&out, "a b&c=/\xc3\xa9~1");
    assert_string_equal(oft_buffer_text(&out), "a%20b%26c%3D%2F%C3%A9~1");
    oft_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serve_has_sound_defaults),
        cmocka_unit_test(serve_takes_its_options_before_or_after_the_deal),
        cmocka_unit_test(serve_refuses_what_it_cannot_mean),
        cmocka_unit_test(durations_are_a_number_and_a_letter),
        cmocka_unit_test(instants_are_dates_full_instants_or_now),
        cmocka_unit_test(a_wrong_command_line_is_2),
        cmocka_unit_test(a_daemon_that_is_not_there_is_3),
        cmocka_unit_test(over_tcp_a_token_must_be_in_the_environment),
        cmocka_unit_test(every_command_has_help_of_at_most_80_columns),
        cmocka_unit_test(what_goes_into_a_query_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
