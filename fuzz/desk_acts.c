/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anybody may type: the first line names an act ("need open"), each further one a field and its
 * value. What is read is an event that the journal holds, and reads again as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "desk/acts.h"
#include "desk/journal.h"

enum { FIELDS_MAX = 100 };
#define AT INT64_C(1767225600000000000) /* 2026-01-01 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the line at AT and returns the next one; NULL: there is none. */
static char *cut(char *at, char by)
{
    char *end = strchr(at, by);
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return end + 1;
}

static void check_event(const struct desk_event *event, struct oft_arena *arena)
{
    struct oft_buffer bytes, again;
    struct desk_event read;
    struct oft_error error;
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    oft_buffer_init(&again, DESK_EVENT_BYTES_MAX);
    desk_event_encode(event, &bytes);
    if (bytes.failed ||
        desk_event_decode(bytes.data, bytes.length, 1, arena, &read, &error) != OFT_OK) {
        abort();
    }
    desk_event_encode(&read, &again);
    if (again.length != bytes.length || memcmp(again.data, bytes.data, bytes.length) != 0) {
        abort();
    }
    oft_buffer_release(&bytes);
    oft_buffer_release(&again);
}

static void read_act(char *text, struct oft_arena *arena)
{
    struct desk_given given[FIELDS_MAX];
    struct desk_event event;
    struct desk_offer offer;
    struct oft_error error = {0};
    size_t count = 0;
    char *line = cut(text, '\n');
    char *verb = cut(text, ' ');
    const struct desk_act *act = desk_act_find(text, verb == NULL ? "" : verb);
    while (act != NULL && line != NULL && line[0] != '\0' && count < FIELDS_MAX) {
        char *next = cut(line, '\n');
        char *value = cut(line, ' ');
        given[count++] = (struct desk_given){line, value == NULL ? "" : value};
        line = next;
    }
    if (act == NULL) {
        return;
    }
    enum oft_err code =
        desk_act_read(act, given, count, AT, desk_party_name("lab"), "USD", arena, &event, &error);
    if (code == OFT_OK && event.offer_added != NULL) {
        offer = *event.offer_added;
        offer.party = desk_party_name("seller"); /* whose it is, the engine tells by its provider */
        event.offer_added = &offer;
    }
    if (code == OFT_OK) {
        check_event(&event, arena);
    } else if (error.message[0] == '\0') {
        abort(); /* whoever is refused is told why */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oft_arena arena;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    oft_arena_init(&arena, 1u << 24);
    read_act(text, &arena);
    oft_arena_release(&arena);
    free(text);
    return 0;
}
