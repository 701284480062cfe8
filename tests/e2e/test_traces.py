# SPDX-License-Identifier: Apache-2.0
"""Traces: spans that a collector takes, with the conventions' names, below the client's own span."""

import base64
import copy
import http.server
import json
import threading
import time

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from stack import chat, http as call, wait_for
from test_metrics import scrape, total

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes OTLP/HTTP in JSON; answers with each status of `answers` first, then 200."""

    def __init__(self):
        self.bodies, self.headers, self.answers = [], [], []
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.hold.wait(30)
                status = outer.answers.pop(0) if outer.answers else 200
                if status == 200:
                    outer.bodies.append(json.loads(body))
                    outer.headers.append((self.path, dict(self.headers.items())))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"

    def spans(self):
        return [span for body in list(self.bodies) for resource in body["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def of(self, request_id, count=2):
        """The spans of a request, when COUNT of them are here: the request's, then its attempts'."""
        def found():
            spans = self.spans()
            roots = [s for s in spans if attributes(s).get("offtake.request_id") == request_id]
            if not roots:
                return None
            mine = [roots[0]] + sorted((s for s in spans if s.get("parentSpanId") == roots[0]["spanId"]),
                                       key=lambda s: int(s["startTimeUnixNano"]))
            return mine if len(mine) == count else None
        return wait_for(found, what=f"{count} spans of {request_id}")

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def attributes(span):
    values = {}
    for item in span["attributes"]:
        (kind, value), = item["value"].items()
        values[item["key"]] = int(value) if kind == "intValue" else value
    return values


def check_schema(body):
    """As the protocol's own definition reads it. OTLP has ids in hex where protobuf's JSON has base64."""
    body = copy.deepcopy(body)
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name, length in (("traceId", 16), ("spanId", 8), ("parentSpanId", 8)):
                    if name in span:
                        raw = bytes.fromhex(span[name])
                        assert len(raw) == length and any(raw)
                        span[name] = base64.b64encode(raw).decode()
    return json_format.ParseDict(body, ExportTraceServiceRequest())


@pytest.fixture
def collector():
    one = Collector()
    yield one
    one.close()


@pytest.fixture
def traced(make_stack, collector, tmp_path):
    def make(*more, **arguments):
        headers = tmp_path / "headers"
        headers.write_text("# a collector's key\nX-Collector-Key: collector-secret-4711\n")
        return make_stack(serve_args=["--otlp", collector.url, "--otlp-headers", str(headers), *more], **arguments)
    return make


def request_id(headers):
    return {k.lower(): v for k, v in headers.items()}["x-offtake-request-id"]


def test_a_request_is_a_span_with_one_of_each_attempt_below_it(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    began = time.time_ns()
    status, headers, _ = chat(stack, key, content="tokens:40 cached:10 x", max_tokens=7, stream=True)
    ended = time.time_ns()
    assert status == 200
    root, attempt = collector.of(request_id(headers))
    told, inner = attributes(root), attributes(attempt)
    assert (root["kind"], attempt["kind"]) == (2, 3)
    assert root["name"] == attempt["name"] == "chat gpt-4o"
    assert told["gen_ai.operation.name"] == "chat" and told["gen_ai.request.model"] == "gpt-4o"
    assert told["gen_ai.provider.name"] == "alpha" and told["offtake.pool"] == "east"
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (40, 7)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 10 and told["gen_ai.request.max_tokens"] == 7
    assert told["http.response.status_code"] == 200 and told["offtake.clause"] == "bc.only"
    assert (told["offtake.product"], told["offtake.account"], told["offtake.outcome"]) == ("api", "acme", "served")
    assert inner["http.response.status_code"] == 200 and inner["offtake.first_byte_us"] > 0
    assert began <= int(root["startTimeUnixNano"]) <= int(attempt["startTimeUnixNano"])
    assert int(attempt["endTimeUnixNano"]) <= int(root["endTimeUnixNano"]) <= ended
    assert "parentSpanId" not in root and root["traceId"] == attempt["traceId"]
    assert root["traceId"] == request_id(headers)[4:]
    for body in collector.bodies:
        parsed = check_schema(body)
        resource = {a.key: a.value.string_value for a in parsed.resource_spans[0].resource.attributes}
        assert resource["service.name"] == "offtake" and resource["service.instance.id"]


def test_failed_attempts_and_refusals_say_what_they_were(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    stack.simulators["east"].fault("503", count=1)
    root, first, second = collector.of(request_id(chat(stack, key)[1]), 3)
    assert (attributes(first)["offtake.pool"], attributes(second)["offtake.pool"]) == ("east", "west")
    assert first["status"] == {"code": 2} and attributes(first)["error.type"] == "failed_over"
    assert second["status"] == {} and "error.type" not in attributes(second)
    assert int(first["endTimeUnixNano"]) <= int(second["startTimeUnixNano"])
    refused, = collector.of(request_id(chat(stack, key, model="nothing")[1]), 1)
    assert attributes(refused)["error.type"] == "404" and attributes(refused)["offtake.outcome"] == "refused"
    assert refused["status"] == {}  # a client's mistake is no fault of the server's


def test_the_clients_trace_is_gone_on_with_and_handed_to_the_provider(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    seen = provider_headers(stack)
    _, headers, _ = chat(stack, key, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    root, attempt = collector.of(request_id(headers))
    assert (root["traceId"], root["parentSpanId"]) == (TRACE, PARENT)
    assert attempt["traceId"] == TRACE and attempt["parentSpanId"] == root["spanId"]
    assert seen() == f"00-{TRACE}-{attempt['spanId']}-01"


def provider_headers(stack):
    """Puts a provider in east's place that keeps the traceparent it was sent."""
    kept = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            kept.append(self.headers.get_all("traceparent"))
            body = json.dumps({"object": "chat.completion", "choices": [],
                               "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    stack.simulators["east"].stop()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", stack.ports["east"]), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def last():
        values = kept[-1]
        assert values is None or len(values) == 1
        return values[0] if values else None
    return last


@pytest.mark.parametrize("value", [
    "", "00", f"00-{TRACE}-{PARENT}", f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more",
    f"00-{TRACE}-{PARENT}-0g", f"00_{TRACE}_{PARENT}_01", "x" * 4000], ids=range(11))
def test_a_malformed_trace_context_is_as_if_it_were_not_there(shared_stack, value):
    stack = shared_stack
    seen = getattr(stack, "seen", None) or provider_headers(stack)
    stack.seen = seen
    assert chat(stack, stack.key("acme", "api"), headers={"traceparent": value})[0] == 200
    assert seen() is None


def test_a_later_version_and_an_unsampled_trace_are_handed_on(shared_stack):
    stack = shared_stack
    seen = getattr(stack, "seen", None) or provider_headers(stack)
    stack.seen = seen
    key = stack.key("acme", "api")
    assert chat(stack, key, headers={"traceparent": f"cc-{TRACE}-{PARENT}-01-what-comes"})[0] == 200
    assert seen().startswith(f"00-{TRACE}-") and seen().endswith("-01")
    assert chat(stack, key, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})[0] == 200
    assert seen().startswith(f"00-{TRACE}-") and seen().endswith("-00")
    assert chat(stack, key)[0] == 200
    assert seen() is None


