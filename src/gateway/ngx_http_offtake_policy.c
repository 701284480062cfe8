/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The control page is mapped for the life of the worker; a policy for as long
 * as it is current or a request holds it.  A new file that does not pass is
 * refused once, loudly, and the old policy stays.
 */

#include "ngx_http_offtake.h"

#include <sys/mman.h>


static void *
ngx_http_offtake_map(u_char *path, size_t length_min, size_t length_max,
    size_t *ret_length, ngx_log_t *log)
{
    int           fd;
    void         *bytes;
    struct stat   status;

    fd = open((char *) path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);
    if (fd == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "open \"%s\" failed", path);
        return NULL;
    }

    bytes = NULL;

    if (fstat(fd, &status) == -1 || !S_ISREG(status.st_mode)
        || status.st_size < (off_t) length_min
        || status.st_size > (off_t) length_max)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "\"%s\" has no sane size", path);

    } else {
        *ret_length = (size_t) status.st_size;
        bytes = mmap(NULL, *ret_length, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "mmap \"%s\" failed",
                          path);
            bytes = NULL;
        }
    }

    (void) close(fd);
    return bytes;
}


ngx_int_t
ngx_http_offtake_policy_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    size_t                length;
    u_char                path[NGX_MAX_PATH];
    struct control_page  *page;

    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/" CONTROL_FILE, &omcf->run) = 0;

    page = ngx_http_offtake_map(path, CONTROL_BYTES, CONTROL_BYTES, &length,
                                log);
    if (page == NULL) {
        return NGX_ERROR;
    }

    if (page->magic != CONTROL_MAGIC || page->version != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%s\" is no control page of this version", path);
        return NGX_ERROR;
    }

    omcf->worker->control = page;
    (void) ngx_http_offtake_policy_get(omcf, log);

    return NGX_OK;
}


static void
ngx_http_offtake_policy_free(ngx_http_offtake_policy_t *policy)
{
    if (policy->bytes != NULL) {
        (void) munmap(policy->bytes, policy->length);
    }

    if (policy->secret_bytes != NULL) {
        (void) munmap(policy->secret_bytes, policy->secret_length);
    }

    if (policy->slots != NULL) {
        ngx_free(policy->slots);
    }

    if (policy->pools != NULL) {
        ngx_free(policy->pools);
    }

    ngx_free(policy);
}


void
ngx_http_offtake_policy_release(ngx_http_offtake_policy_t *policy)
{
    if (--policy->references == 0) {
        ngx_http_offtake_policy_free(policy);
    }
}


/* The secrets that belong to this very snapshot, whole and checked. */

static ngx_int_t
ngx_http_offtake_policy_secrets(ngx_http_offtake_main_conf_t *omcf,
    ngx_http_offtake_policy_t *policy, ngx_log_t *log)
{
    size_t                               slots;
    u_char                               path[NGX_MAX_PATH];
    const struct policy_secrets_header  *header;
    uint64_t                             generation;
    uint32_t                             i;

    generation = policy->view.header->generation;
    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/secrets-%uL", &omcf->run,
                  generation) = 0;

    policy->secret_bytes = ngx_http_offtake_map(path,
                               sizeof(struct policy_secrets_header), 1 << 26,
                               &policy->secret_length, log);
    if (policy->secret_bytes == NULL) {
        return NGX_ERROR;
    }

    header = policy->secret_bytes;
    slots = policy->secret_length - sizeof(struct policy_secrets_header);

    if (header->magic != POLICY_SECRETS_MAGIC
        || header->generation != generation
        || slots != (size_t) header->count * POLICY_SECRET_SLOT_BYTES
        || oft_crc32c(0, header + 1, slots) != header->crc32c)
    {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "\"%s\" does not belong to the policy or is damaged",
                      path);
        return NGX_ERROR;
    }

    policy->secrets = (const struct policy_secret *) (header + 1);
    policy->secret_count = header->count;

    for (i = 0; i < policy->secret_count; i++) {
        if (policy->secrets[i].length > sizeof(policy->secrets[i].bytes)) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < policy->view.endpoint_count; i++) {
        if (policy->view.endpoints[i].credential_count > 1) {
            policy->several_keys = 1;
        }
    }

    for (i = 0; i < policy->view.credential_count; i++) {
        if (policy->view.credentials[i].secret >= policy->secret_count) {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          "\"%s\" lacks a secret that the policy names", path);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_offtake_policy_t *
ngx_http_offtake_policy_load(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    u_char                      path[NGX_MAX_PATH];
    struct oft_error            error;
    ngx_http_offtake_policy_t  *policy;

    policy = ngx_calloc(sizeof(ngx_http_offtake_policy_t), log);
    if (policy == NULL) {
        return NULL;
    }

    policy->references = 1;
    ngx_memzero(&error, sizeof(error));

    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/" POLICY_FILE, &omcf->run) = 0;

    policy->bytes = ngx_http_offtake_map(path, sizeof(struct policy_header),
                                         OFT_SNAPSHOT_BYTES_MAX,
                                         &policy->length, log);

    if (policy->bytes == NULL
        || policy_open(&policy->view, policy->bytes, policy->length, &error)
           != OFT_OK)
    {
        if (policy->bytes != NULL) {
            ngx_log_error(NGX_LOG_ALERT, log, 0, "policy \"%s\" refused: %s",
                          path, error.message);
        }
        goto failed;
    }

    if (ngx_http_offtake_policy_secrets(omcf, policy, log) != NGX_OK) {
        goto failed;
    }

    if (ngx_http_offtake_limits_find(omcf->worker, policy, log) != NGX_OK
        || ngx_http_offtake_health_find(omcf->worker, policy, log) != NGX_OK)
    {
        goto failed;
    }

    return policy;

failed:

    ngx_http_offtake_policy_free(policy);
    return NULL;
}


ngx_http_offtake_policy_t *
ngx_http_offtake_policy_get(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    uint64_t                    generation;
    ngx_http_offtake_worker_t  *worker = omcf->worker;
    ngx_http_offtake_policy_t  *policy;

    generation = atomic_load_explicit(&worker->control->generation,
                                      memory_order_acquire);

    if (generation == 0
        || generation == worker->refused_generation
        || (worker->policy != NULL
            && worker->policy->view.header->generation >= generation))
    {
        return worker->policy;
    }

    policy = ngx_http_offtake_policy_load(omcf, log);

    if (policy == NULL) {
        worker->refused_generation = generation;
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "policy generation %uL refused; %s", generation,
                      worker->policy == NULL ? "nothing is served"
                                             : "the last one stays in force");
        return worker->policy;
    }

    if (worker->policy != NULL) {
        ngx_http_offtake_policy_release(worker->policy);
    }

    worker->policy = policy;
    counter_generation(&worker->counters, policy->view.header->generation);
    ngx_log_error(NGX_LOG_NOTICE, log, 0, "policy generation %uL in force",
                  policy->view.header->generation);

    return policy;
}


ngx_int_t
ngx_http_offtake_policy_stale(ngx_http_offtake_worker_t *worker,
    int64_t now_ns)
{
    int64_t  heartbeat, bound;

    bound = atomic_load_explicit(&worker->control->stale_after_ns,
                                 memory_order_relaxed);
    heartbeat = atomic_load_explicit(&worker->control->heartbeat_ns,
                                     memory_order_relaxed);

    return bound > 0 && now_ns - heartbeat > bound;
}
