/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the desk costs: events folded a second (alone, with decoding, with decoding and the chain of
 * hashes), a journal of open procedures rebuilt from the books, and time that passes. All is CPU time of
 * this process, medians of the rounds, the variants of a round one after the other. bench/desk runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "desk_story.h"
#ifdef BENCH_STORE
#include "store/store.h"
#endif

enum {
    ROUNDS_MAX = 101,
    OPEN_AT_ONCE = 1000,
    BATCH_EVENTS = 256,
    BATCHES = 10,
    PASSES = 40,
    ASKED = 1000000,
    REFUSED = 20
};
#define ARENA_MAX ((size_t)16 << 30)

static struct {
    const char *directory;
    size_t events;
    uint32_t open; /* procedures of the rebuilding */
    unsigned rounds;
    bool json;
} options;

static int64_t cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) {
        bench_die("clock_gettime", "no CPU clock");
    }
    return (int64_t)now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static void print_rate(const char *name, size_t events, int64_t ns)
{
    double each = (double)ns / (double)events;
    if (options.json) {
        (void)printf("{\"bench\":\"%s\",\"events\":%zu,\"rounds\":%u,\"cpu_ns_per_event\":%.1f,"
                     "\"events_per_second\":%.0f}\n",
                     name, events, options.rounds, each, 1e9 / each);
    } else {
        (void)printf("%-28s %9zu events %8.1f ns each %12.0f events/s\n", name, events, each,
                     1e9 / each);
    }
}

static void print_machine(void)
{
    char line[256], model[200] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
            (void)snprintf(model, sizeof(model), "%.190s", strchr(line, ':') + 2);
            model[strcspn(model, "\"\\\n")] = '\0';
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    (void)printf(options.json ? "{\"machine\":\"%s\",\"cores\":%ld}\n" : "machine: %s, %ld cores\n",
                 model, cores);
}

/* ---- (a) folding --------------------------------------------------------------------------------- */

enum { DECODE = 1, CHAIN = 2, FOLD = 4 };

static void decode(const struct journal *journal, size_t index, struct oft_arena *arena,
                   struct desk_event *event)
{
    struct oft_error error = {0};
    size_t length;
    const void *blob = journal_blob(journal, index, &length);
    if (desk_event_decode(blob, length, index + 1, arena, event, &error) != OFT_OK) {
        bench_die("decode", error.message);
    }
}

static void chain(const struct journal *journal, size_t index, struct oft_sha256 *hash,
                  uint8_t head[32])
{
    size_t length;
    const void *blob = journal_blob(journal, index, &length);
    uint8_t next[32];
    desk_event_hash_with(hash, head, index + 1, (oft_instant)index, blob, length, next);
    memcpy(head, next, sizeof(next));
}

static struct oft_sha256 *new_hash(void)
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        bench_die("hash", "libcrypto failed");
    }
    return hash;
}

static void fold(struct desk_state *state, const struct desk_event *event)
{
    struct desk_refusal refusal; /* filled when it is refused, and only then */
    if (desk_apply(state, event, &refusal) != OFT_OK) {
        bench_die("a journal that was taken once is refused", refusal.message);
    }
}

/* One walk over the journal. Folding alone is timed in batches that are decoded right before, as in a
 * replay: an event is in the cache when it is folded. */
static int64_t walk(const struct journal *journal, unsigned what, uint64_t *ret_digest)
{
    static struct desk_event events[BATCH_EVENTS];
    struct oft_arena arena;
    struct desk_state *state = NULL;
    struct oft_sha256 *hash = new_hash();
    uint8_t head[32] = {0};
    bool timed_apart = what == FOLD;
    int64_t taken = 0;
    oft_arena_init(&arena, ARENA_MAX);
    if (desk_state_new(&state) != OFT_OK) {
        bench_die("fold", "out of memory");
    }
    for (size_t first = 0; first < journal->count; first += BATCH_EVENTS) {
        size_t count = journal->count - first;
        count = count < BATCH_EVENTS ? count : BATCH_EVENTS;
        int64_t begin = cpu_ns();
        for (size_t i = 0; i < count; i++) {
            if ((what & CHAIN) != 0) {
                chain(journal, first + i, hash, head);
            }
            if ((what & DECODE) != 0 || timed_apart) {
                decode(journal, first + i, &arena, &events[i]);
            }
        }
        begin = timed_apart ? cpu_ns() : begin;
        for (size_t i = 0; (what & FOLD) != 0 && i < count; i++) {
            fold(state, &events[i]);
        }
        taken += cpu_ns() - begin;
    }
    *ret_digest = (what & FOLD) != 0 ? desk_digest(state) : 0;
    desk_state_free(state);
    oft_arena_release(&arena);
    oft_sha256_free(hash);
    return taken;
}

