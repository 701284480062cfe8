# SPDX-License-Identifier: Apache-2.0
"""Rates, concurrency, budgets and ceilings: no more is let through than they allow, by any worker, in
any order, after any crash."""

import collections
import concurrent.futures
import json
import os
import signal
import threading
import time

from stack import DEAL, chat, http, wait_for

WORKERS = ["--workers", "2"]

# A chat of 100 tokens in and 20 out costs 0.0009 USD under api; its promise is a little less of input
# (a quarter of the body's bytes) and the same output.
PRICE_OF_ONE = 100 * 5 * 10**3 + 20 * 20 * 10**3  # nanos


def deal(api="", acme="", globex="", south="", more=""):
    text = DEAL
    text = text.replace('account  acme   "ACME"\n', f'account  acme   "ACME" {{{{\n{acme}\n}}}}\n')
    text = text.replace('account  globex "Globex"\n', f'account  globex "Globex" {{{{\n{globex}\n}}}}\n')
    text = text.replace('product  api  "API"  class inference {{\n',
                        'product  api  "API"  class inference {{\n' + api + "\n")
    assert text.count("class inference") == 2
    return text, {"south_extra": south, "more": more}


def stack_of(make_stack, latency_ms=0, **parts):
    text, extras = deal(**parts)
    stack = make_stack(start=False, serve_args=WORKERS, **extras)
    stack.deal_text = text.format(**stack.ports, **stack.deal_parts)
    stack.write_deal()
    for simulator in stack.simulators.values():
        simulator.arguments += ["--latency-ms", str(latency_ms)]
    return stack.start()


def code_of(answer):
    return json.loads(answer[2])["error"]["code"]


