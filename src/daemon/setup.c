/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds nginx, the module, certificates and names before anything is started, so that a wrong path is
 * told at once and with its own words instead of nginx's.
 */
#include "daemon/setup.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define MODULE_NAME      "ngx_http_offtake_module.so"
#define MODULE_DIRECTORY "/usr/lib/nginx/modules"
#define SYSTEM_CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static enum oft_err path_absolute(const char *what, const char *path, char out[SETUP_PATH_BYTES],
                                  struct oft_error *reterr)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "%s %s: %s", what, path, strerror(errno));
    }
    if (strlen(resolved) >= SETUP_PATH_BYTES) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "%s %s: the path is too long", what, path);
    }
    memcpy(out, resolved, strlen(resolved) + 1);
    return OFT_OK;
}

static enum oft_err module_find(const char *asked, char out[SETUP_PATH_BYTES],
                                struct oft_error *reterr)
{
    char self[PATH_MAX], beside[PATH_MAX + 64];
    if (asked != NULL) {
        return path_absolute("module", asked, out, reterr);
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        static const char *const PLACES[] = {"%s/" MODULE_NAME,
                                             "%s/../lib/nginx/modules/" MODULE_NAME};
        const char *directory = dirname(self);
        for (size_t i = 0; i < OFT_COUNT_OF(PLACES); i++) {
            (void)snprintf(beside, sizeof beside, PLACES[i], directory);
            if (access(beside, R_OK) == 0) {
                return path_absolute("module", beside, out, reterr);
            }
        }
    }
    if (access(MODULE_DIRECTORY "/" MODULE_NAME, R_OK) == 0) {
        return path_absolute("module", MODULE_DIRECTORY "/" MODULE_NAME, out, reterr);
    }
    return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                    "the nginx module " MODULE_NAME
                    " is neither beside the offtake binary nor in " MODULE_DIRECTORY
                    "; name it with --module");
}

static enum oft_err nginx_find(const char *asked, char out[SETUP_PATH_BYTES],
                               struct oft_error *reterr)
{
    static const char *const PLACES[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx",
                                         "/usr/bin/nginx", "/usr/local/nginx/sbin/nginx"};
    if (asked != NULL) {
        return path_absolute("nginx", asked, out, reterr);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(PLACES); i++) {
        if (access(PLACES[i], X_OK) == 0) {
            return path_absolute("nginx", PLACES[i], out, reterr);
        }
    }
    return oft_fail(
        reterr, OFT_ERR_NOT_FOUND,
        "nginx is not installed; on Debian: apt-get install nginx; or name it with --nginx");
}

/* A name that may stand in a file name and a configuration. */
static enum oft_err node_choose(const char *asked, char out[64], struct oft_error *reterr)
{
    static const char GOOD[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char host[256] = "";
    if (asked != NULL) {
        if (asked[0] == '\0' || asked[0] == '.' || strlen(asked) > OFT_NAME_BYTES_MAX ||
            strspn(asked, GOOD) != strlen(asked)) {
            return oft_fail(reterr, OFT_ERR_INVALID,
                            "\"%s\" is no node name; use at most %u letters, digits, '-', '_', '.'",
                            asked, OFT_NAME_BYTES_MAX);
        }
        (void)snprintf(out, 64, "%s", asked);
        return OFT_OK;
    }
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') {
        (void)snprintf(host, sizeof host, "node");
    }
    size_t length = strlen(host) < OFT_NAME_BYTES_MAX ? strlen(host) : OFT_NAME_BYTES_MAX;
    for (size_t i = 0; i < length; i++) {
        out[i] = host[i] != '.' && strchr(GOOD, host[i]) != NULL ? host[i] : '-';
    }
    out[length] = '\0';
    return OFT_OK;
}

static enum oft_err tls_find(struct setup *setup, const struct serve_options *options,
                             struct oft_error *reterr)
{
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "--tls-cert and --tls-key go together");
    }
    enum oft_err err = OFT_OK;
    if (options->tls_cert != NULL) {
        err = path_absolute("--tls-cert", options->tls_cert, setup->tls_cert, reterr);
        if (err == OFT_OK) {
            err = path_absolute("--tls-key", options->tls_key, setup->tls_key, reterr);
        }
    }
    if (err == OFT_OK && options->ca_bundle != NULL) {
        err = path_absolute("--ca-bundle", options->ca_bundle, setup->ca_bundle, reterr);
    } else if (err == OFT_OK && access(SYSTEM_CA_BUNDLE, R_OK) == 0) {
        (void)snprintf(setup->ca_bundle, sizeof setup->ca_bundle, "%s", SYSTEM_CA_BUNDLE);
    }
    return err;
}

/* The file may not be there yet; the directory must. */
static enum oft_err access_log_find(const char *path, char out[SETUP_PATH_BYTES],
                                    struct oft_error *reterr)
{
    char directory[SETUP_PATH_BYTES], resolved[SETUP_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    (void)snprintf(directory, sizeof directory, "%.*s",
                   slash == NULL   ? 1
                   : slash == path ? 1
                                   : (int)(slash - path),
                   slash == NULL ? "." : path);
    enum oft_err err = path_absolute("--access-log", directory, resolved, reterr);
    if (err != OFT_OK) {
        return err;
    }
    int length = snprintf(out, SETUP_PATH_BYTES, "%s/%s", resolved, name);
    return name[0] != '\0' && length > 0 && length < SETUP_PATH_BYTES
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_INVALID, "--access-log \"%s\" names no file", path);
}

