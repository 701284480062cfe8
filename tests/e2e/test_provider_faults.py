# SPDX-License-Identifier: Apache-2.0
"""Every fault of the simulated provider, in an answer of JSON and in a stream, at every position.

Each row tells what the client gets and what is recorded; every row asserts that the request left exactly one
settlement, that no pool was asked that the decision does not list, and that no worker died.
"""

import json
import os
import tempfile

import pytest

from records import (ABORTED, BAD_USAGE, CUT, ESTIMATED, MAYBE_BILLED, REFUSED, Answer, settled, write_openai_deal)
from stack import Stack, wait_for

TIMES = "timeout connect 1s first-byte 400ms read 400ms"
INPUT, OUTPUT = 100, 20


def expect(status, pool, clean=True, flags=0, tokens=None, error=None, attempts=1):
    """TOKENS: "exact", "none", "some" (estimated), or None when they do not matter."""
    return {"status": status, "pool": pool, "clean": clean, "flags": flags, "tokens": tokens, "error": error,
            "attempts": attempts}


FINE = expect(200, "east", tokens="exact")
NEXT = expect(200, "west", tokens="exact", attempts=2)
NEXT_MAYBE = expect(200, "west", flags=MAYBE_BILLED, tokens="exact", attempts=2)
BROKEN = expect(502, "east", flags=MAYBE_BILLED, tokens="none", error="provider_unavailable")
SILENT = expect(504, "east", flags=MAYBE_BILLED, tokens="none", error="provider_unavailable")
CUT_SOME = expect(200, "east", clean=False, flags=CUT | ESTIMATED, tokens="some", error="provider_cut")
CUT_SILENT = expect(200, "east", clean=False, flags=CUT | ESTIMATED, tokens="some", error="provider_timeout")
CUT_EXACT = expect(200, "east", clean=False, flags=CUT, tokens="exact", error="provider_cut")
CUT_SILENT_EXACT = expect(200, "east", clean=False, flags=CUT, tokens="exact", error="provider_timeout")
GUESSED = expect(200, "east", flags=ESTIMATED, tokens="some")
LIED = expect(200, "east", flags=ESTIMATED | BAD_USAGE, tokens="some")


def passed(status):
    return expect(status, "east", tokens="none")


# fault: (of an answer in JSON, of a stream)
FAULTS = {
    # the status says it
    **{name: (passed(int(name)),) * 2 for name in ("400", "404", "409")},
    **{name: (NEXT, NEXT) for name in ("401", "403", "408", "429", "429=1", "429-ms", "500", "502", "503", "504",
                                       "529")},
    # before the headers, and inside them
    "close": (BROKEN, BROKEN),
    "reset": (BROKEN, BROKEN),
    "hang": (SILENT, SILENT),
    "garbage": (BROKEN, BROKEN),
    "header-big": (BROKEN, BROKEN),
    "header-close": (BROKEN, BROKEN),
    "header-reset": (BROKEN, BROKEN),
    "header-hang": (SILENT, SILENT),
    "gzip": (BROKEN, BROKEN),
    # behind the headers, before any event
    "headers-close": (CUT_SOME, NEXT_MAYBE),
    "headers-reset": (CUT_SOME, NEXT_MAYBE),
    "headers-hang": (CUT_SILENT, NEXT_MAYBE),
    "ping-close": (CUT_SOME, NEXT_MAYBE),
    "ping-reset": (CUT_SOME, NEXT_MAYBE),
    "ping-hang": (CUT_SILENT, NEXT_MAYBE),
    "empty": (GUESSED, NEXT_MAYBE),
    "error-first": (GUESSED, NEXT),
    "error-first=429": (GUESSED, NEXT),
    "error-first=401": (GUESSED, NEXT),
    # between two events, half-way
    "close-mid": (CUT_SOME, CUT_SOME),
    "reset-mid": (CUT_SOME, CUT_SOME),
    "hang-mid": (CUT_SILENT, CUT_SILENT),
    "chunk": (CUT_SOME, CUT_SOME),
    "error-mid": (FINE, expect(200, "east", flags=CUT | ESTIMATED, tokens="some")),
    # inside an event
    "frame-close": (CUT_SOME, CUT_SOME),
    "frame-reset": (CUT_SOME, CUT_SOME),
    "frame-hang": (CUT_SILENT, CUT_SILENT),
    # after the usage
    "usage-close": (CUT_EXACT, CUT_EXACT),
    "usage-reset": (CUT_EXACT, CUT_EXACT),
    "usage-hang": (CUT_SILENT_EXACT, CUT_SILENT_EXACT),
    "length-long": (CUT_EXACT, FINE),
    "length-short": (FINE, FINE),
    # after the end, before the last chunk
    "done-close": (FINE, FINE),
    "done-reset": (FINE, FINE),
    "done-hang": (None, FINE),  # of JSON its last byte is the end
    # slow and odd, and nothing is wrong
    "ping": (FINE, FINE),
    "split": (FINE, FINE),
    "drip": (FINE, FINE),
    "crlf": (FINE, FINE),
    "usage-dup": (FINE, FINE),
    # counts that are not there, or cannot be
    "nousage": (GUESSED, GUESSED),
    "malformed": (GUESSED, FINE),
    "usage-neg": (LIED, LIED),
    "usage-big": (LIED, LIED),
    "usage-str": (LIED, LIED),
    "usage-float": (LIED, LIED),
}


