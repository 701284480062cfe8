/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay -- the traces of model/refusal.pml through the code of src/desk.
 *
 * Reads what the model prints (see model/README.md) from its input: the parameters of its right, then
 * procedure by procedure what was tried, whether it was taken, and the lots after it. Does the same with
 * desk_apply and desk_advance and compares after every line. In the end of each procedure the events that
 * were taken are applied once more to an empty desk, which must come to the same digest (property 8).
 * Output: the first differences, each with the procedure up to there; last, the numbers. Exit 1: they differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "desk/desk.h"

#define HOUR INT64_C(3600000000000)
#ifdef DESK_MUTATIONS
extern unsigned desk_mutant;
#endif
enum { LOTS_MAX = 8, EVENTS_MAX = 4096, SHOWN_MAX = 3, NOWHERE = 1000, LINE_BYTES = 256 };

/* The model's parameters, by its names. */
enum parameter {
    P_Q,
    P_H,
    P_RANK2,
    P_RANK3,
    P_SIMUL,
    P_PARTIAL,
    P_RESPOND,
    P_FROM,
    P_DEEMED,
    P_OBJECT,
    P_OVER,
    P_SIGN,
    P_RELEASE,
    P_REOFFER,
    P_DELIVER,
    P_CURE,
    P_BEGINS,
    P_UNTIL,
    P_PVOID,
    P_ANYPARTY,
    P_ONETIME,
    P_SUSPEND,
    P_BONAFIDE,
    P_CARVEOUT,
    P_FLOOR,
    P_EARLIER,
    P_BUNDLED,
    P_VALID,
    P_OPEN_UNTIL,
    P_RESIZE,
    P_OTHERBID,
    PARAMETERS
};
static const char *const PARAMETER_NAMES[PARAMETERS] = {
    "Q",      "H",       "RANK2",   "RANK3",    "SIMUL",      "PARTIAL", "RESPOND",  "FROM",
    "DEEMED", "OBJECT",  "OVER",    "SIGN",     "RELEASE",    "REOFFER", "DELIVER",  "CURE",
    "BEGINS", "UNTIL",   "PVOID",   "ANYPARTY", "ONETIME",    "SUSPEND", "BONAFIDE", "CARVEOUT",
    "FLOOR",  "EARLIER", "BUNDLED", "VALID",    "OPEN_UNTIL", "RESIZE",  "OTHERBID"};
enum { MODEL_NEVER = 255 };

static const char *const HOLDERS[] = {"ada", "bell", "curie"};
enum { OFFER, OTHER_OFFER }; /* in the order in which they are added */

struct replay {
    unsigned parameters[PARAMETERS];
    struct desk_state *state;
    struct oft_arena arena;
    oft_instant now;
    struct desk_event events[EVENTS_MAX]; /* that were taken */
    uint32_t event_count, need;
    struct desk_right right;
    struct desk_holder holders[3];
    struct desk_refusal refusal;
    struct oft_buffer history;
    bool differs; /* this procedure is given up */
    unsigned long procedures, acts, refused, hours, states, differences;
};

static void fail(const char *what)
{
    fprintf(stderr, "replay: %s\n", what);
    exit(2);
}

static void *keep(struct replay *it, size_t bytes)
{
    void *memory = oft_arena_alloc(&it->arena, bytes);
    if (memory == NULL) {
        fail("out of memory");
    }
    memset(memory, 0, bytes);
    return memory;
}

static void difference(struct replay *it, const char *what)
{
    it->differs = true;
    if (++it->differences > SHOWN_MAX) {
        return;
    }
    printf("DIFFERENCE: %s\n", what);
    for (unsigned i = 0; i < PARAMETERS; i++) {
        printf("%s=%u ", PARAMETER_NAMES[i], it->parameters[i]);
    }
    printf("\n%s\n", oft_buffer_text(&it->history));
}

/* ---- the right and the opportunity --------------------------------------------------------------- */

static struct desk_window hours(unsigned count, enum desk_start start)
{
    return (struct desk_window){
        .said = count > 0,
        .period = {.count = count, .unit = OFT_PERIOD_HOURS, .roll = OFT_ROLL_NONE},
        .start = start};
}

