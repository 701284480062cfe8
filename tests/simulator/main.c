/* SPDX-License-Identifier: Apache-2.0 */
/* simulator: random procedures, in as many threads as are asked for. See docs/simulator.md. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay.h"
#include "sim.h"

#ifdef DESK_MUTATIONS
extern unsigned desk_mutant;
#endif

enum { JOBS_MAX = 64 };

struct options {
    uint64_t seed, procedures, world;
    uint32_t jobs;
    bool one_world, mutants, coverage_must;
    const char *replay, *keep;
};

struct job {
    pthread_t thread;
    const struct options *options;
    const struct sim_cast *cast;
    uint32_t number;
    struct sim_coverage coverage;
    uint64_t failed_world;
    bool failed;
};

/* An invariant that breaks ends the program: these say where it was. */
static struct {
    uint64_t seed, worlds[JOBS_MAX];
    uint32_t jobs;
} at_work;

static void on_abort(int signal_number)
{
    char line[160];
    int length;

    (void)signal_number;
    for (uint32_t i = 0; i < at_work.jobs; i++) {
        length = snprintf(line, sizeof(line),
                          "simulator: aborted; job %u was at --seed %llu --world %llu\n", i,
                          (unsigned long long)at_work.seed, (unsigned long long)at_work.worlds[i]);
        if (length > 0) {
            (void)!write(STDOUT_FILENO, line, (size_t)length);
        }
    }
}

/* Each world its own seed, whatever job runs it. */
static uint64_t seed_of(uint64_t seed, uint64_t world)
{
    struct sim_random random = {seed ^ (world * 0x9e3779b97f4a7c15u)};

    return sim_next(&random);
}

static void *work(void *argument)
{
    struct job *job = argument;
    struct sim_world *world = malloc(sizeof(*world));
    struct model *model = malloc(sizeof(*model));
    uint64_t share = job->options->procedures / job->options->jobs + 1;

    job->failed = !world || !model;
    for (uint64_t i = job->number; !job->failed && job->coverage.procedures < share;
         i += job->options->jobs) {
        if (job->options->one_world) {
            i = job->options->world;
        }
        at_work.worlds[job->number] = i;
        sim_world_begin(world, job->cast, model, seed_of(job->options->seed, i));
        world->coverage = &job->coverage;
        (void)sim_run(world);
        job->failed = world->failure.property != 0;
        job->failed_world = i;
        sim_world_end(world);
        if (job->options->one_world) {
            break;
        }
    }
    free(world);
    free(model);
    return NULL;
}

/* The failing world again, made small and told. Returns the events that are left. */
static uint32_t explain(const struct options *options, const struct sim_cast *cast, uint64_t number,
                        bool quiet, unsigned *ret_property)
{
    struct sim_world *world = malloc(sizeof(*world));
    struct model *model = malloc(sizeof(*model)), *scratch = malloc(sizeof(*scratch));
    struct desk_event script[SIM_EVENTS_MAX];
    struct oft_buffer out;
    struct oft_arena arena;
    struct sim_failure failure;
    uint32_t count;

    if (!world || !model || !scratch) {
        abort();
    }
    oft_arena_init(&arena, 64u << 20);
    oft_buffer_init(&out, 1u << 20);
    sim_world_begin(world, cast, model, seed_of(options->seed, number));
    (void)sim_run(world);
    count = world->count;
    memcpy(script, world->events, count * sizeof(*script));
    failure = world->failure;
    printf("seed %llu world %llu: property %u at event %u of %u: %s\n",
           (unsigned long long)options->seed, (unsigned long long)number, failure.property,
           failure.step + 1, count, failure.text);
    count = sim_shrink(cast, scratch, &arena, script, count, &failure);
    *ret_property = failure.property;
    if (!quiet) {
        sim_tell(script, count, &out);
        printf("\nmade smaller (%u events): property %u: %s\n%s", count, failure.property,
               failure.text, oft_buffer_text(&out));
        if (options->keep && !sim_replay_write(options->keep, script, count, &failure)) {
            printf("%s: cannot be written\n", options->keep);
        }
    }
    oft_buffer_release(&out);
    sim_world_end(world);
    oft_arena_release(&arena);
    free(world);
    free(model);
    free(scratch);
    return count;
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* All jobs; the job that failed (the lowest world), or NULL. */
static const struct job *run_jobs(const struct options *options, const struct sim_cast *cast,
                                  struct job jobs[JOBS_MAX], struct sim_coverage *sum)
{
    const struct job *failed = NULL;

    memset(sum, 0, sizeof(*sum));
    for (uint32_t i = 0; i < options->jobs; i++) {
        jobs[i] = (struct job){.options = options, .cast = cast, .number = i};
        if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0) {
            abort();
        }
    }
    for (uint32_t i = 0; i < options->jobs; i++) {
        (void)pthread_join(jobs[i].thread, NULL);
        sim_coverage_add(sum, &jobs[i].coverage);
        if (jobs[i].failed && (!failed || jobs[i].failed_world < failed->failed_world)) {
            failed = &jobs[i];
        }
    }
    return failed;
}

