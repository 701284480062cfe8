# SPDX-License-Identifier: Apache-2.0
"""Clients that go on while things are done to the gateway, and the records that it wrote of them."""

import http.client
import json
import random
import struct
import threading

INTENT, SETTLED = 1, 2


class Answer:
    """What a client saw of one request."""

    __slots__ = ("status", "request_id", "pool", "clause", "product", "model", "known", "whole", "stream")

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


class Traffic:
    """CLIENTS threads over connections that stay open. Each request's key and model are chosen at random;
    `known` is put down with each one before it is sent (say, the generation that is in force for sure)."""

    def __init__(self, stack, keys, models=("gpt-4o", "small"), clients=4, stream=0.3, seed=1):
        self.stack, self.keys, self.models = stack, dict(keys), models
        self.stream = stream
        self.known = 0
        self.answers, self.failures = [], []
        self.sent = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(seed * 1000 + n,)) for n in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, seed):
        chance = random.Random(seed)
        connection = None
        while not self.over.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.stack.ports["listen"], timeout=30)
            product = chance.choice(list(self.keys))
            model = chance.choice(self.models)
            try:
                self.answers.append(self.one(connection, product, model, chance.random() < self.stream,
                                             chance.randint(1, 30)))
            except (OSError, http.client.HTTPException, AssertionError) as failure:
                self.failures.append(repr(failure))
                connection.close()
                connection = None

    def one(self, connection, product, model, stream, tokens):
        known = self.known
        body = {"model": model, "max_tokens": tokens, "stream": stream,
                "messages": [{"role": "user", "content": "tokens:20 x"}]}
        self.sent += 1
        connection.request("POST", "/v1/chat/completions", json.dumps(body),
                           {"Authorization": f"Bearer {self.keys[product]}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        return Answer(
            status=answer.status, request_id=answer.getheader("x-offtake-request-id"),
            pool=answer.getheader("x-offtake-pool"), clause=answer.getheader("x-offtake-clause"),
            product=product, model=model, known=known, stream=stream,
            whole=not stream or answer.status != 200 or b"data: [DONE]" in data)


class Record:
    __slots__ = ("kind", "request_id", "admitted_ns", "generation", "status", "flags", "attempts")

    def __init__(self, data):
        self.kind = data[1]
        self.request_id = "req_" + data[16:32].hex()
        self.admitted_ns, = struct.unpack_from("<q", data, 32)
        self.generation, = struct.unpack_from("<Q", data, 48)
        self.flags, self.status, _, self.attempts = struct.unpack_from("<IHHH", data, 160)


def records(stack):
    """Every record in the spools, booked or not, by reading the files themselves."""
    found = []
    for path in [*stack.data.glob("spool/*.spool"), *stack.data.glob("spool/archive/*.spool")]:
        data = path.read_bytes()
        for offset in range(4096, len(data) - 255, 256):
            if data[offset:offset + 4] == b"\0\0\0\0":
                break
            found.append(Record(data[offset:offset + 256]))
    return found


def settlements(stack):
    """Settlements by request id; a second one of the same id is a fault."""
    by_id = {}
    for record in records(stack):
        if record.kind == SETTLED:
            assert record.request_id not in by_id, f"settled twice: {record.request_id}"
            by_id[record.request_id] = record
    return by_id