def many(count, ask, threads=32):
    """COUNT requests at the same time; how many ended in which status."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda _: ask(), range(count)))


def key_json(stack, key_id):
    return next(k for k in stack.json("keys", "list")["keys"] if k["id"] == key_id)


def new_key(stack, *limits, account="acme", product="api"):
    made = stack.json("keys", "create", "--account", account, "--product", product, *limits)
    return made["id"], made["token"]


# ---- requests and tokens a minute ----------------------------------------------------------------


def test_of_many_requests_at_once_a_key_gets_through_as_many_as_a_minute_allows(make_stack):
    stack = stack_of(make_stack)
    _, token = new_key(stack, "--requests-per-minute", "20")
    answers = many(100, lambda: chat(stack, token))
    good = [a for a in answers if a[0] == 200]
    refused = [a for a in answers if a[0] == 429]
    # The minute goes on while they come in: one more every three seconds.
    assert 20 <= len(good) <= 23
    assert len(good) + len(refused) == 100
    assert {code_of(a) for a in refused} == {"requests_per_minute"}
    headers = {k.lower(): v for k, v in refused[0][1].items()}
    assert 1 <= int(headers["retry-after"]) <= 60


def test_a_limit_of_the_product_counts_all_of_its_keys_together(make_stack):
    stack = stack_of(make_stack, api="    limit 15 requests per minute")
    tokens = [new_key(stack, account=a)[1] for a in ("acme", "globex", "acme")]
    answers = many(60, lambda: chat(stack, tokens[threading.get_ident() % 3]))
    assert 15 <= sum(a[0] == 200 for a in answers) <= 17
    assert chat(stack, new_key(stack, product="chat")[1])[0] == 200


def test_tokens_a_minute_are_taken_by_promise_and_settled_by_use(make_stack):
    stack = stack_of(make_stack, acme="    limit 1000 tokens per minute")
    _, token = new_key(stack)
    # Its bytes promise 500 tokens of input and it is told to have 10: what was not used is given back.
    padded = "tokens:10 " + "x" * 2000
    assert [chat(stack, token, max_tokens=10, content=padded)[0] for _ in range(8)] == [200] * 8
    answer = chat(stack, token, max_tokens=2000)
    assert answer[0] == 400 and code_of(answer) == "request_too_large"
    used = many(40, lambda: chat(stack, token, max_tokens=100, content="tokens:50 hello"))
    # 1,000 and what a minute brings while they run, less the 160 of before; 150 each.
    assert 4 <= sum(a[0] == 200 for a in used) <= 7
    assert {code_of(a) for a in used if a[0] != 200} == {"tokens_per_minute"}


# ---- concurrency -----------------------------------------------------------------------------------


def test_more_requests_at_once_than_a_key_may_have_are_refused_and_places_come_back(make_stack):
    stack = stack_of(make_stack, latency_ms=400)
    _, token = new_key(stack, "--concurrent-requests", "3")
    began = time.monotonic()
    answers = many(24, lambda: chat(stack, token), threads=24)
    rounds = 1 + int((time.monotonic() - began) / 0.4)  # three in each 400 ms at most
    good = collections.Counter(a[0] for a in answers)[200]
    assert 3 <= good <= 3 * rounds
    assert good < 24 and all(a[0] in (200, 429) for a in answers)
    assert {code_of(a) for a in answers if a[0] == 429} == {"concurrent_requests"}
    for _ in range(5):  # one after the other there is always a place
        assert chat(stack, token)[0] == 200


def test_a_killed_workers_places_come_back(make_stack):
    stack = stack_of(make_stack)
    _, token = new_key(stack, "--concurrent-requests", "2")
    stack.simulators["east"].fault("hang", 2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(lambda: quiet(lambda: chat(stack, token))) for _ in range(2)]
        wait_for(lambda: stack.simulators["east"].counts()["faults"] == 2, what="both to run")
        assert chat(stack, token)[0] == 429
        for pid in stack.worker_pids():
            os.kill(pid, signal.SIGKILL)
        for one in waiting:
            one.result()
    wait_for(lambda: quiet(lambda: chat(stack, token)[0] == 200), what="a place")


def quiet(call):
    try:
        return call()
    except OSError:
        return None


# ---- budgets ---------------------------------------------------------------------------------------


def spend(stack, token):
    return chat(stack, token, content="tokens:8 hello", max_tokens=20)


# 8 tokens in, 20 out: below its promise, which counts a quarter of the body's bytes.
SMALL_NANOS = 8 * 5000 + 20 * 20000


def test_two_hundred_requests_at_once_do_not_overshoot_a_budget_by_a_nano(make_stack):
    stack = stack_of(make_stack)
    key_id, token = new_key(stack, "--budget-per-day", "0.0132")
    answers = many(200, lambda: spend(stack, token), threads=64)
    good = sum(a[0] == 200 for a in answers)
    assert {a[0] for a in answers} == {200, 429}
    assert {code_of(a) for a in answers if a[0] == 429} == {"budget_exceeded"}
    assert good * SMALL_NANOS <= 13_200_000
    # And nothing is held back for ever: one after the other goes as far as the promise allows.
    while spend(stack, token)[0] == 200:
        good += 1
    assert good * SMALL_NANOS <= 13_200_000 < (good + 2) * SMALL_NANOS
    assert sum(s.counts()["completed"] for s in stack.simulators.values()) == good
    assert key_json(stack, key_id)["limits"] == {"budget_per_day": "0.0132"}


def test_a_budget_goes_on_where_the_books_are_after_a_restart(make_stack):
    stack = stack_of(make_stack, acme="    budget 0.01 USD per month")
    _, token = new_key(stack)
    good = sum(spend(stack, token)[0] == 200 for _ in range(5))
    assert good == 5
    stack.stop_daemon()
    wait_for(lambda: not stack.worker_pids(), what="the workers to end")
    os.remove(stack.data / "run" / "limits")  # the books alone know
    stack.start_daemon()
    while spend(stack, token)[0] == 200:
        good += 1
    assert good * SMALL_NANOS <= 10_000_000 < (good + 2) * SMALL_NANOS


def test_kill_minus_nine_of_everything_neither_forgets_nor_doubles_what_was_spent(make_stack):
    stack = stack_of(make_stack)
    _, token = new_key(stack, "--budget-per-month", "0.01")
    good = 0
    for _ in range(3):
        good += sum(spend(stack, token)[0] == 200 for _ in range(4))
        master, workers = stack.master_pid(), stack.worker_pids()
        stack.process.kill()
        for pid in [master, *workers]:
            os.kill(pid, signal.SIGKILL)
        stack.process.wait()
        stack.start_daemon()
    while spend(stack, token)[0] == 200:
        good += 1
    assert good * SMALL_NANOS <= 10_000_000 < (good + 2) * SMALL_NANOS


def test_a_budget_lowered_while_requests_run_holds_at_once(make_stack):
    stack = stack_of(make_stack)
    key_id, token = new_key(stack, "--budget-per-day", "100")
    assert spend(stack, token)[0] == 200
    stack.cli("keys", "limit", key_id, "--budget-per-day", "0.0001")
    wait_for(lambda: spend(stack, token)[0] == 429, what="the new limit")
    stack.cli("keys", "limit", key_id)
    wait_for(lambda: spend(stack, token)[0] == 200, what="no limit")
    assert key_json(stack, key_id)["limits"] == {}


# ---- pools and ceilings ----------------------------------------------------------------------------


def test_what_a_pool_may_not_take_goes_to_the_next(make_stack):
    stack = stack_of(make_stack, south="    limit 5 requests per minute")
    _, token = new_key(stack, product="chat", account="globex")
    # South is the cheapest for chat once nothing binds to alpha; of 20 it takes 5.
    pools = collections.Counter()
    for _ in range(20):
        status, headers, _ = chat(stack, token)
        assert status == 200
        pools[{k.lower(): v for k, v in headers.items()}["x-offtake-pool"]] += 1
    assert pools["south"] <= 6


def test_a_ceiling_on_a_provider_is_never_overshot_and_tells_its_clause(make_stack):
    stack = stack_of(make_stack, more="""
