/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal -- the procedure of docs/desk.md for one right and one offer, as a Promela model.
 *
 * What it is   A third reading of that page, small enough that spin visits every state of it: one right of
 *              first refusal, one offer of a few units, its lots, up to three holders, and a clock of hours.
 *              model/README.md holds the correspondence, sentence by sentence, and what is left out.
 * Time         One process is the clock, the other all the parties, who do whatever they like, also nothing.
 *              What time brings is worked out in `pass_all`; what an act means is in the inlines of its name.
 * Properties   P(n, ...) states property n of the page where it could first be broken; `monitor` states
 *              what must hold in every state; the claims stand at the end.
 * Faults       -DFAULT=n plants one mistake that breaks property n. Without it nothing is left of it.
 * Traces       -DTRACE is a simulation of many procedures that prints what happens, and the state after it,
 *              for tests/model/replay.c; -DSHOW lets a counterexample print the same.
 */

/* ---- the right, the opportunity, and who does what: overridden by -D ------------------------------ */

#ifndef Q
#define Q 2 /* units offered */
#endif
#ifndef H
#define H 1 /* holders; the first has rank 1 */
#endif
#ifndef RANK2
#define RANK2 2 /* of the second holder */
#endif
#ifndef RANK3
#define RANK3 3
#endif
#ifndef SIMUL
#define SIMUL 0 /* `mode simultaneous` */
#endif
#ifndef PARTIAL
#define PARTIAL 0 /* at least PARTIAL units may be elected in part; 0: a part is no election */
#endif
#ifndef RESPOND
#define RESPOND 2 /* windows, in hours; 0: the clause does not say */
#endif
#ifndef FROM
#define FROM 0 /* the response window runs 0 from delivery, 1 `from sent`, 2 `from deemed` */
#endif
#ifndef DEEMED
#define DEEMED 0
#endif
#ifndef OBJECT
#define OBJECT 0
#endif
#ifndef OVER
#define OVER 0
#endif
#ifndef SIGN
#define SIGN 1
#endif
#ifndef RELEASE
#define RELEASE 1
#endif
#ifndef REOFFER
#define REOFFER 0
#endif
#ifndef DELIVER
#define DELIVER 0
#endif
#ifndef CURE
#define CURE 0 /* of a late delivery */
#endif
#ifndef BEGINS
#define BEGINS 0 /* the right's `from` and `until` */
#endif
#ifndef UNTIL
#define UNTIL NEVER
#endif
#ifndef PVOID
#define PVOID 0 /* `pending void` */
#endif
#ifndef ANYPARTY
#define ANYPARTY 0 /* `counterparty any` */
#endif
#ifndef ONETIME
#define ONETIME 0
#endif
#ifndef SUSPEND
#define SUSPEND 0 /* `suspend on default` */
#endif
#ifndef BONAFIDE
#define BONAFIDE 0 /* a test must be affirmed first */
#endif
#ifndef CARVEOUT
#define CARVEOUT 0 /* there is a carve-out that the customer could prove */
#endif
#ifndef FLOOR
#define FLOOR 0 /* in units; 0: none */
#endif
#ifndef EARLIER
#define EARLIER 0 /* units of an earlier need of the same kind */
#endif
#ifndef BUNDLED
#define BUNDLED 0 /* the offer comes with goods out of scope */
#endif
#ifndef VALID
#define VALID 4 /* the offer is valid until then */
#endif
#ifndef OPEN_UNTIL
#define OPEN_UNTIL 4 /* the need's */
#endif
#ifndef BACK
#define BACK 0 /* an act may be recorded so many hours after it happened */
#endif
#ifndef PRICES
#define PRICES 2 /* prices are below this; the offer begins at 0, higher is better for the third party */
#endif
#ifndef CHANGES
#define CHANGES 0 /* how often the offer may change */
#endif
#ifndef RESIZE
#define RESIZE 0 /* a change of the offer may also bring its quantity to RESIZE */
#endif
#ifndef OBJECTS
#define OBJECTS 0 /* how often a holder may object */
#endif
#ifndef WITHDRAWS
#define WITHDRAWS 0 /* 1: the offer may be withdrawn, 2: the need too */
#endif
#ifndef COUNTERS
#define COUNTERS 0 /* holders may counter, and elect what is no election */
#endif
#ifndef OTHERBID
#define OTHERBID 0 /* there is another third party's offer for the same need */
#endif
#ifndef FAULT
#define FAULT 0
#endif
#ifndef STRICT
#define STRICT 0 /* holds more than the page does: see README.md, "What the model found" */
#endif
#ifndef MANY
#define MANY 40 /* procedures in one run that prints traces */
#endif
#ifndef EAGER
#define EAGER 1 /* 1 to 3: how much is tried within an hour */
#endif

#define NEVER 255
#define NOBODY 255
#define SIGN_END(at)    (SIGN -> (at) + SIGN : ((at) > OPEN_UNTIL -> (at) : OPEN_UNTIL))
#define RELEASE_END(at) (RELEASE -> (at) + RELEASE : ((at) > OPEN_UNTIL -> (at) : OPEN_UNTIL))
/* The bound of property 7: what the windows come to after the opportunity's end, when a dispute is settled as
 * free at its last instant and when an order fails at its last. */
#define LATEST(a, b) ((a) > (b) -> (a) : (b))
#ifndef LAST
#define LAST (LATEST(VALID, OPEN_UNTIL) + SIGN + 3 * RELEASE + DELIVER + CURE + BACK + 1)
#endif
#define RANK(h)      ((SIMUL || (h) == 0) -> 1 : ((h) == 1 -> RANK2 : RANK3))

mtype = { NOLOT, DRAFT, READY, NOTICED, OPEN, OVERALLOT, ELECTED, DISPUTED, FREE,
          BOUND, SOLD, EXEMPT, WITHDRAWN, REVIVED, VOID }
/* A holder's notice for a lot; the states of struct desk_notice. */
mtype = { NONE, OWED, SENT, DELIVERED, ACCEPTED, DECLINED, LAPSED }

/* A need under the floor is added up with an earlier one. */
#define reached (Q >= FLOOR || (EARLIER && EARLIER + Q >= FLOOR))

#define SPLIT_FLAG   1
#define BUNDLED_FLAG 2

