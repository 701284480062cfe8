/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: libmicrohttpd, without threads of its own, driven through its epoll descriptor by
 * the daemon's loop. It gathers a bounded body, hands the call to api_dispatch and sends the answer.
 * Sockets are bound here, before libmicrohttpd sees them, so that the unix socket is never open to
 * others, not even for a moment.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/routes.h"
#include "base/limits.h"

enum {
    ANSWER_BYTES_MAX = 64 << 20,
    CONNECTIONS_MAX = 64,
    IDLE_SECONDS_MAX = 30,
    CONNECTION_BYTES = 64 << 10,
    LISTEN_BACKLOG = 64
};

struct listener {
    struct api *api;
    struct MHD_Daemon *daemon;
    bool over_tcp;
};

struct api {
    struct api_options options;
    char *socket_path;
    char *tcp_listen;
    struct listener local;
    struct listener tcp;
};

/* ---- one call -------------------------------------------------------------------------------- */

struct upload {
    struct oft_buffer body;
    bool too_long;
};

static const char *query_value(void *context, const char *name)
{
    return MHD_lookup_connection_value(context, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer_send(struct MHD_Connection *connection, struct api_answer *answer)
{
    size_t length = answer->body.failed ? 0 : answer->body.length;
    unsigned status = answer->body.failed ? 503 : answer->status;
    char *data = length > 0 ? oft_buffer_detach(&answer->body) : NULL;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        data != NULL ? length : 0, data != NULL ? data : (void *)(uintptr_t) "",
        data != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        free(data);
        return MHD_NO;
    }
    bool good = MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
                MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    if (answer->content_type != NULL) {
        good = good &&
               MHD_add_response_header(response, "Content-Type", answer->content_type) == MHD_YES;
    }
    if (answer->allow != NULL) {
        good = good && MHD_add_response_header(response, "Allow", answer->allow) == MHD_YES;
    }
    if (answer->unsound) {
        good = good && MHD_add_response_header(response, "X-Offtake-Sound", "false") == MHD_YES;
    }
    if (answer->next[0] != '\0') {
        good = good && MHD_add_response_header(response, "X-Offtake-Next", answer->next) == MHD_YES;
    }
    if (status == 401) {
        good = good && MHD_add_response_header(response, "WWW-Authenticate", "Bearer") == MHD_YES;
    }
    enum MHD_Result result = good ? MHD_queue_response(connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result call_answer(struct listener *listener, struct MHD_Connection *connection,
                                   const char *path, const char *method, struct upload *upload)
{
    struct api_call call = {
        .method = method,
        .path = path,
        .over_tcp = listener->over_tcp,
        .authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"),
        .host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
        .origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin"),
        .content_type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type"),
        .idempotency_key =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Idempotency-Key"),
        .query = query_value,
        .query_context = connection,
        .body = oft_buffer_text(&upload->body),
        .body_length = upload->body.length,
        .body_too_long = upload->too_long || upload->body.failed,
    };
    struct api_answer answer = {0};
    oft_buffer_init(&answer.body, ANSWER_BYTES_MAX);
    api_dispatch(&listener->api->options, &call, &answer);
    enum MHD_Result result = answer_send(connection, &answer);
    oft_buffer_release(&answer.body);
    return result;
}

/* libmicrohttpd calls once with the headers, then with pieces of the body, then with none left. */
static enum MHD_Result connection_step(void *context, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *data_size, void **request)
{
    struct listener *listener = context;
    struct upload *upload = *request;
    (void)version;
    if (upload == NULL) {
        upload = calloc(1, sizeof *upload);
        if (upload == NULL) {
            return MHD_NO;
        }
        oft_buffer_init(&upload->body, OFT_ADMIN_BODY_BYTES_MAX);
        *request = upload;
        return MHD_YES;
    }
    if (*data_size > 0) {
        if (*data_size > OFT_ADMIN_BODY_BYTES_MAX - upload->body.length) {
            upload->too_long = true;
        } else if (!upload->too_long) {
            oft_buffer_append(&upload->body, data, *data_size);
        }
        *data_size = 0;
        return MHD_YES;
    }
    return call_answer(listener, connection, url, method, upload);
}

static void request_ended(void *context, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode code)
{
    struct upload *upload = *request;
    (void)context;
    (void)connection;
    (void)code;
    if (upload != NULL) {
        oft_buffer_release(&upload->body);
        free(upload);
        *request = NULL;
    }
}

/* ---- sockets --------------------------------------------------------------------------------- */

static enum oft_err unix_socket_open(const char *path, int *ret_fd, struct oft_error *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        return oft_fail(reterr, OFT_ERR_LIMIT,
                        "%s is longer than the %zu bytes that a unix socket's path may have; use a "
                        "shorter data directory",
                        path, sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot make a unix socket: %s", strerror(errno));
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        int error = errno;
        (void)close(fd);
        return oft_fail(reterr, OFT_ERR_IO, "cannot replace %s: %s", path, strerror(error));
    }
    mode_t before = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int error = errno;
    (void)umask(before);
    if (bound != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        error = bound != 0 ? error : errno;
        (void)close(fd);
        return oft_fail(reterr, OFT_ERR_IO, "cannot listen on %s: %s", path, strerror(error));
    }
    *ret_fd = fd;
    return OFT_OK;
}

/* "ADDR:PORT" or "[V6]:PORT" into its parts. */
static bool listen_split(const char *text, char host[256], char port[8])
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0' || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return false;
    }
    const char *begin = text, *end = colon;
    if (text[0] == '[') {
        if (end[-1] != ']') {
            return false;
        }
        begin++;
        end--;
    }
    if (end - begin <= 0 || end - begin > 255) {
        return false;
    }
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    (void)snprintf(port, 8, "%s", colon + 1);
    return true;
}

static enum oft_err tcp_socket_open(const char *listen_text, int *ret_fd, struct oft_error *reterr)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (!listen_split(listen_text, host, port)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%s\" is no address to listen on; write 127.0.0.1:9090", listen_text);
    }
    int resolved = getaddrinfo(host, port, &hints, &found);
    if (resolved != 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "cannot listen on %s: %s", listen_text,
                        gai_strerror(resolved));
    }
    int one = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0;
    int error = errno;
    freeaddrinfo(found);
    if (!good) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return oft_fail(reterr, OFT_ERR_IO, "cannot listen on %s for the admin API: %s",
                        listen_text, strerror(error));
    }
    *ret_fd = fd;
    return OFT_OK;
}

