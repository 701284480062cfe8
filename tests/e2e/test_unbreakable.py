# SPDX-License-Identifier: Apache-2.0
"""What must hold whatever is done to the gateway while it serves, with figures.

The sizes are for CI. OFFTAKE_FULL=1 runs the full ones: 10,000 policies, 200 kills, a million requests.
Each test prints what it did; `pytest -s` shows it."""

import datetime
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest

from stack import BUILD, OFFTAKE, wait_for
from test_metrics import UnixConnection
from traffic import SETTLED, Traffic, records, settlements

FULL = bool(os.environ.get("OFFTAKE_FULL"))
SEED = int(os.environ.get("OFFTAKE_SEED", "20250121"))

HEAD = """\
deal "Swap lab"
customer lab
currency USD
party    bigcloud "Big Cloud"
party    other    "Other Cloud"
provider alpha of bigcloud
provider beta  of other
provider gamma of other
model    gpt-4o
model    small
account  acme   "ACME"
product  api  "API"  class inference {{
    price gpt-4o input 50.00 USD per 1M tokens output 200.00 USD per 1M tokens
    price small  input 30.00 USD per 1M tokens output 120.00 USD per 1M tokens
}}
product  chat "Chat" class inference {{
    price gpt-4o input 40.00 USD per 1M tokens output 160.00 USD per 1M tokens
    price small  input 20.00 USD per 1M tokens output 80.00 USD per 1M tokens
}}
{clauses}
pool east on alpha {{
    region us-east
    serves gpt-4o as "gpt4o-prod" at http://127.0.0.1:{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"
    serves small  as "small-prod" at http://127.0.0.1:{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"
    price gpt-4o input {p[0]}.00 USD per 1M tokens output {p[1]}.00 USD per 1M tokens
    price small  input {p[2]}.00 USD per 1M tokens output {p[3]}.00 USD per 1M tokens
}}
pool west on alpha {{
    region us-west
    serves gpt-4o as "gpt4o-west" at http://127.0.0.1:{west}/v1 kind openai key env WEST_KEY
    price gpt-4o input {p[4]}.00 USD per 1M tokens output {p[5]}.00 USD per 1M tokens
}}
pool south on beta {{
    region eu-south
    serves gpt-4o as "gpt-4o-x" at http://127.0.0.1:{south}/v1 kind openai key env SOUTH_KEY
    serves small  as "small-x"  at http://127.0.0.1:{south}/v1 kind openai key env SOUTH_KEY
    price gpt-4o input {p[6]}.00 USD per 1M tokens output {p[7]}.00 USD per 1M tokens
    price small  input {p[8]}.00 USD per 1M tokens output {p[9]}.00 USD per 1M tokens
}}
"""


def agreement(name, effective, clause, until="2099-01-01"):
    return (f"agreement {name} with bigcloud {{\n    effective {effective} until {until}\n"
            f"    only: {clause}\n}}\n")


def random_deal(chance, ports):
    """A deal that differs from others in where products may run and in which pool is cheapest."""
    clauses = ""
    for number, product in enumerate(("api", "chat")):
        where = chance.choice(["alpha", "alpha", "beta", "beta", "gamma", None, None])  # gamma has no pool
        if where:
            clauses += agreement(f"a{number}", "2020-01-01", f"exclusive {product} on {where}")
    # No two pools cost the same: what is equal is shared by load, and no explanation says which.
    prices = [0] * 10
    while len({a + b for a, b in zip(prices[::2], prices[1::2])}) < 5:
        prices = [chance.randint(1, 99) for _ in range(10)]
    return HEAD.format(clauses=clauses, p=prices, **ports)


def instant(ns):
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


def explained(path, questions):
    """(allowed, first pool or None, its clause or the refusal's) of each (ns, product, model)."""
    text = "".join(f"{instant(ns)}\t{product}\t{model}\t-\t-\n" for ns, product, model in questions)
    out = subprocess.run([str(OFFTAKE), "explain", str(path), "--batch"], input=text, text=True,
                         capture_output=True, check=True).stdout
    answers = []
    for line in out.splitlines():
        verdict, eligible, _, refusal = line.split("\t")
        if verdict == "allow":
            pool, _, clause = eligible.split(" ")[0].split(":")
            answers.append((True, pool, clause))
        else:
            answers.append((False, None, refusal))
    return answers


def wrong_decisions(stack, answers, path_of):
    """Holds each answer against `offtake explain` of the deal of its record's generation (PATH_OF), at its
    record's instant."""
    by_id = settlements(stack)
    by_path = {}
    for answer in answers:
        record = by_id.get(answer.request_id)
        assert record is not None, f"{answer.request_id} is in no spool"
        by_path.setdefault(path_of(record.generation), []).append((answer, record))
    wrong = []
    for path, pairs in by_path.items():
        questions = [(record.admitted_ns, answer.product, answer.model) for answer, record in pairs]
        for (answer, record), (allowed, pool, clause) in zip(pairs, explained(path, questions)):
            good = (answer.status, answer.pool, answer.clause) == (200, pool, clause) if allowed else (
                answer.status == 403 and answer.clause == clause)
            if not good or record.generation < answer.known:
                wrong.append((answer.request_id, answer.status, answer.pool, answer.clause, record.generation,
                              answer.known, allowed, pool, clause))
    return wrong