typedef Lot {
  mtype st = NOLOT;
  byte q;
  byte flags;
  byte rank;        /* of the round */
  byte asked;       /* rank of the round that was sent last; 0: none that still counts */
  bool ever;        /* a notice was sent */
  bool reoffer;     /* what is owed or sent has the short window */
  bool over_done;
  bool tendered;
  byte price;       /* noticed */
  byte deadline;
  byte holder;      /* who elected it */
  byte arrived;     /* units of its order */
  /* Of each holder. */
  mtype nt[H] = NONE;
  byte entitled[H];
  byte elected[H];
  byte more[H];     /* OVERALLOT: 1 and what was asked for; 0: no answer */
  byte sent[H], at[H], respond[H], object[H];
  /* Only for the properties: nothing is decided by these. */
  byte told[H];     /* PRICES and above: never told; else the terms that this holder last let pass */
  byte stated[H];   /* the terms of the notice that it has */
  bool let_go;      /* FREE because a holder that had elected it let it go */
}

Lot lot[Q];
byte now;
bool screened;
byte price;       /* the offer's, as last changed */
byte total = Q;   /* the offer's quantity, as last changed */
byte signed_off;  /* signed of the offer with the third party */
byte signed_other; /* signed with another third party */
bool affirmed;
bool gone;        /* the offer is withdrawn */
bool need_gone;
bool exhausted;
bool defaulted[H];
byte changes, objections;
byte accepted[H]; /* units that this holder has said yes to and not got yet. Property 3 */

/* Scratch, only used inside one step; no part of the state. */
hidden byte i1, i2, i3, i4, i5, n1, n2, n3, n4, rb, part, w_at, w_what, w_h, b_at, b_lot, b_what, b_h;
hidden byte happened, units_left, best, rest, total_asked, open_n, sent_n, owed_n, full_n, cover;
hidden byte share[H];
hidden byte ok, flag;

#ifdef TRACE
#define SHOW
#endif
#ifdef SHOW
#define X(name) printf("X "); printf(name); printf("\n")
#else
#define X(name) skip
#endif

#ifdef CLAIMS
#define P(n, what) skip /* a claim has to find it alone */
#else
#define P(n, what) assert(what)
#endif

#define final(s)                                                                               \
  (s == NOLOT || s == BOUND || s == SOLD || s == EXEMPT || s == WITHDRAWN || s == REVIVED || s == VOID)
#define in_round(s) (s == READY || s == NOTICED || s == OPEN)
#define standing(h) (!(SUSPEND && defaulted[h]))
#define ended       (now >= UNTIL)
#define in_force    (now >= BEGINS && !ended)
#define asked_now(l, h) (RANK(h) == lot[l].rank && lot[l].nt[h] != NONE)

/* ---- lots ---------------------------------------------------------------------------------------- */

/* Nothing of a lot that is over is looked at again but its quantity, its flags and its holder. */
inline forget(l) {
  lot[l].rank = 0; lot[l].asked = 0; lot[l].reoffer = 0; lot[l].over_done = 0;
  lot[l].tendered = 0; lot[l].deadline = NEVER; lot[l].let_go = 0;
  for (i5 : 0 .. H - 1) {
    lot[l].nt[i5] = NONE; lot[l].entitled[i5] = 0; lot[l].elected[i5] = 0; lot[l].more[i5] = 0;
    lot[l].sent[i5] = 0; lot[l].at[i5] = 0; lot[l].respond[i5] = 0; lot[l].object[i5] = 0;
    lot[l].stated[i5] = 0;
  }
}

inline finish(l, s) {
  lot[l].st = s;
  if
  :: s != BOUND -> lot[l].price = 0; lot[l].holder = 0; lot[l].ever = 0;
     for (i4 : 0 .. H - 1) { lot[l].told[i4] = NOBODY }
  :: else
  fi;
  forget(l)
}

/* Puts QUANTITY of lot L into a lot of its own, PART. */
inline split(l, quantity) {
  part = 0;
  do
  :: part < Q && lot[part].st != NOLOT -> part++
  :: else -> break
  od;
  assert(part < Q);
  lot[part].st = lot[l].st; lot[part].q = quantity;
  lot[part].flags = (FAULT == 9 -> 0 : lot[l].flags);
  lot[part].price = lot[l].price; lot[part].ever = lot[l].ever;
  lot[part].rank = lot[l].rank; lot[part].let_go = lot[l].let_go;
  lot[part].deadline = lot[l].deadline; lot[part].holder = lot[l].holder;
  for (i4 : 0 .. H - 1) { lot[part].told[i4] = lot[l].told[i4] }
  lot[l].q = lot[l].q - (FAULT == 2 -> quantity - 1 : quantity)
}

inline make_free(l, when) {
  if
  :: !lot[l].ever -> lot[l].price = price /* nobody could be asked: these terms bind */
  :: else
  fi;
  lot[l].let_go = lot[l].st == ELECTED || lot[l].st == DISPUTED || lot[l].st == BOUND;
  lot[l].st = FREE; lot[l].reoffer = 0; lot[l].tendered = 0; lot[l].holder = 0;
  lot[l].deadline = RELEASE_END(when)
}

/* ---- rounds -------------------------------------------------------------------------------------- */

/* What each holder of the round may elect: equal parts, the first ones one more. */
inline entitle(l) {
  n1 = 0; n2 = 0;
  for (i2 : 0 .. H - 1) { if :: asked_now(l, i2) -> n1++ :: else fi }
  for (i2 : 0 .. H - 1) {
    if
    :: asked_now(l, i2) ->
       lot[l].entitled[i2] = lot[l].q / n1 + (n2 < lot[l].q % n1 -> 1 : 0);
       n2++
    :: else
    fi
  }
}

/* The first round whose rank is above AFTER and that has a holder with standing; FREE when there is none. */
inline begin_round(l, after, when) {
  rb = 0;
  for (i1 : 0 .. H - 1) {
    if
    :: RANK(i1) > after && standing(i1) && (rb == 0 || RANK(i1) < rb) -> rb = RANK(i1)
    :: else
    fi
  }
  if
  :: rb == 0 ->
     if
     :: lot[l].st == DRAFT || after == 0 -> X("no_standing_free")
     :: else -> X("last_round_free")
     fi;
     make_free(l, when)
  :: else ->
     if
     :: after > 0 -> X("next_rank")
     :: else -> X("first_rank")
     fi;
     lot[l].st = READY; lot[l].rank = rb; lot[l].deadline = NEVER;
     lot[l].asked = (after == 0 -> 0 : lot[l].asked); /* no answer to those counts any more */
     n3 = 0;
     for (i1 : 0 .. H - 1) {
       if
       :: RANK(i1) >= rb || after == 0 ->
          lot[l].entitled[i1] = 0; lot[l].elected[i1] = 0; lot[l].more[i1] = 0;
          lot[l].sent[i1] = 0; lot[l].at[i1] = 0; lot[l].respond[i1] = 0; lot[l].object[i1] = 0;
          lot[l].stated[i1] = 0;
          if
          :: (RANK(i1) == rb || (FAULT == 6 && RANK(i1) > rb)) && n3 < lot[l].q && standing(i1) ->
             lot[l].nt[i1] = OWED;
             n3++
          :: else -> lot[l].nt[i1] = NONE
          fi
       :: else
       fi
     }
     entitle(l)
  fi
}

