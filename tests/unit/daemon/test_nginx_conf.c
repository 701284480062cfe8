/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx's configuration, to the byte; and what may not get into it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/nginx_conf.h"

static struct nginx_settings settings_of_a_test(void)
{
    return (struct nginx_settings){
        .stamp = "offtake 0.1.0, module 1-2.3",
        .module_path = "/opt/offtake/m.so",
        .run_directory = "/data/run",
        .spool_directory = "/data/spool",
        .node = "n1",
        .listen = "127.0.0.1:8080",
        .user = "www-data",
        .group = "www-data",
        .ca_bundle = "/etc/ca.pem",
        .workers = 2,
        .files_max = 4096,
        .body_bytes_max = 1000,
    };
}

#define LOG_FORMAT                                              \
    "    log_format offtake escape=json\n"                      \
    "        '{\"time\":\"$time_iso8601\"'\n"                   \
    "        ',\"request_id\":\"$offtake_request_id\"'\n"       \
    "        ',\"client\":\"$remote_addr\"'\n"                  \
    "        ',\"method\":\"$request_method\"'\n"               \
    "        ',\"path\":\"$offtake_path\"'\n"                   \
    "        ',\"status\":$status'\n"                           \
    "        ',\"outcome\":\"$offtake_outcome\"'\n"             \
    "        ',\"code\":\"$offtake_code\"'\n"                   \
    "        ',\"product\":\"$offtake_product\"'\n"             \
    "        ',\"account\":\"$offtake_account\"'\n"             \
    "        ',\"key_id\":\"$offtake_key_id\"'\n"               \
    "        ',\"model\":\"$offtake_model\"'\n"                 \
    "        ',\"operation\":\"$offtake_operation\"'\n"         \
    "        ',\"stream\":$offtake_stream'\n"                   \
    "        ',\"pool\":\"$offtake_pool\"'\n"                   \
    "        ',\"provider\":\"$offtake_provider\"'\n"           \
    "        ',\"clause\":\"$offtake_clause\"'\n"               \
    "        ',\"attempts\":$offtake_attempts'\n"               \
    "        ',\"upstream_status\":$offtake_upstream_status'\n" \
    "        ',\"input_tokens\":$offtake_input_tokens'\n"       \
    "        ',\"cached_tokens\":$offtake_cached_tokens'\n"     \
    "        ',\"output_tokens\":$offtake_output_tokens'\n"     \
    "        ',\"first_byte_us\":$offtake_first_byte_us'\n"     \
    "        ',\"total_us\":$offtake_total_us'\n"               \
    "        ',\"seconds\":$request_time'\n"                    \
    "        ',\"bytes_in\":$request_length'\n"                 \
    "        ',\"bytes_out\":$bytes_sent'\n"                    \
    "        ',\"generation\":$offtake_generation}';\n"

static const char GOLDEN[] =
    "# offtake 0.1.0, module 1-2.3\n"
    "# Written by `offtake serve` at each start. Changes made here are lost.\n"
    "load_module \"/opt/offtake/m.so\";\n"
    "daemon off;\n"
    "user \"www-data\" \"www-data\";\n"
    "worker_processes 2;\n"
    "worker_rlimit_nofile 4096;\n"
    "pid \"/data/run/nginx.pid\";\n"
    "error_log stderr warn;\n"
    "events {\n"
    "    worker_connections 3072;\n"
    "}\n"
    "http {\n"
    "    offtake_run \"/data/run\";\n"
    "    offtake_spool \"/data/spool\";\n"
    "    offtake_node \"n1\";\n"
    "    offtake_ca_bundle \"/etc/ca.pem\";\n"
    "    client_body_temp_path \"/data/run/tmp/body\";\n"
    "    proxy_temp_path \"/data/run/tmp/proxy\";\n"
    "    fastcgi_temp_path \"/data/run/tmp/fastcgi\";\n"
    "    uwsgi_temp_path \"/data/run/tmp/uwsgi\";\n"
    "    scgi_temp_path \"/data/run/tmp/scgi\";\n" LOG_FORMAT "    access_log off;\n"
    "    server_tokens off;\n"
    "    default_type application/json;\n"
    "    tcp_nodelay on;\n"
    "    reset_timedout_connection on;\n"
    "    keepalive_timeout 75s;\n"
    "    keepalive_requests 1000000;\n"
    "    client_header_timeout 15s;\n"
    "    client_body_timeout 30s;\n"
    "    send_timeout 60s;\n"
    "    client_header_buffer_size 8k;\n"
    "    large_client_header_buffers 4 16k;\n"
    "    offtake_body_max 1000;\n"
    "    client_max_body_size 1000;\n"
    "    client_body_buffer_size 1000;\n"
    "    server {\n"
    "        listen 127.0.0.1:8080;\n"
    "        location / {\n"
    "            offtake;\n"
    "        }\n"
    "    }\n"
    "}\n";

