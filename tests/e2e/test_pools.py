# SPDX-License-Identifier: Apache-2.0
"""Which of the allowed pools a request takes: reserved first, then by price, then the least loaded; and how a
pool that fails is spared, tried again and brought back."""

import collections
import concurrent.futures
import http.server
import os
import signal
import threading
import time

from stack import chat, wait_for

DEAL = """\
deal "Test lab"
customer lab
currency USD
party    bigcloud "Big Cloud"
provider alpha of bigcloud
model    gpt-4o
account  acme "ACME"
product  api "API" class inference {
    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens
}
product  eu "EU" class inference {
    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens
}
agreement bc with bigcloud {
    effective 2020-01-01 until 2035-01-01
    home: residency product eu only in eu-north
}
POOLS
"""

POOL = """\
pool NAME on alpha {
    region REGION
    serves gpt-4o at http://127.0.0.1:PORT/v1 kind openai key env KEY
    price gpt-4o input PRICE USD per 1M tokens output PRICE USD per 1M tokens
    MORE
}
"""


def stack_of(make_stack, latency=None, regions=None, prices=None, more=None, workers=2, start=True):
    """Pools east, west and south, of equal price unless PRICES says otherwise."""
    stack = make_stack(start=False, serve_args=["--workers", str(workers)])
    pools = ""
    for name in ("east", "west", "south"):
        text = POOL.replace("NAME", name).replace("PORT", str(stack.ports[name]))
        text = text.replace("KEY", f"{name.upper()}_KEY")
        text = text.replace("REGION", (regions or {}).get(name, "us-east"))
        text = text.replace("PRICE", (prices or {}).get(name, "1.00"))
        pools += text.replace("MORE", (more or {}).get(name, ""))
    stack.deal_text = DEAL.replace("POOLS", pools)
    stack.write_deal()
    for name, milliseconds in (latency or {}).items():
        stack.simulators[name].arguments += ["--latency-ms", str(milliseconds)]
    return stack.start() if start else stack


def pool_of(answer):
    status, headers, body = answer
    assert status == 200, body
    return {k.lower(): v for k, v in headers.items()}["x-offtake-pool"]


def pools_of(stack, key, count, threads=1):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return collections.Counter(pool.map(lambda _: pool_of(chat(stack, key)), range(count)))


# ---- load ------------------------------------------------------------------------------------------


def test_pools_of_one_price_share_what_comes_at_once(make_stack):
    stack = stack_of(make_stack, latency={"east": 50, "west": 50, "south": 50})
    taken = pools_of(stack, stack.key("acme", "api"), 120, threads=24)
    assert set(taken) == {"east", "west", "south"}
    assert min(taken.values()) >= 20, taken


def test_of_pools_of_one_price_the_slow_one_gets_fewer(make_stack):
    stack = stack_of(make_stack, latency={"east": 300, "west": 20, "south": 20})
    taken = pools_of(stack, stack.key("acme", "api"), 150, threads=8)
    assert taken["east"] * 3 < taken["west"] and taken["east"] * 3 < taken["south"], taken


def test_price_comes_before_load(make_stack):
    stack = stack_of(make_stack, prices={"east": "0.99"}, latency={"east": 50})
    assert pools_of(stack, stack.key("acme", "api"), 40, threads=16) == {"east": 40}


def test_reserved_capacity_comes_first_and_only_what_it_refuses_goes_on(make_stack):
    stack = stack_of(make_stack, prices={"west": "0.50"}, more={"east": "reserved"})
    key = stack.key("acme", "api")
    assert pools_of(stack, key, 10) == {"east": 10}
    stack.simulators["east"].fault("429-ms", 1)  # Retry-After: 250 ms
    assert pool_of(chat(stack, key)) == "west"
    wait_for(lambda: pool_of(chat(stack, key)) == "east", what="reserved capacity again")


# ---- the breaker -----------------------------------------------------------------------------------


def test_retry_after_is_honoured(make_stack):
    stack = stack_of(make_stack, prices={"east": "0.50", "west": "0.60"})
    key = stack.key("acme", "api")
    assert pool_of(chat(stack, key)) == "east"
    stack.simulators["east"].fault("429=2", 1)
    began = time.monotonic()
    assert pool_of(chat(stack, key)) == "west"
    served = stack.simulators["east"].counts()["served"]
    wait_for(lambda: pool_of(chat(stack, key)) == "east", what="east again")
    assert time.monotonic() - began >= 1.9
    assert served == 1


def test_failures_in_a_row_open_the_breaker_and_one_alone_does_not(make_stack):
    stack = stack_of(make_stack, prices={"east": "0.50", "west": "0.60"}, workers=1)
    key = stack.key("acme", "api")
    stack.simulators["east"].fault("500", 1)
    assert pool_of(chat(stack, key)) == "west"
    assert pool_of(chat(stack, key)) == "east"  # one failure spares nothing
    stack.simulators["east"].fault("500", 5)
    assert pools_of(stack, key, 5) == {"west": 5}
    asked = stack.simulators["east"].counts()["faults"]
    assert pools_of(stack, key, 5) == {"west": 5}
    assert stack.simulators["east"].counts()["faults"] == asked  # nobody asked it meanwhile
    wait_for(lambda: pool_of(chat(stack, key)) == "east", what="east again")