static int simulate(const struct options *options, const struct sim_cast *cast)
{
    static const char line[] = "seed %llu: %llu procedures in %.1f s, %.0f a second\n";
    struct job jobs[JOBS_MAX];
    struct sim_coverage sum;
    double begin = seconds(), took;
    const struct job *failed = run_jobs(options, cast, jobs, &sum);
    unsigned property;

    took = seconds() - begin;
    if (failed) {
        (void)explain(options, cast, failed->failed_world, false, &property);
        return 1;
    }
    sim_coverage_print(&sum);
    printf(line, (unsigned long long)options->seed, (unsigned long long)sum.procedures, took,
           (double)sum.procedures / took);
    return options->coverage_must && !sim_coverage_enough(&sum) ? 1 : 0;
}

#ifdef DESK_MUTATIONS
/* Every deliberate break of the fold must be found, and the property that it breaks be named. */
static int find_mutants(const struct options *options, const struct sim_cast *cast)
{
    struct job jobs[JOBS_MAX];
    struct sim_coverage sum;
    int missed = 0;

    printf("1..%u\n", SIM_MUTANTS);
    for (unsigned mutant = 1; mutant <= SIM_MUTANTS; mutant++) {
        const struct job *failed;
        unsigned property = 0;
        uint32_t left;

        desk_mutant = mutant;
        failed = run_jobs(options, cast, jobs, &sum);
        if (!failed) {
            printf("not ok %u - mutant %u lived through %llu procedures\n", mutant, mutant,
                   (unsigned long long)sum.procedures);
            missed++;
            continue;
        }
        printf("# ");
        left = explain(options, cast, failed->failed_world, true, &property);
        printf(
            "%s %u - mutant %u: found after %llu procedures as property %u, %u events are left\n",
            property == sim_mutant_property(mutant) ? "ok" : "not ok", mutant, mutant,
            (unsigned long long)sum.procedures, property, left);
        missed += property != sim_mutant_property(mutant);
    }
    desk_mutant = 0;
    return missed > 0;
}
#else
static int find_mutants(const struct options *options, const struct sim_cast *cast)
{
    (void)options;
    (void)cast;
    fprintf(stderr, "simulator: built without mutants\n");
    return 2;
}
#endif

/* ---- options --------------------------------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = text ? strtoull(text, &end, 0) : 0;
    return text && *text != '\0' && *text != '-' && *end == '\0' && errno == 0;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    uint64_t value = 0;

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--mutants") == 0) {
            options->mutants = true;
            continue;
        }
        if (strcmp(name, "--all-reached") == 0) {
            options->coverage_must = true;
            continue;
        }
        i++;
        if (strcmp(name, "--replay") == 0 && next) {
            options->replay = next;
        } else if (strcmp(name, "--keep") == 0 && next) {
            options->keep = next;
        } else if (!number(next, &value)) {
            return false;
        } else if (strcmp(name, "--seed") == 0) {
            options->seed = value;
        } else if (strcmp(name, "--procedures") == 0) {
            options->procedures = value;
        } else if (strcmp(name, "--world") == 0) {
            options->world = value;
            options->one_world = true;
            options->jobs = 1;
        } else if (strcmp(name, "--jobs") == 0 && value > 0 && value <= JOBS_MAX) {
            options->jobs = (uint32_t)value;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .procedures = 20000, .jobs = 2};
    struct sim_cast cast;

    if (!read_options(argc, argv, &options)) {
        fprintf(
            stderr,
            "usage: simulator [--seed N] [--procedures N] [--jobs N] [--world N] [--all-reached]\n"
            "                 [--keep FILE] [--replay FILE] [--mutants]\n");
        return 2;
    }
    sim_cast_begin(&cast);
    at_work.seed = options.seed;
    at_work.jobs = options.jobs;
    (void)signal(SIGABRT, on_abort);
    if (options.replay) {
        return sim_replay_file(options.replay, &cast);
    }
    return options.mutants ? find_mutants(&options, &cast) : simulate(&options, &cast);
}