static oft_instant instant(unsigned hour)
{
    return hour == MODEL_NEVER ? OFT_INSTANT_NEVER : hour * HOUR;
}

static struct desk_terms terms_of(struct replay *it, unsigned price)
{
    struct desk_term *term = keep(it, sizeof(*term));
    *term = (struct desk_term){.name = desk_word("price"),
                               .kind = DESK_TERM_AMOUNT,
                               .number = ((oft_nanos)price + 1) * OFT_NANOS_PER_UNIT,
                               .text = desk_word("gpu-hour"),
                               .cash_nanos = -1};
    return (struct desk_terms){term, 1};
}

static struct desk_names one_name(struct replay *it, const char *text)
{
    struct desk_name *name = keep(it, sizeof(*name));
    *name = desk_word(text);
    return (struct desk_names){name, 1};
}

static void make_right(struct replay *it)
{
    const unsigned *p = it->parameters;
    struct desk_right *right = &it->right;
    *right = (struct desk_right){.clause = desk_word("model.refusal"),
                                 .kind = DESK_RIGHT_REFUSAL,
                                 .from = instant(p[P_BEGINS]),
                                 .until = instant(p[P_UNTIL]),
                                 .end = DESK_ENDS_TERMINATED,
                                 .ended_by = {0, ""},
                                 .provider = {0, ""},
                                 .remedy = "",
                                 .holders = it->holders,
                                 .holder_count = p[P_H],
                                 .simultaneous = p[P_SIMUL] != 0,
                                 .partial = p[P_PARTIAL] != 0,
                                 .partial_minimum = p[P_PARTIAL],
                                 .counterparty_any = p[P_ANYPARTY] != 0,
                                 .one_time = p[P_ONETIME] != 0,
                                 .suspend_on_default = p[P_SUSPEND] != 0,
                                 .pending_void = p[P_PVOID] != 0};
    const unsigned ranks[] = {1, p[P_RANK2], p[P_RANK3]};
    for (unsigned i = 0; i < p[P_H]; i++) {
        it->holders[i] = (struct desk_holder){desk_party_name(HOLDERS[i]), ranks[i]};
    }
    right->windows[DESK_WINDOW_RESPOND] = hours(p[P_RESPOND], (enum desk_start)p[P_FROM]);
    right->windows[DESK_WINDOW_OBJECT] = hours(p[P_OBJECT], DESK_FROM_DELIVERED);
    right->windows[DESK_WINDOW_OVER] = hours(p[P_OVER], DESK_FROM_DELIVERED);
    right->windows[DESK_WINDOW_SIGN] = hours(p[P_SIGN], DESK_FROM_DELIVERED);
    right->windows[DESK_WINDOW_RELEASE] = hours(p[P_RELEASE], DESK_FROM_DELIVERED);
    right->windows[DESK_WINDOW_REOFFER] = hours(p[P_REOFFER], (enum desk_start)p[P_FROM]);
    right->windows[DESK_WINDOW_DELIVER] = hours(p[P_DELIVER], DESK_FROM_DELIVERED);
    right->deemed = hours(p[P_DEEMED], DESK_FROM_DELIVERED);
    if (p[P_FLOOR] > 0) {
        right->floor = (struct desk_size){DESK_SIZE_GPU, p[P_FLOOR]};
    }
    if (p[P_BONAFIDE] != 0) {
        right->bona_fide = one_name(it, "funded");
    }
    if (p[P_CARVEOUT] != 0) {
        struct desk_carve_out *carve_out = keep(it, sizeof(*carve_out));
        *carve_out = (struct desk_carve_out){desk_word("emergency"), ""};
        right->carve_outs = carve_out;
        right->carve_out_count = 1;
    }
}

/* Applies EVENT as ACTOR's; an event that is taken is kept for the second reading. */
static enum oft_err apply(struct replay *it, struct desk_event event, const char *actor)
{
    event.number = it->event_count + 1;
    event.actor = event.actor.id == 0 ? desk_party_name(actor) : event.actor;
    event.party = event.party.id == 0 ? event.actor : event.party;
    enum oft_err code = desk_apply(it->state, &event, &it->refusal);
    desk_assert_sound(it->state);
    if (code == OFT_OK) {
        if (it->event_count == EVENTS_MAX) {
            fail("a procedure of more events than there is room for");
        }
        it->events[it->event_count++] = event;
    } else if (code != OFT_ERR_DENIED) {
        fail("a fault in the desk");
    }
    return code;
}

