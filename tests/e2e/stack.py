# SPDX-License-Identifier: Apache-2.0
"""The whole product on loopback: simulated providers, `offtake serve` with nginx, keys, clients.

Nothing here sleeps to synchronise: `wait_for` polls a condition until a deadline.
"""

import contextlib
import json
import mmap
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OFFTAKE_BUILD", ROOT / "build"))
OFFTAKE = BUILD / "offtake"
SIMULATOR = next(
    (p for p in [BUILD / "tools" / "offtake-simulated-provider",
                 BUILD / "tools" / "simulated_provider" / "offtake-simulated-provider",
                 BUILD / "offtake-simulated-provider"] if p.exists()),
    BUILD / "tools" / "offtake-simulated-provider",
)


def wait_for(condition, seconds=20, what="the condition"):
    """Polls CONDITION until it returns something true; its last value is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)


def free_ports(count):
    sockets = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        sockets.append(s)
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def port_open(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Simulator:
    """One simulated provider. The key is in its environment, never on its command line."""

    def __init__(self, name, port, key, kind="both", extra=()):
        self.name, self.port, self.key = name, port, key
        self.arguments = [
            str(SIMULATOR), "--name", name, "--port", str(port), "--kind", kind,
            "--api-key-env", "SIM_KEY", *extra,
        ]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.arguments, env={**os.environ, "SIM_KEY": self.key},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: port_open(self.port), what=f"simulated provider {self.name}")
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _call(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method="GET" if body is None else "POST")
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
            return json.loads(text) if text.strip() else None

    def counts(self, detail=False):
        return self._call("/sim/counts?detail=1" if detail else "/sim/counts")

    def fault(self, name, count=1, model=None):
        body = {"fault": name, "count": count}
        if model:
            body["model"] = model
        self._call("/sim/fault", body)


DEAL = """\
deal "Test lab"
customer lab
currency USD