/* ---- the server ------------------------------------------------------------------------------ */

/* Hands FD over to libmicrohttpd (or closes it). */
static enum oft_err listener_start(struct listener *listener, struct api *api, int fd,
                                   bool over_tcp, struct oft_error *reterr)
{
    listener->api = api;
    listener->over_tcp = over_tcp;
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, connection_step, listener, MHD_OPTION_LISTEN_SOCKET,
        (MHD_socket)fd, MHD_OPTION_NOTIFY_COMPLETED, request_ended, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_END);
    if (listener->daemon == NULL) {
        (void)close(fd);
        return oft_fail(reterr, OFT_ERR_IO, "the admin API's HTTP server does not start");
    }
    return OFT_OK;
}

static enum oft_err api_listen(struct api *api, struct oft_error *reterr)
{
    int fd = -1;
    enum oft_err err = unix_socket_open(api->socket_path, &fd, reterr);
    if (err == OFT_OK) {
        err = listener_start(&api->local, api, fd, false, reterr);
    }
    if (err == OFT_OK && api->tcp_listen != NULL) {
        err = tcp_socket_open(api->tcp_listen, &fd, reterr);
        if (err == OFT_OK) {
            err = listener_start(&api->tcp, api, fd, true, reterr);
        }
    }
    return err;
}

enum oft_err api_open(const struct api_options *options, struct api **ret_api,
                      struct oft_error *reterr)
{
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    api->options = *options;
    api->socket_path = strdup(options->socket_path);
    api->tcp_listen = options->tcp_listen != NULL ? strdup(options->tcp_listen) : NULL;
    enum oft_err err = OFT_ERR_MEMORY;
    if (api->socket_path == NULL || (options->tcp_listen != NULL && api->tcp_listen == NULL)) {
        err = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    } else {
        api->options.socket_path = api->socket_path;
        api->options.tcp_listen = api->tcp_listen;
        err = api_listen(api, reterr);
    }
    if (err != OFT_OK) {
        api_close(api);
        return err;
    }
    *ret_api = api;
    return OFT_OK;
}

void api_close(struct api *api)
{
    if (api == NULL) {
        return;
    }
    if (api->tcp.daemon != NULL) {
        MHD_stop_daemon(api->tcp.daemon);
    }
    if (api->local.daemon != NULL) {
        MHD_stop_daemon(api->local.daemon);
        (void)unlink(api->socket_path);
    }
    free(api->tcp_listen);
    free(api->socket_path);
    free(api);
}

static int listener_descriptor(const struct listener *listener)
{
    if (listener->daemon == NULL) {
        return -1;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info != NULL ? info->epoll_fd : -1;
}

void api_descriptors(const struct api *api, int ret_fds[2])
{
    ret_fds[0] = listener_descriptor(&api->local);
    ret_fds[1] = listener_descriptor(&api->tcp);
}

void api_run(struct api *api)
{
    (void)MHD_run(api->local.daemon);
    if (api->tcp.daemon != NULL) {
        (void)MHD_run(api->tcp.daemon);
    }
}

static int timeout_min(struct MHD_Daemon *daemon, int limit_ms)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (daemon == NULL || MHD_get_timeout(daemon, &wait_ms) != MHD_YES) {
        return limit_ms;
    }
    int own_ms = wait_ms > 60000 ? 60000 : (int)wait_ms;
    return limit_ms < 0 || own_ms < limit_ms ? own_ms : limit_ms;
}

int api_timeout_ms(const struct api *api)
{
    return timeout_min(api->tcp.daemon, timeout_min(api->local.daemon, -1));
}
