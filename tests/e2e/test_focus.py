# SPDX-License-Identifier: Apache-2.0
"""Cost data in FOCUS: what is exported is checked by ourselves and by the public validator; and a
provider's bill is held against it."""

import csv
import datetime
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from decimal import Decimal

import pytest

from stack import Stack, chat

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")
# The validator is a program of its own with a Python of its own (3.12 or newer) and 600 MB of libraries.
VALIDATOR = "focus-validator==2.2.1"


@pytest.fixture(scope="module")
def stack(shared_stack):
    key = shared_stack.key("acme", "api")
    other = shared_stack.key("globex", "chat")
    for tokens in (100, 2345):
        chat(shared_stack, key, content=f"tokens:{tokens} hello", max_tokens=21)
        chat(shared_stack, other, model="small", content=f"tokens:{tokens} hello", max_tokens=7)
    shared_stack.drain()
    return shared_stack


def export(stack, *arguments):
    return stack.cli("focus", "export", "--month", MONTH, *arguments).stdout


@pytest.mark.parametrize("dataset, version", [
    ("cost-and-usage", "1.2"), ("cost-and-usage", "1.4"),
    ("contract-commitment", "1.3"), ("contract-commitment", "1.4")])
def test_an_export_keeps_the_rules_that_we_check(stack, tmp_path, dataset, version):
    path = tmp_path / "focus.csv"
    which = ["--dataset", dataset, "--version", version]
    assert stack.cli("focus", "export", "--month", MONTH, *which, "--output", str(path)).stdout == ""
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert rows
    checked = stack.cli("focus", "check", str(path), *which, check=False)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout == f"{len(rows)} rows, 0 findings.\n"


