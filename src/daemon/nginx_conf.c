/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes nginx's configuration. nginx is given what the module needs, bounds on what clients may
 * hold, and nothing else: no access log unless one is asked for (the spool is the record), no other
 * locations.
 */
#include "daemon/nginx_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 8192 };

bool nginx_listen_valid(const char *text)
{
    static const char NAME[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || strlen(text) > 255) {
        return false;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') {
        return false;
    }
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (port == 0 || port > 65535) {
        return false;
    }
    size_t length = (size_t)(colon - text);
    if (text[0] == '[') {
        return length > 2 && text[length - 1] == ']' &&
               strspn(text + 1, "0123456789abcdefABCDEF:.") == length - 2;
    }
    return strspn(text, NAME) == length;
}

/* A quoted argument. Marks OUT failed through *good when TEXT could be read as more. */
static void argument_append(struct oft_buffer *out, const char *text, const char **refused)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || strchr("\"\\$", *c) != NULL) {
            *refused = text;
            return;
        }
    }
    oft_buffer_printf(out, "\"%s\"", text);
}

static void directive_append(struct oft_buffer *out, const char *indent, const char *name,
                             const char *value, const char **refused)
{
    oft_buffer_printf(out, "%s%s ", indent, name);
    argument_append(out, value, refused);
    oft_buffer_append_text(out, ";\n");
}

static void in_run_append(struct oft_buffer *out, const char *indent, const char *name,
                          const struct nginx_settings *settings, const char *file,
                          const char **refused)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", settings->run_directory, file);
    if (length < 0 || (size_t)length >= sizeof path) {
        *refused = settings->run_directory;
        return;
    }
    const char *bad = NULL;
    directive_append(out, indent, name, path, &bad);
    if (bad != NULL) { /* the path is ours; what is wrong came with the directory */
        *refused = settings->run_directory;
    }
}

static void main_append(const struct nginx_settings *settings, struct oft_buffer *out,
                        const char **refused)
{
    oft_buffer_printf(out,
                      "# %s\n"
                      "# Written by `offtake serve` at each start. Changes made here are lost.\n",
                      settings->stamp);
    directive_append(out, "", "load_module", settings->module_path, refused);
    oft_buffer_append_text(out, "daemon off;\n");
    if (settings->user != NULL) {
        oft_buffer_append_text(out, "user ");
        argument_append(out, settings->user, refused);
        oft_buffer_append_char(out, ' ');
        argument_append(out, settings->group, refused);
        oft_buffer_append_text(out, ";\n");
    }
    if (settings->workers == 0) {
        oft_buffer_append_text(out, "worker_processes auto;\n");
    } else {
        oft_buffer_printf(out, "worker_processes %u;\n", settings->workers);
    }
    uint32_t connections = settings->files_max / 4 * 3;
    oft_buffer_printf(out, "worker_rlimit_nofile %u;\n", settings->files_max);
    in_run_append(out, "", "pid", settings, "nginx.pid", refused);
    oft_buffer_printf(out,
                      "error_log stderr warn;\n"
                      "events {\n"
                      "    worker_connections %u;\n"
                      "}\n",
                      connections < CONNECTIONS_MAX ? connections : CONNECTIONS_MAX);
}

/* One line of JSON a request. No header, no query and no body is in it. */
static void log_format_append(struct oft_buffer *out)
{
    static const struct {
        const char *member, *variable;
        bool number;
    } MEMBERS[] = {
        {"time", "time_iso8601", false},
        {"request_id", "offtake_request_id", false},
        {"client", "remote_addr", false},
        {"method", "request_method", false},
        {"path", "offtake_path", false},
        {"status", "status", true},
        {"outcome", "offtake_outcome", false},
        {"code", "offtake_code", false},
        {"product", "offtake_product", false},
        {"account", "offtake_account", false},
        {"key_id", "offtake_key_id", false},
        {"model", "offtake_model", false},
        {"operation", "offtake_operation", false},
        {"stream", "offtake_stream", true},
        {"pool", "offtake_pool", false},
        {"provider", "offtake_provider", false},
        {"clause", "offtake_clause", false},
        {"attempts", "offtake_attempts", true},
        {"upstream_status", "offtake_upstream_status", true},
        {"input_tokens", "offtake_input_tokens", true},
        {"cached_tokens", "offtake_cached_tokens", true},
        {"output_tokens", "offtake_output_tokens", true},
        {"first_byte_us", "offtake_first_byte_us", true},
        {"total_us", "offtake_total_us", true},
        {"seconds", "request_time", true},
        {"bytes_in", "request_length", true},
        {"bytes_out", "bytes_sent", true},
        {"generation", "offtake_generation", true},
    };
    oft_buffer_append_text(out, "    log_format offtake escape=json\n");
    for (size_t i = 0; i < OFT_COUNT_OF(MEMBERS); i++) {
        const char *quote = MEMBERS[i].number ? "" : "\"";
        oft_buffer_printf(out, "        '%s\"%s\":%s$%s%s%s'\n", i == 0 ? "{" : ",",
                          MEMBERS[i].member, quote, MEMBERS[i].variable, quote,
                          i + 1 == OFT_COUNT_OF(MEMBERS) ? "}" : "");
    }
    out->length--; /* the last line feed */
    oft_buffer_append_text(out, ";\n");
}