/* The notices of the lot that are not answered are void. */
inline void_round(l) {
  for (i1 : 0 .. H - 1) {
    if
    :: lot[l].nt[i1] == OWED || lot[l].nt[i1] == SENT || lot[l].nt[i1] == DELIVERED ->
       lot[l].nt[i1] = NONE
    :: else
    fi
  }
}

/* What the round's notices make of the lot. */
inline resolve(l, when) {
  owed_n = 0; sent_n = 0; open_n = 0; full_n = 0;
  for (i1 : 0 .. H - 1) {
    if
    :: asked_now(l, i1) || (FAULT == 6 && lot[l].nt[i1] != NONE) ->
       if
       :: lot[l].nt[i1] == OWED -> owed_n++
       :: lot[l].nt[i1] == SENT -> sent_n++
       :: lot[l].nt[i1] == DELIVERED -> open_n++
       :: lot[l].nt[i1] == ACCEPTED && lot[l].elected[i1] == lot[l].entitled[i1] -> full_n++
       :: else
       fi
    :: else
    fi
  }
  if
  :: open_n > 0 -> lot[l].st = OPEN
  :: open_n == 0 && sent_n > 0 -> lot[l].st = NOTICED
  :: open_n == 0 && sent_n == 0 && owed_n > 0 -> lot[l].st = READY
  :: else ->
     if
     :: OVER && full_n > 0 && !lot[l].over_done ->
        X("overallot");
        lot[l].st = OVERALLOT; lot[l].over_done = 1; lot[l].deadline = when + OVER
     :: else -> begin_round(l, lot[l].rank, when)
     fi
  fi
}

/* QUANTITY of the lot is ELECTED by holder WHO: PART, which is the lot itself when it is all. */
inline award(l, who, quantity, when) {
  P(3, accepted[who] >= quantity); /* nobody gets what it did not say yes to */
  accepted[who] = accepted[who] - quantity;
  if
  :: quantity < lot[l].q -> split(l, quantity)
  :: else -> part = l; void_round(l)
  fi;
  lot[part].st = ELECTED; lot[part].holder = who; lot[part].tendered = 0;
  lot[part].deadline = SIGN_END(when)
}

/* The end of an over-allotment round: to each what it asked for if that suffices, else pro rata by largest
 * remainder, of equal ones to the earlier notice. */
inline close_over(l, when) {
  total_asked = 0; units_left = lot[l].q; n4 = lot[l].q;
  for (i3 : 0 .. H - 1) {
    if
    :: lot[l].more[i3] > 1 -> total_asked = total_asked + lot[l].more[i3] - 1
    :: else
    fi
  }
  for (i3 : 0 .. H - 1) {
    share[i3] = 0;
    if
    :: lot[l].more[i3] > 1 ->
       share[i3] = (total_asked <= n4 -> lot[l].more[i3] - 1
                                      : n4 * (lot[l].more[i3] - 1) / total_asked);
       units_left = units_left - share[i3];
       accepted[i3] = accepted[i3] + lot[l].more[i3] - 1
    :: else
    fi
  }
  do
  :: total_asked > n4 && units_left > 0 ->
     best = NOBODY; rest = 0;
     for (i3 : 0 .. H - 1) {
       if
       :: lot[l].more[i3] > 1 && share[i3] == n4 * (lot[l].more[i3] - 1) / total_asked &&
          n4 * (lot[l].more[i3] - 1) % total_asked > rest ->
          best = i3; rest = n4 * (lot[l].more[i3] - 1) % total_asked
       :: else
       fi
     }
     assert(best != NOBODY);
     share[best] = share[best] + 1; units_left--
  :: else -> break
  od;
  if :: total_asked > n4 -> X("over_pro_rata") :: else fi;
  if :: total_asked == 0 -> X("over_nobody") :: else fi;
  for (i3 : 0 .. H - 1) {
    if
    :: share[i3] > 0 -> X("over_share"); award(l, i3, share[i3], when)
    :: else
    fi;
    accepted[i3] = 0;
    lot[l].more[i3] = 1 /* nothing is asked for any more */
  }
  if
  :: lot[l].st == OVERALLOT -> resolve(l, when)
  :: else
  fi
}

/* ---- time ---------------------------------------------------------------------------------------- */

/* What comes next for a lot. Of one instant: the right's end, the opportunity's end, then its deadlines. */
#define W_NOTHING 0
#define W_RIGHT   1
#define W_OFFER   2
#define W_DEEMED  3
#define W_LAPSE   4
#define W_DUE     5
#define W_ORDER   6

inline consider(what, when, who) {
  if
  :: when != NEVER && (w_what == W_NOTHING || when < w_at || (when == w_at && what < w_what)) ->
     w_what = what; w_at = when; w_h = who
  :: else
  fi
}

inline next_of(l) {
  w_what = W_NOTHING; w_at = NEVER; w_h = 0;
  if
  :: final(lot[l].st) -> skip
  :: else ->
     if
     :: UNTIL != NEVER && (lot[l].st == DRAFT || lot[l].st == READY || (PVOID && FAULT != 10)) ->
        consider(W_RIGHT, UNTIL, 0)
     :: else
     fi;
     if
     :: lot[l].st == DRAFT || in_round(lot[l].st) || lot[l].st == OVERALLOT ->
        consider(W_OFFER, VALID, 0)
     :: else
     fi;
     if
     :: in_round(lot[l].st) ->
        for (i1 : 0 .. H - 1) {
          if
          :: lot[l].nt[i1] == SENT && FAULT == 4 -> consider(W_LAPSE, lot[l].sent[i1] + RESPOND, i1)
          :: lot[l].nt[i1] == SENT && FAULT != 4 && DEEMED ->
             consider(W_DEEMED, lot[l].sent[i1] + DEEMED, i1)
          :: lot[l].nt[i1] == DELIVERED -> consider(W_LAPSE, lot[l].respond[i1], i1)
          :: else
          fi
        }
     :: else -> consider(W_DUE, lot[l].deadline, 0)
     fi
  fi
}

