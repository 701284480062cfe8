# SPDX-License-Identifier: Apache-2.0
"""Asks the program and the evaluator the same questions about random deals, and shrinks what differs.

    python3 compare.py --seed 1 --deals 1000 --questions 150 --jobs 4 --offtake ../../build/offtake

Exit: 0 all answers equal; 1 a difference; 2 too few deals that the program takes (less than 80%), or a reason
of the rules table that never occurred in a run of at least 200 deals. The last line is the summary.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import random as random_module
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field

from evaluate import ALL_REASONS, Answer, CannotAsk, Reading, format_instant, parse_instant
from generate import generate_attestations, generate_deal, generate_questions, write_deal

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_BUILD = os.environ.get("OFFTAKE_BUILD", os.path.join(REPOSITORY, "build"))
PROGRAM_TIMEOUT = 120  # seconds for one deal
LEAST_VALID_PERCENT = 80
REASONS_EXPECTED_FROM = 200  # deals

# ---- One answer as a line -----------------------------------------------------------------------------


def write_entries(entries: list) -> str:
    return " ".join(":".join(entry) for entry in entries) or "-"


def write_answer(answer: Answer) -> str:
    return "\t".join([answer.verdict, write_entries(answer.eligible), write_entries(answer.barred),
                      answer.refusal or "-"])


def evaluator_line(reading: Reading, question) -> str:
    try:
        instant = parse_instant(question.instant)
        return write_answer(reading.decide(instant, question.product, question.model, question.account,
                                           question.region))
    except (ValueError, CannotAsk):
        return "error"


def equal_lines(program: str, evaluator: str) -> bool:
    """The words after `error` are the program's own."""
    return program.split("\t")[0] == "error" if evaluator == "error" else program == evaluator


# ---- The program --------------------------------------------------------------------------------------


@dataclass
class Run:
    refused: bool
    broken: str  # "" unless the program did what it never may: crash, hang, answer in part
    answers: list
    message: str


def attest_options(attestations: dict) -> list:
    return [word for event, instant in attestations.items()
            for word in ("--attest", f"{event}={format_instant(instant)}")]


def run_program(offtake: str, directory: str, deal, attestations: dict, questions: list) -> Run:
    for name, text in write_deal(deal).items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    command = [offtake, "explain", os.path.join(directory, "main.deal"), "--batch"]
    command += attest_options(attestations)
    asked = "".join(question.line() + "\n" for question in questions)
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=PROGRAM_TIMEOUT,
                              check=False)
    except subprocess.TimeoutExpired:
        return Run(False, f"no end after {PROGRAM_TIMEOUT} s", [], "")
    return judge_run(done, len(questions))


def judge_run(done, asked: int) -> Run:
    """A refusal is exit 1 with an error's code and no answer; all else has to answer every question."""
    answers = done.stdout.splitlines()
    if done.returncode < 0 or "Sanitizer" in done.stderr or "runtime error:" in done.stderr:
        return Run(False, f"crashed with {done.returncode}", answers, done.stderr)
    if done.returncode == 1 and not answers and re.search(r": error OFT\d{4}", done.stderr):
        return Run(True, "", [], done.stderr)
    if done.returncode != 0:
        return Run(False, f"failed with {done.returncode}: {done.stderr.strip()[-300:]}", answers, done.stderr)
    if len(answers) != asked:
        return Run(False, f"{len(answers)} answers to {asked} questions", answers, done.stderr)
    return Run(False, "", answers, done.stderr)


# ---- One deal -----------------------------------------------------------------------------------------


@dataclass
class Case:
    deal: object
    attestations: dict
    questions: list


@dataclass
class Difference:
    case: Case
    question: object  # None when the program broke as a whole
    program: str
    evaluator: str


@dataclass
class Outcome:
    index: int
    refused: bool = False
    message: str = ""
    questions: int = 0
    reasons: Counter = field(default_factory=Counter)
    verdicts: Counter = field(default_factory=Counter)
    difference: Difference | None = None


def make_case(seed: int, index: int, count: int) -> Case:
    random = random_module.Random(f"{seed}:{index}")
    deal = generate_deal(random)
    attestations = generate_attestations(random, deal)
    return Case(deal, attestations, generate_questions(random, deal, attestations, count))


def count_reasons(outcome: Outcome, lines: list) -> None:
    for line in lines:
        outcome.verdicts[line.split("\t")[0]] += 1
        outcome.reasons.update(re.findall(r":((?:allowed|barred)_[a-z_]+):", line))


