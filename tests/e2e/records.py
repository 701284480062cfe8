# SPDX-License-Identifier: Apache-2.0
"""Usage records as they stand in the spool (docs/formats/record.md), and answers read to their bitter end."""

import http.client
import json
import struct

from stack import DEAL

STREAM, ABORTED, ESTIMATED, CUT, UNSETTLED, REFUSED, BAD_USAGE, MAYBE_BILLED = (1 << n for n in range(8))
INTENT, SETTLED = 1, 2
UNITS = ("input", "cached", "write", "output", "reasoning", "audio", "image")


def pool_id(name):
    state = 0xaa705335644d6a5b
    for byte in name.encode():
        state = ((state ^ byte) * 1099511628211) % 2**64
    return state


def write_openai_deal(stack, **parts):
    """The deal with east as an OpenAI server, which has the responses API as well."""
    azure = '{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"'
    assert azure in DEAL
    stack.write_deal(DEAL.replace(azure, "{east}/v1 kind openai key env EAST_KEY").format(
        **stack.ports, **(stack.deal_parts | parts)))


class Record:
    def __init__(self, data, pools):
        self.kind = data[1]
        self.request = "req_" + data[16:32].hex()
        self.pool = pools.get(struct.unpack_from("<Q", data, 88)[0])
        self.units = dict(zip(UNITS, struct.unpack_from("<7Q", data, 104)))
        self.flags, self.status, self.upstream, self.attempts = struct.unpack_from("<IHHH", data, 160)
        self.events, = struct.unpack_from("<I", data, 188)
        self.response_bytes, = struct.unpack_from("<Q", data, 200)

    def __repr__(self):
        return str(vars(self))


def records(stack, pools=("east", "west", "south")):
    """Every record in the spools, in the order in which each worker wrote them."""
    names = {pool_id(name): name for name in pools}
    found = []
    for path in [*stack.data.glob("spool/*.spool"), *stack.data.glob("spool/archive/*.spool")]:
        data = path.read_bytes()
        for offset in range(4096, len(data) - 255, 256):
            if data[offset:offset + 4] == b"\0\0\0\0":
                break
            found.append(Record(data[offset:offset + 256], names))
    return found


def settled(stack, request=None):
    return [r for r in records(stack) if r.kind == SETTLED and request in (None, r.request)]


class Answer:
    """Status, headers, the bytes that came, and whether they came to a clean end."""

    def __init__(self, stack, key, body, path="/v1/chat/completions", timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", stack.ports["listen"], timeout=timeout)
        connection.request("POST", path, json.dumps(body), {
            "content-type": "application/json", "authorization": f"Bearer {key}"})
        response = connection.getresponse()
        self.status, self.body, self.clean = response.status, b"", True
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.id = self.headers.get("x-offtake-request-id")
        self.pool = self.headers.get("x-offtake-pool")
        try:
            while True:
                piece = response.read1(65536)
                self.body += piece
                if not piece:
                    # read1 takes an end by close for the end: the framing knows better.
                    self.clean = response.length in (None, 0) and response.chunk_left is None \
                        if response.chunked else not response.length
                    break
        except (http.client.HTTPException, OSError):
            self.clean = False
        connection.close()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        return [e for e in self.body.replace(b"\r\n", b"\n").decode().split("\n\n") if e]