party    bigcloud "Big Cloud"
party    other    "Other Cloud"
provider alpha of bigcloud
provider beta  of other
model    gpt-4o
model    small
model    embed
account  acme   "ACME"
account  globex "Globex"
product  api  "API"  class inference {{
    price gpt-4o input 5.00 USD per 1M tokens cached 2.50 USD per 1M tokens output 20.00 USD per 1M tokens
    price small  input 0.30 USD per 1M tokens output 1.20 USD per 1M tokens
    price embed  input 0.04 USD per 1M tokens output 0.00 USD per 1M tokens
}}
product  chat "Chat" class inference {{
    price gpt-4o input 4.00 USD per 1M tokens output 16.00 USD per 1M tokens
    price small  input 0.20 USD per 1M tokens output 0.80 USD per 1M tokens
}}
agreement bc with bigcloud {{
    effective 2020-01-01  until 2035-01-01
    only:   exclusive api on alpha
    commit: commit 1m USD on alpha over 2020-01-01..2035-01-01 build-up counting all
    share:  share 20% of revenue from api, chat from lab to bigcloud monthly
}}
pool east on alpha {{
    region us-east
    serves gpt-4o as "gpt4o-prod" at http://127.0.0.1:{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"
    serves small  as "small-prod" at http://127.0.0.1:{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"
    serves embed  as "embed-prod" at http://127.0.0.1:{east} kind azure-openai key env EAST_KEY api-version "2024-10-21"
    price gpt-4o input 2.50 USD per 1M tokens cached 1.25 USD per 1M tokens output 10.00 USD per 1M tokens
    price small  input 0.15 USD per 1M tokens output 0.60 USD per 1M tokens
    price embed  input 0.02 USD per 1M tokens output 0.00 USD per 1M tokens
    {east_extra}
}}
pool west on alpha {{
    region us-west
    serves gpt-4o as "gpt4o-west" at http://127.0.0.1:{west}/v1 kind openai key env WEST_KEY
    price gpt-4o input 2.60 USD per 1M tokens cached 1.30 USD per 1M tokens output 11.00 USD per 1M tokens
    {west_extra}
}}
pool south on beta {{
    region eu-south
    serves gpt-4o as "gpt-4o-x" at http://127.0.0.1:{south}/v1 kind openai key env SOUTH_KEY
    serves small  as "small-x"  at http://127.0.0.1:{south}/v1 kind openai key env SOUTH_KEY
    price gpt-4o input 1.00 USD per 1M tokens output 4.00 USD per 1M tokens
    price small  input 0.10 USD per 1M tokens output 0.40 USD per 1M tokens
    {south_extra}
}}
{more}
"""


class Stack:
    """Providers east, west (both alpha's) and south (beta's), the daemon, nginx, and keys."""

    def __init__(self, directory, simulators=True, serve_args=(), deal=None, environment=None, **deal_parts):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.deal_path = self.directory / "lab.deal"
        self.ports = dict(zip(["east", "west", "south", "listen"], free_ports(4)))
        self.keys_env = {f"{n.upper()}_KEY": f"{n}-secret-0123456789" for n in ("east", "west", "south")}
        self.keys_env.update(environment or {})
        # OFFTAKE_SERVE_ARGS: e.g. --module and --nginx of a sanitized build (CONTRIBUTING.md).
        self.serve_args = [*serve_args, *shlex.split(os.environ.get("OFFTAKE_SERVE_ARGS", ""))]
        self.deal_parts = {"east_extra": "", "west_extra": "", "south_extra": "", "more": "", **deal_parts}
        self.deal_text = deal
        self.write_deal()
        self.simulators = {}
        if simulators:
            for name in ("east", "west", "south"):
                self.simulators[name] = Simulator(
                    name, self.ports[name], self.keys_env[f"{name.upper()}_KEY"])
        self.process = None
        self.log_path = self.directory / "serve.log"

    def write_deal(self, text=None, **parts):
        self.deal_parts.update(parts)
        if text is None:
            text = self.deal_text or DEAL.format(**self.ports, **self.deal_parts)
        self.deal_path.write_text(text)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports['listen']}"

    def start(self):
        for simulator in self.simulators.values():
            simulator.start()
        self.start_daemon()
        return self

    def start_daemon(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(OFFTAKE), "serve", str(self.deal_path), "--data", str(self.data), "--listen",
                 f"127.0.0.1:{self.ports['listen']}", *self.serve_args],
                env={**os.environ, **self.keys_env}, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        if wait:
            wait_for(self.ready, what="offtake serve: " + self.log_tail())

    def log_tail(self):
        return self.log_path.read_text(errors="replace")[-2000:] if self.log_path.exists() else ""

    def ready(self):
        assert self.process.poll() is None, "offtake serve ended: " + self.log_tail()
        if self.cli("status", check=False).returncode != 0:
            return False
        with contextlib.suppress(OSError):
            request = urllib.request.Request(self.url + "/v1/models")
            try:
                urllib.request.urlopen(request, timeout=5)
            except urllib.error.HTTPError as error:
                return error.code == 401
        return False

    def cli(self, *arguments, check=True, text_input=None):
        result = subprocess.run(
            [str(OFFTAKE), *arguments, "--data", str(self.data)]
            if arguments[0] not in ("check", "explain") else [str(OFFTAKE), *arguments],
            capture_output=True, text=True, timeout=120, input=text_input)
        if check:
            assert result.returncode == 0, f"offtake {arguments}: {result.stdout}\n{result.stderr}"
        return result

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json").stdout)

    def key(self, account, product):
        out = self.cli("keys", "create", "--account", account, "--product", product).stdout
        return next(word for word in out.split() if word.startswith("oft_"))

    def drain(self):
        return self.cli("drain")

    def master_pid(self):
        for path in (self.data / "run" / "nginx.pid", self.data / "nginx.pid"):
            with contextlib.suppress(FileNotFoundError):  # an upgrade renames it
                text = path.read_text().strip()
                return int(text) if text else None
        return None

    def forget_pools(self):
        """How the pools are doing is not known any more: none pauses, none comes back by parts."""
        with open(self.data / "run" / "pools", "r+b") as file, mmap.mmap(file.fileno(), 0) as page:
            slots, = struct.unpack_from("<I", page, 12)
            for slot in range(slots):
                page[64 + 64 * slot + 8:64 + 64 * (slot + 1)] = bytes(56)

    def worker_pids(self):
        master = self.master_pid()
        if not master:
            return []
        path = pathlib.Path(f"/proc/{master}/task/{master}/children")
        with contextlib.suppress(OSError):
            return [int(p) for p in path.read_text().split()]
        return []

    def stop_daemon(self, how=signal.SIGTERM, seconds=30):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(seconds)
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def stop(self):
        with contextlib.suppress(Exception):
            self.stop_daemon()
        if self.process:
            self.process.kill()
            self.process.wait()
        master = self.master_pid()
        if master:
            with contextlib.suppress(OSError):
                if "nginx" in pathlib.Path(f"/proc/{master}/cmdline").read_text():
                    for pid in self.worker_pids() + [master]:
                        with contextlib.suppress(OSError):
                            os.kill(pid, signal.SIGKILL)
        for simulator in self.simulators.values():
            simulator.stop()
        # A client may well get its answer from a worker that crashes right after.
        log = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        crashed = [line for line in log.splitlines()
                   if re.search(r"exited on signal (4|6|7|8|11)\b|AddressSanitizer|runtime error", line)]
        assert not crashed, crashed


def http(method, url, body=None, key=None, headers=None, timeout=30):
    """One request; an HTTP error is an answer, not an exception. Returns (status, headers, bytes)."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    if data is not None:
        request.add_header("content-type", "application/json")
    if key:
        request.add_header("authorization", f"Bearer {key}")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, dict(response.headers.items()), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers.items()), error.read()


def chat(stack, key, model="gpt-4o", content="tokens:100 hello", max_tokens=20, **more):
    """A chat completion that asks for exact token counts of the simulated provider."""
    headers = more.pop("headers", None)
    body = {"model": model, "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens, **more}
    return http("POST", stack.url + "/v1/chat/completions", body, key, headers)
