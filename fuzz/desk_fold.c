/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal of any bytes: events, each behind its length (u16). What decodes encodes to the same bytes;
 * and however senseless it is, the fold takes it or refuses it, and the state stays sound.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "desk/journal.h"
#include "desk/view.h"

enum { EVENTS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bytes(const struct desk_event *event, const uint8_t *bytes, size_t length)
{
    struct oft_buffer again;
    oft_buffer_init(&again, DESK_EVENT_BYTES_MAX);
    desk_event_encode(event, &again);
    if (again.failed || again.length != length || memcmp(again.data, bytes, length) != 0) {
        abort();
    }
    oft_buffer_release(&again);
}

/* The number of the next event. */
static uint64_t apply(struct desk_state *state, struct desk_event *event)
{
    struct desk_refusal refusal;
    enum oft_err code = desk_apply(state, event, &refusal);
    if (code != OFT_OK && code != OFT_ERR_DENIED) {
        abort(); /* there is memory enough */
    }
    if (code == OFT_ERR_DENIED && (refusal.code == DESK_REFUSED_NONE || refusal.message[0] == 0)) {
        abort();
    }
    desk_assert_sound(state);
    return event->number + (code == OFT_OK);
}

static void look_at(const struct desk_state *state)
{
    struct oft_buffer out;
    oft_buffer_init(&out, 16u << 20);
    desk_view(state, 0, &out);
    (void)desk_digest(state);
    oft_buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oft_arena arena;
    struct desk_state *state;
    uint64_t number = 1;
    oft_arena_init(&arena, 1u << 28);
    if (desk_state_new(&state) != OFT_OK) {
        abort();
    }
    for (unsigned i = 0; size >= 2 && i < EVENTS_MAX; i++) {
        size_t length = data[0] | (size_t)data[1] << 8;
        length = length > size - 2 ? size - 2 : length;
        struct desk_event event;
        struct oft_error error;
        if (desk_event_decode(data + 2, length, number, &arena, &event, &error) == OFT_OK) {
            check_bytes(&event, data + 2, length);
            number = apply(state, &event);
        }
        data += 2 + length;
        size -= 2 + length;
    }
    look_at(state);
    desk_state_free(state);
    oft_arena_release(&arena);
    return 0;
}