def test_a_violation_is_told_with_its_line_column_rule_and_remedy(stack, tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text(export(stack).replace("Usage-Based", "Hourly", 1))
    checked = stack.cli("focus", "check", str(path), "--json", check=False)
    assert checked.returncode == 1
    [finding] = json.loads(checked.stdout)["findings"]
    assert finding["line"] == 2 and finding["column"] == "ChargeFrequency"
    assert finding["rule"] == "ChargeFrequency-allowed-values"
    assert "One-Time" in finding["remedy"]


def test_a_dataset_or_a_version_that_is_none_is_refused_with_words(stack):
    for arguments in (["--version", "1.9"], ["--dataset", "rows"], ["--version", "1.3"]):
        refused = stack.cli("focus", "export", "--month", MONTH, *arguments, check=False)
        assert refused.returncode != 0 and refused.stdout == ""
        assert "FOCUS" in refused.stderr or "dataset" in refused.stderr


# ---- the public validator --------------------------------------------------------------------------


def find_validator():
    """Its program, installed on first use; or skips, saying why."""
    given = os.environ.get("OFFTAKE_FOCUS_VALIDATOR")
    if given:
        return given
    place = ROOT / "build" / "focus-validator"
    program = place / "bin" / "focus-validator"
    if program.exists():
        return program
    names = ["python3.13", "python3.12", "python3"]
    found = [shutil.which(name) for name in names]
    found += sorted(str(p) for p in pathlib.Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python3"))
    for python in filter(None, found):
        new = subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"])
        if new.returncode == 0:
            break
    else:
        pytest.skip(f"{VALIDATOR} needs Python 3.12 or newer, and this machine has none "
                    "(OFFTAKE_FOCUS_VALIDATOR names the program where there is one)")
    steps = ([python, "-m", "venv", str(place)],
             [str(place / "bin" / "pip"), "install", "-q", VALIDATOR, "pyarrow<19"])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            shutil.rmtree(place, ignore_errors=True)
            pytest.skip(f"{VALIDATOR} cannot be had: {done.stderr[-300:]}")
    return program


# Failures that are the validator's own, with their public reference: docs/focus.md has the words. A rule
# that has one of these as its part fails with it.
KNOWN = {
    # finopsfoundation/focus_validator#142: it drops a condition of the form {"AND": ...}.
    "CapacityReservationStatus-C-003-C", "CapacityReservationStatus-C-004-C",
    "CapacityReservationStatus-C-002-C", "CapacityReservationStatus-C-000-C",
    # FOCUS_Spec#2393: the model has the condition of C-003-C under C-004-C, which is its opposite.
    "CommitmentDiscountStatus-C-004-C", "CommitmentDiscountStatus-C-002-C",
    "CommitmentDiscountStatus-C-000-C",
    # FOCUS_Spec#2394: one branch of an "or" that is fulfilled (InvoiceId-C-003-C) is told on its own.
    "InvoiceId-C-005-C",
}
# What our export has; the others are of things that our books do not know.
CRITERIA = ",".join(f"{name}_SUPPORTED" for name in (
    "ACCOUNT_NAMING", "CAPACITY_RESERVATION", "COMMITMENT_DISCOUNT", "MULTIPLE_PRICING_CATEGORIES",
    "MULTIPLE_BILLING_ACCOUNT_TYPES", "USAGE_MEASUREMENT", "NEGOTIATED_PRICING", "REGION",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES", "RESOURCE_TYPE_ASSIGNMENT", "UNIT_PRICING"))
GOLDEN = ROOT / "tests" / "unit" / "focus" / "golden" / "cost-and-usage-1.2.csv"


@pytest.mark.parametrize("source", ["traffic", "golden"])
def test_the_public_validator_finds_only_what_is_its_own(stack, tmp_path, source):
    program = find_validator()
    path = tmp_path / "focus.csv"
    path.write_text(GOLDEN.read_text() if source == "golden" else export(stack, "--version", "1.2"))
    ran = subprocess.run(
        [str(program), "--data-file", str(path), "--validate-version", "1.2", "--focus-dataset",
         "CostAndUsage", "--block-download", "--applicability-criteria", CRITERIA,
         "--output-type", "console"], capture_output=True, text=True, timeout=600,
        cwd=next(pathlib.Path(program).parents[1].glob("lib/python3*/site-packages")))
    failed = {line.split()[1].rstrip(":") for line in ran.stdout.splitlines() if ": FAIL" in line}
    passed = [line for line in ran.stdout.splitlines() if ": PASS" in line]
    assert len(passed) > 100, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert failed - KNOWN == set(), "\n".join(
        line for line in ran.stdout.splitlines() if "FAIL" in line)


# ---- reconciliation --------------------------------------------------------------------------------


def reconcile(stack, path, *arguments):
    ran = stack.cli("reconcile", str(path), "--month", MONTH, "--json", *arguments, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_our_own_file_reconciles_with_us(stack, tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text(export(stack))
    code, answer = reconcile(stack, path)
    assert code == 0 and answer["clean"]
    assert answer["there"]["matched"] == answer["here"]["matched"] > 0
    text = stack.cli("reconcile", str(path), "--month", MONTH).stdout
    assert "0 of them differ" in text and all(len(line) <= 80 for line in text.splitlines())


def test_a_bill_with_the_cached_tokens_in_its_input_is_told(stack, tmp_path):
    rows = [row for row in csv.DictReader(io.StringIO(export(stack))) if row["x_UnitClass"]]
    cached = next((row for row in rows if row["x_UnitClass"] == "cached"), None)
    bill = [{"where": "eu-" + row["x_Pool"], "what": row["x_Model"], "unit": row["SkuMeter"],
             "n": int(row["ConsumedQuantity"]), "usd": row["BilledCost"]} for row in rows]
    bill[0]["n"] += int(cached["ConsumedQuantity"]) if cached else 1
    path = tmp_path / "bill.json"
    path.write_text(json.dumps({"invoice": "7", "lines": bill}))
    maps = [f"--map={a}={b}" for a, b in
            (("pool", "where"), ("model", "what"), ("quantity", "n"), ("cost", "usd"))]
    aliases = [f"--alias=pool:{name}={name[3:]}" for name in {line["where"] for line in bill}]
    code, answer = reconcile(stack, path, "--format", "json", *maps, *aliases)
    assert code == 1
    [line] = [line for line in answer["lines"] if line["differs"]]
    assert line["cause"] in ("cached-counted-twice", "not-metered", "estimated-or-unsettled")
    there = answer["there"]
    assert there["rows"] == len(bill) == there["matched"] + there["different"] + there["not_compared"]


# ---- by the day --------------------------------------------------------------------------------------

FEBRUARY = "2026-02"


@pytest.fixture(scope="module")
def days():
    """Use on five days of February, some of it late in the evening."""
    directory = tempfile.mkdtemp(prefix="oft-e2e-")
    os.chmod(directory, 0o755)
    stack = Stack(directory, serve_args=["--rehearse-at", f"{FEBRUARY}-02T10:00:00Z"])
    try:
        yield use_february(stack.start())
    finally:
        stack.stop()


def use_february(stack):
    key = stack.key("acme", "api")
    for instant in ("02T10:00", "03T22:30", "04T10:00", "05T22:30", "06T12:00", "06T22:30"):
        stack.stop_daemon()
        stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = f"{FEBRUARY}-{instant}:00Z"
        stack.start_daemon()
        for tokens in range(100 + int(instant[:2]), 400, 100):
            status, _, body = chat(stack, key, content=f"tokens:{tokens} hello", max_tokens=21)
            assert status == 200, body
        stack.drain()
    return stack


def metering(stack, *arguments):
    text = stack.cli("metering", "--month", FEBRUARY, *arguments).stdout
    return list(csv.DictReader(io.StringIO(text)))


def bill_of(rows, path, day=lambda row: row["day"]):
    """Our own rows as a provider's file, each with the day that DAY says."""
    with open(path, "w", newline="") as out:
        writer = csv.DictWriter(out, ["pool", "model", "unit", "day", "quantity", "cost", "currency"],
                                extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "day": day(row)} for row in rows)
    return path


def by_day(stack, path, *arguments):
    ran = stack.cli("reconcile", str(path), "--month", FEBRUARY, "--format", "csv", "--json",
                    *arguments, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    answer = json.loads(ran.stdout)
    for side in ("there", "here"):
        it = answer[side]
        assert it["rows"] == it["matched"] + it["different"] + it["not_compared"]
    return ran.returncode, answer


def test_days_add_up_to_the_month(days):
    month = {}
    for row in csv.DictReader(io.StringIO(days.cli("focus", "export", "--month", FEBRUARY).stdout)):
        if row["x_UnitClass"] and row["ChargeCategory"] == "Usage" and row["ContractedCost"] != "0":
            month[row["x_Pool"], row["x_Model"], row["x_UnitClass"]] = (
                int(row["ConsumedQuantity"]), Decimal(row["ContractedCost"]))
    for by in ("day", "hour"):
        sums = {}
        rows = metering(days, "--by", by)
        assert not any(row["why"] for row in rows)
        for row in rows:
            key = row["pool"], row["model"], row["unit"]
            quantity, cost = sums.get(key, (0, 0))
            sums[key] = quantity + int(row["quantity"]), cost + Decimal(row["cost"])
        assert sums == month
    assert len({row["day"] for row in metering(days)}) == 5


def test_a_bill_by_the_day_is_matched_by_the_day(days, tmp_path):
    rows = metering(days)
    code, answer = by_day(days, bill_of(rows, tmp_path / "bill.csv"))
    assert code == 0 and len(answer["lines"]) == len(rows) and not answer["by_month"]
    assert {line["day"] for line in answer["lines"]} == {row["day"] for row in rows}
    code, answer = by_day(days, tmp_path / "bill.csv", "--by", "month")
    assert code == 0 and {line["day"] for line in answer["lines"]} == {None}


def test_a_missing_day_and_a_day_twice_are_named(days, tmp_path):
    rows = metering(days)
    missing, twice = f"{FEBRUARY}-04", f"{FEBRUARY}-05"
    path = bill_of([row for row in rows if row["day"] != missing] +
                   [row for row in rows if row["day"] == twice], tmp_path / "bill.csv")
    code, answer = by_day(days, path)
    assert code == 1
    causes = {(line["day"], line["cause"]) for line in answer["lines"] if line["differs"]}
    assert causes == {(missing, "missing-day"), (twice, "day-twice")}
    text = days.cli("reconcile", str(path), "--month", FEBRUARY, "--format", "csv", check=False).stdout
    assert f", {missing}\n" in text and all(len(line) <= 80 for line in text.splitlines())


def test_days_of_another_zone_are_told_with_their_hours(days, tmp_path):
    """Three hours before midnight of UTC, their next day begins."""
    def theirs(row):
        at = datetime.datetime.fromisoformat(row["day"].replace("Z", "+00:00"))
        return (at + datetime.timedelta(hours=3)).date().isoformat()
    path = bill_of(metering(days, "--by", "hour"), tmp_path / "bill.csv", theirs)
    code, answer = by_day(days, path)
    assert code == 1
    differing = [line for line in answer["lines"] if line["differs"]]
    assert {line["cause"] for line in differing} == {"time-zone"}
    assert all("before midnight of UTC" in line["text"] for line in differing)


def test_an_export_by_the_day_comes_to_the_month_and_keeps_the_rules(days, tmp_path):
    path = tmp_path / "days.csv"
    days.cli("focus", "export", "--month", FEBRUARY, "--by", "day", "--output", str(path))
    assert days.cli("focus", "check", str(path), check=False).returncode == 0
    month = list(csv.DictReader(io.StringIO(days.cli("focus", "export", "--month", FEBRUARY).stdout)))
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert len(rows) > len(month)
    for column in ("BilledCost", "ContractedCost"):
        sums = [{}, {}]
        for which, file in enumerate((month, rows)):
            for row in file:
                key = row["SkuPriceId"], row["ChargeDescription"]
                sums[which][key] = sums[which].get(key, 0) + Decimal(row[column])
        assert sums[0] == sums[1]
    starts = {row["ChargePeriodStart"] for row in rows if row["x_UnitClass"] == "input"}
    assert len(starts) == 5 and f"{FEBRUARY}-03T00:00:00Z" in starts
    ran = days.cli("reconcile", str(path), "--month", FEBRUARY, "--json", check=False)
    answer = json.loads(ran.stdout)
    assert {line["cause"] for line in answer["lines"] if line["differs"]} <= {"rounding"}
    assert f"{FEBRUARY}-03" in {line["day"] for line in answer["lines"]}


def test_our_side_may_come_from_files(days, tmp_path):
    bill = bill_of(metering(days), tmp_path / "bill.csv")
    ours, hours = tmp_path / "ours.csv", tmp_path / "hours.csv"
    days.cli("focus", "export", "--month", FEBRUARY, "--output", str(ours))
    days.cli("metering", "--month", FEBRUARY, "--by", "hour", "--output", str(hours))
    code, answer = by_day(days, bill, "--ours", str(ours), "--hours", str(hours))
    assert code == 0 and answer["lines"][0]["day"]
    refused = days.cli("reconcile", str(bill), "--month", FEBRUARY, "--format", "csv", "--by", "day",
                       "--ours", str(ours), check=False)
    assert refused.returncode == 2 and "--hours" in refused.stderr


def test_the_file_is_given_over_the_api_too(stack):
    query = f"/v1/focus?dataset=cost-and-usage&version=1.4&month={MONTH}"
    ran = subprocess.run(["curl", "-sS", "--unix-socket", str(stack.data / "admin.sock"),
                          "http://localhost" + query], capture_output=True, text=True, check=True)
    assert ran.stdout == export(stack)


MAKE_PARQUET = """
import datetime, decimal, sys
import pyarrow as pa, pyarrow.parquet as pq
cost = decimal.Decimal("0.123456789")
start = datetime.datetime(2026, 4, 1, tzinfo=datetime.timezone.utc)
columns = {"BilledCost": pa.array([cost, None], pa.decimal128(38, 9)), "Note": pa.array(['a,"b"', None]),
           "ChargePeriodStart": pa.array([start, start], pa.timestamp("us", tz="UTC"))}
if sys.argv[2] == "float":
    columns["ListCost"] = pa.array([0.1, 2.5e-7], pa.float64())
pq.write_table(pa.table(columns), sys.argv[1])
"""


def test_parquet_becomes_csv_without_losing_a_digit(tmp_path):
    python = pathlib.Path(find_validator()).parent / "python"
    tool = str(ROOT / "tools" / "parquet-to-csv")
    path = tmp_path / "focus.parquet"
    subprocess.run([python, "-c", MAKE_PARQUET, str(path), "exact"], check=True)
    done = subprocess.run([python, tool, str(path), "-"], capture_output=True, text=True, check=True)
    assert done.stdout == ('BilledCost,Note,ChargePeriodStart\n0.123456789,"a,""b""",2026-04-01T00:00:00Z\n'
                           ",,2026-04-01T00:00:00Z\n")
    subprocess.run([python, "-c", MAKE_PARQUET, str(path), "float"], check=True)
    refused = subprocess.run([python, tool, str(path), "-"], capture_output=True, text=True)
    assert refused.returncode != 0 and "ListCost" in refused.stderr and refused.stdout == ""
    taken = subprocess.run([python, tool, str(path), "-", "--floats"], capture_output=True, text=True)
    assert taken.stdout.splitlines()[2].endswith("0.00000025")
