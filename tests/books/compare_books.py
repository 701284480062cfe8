# SPDX-License-Identifier: Apache-2.0
"""Books random records under random deals, twice: by the program and by model.py; and compares everything.

    python3 compare_books.py --seed 1 --deals 60 --records 20000 --jobs 2          # what ./test books does
    python3 compare_books.py --seed 1 --deals 1000 --records 100000 --lines 400    # a long run
    python3 compare_books.py --seed 1 --deals 4 --records 20000 --path engine      # spool files, SQLite

By the engine, records come in stages: each out of order, with some that are settled twice; then some of all so far
are corrected, some of these again; then months are closed, so that more of what comes is late.
Every series with its quantity, amount and rest, every balance, each share with its cap, each commitment, and
the statements of every party and account are equal to the nano-unit, or the exit code is 1 and the deal and its
records are kept. 2: the program refused too many deals. The last line is the summary.
"""

from __future__ import annotations

import argparse
import bisect
import json
import multiprocessing
import os
import random as random_module
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from model import (
    COMMITMENT, SHARE, SHORTFALL, USAGE, Books, Correction, Key, Records, month_of, put_right, settled_by_rule)
from deals import DAY, DAYS, FIRST, Maker, some, write_deal
import shares
from statement import Statement, commitment_lines, forecast_lines, share_lines

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("OFFTAKE_BUILD", HERE.parents[1] / "build")).resolve()
LEAST_VALID_PERCENT = 80
LOOKS = 6
SEARCHED_MOST = 2_000_000  # records of a stage: a correction looks through all that came, for its own
STATEMENT_LISTS = ("capacity", "reserved", "shares", "sales", "memo_sales", "commitments")


@dataclass
class Case:
    seed: int
    records: int
    lines: int
    path: str
    build: str
    keep: str


@dataclass
class Outcome:
    seed: int
    refused: bool = False
    records: int = 0
    compared: int = 0
    late: int = 0
    twice: int = 0
    corrected: int = 0
    differences: list = field(default_factory=list)


# ---- The program's books ------------------------------------------------------------------------------


def is_reckoned_whole(key: Key) -> bool:
    """What follows from all that was booked: where its parts stand depends on when it was reckoned."""
    return key.kind in (SHORTFALL, shares.SHARE_TERM) or (key.kind == SHARE and key.unit != shares.PLAIN)


@dataclass
class Found:
    lines: dict = field(default_factory=dict)  # quantity and amount by key
    units: dict = field(default_factory=dict)
    balances: dict = field(default_factory=dict)
    counts: tuple | None = None
    statements: dict = field(default_factory=dict)
    commitments: dict = field(default_factory=dict)  # by instant
    forecasts: dict = field(default_factory=dict)
    shares: dict = field(default_factory=dict)
    twice: int = 0  # requests that were settled a second time
    set_aside: int = 0

    def take_series(self, words: list, units: list, for_month: int = 0) -> None:
        key = Key(*map(int, words[:5]), *words[5:11], for_month=for_month)
        if is_reckoned_whole(key) and not for_month and int(words[12]) == 0 and (
                key.kind == SHORTFALL or int(words[11]) == 0):
            return  # what follows no more
        self.lines[key] = (int(words[11]), int(words[12]))
        self.units[key] = units

    def take(self, line: str) -> None:
        words = line.split("\t")
        if words[0] == "series":
            self.take_series(words[1:14], [int(word) for word in words[14:]])
        elif words[0] == "balance":
            self.balances[words[1]] = int(words[2])
        elif words[0] == "twice":
            self.twice = int(words[1])
        elif words[0] == "counts":
            self.counts = tuple(map(int, words[1:]))
        elif words[0] == "statement":
            self.statements[words[1], int(words[2])] = json.loads(words[3])
        else:
            getattr(self, words[0])[int(words[1])] = json.loads(words[2])[words[0]]

    def read_database(self, path: Path) -> None:
        database = sqlite3.connect(path)
        columns = "kind, month, unit, outcome, rate, account, product, model, pool, party, clause, quantity, amount"
        for row in database.execute(f"SELECT {columns}, units, for_month FROM series"):
            self.take_series(list(row[:13]), list(struct.unpack("<7q", row[13])), row[14])
        self.set_aside, = database.execute("SELECT count(*) FROM quarantine").fetchone()
        self.balances = {account: int(amount)
                         for account, amount in database.execute("SELECT account, amount FROM balance")}
        database.close()


class Refused(Exception):
    """The program does not take the deal."""