def check_case(offtake: str, directory: str, case: Case, outcome: Outcome) -> Outcome:
    run = run_program(offtake, directory, case.deal, case.attestations, case.questions)
    outcome.refused, outcome.message = run.refused, run.message
    if run.broken:
        outcome.difference = Difference(case, None, f"{run.broken}\n{run.message}", "")
    if run.broken or run.refused:
        return outcome
    reading = Reading(case.deal, case.attestations)
    lines = [evaluator_line(reading, question) for question in case.questions]
    outcome.questions = len(lines)
    count_reasons(outcome, lines)
    for question, program, evaluator in zip(case.questions, run.answers, lines):
        if not equal_lines(program, evaluator):
            outcome.difference = Difference(case, question, program, evaluator)
            break
    return outcome


def check_index(task) -> Outcome:
    """The work of one process: (options, index)."""
    options, index = task
    case = make_case(options.seed, index, options.questions)
    with tempfile.TemporaryDirectory(prefix="oracle-") as directory:
        return check_case(options.offtake, directory, case, Outcome(index))


# ---- Shrinking ----------------------------------------------------------------------------------------


def lists_of(deal) -> list:
    """Every list of the deal from which something may be dropped, the largest things first."""
    lists = [deal.agreements]
    for agreement in deal.agreements:
        lists += [agreement.clauses, agreement.supersedes]
    lists += [deal.pools, deal.products, deal.accounts, deal.models]
    for owner in deal.pools + deal.products:
        lists.append(owner.prices)
    lists += [pool.serves for pool in deal.pools] + [account.groups for account in deal.accounts]
    return lists + [deal.providers, deal.events, deal.groups, deal.surfaces, deal.fields, deal.parties]


def edits_of(case: Case) -> list:
    """What may be tried to make the case smaller: names of edits for `edited`."""
    edits = []
    if len(case.questions) > 1:
        half = len(case.questions) // 2
        edits += [("questions", 0, half), ("questions", half, len(case.questions))]
    for number, items in enumerate(lists_of(case.deal)):
        edits += [("drop", number, position) for position in range(len(items))]
    edits += [("attestation", event, None) for event in case.attestations]
    return edits + ([("layout", None, None)] if case.deal.layout else [])


def edited(case: Case, edit: tuple) -> Case:
    """A smaller case; many are not valid, and the program tells."""
    what, first, second = edit
    smaller = copy.deepcopy(case)
    if what == "questions":
        smaller.questions = smaller.questions[first:second]
    elif what == "drop":
        del lists_of(smaller.deal)[first][second]
        smaller.attestations = {event: instant for event, instant in case.attestations.items()
                                if event in smaller.deal.events}
    elif what == "attestation":
        del smaller.attestations[first]
    else:
        smaller.deal.layout = 0
    return smaller


def still_differs(offtake: str, directory: str, case: Case) -> Difference | None:
    for name in os.listdir(directory):
        os.remove(os.path.join(directory, name))
    try:
        return check_case(offtake, directory, case, Outcome(0)).difference
    except (ValueError, KeyError, IndexError):
        return None  # the smaller deal refers to what is no longer there


def shrink_once(offtake: str, directory: str, difference: Difference) -> tuple:
    """One walk over all edits: (the smaller difference, whether anything went)."""
    position, progress = 0, False
    while position < len(edits_of(difference.case)):
        smaller = edited(difference.case, edits_of(difference.case)[position])
        found = still_differs(offtake, directory, smaller)
        if found is None:
            position += 1
        else:
            difference, progress = found, True
    return difference, progress


