# SPDX-License-Identifier: Apache-2.0
"""The two that every run has, bare nginx and offtake, and the way without anything in between."""

import json
import os
import pathlib
import shlex
import subprocess
import sys

from gateways.machine import CannotStart, free_port, port_open, wait_for, worker_user

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Bounds that no run reaches: they are counted for each request all the same.
LIMITS = """\
    limit 900000000 requests per minute
    limit 900000000000 tokens per minute
    limit 100000 concurrent requests
"""
BUDGETS = """\
    budget 900m USD per day
    budget 900m USD per month
"""

DEAL = """\
deal "Benchmark"
customer lab
currency USD

party    bigcloud "Big Cloud"
provider east of bigcloud
model    gpt-4o
model    gpt-4o-fallback
account  acme "ACME" {{
{limits}{budgets}}}
product  api "API" class inference {{
    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens
    price gpt-4o-fallback input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens
{limits}{budgets}}}
agreement bc with bigcloud {{
    effective 2020-01-01  until 2100-01-01
    only:   exclusive api on east
    share:  share 20% of revenue from api from lab to bigcloud monthly
}}
pool east-1 on east {{
    region us-east
    serves gpt-4o as "gpt-4o" at http://127.0.0.1:{port}/v1 kind openai key env EAST_KEY
    serves gpt-4o-fallback as "gpt-4o" at http://127.0.0.1:{port}/v1 kind openai key env EAST_KEY
    price gpt-4o input 2.50 USD per 1M tokens output 10.00 USD per 1M tokens
    price gpt-4o-fallback input 2.50 USD per 1M tokens output 10.00 USD per 1M tokens
    limit 100000 concurrent requests
    limit 900000000000 tokens per minute
}}
pool east-0 on east {{
    region us-east
    serves gpt-4o-fallback as "gpt-4o" at http://127.0.0.1:{fail_port}/v1 kind openai key env EAST_KEY
    price gpt-4o-fallback input 2.00 USD per 1M tokens output 9.00 USD per 1M tokens
    limit 100000 concurrent requests
    limit 900000000000 tokens per minute
}}
"""

NGINX = """\
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile 16384;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    keepalive_requests 1000000;
    client_header_buffer_size 8k;
    client_body_buffer_size 8m;
    client_max_body_size 32m;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    upstream provider {{
        server 127.0.0.1:{port};
        keepalive 256;
        keepalive_requests 1000000;
    }}
    upstream two {{
        server 127.0.0.1:{fail_port} max_fails=0;
        server 127.0.0.1:{port} backup;
        keepalive 256;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{listen};
        location / {{
            proxy_pass http://provider;
        }}
    }}
    server {{
        listen 127.0.0.1:{listen_failover};
        location / {{
            proxy_pass http://two;
            proxy_next_upstream error timeout http_500 http_503 http_429 non_idempotent;
        }}
    }}
}}
"""


class Contender:
    """Something that listens for OpenAI requests and passes them to the upstream."""

    name = title = ""
    does = ""                # what it was told to do, for the table's footnote
    path = "/v1/chat/completions"
    model = "gpt-4o"
    fast = True              # takes the common rate and two thousand streams
    pausable = True
    cases = None             # None: all

    def __init__(self, lab):
        self.lab = lab
        self.port = self.root = None
        self.headers = []
        self.failover = None  # {port, model, headers} under which the first provider fails

    def start(self):
        raise NotImplementedError

    def takes(self, case):
        if case == "policy":
            return self.name in ("nginx", "offtake")
        return case != "failover" or self.failover is not None

    def spawn(self, arguments, what, environment=None, ready=None, folder=None, seconds=60):
        process, log = self.lab.processes.spawn(arguments, f"{self.name}.log", self.lab.machine.contender_cores,
                                                environment, folder)
        self.root = process.pid
        wait_for(lambda: port_open(self.port) and (ready is None or ready()), what, process, log, seconds)


class Direct(Contender):
    name, title = "direct", "nothing in between"
    does = "the load asks the upstream itself"

    def start(self):
        self.port = self.lab.upstream_port

    def takes(self, case):
        return case == "latency"


