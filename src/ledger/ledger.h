/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_LEDGER_H
#define OFFTAKE_LEDGER_LEDGER_H
/*
 * ledger -- rating and double entry: usage records in, balanced postings out, statements from them.
 *
 * What it is   A batch takes settled usage records, rates each by the deal of its own policy
 *              generation at its own instant, adds them up by *series* and, when it is closed, turns
 *              each series' change into entries whose debits equal their credits.
 * What it is not  It stores nothing and reads no clock: the engine hands in the series' totals so far
 *              and writes entries and new totals in one transaction.
 * Exactness    A series is one statement line: what was used (or earned) in a month at one price
 *              under one clause. Its amount is round-half-even(total quantity * rate) and a batch
 *              posts the difference to what is posted already. So the books do not depend on how
 *              records were cut into batches, and nothing drifts. Capacity that is paid for by the
 *              hour is reckoned whole each time: its totals follow from the clock.
 * May include  base, deal, meter/record_fmt.h.  Used by: store (types), engine, benchmarks, tests.
 * Units        Money: nano-units of the deal's currency. Quantities: tokens, requests or hours of an
 *              accelerator or a megawatt.
 * Ownership    A context borrows its deal. A batch owns what it returns until ledger_batch_free.
 * Errors       Faults are enum oft_err. A record that cannot be rated (unknown id, no price) is never
 *              dropped: it is counted in the usage series and in `unrated`, and the caller reports it.
 * Threads      One batch, one thread; contexts are read-only.
 */
#include "deal/deal.h"
#include "meter/record_fmt.h"

/* ---- contexts -------------------------------------------------------------------------------- */

struct ledger_context; /* a deal made ready for rating: ids to indices, regimes, prices by regime */

/* DEAL and ATTESTED must outlive the context. */
enum oft_err ledger_context_new(const struct deal *deal, uint64_t generation,
                                struct deal_attestations attested,
                                struct ledger_context **ret_context,
                                struct oft_error *reterr) OFT_MUSTCHECK;
void ledger_context_free(struct ledger_context *context);
const struct deal *ledger_context_deal(const struct ledger_context *context);

/* ---- series ---------------------------------------------------------------------------------- */

enum ledger_series_kind {
    LEDGER_USAGE = 1,  /* requests and tokens as they ran: no money */
    LEDGER_SALE,       /* what a customer's account owes for a product's use */
    LEDGER_COST,       /* what a provider is owed for a pool's use */
    LEDGER_SHARE,      /* a revenue share: base is revenue, amount is the share */
    LEDGER_COMMITMENT, /* spend that counts towards a commitment (memorandum) */
    /* What follows from a commitment; the number leaves room for other kinds. */
    LEDGER_SHORTFALL = 16,
    LEDGER_SHARE_TERM =
        20,           /* when a share is paid: kept back, set off. Nothing more is owed by it */
    LEDGER_DEDUCTION, /* revenue that shares leave out, as somebody told it (memorandum) */
    LEDGER_PAYMENT,   /* of a share, as somebody told it */
    /* Of funding programmes: told, but for the calls of the deal's text (memoranda). */
    LEDGER_FUND_CALL = 24,
    LEDGER_FUND_PAYMENT,
    LEDGER_FUND_DRAW,
};

enum { LEDGER_NAME_BYTES = 192 };

