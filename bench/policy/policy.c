/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the policy: how long a deal takes to compile with its keys, how large the snapshot is, how
 * long a look-up takes (key, model, decision: what the gateway does for a request), and that a look-up
 * allocates nothing. Every answer is compared with the expected one before anything is timed.
 *
 *      bench_policy FOLDER [ROUNDS]      FOLDER as bench/policy/generate.py writes it
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/limits.h"
#include "deal/deal.h"
#include "policy/compile.h"
#include "policy/decide.h"

enum { CHOICES = OFT_ATTEMPTS_MAX, LINE_BYTES = 1 << 16 };

struct question {
    int64_t at;
    uint8_t key[32];
    char model[64];
    char *expected; /* names of pools with blanks between, "-" for none */
};

struct bench {
    const char *folder;
    struct deal *deal;
    struct policy_key_input *keys;
    size_t key_count;
    struct question *questions;
    size_t question_count;
    struct oft_buffer bytes;
    struct policy_view view;
};

/* ---- allocations are counted (the linker wraps them) -------------------------------------------- */

static uint64_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

/* ---- input -------------------------------------------------------------------------------------- */

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_policy: %s: %s\n", what, why);
    exit(1);
}

static void *grown(void *items, size_t count, size_t item_bytes)
{
    if ((count & (count - 1)) == 0) { /* at each power of two */
        items = realloc(items, (count == 0 ? 1 : count * 2) * item_bytes);
        if (items == NULL) {
            die("memory", "ran out");
        }
    }
    return items;
}

static FILE *open_part(const struct bench *bench, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", bench->folder, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        die(path, strerror(errno));
    }
    return file;
}

static char *field(char **line)
{
    return strsep(line, "\t\n");
}

static void read_keys(struct bench *bench)
{
    static char line[LINE_BYTES];
    FILE *file = open_part(bench, "keys.tsv");
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line;
        struct policy_key_input key = {.key_id = bench->key_count + 1};
        if (oft_unhex(oft_str_from(field(&rest)), key.sha256, 32) != OFT_OK) {
            die("keys.tsv", "no hash");
        }
        key.account = strdup(field(&rest));
        key.product = strdup(field(&rest));
        bench->keys = grown(bench->keys, bench->key_count, sizeof key);
        bench->keys[bench->key_count++] = key;
    }
    (void)fclose(file);
}

static void read_questions(struct bench *bench)
{
    static char line[LINE_BYTES];
    FILE *file = open_part(bench, "queries.tsv");
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line;
        struct question question;
        question.at = strtoll(field(&rest), NULL, 10);
        if (oft_unhex(oft_str_from(field(&rest)), question.key, 32) != OFT_OK) {
            die("queries.tsv", "no hash");
        }
        (void)snprintf(question.model, sizeof question.model, "%s", field(&rest));
        question.expected = strdup(field(&rest));
        bench->questions = grown(bench->questions, bench->question_count, sizeof question);
        bench->questions[bench->question_count++] = question;
    }
    (void)fclose(file);
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* ---- compile ------------------------------------------------------------------------------------ */

static int64_t read_deal(struct bench *bench)
{
    char path[4096];
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    (void)snprintf(path, sizeof path, "%s/deal.deal", bench->folder);
    int64_t began = cpu_ns();
    deal_diagnostics_init(&diagnostics);
    if (deal_parse(path, deal_load_file, NULL, &bench->deal, &diagnostics, &error) != OFT_OK) {
        struct oft_buffer out;
        oft_buffer_init(&out, 1u << 20);
        deal_diagnostics_print(&diagnostics, false, &out);
        die(error.message, oft_buffer_text(&out));
    }
    deal_diagnostics_release(&diagnostics);
    return cpu_ns() - began;
}