/* A notice was delivered at WHEN: its windows. */
inline open_notice(l, who, when) {
  n1 = (lot[l].reoffer && REOFFER -> REOFFER : RESPOND);
  n2 = (FROM == 1 -> lot[l].sent[who] : (FROM == 2 && DEEMED -> lot[l].sent[who] + DEEMED : when));
  lot[l].at[who] = when;
  lot[l].respond[who] = (n2 + n1 > when -> n2 + n1 : when + n1);
  lot[l].object[who] = (OBJECT -> when + OBJECT : lot[l].respond[who]);
  lot[l].nt[who] = DELIVERED
}

inline lapse(l, who, when) {
  X("lapse");
  /* A window runs from a delivery, and to its end. */
  P(4, lot[l].nt[who] == DELIVERED && when >= lot[l].at[who] + 1 &&
         when >= (FROM == 0 -> lot[l].at[who] : lot[l].sent[who]) +
                   (lot[l].reoffer && REOFFER -> REOFFER : RESPOND));
  lot[l].nt[who] = LAPSED;
  lot[l].told[who] = lot[l].stated[who];
  if
  :: FAULT == 3 ->
     lot[l].nt[who] = ACCEPTED; lot[l].elected[who] = lot[l].entitled[who];
     award(l, who, lot[l].entitled[who], when);
     if :: part != l -> resolve(l, when) :: else fi
  :: else -> resolve(l, when)
  fi
}

inline fail_order(l, when) {
  if
  :: lot[l].arrived == 0 ->
     X("order_failed_whole");
     part = l
  :: else ->
     X("order_failed_part");
     split(l, lot[l].q - lot[l].arrived);
     lot[l].deadline = NEVER; lot[l].arrived = 0
  fi;
  make_free(part, when)
}

inline pass_lot(l) {
  if
  :: w_what == W_RIGHT -> X("right_ended"); finish(l, VOID)
  :: w_what == W_OFFER -> X("offer_over"); finish(l, WITHDRAWN)
  :: w_what == W_DEEMED -> X("deemed"); open_notice(l, w_h, w_at); resolve(l, w_at)
  :: w_what == W_LAPSE -> n4 = w_h; units_left = w_at; lapse(l, n4, units_left)
  :: w_what == W_ORDER -> units_left = w_at; fail_order(l, units_left)
  :: else ->
     units_left = w_at;
     if
     :: lot[l].st == OVERALLOT -> b_at = units_left; X("over_ends"); close_over(l, b_at)
     :: lot[l].st == ELECTED && lot[l].tendered ->
        X("holder_default");
        defaulted[lot[l].holder] = (SUSPEND -> 1 : 0);
        make_free(l, units_left)
     :: lot[l].st == ELECTED && !lot[l].tendered ->
        X("dispute");
        lot[l].st = DISPUTED;
        lot[l].deadline = (FAULT == 7 -> NEVER : RELEASE_END(units_left))
     :: lot[l].st == FREE -> X("free_ends"); finish(l, REVIVED)
     :: lot[l].st == DISPUTED -> X("dispute_ends"); finish(l, REVIVED)
     fi
  fi
}

/* Everything that is due by NOW, in order: by instant, then lots by number, then orders. */
inline pass_all() {
  do
  :: true ->
     b_lot = NOBODY; b_at = NEVER;
     for (i2 : 0 .. Q - 1) {
       next_of(i2);
       if
       :: w_what != W_NOTHING && w_at <= now && w_at < b_at ->
          b_lot = i2; b_at = w_at; b_what = w_what; b_h = w_h
       :: else
       fi
     }
     for (i2 : 0 .. Q - 1) {
       if
       :: lot[i2].st == BOUND && lot[i2].deadline <= now && lot[i2].deadline < b_at ->
          b_lot = i2; b_at = lot[i2].deadline; b_what = W_ORDER; b_h = 0
       :: else
       fi
     }
     if
     :: b_lot == NOBODY -> break
     :: else -> w_what = b_what; w_at = b_at; w_h = b_h; rest = b_lot; pass_lot(b_lot)
     fi
  od
}

/* ---- acts: OK tells whether the desk takes them ---------------------------------------------------- */

inline screen_offer() {
  ok = !screened && in_force && now < VALID && now < OPEN_UNTIL && !gone && !need_gone;
  if
  :: ok ->
     screened = 1;
     lot[0].q = total; lot[0].deadline = NEVER;
     lot[0].flags = (BUNDLED -> BUNDLED_FLAG : 0) +
                    (Q < FLOOR && reached -> SPLIT_FLAG : 0);
     for (i4 : 0 .. H - 1) { lot[0].told[i4] = NOBODY }
     if
     :: !reached -> X("out_of_scope"); finish(0, EXEMPT)
     :: else ->
        lot[0].st = DRAFT;
        if
        :: BONAFIDE && !affirmed -> X("draft")
        :: else -> begin_round(0, 0, now)
        fi
     fi
  :: else
  fi
}

inline affirm_offer() {
  ok = !gone;
  if
  :: ok ->
     affirmed = 1;
     if
     :: lot[0].st == DRAFT -> X("affirmed"); begin_round(0, 0, now)
     :: else
     fi
  :: else
  fi
}

inline prove_exempt(l) {
  ok = (lot[l].st == DRAFT || lot[l].st == READY) && (CARVEOUT || (lot[l].flags & SPLIT_FLAG));
  if :: ok -> X("exempt"); finish(l, EXEMPT) :: else fi
}

inline send_owed(l) {
  for (i1 : 0 .. H - 1) {
    if
    :: lot[l].nt[i1] == OWED ->
       lot[l].nt[i1] = SENT; lot[l].sent[i1] = now; lot[l].stated[i1] = lot[l].price;
       for (i2 : 0 .. H - 1) {
         P(6, !(RANK(i2) < RANK(i1) && (lot[l].nt[i2] == OWED || lot[l].nt[i2] == SENT ||
                                        lot[l].nt[i2] == DELIVERED)))
       }
#if STRICT == 4
       /* The short window is for who had this lot, on terms no worse, before it. */
       assert(!(lot[l].reoffer && REOFFER) ||
              (lot[l].told[i1] != NOBODY && lot[l].price >= lot[l].told[i1]))
#endif
    :: else
    fi
  }
  lot[l].over_done = lot[l].over_done && lot[l].asked == lot[l].rank;
  lot[l].asked = lot[l].rank; lot[l].ever = 1
}