/* Everything that tells one statement line from another. Unused text is "". */
struct ledger_series_key {
    enum ledger_series_kind kind;
    int32_t month;     /* of the statement that it stands on: the month of the record's instant by
                         its deal (deal_month_of), unless that was closed; see for_month */
    uint32_t unit;     /* SALE, COST: enum deal_unit_class. COST, COMMITMENT of capacity that is
                         paid for by the hour: enum ledger_capacity_unit. SHARE: enum
                         ledger_share_part. SHARE_TERM: enum ledger_share_term. Others: 0 */
    uint32_t outcome;  /* USAGE: enum ledger_outcome. SHARE: enum ledger_direction. COMMITMENT: enum
                          ledger_way. COST of capacity by the month: the hours of its own month. SHORTFALL: enum ledger_due. SHARE_TERM, PAYMENT: enum
                          ledger_direction. Others: 0 */
    int32_t for_month; /* what came late: the month of the record's instant. Else 0 */
    uint32_t unused[3];
    oft_nanos rate; /* SALE, COST: nano-units per million units. SHARE: parts per billion.
                       COMMITMENT: what part counts, in parts per billion; 0: all of it */
    char account[64];
    char product[64];
    char model[64];
    char pool
        [64]; /* COMMITMENT: where a part of the month begins, an instant; "" for its own beginning.
                       SHORTFALL: the end of the measuring period, an instant, or "". DEDUCTION: when
                       it was told; PAYMENT: the day. PAYMENT's product is the period, "2026-Q2".
                       FUND_CALL: when it is due (product: its name, model: when it was made);
                       FUND_PAYMENT, FUND_DRAW: the day (a draw's product: the order) */
    char party[64]; /* SALE: owner of the product; USAGE, COST, COMMITMENT: the provider's party;
                       SHARE: the other side, and in a memo share the payee; FUND_CALL,
                       FUND_PAYMENT: the funder */
    char clause[LEDGER_NAME_BYTES]; /* USAGE: the deciding clause; SALE, COST: the price clause, or
                                       "order-3.price"; SHARE, COMMITMENT: the clause; FUND_...: the
                                       programme */
};

/* Units of capacity, beside deal_unit_class; far from those, which may become more. */
enum ledger_capacity_unit {
    LEDGER_GPU_HOUR = 64,
    LEDGER_MW_HOUR,
    /* Hours as well, at a price for a calendar month: each costs its part of the price of its own month. */
    LEDGER_GPU_OF_MONTH,
    LEDGER_MW_OF_MONTH,
    LEDGER_POOL_OF_MONTH, /* of a pool as a whole */
};
/* How many units of a SALE or COST line its rate is for: a million, and for capacity by the month as many
 * more as its own month has hours (key->outcome). */
oft_nanos ledger_rate_units(const struct ledger_series_key *key);

enum ledger_outcome {
    LEDGER_SERVED = 0,
    LEDGER_SERVED_ESTIMATED, /* served, counted by us */
    LEDGER_UNSETTLED,        /* an intent whose worker died: booked by the printed rule */
    LEDGER_FAILED,           /* asked, not served: nothing owed */
    LEDGER_REFUSED,          /* answered by us */
};

/* Which way a share goes, seen from the deal's customer. */
enum ledger_direction {
    LEDGER_MEMO = 0, /* between two other parties */
    LEDGER_PAID,     /* the customer pays the other side */
    LEDGER_RECEIVED, /* the other side pays the customer */
};

/* Parts of a share; only the first is posted as records come, the others by share.h. */
enum ledger_share_part {
    LEDGER_SHARE_PLAIN = 0,
    LEDGER_SHARE_EARNED, /* what a month comes to by all terms; quantity is its base less deductions */
    LEDGER_SHARE_MINIMUM,  /* what tops a period up */
    LEDGER_SHARE_INTEREST, /* on what was late */
};
/* What moves the day of payment: kept back (below 0: paid out again), set off. */
enum ledger_share_term { LEDGER_TERM_HELD = 0, LEDGER_TERM_NETTED };

/* How a cost came to count. */
enum ledger_way { LEDGER_DIRECT = 0, LEDGER_THROUGH_MARKETPLACE };

/* What follows from a commitment, all owed to its provider's party; DRAWN is below 0. */
enum ledger_due {
    LEDGER_DUE_CASH = 0, /* a shortfall that is paid and lost */
    LEDGER_DUE_CREDIT,   /* a shortfall that is paid and kept as a credit */
    LEDGER_DUE_DRAWN,    /* use that such a credit paid for */
    LEDGER_DUE_OVERAGE,  /* what is paid beyond the list price above the commitment */
};

/* Running totals of a series. quantity: SALE, COST: units. SHARE, COMMITMENT: nano-units of base.
 * USAGE: requests, and the units by class. A late series goes below 0 where usage of a closed month was
 * taken back.
 * A share has one series per product with its base alone (amount 0), and one with product "" that
 * holds their sum and the amount: rounded once, and under one cap. A series of base keeps what its
 * rounding left over, so that it adds up exactly: units[0] millionths of a nano-unit above
 * quantity, or units[1] below it. */