static void access_log_append(const struct nginx_settings *settings, struct oft_buffer *out,
                              const char **refused)
{
    if (settings->access_log == NULL) {
        oft_buffer_append_text(out, "    access_log off;\n");
        return;
    }
    oft_buffer_append_text(out, "    access_log ");
    argument_append(out, settings->access_log, refused);
    oft_buffer_append_text(out, " offtake buffer=64k flush=1s;\n");
}

static void module_append(const struct nginx_settings *settings, struct oft_buffer *out,
                          const char **refused)
{
    const char *in = "    ";
    directive_append(out, in, "offtake_run", settings->run_directory, refused);
    directive_append(out, in, "offtake_spool", settings->spool_directory, refused);
    directive_append(out, in, "offtake_node", settings->node, refused);
    if (settings->ca_bundle != NULL) {
        directive_append(out, in, "offtake_ca_bundle", settings->ca_bundle, refused);
    }
}

static void http_append(const struct nginx_settings *settings, struct oft_buffer *out,
                        const char **refused)
{
    static const char *const TEMPORARY[][2] = {{"client_body_temp_path", "tmp/body"},
                                               {"proxy_temp_path", "tmp/proxy"},
                                               {"fastcgi_temp_path", "tmp/fastcgi"},
                                               {"uwsgi_temp_path", "tmp/uwsgi"},
                                               {"scgi_temp_path", "tmp/scgi"}};
    const char *in = "    ";
    module_append(settings, out, refused);
    for (size_t i = 0; i < OFT_COUNT_OF(TEMPORARY); i++) {
        in_run_append(out, in, TEMPORARY[i][0], settings, TEMPORARY[i][1], refused);
    }
    log_format_append(out);
    access_log_append(settings, out, refused);
    oft_buffer_printf(out,
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
                      "    offtake_body_max %u;\n"
                      "    client_max_body_size %u;\n"
                      "    client_body_buffer_size %u;\n",
                      settings->body_bytes_max, settings->body_bytes_max, settings->body_bytes_max);
}

static void server_append(const struct nginx_settings *settings, struct oft_buffer *out,
                          const char **refused)
{
    oft_buffer_printf(out, "    server {\n        listen %s%s;\n", settings->listen,
                      settings->tls_cert != NULL ? " ssl" : "");
    if (settings->tls_cert != NULL) {
        const char *in = "        ";
        directive_append(out, in, "ssl_certificate", settings->tls_cert, refused);
        directive_append(out, in, "ssl_certificate_key", settings->tls_key, refused);
        oft_buffer_append_text(out, "        ssl_protocols TLSv1.2 TLSv1.3;\n"
                                    "        ssl_session_cache shared:offtake_clients:10m;\n"
                                    "        ssl_session_tickets off;\n");
    }
    oft_buffer_append_text(out, "        location / {\n"
                                "            offtake;\n"
                                "        }\n"
                                "    }\n");
}

static enum oft_err text_end(const struct oft_buffer *out, const char *refused,
                             struct oft_error *reterr)
{
    if (refused != NULL) {
        return oft_fail(
            reterr, OFT_ERR_INVALID,
            "\"%.200s\" cannot stand in nginx's configuration: it is too long or holds a "
            "quote, a backslash, a dollar sign or a control character",
            refused);
    }
    return out->failed ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory") : OFT_OK;
}

enum oft_err nginx_include_text(const struct nginx_settings *settings, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    const char *refused = NULL;
    oft_buffer_append_text(
        out, "# offtake.conf: include it at http level, and load the module at the top:\n"
             "#     load_module ");
    argument_append(out, settings->module_path, &refused);
    oft_buffer_append_text(out, ";\n"
                                "# Then, in a server: location / { offtake; }\n"
                                "# docs/directives.md has each directive.\n");
    module_append(settings, out, &refused);
    log_format_append(out);
    oft_buffer_printf(out,
                      "    client_header_buffer_size 8k;\n"
                      "    large_client_header_buffers 4 16k;\n"
                      "    keepalive_requests 1000000;\n"
                      "    offtake_body_max %u;\n",
                      settings->body_bytes_max);
    return text_end(out, refused, reterr);
}

enum oft_err nginx_conf_text(const struct nginx_settings *settings, struct oft_buffer *out,
                             struct oft_error *reterr)
{
    const char *refused = NULL;
    if (!nginx_listen_valid(settings->listen)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%s\" is no address to listen on; write 127.0.0.1:8080 or [::]:8080",
                        settings->listen);
    }
    main_append(settings, out, &refused);
    oft_buffer_append_text(out, "http {\n");
    http_append(settings, out, &refused);
    server_append(settings, out, &refused);
    oft_buffer_append_text(out, "}\n");
    return text_end(out, refused, reterr);
}