inline send_notice(l) {
  flag = 0;
  for (i1 : 0 .. H - 1) { if :: asked_now(l, i1) && lot[l].nt[i1] == OWED -> flag = 1 :: else fi }
  ok = in_round(lot[l].st) && flag;
  if
  :: ok && lot[l].st == READY ->
     if
     :: lot[l].asked == lot[l].rank -> X("send_all_again") /* after objections: the same terms */
     :: else -> X("send"); lot[l].price = price
     fi;
     send_owed(l); lot[l].st = NOTICED
  :: ok && lot[l].st != READY -> X("send_again"); send_owed(l)
  :: !ok && lot[l].st == FREE && price > lot[l].price && !gone && !need_gone ->
     ok = 1;
     X("send_second");
     begin_round(l, 0, now);
     lot[l].price = price;
     if
     :: lot[l].st == READY -> lot[l].reoffer = 1; send_owed(l); lot[l].st = NOTICED
     :: else
     fi
  :: else
  fi
}

inline deliver_notice(l, who) {
  ok = in_round(lot[l].st) && lot[l].nt[who] == SENT && happened >= lot[l].sent[who];
  if
  :: ok -> X("delivered"); open_notice(l, who, happened); resolve(l, happened)
  :: else
  fi
}

inline object_to(l, who) {
  ok = in_round(lot[l].st) && happened >= lot[l].sent[who] &&
       (lot[l].nt[who] == SENT || (lot[l].nt[who] == DELIVERED && happened < lot[l].object[who]));
  if
  :: ok ->
     X("objected");
     objections++;
     lot[l].nt[who] = OWED; lot[l].sent[who] = 0; lot[l].at[who] = 0;
     lot[l].respond[who] = 0; lot[l].object[who] = 0; lot[l].stated[who] = 0;
     resolve(l, now)
  :: else
  fi
}

/* May the holder answer? In time, or in time and recorded late with nothing built on its silence. */
#define answers(l, who)                                                                            \
  ((lot[l].nt[who] == DELIVERED ||                                                                 \
    (lot[l].nt[who] == LAPSED && lot[l].asked == RANK(who) && !lot[l].over_done &&                 \
     (lot[l].st == FREE || in_round(lot[l].st)))) &&                                               \
   happened >= lot[l].at[who] && happened < lot[l].respond[who])
/* May it ask for more? */
#define asks_more(l, who)                                                                          \
  (lot[l].st == OVERALLOT && lot[l].nt[who] == ACCEPTED && lot[l].more[who] == 0 &&                \
   asked_now(l, who) && lot[l].elected[who] == lot[l].entitled[who])

inline answer_more(l, who, quantity) {
  lot[l].more[who] = 1 + quantity;
  flag = 0;
  for (i2 : 0 .. H - 1) { if :: asks_more(l, i2) -> flag = 1 :: else fi }
  if
  :: !flag -> X("over_answered"); close_over(l, now)
  :: else
  fi
}

inline elect_units(l, who, quantity, at_price) {
  if
  :: asks_more(l, who) ->
     ok = happened == now && quantity <= lot[l].q && at_price <= lot[l].price;
     if :: ok -> X("more"); answer_more(l, who, quantity) :: else fi
  :: else ->
     ok = answers(l, who);
     if
     :: ok && at_price <= lot[l].stated[who] && quantity <= lot[l].q &&
        (quantity == lot[l].entitled[who] ||
         (PARTIAL && quantity >= PARTIAL && quantity < lot[l].entitled[who])) ->
        if
        :: lot[l].nt[who] == LAPSED && lot[l].st == FREE -> X("elect_late_free")
        :: lot[l].nt[who] == LAPSED && lot[l].st != FREE -> X("elect_late_round")
        :: lot[l].nt[who] != LAPSED && quantity < lot[l].entitled[who] -> X("elect_part")
        :: else -> X("elect")
        fi;
        /* Only what is of the same round as the answer can be resolved by it. */
        flag = (lot[l].st != FREE && asked_now(l, who));
        lot[l].nt[who] = ACCEPTED; lot[l].elected[who] = quantity;
        lot[l].told[who] = lot[l].stated[who];
        accepted[who] = accepted[who] + quantity;
        award(l, who, quantity, happened);
#if STRICT == 6
        /* There is time to sign. */
        assert(lot[part].deadline > now);
#endif
        if
        :: part != l && flag -> resolve(l, happened)
        :: part != l && !flag && lot[l].st == READY -> entitle(l)
        :: else
        fi
     :: ok && !(at_price <= lot[l].stated[who] && quantity <= lot[l].q &&
                (quantity == lot[l].entitled[who] ||
                 (PARTIAL && quantity >= PARTIAL && quantity < lot[l].entitled[who]))) ->
        X("no_election") /* a counter: it changes nothing */
     :: else
     fi
  fi
}

inline decline_notice(l, who) {
  if
  :: asks_more(l, who) -> ok = 1; X("no_more"); answer_more(l, who, 0)
  :: else ->
     ok = answers(l, who);
     if
     :: ok ->
        flag = lot[l].nt[who] == DELIVERED;
        lot[l].nt[who] = DECLINED;
        lot[l].told[who] = lot[l].stated[who];
        if
        :: flag -> X("decline"); resolve(l, happened)
        :: else -> X("decline_late")
        fi
     :: else
     fi
  fi
}

inline counter_notice(l, who) {
  ok = answers(l, who);
  if :: ok -> X("counter") :: else fi
}

inline tender_lot(l) {
  ok = lot[l].st == ELECTED && !lot[l].tendered;
  if :: ok -> X("tender"); lot[l].tendered = 1 :: else fi
}

inline sign_holder(l, at_price) {
  ok = (lot[l].st == ELECTED || lot[l].st == DISPUTED) && at_price <= lot[l].price;
  if
  :: ok ->
     X("bound");
     if :: ONETIME -> exhausted = 1 :: else fi;
     finish(l, BOUND);
     lot[l].deadline = (DELIVER -> now + DELIVER + CURE : NEVER)
  :: else
  fi
}