def call_api(stack, method, path):
    connection = UnixConnection(stack.data / "admin.sock")
    connection.request(method, path)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    assert answer.status == 200, body
    return body


def test_policies_swapped_under_load_make_no_wrong_decision_and_drop_nothing(make_stack, tmp_path):
    swaps = 10_000 if FULL else 250
    chance = random.Random(SEED)
    stack = make_stack(start=False)
    deals = [random_deal(chance, stack.ports) for _ in range(16)]
    paths = []
    for number, text in enumerate(deals):
        paths.append(tmp_path / f"{number}.deal")
        paths[-1].write_text(text)
    stack.write_deal(deals[0])
    stack.start()
    keys = {product: stack.key("acme", product) for product in ("api", "chat")}
    deal_of = [(1, 0)]  # from this generation on, this deal
    began = time.monotonic()
    with Traffic(stack, keys, clients=4, seed=SEED) as traffic:
        wait_for(lambda: len(traffic.answers) >= 50, what="traffic")
        for _ in range(swaps):
            number = chance.randrange(len(deals))
            stack.write_deal(deals[number])
            generation = call_api(stack, "POST", "/v1/reload")["generation"]
            deal_of.append((generation, number))
            traffic.known = generation
    seconds = time.monotonic() - began
    stack.drain()

    # Between two reloads the daemon may publish the same deal again by itself.
    def path_of(generation):
        low, high = 0, len(deal_of)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if deal_of[middle][0] <= generation else (low, middle)
        return paths[deal_of[low][1]]
    assert not traffic.failures, traffic.failures[:3]
    assert all(answer.whole for answer in traffic.answers)
    wrong = wrong_decisions(stack, traffic.answers, path_of)
    assert not wrong, (len(wrong), wrong[:3])
    used = {settlement.generation for settlement in settlements(stack).values()}
    refused = sum(answer.status == 403 for answer in traffic.answers)
    print(f"\n{swaps} swaps in {seconds:.1f} s, {len(traffic.answers)} requests under {len(used)} generations, "
          f"{refused} refused by a clause, 0 wrong, 0 failed")
    assert refused > 0
    assert len(used) > min(swaps, len(traffic.answers)) / 10
    assert stack.cli("ledger", "verify").returncode == 0


def test_effective_dates_crossed_under_load_misroute_nothing(make_stack, tmp_path):
    dates = 30 if FULL else 5
    start = datetime.datetime(2026, 4, 26, 23, 59, 50, tzinfo=datetime.timezone.utc)
    # From one second to the next, api belongs to the other provider, by an agreement of its own.
    first = start + datetime.timedelta(seconds=6)
    edges = [first + datetime.timedelta(seconds=n) for n in range(dates + 1)]
    text = [edge.strftime("%Y-%m-%dT%H:%M:%SZ") for edge in edges]
    clauses = agreement("a0", "2020-01-01", "exclusive api on alpha", text[0])
    for number in range(dates):
        clauses += agreement(f"b{number}", text[number],
                             f"exclusive api on {'beta' if number % 2 == 0 else 'alpha'}", text[number + 1])
    stack = make_stack(start=False, serve_args=["--rehearse-at", start.strftime("%Y-%m-%dT%H:%M:%SZ")])
    stack.write_deal(HEAD.format(clauses=clauses, p=[2, 2, 2, 2, 3, 3, 4, 4, 4, 4], **stack.ports))
    stack.start()
    keys = {product: stack.key("acme", product) for product in ("api", "chat")}
    last = int((edges[-1] + datetime.timedelta(seconds=1)).timestamp()) * 10**9
    with Traffic(stack, keys, clients=4, seed=SEED) as traffic:
        def crossed():
            now = json.loads(stack.cli("status", "--json").stdout)["contract_now"]
            return datetime.datetime.fromisoformat(now[:19] + "+00:00").timestamp() * 10**9 >= last
        wait_for(crossed, seconds=dates + 30, what="the dates to be over")
    stack.drain()
    assert not traffic.failures, traffic.failures[:3]
    wrong = wrong_decisions(stack, traffic.answers, lambda generation: stack.deal_path)
    assert not wrong, (len(wrong), wrong[:3])
    by_id = settlements(stack)
    regimes = {sum(by_id[a.request_id].admitted_ns >= int(e.timestamp()) * 10**9 for e in edges)
               for a in traffic.answers if a.product == "api"}
    assert len(regimes) == dates + 2, regimes
    nearest = min(abs(by_id[a.request_id].admitted_ns - int(e.timestamp()) * 10**9)
                  for a in traffic.answers for e in edges)
    print(f"\n{dates + 1} dates crossed, {len(traffic.answers)} requests, the nearest {nearest / 1e6:.3f} ms from "
          "its date, 0 misrouted")