static void run_folding(void)
{
    static const struct {
        const char *name;
        unsigned what;
    } variants[] = {{"desk-fold", FOLD},
                    {"desk-decode", DECODE},
                    {"desk-chain", CHAIN},
                    {"desk-decode-fold", DECODE | FOLD},
                    {"desk-decode-chain-fold", DECODE | CHAIN | FOLD}};
    int64_t taken[OFT_COUNT_OF(variants)][ROUNDS_MAX];
    struct journal journal;
    uint64_t digest = 0, first = 0;
    journal_init(&journal);
    story_mixed(&journal, options.events, OPEN_AT_ONCE);
    for (unsigned round = 0; round < options.rounds; round++) {
        for (size_t i = 0; i < OFT_COUNT_OF(variants); i++) {
            unsigned what = variants[i].what;
            taken[i][round] = walk(&journal, what, &digest);
            first = first == 0 ? digest : first;
            if ((what & FOLD) != 0 && digest != first) {
                bench_die("fold", "two replays of one journal differ");
            }
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(variants); i++) {
        print_rate(variants[i].name, journal.count, median(taken[i], options.rounds));
    }
    if (!options.json) {
        (void)printf("%-28s %9zu bytes an event\n", "", journal.bytes.length / journal.count);
    }
    journal_release(&journal);
}

/* ---- (b) rebuilding -------------------------------------------------------------------------------- */

#ifdef BENCH_STORE
struct rebuilding {
    struct desk_state *state;
    struct oft_arena arena;
    uint8_t head[32];
};

/* What the engine does with a row when it opens the books, but that it makes a hash object each time. */
static enum oft_err take_row(void *context, const struct store_desk_event *row,
                             struct oft_error *reterr)
{
    struct rebuilding *it = context;
    struct desk_event event;
    uint8_t hash[32];
    enum oft_err code =
        desk_event_hash(it->head, row->number, row->recorded_ns, row->bytes, row->length, hash);
    if (code == OFT_OK && (memcmp(row->previous, it->head, sizeof(hash)) != 0 ||
                           memcmp(row->hash, hash, sizeof(hash)) != 0)) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "the chain breaks");
    }
    if (code == OFT_OK) {
        code = desk_event_decode(row->bytes, row->length, row->number, &it->arena, &event, reterr);
    }
    if (code == OFT_OK) {
        fold(it->state, &event);
        memcpy(it->head, hash, sizeof(hash));
    }
    return code;
}

static void put_journal(struct store *store, const struct journal *journal)
{
    struct oft_error error = {0};
    struct store_desk_event row = {.number = 0};
    if (store_begin(store, &error) != OFT_OK) {
        bench_die("books", error.message);
    }
    for (size_t i = 0; i < journal->count; i++) {
        row.number = i + 1;
        row.recorded_ns = (oft_instant)i;
        row.bytes = journal_blob(journal, i, &row.length);
        memcpy(row.previous, row.hash, sizeof(row.previous));
        if (desk_event_hash(row.previous, row.number, row.recorded_ns, row.bytes, row.length,
                            row.hash) != OFT_OK ||
            store_desk_event_put(store, &row, &error) != OFT_OK) {
            bench_die("books", error.message);
        }
    }
    if (store_commit(store, &error) != OFT_OK) {
        bench_die("books", error.message);
    }
}

static int64_t rebuild(const char *path, uint64_t digest)
{
    struct rebuilding it = {.state = NULL};
    struct oft_error error = {0};
    struct store *store;
    oft_arena_init(&it.arena, ARENA_MAX);
    int64_t begin = cpu_ns();
    if (store_open(path, &store, &error) != OFT_OK || desk_state_new(&it.state) != OFT_OK ||
        store_desk_events(store, 1, take_row, &it, &error) != OFT_OK) {
        bench_die("rebuild", error.message);
    }
    int64_t taken = cpu_ns() - begin;
    if (desk_digest(it.state) != digest) {
        bench_die("rebuild", "the state is another one");
    }
    desk_state_free(it.state);
    oft_arena_release(&it.arena);
    store_close(store);
    return taken;
}