def body_of(path, stream):
    body = {"model": "gpt-4o", "stream": stream}
    if path.endswith("responses"):
        return body | {"input": f"tokens:{INPUT} hello", "max_output_tokens": OUTPUT}
    return body | {"messages": [{"role": "user", "content": f"tokens:{INPUT} hello"}], "max_tokens": OUTPUT}


@pytest.fixture(scope="module")
def faulty():
    """East and west have all paths, and little patience; the product may use no other."""
    directory = tempfile.mkdtemp(prefix="oft-e2e-")
    os.chmod(directory, 0o755)
    stack = Stack(directory, serve_args=["--workers", "1"])
    write_openai_deal(stack, east_extra=TIMES, west_extra=TIMES)
    try:
        stack.start()
        stack.client = stack.key("acme", "api")
        stack.pids = stack.worker_pids()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(autouse=True)
def no_pool_pauses(faulty):
    """Each fault finds both pools as if nothing had happened before."""
    faulty.forget_pools()


def all_up(stack, both=False):
    """No pool pauses any more after the case before."""
    def answers():
        answer = Answer(stack, stack.client, body_of("chat", False))
        return answer.status == 200 and answer.pool

    def west_answers():
        stack.simulators["east"].fault("500")
        return answers() == "west"
    def reset():
        for simulator in stack.simulators.values():
            simulator._call("/sim/reset", {})
    reset()
    wait_for(lambda: answers() == "east", seconds=40, what="east to be asked again")
    if both:
        wait_for(west_answers, seconds=40, what="west to be asked again")
    reset()


def check_answer(answer, expected, stream, path):
    assert answer.status == expected["status"], answer.body
    assert answer.pool == expected["pool"]
    assert answer.clean == expected["clean"], answer.body[-300:]
    if answer.status != 200:
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json["error"]["message"]
        if expected["error"]:
            assert answer.json["error"]["code"] == expected["error"]
    elif stream and not expected["clean"]:
        last = answer.events[-1]
        if path.endswith("responses"):
            assert last.startswith("event: error\ndata: ")
            error = json.loads(last.split("data: ", 1)[1])
            assert error["type"] == "error" and error["code"] == expected["error"]
        else:
            assert json.loads(last.removeprefix("data: "))["error"]["code"] == expected["error"]
        assert "[DONE]" not in answer.body.decode()
        for event in answer.events:  # what was delivered are whole events
            data = event.split("data: ", 1)[1]
            assert json.loads(data) is not None
    elif stream and path.endswith("completions") and expected["flags"] == 0:
        assert answer.events[-1] == "data: [DONE]" or answer.events[-2] == "data: [DONE]"


def check_record(stack, answer, expected):
    stack.drain()
    found = settled(stack, answer.id)
    assert len(found) == 1, found
    record = found[0]
    assert record.status == expected["status"]
    assert record.pool == expected["pool"]
    flags = record.flags & (ABORTED | ESTIMATED | CUT | REFUSED | BAD_USAGE | MAYBE_BILLED)
    assert flags == expected["flags"], record
    tokens = (record.units["input"] + record.units["cached"], record.units["output"])
    if expected["tokens"] == "exact":
        assert tokens == (INPUT, OUTPUT)
    elif expected["tokens"] == "none":
        assert tokens == (0, 0)
    elif expected["tokens"] == "some":
        assert 0 < tokens[0] <= INPUT and tokens[1] <= 200, record
    assert record.attempts >= expected["attempts"], record