def test_a_storm_of_kills_leaves_exact_books(make_stack):
    kills = 200 if FULL else 24
    chance = random.Random(SEED)
    stack = make_stack()
    keys = {"api": stack.key("acme", "api"), "chat": stack.key("globex", "chat")}
    killed = {"worker": 0, "daemon": 0, "master": 0}
    with Traffic(stack, keys, clients=6, stream=0.5, seed=SEED) as traffic:
        done = 0
        while sum(killed.values()) < kills:
            done = len(traffic.answers)
            wait_for(lambda: len(traffic.answers) >= done + chance.randint(3, 15), seconds=60, what="traffic")
            what = chance.choice(["worker", "worker", "daemon", "daemon and workers", "all"])
            if "worker" in what or what == "all":
                master = stack.master_pid()
                victims = stack.worker_pids() + ([master] if what == "all" and master else [])
                for pid in victims:
                    try:
                        os.kill(pid, signal.SIGKILL)
                        killed["master" if pid == master else "worker"] += 1
                    except OSError:
                        pass
            if "daemon" in what or what == "all":
                stack.process.kill()
                stack.process.wait()
                killed["daemon"] += 1
                stack.start_daemon()
    def at_rest():
        counts = [s.counts() for s in stack.simulators.values()]
        stack.drain()
        return counts == [s.counts() for s in stack.simulators.values()]
    wait_for(at_rest, what="providers at rest")
    wait_for(lambda: json.loads(stack.cli("status", "--json").stdout)["open_intents"] == 0,
             seconds=60, what="orphaned intents to be settled")
    status = json.loads(stack.cli("status", "--json").stdout)
    assert status["settled_twice"] == status["settled_otherwise"] == status["unreadable"] == 0
    assert status["corrupt"] == 0 and status["unrated"] == 0
    found = records(stack)
    by_id = settlements(stack)
    answered = [a for a in traffic.answers if a.status == 200 and a.whole]
    missing = [a.request_id for a in answered if a.request_id not in by_id]
    assert not missing, f"{len(missing)} answered requests have no settlement: {missing[:3]}"
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    totals = {}
    for row in usage:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + row["requests"]
    # Each request that has a record is once in the books: settled, or as an intent whose worker died.
    assert sum(totals.values()) == len({r.request_id for r in found}), totals
    assert totals.get("unsettled", 0) == len({r.request_id for r in found} - set(by_id))
    served = [r for r in by_id.values() if 200 <= r.status < 300 or r.status == 499]
    assert totals.get("served", 0) + totals.get("served-estimated", 0) >= len(answered)
    for answer in chance.sample(answered, min(25, len(answered))):
        trace = stack.cli("trace", answer.request_id, "--json", check=False)
        assert trace.returncode == 0, (answer.request_id, trace.stdout[:500], trace.stderr)
    assert stack.cli("ledger", "verify").returncode == 0
    print(f"\n{sum(killed.values())} kills {killed}, {traffic.sent} requests sent, {len(answered)} answered whole, "
          f"{len(served)} settled as served, {totals.get('unsettled', 0)} settled by the orphan rule, books {totals}")


def smaps_kb(pid, spool):
    """Resident kilobytes of a process without the spool, whose pages belong to the file; and private ones."""
    resident = private = 0
    of_spool = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            of_spool = spool in line
        elif not of_spool and line.startswith("Rss:"):
            resident += int(line.split()[1])
        elif not of_spool and line.startswith("Private_Dirty:"):
            private += int(line.split()[1])
    return resident, private


def test_memory_is_flat(make_stack):
    first, last = (100_000, 1_000_000) if FULL else (20_000, 80_000)
    stack = make_stack()
    environment = {**os.environ, "LOAD_KEY": stack.key("acme", "api")}

    def load(count):
        """Until the gateway has served COUNT requests, every second one a stream."""
        done, turn = 0, 0
        while done < count:
            out = subprocess.run(
                [str(BUILD / "tools" / "load" / "offtake-bench-load"), "--port", str(stack.ports["listen"]),
                 "--path", "/v1/chat/completions", "--key-env", "LOAD_KEY", "--connections", "16",
                 "--seconds", "5" if FULL else "2", *(["--stream"] if turn % 2 else [])],
                env=environment, capture_output=True, text=True)
            assert out.returncode == 0, out.stdout + out.stderr
            done += json.loads(out.stdout)["requests"]
            turn += 1
        return done
    workers = stack.worker_pids()
    served = load(first)
    before = [smaps_kb(pid, str(stack.data / "spool")) for pid in workers]
    served_before = served
    served += load(last - first)
    after = [smaps_kb(pid, str(stack.data / "spool")) for pid in workers]
    assert stack.worker_pids() == workers
    print(f"\nworkers' resident kB (without the spool's pages), after {served_before} and {served} requests: "
          f"{[b[0] for b in before]} and {[a[0] for a in after]}; private dirty kB: {[b[1] for b in before]} and "
          f"{[a[1] for a in after]}")
    for (was, _), (now, _) in zip(before, after):
        # A short run has not warmed every worker up: a megabyte more is no growth.
        assert now <= was * 1.05 + (0 if FULL else 1024), (before, after)