/* The median of ROUNDS compilations. */
static int64_t compile(struct bench *bench, int rounds)
{
    static const struct policy_address loopback = {4, 9101, {127, 0, 0, 1}};
    struct policy_resolved resolved = {
        .host = "127.0.0.1", .port = 9101, .address_count = 1, .addresses = {loopback}};
    struct policy_compile_input input = {.deal = bench->deal,
                                         .generation = 1,
                                         .keys = bench->keys,
                                         .key_count = bench->key_count,
                                         .resolved = &resolved,
                                         .resolved_count = 1};
    int64_t took[64];
    for (int i = 0; i < rounds; i++) {
        struct oft_error error = {0};
        size_t left_out = 0;
        oft_buffer_release(&bench->bytes);
        oft_buffer_init(&bench->bytes, OFT_SNAPSHOT_BYTES_MAX);
        int64_t began = cpu_ns();
        if (policy_compile(&input, &bench->bytes, &left_out, &error) != OFT_OK) {
            die("compile", error.message);
        }
        took[i] = cpu_ns() - began;
        if (left_out > 0) {
            die("compile", "keys were left out");
        }
    }
    qsort(took, (size_t)rounds, sizeof took[0], compare_numbers);
    return took[rounds / 2];
}

/* ---- look-ups ----------------------------------------------------------------------------------- */

static uint32_t look_up(const struct bench *bench, const struct question *question,
                        struct policy_choice *choices, uint32_t room, struct policy_answer *answer)
{
    const struct policy_key *key = policy_find_key(&bench->view, question->key);
    struct policy_query query = {.instant_ns = question->at};
    if (key == NULL) {
        return 0;
    }
    query.product = key->product;
    query.account = key->account;
    query.model = policy_find_model(&bench->view, oft_str_from(question->model));
    policy_decide(&bench->view, &query, choices, room, answer);
    return answer->eligible_count;
}

static void check_answers(const struct bench *bench)
{
    static struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    for (size_t i = 0; i < bench->question_count; i++) {
        struct policy_answer answer = {0};
        struct oft_buffer names;
        oft_buffer_init(&names, 1u << 20);
        uint32_t count =
            look_up(bench, &bench->questions[i], choices, OFT_POOLS_PER_DECISION_MAX, &answer);
        for (uint32_t k = 0; k < count; k++) {
            oft_buffer_append_text(&names, k > 0 ? " " : "");
            oft_buffer_append_str(
                &names,
                policy_text(&bench->view, bench->view.pools[choices[k].candidate->pool].name));
        }
        const char *got = count == 0 ? "-" : oft_buffer_text(&names);
        if (strcmp(got, bench->questions[i].expected) != 0) {
            (void)fprintf(stderr, "question %zu: got      %s\nexpected %s\n", i, got,
                          bench->questions[i].expected);
            exit(1);
        }
        oft_buffer_release(&names);
    }
}

static int64_t lookup_round(const struct bench *bench, int passes, uint64_t *sum)
{
    struct policy_choice choices[CHOICES];
    struct policy_answer answer = {0};
    int64_t began = cpu_ns();
    for (int pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < bench->question_count; i++) {
            *sum += look_up(bench, &bench->questions[i], choices, CHOICES, &answer);
        }
    }
    return cpu_ns() - began;
}

/* Without the key: what a decision alone costs. */
static int64_t decision_round(const struct bench *bench, int passes, uint64_t *sum)
{
    struct policy_choice choices[CHOICES];
    struct policy_answer answer = {0};
    struct policy_query *queries = calloc(bench->question_count, sizeof *queries);
    if (queries == NULL) {
        die("memory", "ran out");
    }
    for (size_t i = 0; i < bench->question_count; i++) {
        const struct policy_key *key = policy_find_key(&bench->view, bench->questions[i].key);
        queries[i] = (struct policy_query){
            .instant_ns = bench->questions[i].at, .product = key->product, .account = key->account};
        queries[i].model = policy_find_model(&bench->view, oft_str_from(bench->questions[i].model));
    }
    int64_t began = cpu_ns();
    for (int pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < bench->question_count; i++) {
            policy_decide(&bench->view, &queries[i], choices, CHOICES, &answer);
            *sum += answer.eligible_count;
        }
    }
    int64_t took = cpu_ns() - began;
    free(queries);
    return took;
}