struct ledger_totals {
    oft_nanos quantity;
    oft_nanos amount_nanos; /* posted so far */
    int64_t units[METER_UNITS];
};

/* ---- entries --------------------------------------------------------------------------------- */

/* One side of a posting. Positive: debit. Negative: credit. Accounts are paths:
 *   receivable/<account>        revenue/<product>           customers' debts and what we sold
 *   cost/<pool>                 payable/<party>             what capacity cost and whom we owe
 *   share-expense/<clause>      payable/<party>             a share we pay
 *   receivable-party/<party>    share-income/<clause>       a share we get
 *   memo/sales/<product>        memo/sales-contra/<product> another party's product: not our revenue
 *   memo/share/<clause>         memo/share-contra/<clause>  a share between others
 *   memo/commitment/<clause>    memo/commitment-contra/<clause>  burn
 *   shortfall-expense/<clause>  payable/<party>             a shortfall that is lost
 *   shortfall-credit/<clause>   payable/<party>             one that may still be used, and its use back
 *   overage-expense/<clause>    payable/<party>             what exceeds costs more (or less)
 *   interest-expense/<clause>   payable/<party>             on a share that we paid late
 *   receivable-party/<party>    interest-income/<clause>    on one that we got late
 *   payable/<party>             held-back/<clause>          kept back of a share that we pay
 *   held-back-asset/<clause>    receivable-party/<party>    of one that we get
 *   payable/<party>             receivable-party/<party>    two shares set off
 *   payable/<party>             cash/<party>                a share paid
 *   cash/<party>                receivable-party/<party>    a share got
 *   memo/deduction/<name>       memo/deduction-contra/<name>  what is not shared
 *   memo/fund-receivable/<party>    memo/fund-capital/<programme>   capital called
 *   memo/fund-cash/<programme>      memo/fund-receivable/<party>    and paid in
 *   memo/fund-drawn/<programme>     memo/fund-cash/<programme>      and spent on an order
 */
struct ledger_entry {
    char account[LEDGER_NAME_BYTES + 32];
    oft_nanos amount_nanos;
    size_t series; /* index into the batch's changes: why */
};

/* A series and how this batch changes it. */
struct ledger_change {
    struct ledger_series_key key;
    struct ledger_totals before; /* as the caller's look-up gave it; zero when new */
    struct ledger_totals after;
};

/* ---- batches --------------------------------------------------------------------------------- */

struct ledger_batch;

struct ledger_batch_counts {
    uint64_t records; /* added */
    uint64_t unrated; /* of these, those with an unknown id or without a price where one is owed */
    uint64_t unsettled;
    uint64_t estimated;
};

enum oft_err ledger_batch_new(struct ledger_batch **ret_batch) OFT_MUSTCHECK;
void ledger_batch_free(struct ledger_batch *batch);
/* How many kinds of records it has taken: those that differ in anything that decides what is owed. */
size_t ledger_batch_kinds(const struct ledger_batch *batch);

/*
 * Adds one settled record, rated by CONTEXT, which must be of the record's generation. What is
 * owed: a served request (status 200..299, or ABORTED, CUT, ESTIMATED, UNSETTLED with a pool) owes
 * its units to the customer's account at the product's sale price and to the pool's provider at its
 * cost price; a reserved pool has no unit price and costs nothing here; a failed or refused request
 * owes nothing. Names for ids that the deal does not know: "?<hex id>".
 */
enum oft_err ledger_batch_add(struct ledger_batch *batch, const struct ledger_context *context,
                              const struct meter_record *record) OFT_MUSTCHECK;
/*
 * Takes back one record that was booked before, as ledger_batch_add would rate it: all its quantities
 * are below 0. It and the record in its place go into one batch, so that only the difference moves.
 * The batch does not count it as a record. ledger_batch_close answers OFT_ERR_CONFLICT when the month's
 * count of a price in steps holds less than is taken back.
 */
enum oft_err ledger_batch_reverse(struct ledger_batch *batch, const struct ledger_context *context,
                                  const struct meter_record *record) OFT_MUSTCHECK;