static void must(enum oft_err code)
{
    if (code != OFT_OK) {
        fail("the desk refuses the beginning of a procedure");
    }
}

static void open_need(struct replay *it, unsigned quantity)
{
    struct desk_need *need = keep(it, sizeof(*need));
    *need = (struct desk_need){.product = desk_product_name("training"),
                               .accelerator = desk_word("h100"),
                               .region = desk_word("us"),
                               .unit = DESK_SIZE_GPU,
                               .quantity = quantity,
                               .ceiling_nanos = -1,
                               .deal = DESK_DEAL_NEW,
                               .part_of = DESK_NONE,
                               .open_until = instant(it->parameters[P_OPEN_UNTIL]),
                               .note = ""};
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, it->now);
    event.need_opened = need;
    must(apply(it, event, "buyer"));
}

static void add_offer(struct replay *it, const char *seller)
{
    struct desk_offer *offer = keep(it, sizeof(*offer));
    *offer = (struct desk_offer){.need = it->need,
                                 .party = desk_party_name(seller),
                                 .provider = desk_word(seller),
                                 .quantity = it->parameters[P_Q],
                                 .valid_until = instant(it->parameters[P_VALID]),
                                 .bundled_nanos = it->parameters[P_BUNDLED],
                                 .programme = "",
                                 .tranche = "",
                                 .site = "",
                                 .terms = terms_of(it, 0)};
    struct desk_event event = desk_event_of(DESK_OFFER_ADDED, it->now);
    event.offer_added = offer;
    must(apply(it, event, seller));
}

static void procedure_begin(struct replay *it)
{
    oft_arena_release(&it->arena);
    oft_arena_init(&it->arena, 1 << 24);
    if (desk_state_new(&it->state) != OFT_OK) {
        fail("out of memory");
    }
    it->now = 0;
    it->event_count = 0;
    it->differs = false;
    it->procedures++;
    struct desk_event event = desk_event_of(DESK_CUSTOMER, 0);
    event.party = desk_party_name("buyer");
    must(apply(it, event, "buyer"));
    make_right(it);
    event = desk_event_of(DESK_RIGHT, 0);
    event.right = &it->right;
    must(apply(it, event, "buyer"));
    if (it->parameters[P_EARLIER] > 0) {
        open_need(it, it->parameters[P_EARLIER]);
    }
    open_need(it, it->parameters[P_Q]);
    it->need = desk_need_count(it->state) - 1;
    add_offer(it, "seller");
    if (it->parameters[P_OTHERBID] != 0) {
        add_offer(it, "rival");
    }
}

static void procedure_end(struct replay *it)
{
    struct desk_state *again;
    if (it->state == NULL) {
        return;
    }
    if (desk_state_new(&again) != OFT_OK) {
        fail("out of memory");
    }
    for (uint32_t i = 0; i < it->event_count; i++) {
        struct desk_refusal refusal;
        must(desk_apply(again, &it->events[i], &refusal));
    }
    if (desk_advance(again, desk_clock(it->state)) != OFT_OK) {
        fail("a fault in the desk");
    }
    if (desk_digest(again) != desk_digest(it->state)) {
        difference(it, "the same events came to another state");
    }
    desk_state_free(again);
    desk_state_free(it->state);
    it->state = NULL;
}

/* ---- what the model's numbers mean in the desk ---------------------------------------------------- */

/* The lots of the procedure, in order of their numbers. */
static uint32_t lots_of(const struct replay *it, uint32_t out[LOTS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = desk_offer_at(it->state, OFFER)->first_lot; i != DESK_NONE;
         i = desk_lot_at(it->state, i)->next) {
        if (count == LOTS_MAX) {
            fail("more lots than units");
        }
        out[count++] = i;
    }
    return count;
}

static uint32_t lot_of(const struct replay *it, unsigned number)
{
    uint32_t lots[LOTS_MAX];
    return number < lots_of(it, lots) ? lots[number] : NOWHERE;
}