/* All questions at one instant, as a gateway asks them. */
static int64_t now_round(const struct bench *bench, int passes, uint64_t *sum)
{
    struct policy_choice choices[CHOICES];
    struct policy_answer answer = {0};
    struct question now = bench->questions[0];
    int64_t began = cpu_ns();
    for (int pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < bench->question_count; i++) {
            memcpy(now.key, bench->questions[i].key, sizeof now.key);
            memcpy(now.model, bench->questions[i].model, sizeof now.model);
            *sum += look_up(bench, &now, choices, CHOICES, &answer);
        }
    }
    return cpu_ns() - began;
}

typedef int64_t (*round_fn)(const struct bench *bench, int passes, uint64_t *sum);

/* Median and best, in tenths of a nanosecond a question. */
static void measure(const struct bench *bench, round_fn round, int rounds, int64_t *ret_median,
                    int64_t *ret_best)
{
    int64_t took[64];
    uint64_t sum = 0;
    int passes = (int)(400000 / bench->question_count) + 1;
    (void)round(bench, 1, &sum); /* warm */
    for (int i = 0; i < rounds; i++) {
        took[i] =
            round(bench, passes, &sum) * 10 / ((int64_t)passes * (int64_t)bench->question_count);
    }
    qsort(took, (size_t)rounds, sizeof took[0], compare_numbers);
    *ret_median = took[rounds / 2];
    *ret_best = took[0];
}

int main(int argc, char **argv)
{
    struct bench bench = {.folder = argc > 1 ? argv[1] : "."};
    int rounds = argc > 2 ? atoi(argv[2]) : 9;
    struct oft_error error = {0};
    int64_t lookup, lookup_best, decision, decision_best, now, now_best;
    rounds = rounds < 1 ? 1 : rounds > 63 ? 63 : rounds;
    int64_t parse_ns = read_deal(&bench);
    read_keys(&bench);
    read_questions(&bench);
    int64_t compile_ns = compile(&bench, rounds);
    if (policy_open(&bench.view, bench.bytes.data, bench.bytes.length, &error) != OFT_OK) {
        die("open", error.message);
    }
    check_answers(&bench);
    uint64_t before = allocations;
    uint64_t sum = 0;
    (void)lookup_round(&bench, 1, &sum);
    uint64_t allocated = allocations - before;
    measure(&bench, lookup_round, rounds, &lookup, &lookup_best);
    measure(&bench, decision_round, rounds, &decision, &decision_best);
    measure(&bench, now_round, rounds, &now, &now_best);
    (void)printf("{\"engine\":\"offtake\",\"queries\":%zu,\"rounds\":%d,"
                 "\"ns_per_decision_median\":%lld.%lld,\"ns_per_decision_best\":%lld.%lld,"
                 "\"ns_one_instant_median\":%lld.%lld,\"ns_one_instant_best\":%lld.%lld,"
                 "\"ns_without_key_median\":%lld.%lld,\"allocations\":%llu,"
                 "\"parse_and_check_ms\":%lld,\"compile_ms\":%lld.%lld,\"snapshot_bytes\":%zu,"
                 "\"regimes\":%u,\"kinds\":%u,\"clauses\":%u,\"pools\":%u,\"keys\":%zu}\n",
                 bench.question_count, rounds, (long long)lookup / 10, (long long)lookup % 10,
                 (long long)lookup_best / 10, (long long)lookup_best % 10, (long long)now / 10,
                 (long long)now % 10, (long long)now_best / 10, (long long)now_best % 10,
                 (long long)decision / 10, (long long)decision % 10, (unsigned long long)allocated,
                 (long long)parse_ns / 1000000, (long long)compile_ns / 1000000,
                 (long long)compile_ns / 100000 % 10, bench.bytes.length, bench.view.regime_count,
                 bench.view.kind_count, bench.deal->clause_count, bench.view.pool_count,
                 bench.key_count);
    return allocated == 0 ? 0 : 1;
}
