# SPDX-License-Identifier: Apache-2.0
"""The model of model/refusal.pml: that its properties hold, that each of them can fail, that what it shows of
the specification is still so, and that src/desk does what it does, trace by trace."""

from __future__ import annotations

import concurrent.futures
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODEL = ROOT / "model" / "refusal.pml"
BUILD = Path(os.environ.get("OFFTAKE_BUILD", ROOT / "build")).resolve()
REPLAY = BUILD / "tests" / "model" / "replay_model"
REPLAY_MUTANTS = BUILD / "tests" / "model" / "replay_model_mutants"
MEGABYTES_MAX = 1024

# Rights, opportunities, and what the parties may do: each small enough to be visited whole, together everything
# that the model knows. The numbers are hours; model/refusal.pml says what each name means.
CONFIGURATIONS = {
    "solo": "H=1 COUNTERS=1 BACK=1 REOFFER=1 CHANGES=2 PRICES=3",
    "ranks": "H=2 PARTIAL=1 OVER=1 BACK=1 COUNTERS=1",
    "together": "H=2 SIMUL=1 PARTIAL=1 OVER=1 BACK=1 OBJECTS=1",
    "change": "H=2 PARTIAL=1 CHANGES=1 REOFFER=1 BACK=1",
    "changes": "H=2 CHANGES=2 PRICES=3 REOFFER=1",
    "both": "H=2 SIMUL=1 CHANGES=1 BACK=1 OVER=1 REOFFER=1",
    "resize": "H=2 RANK2=1 CHANGES=1 PARTIAL=1 RESIZE=1 OBJECTS=1 REOFFER=1 BONAFIDE=1",
    "gone": "H=2 PARTIAL=1 CHANGES=1 WITHDRAWS=2 ANYPARTY=1 OTHERBID=1",
    "same": "H=1 PARTIAL=1 CHANGES=1 WITHDRAWS=2 OTHERBID=1 BACK=1",
    "order": "H=2 PARTIAL=1 SUSPEND=1 DELIVER=1 CURE=1 UNTIL=5",
    "standing": "H=2 SUSPEND=1 BONAFIDE=1 CHANGES=1",
    "void": "H=2 PARTIAL=1 DELIVER=1 CURE=1 UNTIL=3 PVOID=1 BEGINS=1 OBJECTS=1",
    "survive": "H=2 PARTIAL=1 UNTIL=3 BEGINS=1 OBJECTS=1 CHANGES=1 BACK=1",
    "deemed": "H=2 RANK2=1 PARTIAL=1 DEEMED=2 FROM=2 OBJECT=1 OBJECTS=2 BACK=1",
    "sent": "H=2 FROM=1 DEEMED=3 RESPOND=2 BACK=1 OBJECTS=1",
    "thirds": "Q=3 H=2 SIMUL=1 PARTIAL=2 BACK=1 PRICES=1",
    "share": "Q=3 H=3 SIMUL=1 OVER=2 PRICES=1 RESPOND=1 VALID=3 OPEN_UNTIL=3",
    "once": "H=2 PARTIAL=1 ONETIME=1 CARVEOUT=1 ANYPARTY=1 OTHERBID=1",
    "split": "FLOOR=3 EARLIER=2 PARTIAL=1 BUNDLED=1",
    "under": "FLOOR=3 BUNDLED=1 OTHERBID=1",
    "unsaid": "H=2 SIGN=0 RELEASE=0 VALID=3 OPEN_UNTIL=5 PARTIAL=1 BACK=1",
    "few": "Q=1 H=2 SIMUL=1 OVER=1",
}
LARGE = {CONFIGURATIONS[name] for name in ("change", "gone", "survive", "share", "both", "resize")}
# Property 7 as a claim about infinite runs, with a fair clock. (That everything is over by the last hour is asserted
# in every configuration.)
LIVE = {
    "ranks": {}, "void": {}, "sent": {}, "split": {}, "unsaid": {}, "few": {},
    "order": {"H": 1}, "once": {"OTHERBID": 0}, "solo": {"CHANGES": 1, "PRICES": 2},
}
# One mistake a property, and where it must be found.
FAULTS = {1: "ranks", 2: "ranks", 3: "ranks", 4: "ranks", 5: "change", 6: "ranks", 7: "ranks", 9: "split", 10: "void"}
# Claims, and the fault that breaks each.
CLAIMS = {"p6": ("ranks", 6), "p10": ("void", 10), "p7": ("ranks", 7)}
# More than the page promises in one sentence, and where it was not so before the page was mended.
STRONGER = {
    "every holder hears of the terms that a third party gets": ("change", {"STRICT": 2}),
    "... when they change twice": ("changes", {"STRICT": 2}),
    "nothing is signed twice while a right is in force": ("ranks", {"STRICT": 3}),
    "... nor when a part is exempt": ("once", {"STRICT": 3, "ONETIME": 0}),
}
# What the model found in the specification as it stands: model/README.md. When the page is changed so that one of these
# can no longer be, this test says so.
WEAKNESSES = {
    "a rank below is passed over when one above elects and lets go": "STRICT=1 H=2 PARTIAL=1",
    "of more holders than units one is never asked": "STRICT=2 Q=1 H=2 SIMUL=1",
    "... nor told of better terms for what is left": "STRICT=2 H=2 SIMUL=1 CHANGES=1",
    "under an exhausted right more is signed than was offered": "STRICT=3 H=2 PARTIAL=1 ONETIME=1",
    "after a right's end more is signed than was offered": "STRICT=3 H=2 PARTIAL=1 UNTIL=3",
    "the short window for somebody who never had the full one": "STRICT=4 CHANGES=1 REOFFER=1",
    "a change of terms after the right's end undoes a notice": "STRICT=5 UNTIL=2 CHANGES=1",
    "an election recorded late leaves no time to sign": "STRICT=6 BACK=1",
    "an offer that is over is signed": "STRICT=7",
    "an offer without an end is never over": "VALID=NEVER OPEN_UNTIL=4 LAST=8",
}
TRACES = {"MANY": 100, "EAGER": 2}
TRACES_OF = {  # where the rare things are
    "share": {"MANY": 300, "EAGER": 3, "VALID": 9, "OPEN_UNTIL": 9, "RESPOND": 3, "OVER": 4},
    "order": {"MANY": 300}, "standing": {"MANY": 300}, "change": {"MANY": 200}, "ranks": {"MANY": 200},
}
SEED = 1
MUTANTS = range(1, 12)  # DESK_MUTANT in src/desk


