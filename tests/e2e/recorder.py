# SPDX-License-Identifier: Apache-2.0
"""A provider that writes down what it is asked, byte by byte, and answers as a test tells it.

The simulated provider counts and misbehaves; this one remembers. A test gives it rules: functions of
a request that return (status, headers, body) or None. What no rule answers gets a plain answer in the
form of its path.
"""

import http.server
import json
import threading


class Seen:
    """One request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.body = method, path, body
        self.headers = {}
        self.names = []
        for name, value in headers:
            self.names.append(name.lower())
            self.headers[name.lower()] = value

    @property
    def json(self):
        return json.loads(self.body)


def usage_answer(prompt=10, completion=5, **more):
    return {"id": "x", "object": "chat.completion", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion,
                  "total_tokens": prompt + completion}, **more}


def message_answer(prompt=10, completion=5):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
            "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": prompt, "output_tokens": completion}}


class Recorder:
    def __init__(self, port=0):
        self.seen, self.rules, self.lock = [], [], threading.Lock()
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                length = int(self.headers.get("content-length") or 0)
                seen = Seen(self.command, self.path, self.headers.items(), self.rfile.read(length))
                with recorder.lock:
                    recorder.seen.append(seen)
                    rules = list(recorder.rules)
                status, headers, body = next(
                    (answer for answer in (rule(seen) for rule in rules) if answer),
                    recorder.plain(seen))
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = answer

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def plain(self, seen):
        if "messages" in seen.path or "/invoke" in seen.path or "rawPredict" in seen.path:
            return 200, {}, message_answer()
        if "chat/completions" in seen.path:
            return 200, {}, usage_answer()
        return 200, {}, {"id": "thing_1", "object": "thing"}

    def rule(self, function):
        with self.lock:
            self.rules.insert(0, function)
        return function

    def forget(self):
        with self.lock:
            self.seen.clear()
            self.rules.clear()

    @property
    def last(self):
        return self.seen[-1]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