inline settle_lot(l, to_free) {
  ok = lot[l].st == DISPUTED;
  if
  :: ok && to_free -> X("settle_free"); make_free(l, now)
  :: ok && !to_free -> X("settle_revive"); finish(l, REVIVED)
  :: else
  fi
}

inline arrive_units(l, units) {
  ok = lot[l].st == BOUND && lot[l].deadline != NEVER && units <= lot[l].q - lot[l].arrived;
  if
  :: ok ->
     X("arrived");
     lot[l].arrived = lot[l].arrived + units;
     if
     :: lot[l].arrived == lot[l].q -> lot[l].deadline = NEVER; lot[l].arrived = 0
     :: else
     fi
  :: else
  fi
}

/* Free lots that a signature at this price may take. */
#define takes(l, at_price)                                                                         \
  ((lot[l].st == FREE || (FAULT == 1 && lot[l].st == NOTICED)) &&                                  \
   (at_price <= lot[l].price || FAULT == 5))

inline take_free(quantity, at_price) {
  units_left = quantity;
  for (i3 : 0 .. Q - 1) {
    if
    :: units_left > 0 && takes(i3, at_price) ->
       P(1, lot[i3].st == FREE && now < lot[i3].deadline && lot[i3].q > 0);
       P(5, at_price <= lot[i3].price);
#if STRICT == 1 || STRICT == 2
       /* Every holder with standing let pass terms that were no worse for it. 2: but for a lot that
        * somebody elected and let go. */
       for (i2 : 0 .. H - 1) {
         assert(ended || !standing(i2) || (STRICT == 2 && lot[i3].let_go) ||
                (lot[i3].told[i2] != NOBODY && lot[i3].told[i2] >= at_price))
       }
#endif
       if
       :: lot[i3].q > units_left -> split(i3, units_left); units_left = 0; n4 = part
       :: else -> units_left = units_left - lot[i3].q; n4 = i3
       fi;
       X("sold");
       finish(n4, SOLD);
       if :: ONETIME -> exhausted = 1 :: else fi
    :: else
    fi
  }
}

inline covered(at_price) {
  cover = 0;
  for (i1 : 0 .. Q - 1) { if :: takes(i1, at_price) -> cover = cover + lot[i1].q :: else fi }
}

/* A signature with the third party that was noticed. */
inline sign_third(quantity, at_price) {
  ok = 0;
  if
  :: gone || need_gone || quantity > total - signed_off -> skip
  :: else ->
     covered(at_price);
     flag = 0; n1 = 0; n2 = 0; n3 = 0; /* a lot is pending; units exempt, sold, in any state */
     for (i1 : 0 .. Q - 1) {
       if :: !final(lot[i1].st) -> flag = 1 :: else fi;
       if :: lot[i1].st == EXEMPT -> n1 = n1 + lot[i1].q :: else fi;
       if :: lot[i1].st == SOLD -> n2 = n2 + lot[i1].q :: else fi;
       n3 = n3 + lot[i1].q
     }
     n2 = (signed_off > n2 -> signed_off - n2 : 0); /* signed, but not from a free lot */
     if
     :: cover >= quantity -> ok = 1; take_free(quantity, at_price)
     :: cover < quantity && exhausted -> ok = 1; X("signed_exhausted")
     :: cover < quantity && !exhausted && !in_force && !flag -> ok = 1; X("signed_not_in_force")
     :: cover < quantity && !exhausted && (in_force || flag) && n1 > 0 &&
        (n1 == n3 || n2 + quantity <= n1) ->
        ok = 1;
        X("signed_exempt")
     :: else
     fi;
     if :: ok -> signed_off = signed_off + quantity :: else fi;
#if STRICT == 7
     /* The offer still stands. */
     assert(!ok || now < VALID);
#endif
#if STRICT == 3
     /* Nothing is given away twice. */
     n2 = 0;
     for (i1 : 0 .. Q - 1) {
       if
       :: lot[i1].st == ELECTED || lot[i1].st == DISPUTED || lot[i1].st == BOUND -> n2 = n2 + lot[i1].q
       :: else
       fi
     }
     assert(!ok || signed_off + n2 <= total)
#endif
  fi
}

/* A signature with another third party, whose offer (also of Q) is bound by the right in its own procedure:
 * nobody acts in that one, so that its lot is READY until something ends it. */
#define other_pending (BEGINS == 0 && reached && now < VALID && !ended)
inline sign_other(quantity, at_price) {
  ok = 0;
  if
  :: need_gone || quantity > Q - signed_other -> skip
  :: else ->
     covered(at_price);
     if
     :: ANYPARTY && cover >= quantity -> ok = 1; X("sold_other"); take_free(quantity, at_price)
     :: !(ANYPARTY && cover >= quantity) && (exhausted || !reached || (!in_force && !other_pending)) ->
        ok = 1; X("signed_other_unbound")
     :: else
     fi;
     if :: ok -> signed_other = signed_other + quantity :: else fi
  fi
}

inline change_lot(l) {
  if
  :: in_round(lot[l].st) || lot[l].st == OVERALLOT ->
     flag = lot[l].ever;
     if
     :: flag ->
#if STRICT == 5
        /* Under a right that survives its end, a third party cannot undo a notice. */
        assert(!ended);
#endif
        X("change_voids");
        n4 = (!ok && price > lot[l].price)
     :: else -> n4 = lot[l].reoffer
     fi;
     if
     :: FAULT == 5 -> lot[l].price = price
     :: FAULT != 5 && (flag || ok) ->
        void_round(l);
        begin_round(l, 0, now);
        if :: lot[l].st == READY -> lot[l].reoffer = n4 :: else fi
     :: else
     fi
  :: else
  fi
}

/* The third party changes its price, and, with RESIZED, its quantity. */
inline change_offer(to, resized) {
  n1 = 0;
  for (i3 : 0 .. Q - 1) { if :: lot[i3].st != NOLOT -> n1++ :: else fi }
  ok = !gone && !need_gone &&
       (!resized || (n1 == 1 && RESIZE >= signed_off && (lot[0].st == DRAFT || in_round(lot[0].st))));
  if
  :: ok && (to != price || (resized && total != RESIZE)) ->
     X("change");
     price = to;
     ok = resized && total != RESIZE;
     if :: ok -> X("resize"); total = RESIZE; lot[0].q = RESIZE :: else fi;
     for (i3 : 0 .. Q - 1) { change_lot(i3) }
     ok = 1;
     changes++
  :: else
  fi
}

