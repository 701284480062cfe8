/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Directives, configuration and the start and end of a worker.
 */

#include "ngx_http_offtake.h"

#include <malloc.h>


static void *ngx_http_offtake_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_offtake_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_offtake_create_srv_conf(ngx_conf_t *cf);
static void *ngx_http_offtake_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_offtake_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_offtake(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_offtake_init_process(ngx_cycle_t *cycle);
static void ngx_http_offtake_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_offtake_commands[] = {

    { ngx_string("offtake"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_offtake,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("offtake_run"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, run),
      NULL },

    { ngx_string("offtake_spool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, spool),
      NULL },

    { ngx_string("offtake_node"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, node),
      NULL },

    { ngx_string("offtake_ca_bundle"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, ca_bundle),
      NULL },

    { ngx_string("offtake_segment_records"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, segment_records),
      NULL },

    { ngx_string("offtake_keepalive"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_offtake_main_conf_t, keepalive),
      NULL },

    { ngx_string("offtake_body_max"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_offtake_loc_conf_t, body_max),
      NULL },

    { ngx_string("offtake_drain_max"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_offtake_loc_conf_t, drain_max),
      NULL },

    { ngx_string("offtake_drain_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_offtake_loc_conf_t, drain_size),
      NULL },

    { ngx_string("offtake_hold_max"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_offtake_loc_conf_t, hold_max),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_offtake_module_ctx = {
    ngx_http_offtake_add_variables,        /* preconfiguration */
    ngx_http_offtake_reply_init,           /* postconfiguration */

    ngx_http_offtake_create_main_conf,     /* create main configuration */
    ngx_http_offtake_init_main_conf,       /* init main configuration */

    ngx_http_offtake_create_srv_conf,      /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_offtake_create_loc_conf,      /* create location configuration */
    ngx_http_offtake_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_offtake_module = {
    NGX_MODULE_V1,
    &ngx_http_offtake_module_ctx,          /* module context */
    ngx_http_offtake_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_offtake_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_offtake_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_offtake_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_offtake_main_conf_t));
    if (omcf == NULL) {
        return NULL;
    }

    omcf->segment_records = NGX_CONF_UNSET_UINT;
    omcf->keepalive = NGX_CONF_UNSET_UINT;

    omcf->upstream.hide_headers = NGX_CONF_UNSET_PTR;
    omcf->upstream.pass_headers = NGX_CONF_UNSET_PTR;

    return omcf;
}


/* What every attempt's configuration starts from. */

static ngx_int_t
ngx_http_offtake_init_upstream(ngx_conf_t *cf,
    ngx_http_offtake_main_conf_t *omcf)
{
    ngx_hash_init_t            hash;
    ngx_http_upstream_conf_t  *u = &omcf->upstream, previous;

    static ngx_str_t  hide[] = { ngx_null_string };

    u->connect_timeout = 2000;
    u->send_timeout = 60000;
    u->read_timeout = 60000;
    u->buffer_size = 16 * 1024;
    u->buffering = 0;
    u->request_buffering = 1;
    u->ignore_client_abort = 1;
    u->pass_request_headers = 0;
    u->pass_request_body = 0;
    u->next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR
                       |NGX_HTTP_UPSTREAM_FT_TIMEOUT
                       |NGX_HTTP_UPSTREAM_FT_INVALID_HEADER
                       |NGX_HTTP_UPSTREAM_FT_HTTP_500
                       |NGX_HTTP_UPSTREAM_FT_HTTP_502
                       |NGX_HTTP_UPSTREAM_FT_HTTP_503
                       |NGX_HTTP_UPSTREAM_FT_HTTP_504
                       |NGX_HTTP_UPSTREAM_FT_HTTP_429
                       |NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;
    u->ignore_headers = NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                        |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                        |NGX_HTTP_UPSTREAM_IGN_EXPIRES
                        |NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL
                        |NGX_HTTP_UPSTREAM_IGN_SET_COOKIE
                        |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                        |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                        |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET
                        |NGX_HTTP_UPSTREAM_IGN_VARY;
    u->socket_keepalive = 1;
    u->ssl_server_name = 1;
    u->ssl_verify = 1;

    ngx_memzero(&previous, sizeof(previous));
    previous.hide_headers = NGX_CONF_UNSET_PTR;
    previous.pass_headers = NGX_CONF_UNSET_PTR;

    hash.max_size = 512;
    hash.bucket_size = ngx_align(64, ngx_cacheline_size);
    hash.name = "offtake_headers_hash";

    return ngx_http_upstream_hide_headers_hash(cf, u, &previous, hide, &hash);
}


static char *
ngx_http_offtake_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_offtake_main_conf_t  *omcf = conf;

    ngx_conf_init_uint_value(omcf->segment_records, 0);
    ngx_conf_init_uint_value(omcf->keepalive, 256);

    if (omcf->run.len == 0) {
        return NGX_CONF_OK; /* not in use here */
    }

    if (omcf->spool.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"offtake_run\" needs \"offtake_spool\" as well");
        return NGX_CONF_ERROR;
    }

    if (omcf->node.len == 0) {
        ngx_str_set(&omcf->node, "node");
    }

    if (omcf->ca_bundle.len == 0) {
        ngx_str_set(&omcf->ca_bundle, "/etc/ssl/certs/ca-certificates.crt");
    }

    if (ngx_conf_full_name(cf->cycle, &omcf->run, 0) != NGX_OK
        || ngx_conf_full_name(cf->cycle, &omcf->spool, 0) != NGX_OK
        || ngx_conf_full_name(cf->cycle, &omcf->ca_bundle, 0) != NGX_OK
        || ngx_http_offtake_keys_zone(cf, omcf) != NGX_OK
        || ngx_http_offtake_init_upstream(cf, omcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    omcf->peers.peer.init = ngx_http_offtake_peer_init;
    ngx_str_set(&omcf->peers.host, "offtake");

    return NGX_CONF_OK;
}


static void *
ngx_http_offtake_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_offtake_srv_conf_t));
}


static void *
ngx_http_offtake_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_offtake_loc_conf_t  *olcf;

    olcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_offtake_loc_conf_t));
    if (olcf == NULL) {
        return NULL;
    }

    olcf->body_max = NGX_CONF_UNSET_SIZE;
    olcf->drain_max = NGX_CONF_UNSET_MSEC;
    olcf->drain_size = NGX_CONF_UNSET_SIZE;
    olcf->hold_max = NGX_CONF_UNSET_MSEC;

    return olcf;
}


