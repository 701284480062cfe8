/* SPDX-License-Identifier: Apache-2.0 */

/*
 * This worker's row of the counters' page.  A worker that cannot have one
 * serves all the same: nothing is decided by what is counted there.
 */

#include "ngx_http_offtake.h"


void
ngx_http_offtake_counters_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    int                         fd;
    u_char                      path[NGX_MAX_PATH];
    struct oft_error            error;
    struct counter_page        *page;
    ngx_http_offtake_worker_t  *worker = omcf->worker;

    ngx_memzero(&error, sizeof(error));
    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/" COUNTER_FILE, &omcf->run) = 0;

    if (counter_page_map((char *) path, 0, &page, &fd, &error) != OFT_OK) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "nothing is counted for metrics here: %s",
                      error.message);
        return;
    }

    counter_worker_open(&worker->counters, page, fd, (uint64_t) ngx_pid);

    if (worker->policy != NULL) {
        counter_generation(&worker->counters,
                           worker->policy->view.header->generation);
    }
}