static void the_configuration_is_this_text(void **state)
{
    struct nginx_settings settings = settings_of_a_test();
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    oft_buffer_init(&out, 1 << 16);
    assert_int_equal(nginx_conf_text(&settings, &out, &error), OFT_OK);
    assert_string_equal(oft_buffer_text(&out), GOLDEN);
    oft_buffer_release(&out);
}

static void tls_and_no_root_change_what_they_should(void **state)
{
    struct nginx_settings settings = settings_of_a_test();
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    settings.user = settings.group = settings.ca_bundle = NULL;
    settings.workers = 0;
    settings.tls_cert = "/c.pem";
    settings.tls_key = "/k.pem";
    oft_buffer_init(&out, 1 << 16);
    assert_int_equal(nginx_conf_text(&settings, &out, &error), OFT_OK);
    const char *text = oft_buffer_text(&out);
    assert_null(strstr(text, "user "));
    assert_null(strstr(text, "offtake_ca_bundle"));
    assert_non_null(strstr(text, "worker_processes auto;\n"));
    assert_non_null(strstr(text, "listen 127.0.0.1:8080 ssl;\n"));
    assert_non_null(strstr(text, "ssl_certificate \"/c.pem\";\n"));
    assert_non_null(strstr(text, "ssl_certificate_key \"/k.pem\";\n"));
    oft_buffer_release(&out);
}

static void an_access_log_is_written_in_that_form(void **state)
{
    struct nginx_settings settings = settings_of_a_test();
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    settings.access_log = "/var/log/o.log";
    oft_buffer_init(&out, 1 << 16);
    assert_int_equal(nginx_conf_text(&settings, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out),
                           "access_log \"/var/log/o.log\" offtake buffer=64k flush=1s;\n"));
    assert_null(strstr(oft_buffer_text(&out), "access_log off"));
    oft_buffer_release(&out);
}

static void what_another_nginx_includes_has_no_server_and_no_process_of_ours(void **state)
{
    static const char *const NOT_OURS[] = {"server {", "daemon ", "pid ",     "worker_processes",
                                           "user ",    "events",  "error_log"};
    struct nginx_settings settings = settings_of_a_test();
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    oft_buffer_init(&out, 1 << 16);
    assert_int_equal(nginx_include_text(&settings, &out, &error), OFT_OK);
    const char *text = oft_buffer_text(&out);
    assert_non_null(strstr(text, "    offtake_run \"/data/run\";\n"));
    assert_non_null(strstr(text, LOG_FORMAT));
    for (size_t i = 0; i < OFT_COUNT_OF(NOT_OURS); i++) {
        assert_null(strstr(text, NOT_OURS[i]));
    }
    oft_buffer_clear(&out);
    settings.run_directory = "/a$b";
    assert_int_equal(nginx_include_text(&settings, &out, &error), OFT_ERR_INVALID);
    oft_buffer_release(&out);
}

static void a_path_that_nginx_could_read_as_more_is_refused(void **state)
{
    static const char *const BAD[] = {"/a\"; load_module \"/evil.so", "/a$http_host",
                                      "/a\nuser root;", "/a\\"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        for (unsigned field = 0; field < 4; field++) {
            struct nginx_settings settings = settings_of_a_test();
            struct oft_buffer out;
            struct oft_error error = {0};
            const char **fields[] = {&settings.module_path, &settings.run_directory, &settings.node,
                                     &settings.ca_bundle};
            *fields[field] = BAD[i];
            oft_buffer_init(&out, 1 << 16);
            assert_int_equal(nginx_conf_text(&settings, &out, &error), OFT_ERR_INVALID);
            assert_string_not_equal(error.message, "");
            oft_buffer_release(&out);
        }
    }
}

static void only_addresses_with_a_port_are_listened_on(void **state)
{
    static const char *const GOOD[] = {"127.0.0.1:8080", "0.0.0.0:1", "[::]:443", "[::1]:65535",
                                       "localhost:80"};
    static const char *const BAD[] = {
        "",        "8080",       ":8080",  "127.0.0.1", "127.0.0.1:", "a:0",
        "a:65536", "a:80 ssl",   "a;b:80", "[::1]80",   "::1:80x",    "[]:80",
        "a:80;",   "unix:/a:1x", "a b:80", "[g]:80",    "a:000001"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(GOOD); i++) {
        assert_true(nginx_listen_valid(GOOD[i]));
    }
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_false(nginx_listen_valid(BAD[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_is_this_text),
        cmocka_unit_test(tls_and_no_root_change_what_they_should),
        cmocka_unit_test(an_access_log_is_written_in_that_form),
        cmocka_unit_test(what_another_nginx_includes_has_no_server_and_no_process_of_ours),
        cmocka_unit_test(a_path_that_nginx_could_read_as_more_is_refused),
        cmocka_unit_test(only_addresses_with_a_port_are_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