def test_a_pool_that_was_down_is_tried_by_one_request_and_comes_back_by_parts(make_stack):
    stack = stack_of(make_stack, prices={"east": "0.50", "west": "0.60"})
    key = stack.key("acme", "api")
    stack.simulators["east"].stop()
    assert pool_of(chat(stack, key)) == "west"
    stack.simulators["east"].arguments += ["--latency-ms", "300"]
    stack.simulators["east"].start()
    wait_for(lambda: pools_of(stack, key, 24, threads=24)["east"], what="the probe")
    # The probe alone reached it, however many came at once.
    assert stack.simulators["east"].counts()["completed"] == 1
    taken = pools_of(stack, key, 60, threads=4)
    assert 0 < taken["east"] < 50, taken
    wait_for(lambda: pools_of(stack, key, 20, threads=10) == {"east": 20}, what="all of it again")


def test_when_every_pool_is_down_the_answer_says_when_to_come_again(make_stack):
    stack = stack_of(make_stack)
    key = stack.key("acme", "api")
    for simulator in stack.simulators.values():
        simulator.fault("503", 1)
    chat(stack, key)
    status, headers, body = chat(stack, key)
    assert status == 503 and b"pools_down" in body
    assert 1 <= int({k.lower(): v for k, v in headers.items()}["retry-after"]) <= 300


def test_a_worker_killed_with_requests_running_leaves_no_load_behind(make_stack):
    stack = stack_of(make_stack, workers=1)
    key = stack.key("acme", "api")
    pools_of(stack, key, 9)
    for simulator in stack.simulators.values():
        simulator.fault("hang", 3)

    def ask():
        try:
            chat(stack, key)
        except OSError:
            pass

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(s.counts()["faults"] for s in stack.simulators.values()) == 3,
             what="three to hang")
    for pid in stack.worker_pids():
        os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    for simulator in stack.simulators.values():  # and none hangs any more
        simulator.stop()
        simulator.start()

    def shared():
        try:
            return set(pools_of(stack, key, 30, threads=6)) == {"east", "west", "south"}
        except (AssertionError, OSError):
            return False

    wait_for(shared, what="all three pools in use")


# ---- what failover never crosses -------------------------------------------------------------------


def test_failover_never_leaves_the_region_that_the_contract_asks_for(make_stack):
    stack = stack_of(make_stack, regions={"south": "eu-north"}, prices={"east": "0.10"})
    key = stack.key("acme", "eu")
    assert pools_of(stack, key, 5) == {"south": 5}
    stack.simulators["south"].stop()
    for _ in range(5):
        assert chat(stack, key)[0] == 503
    assert sum(stack.simulators[name].counts()["served"] for name in ("east", "west")) == 0
    stack.simulators["south"].start()
    wait_for(lambda: chat(stack, key)[0] == 200, what="south again")


# ---- health checks ---------------------------------------------------------------------------------


class Health:
    """An address that answers with a status that the test sets; it counts who asks."""

    def __init__(self):
        self.status, self.asked = 200, 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.asked += 1
                assert "authorization" not in self.headers
                self.send_response(owner.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def line(self):
        return f"health at http://127.0.0.1:{self.server.server_port}/health every 1s"


def test_a_pool_whose_health_fails_is_out_until_it_is_well_though_nobody_asked_it(make_stack):
    health = Health()
    stack = stack_of(make_stack, prices={"east": "0.50", "west": "0.60"}, more={"east": health.line})
    key = stack.key("acme", "api")
    wait_for(lambda: health.asked >= 1, what="the first check")
    assert pools_of(stack, key, 5) == {"east": 5}
    health.status = 503
    wait_for(lambda: pool_of(chat(stack, key)) == "west", what="the check to fail twice")
    assert pools_of(stack, key, 10) == {"west": 10}
    health.status = 404  # it answers: that is enough
    wait_for(lambda: pool_of(chat(stack, key)) == "east", what="east again")
    # A deal without the line forgets what was heard.
    health.status = 500
    wait_for(lambda: pool_of(chat(stack, key)) == "west", what="the check to fail again")
    stack.write_deal(stack.deal_text.replace(health.line, ""))
    stack.cli("reload")
    wait_for(lambda: pools_of(stack, key, 10) == {"east": 10}, what="east without checks")
    asked = health.asked
    wait_for(lambda: pools_of(stack, key, 20) == {"east": 20}, what="all of it in east")
    assert health.asked == asked


def test_when_the_only_pool_is_out_by_its_health_the_answer_is_503(make_stack):
    health = Health()
    stack = stack_of(make_stack, regions={"south": "eu-north"}, more={"south": health.line})
    key = stack.key("acme", "eu")
    health.status = 500
    wait_for(lambda: chat(stack, key)[0] == 503, what="the check to fail")
    health.status = 200
    wait_for(lambda: chat(stack, key)[0] == 200, what="south again")