/* A new data directory may be walked through by the workers; one that is there keeps its mode. */
static enum oft_err data_directory_make(const char *path, struct oft_error *reterr)
{
    if (mkdir(path, 0711) == 0) {
        return chmod(path, 0711) == 0
                   ? OFT_OK
                   : oft_fail(reterr, OFT_ERR_IO, "cannot set the mode of %s: %s", path,
                              strerror(errno));
    }
    return errno == EEXIST ? OFT_OK
                           : oft_fail(reterr, OFT_ERR_IO, "cannot make the data directory %s: %s",
                                      path, strerror(errno));
}

enum oft_err setup_before(struct setup *setup, const struct serve_options *options,
                          struct oft_error *reterr)
{
    struct stat module;
    memset(setup, 0, sizeof *setup);
    if (!nginx_listen_valid(options->listen)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "--listen \"%s\" is no address; write 127.0.0.1:8080 or [::]:8080",
                        options->listen);
    }
    enum oft_err err = worker_user_find(options->user, &setup->worker, reterr);
    if (err == OFT_OK) {
        err = nginx_find(options->nginx_path, setup->nginx_program, reterr);
    }
    if (err == OFT_OK) {
        err = module_find(options->module_path, setup->module_path, reterr);
    }
    if (err == OFT_OK) {
        err = node_choose(options->node, setup->node, reterr);
    }
    if (err == OFT_OK) {
        err = tls_find(setup, options, reterr);
    }
    if (err == OFT_OK && options->access_log != NULL) {
        err = access_log_find(options->access_log, setup->access_log, reterr);
    }
    if (err == OFT_OK && stat(setup->module_path, &module) != 0) {
        err = oft_fail(reterr, OFT_ERR_IO, "%s: %s", setup->module_path, strerror(errno));
    }
    if (err == OFT_OK) {
        (void)snprintf(setup->stamp, sizeof setup->stamp, "offtake %s, module %lld-%lld.%09ld",
                       OFFTAKE_VERSION, (long long)module.st_size, (long long)module.st_mtim.tv_sec,
                       module.st_mtim.tv_nsec);
        err = data_directory_make(options->data_directory, reterr);
    }
    return err;
}

enum oft_err setup_after(struct setup *setup, const struct serve_options *options,
                         struct oft_error *reterr)
{
    enum oft_err err =
        path_absolute("data directory", options->data_directory, setup->data_directory, reterr);
    if (err != OFT_OK) {
        return err;
    }
    const size_t size = SETUP_PATH_BYTES;
    int lengths[] = {
        snprintf(setup->run_directory, size, "%s/run", setup->data_directory),
        snprintf(setup->spool_directory, size, "%s/spool", setup->data_directory),
        snprintf(setup->socket_path, size, "%s/admin.sock", setup->data_directory),
    };
    for (size_t i = 0; i < OFT_COUNT_OF(lengths); i++) {
        if (lengths[i] < 0 || (size_t)lengths[i] >= size) {
            return oft_fail(reterr, OFT_ERR_LIMIT, "the data directory's path is too long");
        }
    }
    setup->settings = (struct nginx_settings){
        .stamp = setup->stamp,
        .module_path = setup->module_path,
        .run_directory = setup->run_directory,
        .spool_directory = setup->spool_directory,
        .node = setup->node,
        .listen = options->listen,
        .tls_cert = options->tls_cert != NULL ? setup->tls_cert : NULL,
        .tls_key = options->tls_cert != NULL ? setup->tls_key : NULL,
        .user = setup->worker.user[0] != '\0' ? setup->worker.user : NULL,
        .group = setup->worker.user[0] != '\0' ? setup->worker.group : NULL,
        .ca_bundle = setup->ca_bundle[0] != '\0' ? setup->ca_bundle : NULL,
        .access_log = setup->access_log[0] != '\0' ? setup->access_log : NULL,
        .workers = options->workers,
        .files_max = files_max(),
        .body_bytes_max = OFT_REQUEST_BODY_BYTES_MAX,
    };
    return OFT_OK;
}

enum oft_err daemon_include_text(const struct serve_options *options, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    struct setup setup = {0};
    enum oft_err err = module_find(options->module_path, setup.module_path, reterr);
    if (err == OFT_OK) {
        err = node_choose(options->node, setup.node, reterr);
    }
    if (err == OFT_OK) {
        err = tls_find(&setup, options, reterr);
    }
    if (err == OFT_OK && options->data_directory[0] != '/') {
        err = oft_fail(reterr, OFT_ERR_INVALID,
                       "the data directory \"%s\" must be an absolute path here",
                       options->data_directory);
    }
    if (err != OFT_OK) {
        return err;
    }
    const size_t size = SETUP_PATH_BYTES;
    if (snprintf(setup.run_directory, size, "%s/run", options->data_directory) >= (int)size ||
        snprintf(setup.spool_directory, size, "%s/spool", options->data_directory) >= (int)size) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the data directory's path is too long");
    }
    struct nginx_settings settings = {
        .module_path = setup.module_path,
        .run_directory = setup.run_directory,
        .spool_directory = setup.spool_directory,
        .node = setup.node,
        .ca_bundle = setup.ca_bundle[0] != '\0' ? setup.ca_bundle : NULL,
        .body_bytes_max = OFT_REQUEST_BODY_BYTES_MAX,
    };
    return nginx_include_text(&settings, out, reterr);
}