inline withdraw_offer() {
  ok = !gone;
  if
  :: ok ->
     gone = 1;
     for (i3 : 0 .. Q - 1) {
       if
       :: lot[i3].st == DRAFT || in_round(lot[i3].st) || lot[i3].st == OVERALLOT ||
          (lot[i3].st == FREE && !ANYPARTY) -> X("withdrawn"); finish(i3, WITHDRAWN)
       :: else
       fi
     }
  :: else
  fi
}

inline withdraw_need() {
  ok = !need_gone;
  for (i3 : 0 .. Q - 1) {
    if :: lot[i3].st == ELECTED || lot[i3].st == DISPUTED -> ok = 0 :: else fi
  }
  if
  :: ok ->
     need_gone = 1;
     for (i3 : 0 .. Q - 1) {
       if :: !final(lot[i3].st) -> X("need_withdrawn"); finish(i3, WITHDRAWN) :: else fi
     }
  :: else
  fi
}

inline record_default(who) {
  ok = 1;
  X("default");
  defaulted[who] = 1
}

inline cure_default(who) {
  ok = defaulted[who];
  if :: ok -> X("cured"); defaulted[who] = 0 :: else fi
}

/* ---- what holds in every state ---------------------------------------------------------------------- */

#define FLAGS ((BUNDLED -> BUNDLED_FLAG : 0) + (Q < FLOOR && reached -> SPLIT_FLAG : 0))

/* Of a lot that is BOUND the order may still fail; then it is FREE again. */
#define over(l) (final(lot[l].st) && (lot[l].st != BOUND || lot[l].deadline == NEVER))
#if Q == 1
#define all(p) (p(0))
#elif Q == 2
#define all(p) (p(0) && p(1))
#else
#define all(p) (p(0) && p(1) && p(2))
#endif
#define is_final(l) final(lot[l].st)
#define done        all(over)
#define resolved    all(is_final)

inline monitor() {
  P(7, now < LAST || done);
  n1 = 0;
  for (i1 : 0 .. Q - 1) {
    n1 = n1 + lot[i1].q;
    P(2, lot[i1].st == NOLOT || lot[i1].q > 0);
    P(9, lot[i1].st == NOLOT || lot[i1].flags == FLAGS);
    P(10, !ended || (lot[i1].st != DRAFT && lot[i1].st != READY && (!PVOID || final(lot[i1].st))));
    for (i2 : 0 .. H - 1) {
      P(4, lot[i1].nt[i2] != DELIVERED || lot[i1].respond[i2] > now);
      P(5, (lot[i1].nt[i2] != SENT && lot[i1].nt[i2] != DELIVERED) || lot[i1].stated[i2] == lot[i1].price)
    }
  }
  P(2, !screened || n1 == total)
}

/* ---- the processes ---------------------------------------------------------------------------------- */

/* Who acts on what, chosen freely and forgotten after the act. */
byte a, l, h, u, p, tried;

#ifdef TRACE
/* Now and then anything is tried, so that the desk refuses what the model refuses. */
byte wild;
#define may_be(c) (wild == 0 || (c))
#define rarely    (wild == 1) /* what cuts a procedure short */
#else
#define may_be(c) (c)
#define rarely    true
#endif