@dataclass
class Result:
    errors: int
    states: int
    megabytes: float
    seconds: float
    report: str
    trail: str = ""


@dataclass
class Traces:
    code: int
    report: str
    procedures: int
    transitions: set
    found: set  # mistakes in the desk that these traces tell


def switches(text, **more):
    pairs = dict(item.split("=") for item in text.split())
    pairs.update({name: str(value) for name, value in more.items()})
    return [f"-D{name}={value}" for name, value in pairs.items()]


def run(command, where, limit=240):
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=limit, check=False)


def number(pattern, text):
    match = re.search(pattern, text)
    assert match, text[-2000:]
    return float(match.group(1))


def check(text, claim=None, trail=False, **more):
    """Every state of one configuration. CLAIM: this claim instead of the assertions. TRAIL: the counterexample."""
    flags = switches(text, **more) + (["-DSHOW"] if trail else []) + (["-DCLAIMS"] if claim else [])
    with tempfile.TemporaryDirectory() as where:  # spin leaves files where it runs
        made = run(["spin", "-a", *flags, str(MODEL)], where)
        assert Path(where, "pan.c").exists(), made.stdout + made.stderr
        kind = ["-DNFAIR=3"] if claim else ["-DSAFETY", "-DNOCLAIM"]
        pace = "-O1" if text in LARGE or claim == "p7" else "-O0"  # for the small ones compiling takes longer than checking
        built = run(["gcc", pace, "-w", "-DCOLLAPSE", "-DVECTORSZ=2048", *kind, "-o", "pan", "pan.c"], where)
        assert built.returncode == 0, built.stderr
        begun = time.monotonic()
        fair = ["-f"] if claim == "p7" else []
        how = ["-a", *fair, "-N", claim] if claim else (["-I"] if trail else [])
        out = run(["./pan", "-w20", "-m400000", *how], where).stdout
        seconds = time.monotonic() - begun
        assert "max search depth too small" not in out and "errors:" in out, out[-2000:]
        shown = ""
        if trail:
            shown = run(["spin", "-t", "-T", "-k", f"{MODEL.name}.trail", *flags, str(MODEL)], where).stdout
            shown = shown[: shown.find("spin: ")]
        return Result(int(number(r"errors: (\d+)", out)), int(number(r"([\d.e+]+) states, stored", out)),
                      number(r"([\d.]+)\s+total actual memory", out), seconds, out, shown)


def replay(text, program=(REPLAY,)):
    out = subprocess.run([str(word) for word in program], input=text, capture_output=True, text=True, check=False, timeout=240)
    return out.returncode, out.stdout + out.stderr