def run_program(case: Case, directory: Path, order: str) -> Found:
    command = [f"{case.build}/tests/books/book_run", case.path, str(directory / "main.deal")]
    if case.path == "engine":
        command.append(str(directory / "data"))
    result = subprocess.run(command, input=order, capture_output=True, text=True, timeout=3600)
    if result.returncode == 2 or (result.returncode == 3 and "engine" in result.stderr):
        raise Refused(result.stderr)
    if result.returncode != 0:
        raise RuntimeError(f"book_run ended with {result.returncode}: {result.stderr[-2000:]}")
    found = Found()
    for line in result.stdout.splitlines():
        found.take(line)
    if case.path == "engine":
        found.read_database(directory / "data" / "books.db")
    return found


# ---- What differs -------------------------------------------------------------------------------------


def differing(what: str, program: dict, model: dict) -> list:
    return [f"{what} {key}: the program has {program.get(key)}, the model {model.get(key)}"
            for key in sorted(program.keys() | model.keys(), key=str) if program.get(key) != model.get(key)]


def compare_units(books: Books, found: Found) -> list:
    """A series of use has its units; a series of base what rounding left over, in millionths."""
    program, model = {}, {}
    for key, units in found.units.items():
        if key.kind == USAGE:
            program[key], model[key] = units, books.usage[key][:7]
        elif key.kind == COMMITMENT or (key.kind == SHARE and key.product):
            program[key] = found.lines[key][0] * 10 ** 6 + units[0] - units[1]
            model[key] = books.bases[key] * 10 ** 6
    return differing("units of", program, model)


def take_caps(books: Books, found: Found) -> list:
    """A cap holds over all months. Which of two got the last of it depends on order, so that is taken over."""
    differences = []
    for clause, total in books.capped().items():
        keys = [key for key in books.lines if key.kind == SHARE and key.product == "" and key.unit == 0 and key.clause == clause]
        amounts = {key: found.lines.get(key, (0, None))[1] for key in keys}
        # A correction makes room under a cap, which is filled when the next record is booked: order again.
        came_to = sum(amount or 0 for amount in amounts.values())
        if None in amounts.values() or not (0 if books.corrected else total) <= came_to <= total:
            differences.append(f"the share {clause} comes to {amounts}, with its cap it is {total}")
            continue
        for key, amount in amounts.items():
            whole = books.lines[key][1]
            if not books.corrected and not 0 <= amount <= whole:
                differences.append(f"the share {clause} has {amount} in {key.month} of {books.lines[key][1]}")
            books.lines[key] = (books.lines[key][0], amount)
    return differences


def by_own_month(lines: dict) -> dict:
    """What is reckoned whole, by its own month wherever it stands."""
    result = defaultdict(lambda: (0, 0))
    for key, (quantity, amount) in lines.items():
        if is_reckoned_whole(key):
            own = replace(key, month=key.own_month, for_month=0)
            result[own] = (result[own][0] + quantity, result[own][1] + amount)
    return {key: line for key, line in result.items() if line[1] or (line[0] and key.kind != SHORTFALL)}


def take_places(books: Books, found: Found) -> list:
    """And it stands where the program has it, for the statements."""
    differences = differing("series", by_own_month(found.lines), by_own_month(books.lines))
    books.lines = {key: line for key, line in books.lines.items() if not is_reckoned_whole(key)}
    books.lines |= {key: line for key, line in found.lines.items() if is_reckoned_whole(key)}
    return differences


def drop_nothing(books: Books, found: Found) -> None:
    """What was taken back and booked again alike needs no line."""
    for key, line in list(books.lines.items()):
        if line == (0, 0) and key not in found.lines and not any(books.usage.get(key, [])) and not books.bases.get(key):
            del books.lines[key]
            books.usage.pop(key, None)
            books.bases.pop(key, None)