static char *
ngx_http_offtake_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_offtake_loc_conf_t   *prev = parent;
    ngx_http_offtake_loc_conf_t   *conf = child;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_offtake_main_conf_t  *omcf;

    ngx_conf_merge_size_value(conf->body_max, prev->body_max,
                              8 * 1024 * 1024);
    ngx_conf_merge_msec_value(conf->drain_max, prev->drain_max, 10000);
    ngx_conf_merge_size_value(conf->drain_size, prev->drain_size,
                              1024 * 1024);
    ngx_conf_merge_msec_value(conf->hold_max, prev->hold_max, 15000);

    if (!conf->enabled) {
        return NGX_CONF_OK;
    }

    omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_offtake_module);
    if (omcf->run.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"offtake\" needs \"offtake_run\" at http level");
        return NGX_CONF_ERROR;
    }

    if (conf->body_max > OFT_REQUEST_BODY_BYTES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"offtake_body_max\" may be %ui bytes at most",
                           (ngx_uint_t) OFT_REQUEST_BODY_BYTES_MAX);
        return NGX_CONF_ERROR;
    }

    /* A body is kept in memory and in one piece: nginx's own limits follow. */
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->client_max_body_size = (off_t) conf->body_max;
    clcf->client_body_buffer_size = conf->body_max;
    clcf->client_body_in_single_buffer = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_offtake(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_offtake_loc_conf_t  *olcf = conf;
    ngx_http_offtake_srv_conf_t  *oscf;
    ngx_http_core_loc_conf_t     *clcf;

    if (olcf->enabled) {
        return "is duplicate";
    }

    olcf->enabled = 1;

    oscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_offtake_module);
    oscf->enabled = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_offtake_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_offtake_init_process(ngx_cycle_t *cycle)
{
    uint64_t                       seed[2];
    ngx_http_offtake_worker_t     *worker;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_offtake_module);

    if (omcf == NULL || omcf->run.len == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    /*
     * Bodies come and go with every request.  What the C library would give
     * back to the kernel each time, and have zeroed again, stays here.
     */
    (void) mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
    (void) mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_http_offtake_worker_t));
    if (worker == NULL) {
        return NGX_ERROR;
    }

    worker->pool = cycle->pool;
    omcf->worker = worker;

    if (RAND_bytes((u_char *) seed, sizeof(seed)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    worker->id_seed = seed[0];
    worker->id_counter = seed[1];
    worker->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    worker->sha256_context = EVP_MD_CTX_new();

    if (worker->sha256 == NULL || worker->sha256_context == NULL
        || ngx_array_init(&worker->ssl, cycle->pool, 4,
                          sizeof(ngx_http_offtake_ssl_t)) != NGX_OK
        || ngx_http_offtake_keepalive_init(omcf) != NGX_OK
        || ngx_http_offtake_limits_start(omcf, cycle->log) != NGX_OK
        || ngx_http_offtake_health_start(omcf, cycle->log) != NGX_OK
        || ngx_http_offtake_policy_start(omcf, cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_offtake_counters_start(omcf, cycle->log);

    return ngx_http_offtake_meter_start(omcf, cycle->log);
}


static void
ngx_http_offtake_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_offtake_module);

    if (omcf != NULL && omcf->worker != NULL) {
        ngx_http_offtake_meter_stop(omcf->worker);
    }
}
