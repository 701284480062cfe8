# SPDX-License-Identifier: Apache-2.0
"""Several keys a pool: the next one of the same pool before another pool, each with its own cool-down;
and no key of one pool ever at another."""

import json
import re
import threading

import pytest

from recorder import Recorder
from stack import http as ask
from stack import wait_for

DEAL = """\
deal "Keys"
customer lab
currency USD
party    cloud "Cloud"
provider any of cloud
model    m
model    own
account  acme "ACME"
product  api "API" class inference {{
    price * input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens
}}
pool first on any {{
    keys env K1, env K2, file "{file}"
    serves m   at http://127.0.0.1:{first}/v1 kind openai
    serves own at http://127.0.0.1:{first}/v1 kind openai key env OWN
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool second on any {{
    serves m at http://127.0.0.1:{second}/v1 kind openai key env S1 key env S2
    price * input 2.00 USD per 1M tokens output 2.00 USD per 1M tokens
}}
"""

SECRETS = {"K1": "first-one", "K2": "first-two", "S1": "second-one", "S2": "second-two", "OWN": "first-own"}
FIRST = ["first-one", "first-two", "first-three"]


class Lab:
    def __init__(self, make_stack, tmp_path):
        self.first, self.second = Recorder(), Recorder()
        self.file = tmp_path / "third"
        self.file.write_text("first-three\n")
        tmp_path.chmod(0o755)
        self.stack = make_stack(simulators=False, environment=SECRETS, deal=DEAL.format(
            file=self.file, first=self.first.port, second=self.second.port))
        self.key = self.stack.key("acme", "api")
        self.bad = {}  # by provider's key: (status, headers)
        for recorder in (self.first, self.second):
            recorder.rule(self.judge)

    def judge(self, seen):
        answer = self.bad.get(seen.headers["authorization"].removeprefix("Bearer "))
        return answer and (answer[0], answer[1], {"error": {"message": "no"}})

    def ask(self, model="m"):
        return ask("POST", self.stack.url + "/v1/chat/completions", {"model": model}, self.key)

    def keys(self, recorder):
        return [seen.headers["authorization"].removeprefix("Bearer ") for seen in recorder.seen]

    def forget(self):
        self.first.seen.clear()
        self.second.seen.clear()


@pytest.fixture
def lab(make_stack, tmp_path):
    made = Lab(make_stack, tmp_path)
    yield made
    made.first.stop()
    made.second.stop()


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_the_next_key_of_the_same_pool_is_tried_before_another_pool(lab, status):
    lab.bad["first-one"] = (status, {})
    answer, headers, _ = lab.ask()
    assert (answer, headers["x-offtake-pool"]) == (200, "first")
    assert lab.keys(lab.first) == ["first-one", "first-two"] and not lab.second.seen
    # It cools down: the next request does not try it.
    lab.forget()
    assert lab.ask()[0] == 200
    assert lab.keys(lab.first) == ["first-two"]


def test_all_keys_refused_another_pool_answers_and_then_the_first_is_passed_over(lab):
    for key in FIRST:
        lab.bad[key] = (401, {})
    status, headers, _ = lab.ask()
    assert (status, headers["x-offtake-pool"]) == (200, "second")
    assert lab.keys(lab.first) == FIRST and lab.keys(lab.second) == ["second-one"]
    lab.forget()
    assert lab.ask()[1]["x-offtake-pool"] == "second"
    assert not lab.first.seen


def test_the_first_key_is_used_again_when_its_pause_is_over(lab):
    lab.bad["first-one"] = (429, {"retry-after": "1"})
    assert lab.ask()[0] == 200
    lab.bad.clear()

    def back():
        lab.forget()
        return lab.ask()[0] == 200 and lab.keys(lab.first) == ["first-one"]
    wait_for(back, what="the first key")


def test_the_last_throttling_answer_is_passed_on_when_every_key_of_every_pool_is_throttled(lab):
    for key in (*FIRST, "second-one", "second-two"):
        lab.bad[key] = (429, {"retry-after": "7"})
    status, headers, _ = lab.ask()
    assert status == 429 and headers["retry-after"] == "7"
    assert lab.keys(lab.first) == FIRST and lab.keys(lab.second) == ["second-one", "second-two"]
    lab.forget()
    status, headers, body = lab.ask()
    assert status == 503 and json.loads(body)["error"]["code"] == "pools_down"
    assert 1 <= int(headers["Retry-After"]) <= 7
    assert not lab.first.seen and not lab.second.seen