static void run_rebuilding(void)
{
    int64_t taken[ROUNDS_MAX];
    char path[4200];
    struct journal journal;
    struct oft_arena arena;
    struct desk_state *state;
    struct oft_error error = {0};
    struct store *store;
    (void)snprintf(path, sizeof(path), "%.4000s/books.db", options.directory);
    journal_init(&journal);
    oft_arena_init(&arena, ARENA_MAX);
    story_open(&journal, options.open, &arena, &state);
    uint64_t digest = desk_digest(state);
    desk_state_free(state);
    oft_arena_release(&arena);
    if (store_open(path, &store, &error) != OFT_OK) {
        bench_die("books", error.message);
    }
    put_journal(store, &journal);
    store_close(store);
    for (unsigned round = 0; round < options.rounds; round++) {
        taken[round] = rebuild(path, digest);
    }
    double seconds = (double)median(taken, options.rounds) / 1e9;
    if (options.json) {
        (void)printf("{\"bench\":\"desk-rebuild\",\"procedures\":%u,\"events\":%zu,\"rounds\":%u,"
                     "\"cpu_seconds\":%.4f}\n",
                     options.open, journal.count, options.rounds, seconds);
    } else {
        (void)printf("%-28s %9u procedures, %zu events from the books: %.3f CPU s\n",
                     "desk-rebuild", options.open, journal.count, seconds);
    }
    journal_release(&journal);
}
#endif

/* ---- (c) time ---------------------------------------------------------------------------------------- */

/* A signature that is refused: the desk looks for the earliest instant at which it would not be. */
static int64_t refuse_once(struct desk_state *state)
{
    struct desk_event event = desk_event_of(DESK_SIGNED, desk_clock(state));
    struct desk_refusal refusal; /* filled when it is refused, and only then */
    event.actor = event.party = desk_customer(state);
    event.offer = desk_offer_count(state) - 1;
    event.quantity = 1;
    int64_t begin = cpu_ns();
    enum oft_err code = desk_apply(state, &event, &refusal);
    int64_t taken = cpu_ns() - begin;
    if (code != OFT_ERR_DENIED) {
        bench_die("refusal", "the act was taken");
    }
    return taken;
}

/* Several at once: reading the clock costs more than one of them. */
static int64_t pass_some(struct desk_state *state, unsigned passes)
{
    int64_t begin = cpu_ns();
    for (unsigned i = 0; i < passes; i++) {
        oft_instant due = desk_next_due(state);
        if (due == OFT_INSTANT_NEVER || desk_advance(state, due) != OFT_OK) {
            bench_die("time", "it does not pass");
        }
    }
    return (cpu_ns() - begin) / passes;
}

static void run_time(uint32_t open)
{
    int64_t passed[BATCHES], refused[REFUSED];
    unsigned passes = open < BATCHES * PASSES ? 1 : PASSES;
    struct journal journal;
    struct oft_arena arena;
    struct desk_state *state;
    oft_instant sum = 0;
    journal_init(&journal);
    oft_arena_init(&arena, ARENA_MAX);
    story_open(&journal, open, &arena, &state);
    int64_t begin = cpu_ns();
    for (unsigned i = 0; i < ASKED; i++) {
        sum ^= desk_next_due(state);
        __asm__ volatile("" : "+r"(sum) : : "memory");
    }
    int64_t asked = cpu_ns() - begin;
    for (unsigned i = 0; i < BATCHES; i++) {
        passed[i] = pass_some(state, passes);
    }
    for (unsigned i = 0; i < REFUSED; i++) {
        refused[i] = refuse_once(state);
    }
    double each = (double)asked / ASKED;
    int64_t pass = median(passed, BATCHES), refusal = median(refused, REFUSED);
    if (options.json) {
        (void)printf("{\"bench\":\"desk-time\",\"open\":%u,\"next_due_ns\":%.1f,\"pass_ns\":%lld,"
                     "\"refusal_ns\":%lld}\n",
                     open, each, (long long)pass, (long long)refusal);
    } else {
        (void)printf("%-28s %9u open: next due %.1f ns, a timer passes in %lld ns, a refusal with "
                     "its earliest instant takes %lld us\n",
                     "desk-time", open, each, (long long)pass, (long long)refusal / 1000);
    }
    desk_state_free(state);
    oft_arena_release(&arena);
    journal_release(&journal);
}

/* Usage: bench_desk DIRECTORY EVENTS OPEN ROUNDS [--json]. DIRECTORY is empty; bench/desk makes it. */
int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6) {
        (void)fputs("Usage: bench_desk DIRECTORY EVENTS OPEN ROUNDS [--json]\n", stderr);
        return 2;
    }
    options.directory = argv[1];
    options.events = (size_t)strtoull(argv[2], NULL, 10);
    options.open = (uint32_t)strtoul(argv[3], NULL, 10);
    options.rounds = (unsigned)strtoul(argv[4], NULL, 10);
    options.json = argc == 6 && strcmp(argv[5], "--json") == 0;
    if (options.events == 0 || options.open < 1000 || options.rounds == 0 ||
        options.rounds > ROUNDS_MAX) {
        (void)fputs("bench_desk: events and rounds are above 0, open is 1000 or more\n", stderr);
        return 2;
    }
    print_machine();
    run_folding();
#ifdef BENCH_STORE
    run_rebuilding();
#endif
    for (uint32_t part = 100; part > 0; part /= 10) {
        run_time(options.open / part);
    }
    return 0;
}