/* A part of an order that arrived and is paid for by the hour, used or not, from its arrival to the end
 * of its term. */
struct ledger_charge {
    const char *clause; /* "order-3.price" */
    const char *pool;   /* what stands for it in the books; "order-3" when it became no pool */
    const char *provider;
    const char *party;   /* to whom it is owed */
    const char *product; /* that it was bought for */
    enum ledger_capacity_unit unit;
    uint64_t quantity; /* accelerators or megawatts */
    oft_instant from, until;
    oft_nanos rate; /* nano-units per unit-hour, or per unit and month; not below 0 */
    bool by_deal;   /* the deal's text says it, and may say later that it was less */
};
/*
 * Makes the batch bring all capacity to what it comes to THROUGH an instant: CHARGES are all there are,
 * and a batch takes them once. An hour is owed once it is over; its month and the commitments that count
 * it are those of its first instant, by CONTEXT's deal. What is there already is not posted again, and a
 * batch without a change has none in its result. A commitment that the deal no longer lets count some
 * hours is taken back; a cost never is: OFT_ERR_CONFLICT from ledger_batch_close.
 */
enum oft_err ledger_capacity_add(struct ledger_batch *batch, const struct ledger_context *context,
                                 const struct ledger_charge *charges, size_t count,
                                 oft_instant through) OFT_MUSTCHECK;

/* Which months still take what, all of them by two boundaries. A month before CLOSED_UNTIL is closed and
 * never changes: what belongs to it lands in the first open month, SOFT_UNTIL, with for_month saying
 * where it belongs. A month from there to before SOFT_UNTIL is soft-closed: what is its own still lands
 * in it, as late (for_month is the month itself). CLOSED_UNTIL <= SOFT_UNTIL; 0 and 0: all are open. */
struct ledger_periods {
    int32_t closed_until, soft_until;
};
/* To be said before the batch is closed, and before capacity is added. */
void ledger_batch_periods(struct ledger_batch *batch, struct ledger_periods periods);
/* The month whose business a series is, wherever it stands. */
int32_t ledger_own_month(const struct ledger_series_key *key);

/* Totals of a series so far, from the store; zero totals when there is none. Shares ask for the sum
 * over all months of a clause through the second function, for total caps. */
struct ledger_totals_source {
    void *context;
    enum oft_err (*totals)(void *context, const struct ledger_series_key *key,
                           struct ledger_totals *ret_totals, struct oft_error *reterr);
    enum oft_err (*share_total)(void *context, const char *clause, oft_nanos *ret_amount,
                                struct oft_error *reterr);
    /* Quantity and amount of all series that differ from KEY only in where they stand: the same own month,
     * in another month or not late. May be NULL while no month is closed. */
    enum oft_err (*elsewhere)(void *context, const struct ledger_series_key *key,
                              struct ledger_totals *ret_totals, struct oft_error *reterr);
};

struct ledger_result {
    const struct ledger_change *changes;
    size_t change_count;
    const struct ledger_entry *entries; /* sums to zero, in order of changes */
    size_t entry_count;
    struct ledger_batch_counts counts;
};

/* Closes the batch. The result is the batch's own and lives until ledger_batch_free. */
enum oft_err ledger_batch_close(struct ledger_batch *batch, struct ledger_totals_source source,
                                struct ledger_result *ret_result,
                                struct oft_error *reterr) OFT_MUSTCHECK;

/*
 * The rule for an intent whose writer died (promise P3): booked as UNSETTLED with the intent's
 * input estimate and no output, since nobody saw what came back; it is flagged on every statement
 * that holds it. Turns an INTENT record into the settled record to add.
 */
void ledger_settle_orphan(const struct meter_record *intent, struct meter_record *ret_settled);
extern const char LEDGER_ORPHAN_RULE[]; /* that rule, in words, for statements and documents */

/* ---- the chain ------------------------------------------------------------------------------- */

/* SHA-256 of the previous transaction's hash and this transaction's canonical bytes: number,
 * instants, spool ranges, each entry's account and amount, each change's key and new totals, events. */