CASES = [pytest.param(fault, path, stream, id=f"{fault}-{path.split('/')[-1]}-{'sse' if stream else 'json'}")
         for fault in FAULTS for stream in (False, True) if FAULTS[fault][stream]
         for path in (["/v1/chat/completions", "/v1/responses"] if stream and FAULTS[fault][1]["flags"] & CUT
                      and not fault.startswith("usage") else ["/v1/chat/completions"])]


@pytest.mark.parametrize("fault, path, stream", CASES)
def test_a_fault_has_one_outcome_and_one_record(faulty, fault, path, stream):
    stack = faulty
    all_up(stack)
    expected = FAULTS[fault][1 if stream else 0]
    # Twice: before anything was answered an idle connection may turn out to be dead, and is replaced once.
    stack.simulators["east"].fault(fault, count=2)
    answer = Answer(stack, stack.client, body_of(path, stream), path)
    check_answer(answer, expected, stream, path)
    check_record(stack, answer, expected)
    west = stack.simulators["west"].counts()["served"]
    assert west == (1 if expected["pool"] == "west" else 0)
    assert stack.simulators["south"].counts()["served"] == 0
    assert stack.worker_pids() == stack.pids


def test_every_fault_of_the_simulator_stands_in_the_matrix():
    import re
    from stack import ROOT
    names = set(re.findall(r'^    \{"([^"]+)", \{SIM_FAULT', (ROOT / "tools/simulated_provider/fault.c").read_text(), re.M))
    elsewhere = {"402", "downgrade"}  # keys of a pool; service tiers
    assert names - elsewhere <= {name.split("=")[0] for name in FAULTS}


def test_every_request_of_the_matrix_is_in_the_books_once(faulty):
    faulty.drain()
    usage = json.loads(faulty.cli("usage", "--json").stdout)["usage"]
    assert sum(row["requests"] for row in usage) == len(settled(faulty))
    ids = [r.request for r in settled(faulty)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("error, status, code", [
    ("error-first=429", 429, 429), ("error-first=503", 503, 503), ("error-first=529", 503, 529),
    ("error-first=400", 400, 400), ("error-first=500", 500, 500)])
def test_with_no_pool_left_an_error_event_is_an_answer_of_its_own(faulty, error, status, code):
    all_up(faulty, both=True)
    for name in ("east", "west"):
        faulty.simulators[name].fault(error, count=1)
    answer = Answer(faulty, faulty.client, body_of("chat", True))
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["error"] == {"message": "a simulated fault", "type": "server_error", "param": None,
                                    "code": code}
    assert answer.clean
    check_record(faulty, answer, expect(status, "west", tokens="none", attempts=2))


def test_with_no_pool_left_a_refused_credential_stays_with_us(faulty):
    all_up(faulty, both=True)
    for name in ("east", "west"):
        faulty.simulators[name].fault("error-first=401", count=1)
    answer = Answer(faulty, faulty.client, body_of("chat", True))
    assert answer.status == 502
    assert "simulated" not in answer.json["error"]["message"]


@pytest.mark.parametrize("fault, status", [("headers-close", 502), ("ping-hang", 504), ("empty", 502)])
def test_with_no_pool_left_a_stream_without_an_event_is_an_error_in_json(faulty, fault, status):
    all_up(faulty, both=True)
    for name in ("east", "west"):
        faulty.simulators[name].fault(fault, count=1)
    answer = Answer(faulty, faulty.client, body_of("chat", True))
    assert answer.status == status
    assert answer.json["error"]["code"] == "provider_unavailable"
    check_record(faulty, answer, expect(status, "west", flags=MAYBE_BILLED, tokens="none", attempts=2))


@pytest.mark.parametrize("fault", ["429=2", "503"])
def test_the_last_pool_that_says_wait_is_left_alone_as_well(faulty, fault):
    all_up(faulty, both=True)
    for name in ("east", "west"):
        faulty.simulators[name].fault(fault, count=1)
    answer = Answer(faulty, faulty.client, body_of("chat", False))
    assert answer.status == int(fault[:3])
    again = Answer(faulty, faulty.client, body_of("chat", False))
    assert again.status == 503 and again.json["error"]["code"] == "pools_down"
    assert int(again.headers["retry-after"]) in (1, 2)
