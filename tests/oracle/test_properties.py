# SPDX-License-Identifier: Apache-2.0
"""Laws that hold for every deal: what a layout, an order or a border of regimes may change, and what not.

Nothing here knows what a deal decides; it asks the program twice and compares. The deals and the questions
are those of generate.py, from a seed. Each test tells how much it covered and fails when that is too little.
"""

from __future__ import annotations

import json
import os
import pathlib
import random as random_module
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import pytest

from compare import attest_options
from evaluate import DAY, format_instant, parse_instant
from generate import boundaries, generate_attestations, generate_deal, generate_questions, write_deal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OFFTAKE_BUILD", ROOT / "build"))
OFFTAKE = str(BUILD / "offtake")
EXAMPLES = sorted((ROOT / "examples").glob("*.deal"))
SEED = os.environ.get("OFFTAKE_ORACLE_SEED", "") or "20260601"
DEALS = 150
DEALS_LEAST = 110  # a few of the generated deals are refused on purpose
FIRST_INSTANT = parse_instant("1700-01-01")
LAST_INSTANT = parse_instant("2200-01-01")

# ---- The program --------------------------------------------------------------------------------------


def run(*arguments, text_input=None):
    """The program; it never crashes, whatever it is given."""
    done = subprocess.run([OFFTAKE, *map(str, arguments)], input=text_input, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode in (0, 1), f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def need(*arguments, text_input=None) -> str:
    done = run(*arguments, text_input=text_input)
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout


def ask(path, attestations: dict, lines: list) -> list:
    """The answers, or nothing when the deal is refused."""
    asked = "".join(line + "\n" for line in lines)
    done = run("explain", path, "--batch", *attest_options(attestations), text_input=asked)
    answers = done.stdout.splitlines()
    assert len(answers) == (len(lines) if done.returncode == 0 else 0), done.stderr
    return answers


def meaning(path) -> dict | None:
    """The deal as JSON without the places in its text; None when it is refused."""
    done = run("check", "--emit", "json", path)
    if done.returncode != 0:
        return None
    document = json.loads(done.stdout)
    for clause in document["clauses"]:
        del clause["line"], clause["file"]
    return document


# ---- The deals ----------------------------------------------------------------------------------------


@dataclass
class Case:
    index: int
    deal: object
    attestations: dict
    text: str  # one file, without includes

    def random(self, purpose: str):
        return random_module.Random(f"{SEED}:{self.index}:{purpose}")

    def questions(self, count: int) -> list:
        questions = generate_questions(self.random("questions"), self.deal, self.attestations, count)
        return [question.line() for question in questions]


def flat_text(deal) -> str:
    files = write_deal(deal)
    return files["main.deal"].replace('include "part.deal"\n', files.get("part.deal", ""))


def make_case(index: int) -> Case:
    random = random_module.Random(f"{SEED}:{index}")
    deal = generate_deal(random)
    return Case(index, deal, generate_attestations(random, deal), flat_text(deal))


@pytest.fixture(name="cases", scope="module")
def accepted_cases(tmp_path_factory):
    """The generated deals that the program takes."""
    directory = tmp_path_factory.mktemp("cases")

    def accepted(index):
        case = make_case(index)
        path = directory / f"{index}.deal"
        path.write_text(case.text)
        return case if run("check", path).returncode == 0 else None

    cases = [case for case in each(accepted, range(DEALS)) if case is not None]
    assert len(cases) >= DEALS_LEAST
    return cases


def each(work, items) -> list:
    """WORK for all ITEMS; the program's processes run beside each other."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        return list(workers.map(work, items))


def totals(rows) -> list:
    return [sum(column) for column in zip(*rows)]


# ---- Texts as tokens ----------------------------------------------------------------------------------

TOKEN = re.compile(r"""
    (?P<blank>   [ \t\r]+ | \\[ \t\r]*\n )
  | (?P<comment> \#[^\n]* )
  | (?P<end>     \n | ; )
  | (?P<string>  "[^"\n]*" )
  | (?P<address> [A-Za-z][A-Za-z0-9+]*://[^\s;\#"{},]* )
  | (?P<mark>    [{}(),:*] | \.\. )
  | (?P<word>    [A-Za-z0-9_%]+ (?: (?: \.(?!\.) | / | -+ | :(?=\d\d) ) [A-Za-z0-9_%]+ )* )
""", re.VERBOSE)
MARKS_THAT_TOUCH = ("{", "}", "(", ")", ",", ":")


@dataclass
class Token:
    kind: str
    text: str


def tokens_of(text: str) -> list:
    """All tokens but blanks. A newline that ends no statement is left out."""
    result, at, open_parens, said = [], 0, 0, ""
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"no token: {text[at:at + 40]!r}"
        at, kind = match.end(), match.lastgroup
        open_parens += {"(": 1, ")": -1}.get(match.group(), 0)
        joined = open_parens > 0 or said == ","
        if kind != "blank" and not (kind == "end" and match.group() == "\n" and joined):
            result.append(Token(kind, "\n" if kind == "end" else match.group()))
            said = said if kind == "comment" else result[-1].text
    return result


def words_of(text: str) -> list:
    """What a text says: its words and marks, with one end between statements."""
    said = []
    for token in tokens_of(text):
        if token.kind == "comment" or (token.text == "\n" and said[-1:] in ([], ["\n"], ["{"])):
            continue
        if token.text == "}" and said[-1:] == ["\n"]:
            said.pop()
        said.append(token.text)
    return said[:-1] if said[-1:] == ["\n"] else said


def comments_of(text: str) -> list:
    return [token.text.rstrip(" \t\r") for token in tokens_of(text) if token.kind == "comment"]


def statements_of(text: str) -> list:
    """The statements of the top level, each a text."""
    result, depth, said = [], 0, []
    for token in tokens_of(text):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if token.kind == "end" and depth == 0:
            result += [" ".join(said)] if said else []
            said = []
        elif token.kind != "comment":
            said.append(token.text)
    return result + ([" ".join(said)] if said else [])


# ---- White space that means nothing -------------------------------------------------------------------

COMMENTS = ["# plain", "#", "#x", "# a \"quote", "# { ( [", "# } ) ]", "# ; , \\", "# ends in a comma,",
            "# ends in a \\", "# tab\there", "# h\u00e9 \u2014 \U0001f600", "## twice # over",
            "# until 2030-01-01;", "# trailing blanks  \t"]


class Mangler:
    """Writes tokens with other white space, and adds comments."""

    def __init__(self, random):
        self.random = random
        self.parens = 0
        self.calm = random.random() < 0.2  # few changes: most lines stay as they are

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability * (0.15 if self.calm else 1)

    def blanks(self, least=0) -> str:
        if not self.chance(0.4):
            return " " * least
        return "".join(self.random.choice([" ", " ", "   ", "\t"]) for _ in range(self.random.randint(1, 3)))

    def comment(self) -> str:
        return self.random.choice(COMMENTS)

    def new_line(self) -> str:
        """The end of a line, where a line's end may stand: comments and empty lines may come with it."""
        text = self.blanks() + (self.comment() if self.chance(0.15) else "")
        text += self.random.choice(["\n"] * 9 + ["\r\n"])
        while self.chance(0.15):
            text += self.blanks() + (self.comment() if self.chance(0.5) else "") + "\n"
        return text + self.blanks()

    def end_of_statement(self) -> str:
        if self.chance(0.3):
            return self.blanks() + self.random.choice([";", ";", "; ", ";;", " ; "]) + (
                self.new_line() if self.chance(0.3) else self.blanks())
        return self.new_line()

    def inside(self, before: Token, after: Token) -> str:
        """What stands between two tokens of a statement."""
        if (before.text == "," or self.parens > 0) and self.chance(0.3):
            return self.new_line()
        if self.chance(0.05):
            apart = self.random.choice([" ", "\t"] if before.kind == "address" else [" ", "\t", ""])
            return apart + "\\" + self.blanks() + "\n" + self.blanks()
        return self.blanks(1 if self.must_part(before, after) or not self.chance(0.5) else 0)

    @staticmethod
    def must_part(before: Token, after: Token) -> bool:
        if before.kind == "address":
            return after.text not in ("{", "}", ",")
        return not any(token.kind == "string" or token.text in MARKS_THAT_TOUCH for token in (before, after))

    def between(self, before: Token, after: Token) -> str:
        if after.kind == "end":
            return ""
        if before.kind == "comment":
            return "\n" + self.blanks()
        if after.kind == "comment":
            return self.blanks()
        if before.text == "{" or after.text == "}":
            return self.end_of_statement() if self.chance(0.6) else self.blanks()
        return self.inside(before, after)

    def write(self, tokens: list) -> str:
        text = self.new_line() if self.chance(0.3) else self.blanks()
        for number, token in enumerate(tokens):
            before = tokens[number - 1] if number else None
            if before is not None and before.kind != "end":
                text += self.between(before, token)
            self.parens += {"(": 1, ")": -1}.get(token.text, 0)
            text += token.text if token.kind != "end" else self.statement_end(before)
        return text if self.chance(0.3) else text + self.new_line()

    def statement_end(self, before) -> str:
        """A comment takes the rest of its line: no `;` behind it."""
        return "\n" if before is None or before.kind == "comment" else self.end_of_statement()


def mangle(random, text: str) -> str:
    return Mangler(random).write(tokens_of(text))


# ---- Layout -------------------------------------------------------------------------------------------


def check_formatted(path: pathlib.Path, text: str) -> str:
    """Formats TEXT at PATH by all three forms of the command; the file is formatted afterwards."""
    path.write_text(text, newline="")
    path.chmod(0o640)
    formatted = need("fmt", path)
    assert path.read_bytes() == text.encode(), "fmt without --write changed the file"
    told = run("fmt", path, "--check")
    assert (told.returncode, told.stdout) == (0 if formatted == text else 1, ""), text
    assert need("fmt", path, "--write") == ""
    assert path.read_bytes() == formatted.encode()
    assert path.stat().st_mode & 0o777 == 0o640 and [path] == list(path.parent.iterdir())
    assert run("fmt", path, "--check").returncode == 0, f"not idempotent:\n{text}\n----\n{formatted}"
    return formatted


def check_layout(formatted: str) -> None:
    """What docs and help promise of the stable layout."""
    assert formatted.endswith("\n") and not formatted.endswith("\n\n") and not formatted.startswith("\n")
    assert "\n\n\n" not in formatted and "\t" not in re.sub(r'#.*|"[^"\n]*"', "", formatted)
    assert not re.search(r"[ \t\r]\n", formatted), "blanks at a line's end"


def check_layout_case(path: pathlib.Path, text: str, mangled: str, attestations: dict, lines: list) -> None:
    path.write_text(text, newline="")
    expected, answers = meaning(path), ask(path, attestations, lines)
    assert expected is not None
    path.write_text(mangled, newline="")
    assert meaning(path) == expected, f"the test's own changes mean something:\n{mangled}"
    formatted = check_formatted(path, mangled)
    check_layout(formatted)
    assert words_of(formatted) == words_of(mangled)
    assert comments_of(formatted) == comments_of(mangled)
    assert meaning(path) == expected, f"fmt changed the meaning of:\n{mangled}"
    assert ask(path, attestations, lines) == answers


def test_a_layout_keeps_the_meaning_and_the_comments(cases, tmp_path):
    def check(case):
        directory = tmp_path / str(case.index)
        directory.mkdir()
        mangled = mangle(case.random("mangle"), case.text)
        lines = case.questions(40)
        check_layout_case(directory / "x.deal", case.text, mangled, case.attestations, lines)
        return 1, len(lines), len(comments_of(mangled)), len(words_of(mangled))

    deals, questions, comments, words = totals(each(check, cases[:100]))
    print(f"layout: {deals} deals, {questions} questions, {words} words, {comments} comments")
    assert deals >= 100 and questions >= 4000 and comments >= 1000


def test_a_text_as_generated_is_formatted_without_a_change_of_its_words(cases, tmp_path):
    def check(case):
        directory = tmp_path / str(case.index)
        directory.mkdir()
        check_layout(check_formatted(directory / "x.deal", case.text))
        return 1, case.text.count("\n")

    deals, lines = totals(each(check, cases[:30]))
    print(f"layout: {deals} deals of {lines} lines as they were generated")
    assert deals >= 30 and lines >= 2000


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_layout_of_the_examples(example, tmp_path):
    text = example.read_text()
    assert "include" not in words_of(text)
    random = random_module.Random(f"{SEED}:{example.stem}")
    lines = example_questions(example, random, 100)

    def check(number):
        directory = tmp_path / str(number)
        directory.mkdir()
        mangled = mangle(random_module.Random(f"{SEED}:{example.stem}:{number}"), text) if number else text
        check_layout_case(directory / "x.deal", text, mangled, {}, lines)

    each(check, range(6))
    print(f"layout: {example.name} in 6 layouts, {len(lines)} questions each")


def example_questions(example, random, count: int) -> list:
    document = json.loads(need("check", "--emit", "json", example))
    names = {kind: [row["name"] for row in document[kind]] for kind in ("products", "accounts")}
    first, last = parse_instant("2024-01-01"), parse_instant("2033-01-01")
    return ["\t".join([format_instant(random.randrange(first, last)), random.choice(names["products"]),
                       random.choice(document["models"]), random.choice(names["accounts"] + ["-"]), "-"])
            for _ in range(count)]


SMALL_POOL = """\
deal "D"
customer lab
currency USD
model m
provider east of lab
pool p on east {%s
    region us%s
    serves m at http://x.example.com/v1 kind openai
    price m input 1 USD per 1M tokens%s
}%s
"""


@pytest.mark.parametrize("parts", [
    ("", "", "", ""),
    ("  # a", "  # b", "  # c", "  # d"),
    ("  # a\n", "  # b", "", ""),
    ("", "  # b\n\n\n    # c", "", ""),
    ("", "", "  # c\n", "  # d"),
    ("", "", "  # c\n\n", "\n\n  # d\n\n"),
    ("", "; ;  # b", "  # c", ""),
    ("", "\\\n  ;  # b", "", ""),
    ("", "", "  \\\n  ;  # c", ""),
    ("", "  \\\n  # b", "", ""),
], ids=["plain", "comments", "empty-line-after-{", "empty-lines", "empty-line-before-}", "empty-lines-at-end",
        "semicolons", "joined-at-a-word", "joined-and-ended", "joined-to-a-comment"])
def test_small_layouts(parts, tmp_path):
    text = SMALL_POOL % parts
    check_layout_case(tmp_path / "x.deal", SMALL_POOL % ("", "", "", ""), text, {}, [])


def test_a_text_in_quotes_that_touches_a_name_stays_as_it_is(tmp_path):
    """Blanks inside of quotes are no places for columns."""
    accounts = 'account a"X Y"\naccount globex "G"\n'
    events = 'event e"a: b"attested by lab\nevent other "G" attested by lab\n'
    text = (SMALL_POOL % ("", "", "", "")).replace("model m\n", "model m\n" + accounts + events)
    check_layout_case(tmp_path / "x.deal", text, text, {}, [])


def test_many_lines_are_formatted_in_a_moment(tmp_path):
    """As many accounts as a deal may have, each with a comment: the work does not grow by leaps."""
    accounts = "".join(f'account a{number} "A {number}"  # {number}\n' for number in range(4000))
    path = tmp_path / "x.deal"
    path.write_text((SMALL_POOL % ("", "", "", "")).replace("model m\n", "model m\n" + accounts))
    done = subprocess.run([OFFTAKE, "fmt", path, "--write"], timeout=5, check=False)
    assert done.returncode == 0


INCLUDING = 'deal "D"\ncustomer lab\ncurrency USD\nmodel m\ninclude "part.deal"\nprovider east of big\n'
INCLUDED = """\
party   big "Big"
pool p on east {
serves m at http://x.example.com/v1 kind openai
  price m input 1 USD per 1M tokens   # cost
}
"""


def test_an_included_file_is_formatted_on_its_own(tmp_path):
    (tmp_path / "main.deal").write_text(INCLUDING)
    (tmp_path / "part.deal").write_text(INCLUDED)
    assert need("fmt", tmp_path / "main.deal") == INCLUDING
    done = run("fmt", tmp_path / "part.deal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert words_of(done.stdout) == words_of(INCLUDED) and comments_of(done.stdout) == ["# cost"]


# ---- Order --------------------------------------------------------------------------------------------

HEADINGS = ("deal ", "customer ", "currency ")


def pools_and_verdict(answer: str, ordered: bool) -> tuple:
    """An answer without the clauses' names: the verdict, and the pools with their reasons."""
    if answer.startswith("error\t"):
        return ("error",)
    verdict, eligible, barred, _ = answer.split("\t")
    lists = [[":".join(entry.split(":")[:2]) for entry in part.split(" ")] for part in (eligible, barred)]
    return (verdict, *(lists if ordered else map(sorted, lists)))


def shuffled(random, text: str, kinds) -> str:
    """TEXT with its statements of these kinds in another order, each kind's in the places of all of them."""
    statements = statements_of(text)
    places = [i for i, one in enumerate(statements) if one.split(" ")[0] in kinds]
    moved = random.sample(places, len(places))
    result = list(statements)
    for place, source in zip(places, moved):
        result[place] = statements[source]
    return "\n".join(result) + "\n"


def spread(random, text: str, first: str) -> str:
    """TEXT with the statements that begin with FIRST anywhere among the others."""
    statements = statements_of(text)
    moved = [one for one in statements if one.startswith(first)]
    rest = [one for one in statements if not one.startswith(first)]
    for one in random.sample(moved, len(moved)):
        rest.insert(random.randint(0, len(rest)), one)
    return "\n".join(rest) + "\n"


NAMES = ("party", "provider", "model", "account", "group", "surface", "product", "event", "field")


def order_variants(random, text: str) -> list:
    """(what is in another order, the text, whether the pools' own order stays)."""
    everything = statements_of(text)
    return [("names", shuffled(random, text, NAMES), True),
            ("agreements", spread(random, text, "agreement "), True),
            ("pools", shuffled(random, text, ("pool",)), False),
            ("everything", "\n".join(random.sample(everything, len(everything))) + "\n", False)]


def compare_orders(path, case: Case, lines: list, text: str, variants: list) -> tuple:
    """(variants that the program took, answers compared)."""
    path.write_text(text)
    expected = ask(path, case.attestations, lines)
    assert expected
    taken = 0
    for what, variant, ordered in variants:
        path.write_text(variant)
        answers = ask(path, case.attestations, lines)
        if not answers:
            continue
        taken += 1
        for line, before, after in zip(lines, expected, answers):
            assert pools_and_verdict(after, ordered) == pools_and_verdict(before, ordered), (
                f"{what} in another order: {line}\nbefore: {before}\nafter:  {after}\n"
                f"{text}\n----\n{variant}")
    return taken, taken * len(lines)


def test_the_order_of_declarations_and_agreements_decides_nothing(cases, tmp_path):
    def check(case):
        variants = order_variants(case.random("order"), case.text)
        taken, answers = compare_orders(tmp_path / f"{case.index}.deal", case, case.questions(60),
                                        "\n".join(statements_of(case.text)) + "\n", variants)
        return 1, len(variants), len(variants) - taken, answers

    deals, variants, refused, answers = totals(each(check, cases[:80]))
    print(f"order: {deals} deals, {variants} orders of them, {refused} refused, {answers} answers")
    assert deals >= 80 and refused * 20 <= variants and answers >= 18_000


def ends_after(end, instant: int) -> bool:
    if end is None or "event" in end:
        return True
    if "date" in end:
        return parse_instant(end["date"]) > instant
    return all(ends_after(part, instant) for part in end["earliest"])


def supersedable(document: dict, instant: int) -> dict:
    """The clauses that an agreement of this instant may supersede, by agreement; None: not all of it."""
    result = {row["name"]: [] for row in document["agreements"]}
    for clause in document["clauses"]:
        if clause["ended_from"] is None and parse_instant(clause["from"]) < instant and \
                ends_after(clause["until"], instant):
            result[clause["agreement"]].append(clause["id"])
    return {name: clauses for name, clauses in result.items() if clauses}


def whole_agreements(document: dict, names: dict) -> list:
    """Those of which every clause may be superseded."""
    return [name for name, clauses in names.items()
            if len(clauses) == sum(clause["agreement"] == name for clause in document["clauses"])]


def late_agreement(random, document: dict) -> tuple:
    """An agreement that supersedes several others and their clauses: (its head, its statements)."""
    if not document["agreements"]:
        return "", [], 0
    instant = parse_instant(random.choice(document["agreements"])["effective"]) + DAY * random.randint(1, 900)
    names = supersedable(document, instant)
    wholes = [name for name in whole_agreements(document, names) if random.random() < 0.6]
    ended = wholes + [clause for name, clauses in names.items() if name not in wholes
                      for clause in clauses if random.random() < 0.7]
    statements = [f"supersedes {name}" for name in ended] + [f"effective {format_instant(instant)}"]
    return f"agreement late with {document['parties'][0]['name']} {{\n", statements, len(ended)


def test_the_order_of_supersedes_decides_nothing(cases, tmp_path):
    def check(case):
        random, path = case.random("supersedes"), tmp_path / f"{case.index}.deal"
        path.write_text(case.text)
        head, statements, ended = late_agreement(random, meaning(path))
        if ended < 2:
            return 0, 0, 0, 0
        together = [f"supersedes {', '.join(one.split(' ')[1] for one in statements[:-1])}", statements[-1]]
        bodies = [random.sample(statements, len(statements)) for _ in range(2)] + [together]
        write = lambda body: case.text + head + "\n".join(body) + "\n}\n"
        variants = [("supersedes", write(body), True) for body in bodies]
        taken, answers = compare_orders(path, case, case.questions(60), write(statements), variants)
        assert taken == len(variants), "an order of `supersedes` is refused"
        return 1, taken, answers, ended

    deals, orders, answers, ended = totals(each(check, cases[:110]))
    print(f"supersedes: {deals} deals, {orders} orders, {answers} answers, {ended} names superseded")
    assert deals >= 35 and answers >= 6_000


# ---- Regimes ------------------------------------------------------------------------------------------


@dataclass
class Regime:
    begin: int
    end: int


def regimes_of(path, attestations: dict) -> list:
    """The regimes of the timeline, cut to the instants of which this test asks."""
    rows = json.loads(need("timeline", path, "--json", *attest_options(attestations)))["regimes"]
    assert rows[0]["from"] == "always" and rows[-1]["until"] == "never"
    borders = [parse_instant(row["from"]) for row in rows[1:]]
    assert borders == [parse_instant(row["until"]) for row in rows[:-1]] and borders == sorted(set(borders))
    ends = [FIRST_INSTANT, *borders, LAST_INSTANT]
    return [Regime(begin, end) for begin, end in zip(ends, ends[1:])]


def instants_inside(random, regime: Regime) -> list:
    """Its first instant, its last nanosecond, and three between."""
    inside = [random.randrange(regime.begin, regime.end) for _ in range(3)]
    return [regime.begin, regime.end - 1, *inside]


def subjects(case: Case, random) -> list:
    """All products with all models, each for no account, for one and with a region: the ends of questions."""
    accounts = [account.name for account in case.deal.accounts] or ["-"]
    return [f"{product.name}\t{model}\t{account}\t{region}"
            for product in case.deal.products for model in case.deal.models
            for account, region in (("-", "-"), (random.choice(accounts), "-"),
                                    (random.choice(accounts + ["-"]), random.choice(["us-east", "eu-west"])))]


@lru_cache(maxsize=None)
def written(instant: int) -> str:
    return format_instant(instant)


def check_regimes(path, case: Case) -> tuple:
    random = case.random("regimes")
    path.write_text(case.text)
    regimes, asked = regimes_of(path, case.attestations), subjects(case, random)
    instants = [instants_inside(random, regime) for regime in regimes]
    lines = [f"{written(instant)}\t{subject}" for row in instants for instant in row for subject in asked]
    answers = iter(ask(path, case.attestations, lines))
    changed, before = 0, None
    for regime, row in zip(regimes, instants):
        decided = [[next(answers) for _ in asked] for _ in row]
        for instant, decision in zip(row, decided):
            assert decision == decided[0], (
                f"from {written(regime.begin)} until {written(regime.end)}: at its beginning and at "
                f"{written(instant)}:\n" + first_difference(asked, decided[0], decision) + case.text)
        changed += before is not None and decided[0] != before
        before = decided[0]
    return 1, len(regimes), changed, len(lines)


def first_difference(subjects_asked: list, before: list, after: list) -> str:
    return next(f"{subject}\n{a}\n{b}\n" for subject, a, b in zip(subjects_asked, before, after) if a != b)


def test_a_decision_is_constant_inside_a_regime(cases, tmp_path):
    rows = each(lambda case: check_regimes(tmp_path / f"{case.index}.deal", case), cases)
    deals, regimes, changed, questions = totals(rows)
    print(f"regimes: {deals} deals, {regimes} regimes, {changed} borders that decide, {questions} questions")
    assert deals >= DEALS_LEAST and regimes >= 1500 and changed >= 500 and questions >= 100_000


def near_instants(random, case: Case) -> list:
    """Random instants, and both sides of all that the generator holds for a border."""
    known = boundaries(case.deal, case.attestations)
    first, last = parse_instant("2022-01-01"), parse_instant("2034-01-01")
    near = [instant + step for instant in known for step in (-1, 0, 1)]
    return sorted({*near, *(random.randrange(first, last) for _ in range(40))})


def check_unlisted(path, case: Case) -> tuple:
    random = case.random("neighbours")
    path.write_text(case.text)
    borders = {regime.begin for regime in regimes_of(path, case.attestations)[1:]}
    instants, asked = near_instants(random, case), subjects(case, random)
    lines = [f"{written(instant)}\t{subject}" for instant in instants for subject in asked]
    answers = iter(ask(path, case.attestations, lines))
    before, pairs, passed = None, 0, 0
    for number, instant in enumerate(instants):
        decision = [next(answers) for _ in asked]
        earlier = instants[number - 1] if number else FIRST_INSTANT
        listed = any(earlier < border <= instant for border in borders)
        if before is not None and not listed:
            assert decision == before, (
                f"an unlisted change between {written(earlier)} and {written(instant)}:\n"
                + first_difference(asked, before, decision) + case.text)
        pairs, passed, before = pairs + (number > 0 and not listed), passed + listed, decision
    return 1, pairs, passed, len(instants) * len(asked)


def test_no_change_goes_unlisted(cases, tmp_path):
    rows = each(lambda case: check_unlisted(tmp_path / f"{case.index}.deal", case), cases)
    deals, pairs, passed, questions = totals(rows)
    print(f"unlisted: {deals} deals, {pairs} pairs without a border, {passed} with one, "
          f"{questions} questions")
    assert deals >= DEALS_LEAST and pairs >= 5_000 and questions >= 100_000


def test_explain_names_the_regime_of_the_timeline(cases, tmp_path):
    def check(case):
        random, path = case.random("explain"), tmp_path / f"{case.index}.deal"
        path.write_text(case.text)
        regime = random.choice(regimes_of(path, case.attestations)[1:-1] or [None])
        if regime is None:
            return 0, 0
        for instant in (regime.begin, regime.end - 1):
            told = run("explain", path, "--json", "--at", written(instant),
                       "--product", case.deal.products[0].name, "--model", case.deal.models[0],
                       *attest_options(case.attestations))
            regime_told = json.loads(told.stdout)["regime"]
            assert parse_instant(regime_told["from"]) == regime.begin, case.text
            assert parse_instant(regime_told["until"]) == regime.end, case.text
        return 1, 2

    deals, questions = totals(each(check, cases[:30]))
    print(f"explain: {deals} deals, {questions} questions")
    assert deals >= 25