struct ledger_range {
    char segment[128];
    uint32_t from, until; /* records [from, until) of that segment */
};
/* What somebody decided about the books: a month was closed, a statement was approved. */
struct ledger_event {
    char what[32]; /* "period-close" */
    int32_t month;
    uint32_t unused;
    uint64_t statement; /* its number; 0: none */
    char actor[64];     /* who did it */
    char about[64];     /* the party or the account that the statement is about */
    uint8_t sha256[32]; /* of what was decided on; zeros: of nothing */
    bool is_signed;     /* then WHAT says so too: "statement-approve-signed" */
    uint8_t signature[64];
};
struct ledger_transaction {
    uint64_t number; /* 1, 2, ... */
    oft_instant recorded_ns;
    const struct ledger_range *ranges;
    size_t range_count;
    const struct ledger_change *changes;
    size_t change_count;
    const struct ledger_entry *entries;
    size_t entry_count;
    const struct ledger_event *events;
    size_t event_count;
};
enum oft_err ledger_transaction_hash(const struct ledger_transaction *transaction,
                                     const uint8_t previous[32],
                                     uint8_t ret_hash[32]) OFT_MUSTCHECK;

/* ---- statements ------------------------------------------------------------------------------ */

/* One series as the store holds it. */
struct ledger_row {
    struct ledger_series_key key;
    struct ledger_totals totals;
};

enum ledger_status { LEDGER_DRAFT = 0, LEDGER_APPROVED, LEDGER_FINAL };
struct ledger_act {
    const char *actor;
    oft_instant at;
    bool is_signed;
};
/* Where a statement is in its life; all zero: a draft that was made to be looked at. */
struct ledger_life {
    enum ledger_status status;
    uint64_t number;  /* 0: none */
    uint64_t through; /* the transaction of the last event of its life that is told here */
    struct ledger_act approvals[2];
    size_t approval_count;
    struct ledger_act final; /* FINAL: who made it so */
    uint64_t restates;       /* the number of the statement that it is a new edition of; 0: none */
    uint8_t restated_sha256[32]; /* of that one's text */
};

struct ledger_statement_input {
    const struct deal *deal; /* the newest published */
    uint64_t generation;     /* of that deal's policy */
    struct ledger_life life;
    /* A restatement: the rows as they were for the one that it restates. */
    const struct ledger_row *before_rows;
    size_t before_row_count;
    bool before_restates; /* that one was a restatement itself */
    struct deal_attestations attested;
    const char *party; /* a party's or an account's name */
    int32_t month;
    const struct ledger_row
        *rows; /* every series that stands in that month or is late and belongs to
                                      it, any kind, any order */
    size_t row_count;
    const struct ledger_row *commitment_rows; /* LEDGER_COMMITMENT of all months */
    size_t commitment_row_count;
    oft_instant as_of; /* recorded instant of the newest transaction included */
    uint64_t transaction_number;
    uint8_t journal_sha256[32]; /* chain hash of that transaction */
    bool rehearsal;
};

enum ledger_format { LEDGER_TEXT, LEDGER_JSON, LEDGER_CSV };

/* The statement of one party (what is owed both ways: capacity, shares, sums, net; burn of the
 * commitments with it) or of one account (what it owes us). Same input, same bytes. Prints the deal
 * and journal hashes that it depends on. OFT_ERR_NOT_FOUND for an unknown name. */