def test_a_refused_credential_never_reaches_the_client_as_its_own(lab):
    for key in (*FIRST, "second-one", "second-two"):
        lab.bad[key] = (401, {})
    status, _, body = lab.ask()
    assert status == 502 and json.loads(body)["error"]["code"] == "provider_unavailable"


def test_other_errors_say_nothing_of_the_key(lab):
    lab.bad["first-one"] = (400, {})
    assert lab.ask()[0] == 400
    lab.bad["first-one"] = (500, {})
    status, headers, _ = lab.ask()
    assert (status, headers["x-offtake-pool"]) == (200, "second")
    assert lab.keys(lab.first) == ["first-one", "first-one"]
    lab.bad.clear()
    lab.forget()
    assert lab.ask()[0] == 200 and lab.keys(lab.first) == ["first-one"]


def test_an_endpoints_own_key_is_used_in_place_of_its_pools(lab):
    assert lab.ask("own")[0] == 200
    assert lab.keys(lab.first) == ["first-own"]


def test_a_renewed_secret_is_tried_at_once(lab):
    for key in FIRST:
        lab.bad[key] = (403, {})
    assert lab.ask()[1]["x-offtake-pool"] == "second"
    lab.file.write_text("first-renewed\n")

    def renewed():
        lab.forget()
        return lab.ask()[0] == 200 and lab.keys(lab.first)[-1:] == ["first-renewed"]
    wait_for(renewed, what="the renewed key")


def test_a_cool_down_holds_for_every_worker_and_over_a_reload(lab):
    lab.bad["first-one"] = (401, {})
    assert lab.ask()[0] == 200
    lab.bad.clear()
    lab.forget()
    for _ in range(40):  # connections land on every worker
        assert lab.ask()[0] == 200
    assert set(lab.keys(lab.first)) == {"first-two"}


def test_no_key_of_a_pool_ever_reaches_another(lab):
    """A refused connection, a refused key and a failing pool, all at once and by many clients."""
    flip = threading.Event()
    lab.first.rule(lambda seen: (500, {}, {}) if flip.is_set() else None)
    errors = []

    def client(number):
        for turn in range(25):
            if number == 0:
                (flip.set if turn % 2 else flip.clear)()
                lab.bad["first-one"] = (429, {"retry-after": "1"}) if turn % 3 else None
                lab.bad["second-one"] = (401, {}) if turn % 5 == 0 else None
            status, _, _ = lab.ask()
            if status not in (200, 429, 500, 502, 503):
                errors.append(status)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert set(lab.keys(lab.first)) <= set(FIRST)
    assert set(lab.keys(lab.second)) <= {"second-one", "second-two"}
    assert lab.second.seen and lab.first.seen
    for recorder, foreign in ((lab.first, b"second-"), (lab.second, b"first-")):
        for seen in recorder.seen:
            assert foreign not in repr(seen.headers).encode() + seen.body


def test_a_refused_connection_sends_no_key_elsewhere(make_stack, tmp_path):
    lab = Lab(make_stack, tmp_path)
    lab.first.stop()
    status, headers, _ = lab.ask()
    assert (status, headers["x-offtake-pool"]) == (200, "second")
    assert lab.keys(lab.second) == ["second-one"]
    lab.second.stop()


def test_a_request_over_many_keys_leaves_one_record(lab):
    for key in (*FIRST, "second-one"):
        lab.bad[key] = (429, {})
    assert lab.ask()[0] == 200
    wait_for(lambda: lab.stack.drain() and lab.stack.json("status")["settled"] == 1, what="a settlement")
    assert lab.stack.json("status")["open_intents"] == 0


def test_secrets_stay_out_of_logs_and_snapshots(lab):
    lab.bad["first-one"] = (401, {})
    assert lab.ask()[0] == 200
    text = lab.stack.log_path.read_bytes() + (lab.stack.data / "run" / "policy.snap").read_bytes()
    assert not re.search(rb"(first|second)-(one|two|three|own)", text)
    modes = {p.stat().st_mode & 0o777 for p in (lab.stack.data / "run").glob("secrets-*")}
    assert modes == {0o640}