def without_order(value):
    if isinstance(value, dict):
        return {name: without_order(part) for name, part in value.items()}
    if isinstance(value, list):
        return sorted((without_order(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True))
    return value


def without_ids(value, ids: dict):
    """What stands beside the ids of lines, which are collected: an id must be one line's on every statement."""
    if isinstance(value, dict):
        rest = {name: without_ids(part, ids) for name, part in value.items() if name != "line"}
        if "line" in value:
            ids.setdefault(value["line"], []).append(rest)
        return rest
    if isinstance(value, list):
        return [without_ids(part, ids) for part in value]
    return value


def compare_statements(books: Books, found: Found, as_of: int) -> list:
    program, model, ids = {}, {}, {}
    for (name, month), document in found.statements.items():
        mine = without_order(Statement(books, name, month, as_of).document())
        for section, value in mine.items():
            model[name, month, section] = value
            program[name, month, section] = without_order(without_ids(document[section], ids))
    twofold = [f"the line id {name} stands for {lines[0]} and {other}" for name, lines in ids.items()
               for other in lines if other != lines[0] or re.fullmatch("[0-9a-f]{16}", name) is None]
    return twofold + differing("statement", program, model)


def parts_of(at: int, line: dict):
    """Each figure of a commitment by its own name, so that a difference is short."""
    for name, value in line.items():
        if name != "measures":
            yield (line["clause"], at, name), value
    for number, measure in enumerate(sorted(line["measures"], key=lambda one: (one["by"], one["kind"]))):
        for name, value in measure.items():
            yield (line["clause"], at, f"measure {number} {name}"), value


def compare_commitments(books: Books, found: Found) -> list:
    program, model = {}, {}
    for at, lines in found.commitments.items():
        for line in commitment_lines(books, at):
            model |= dict(parts_of(at, line))
        for line in lines:
            program |= dict(parts_of(at, line))
    return differing("commitment", program, model)


def compare_forecasts(books: Books, found: Found) -> list:
    program, model = {}, {}
    for at, lines in found.forecasts.items():
        for all_parts, listed in ((program, lines), (model, forecast_lines(books, at))):
            for line in listed:
                all_parts |= dict(parts_of(at, line))
    return differing("forecast", program, model)


def compare_shares(books: Books, found: Found) -> list:
    program, model = {}, {}
    for at, lines in found.shares.items():
        for all_parts, listed in ((program, lines), (model, share_lines(books, at))):
            for line in listed:
                all_parts |= {(line["clause"], at, name): value for name, value in line.items() if name != "periods"}
                all_parts |= {(line["clause"], at, period["period"], name): value
                              for period in line["periods"] for name, value in period.items()}
    return differing("share", program, model)


def compare_books(books: Books, found: Found, as_of: int) -> Outcome:
    books.reckon(as_of)
    outcome = Outcome(0, records=books.records)
    drop_nothing(books, found)
    outcome.differences += take_caps(books, found)
    books.lines.update(shares.term_lines(books, as_of))
    if books.soft_until:
        outcome.differences += take_places(books, found)
    outcome.differences += differing("series", found.lines, books.lines)
    outcome.differences += compare_units(books, found)
    balances = {account: amount for account, amount in found.balances.items() if amount}
    outcome.differences += differing("balance", balances, books.balances())
    if found.twice != found.set_aside:
        outcome.differences.append(f"{found.twice} were settled twice, {found.set_aside} are set aside")
    if found.counts is not None:
        counts = (books.records, books.unrated, books.unsettled, books.estimated)
        outcome.differences += differing("counts", {"all": found.counts}, {"all": counts})
    outcome.differences += compare_statements(books, found, as_of)
    outcome.differences += compare_commitments(books, found)
    outcome.differences += compare_forecasts(books, found)
    outcome.differences += compare_shares(books, found)
    outcome.late, outcome.twice, outcome.corrected = books.late, found.twice, books.corrected
    outcome.compared = (len(books.lines) + len(balances) + len(found.statements) 
                        + sum(map(len, found.commitments.values())) + sum(map(len, found.forecasts.values()))
                        + sum(map(len, found.shares.values())))
    return outcome


# ---- A case -------------------------------------------------------------------------------------------


class Booked:
    """The records of an order by their number, as the books have them by now."""

    def __init__(self, books: Books):
        self.books, self.lines, self.count = books, [], 0
        self.said = {}  # by number: what was metered or said last, and whether that stands

    def add(self, records: Records) -> None:
        self.books.add(records)
        self.lines.append((self.count + 1, records))
        self.count += records.count

    def metered(self, number: int) -> Records:
        first, records = self.lines[bisect.bisect(self.lines, number, key=lambda line: line[0]) - 1]
        one = records.one(number - first)
        return settled_by_rule(one) if one.kind == "intent" else one

    def corrections(self, random, maker: Maker) -> list:
        """Some of all so far, and of these some again."""
        most = min(self.count // 50, SEARCHED_MOST // self.count)
        numbers = [random.randint(1, self.count) for _ in range(random.choice([0, 1, most]))]
        numbers += [random.choice(list(self.said)) for _ in range(len(self.said) // 4)]
        return [self.correct(number, random, maker) for number in numbers]

    def correct(self, number: int, random, maker: Maker) -> Correction:
        base, stands = self.said.get(number) or (self.metered(number), True)
        units = None
        if random.random() < 0.8 and base.pool != "-":
            units = {unit: maker.quantity() for unit in some(random, range(7))}
        right = None if units is None else put_right(base, units)
        self.books.correct(base if stands else None, right)
        self.books.corrected += 1
        self.said[number] = (right or base, right is not None)
        return Correction(number, base.instant, units)


def close_some(random, books: Books, as_of: int) -> str:
    """Months are closed up to anywhere, in their order."""
    first, now = month_of(FIRST), month_of(as_of)
    books.soft_until = max(random.randint(first, now), books.soft_until)
    books.closed_until = max(random.randint(first, books.soft_until), books.closed_until)
    return f"close\t{books.soft_until}\t{books.closed_until}"


def make_order(case: Case, random, deal, books: Books, maker: Maker, as_of: int) -> str:
    lines = [f"seed\t{case.seed}", f"as-of\t{as_of}",
             f"batch\t{random.choice([1, 7, 100, 3000, 65536]) if case.records <= 2000 else random.choice([100, 3000, 65536])}"]
    lines += [f"attest\t{event}\t{instant}" for event, instant in books.attested.items()]
    names = sorted(books.clause_names)
    looks = sorted(maker.instant(as_of) for _ in range(LOOKS)) + [as_of]
    lines += [f"look\t{instant}" for instant in looks]
    engine = case.path == "engine"
    booked = Booked(books)
    stages = random.randint(1, 4) if engine else 1
    left = case.records
    for stage in range(stages):
        for number in range(lines_of_stage := case.lines // stages):
            last = stage == stages - 1 and number == lines_of_stage - 1
            count = left if last else min(left, random.randint(1, 2 * case.records // case.lines))
            if count == 0:
                break
            left -= count
            records = maker.records(deal, names, count, as_of)
            booked.add(records)
            lines.append(records.line())
        if engine:
            lines += [one.line() for one in booked.corrections(random, maker)]
        if engine and stage < stages - 1:
            lines.append(close_some(random, books, as_of))
    books.told = [] if case.path == "engine" else maker.told(deal, books, as_of)
    lines += [told.line() for told in books.told]
    asked = sorted({key.month for key in list(books.usage)})
    for month in random.sample(asked, min(3, len(asked))):
        lines += [f"ask\t{name}\t{month}" for name in [deal.customer] + deal.parties + deal.accounts]
    return "\n".join(lines) + "\n"


def run_case(case: Case) -> Outcome:
    random = random_module.Random(case.seed)
    maker = Maker(random)
    deal = maker.deal()
    attested = {} if case.path == "engine" else maker.attested(deal)
    as_of = FIRST + DAYS * DAY
    maker.add_steps(deal, attested)
    books = Books(deal, attested)
    order = make_order(case, random, deal, books, maker, as_of)
    directory = Path(tempfile.mkdtemp(prefix="offtake-books-"))
    (directory / "main.deal").write_text(write_deal(deal), encoding="utf-8")
    try:
        found = run_program(case, directory, order)
        outcome = compare_books(books, found, as_of)
    except Refused as refusal:
        outcome = Outcome(case.seed, refused=True, differences=[str(refusal)] if case.keep == "refused" else [])
    outcome.seed = case.seed
    if outcome.differences:
        (directory / "order").write_text(order, encoding="utf-8")
        outcome.differences.append(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return outcome


# ---- Many -----------------------------------------------------------------------------------------------


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deals", type=int, default=60)
    parser.add_argument("--records", type=int, default=20000, help="of each deal")
    parser.add_argument("--lines", type=int, default=1500, help="of each deal: records of one line differ in units")
    parser.add_argument("--path", choices=["memory", "engine"], default="memory")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--build", default=str(BUILD))
    parser.add_argument("--keep", choices=["differences", "refused"], default="differences")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    cases = [Case(options.seed * 1_000_000 + number, options.records, options.lines, options.path, options.build,
                  options.keep) for number in range(options.deals)]
    refused = records = compared = differences = late = twice = corrected = 0
    with multiprocessing.Pool(options.jobs) as pool:
        for outcome in pool.imap_unordered(run_case, cases):
            refused += outcome.refused
            records += outcome.records
            compared += outcome.compared
            late += outcome.late
            twice += outcome.twice
            corrected += outcome.corrected
            differences += bool(outcome.differences) and not outcome.refused
            for text in outcome.differences[:10] + outcome.differences[10:][-1:]:
                print(f"deal {outcome.seed}: {text[:1500]}", flush=True)
    print(f"books ({options.path}): seed {options.seed}, {options.deals - refused} deals ({refused} refused), "
          f"{records} records ({late} late, {twice} twice, {corrected} corrected), {compared} series, balances, "
          f"statements, commitments, forecasts and shares compared, "
          f"{differences} deals differ, {time.monotonic() - began:.0f} s")
    if differences:
        return 1
    return 2 if (options.deals - refused) * 100 < options.deals * LEAST_VALID_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