def shrink(offtake: str, difference: Difference) -> Difference:
    """Drops what can go while some difference stays."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as directory:
        if difference.question is not None:
            single = Case(difference.case.deal, difference.case.attestations, [difference.question])
            difference = still_differs(offtake, directory, single) or difference
        progress = True
        while progress:
            difference, progress = shrink_once(offtake, directory, difference)
    return difference


# ---- Reports ------------------------------------------------------------------------------------------


def describe(difference: Difference, title: str) -> str:
    lines = [f"---- {title}"]
    for name, text in sorted(write_deal(difference.case.deal).items()):
        lines += [f"# file {name}", text.rstrip("\n")]
    lines.append("options:   " + (" ".join(attest_options(difference.case.attestations)) or "none"))
    if difference.question is not None:
        lines.append("question:  " + difference.question.line())
    lines.append("program:   " + difference.program)
    lines.append("evaluator: " + difference.evaluator)
    return "\n".join(lines)


def keep_files(options, outcome: Outcome, smallest: Difference) -> None:
    for kind, difference in (("found", outcome.difference), ("smallest", smallest)):
        directory = os.path.join(options.keep, f"{options.seed}-{outcome.index}-{kind}")
        os.makedirs(directory, exist_ok=True)
        for name, text in write_deal(difference.case.deal).items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        with open(os.path.join(directory, "questions.txt"), "w", encoding="utf-8") as file:
            file.writelines(question.line() + "\n" for question in difference.case.questions)
        with open(os.path.join(directory, "difference.txt"), "w", encoding="utf-8") as file:
            file.write(describe(difference, kind) + "\n")


def report_difference(options, outcome: Outcome) -> None:
    print(describe(outcome.difference, f"difference: seed {options.seed}, deal {outcome.index}"))
    smallest = shrink(options.offtake, outcome.difference)
    print(describe(smallest, f"smallest: seed {options.seed}, deal {outcome.index}"), flush=True)
    if options.keep:
        keep_files(options, outcome, smallest)


def diagnostic_code(message: str) -> str:
    match = re.search(r"OFT\d+", message)
    return match.group() if match else "no code"


@dataclass
class Totals:
    deals: int = 0
    refused: int = 0
    questions: int = 0
    differences: int = 0
    reasons: Counter = field(default_factory=Counter)
    verdicts: Counter = field(default_factory=Counter)
    refusals: Counter = field(default_factory=Counter)
    first_refusal: str = ""

    def add(self, outcome: Outcome) -> None:
        self.deals += 1
        self.refused += outcome.refused
        self.questions += outcome.questions
        self.differences += outcome.difference is not None
        self.reasons.update(outcome.reasons)
        self.verdicts.update(outcome.verdicts)
        if outcome.refused:
            self.refusals[diagnostic_code(outcome.message)] += 1
            self.first_refusal = self.first_refusal or f"deal {outcome.index}: {outcome.message.strip()}"

    def missing_reasons(self) -> list:
        if self.deals < REASONS_EXPECTED_FROM:
            return []
        return [reason for reason in ALL_REASONS if not self.reasons[reason]]

    def enough_valid(self) -> bool:
        return (self.deals - self.refused) * 100 >= LEAST_VALID_PERCENT * self.deals

    def exit_code(self) -> int:
        if self.differences:
            return 1
        return 0 if self.enough_valid() and not self.missing_reasons() else 2

    def print(self) -> None:
        for verdict, count in self.verdicts.most_common():
            print(f"oracle: {count:9} {verdict}")
        for reason in ALL_REASONS:
            print(f"oracle: {self.reasons[reason]:9} {reason}")
        for code, count in self.refusals.most_common():
            print(f"oracle: {count:9} deals refused: {code}")
        if self.first_refusal:
            print("oracle: the first refusal: " + self.first_refusal[:600])
        if not self.enough_valid():
            print(f"oracle: less than {LEAST_VALID_PERCENT}% of the deals are valid")
        for reason in self.missing_reasons():
            print(f"oracle: {reason} never occurred")
        print(f"oracle: {self.deals} deals, {self.refused} refused, {self.questions} questions, "
              f"{self.differences} differences")


def compare(options) -> int:
    totals = Totals()
    tasks = [(options, index) for index in range(options.deals)]
    with multiprocessing.Pool(options.jobs) as workers:
        for outcome in workers.imap(check_index, tasks, chunksize=4):
            totals.add(outcome)
            if outcome.difference is not None and totals.differences <= options.shown:
                report_difference(options, outcome)
    totals.print()
    return totals.exit_code()


def read_options(arguments) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deals", type=int, default=700)
    parser.add_argument("--questions", type=int, default=150, help="for each deal")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--offtake", default=os.path.join(DEFAULT_BUILD, "offtake"))
    parser.add_argument("--keep", default="", help="a directory for the files of what differs")
    parser.add_argument("--shown", type=int, default=3, help="how many differences to print and shrink")
    options = parser.parse_args(arguments)
    options.offtake = os.path.abspath(options.offtake)
    return options


if __name__ == "__main__":
    sys.exit(compare(read_options(sys.argv[1:])))