/* The holder's newest notice for the lot before notice BEFORE. */
static uint32_t notice_of(const struct replay *it, uint32_t lot, unsigned holder, uint32_t before)
{
    uint64_t id = desk_party_name(HOLDERS[holder]).id;
    for (uint32_t i = before; i > 0; i--) {
        const struct desk_notice *notice = desk_notice_at(it->state, i - 1);
        if (notice->lot == lot && notice->holder.id == id) {
            return i - 1;
        }
    }
    return NOWHERE;
}

/* An act of the model: of which lot and holder, two numbers of its own, when it happened. */
struct act {
    char name[32];
    unsigned lot, holder, x, y, happened, taken;
};

static const char *holder_of_lot(const struct replay *it, uint32_t lot)
{
    if (lot == NOWHERE || desk_lot_at(it->state, lot)->holder_notice == DESK_NONE) {
        return HOLDERS[0];
    }
    return desk_notice_at(it->state, desk_lot_at(it->state, lot)->holder_notice)->holder.text;
}

/* An order of the holder's; that of a third party is not the model's matter. */
static uint32_t order_of(const struct replay *it, uint32_t lot)
{
    if (lot == NOWHERE || desk_lot_at(it->state, lot)->order == DESK_NONE ||
        desk_lot_at(it->state, lot)->state == DESK_LOT_SOLD) {
        return NOWHERE;
    }
    return desk_lot_at(it->state, lot)->order;
}

/* ---- acts ------------------------------------------------------------------------------------------ */

struct translation {
    const char *name;
    enum desk_event_kind kind;
    enum { BUYER, SELLER, HOLDER, HOLDER_OF_LOT } by;
    enum { OF_NOTHING, OF_LOT, OF_NOTICE, OF_OFFER, OF_RIVAL, OF_ORDER } of;
    enum { PLAIN, UNITS_AND_PRICE, PRICE_ONLY, PRICE_AND_RESIZE, UNITS, FREE_OR_REVIVE } says;
    const char *text;
};
static const struct translation TRANSLATIONS[] = {
    {"screen", DESK_SCREENED, BUYER, OF_OFFER, PLAIN, ""},
    {"affirm", DESK_OFFER_AFFIRMED, SELLER, OF_OFFER, PLAIN, ""},
    {"exempt", DESK_EXEMPTED, BUYER, OF_LOT, PLAIN, "the proof"},
    {"send", DESK_NOTICE_SENT, BUYER, OF_LOT, PLAIN, ""},
    {"deliver", DESK_NOTICE_DELIVERED, HOLDER, OF_NOTICE, PLAIN, ""},
    {"object", DESK_NOTICE_OBJECTED, HOLDER, OF_NOTICE, PLAIN, "the price is missing"},
    {"elect", DESK_ELECTED, HOLDER, OF_NOTICE, UNITS_AND_PRICE, ""},
    {"decline", DESK_DECLINED, HOLDER, OF_NOTICE, PLAIN, ""},
    {"counter", DESK_COUNTERED, HOLDER, OF_NOTICE, PLAIN, ""},
    {"tender", DESK_TENDERED, BUYER, OF_LOT, PLAIN, ""},
    {"sign_holder", DESK_SIGNED, BUYER, OF_LOT, PRICE_ONLY, ""},
    {"sign_third", DESK_SIGNED, BUYER, OF_OFFER, UNITS_AND_PRICE, ""},
    {"sign_other", DESK_SIGNED, BUYER, OF_RIVAL, UNITS_AND_PRICE, ""},
    {"settle", DESK_SETTLED, HOLDER_OF_LOT, OF_LOT, FREE_OR_REVIVE, ""},
    {"arrive", DESK_DELIVERED, BUYER, OF_ORDER, UNITS, ""},
    {"change", DESK_OFFER_CHANGED, SELLER, OF_OFFER, PRICE_AND_RESIZE, ""},
    {"withdraw_offer", DESK_OFFER_WITHDRAWN, SELLER, OF_OFFER, PLAIN, ""},
    {"withdraw_need", DESK_NEED_WITHDRAWN, BUYER, OF_NOTHING, PLAIN, ""},
    {"default", DESK_DEFAULTED, BUYER, OF_NOTHING, PLAIN, "insolvent"},
    {"cure", DESK_CURED, BUYER, OF_NOTHING, PLAIN, "paid"},
};