def trace(name):
    with tempfile.TemporaryDirectory() as where:
        flags = switches(CONFIGURATIONS[name], **TRACES | TRACES_OF.get(name, {}))
        text = run(["spin", "-T", f"-n{SEED}", "-DTRACE", *flags, str(MODEL)], where).stdout
    code, report = replay(text)
    found = {mutant for mutant in MUTANTS if replay(text, (REPLAY_MUTANTS, mutant))[0] != 0}
    return Traces(code, report, text.count("\nN\n"), set(re.findall(r"^X (\w+)", text, re.M)), found)


@pytest.fixture(scope="module")
def jobs():
    """Everything runs at once, on the cores there are; the tests look at the results."""
    todo = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, text in CONFIGURATIONS.items():
            todo["check", name] = pool.submit(check, text)
            todo["trace", name] = pool.submit(trace, name)
        for name, smaller in LIVE.items():
            todo["live", name] = pool.submit(check, CONFIGURATIONS[name], "p7", **smaller)
        for fault, name in FAULTS.items():
            todo["fault", fault] = pool.submit(check, CONFIGURATIONS[name], FAULT=fault)
        for claim, (name, fault) in CLAIMS.items():
            todo["claim", claim] = pool.submit(check, CONFIGURATIONS[name], claim)
            todo["broken", claim] = pool.submit(check, CONFIGURATIONS[name], claim, FAULT=fault)
        for what, (name, more) in STRONGER.items():
            todo["strong", what] = pool.submit(check, CONFIGURATIONS[name], **more)
        for what, text in WEAKNESSES.items():
            todo["weak", what] = pool.submit(check, text, trail=True)
        yield todo
        for job in todo.values():
            job.cancel()


def holds(result, record_property, figures, name):
    assert result.errors == 0, result.report
    assert result.megabytes < MEGABYTES_MAX
    record_property("states", result.states)
    figures.append(f"{name:24} {result.states:>9,} states {result.seconds:6.1f} s {result.megabytes:6.0f} MB")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_properties_hold_in_every_state(jobs, record_property, figures, name):
    holds(jobs["check", name].result(), record_property, figures, name)


@pytest.mark.parametrize("name", LIVE)
def test_every_procedure_ends_if_the_clock_goes_on(jobs, record_property, figures, name):
    holds(jobs["live", name].result(), record_property, figures, f"{name}, fair clock")


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_holds_and_can_fail(jobs, record_property, figures, claim):
    holds(jobs["claim", claim].result(), record_property, figures, f"claim {claim}")
    assert jobs["broken", claim].result().errors > 0, "the fault is not found: the claim says nothing"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_found(jobs, fault):
    result = jobs["fault", fault].result()
    assert result.errors > 0, "the fault is not found: the property says nothing"
    assert "assertion violated" in result.report


@pytest.mark.parametrize("what", STRONGER)
def test_what_the_page_was_mended_for_stays_so(jobs, what):
    result = jobs["strong", what].result()
    assert result.errors == 0, result.report


@pytest.mark.parametrize("what", WEAKNESSES)
def test_a_known_weakness_of_the_page_is_the_codes_too(jobs, what):
    result = jobs["weak", what].result()
    assert result.errors > 0, f"no longer so: {what}. Strike it from model/README.md and from this list"
    code, report = replay(result.trail)
    assert code == 0, report  # the counterexample is a run of the desk


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_desk_does_what_the_model_does(jobs, record_property, name):
    traces = jobs["trace", name].result()
    assert traces.code == 0, traces.report
    assert f"procedures {traces.procedures}," in traces.report and traces.procedures >= TRACES["MANY"]
    record_property("replayed", traces.report.strip().splitlines()[-1])


def test_the_traces_tell_every_mistake_planted_in_the_desk(jobs):
    found = set().union(*(jobs["trace", name].result().found for name in CONFIGURATIONS))
    assert found == set(MUTANTS)


def test_the_traces_take_every_transition_of_the_model(jobs, figures):
    named = set(re.findall(r'X\("(\w+)"\)', MODEL.read_text(encoding="utf-8")))
    results = [jobs["trace", name].result() for name in CONFIGURATIONS]
    taken = set().union(*(result.transitions for result in results))
    traces = sum(result.procedures for result in results)
    figures.append(f"traces {traces}, with {len(taken)} of {len(named)} transitions")
    assert len(named) > 50 and not named - taken, named - taken
    assert traces >= 1000