def test_the_client_decides_what_is_sampled_and_else_one_of_so_many(traced, collector):
    stack = traced("--otlp-one-of", "10")
    key = stack.key("acme", "api")
    sure = [request_id(chat(stack, key, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})[1]) for _ in range(20)]
    for _ in range(20):
        assert chat(stack, key, headers={"traceparent": f"00-{TRACE[::-1]}-{PARENT}-00"})[0] == 200
    for _ in range(200):
        assert chat(stack, key)[0] == 200
    stack.drain()
    wait_for(lambda: total(scrape(stack), "offtake_spans_waiting") == 0, what="all spans sent")
    for one in sure:
        collector.of(one)
    roots = [s for s in collector.spans() if s["kind"] == 2]
    assert not any(s["traceId"] == TRACE[::-1] for s in roots)
    assert 5 <= len(roots) - len(sure) <= 50


def test_no_span_holds_a_prompt_a_key_or_the_collectors_key(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    prompt = "word-of-a-prompt-4711"
    _, headers, _ = call("POST", stack.url + "/v1/chat/completions?k=query-4711",
                         {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}, key,
                         {"User-Agent": "agent-4711", "baggage": "b=baggage-4711"})
    collector.of(request_id(headers))
    text = json.dumps(collector.bodies)
    for secret in (prompt, key, "query-4711", "agent-4711", "baggage-4711", "collector-secret", *stack.keys_env.values()):
        assert secret not in text
    path, sent = collector.headers[0]
    assert path == "/v1/traces" and sent["X-Collector-Key"] == "collector-secret-4711"
    assert sent["Content-Type"] == "application/json"
    stack.stop_daemon()
    assert "collector-secret" not in stack.log_path.read_text()


def test_a_collector_that_cannot_is_asked_again_and_one_that_will_not_is_not(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    collector.answers = [503, 429]
    collector.of(request_id(chat(stack, key)[1]))
    samples = scrape(stack)
    assert total(samples, "offtake_span_export_failures_total") == 2
    assert total(samples, "offtake_spans_dropped_total") == 0
    exported = total(samples, "offtake_spans_exported_total")
    collector.answers = [400]
    assert chat(stack, key)[0] == 200
    wait_for(lambda: total(scrape(stack), "offtake_spans_dropped_total") == 2, what="the drop")
    assert total(scrape(stack), "offtake_spans_exported_total") == exported


def test_a_collector_that_hangs_slows_nothing_and_the_queue_is_bounded(traced, collector):
    stack = traced()
    key = stack.key("acme", "api")
    collector.hold.clear()
    began = time.monotonic()
    for _ in range(200):
        assert chat(stack, key)[0] == 200
    stack.drain()
    assert time.monotonic() - began < 10
    status = json.loads(stack.cli("status", "--json").stdout)
    assert status["open_intents"] == 0 and status["settled"] == 200
    samples = scrape(stack)
    assert 0 < total(samples, "offtake_spans_waiting") <= 8192
    began = time.monotonic()
    assert stack.stop_daemon() == 0
    assert time.monotonic() - began < 15


def test_a_stop_sends_what_waits(traced, collector):
    stack = traced()
    _, headers, _ = chat(stack, stack.key("acme", "api"))
    assert stack.stop_daemon() == 0
    collector.of(request_id(headers))


def test_without_the_option_nothing_is_sent_and_a_wrong_address_starts_nothing(make_stack, collector):
    stack = make_stack(start=False, serve_args=["--otlp", "ftp://x/"])
    stack.start_daemon(wait=False)
    assert stack.process.wait(20) == 2
    assert "no address for traces" in stack.log_tail()
    assert collector.bodies == []