static void refer(const struct replay *it, const struct translation *to, const struct act *act,
                  struct desk_event *event)
{
    uint32_t lot = lot_of(it, act->lot);
    switch (to->of) {
    case OF_LOT:
        event->lot = lot;
        break;
    case OF_NOTICE:
        event->notice = notice_of(it, lot, act->holder, desk_notice_count(it->state));
        break;
    case OF_OFFER:
        event->offer = OFFER;
        break;
    case OF_RIVAL:
        event->offer = OTHER_OFFER;
        break;
    case OF_ORDER:
        event->order = order_of(it, lot);
        break;
    case OF_NOTHING:
        event->need = it->need;
        event->party =
            desk_party_name(to->kind == DESK_NEED_WITHDRAWN ? "buyer" : HOLDERS[act->holder]);
        break;
    }
}

static void say(struct replay *it, const struct translation *to, const struct act *act,
                struct desk_event *event)
{
    switch (to->says) {
    case UNITS_AND_PRICE:
        event->quantity = act->x;
        event->terms = terms_of(it, act->y);
        break;
    case PRICE_ONLY:
        event->terms = terms_of(it, act->x);
        break;
    case PRICE_AND_RESIZE:
        event->terms = terms_of(it, act->x);
        event->quantity = act->y != 0 ? it->parameters[P_RESIZE] : 0;
        break;
    case UNITS:
        event->quantity = act->x;
        break;
    case FREE_OR_REVIVE:
        event->name = desk_word(act->x != 0 ? "free" : "revive");
        break;
    case PLAIN:
        break;
    }
}

static struct desk_event event_of(struct replay *it, const struct translation *to,
                                  const struct act *act)
{
    struct desk_event event = desk_event_of(to->kind, it->now);
    event.happened = instant(act->happened);
    event.text = to->text;
    refer(it, to, act, &event);
    say(it, to, act, &event);
    if (to->kind == DESK_SCREENED) {
        event.name = it->right.clause;
    } else if (to->kind == DESK_EXEMPTED) {
        event.name = desk_word(it->parameters[P_CARVEOUT] != 0 ? "emergency" : "floor");
    } else if (to->kind == DESK_OFFER_AFFIRMED) {
        event.names = one_name(it, "funded");
    } else if (to->kind == DESK_SIGNED && to->of == OF_LOT) {
        struct desk_delivery_terms *delivery = keep(it, sizeof(*delivery));
        delivery->deliver_by = OFT_INSTANT_NEVER;
        delivery->cure = hours(it->parameters[P_CURE], DESK_FROM_DELIVERED).period;
        event.delivery = delivery;
        event.other = desk_word("cloud");
    }
    return event;
}

/* The model knows a holder's newest notice for a lot; those before it are dead. */
static void try_older(struct replay *it, struct desk_event event, const struct act *act,
                      const char *actor)
{
    uint32_t lot = lot_of(it, act->lot);
    uint32_t older =
        event.notice == NOWHERE ? NOWHERE : notice_of(it, lot, act->holder, event.notice);
    while (older != NOWHERE && !it->differs) {
        event.notice = older;
        if (apply(it, event, actor) == OFT_OK) {
            difference(it, "the desk takes this act of an older notice too");
        }
        older = notice_of(it, lot, act->holder, older);
    }
}

static void replay_act(struct replay *it, const struct act *act)
{
    const struct translation *to = NULL;
    for (size_t i = 0; i < OFT_COUNT_OF(TRANSLATIONS); i++) {
        if (strcmp(TRANSLATIONS[i].name, act->name) == 0) {
            to = &TRANSLATIONS[i];
        }
    }
    if (to == NULL) {
        fail("an act that the model has and this program has not");
    }
    const char *actor = to->by == BUYER    ? "buyer"
                        : to->by == SELLER ? "seller"
                        : to->by == HOLDER ? HOLDERS[act->holder]
                                           : holder_of_lot(it, lot_of(it, act->lot));
    struct desk_event event = event_of(it, to, act);
    if (to->of == OF_NOTICE) {
        try_older(it, event, act, actor);
    }
    bool taken = apply(it, event, actor) == OFT_OK;
    it->acts += taken;
    it->refused += !taken;
    if (taken != (act->taken != 0)) {
        char what[512];
        (void)snprintf(what, sizeof(what), "the model %s %s, the desk %s it%s%s",
                       act->taken != 0 ? "takes" : "refuses", act->name,
                       taken ? "takes" : "refuses", taken ? "" : ": ",
                       taken ? "" : it->refusal.message);
        difference(it, what);
    }
}