enum oft_err ledger_statement(const struct ledger_statement_input *input, enum ledger_format format,
                              struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

/* Where a statement is set on paper: the same words and figures in headings, rows and tables. */
struct ledger_column {
    const char *title;
    unsigned width; /* in hundredths of the line; 0: what is left */
    bool figure;    /* set right, the decimal points under one another */
};
struct ledger_sheet {
    void *context;
    void (*banner)(void *context, const char *text); /* on every page */
    void (*heading)(void *context, const char *text);
    void (*row)(void *context, const char *name, const char *value);
    void (*paragraph)(void *context, const char *text);
    void (*code)(void *context, const char *text); /* may be broken anywhere */
    void (*table)(void *context, const struct ledger_column *columns, size_t count);
    void (*cells)(void *context, const char *const *cells, bool is_sum); /* one for each column */
};
/* RET_TITLE gets the title, RET_BASIS what `--reproduce` reads. */
enum oft_err ledger_statement_sheet(const struct ledger_statement_input *input,
                                    const struct ledger_sheet *sheet, struct oft_buffer *ret_title,
                                    struct oft_buffer *ret_basis,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* The words that a statement can be made again from, as it prints them: "offtake-statement-2
 * party=bigcloud month=2026-04 ...", no blank inside a word. */
void ledger_statement_basis(const struct ledger_statement_input *input, struct oft_buffer *out);

/* ---- commitments ----------------------------------------------------------------------------- */

/* What a commitment asks for by an instant. A ramp is a line to be seen by; the others bind. */
enum ledger_measure_kind { LEDGER_MEASURE_RAMP, LEDGER_MEASURE_MILESTONE, LEDGER_MEASURE_WHOLE };
enum ledger_measure_state {
    LEDGER_MEASURE_OPEN,   /* its end is still to come */
    LEDGER_MEASURE_MET,    /* nothing was missing at its end */
    LEDGER_MEASURE_SHORT,  /* something was */
    LEDGER_MEASURE_LAPSED, /* the clause ended before it did, or an earlier version settled it */
};
struct ledger_measure {
    enum ledger_measure_kind kind;
    enum ledger_measure_state state;
    oft_instant by;
    oft_nanos required;
    oft_nanos progress; /* towards it, at its end or so far */
    oft_nanos missing;  /* what is still missing, or was at its end */
    /* Of a milestone or the whole that fell short: missing = owed + credit + forfeited + rolled. */
    oft_nanos owed;      /* paid and lost */
    oft_nanos credit;    /* paid and kept for later use */
    oft_nanos forfeited; /* nothing is paid, and nothing is owed any more */
    oft_nanos rolled;    /* asked for in the next period */
};

/* One amount that follows, in the series of its month. */
struct ledger_due_item {
    uint32_t clause; /* that it is booked under: a credit's own, when a successor draws it */
    int32_t month;
    enum ledger_due due;
    oft_instant by; /* of a shortfall; else OFT_INSTANT_NEVER */
    oft_nanos amount;
};

/* What was counted in one month, by the month. */
struct ledger_counted_month {
    int32_t month;
    oft_nanos counted;
    oft_nanos released; /* to the successor that runs beside it */
};

enum ledger_commit_state {
    LEDGER_COMMIT_NOT_BEGUN,
    LEDGER_COMMIT_WAITING, /* for its predecessor */
    LEDGER_COMMIT_RUNNING,
    LEDGER_COMMIT_COMPLETE, /* all of it was counted or settled */
    LEDGER_COMMIT_SHORT,    /* over, and something was missing */
    LEDGER_COMMIT_LAPSED,   /* its clause ended, or was replaced, before its period did */
};

/* A credit that later spend draws. */
struct ledger_credit {
    uint32_t clause; /* that it arose under and is booked under */
    bool settled;    /* it counted when it arose, so that what it pays for does not count again */
    oft_nanos left;
};

struct ledger_settlement {
    const struct deal *deal; /* whose clause it is; NULL: its months are UTC's */
    uint32_t clause;
    enum ledger_commit_state state;
    oft_instant begins; /* its counting: after its predecessor, if that was over by then */
    oft_nanos required; /* the amount and what was rolled into it */
    oft_nanos counted;  /* spend, by weight and cap */
    oft_nanos settled; /* counts as well: earlier shortfalls, less what credits for them paid for */
    oft_nanos carried; /* counts as well: a predecessor's excess */
    oft_nanos progress;                   /* counted + settled + carried */
    oft_nanos waiting;                    /* used and not invoiced yet */
    oft_nanos above_cap;                  /* came through the marketplace and does not count */
    oft_nanos excess;                     /* beyond the amount, and not a successor's */
    oft_nanos rolled_rest, rolled_excess; /* into the successor */
    oft_nanos overage;                    /* what the excess costs beyond the list price */
    oft_nanos credit_left;
    oft_nanos own_credit_left;           /* of these, what does not count again when it is drawn */
    const struct ledger_credit *credits; /* each of what is left */
    size_t credit_count;
    const struct ledger_measure *measures; /* in order of time */
    size_t measure_count;
    const struct ledger_due_item *dues;
    size_t due_count;
    const struct ledger_counted_month *months; /* rising, spend that is not invoiced yet included */
    size_t month_count;
    int32_t complete_month; /* in which the amount was reached; INT32_MAX while it is not */
    oft_instant ended;      /* the end of its period or of its clause */
    uint32_t successor;     /* DEAL_NONE when there is none */
};
/*
 * What has become of every commitment AT an instant, by the rules of docs/books.md: a function of the
 * deal, of what is attested and of the COMMITMENT rows (of all months, any order). In the order of the
 * deal's text; everything is in ARENA.
 */
enum oft_err ledger_commitments_settle(const struct deal *deal, struct deal_attestations attested,
                                       const struct ledger_row *commitment_rows, size_t row_count,
                                       oft_instant at, struct oft_arena *arena,
                                       const struct ledger_settlement **ret_settlements,
                                       size_t *ret_count) OFT_MUSTCHECK;
/*
 * Makes the batch bring what follows from commitments to what SETTLEMENTS say. ROWS are the SHORTFALL rows
 * and the COMMITMENT rows of capacity that the books hold: what nothing accounts for any more is taken
 * back, if the deal still has its clause. To be called once, after ledger_capacity_add.
 */
enum oft_err ledger_dues_add(struct ledger_batch *batch, const struct ledger_context *context,
                             const struct ledger_settlement *settlements, size_t count,
                             const struct ledger_row *rows, size_t row_count) OFT_MUSTCHECK;

/* Where a measure will stand at its end if spend goes on as it did. */
struct ledger_forecast {
    bool known;         /* there is history enough for the method */
    bool met;           /* by the measure's end */
    oft_instant met_at; /* when MET; not after the measure's end */
    oft_nanos expected; /* progress at its end */
    oft_nanos shortfall;
};
/* Linear: the rate of all time so far. Seasonal: a year before, times the growth since; after 12 whole
 * months. docs/books.md has both. */
enum oft_err ledger_forecast_linear(const struct ledger_settlement *settlement,
                                    const struct ledger_measure *measure, oft_instant at,
                                    struct ledger_forecast *ret_forecast) OFT_MUSTCHECK;
enum oft_err ledger_forecast_seasonal(const struct ledger_settlement *settlement,
                                      const struct ledger_measure *measure, oft_instant at,
                                      struct oft_arena *arena,
                                      struct ledger_forecast *ret_forecast) OFT_MUSTCHECK;

/* Every commitment: what counted so far, the line at AT, behind or ahead, what a dollar is worth. */
struct ledger_commitment_status {
    uint32_t clause; /* index in the deal */
    oft_nanos counted_nanos;
    oft_nanos line_nanos; /* through its ramps and milestones; 0 before and all after */
    bool active;          /* its period holds AT, it is in force and waits for no predecessor */
    bool behind;          /* active, and progress and what is not invoiced yet < line */
    int64_t value_ppb;    /* what one more unit of counted spend saves; below 0: what it costs */
    const struct ledger_settlement *settlement;
};
enum oft_err ledger_commitments(const struct deal *deal, struct deal_attestations attested,
                                const struct ledger_row *commitment_rows, size_t row_count,
                                oft_instant at, struct oft_arena *arena,
                                struct ledger_commitment_status **ret_status,
                                size_t *ret_count) OFT_MUSTCHECK;
enum oft_err ledger_commitments_print(const struct deal *deal,
                                      const struct ledger_commitment_status *status, size_t count,
                                      oft_instant at, enum ledger_format format,
                                      struct oft_buffer *out) OFT_MUSTCHECK;
/* Text or JSON: each open milestone and whole with both forecasts. */
enum oft_err ledger_forecasts_print(const struct deal *deal,
                                    const struct ledger_commitment_status *status, size_t count,
                                    oft_instant at, struct oft_arena *arena,
                                    enum ledger_format format,
                                    struct oft_buffer *out) OFT_MUSTCHECK;

/* Where traffic ran: usage rows by product, pool and clause with their counts. */
enum oft_err ledger_usage_print(const struct ledger_row *rows, size_t row_count,
                                enum ledger_format format, struct oft_buffer *out) OFT_MUSTCHECK;

#endif
