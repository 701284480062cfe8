/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_API_BENCH_H
#define OFFTAKE_TESTS_API_BENCH_H
/*
 * A call is put before the dispatcher, over a fake engine and without a socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/routes.h"
#include "base/hash.h"
#include "fake_engine.h"

#define TOKEN "oft_admin-token-of-this-test"

struct bench {
    struct engine engine;
    struct api_options options;
    struct api_call call;
    struct api_answer answer;
    const char *query_names[8], *query_values[8];
};

static inline oft_instant clock_fixed(void)
{
    return 1000 * OFT_NS_PER_SECOND;
}

static inline const char *query_look_up(void *context, const char *name)
{
    const struct bench *bench = context;
    for (size_t i = 0; i < 8 && bench->query_names[i] != NULL; i++) {
        if (strcmp(bench->query_names[i], name) == 0) {
            return bench->query_values[i];
        }
    }
    return NULL;
}

static inline int set_up(void **state)
{
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    bench.engine.text = "{}";
    bench.options.engine = &bench.engine;
    bench.options.clock = clock_fixed;
    bench.options.tcp_listen = "127.0.0.1:9090";
    if (oft_sha256_once(TOKEN, strlen(TOKEN), bench.options.token_sha256) != OFT_OK) {
        return -1;
    }
    bench.call = (struct api_call){.method = "GET",
                                   .path = "/v1/status",
                                   .body = "",
                                   .query = query_look_up,
                                   .query_context = &bench};
    *state = &bench;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    oft_buffer_release(&bench->answer.body);
    return 0;
}

static inline unsigned ask(struct bench *bench, const char *method, const char *path,
                           const char *body)
{
    oft_buffer_release(&bench->answer.body);
    memset(&bench->answer, 0, sizeof bench->answer);
    oft_buffer_init(&bench->answer.body, 1 << 20);
    bench->call.method = method;
    bench->call.path = path;
    bench->call.body = body != NULL ? body : "";
    bench->call.body_length = body != NULL ? strlen(body) : 0;
    bench->call.content_type = body != NULL ? "application/json" : NULL;
    api_dispatch(&bench->options, &bench->call, &bench->answer);
    return bench->answer.status;
}

static inline const char *text(const struct bench *bench)
{
    return oft_buffer_text(&bench->answer.body);
}

/* A path that the template matches. */
static inline void bench_path(const char *template, char out[128])
{
    const char *gap = strstr(template, "{id}");
    if (gap == NULL) {
        (void)snprintf(out, 128, "%s", template);
    } else {
        (void)snprintf(out, 128, "%.*sab%s", (int)(gap - template), template, gap + 4);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
