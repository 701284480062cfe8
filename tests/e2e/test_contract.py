# SPDX-License-Identifier: Apache-2.0
"""Clauses on real traffic: where it may run, what failover may cross, what a new deal changes."""

import json
import signal
import threading

import pytest

from stack import DEAL, chat, http, wait_for


def lower(headers):
    return {k.lower(): v for k, v in headers.items()}


def served(stack, name):
    return stack.simulators[name].counts()["served"]


def test_when_every_allowed_pool_is_down_the_answer_is_503_and_nobody_else_is_asked(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.simulators["east"].stop()
    stack.simulators["west"].stop()
    for _ in range(5):
        status, headers, body = chat(stack, key)
        assert status == 503
        assert int(lower(headers)["retry-after"]) >= 1
        assert json.loads(body)["error"]["message"]
    assert served(stack, "south") == 0


def test_failover_goes_to_the_next_allowed_pool_with_that_pools_own_key(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.simulators["east"].stop()  # its connect is refused
    status, headers, _ = chat(stack, key)
    assert (status, lower(headers)["x-offtake-pool"]) == (200, "west")
    # The simulator checks its own key: a leaked one would have been 401 and counted as refused.
    counts = stack.simulators["west"].counts()
    assert counts["served"] == 1
    assert served(stack, "south") == 0


@pytest.mark.parametrize("fault", ["429", "500", "503", "529", "reset"])
def test_a_fault_before_the_first_byte_fails_over_within_the_clause(make_stack, fault):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.simulators["east"].fault(fault, count=1)
    status, headers, _ = chat(stack, key)
    if fault == "reset":  # the request was sent: it may have been billed, so it is not repeated
        assert status in (200, 502)
    else:
        assert (status, lower(headers)["x-offtake-pool"]) == (200, "west")
    assert served(stack, "south") == 0


def test_a_product_with_no_legal_pool_is_403_and_the_answer_names_the_clause(make_stack):
    # "chat" becomes exclusive to beta, where no pool serves embed; api is exclusive to alpha.
    stack = make_stack(more="", east_extra="")
    key = stack.key("acme", "api")
    text = DEAL.format(**stack.ports, **stack.deal_parts).replace(
        "only:   exclusive api on alpha", "only:   exclusive api on beta")
    stack.write_deal(text)
    assert stack.cli("reload").returncode == 0
    status, _, body = http(
        "POST", stack.url + "/v1/embeddings", {"model": "embed", "input": "x"}, key)
    error = json.loads(body)["error"]
    assert status == 403
    assert "bc.only" in json.dumps(error)
    assert served(stack, "east") == 0


def test_a_deal_with_an_error_leaves_the_policy_in_force_and_says_so(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.write_deal(DEAL.format(**stack.ports, **stack.deal_parts).replace(
        "exclusive api on alpha", "exclusive api on nowhere"))
    result = stack.cli("reload", check=False)
    assert result.returncode == 1
    assert "nowhere" in result.stdout + result.stderr
    assert "lab.deal:" in result.stdout + result.stderr
    status, headers, _ = chat(stack, key)
    assert (status, lower(headers)["x-offtake-clause"]) == (200, "bc.only")


def test_sighup_compiles_a_changed_deal(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    before = json.loads(stack.cli("status", "--json").stdout)["generation"]
    stack.write_deal(DEAL.format(**stack.ports, **stack.deal_parts).replace(
        "only:   exclusive api on alpha", "sole:   exclusive api on alpha"))
    stack.process.send_signal(signal.SIGHUP)
    wait_for(lambda: json.loads(stack.cli("status", "--json").stdout)["generation"] > before,
             what="a new generation")
    wait_for(lambda: lower(chat(stack, key)[1])["x-offtake-clause"] == "bc.sole",
             what="the new clause")


def test_serve_refuses_to_start_on_a_deal_with_errors(make_stack):
    stack = make_stack(start=False, simulators=False)
    stack.write_deal(DEAL.format(**stack.ports, **stack.deal_parts).replace("on beta", "on bota"))
    stack.start_daemon(wait=False)
    assert stack.process.wait(20) == 1
    assert "lab.deal:" in stack.log_tail() and "bota" in stack.log_tail()


def test_policy_changes_under_load_drop_nothing_and_are_never_mixed(make_stack):
    """Forty reloads between two deals, while requests run. Each answer's clause must be one of the two,
    and no request may fail."""
    stack = make_stack()
    key = stack.key("acme", "api")
    # The second deal moves every index and every string of the snapshot.
    texts = [DEAL.format(**stack.ports, **stack.deal_parts),
             DEAL.format(**stack.ports, **stack.deal_parts).replace("only: ", "sole: ").replace(
                 "model    gpt-4o\n", "model    " + "a" * 60 + "\nmodel    gpt-4o\n").replace(
                 'account  acme   "ACME"', 'account  aaa "First"\naccount  acme "ACME"')]
    stop = threading.Event()
    seen, wrong = set(), []

    def load():
        while not stop.is_set():
            status, headers, body = chat(stack, key, max_tokens=3)
            clause = lower(headers).get("x-offtake-clause")
            seen.add(clause)
            if status != 200 or clause not in ("bc.only", "bc.sole"):
                wrong.append((status, clause, body[:200]))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for round_number in range(40):
        stack.write_deal(texts[round_number % 2])
        stack.cli("reload")
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]
    assert seen == {"bc.only", "bc.sole"}
    assert served(stack, "south") == 0


def test_an_effective_date_crossed_under_load_misroutes_nothing(make_stack):
    """api is exclusive to alpha until midnight, then free; beta is cheaper and wins once it may.
    The clock is rehearsed to cross midnight a few seconds after the start."""
    stack = make_stack(start=False, serve_args=["--rehearse-at", "2029-12-31T23:59:54Z"])
    text = DEAL.format(**stack.ports, **stack.deal_parts)
    text = text.replace("effective 2020-01-01  until 2035-01-01", "effective 2020-01-01  until 2030-01-01")
    text = text.replace("over 2020-01-01..2035-01-01", "over 2020-01-01..2021-01-01")
    stack.write_deal(text)
    stack.start()
    key = stack.key("acme", "api")
    pools = []

    def crossed():
        status, headers, _ = chat(stack, key, max_tokens=2)
        assert status == 200
        pools.append(lower(headers)["x-offtake-pool"])
        return pools[-20:] == ["south"] * 20

    wait_for(crossed, seconds=30, what="midnight")
    assert pools[0] == "east"
    first_south = pools.index("south")
    assert all(p == "east" for p in pools[:first_south])
    assert all(p == "south" for p in pools[first_south:])
    stack.drain()
    usage = json.loads(stack.cli("usage", "--json").stdout)
    text = json.dumps(usage)
    assert "bc.only" in text and "south" in text
    assert stack.cli("ledger", "verify").returncode == 0


def test_traffic_goes_on_while_the_control_plane_is_down(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.stop_daemon(signal.SIGKILL)
    for _ in range(20):
        assert chat(stack, key)[0] == 200
    stack.start_daemon()
    stack.drain()
    assert served(stack, "east") == 20
    usage = json.loads(stack.cli("usage", "--json").stdout)
    assert sum(r["requests"] for r in usage["usage"] if r["outcome"] == "served") == 20