class Nginx(Contender):
    name, title = "nginx", "bare nginx"
    does = "`proxy_pass`, unbuffered, kept-alive connections; nothing else"

    def start(self):
        self.port, failing = free_port(), free_port()
        place = self.lab.directory / "bare"
        place.mkdir()
        user = f"user {worker_user()};" if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(
            NGINX.format(dir=place, port=self.lab.upstream_port, fail_port=self.lab.fail_port, listen=self.port,
                         listen_failover=failing, user=user))
        self.spawn(["/usr/sbin/nginx", "-e", place / "error.log", "-p", place, "-c", place / "nginx.conf"],
                   "bare nginx")
        self.failover = {"port": failing}


class Offtake(Contender):
    name, title = "offtake", "offtake"
    does = ("key, JSON scan, contract, rates, tokens, concurrency and budgets of account, product and pool, a durable record; "
            "the daemon that books them is in the figure")
    pausable = False  # its daemon's heartbeat is part of what runs
    serve_arguments = tuple(shlex.split(os.environ.get("OFFTAKE_SERVE_ARGS", "")))

    def start(self):
        self.port = free_port()
        self.data = self.lab.directory / self.name
        deal = self.lab.directory / f"{self.name}.deal"
        deal.write_text(self.deal())
        self.program = self.lab.program("offtake")
        self.spawn([self.program, "serve", deal, "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                    "--workers", 1, *self.serve_arguments],
                   "offtake serve", {"EAST_KEY": "bench-key-of-the-provider"},
                   lambda: self.call("status", check=False) is not None)
        self.key_file = self.lab.directory / f"{self.name}.key"
        self.key_file.touch(mode=0o600)
        account, product = self.account_and_product()
        out = self.call("keys", "create", "--account", account, "--product", product)
        self.key_file.write_text(next(word for word in out.split() if word.startswith("oft_")) + "\n")
        self.failover = {"model": "gpt-4o-fallback"}

    def deal(self):
        return DEAL.format(port=self.lab.upstream_port, fail_port=self.lab.fail_port, limits=LIMITS, budgets=BUDGETS)

    def account_and_product(self):
        return "acme", "api"

    def call(self, *arguments, check=True):
        result = subprocess.run([str(self.program), *arguments, "--data", str(self.data)], capture_output=True,
                                text=True, timeout=120)
        if result.returncode != 0:
            if check:
                raise CannotStart(f"offtake {' '.join(arguments)}: {result.stderr.strip()}")
            return None
        return result.stdout

    def booked(self):
        self.call("drain")
        return sum(row["requests"] for row in json.loads(self.call("usage", "--json"))["usage"])


class OfftakeOther(Offtake):
    """The same with another nginx module: a change is measured against what was before it, round by round."""

    name, title = "offtake-other", "offtake, the other module"
    does = "as offtake, with the module that --other-module names"

    def start(self):
        self.serve_arguments = ["--module", self.lab.other_module]
        super().start()


class OfftakeLarge(Offtake):
    """The same under a contract of real size."""

    name, title = "offtake-large", "offtake, large policy"
    does = "as offtake, under 1,000 clauses, 100 pools, 20 models and 200 accounts, each with limits and budgets"

    def takes(self, case):
        return case == "policy"

    def workload(self):
        sys.path.insert(0, str(ROOT / "bench" / "policy"))
        import generate
        return generate.Workload(seed=1, pools=100, clauses=1000, keys=1, models=20, products=20)

    def deal(self):
        work = self.workload()
        text = work.deal().replace("http://127.0.0.1:9101/v1", f"http://127.0.0.1:{self.lab.upstream_port}/v1")
        lines = []
        for line in text.splitlines():
            if line.startswith("account "):
                line += " {\n" + LIMITS + BUDGETS + "}"
            lines.append(line)
        return "\n".join(lines) + (
            '\nprovider bench of other\nmodel gpt-4o\nproduct bench class inference {\n'
            "    price * input 5 USD per 1M tokens output 20 USD per 1M tokens\n"
            f"{LIMITS}{BUDGETS}}}\n"
            + "".join(f"pool bench-{i} on bench {{\n    region us-east\n"
                      f'    serves gpt-4o as "gpt-4o" at http://127.0.0.1:{self.lab.upstream_port}/v1 kind openai\n'
                      f"    price * input {i + 1} USD per 1M tokens output 9 USD per 1M tokens\n}}\n" for i in range(8)))

    def account_and_product(self):
        return "account-1", "bench"