#ifdef SHOW
inline print_state() {
  printf("S");
  for (i1 : 0 .. Q - 1) {
    if
    :: lot[i1].st != NOLOT -> printf(" %e:%d:%d", lot[i1].st, lot[i1].q, lot[i1].flags)
    :: else
    fi
  }
  printf("\n")
}
#define C(name)      printf("C "); printf(#name); printf(" %d\n", name)
#define say_hour()   printf("T %d\n", now + 1)
#define say_begin()  printf("N\n")
#define said(name, x, y)                                                                           \
  printf("A ");                                                                                    \
  printf(#name);                                                                                   \
  printf(" %d %d %d %d %d %d\n", l, h, x, y, happened, ok)
#else
#define C(name)          skip
#define say_hour()       skip
#define say_begin()      skip
#define said(name, x, y) skip
inline print_state() { skip }
#endif

#define PICK_LOT    if :: l = 0 :: Q > 1 -> l = 1 :: Q > 2 -> l = 2 fi
#define PICK_HOLDER if :: h = 0 :: H > 1 -> h = 1 :: H > 2 -> h = 2 fi
#define PICK_UNITS  if :: u = 1 :: Q > 1 -> u = 2 :: Q > 2 -> u = 3 fi
#define PICK_PRICE  if :: p = 0 :: PRICES > 1 -> p = 1 :: PRICES > 2 -> p = 2 fi
#define PICK_BACK   if :: a = 0 :: BACK > 0 && now > 0 -> a = 1 :: BACK > 1 && now > 1 -> a = 2 fi
#define SEEN        monitor(); print_state()
#define AGAIN       a = 0; l = 0; h = 0; u = 0; p = 0

/* One act: what is chosen, what must be so for it to be worth a try, the act, its name and its numbers. */
#define ACT(choose, sense, act, name, x, y)                                                        \
  choose;                                                                                          \
  d_step {                                                                                         \
    if                                                                                             \
    :: may_be(sense) -> happened = now - a; act; said(name, x, y); tried = 1                       \
    :: else                                                                                        \
    fi                                                                                             \
  }

#define worth_answering (asks_more(l, h) || lot[l].nt[h] == DELIVERED || lot[l].nt[h] == LAPSED)
#define worth_electing  (u <= lot[l].q && worth_answering)
#define PICK_RESIZE                                                                                \
  if                                                                                               \
  :: u = 0                                                                                         \
  :: RESIZE && total != RESIZE &&                                                                  \
     (lot[Q - 1].st != NOLOT || lot[0].st == DRAFT || in_round(lot[0].st)) -> u = 1                \
  fi

inline customer_acts() {
  if
#if BEGINS
  :: ACT(!screened, true, screen_offer(), screen, 0, 0)
#endif
  :: ACT(PICK_LOT, (CARVEOUT || FLOOR) && rarely, prove_exempt(l), exempt, 0, 0)
  :: ACT(PICK_LOT, in_round(lot[l].st) || (lot[l].st == FREE && price > lot[l].price), send_notice(l), send, 0, 0)
  :: ACT(PICK_LOT, lot[l].st == ELECTED && !lot[l].tendered, tender_lot(l), tender, 0, 0)
  :: ACT(PICK_LOT; PICK_PRICE, lot[l].st == ELECTED || lot[l].st == DISPUTED, sign_holder(l, p), sign_holder, p, 0)
  :: ACT(PICK_UNITS; PICK_PRICE, signed_off + u <= total, sign_third(u, p), sign_third, u, p)
#if OTHERBID
  :: ACT(PICK_UNITS; PICK_PRICE, signed_other + u <= Q, sign_other(u, p), sign_other, u, p)
#endif
#if DELIVER
  :: ACT(PICK_LOT; PICK_UNITS, lot[l].st == BOUND, arrive_units(l, u), arrive, u, 0)
#endif
#if SUSPEND
  :: ACT(PICK_HOLDER, !defaulted[h] && rarely, record_default(h), default, 0, 0)
  :: ACT(PICK_HOLDER, defaulted[h] && rarely, cure_default(h), cure, 0, 0)
#endif
#if WITHDRAWS > 1
  :: ACT(skip, rarely, withdraw_need(), withdraw_need, 0, 0)
#endif
  fi
}

inline holder_acts() {
  if
  :: ACT(PICK_LOT; PICK_HOLDER; PICK_BACK, lot[l].nt[h] == SENT, deliver_notice(l, h), deliver, 0, 0)
#if OBJECTS
  :: ACT(objections < OBJECTS; PICK_LOT; PICK_HOLDER; PICK_BACK, in_round(lot[l].st), object_to(l, h), object, 0, 0)
#endif
  :: ACT(PICK_LOT; PICK_HOLDER; PICK_UNITS; PICK_PRICE; PICK_BACK, worth_electing, elect_units(l, h, u, p), elect, u, p)
  :: ACT(PICK_LOT; PICK_HOLDER; PICK_BACK, worth_answering && (!asks_more(l, h) || rarely), decline_notice(l, h), decline, 0, 0)
#if COUNTERS
  :: ACT(PICK_LOT; PICK_HOLDER; PICK_BACK, worth_answering, counter_notice(l, h), counter, 0, 0)
#endif
  :: ACT(PICK_LOT; if :: u = 0 :: u = 1 fi, lot[l].st == DISPUTED, settle_lot(l, u), settle, u, 0)
  fi
}

inline bidder_acts() {
  if
#if BONAFIDE
  :: ACT(skip, !affirmed, affirm_offer(), affirm, 0, 0)
#endif
#if CHANGES
  :: ACT(changes < CHANGES; PICK_PRICE; PICK_RESIZE, lot[0].st != READY || rarely, change_offer(p, u), change, p, u)
#endif
#if WITHDRAWS
  :: ACT(skip, rarely, withdraw_offer(), withdraw_offer, 0, 0)
#endif
  :: a = 0 /* nobody has to do anything */
  fi
}

/* What any of them does, and what time makes of it at once: an act recorded late may be over already. */
inline anybody_acts() {
  atomic {
    if
    :: customer_acts()
    :: holder_acts()
    :: bidder_acts()
    fi;
    d_step {
      if
      :: tried -> pass_all(); SEEN
      :: else
      fi;
      tried = 0; AGAIN
    }
  }
}

inline say_parameters() {
  C(Q); C(H); C(RANK2); C(RANK3); C(SIMUL); C(PARTIAL); C(RESPOND); C(FROM); C(DEEMED); C(OBJECT);
  C(OVER); C(SIGN); C(RELEASE); C(REOFFER); C(DELIVER); C(CURE); C(BEGINS); C(UNTIL); C(PVOID);
  C(ANYPARTY); C(ONETIME); C(SUSPEND); C(BONAFIDE); C(CARVEOUT); C(FLOOR); C(EARLIER); C(BUNDLED);
  C(VALID); C(OPEN_UNTIL); C(RESIZE); C(OTHERBID)
}

inline begin() {
  d_step {
    for (i1 : 0 .. Q - 1) { lot[i1].deadline = NEVER }
    if
    :: BEGINS == 0 -> screen_offer()
    :: else
    fi;
    SEEN
  }
}

#define tick() now++; pass_all(); SEEN
#ifdef TRACE

/* One process, in which an hour passes now and then, and many procedures one after the other. */
short runs;
byte tries;
inline again() {
  d_step {
    for (i3 : 0 .. Q - 1) {
      finish(i3, NOLOT);
      lot[i3].q = 0; lot[i3].flags = 0; lot[i3].arrived = 0
    }
    for (i3 : 0 .. H - 1) { defaulted[i3] = 0; accepted[i3] = 0 }
    now = 0; screened = 0; price = 0; total = Q; signed_off = 0; signed_other = 0; affirmed = 0;
    gone = 0; need_gone = 0; exhausted = 0; changes = 0; objections = 0;
    runs++
  }
}

active proctype procedures() {
  say_parameters();
  do
  :: runs < MANY ->
     say_begin();
     begin();
     do
     :: now < LAST && !(done && now > VALID) ->
        if
        :: tries = 0 :: tries = 10 * EAGER :: tries = 30 * EAGER :: tries = 80 * EAGER
        fi;
        do
        :: tries > 0 ->
           tries--;
           if
           :: wild = 0 :: wild = 1 :: wild = 2 :: wild = 3 :: wild = 4 :: wild = 5 :: wild = 6 :: wild = 7
           fi;
           anybody_acts()
        :: else -> break
        od;
        skip;
        d_step { say_hour(); tick() }
     :: else -> break
     od;
     again()
  :: else -> break
  od
}

#else

proctype parties() {
  do
  :: anybody_acts()
  od
}

proctype hours() {
  do
  :: d_step { now < LAST -> say_hour(); tick() }
  :: now == LAST -> break
  od
}

init {
  d_step { say_parameters(); say_begin() };
  begin();
  atomic {
    run parties();
    run hours()
  }
}

#endif

/* ---- claims: checked one by one, with -N ------------------------------------------------------------- */

#ifdef CLAIMS
/* 6: who has a lower rank is asked alone. */
#define seen(l, h)   (lot[l].nt[h] == SENT || lot[l].nt[h] == DELIVERED)
#if H > 1 && !SIMUL && RANK2 > 1
ltl p6 { [] !(seen(0, 0) && seen(0, 1)) }
#endif
/* 7: every procedure reaches a final state, and stays there, if the clock goes on. */
ltl p7 { <> [] done }
/* 10: the end of a right that says `pending void` resolves everything. */
ltl p10 { [] ((now >= UNTIL && PVOID) -> resolved) }
#endif
