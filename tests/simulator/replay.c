/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "desk/journal.h"

static bool write_event(FILE *file, const struct desk_event *event)
{
    struct oft_buffer bytes;
    char *hex;

    if (event->kind == SIM_TIME_PASSES) {
        return fprintf(file, "pass %" PRId64 "\n", event->at) > 0;
    }
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    desk_event_encode(event, &bytes);
    hex = bytes.failed ? NULL : malloc(2 * bytes.length + 1);
    if (!hex) {
        oft_buffer_release(&bytes);
        return false;
    }
    fprintf(file, "event %s\n", oft_hex(bytes.data, bytes.length, hex));
    free(hex);
    oft_buffer_release(&bytes);
    return true;
}

bool sim_replay_write(const char *path, const struct desk_event *script, uint32_t count,
                      const struct sim_failure *failure)
{
    FILE *file = fopen(path, "w");
    bool fine = file != NULL;

    if (!fine) {
        return false;
    }
    fprintf(file, "# %s\n", failure->text);
    for (uint32_t i = 0; i < count && fine; i++) {
        struct oft_buffer words;

        oft_buffer_init(&words, 1u << 16);
        sim_tell(&script[i], 1, &words);
        fprintf(file, "# %s", oft_buffer_text(&words) + 5);
        oft_buffer_release(&words);
        fine = write_event(file, &script[i]);
    }
    return fclose(file) == 0 && fine;
}

static bool read_event(const char *hex, struct oft_arena *arena, struct desk_event *event)
{
    size_t length = strlen(hex) / 2;
    uint8_t *bytes = malloc(length + 1);
    struct oft_error error = {0};
    bool fine = bytes && oft_unhex(oft_str_from(hex), bytes, length) == OFT_OK &&
                desk_event_decode(bytes, length, 1, arena, event, &error) == OFT_OK;

    if (!fine) {
        fprintf(stderr, "simulator: not an event: %s\n", error.message);
    }
    free(bytes);
    return fine;
}

static bool read_script(FILE *file, struct oft_arena *arena, struct desk_event *script,
                        uint32_t *ret_count)
{
    char *line = NULL;
    size_t size = 0;
    bool fine = true;

    *ret_count = 0;
    while (fine && *ret_count < SIM_EVENTS_MAX && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "pass ", 5) == 0) {
            script[(*ret_count)++] =
                desk_event_of(SIM_TIME_PASSES, (oft_instant)strtoll(line + 5, NULL, 10));
        } else if (strncmp(line, "event ", 6) == 0) {
            fine = read_event(line + 6, arena, &script[*ret_count]);
            *ret_count += fine;
        }
    }
    free(line);
    return fine;
}

int sim_replay_file(const char *path, const struct sim_cast *cast)
{
    FILE *file = fopen(path, "r");
    struct sim_world *world = malloc(sizeof(*world));
    struct model *model = malloc(sizeof(*model));
    struct desk_event script[SIM_EVENTS_MAX];
    struct oft_arena arena;
    uint32_t count = 0;
    int code = 2;

    if (!file || !world || !model) {
        fprintf(stderr, "simulator: %s cannot be read\n", path);
        return 2;
    }
    oft_arena_init(&arena, 64u << 20);
    if (read_script(file, &arena, script, &count)) {
        sim_world_begin(world, cast, model, 1);
        world->thorough = true;
        code = sim_play(world, script, count) ? 0 : 1;
        if (code != 0) {
            printf("property %u at event %u: %s\n", world->failure.property,
                   world->failure.step + 1, world->failure.text);
        } else {
            printf("%s: %u events, all holds\n", path, count);
        }
        sim_world_end(world);
    }
    (void)fclose(file);
    oft_arena_release(&arena);
    free(world);
    free(model);
    return code;
}
