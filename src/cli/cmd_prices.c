/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake prices`: which prices a deal has in force and since when. Its other verbs have files of
 * their own. It needs no daemon and changes nothing.
 */
#include "cli/prices.h"

#include <string.h>

enum {
    OPT_FORMAT = CLI_OPT_OWN,
    OPT_POOL,
    OPT_PRODUCT,
    OPT_MAP,
    OPT_FROM,
    OPT_MODELS,
    OPT_AT,
    OPT_ORDERS,
    OPT_ATTEST
};

static const char HELP[] =
    "Usage: offtake prices list FILE [--at INSTANT] [--pool NAME | --product NAME]\n"
    "                           [--attest EVENT=INSTANT]... [--orders FILE] [--json]\n"
    "       offtake prices diff BEFORE AFTER [--json]\n"
    "       offtake prices import --format litellm|models.dev LIST\n"
    "                           [--pool NAME | --product NAME] [--models]\n"
    "                           [--map THEIRS=OURS]... [--from DATE] [--json]\n"
    "`list` prints the prices of a deal that are in force, and since when. `diff`\n"
    "tells what changed in price between two deal files. `import` reads a public\n"
    "price list and prints price lines, exact to the last digit; what no line can say\n"
    "is listed with its key and why, as comments.\n\n"
    "  --at INSTANT   when: 2026-01-01, 2026-01-01T09:30:00Z or now, the default\n"
    "  --pool NAME    of this pool only; `import`: write them as its price book\n"
    "  --product NAME the same for a product's sale prices\n"
    "  --attest EVENT=INSTANT\n"
    "                 as if this event had happened then\n" CLI_ORDERS_HELP
    "  --format NAME  litellm: model_prices_and_context_window.json of LiteLLM;\n"
    "                 models.dev: its api.json, models named PROVIDER/MODEL\n"
    "  --map THEIRS=OURS\n"
    "                 take this model, under our name; with one --map, no others are\n"
    "                 taken than those\n"
    "  --from DATE    the prices begin then\n"
    "  --models       declare the models too\n"
    "  --json         print the answer as JSON\n"
    "  --help         this text\n\n"
    "Exit status: 0 done (`diff`: nothing changed); 1 the deal has errors, a name is\n"
    "unknown, the list is none, no price could be taken, or `diff` found something;\n"
    "2 wrong command line; 3 a fault.\n";

/* ---- what the verbs share ---------------------------------------------------------------------- */

const char *cli_class_name(int unit)
{
    static const char *const names[DEAL_UNIT_COUNT] = {
        "input", "cached", "cache-write", "output", "reasoning", "audio", "image", "request"};
    return names[unit];
}

const char *cli_price_owner(const struct deal *deal, const struct deal_price *price)
{
    return price->is_sale ? deal->products[price->owner].name : deal->pools[price->owner].name;
}

static const char *model_name(const struct deal *deal, const struct deal_price *price)
{
    return price->model == DEAL_ALL ? "*" : deal->models[price->model].name;
}

void cli_price_append(struct oft_buffer *out, const struct deal *deal, int unit, oft_nanos rate)
{
    char amount[OFT_NANOS_TEXT_BYTES];
    /* Images may be counted in tokens: what costs less than a thousandth is no picture. */
    bool picture = unit == DEAL_UNIT_IMAGE && rate >= OFT_NANOS_PER_UNIT * 1000;
    bool piece = (picture || unit == DEAL_UNIT_REQUEST) && rate % 1000000 == 0;
    if (piece) {
        oft_buffer_printf(out, "%s %s %s each", cli_class_name(unit),
                          oft_nanos_format_grouped(rate / 1000000, amount), deal->currency);
    } else {
        oft_buffer_printf(out, "%s %s %s per 1M", cli_class_name(unit),
                          oft_nanos_format_grouped(rate, amount), deal->currency);
    }
}

void cli_rates_json(struct oft_json *json, const char *name, const oft_nanos *per_million_nanos)
{
    oft_json_key(json, name);
    oft_json_open(json, '{');
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        oft_json_put_amount(json, cli_class_name(unit), per_million_nanos[unit]);
    }
    oft_json_close(json, '}');
}

void cli_price_json(struct oft_json *json, const struct deal *deal, const struct deal_price *price)
{
    oft_json_put_text(json, "id", price->id);
    oft_json_put_text(json, price->is_sale ? "product" : "pool", cli_price_owner(deal, price));
    oft_json_put_text(json, "model", model_name(deal, price));
    oft_json_put_text(json, "variant", deal_variant_text(price->variant));
    oft_json_put_number(json, "above_tokens", price->above_tokens);
}

int cli_prices_answer(struct oft_buffer *out)
{
    int code = out->failed ? cli_error(CLI_FAULT, "the answer is too long or memory ran out")
                           : cli_print(oft_buffer_text(out));
    oft_buffer_release(out);
    return code;
}

/* ---- list -------------------------------------------------------------------------------------- */

struct listing {
    const struct deal *deal;
    struct deal_attestations attested;
    oft_instant at;
    uint32_t pool, product; /* DEAL_NONE: any */
};

static bool holds(const struct listing *listing, const struct deal_price *price)
{
    return price->from <= listing->at &&
           listing->at < deal_end_instant(&price->until, listing->attested);
}

/* In force, and no later version of the same line is. */
static bool listed(const struct listing *listing, const struct deal_price *price)
{
    uint32_t wanted = price->is_sale ? listing->product : listing->pool;
    bool narrowed = listing->product != DEAL_NONE || listing->pool != DEAL_NONE;
    if (!holds(listing, price) || (narrowed && wanted != price->owner)) {
        return false;
    }
    for (uint32_t i = 0; i < listing->deal->price_count; i++) {
        const struct deal_price *other = &listing->deal->prices[i];
        if (other->is_sale == price->is_sale && other->owner == price->owner &&
            other->model == price->model && other->variant == price->variant &&
            other->above_tokens == price->above_tokens && other->from > price->from &&
            holds(listing, other)) {
            return false;
        }
    }
    return true;
}

static void append_rates(struct oft_buffer *out, const struct deal *deal, const char *indent,
                         const oft_nanos *rates, const oft_nanos *before)
{
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        bool shown = before == NULL ? rates[unit] != 0 : rates[unit] != before[unit];
        if (shown) {
            oft_buffer_append_text(out, indent);
            cli_price_append(out, deal, unit, rates[unit]);
            oft_buffer_append_char(out, '\n');
        }
    }
}

static void append_price(struct oft_buffer *out, const struct listing *listing,
                         const struct deal_price *price)
{
    char from[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    const struct deal *deal = listing->deal;
    oft_buffer_printf(out, "  %s", model_name(deal, price));
    if (price->variant != DEAL_STANDARD) {
        oft_buffer_printf(out, ", %s", deal_variant_text(price->variant));
    }
    if (price->above_tokens > 0) {
        oft_buffer_printf(out, ", above %llu input tokens",
                          (unsigned long long)price->above_tokens);
    }
    oft_buffer_printf(
        out, "\n    since %s, until %s\n", oft_instant_format_short(price->from, from),
        oft_instant_format_short(deal_end_instant(&price->until, listing->attested), until));
    append_rates(out, deal, "    ", price->per_million_nanos, NULL);
    for (uint32_t i = 0; i < price->step_count; i++) {
        oft_buffer_printf(out, "    beyond %llu of a class in a month\n",
                          (unsigned long long)price->steps[i].after);
        append_rates(out, deal, "      ", price->steps[i].per_million_nanos,
                     i == 0 ? price->per_million_nanos : price->steps[i - 1].per_million_nanos);
    }
}

static void list_text(struct oft_buffer *out, const struct listing *listing)
{
    const struct deal_price *last = NULL;
    char at[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_printf(out, "Prices in force at %s\n", oft_instant_format_short(listing->at, at));
    for (uint32_t i = 0; i < listing->deal->price_count; i++) {
        const struct deal_price *price = &listing->deal->prices[i];
        if (!listed(listing, price)) {
            continue;
        }
        if (last == NULL || last->is_sale != price->is_sale || last->owner != price->owner) {
            oft_buffer_printf(out, "\n%s %s\n", price->is_sale ? "product" : "pool",
                              cli_price_owner(listing->deal, price));
        }
        append_price(out, listing, price);
        last = price;
    }
}

static void list_json(struct oft_buffer *out, const struct listing *listing)
{
    struct oft_json json = {.out = out};
    oft_json_open(&json, '{');
    oft_json_put_instant(&json, "at", listing->at);
    oft_json_put_text(&json, "currency", listing->deal->currency);
    oft_json_key(&json, "prices");
    oft_json_open(&json, '[');
    for (uint32_t i = 0; i < listing->deal->price_count; i++) {
        const struct deal_price *price = &listing->deal->prices[i];
        char from[OFT_INSTANT_TEXT_BYTES];
        if (!listed(listing, price)) {
            continue;
        }
        oft_json_open(&json, '{');
        cli_price_json(&json, listing->deal, price);
        oft_json_put_text(
            &json, "since",
            price->from == OFT_INSTANT_ALWAYS ? NULL : oft_instant_format(price->from, from));
        oft_json_put_instant(&json, "until", deal_end_instant(&price->until, listing->attested));
        cli_rates_json(&json, "per_million", price->per_million_nanos);
        oft_json_key(&json, "steps");
        oft_json_open(&json, '[');
        for (uint32_t k = 0; k < price->step_count; k++) {
            oft_json_open(&json, '{');
            oft_json_put_number(&json, "after", price->steps[k].after);
            cli_rates_json(&json, "per_million", price->steps[k].per_million_nanos);
            oft_json_close(&json, '}');
        }
        oft_json_close(&json, ']');
        oft_json_close(&json, '}');
    }
    oft_json_close(&json, ']');
    oft_json_close(&json, '}');
    oft_buffer_append_char(out, '\n');
}

static int list_deal(const struct deal *deal, const struct cli_prices_ask *ask)
{
    struct deal_attestation items[CLI_ATTEST_MAX];
    struct listing listing = {.deal = deal, .pool = DEAL_NONE, .product = DEAL_NONE};
    struct oft_buffer out;
    int code = cli_attest_resolve("offtake prices", deal, &ask->attest, items, &listing.attested);
    if (code != CLI_OK) {
        return code;
    }
    if (cli_instant_parse(ask->at == NULL ? "now" : ask->at, &listing.at) != OFT_OK) {
        return cli_usage_error("offtake prices", "\"%s\" is no instant; write 2026-01-01", ask->at);
    }
    if (ask->pool != NULL) {
        listing.pool = deal_find_pool(deal, oft_str_from(ask->pool));
    }
    if (ask->product != NULL) {
        listing.product = deal_find_product(deal, oft_str_from(ask->product));
    }
    if ((ask->pool != NULL && listing.pool == DEAL_NONE) ||
        (ask->product != NULL && listing.product == DEAL_NONE)) {
        return cli_error(CLI_NO, "the deal has no %s \"%s\"",
                         ask->pool != NULL ? "pool" : "product",
                         ask->pool != NULL ? ask->pool : ask->product);
    }
    oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
    if (ask->json) {
        list_json(&out, &listing);
    } else {
        list_text(&out, &listing);
    }
    return cli_prices_answer(&out);
}

int cli_prices_list(const char *path, const struct cli_prices_ask *ask)
{
    int code;
    struct deal *deal = cli_deal_read_with(path, ask->orders, &code);
    if (deal != NULL) {
        code = list_deal(deal, ask);
    }
    deal_free(deal);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------- */

static bool take_option(struct cli_prices_ask *ask, int option, const char *value)
{
    switch (option) {
    case OPT_FORMAT:
        ask->format = value;
        return true;
    case OPT_POOL:
        ask->pool = value;
        return true;
    case OPT_PRODUCT:
        ask->product = value;
        return true;
    case OPT_FROM:
        ask->from = value;
        return true;
    case OPT_AT:
        ask->at = value;
        return true;
    case OPT_ORDERS:
        ask->orders = value;
        return true;
    case OPT_MODELS:
        ask->models = true;
        return true;
    case CLI_OPT_JSON:
        ask->json = true;
        return true;
    case OPT_ATTEST:
        return cli_attest_add(&ask->attest, value);
    case OPT_MAP:
        if (ask->map_count == CLI_PRICES_MAPS_MAX) {
            return false;
        }
        ask->maps[ask->map_count++] = value;
        return true;
    default:
        return false;
    }
}

int cli_prices(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"format", required_argument, NULL, OPT_FORMAT},
                                            {"pool", required_argument, NULL, OPT_POOL},
                                            {"product", required_argument, NULL, OPT_PRODUCT},
                                            {"map", required_argument, NULL, OPT_MAP},
                                            {"from", required_argument, NULL, OPT_FROM},
                                            {"models", no_argument, NULL, OPT_MODELS},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"orders", required_argument, NULL, OPT_ORDERS},
                                            {"attest", required_argument, NULL, OPT_ATTEST},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct cli_prices_ask ask = {0};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        }
        if (option == '?') {
            return CLI_USAGE;
        }
        if (!take_option(&ask, option, optarg)) {
            return cli_usage_error(argv[0], "too many options of one kind");
        }
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (strcmp(verb, "list") == 0 && words == 2) {
        return cli_prices_list(argv[optind + 1], &ask);
    }
    if (strcmp(verb, "diff") == 0 && words == 3) {
        return cli_prices_diff(argv[optind + 1], argv[optind + 2], &ask);
    }
    if (strcmp(verb, "import") == 0 && words == 2) {
        return cli_prices_import(argv[optind + 1], &ask);
    }
    return cli_usage_error(argv[0], "say list FILE, diff BEFORE AFTER, or import LIST");
}