agreement caps with bigcloud {
    effective 2020-01-01  until 2035-01-01
    cap: spend at most 0.005 USD per day on alpha
}
""")
    _, token = new_key(stack)
    answers = many(100, lambda: spend(stack, token), threads=32)
    refused = [a for a in answers if a[0] != 200]
    assert refused and {a[0] for a in refused} == {429}
    assert {code_of(a) for a in refused} == {"budget_exceeded"}
    good = len(answers) - len(refused)
    cost = 8 * 2500 + 20 * 10000  # of east, the cheaper one; west costs more
    assert good * cost <= 5_000_000
    assert "cap" in json.loads(refused[0][2])["error"]["message"]


# ---- keys ------------------------------------------------------------------------------------------


def test_a_rotated_key_keeps_its_id_its_limits_and_what_it_spent(make_stack):
    stack = stack_of(make_stack)
    key_id, token = new_key(stack, "--budget-per-day", "0.0022")
    assert [spend(stack, token)[0] for _ in range(2)] == [200, 200]
    new = stack.json("keys", "rotate", key_id, "--keep", "1h")
    assert new["id"] == key_id and new["token"] != token and new["former_token_until"]
    good = 2
    while wait_for(lambda: spend(stack, new["token"])[0], what="an answer") == 200:
        good += 1
    assert spend(stack, token)[0] == 429  # known still, and its budget is the same
    assert good * SMALL_NANOS <= 2_200_000
    assert http("GET", stack.url + "/v1/models", key=token)[0] == 200
    last = stack.json("keys", "rotate", key_id)
    wait_for(lambda: http("GET", stack.url + "/v1/models", key=new["token"])[0] == 401, what="its end")
    assert http("GET", stack.url + "/v1/models", key=token)[0] == 200  # an hour is not over
    assert http("GET", stack.url + "/v1/models", key=last["token"])[0] == 200
    stack.cli("keys", "revoke", key_id)
    for each in (token, last["token"]):
        wait_for(lambda: http("GET", stack.url + "/v1/models", key=each)[0] == 401, what="its end")


def test_a_token_of_before_ends_when_its_time_is_over(make_stack):
    stack = stack_of(make_stack)
    key_id, token = new_key(stack)
    stack.json("keys", "rotate", key_id, "--keep", "2s")
    assert http("GET", stack.url + "/v1/models", key=token)[0] == 200
    wait_for(lambda: http("GET", stack.url + "/v1/models", key=token)[0] == 401, what="its end")
    assert "former_token_until" not in key_json(stack, key_id)


def test_limits_that_cannot_be_are_refused_with_words(make_stack):
    stack = stack_of(make_stack)
    for wrong in (["--requests-per-minute", "0"], ["--budget-per-day", "ten"],
                  ["--tokens-per-minute", "many"]):
        result = stack.cli("keys", "create", "--account", "acme", "--product", "api", *wrong,
                           check=False)
        assert result.returncode == 2 and "limit" in result.stderr, result.stderr
    assert stack.json("keys", "list")["keys"] == []