/* ---- comparing ------------------------------------------------------------------------------------- */

/* LINE: " READY:2:0 ..."; the desk's lots in the same words. */
static void compare(struct replay *it, const char *line)
{
    uint32_t lots[LOTS_MAX], count = lots_of(it, lots);
    char own[LINE_BYTES] = "", what[3 * LINE_BYTES];
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct desk_lot *lot = desk_lot_at(it->state, lots[i]);
        length += (size_t)snprintf(own + length, sizeof(own) - length, " %s:%u:%u",
                                   desk_lot_state_name((enum desk_lot_state)lot->state),
                                   (unsigned)lot->quantity, (unsigned)lot->flags);
    }
    it->states++;
    if (strcmp(own, line) != 0) {
        (void)snprintf(what, sizeof(what), "the model's lots are%s, the desk's%s", line, own);
        difference(it, what);
    }
}

/* ---- reading --------------------------------------------------------------------------------------- */

static void read_parameter(struct replay *it, const char *line)
{
    char name[32];
    unsigned value;
    if (sscanf(line, " %31s %u", name, &value) != 2) {
        fail("a parameter that cannot be read");
    }
    for (unsigned i = 0; i < PARAMETERS; i++) {
        if (strcmp(PARAMETER_NAMES[i], name) == 0) {
            it->parameters[i] = value;
            return;
        }
    }
    fail("a parameter that the model has and this program has not");
}

static void read_line(struct replay *it, const char *line)
{
    struct act act;
    unsigned hour;
    switch (line[0]) {
    case 'C':
        read_parameter(it, line + 1);
        return;
    case 'N':
        procedure_end(it);
        oft_buffer_clear(&it->history);
        procedure_begin(it);
        return;
    case 'T':
        if (sscanf(line, "T %u", &hour) != 1) {
            fail("an hour that cannot be read");
        }
        it->now = instant(hour);
        it->hours++;
        if (desk_advance(it->state, it->now) != OFT_OK) {
            fail("a fault in the desk");
        }
        desk_assert_sound(it->state);
        return;
    case 'A':
        if (sscanf(line, "A %31s %u %u %u %u %u %u", act.name, &act.lot, &act.holder, &act.x,
                   &act.y, &act.happened, &act.taken) != 7) {
            fail("an act that cannot be read");
        }
        replay_act(it, &act);
        return;
    case 'S':
        compare(it, line + 1);
        return;
    default: /* X: the name of a transition, for the test that counts them */
        return;
    }
}

/* With -DDESK_MUTATIONS, the number of a mistake that is in the desk on purpose. */
int main(int argc, char **argv)
{
#ifdef DESK_MUTATIONS
    desk_mutant = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
#else
    (void)argv;
    if (argc > 1) {
        fail("this build has no mistakes in it");
    }
#endif
    static struct replay it;
    char line[LINE_BYTES];
    oft_arena_init(&it.arena, 1 << 24);
    oft_buffer_init(&it.history, 1 << 20);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        bool begins = line[0] == 'N';
        if (it.differs && !begins) {
            continue;
        }
        if (!begins && line[0] != 'C') {
            oft_buffer_printf(&it.history, "  %s\n", line);
        }
        read_line(&it, line);
    }
    procedure_end(&it);
    printf("procedures %lu, acts taken %lu, acts refused %lu, hours %lu, states compared %lu, "
           "differences %lu\n",
           it.procedures, it.acts, it.refused, it.hours, it.states, it.differences);
    oft_buffer_release(&it.history);
    oft_arena_release(&it.arena);
    return it.differences > 0 || it.procedures == 0;
}
