# SPDX-License-Identifier: Apache-2.0
"""Other proxies and gateways: each installed from a registry into a folder outside of the repository, with
its ordinary client, and configured for its best. What cannot be had says why."""

import json
import os
import pathlib
import shutil
import subprocess

from gateways.contenders import Contender
from gateways.machine import CannotStart, free_port

PORTKEY = "1.15.2"
BIFROST = "1.6.3"
NOVEUM = "2.0.1"
LITELLM_RS = "0.9.0"


class Unavailable(Exception):
    """A peer cannot be had here; the text is the reason, as the table's footnote tells it."""


def command(arguments, folder, what, seconds=1800, environment=None):
    try:
        result = subprocess.run([str(a) for a in arguments], cwd=folder, capture_output=True, text=True,
                                timeout=seconds, env={**os.environ, **(environment or {})})
    except FileNotFoundError:
        raise Unavailable(f"{what}: there is no {arguments[0]} here") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what}: not done after {seconds} s") from None
    if result.returncode != 0:
        lines = [line for line in (result.stderr + result.stdout).strip().splitlines() if line.strip()]
        raise Unavailable(f"{what}: {lines[-1].strip()[:200] if lines else 'failed without a word'}")
    return result.stdout


class Peer(Contender):
    """Where it is kept, and whether that was done before."""

    def folder(self):
        path = self.lab.peers / self.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def install_once(self, version, install):
        done = self.folder() / "installed"
        if not done.exists() or done.read_text() != version:
            install()
            done.write_text(version)

    def place(self):
        path = self.lab.directory / self.name
        path.mkdir(exist_ok=True)
        return path


class HAProxy(Peer):
    name, title = "haproxy", "HAProxy"
    does = "one backend, reused connections, no log; it knows nothing of keys, models or usage"
    packages = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")

    def install(self):
        for package in self.packages:
            command(["apt-get", "download", package], self.folder(), "apt-get")
        for package in self.folder().glob("*.deb"):
            command(["dpkg", "-x", package, self.folder() / "root"], self.folder(), "dpkg")

    def start(self):
        self.port = free_port()
        program, environment = shutil.which("haproxy"), {}
        if program is None:
            self.install_once("1", self.install)
            root = self.folder() / "root"
            program = root / "usr/sbin/haproxy"
            environment = {"LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"}
        version = command([program, "-v"], None, "haproxy", environment=environment).split()[2]
        self.title = f"HAProxy {version.split('-')[0]}"
        configuration = self.place() / "haproxy.cfg"
        configuration.write_text(
            "global\n  nbthread 1\n  maxconn 8000\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n"
            "  option http-keep-alive\n  http-reuse always\n"
            f"frontend clients\n  bind 127.0.0.1:{self.port}\n  default_backend provider\n"
            f"backend provider\n  server one 127.0.0.1:{self.lab.upstream_port}\n")
        self.spawn([program, "-db", "-f", configuration], "haproxy", environment)


class LiteLLM(Peer):
    name = "litellm"
    fast = False
    does = "its proxy with a master key; no database, so no budgets, limits or records of spend"

    def __init__(self, lab):
        super().__init__(lab)
        self.workers = 1
        self.title = "LiteLLM proxy"

    def install(self):
        """Not a fixed version: the newest one whose dependencies the index has."""
        command(["python3", "-m", "venv", "venv"], self.folder(), "venv")
        command(["venv/bin/pip", "install", "-q", "litellm[proxy]"], self.folder(), "pip")

    def start(self):
        self.install_once("newest", self.install)
        version = command(["venv/bin/pip", "show", "litellm"], self.folder(), "pip").split("Version:")[1].split()[0]
        self.title = f"LiteLLM proxy {version}"
        self.port = free_port()
        provider = f"http://127.0.0.1:{self.lab.upstream_port}/v1"
        failing = f"http://127.0.0.1:{self.lab.fail_port}/v1"

        def deployment(name, base):
            return {"model_name": name,
                    "litellm_params": {"model": "openai/gpt-4o", "api_base": base, "api_key": "sk-bench"}}
        configuration = self.place() / "config.yaml"
        configuration.write_text(json.dumps({
            "model_list": [deployment("gpt-4o", provider), deployment("gpt-4o-failing", failing)],
            "general_settings": {"master_key": "sk-bench"},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True,
                                "fallbacks": [{"gpt-4o-failing": ["gpt-4o"]}]},
            "litellm_settings": {"telemetry": False, "num_retries": 0, "request_timeout": 600}}))
        self.spawn([self.folder() / "venv/bin/litellm", "--config", configuration, "--host", "127.0.0.1", "--port",
                    self.port, "--num_workers", self.workers, "--telemetry", "False"], "litellm",
                   {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION",
                    "HOME": str(self.place())}, folder=self.place(), seconds=180)
        self.headers = ["Authorization: Bearer sk-bench"]
        self.failover = {"model": "gpt-4o-failing"}


class Portkey(Peer):
    name = "portkey"
    title = f"Portkey gateway {PORTKEY}"
    fast = False
    does = "routes by its headers; no keys of its own, budgets, limits or records"

    def install(self):
        """Its range for the HTTP server lets in one under which every stream ends in its error 500 ("immutable");
        under the one named here it works."""
        (self.folder() / "package.json").write_text(json.dumps({
            "dependencies": {"@portkey-ai/gateway": PORTKEY}, "overrides": {"@hono/node-server": "1.14.1"}}))
        command(["npm", "install", "--prefix", self.folder(), "--no-audit", "--no-fund"], self.folder(), "npm")

    def start(self):
        self.install_once(PORTKEY + " with 1.14.1", self.install)
        self.port = free_port()
        self.spawn(["node", "node_modules/@portkey-ai/gateway/build/start-server.js", f"--port={self.port}",
                    "--headless"], "portkey", {"NODE_ENV": "production"}, folder=self.folder())
        provider = f"http://127.0.0.1:{self.lab.upstream_port}/v1"
        self.headers = ["x-portkey-provider: openai", f"x-portkey-custom-host: {provider}"]
        target = {"provider": "openai", "api_key": "sk-bench"}
        self.failover = {"headers": ["x-portkey-config: " + json.dumps({
            "strategy": {"mode": "fallback"},
            "targets": [{**target, "custom_host": f"http://127.0.0.1:{self.lab.fail_port}/v1"},
                        {**target, "custom_host": provider}]})]}


class Noveum(Peer):
    name = "noveum"
    title = f"Noveum gateway {NOVEUM}"
    does = "Rust, one thread; routes by a header and reads the usage; no keys of its own, budgets, limits or records"

    def install(self):
        command(["cargo", "install", "-q", "--locked", "--root", self.folder(), f"noveum-ai-gateway@{NOVEUM}"],
                self.folder(), "cargo", 3600, {"CARGO_TARGET_DIR": str(self.folder() / "target")})
        shutil.rmtree(self.folder() / "target", ignore_errors=True)

    def start(self):
        self.install_once(NOVEUM, self.install)
        self.port = free_port()
        self.spawn([self.folder() / "bin/noveum-ai-gateway"], "noveum",
                   {"OPENAI_BASE_URL": f"http://127.0.0.1:{self.lab.upstream_port}", "HOST": "127.0.0.1",
                    "PORT": str(self.port), "WORKER_THREADS": "1", "RUST_LOG": "error"}, folder=self.place())
        self.headers = ["Authorization: Bearer sk-bench", "x-provider: openai"]


class LiteLLMRs(Peer):
    """No relation of LiteLLM's but the name."""

    name = "litellm-rs"
    title = f"LiteLLM-RS {LITELLM_RS}"
    does = "Rust, one worker; keys, rate limits, guardrails and metrics switched off"

    def install(self):
        command(["cargo", "install", "-q", "--locked", "--root", self.folder(), "--features", "gateway,sqlite", "--bin",
                 "gateway", f"litellm-rs@{LITELLM_RS}"], self.folder(), "cargo", 3600,
                {"CARGO_TARGET_DIR": str(self.folder() / "target")})
        shutil.rmtree(self.folder() / "target", ignore_errors=True)

    def start(self):
        self.install_once(LITELLM_RS, self.install)
        self.port = free_port()
        configuration = self.place() / "gateway.yaml"
        configuration.write_text(json.dumps({
            "schema_version": "1.0",
            "server": {"host": "127.0.0.1", "port": self.port, "workers": 1, "max_connections": 8192, "timeout": 30,
                       "max_body_size": 10485760, "dev_mode": False, "cors": {"enabled": False}},
            "providers": [{"name": "one", "provider_type": "openai_compatible", "api_key": "sk-bench",
                           "base_url": f"http://127.0.0.1:{self.lab.upstream_port}/v1",
                           "endpoint_access": "private_network", "weight": 1.0, "priority": 0,
                           "rpm": 1000000000, "tpm": 4000000000,
                           "max_concurrent_requests": 4096, "timeout": 300, "max_retries": 0, "settings": {},
                           "models": ["gpt-4o"], "enabled": True}],
            "router": {"strategy": "priority_based"},
            "storage": {"database": {"url": "sqlite::memory:", "enabled": False},
                        "redis": {"url": "redis://127.0.0.1:6379", "enabled": False}},
            "auth": {"enable_jwt": False, "enable_api_key": False, "allow_anonymous": True},
            "guardrails": {"enabled": False}, "rate_limit": {"enabled": False}, "cache": {"enabled": False},
            "monitoring": {"metrics": {"enabled": False, "port": free_port(), "path": "/metrics",
                                       "interval_seconds": 15}}}))
        self.spawn([self.folder() / "bin/gateway", "--config", configuration, "--log-level", "error"], "litellm-rs",
                   {"RUST_LOG": "error"}, folder=self.place())


class Bifrost(Peer):
    name = "bifrost"
    title = "Bifrost"
    does = ""

    def install(self):
        command(["npm", "install", "--prefix", self.folder(), "--no-audit", "--no-fund", f"@maximhq/bifrost@{BIFROST}"],
                self.folder(), "npm")

    def start(self):
        try:
            command(["go", "list", "-m", "github.com/maximhq/bifrost/transports@latest"], self.lab.directory, "go", 60)
        except Unavailable as reason:
            go = str(reason)
        else:
            go = "the Go module is there, and needs its web interface built first"
        self.install_once(BIFROST, self.install)
        self.port = free_port()
        place = self.place()
        (place / "config.json").write_text(json.dumps({
            "client": {"enable_logging": False, "drop_excess_requests": False, "initial_pool_size": 500},
            "providers": {"openai": {
                "keys": [{"name": "one", "value": "sk-bench", "models": ["*"], "weight": 1.0}],
                "network_config": {"base_url": f"http://127.0.0.1:{self.lab.upstream_port}", "max_retries": 0},
                "concurrency_and_buffer_size": {"concurrency": 256, "buffer_size": 4096}}},
            "config_store": {"enabled": False}, "logs_store": {"enabled": False}}))
        try:
            self.spawn([self.folder() / "node_modules/.bin/bifrost", "-port", self.port, "-host", "127.0.0.1",
                        "-log-level", "error", "-app-dir", place], "bifrost", seconds=120)
        except CannotStart:
            raise Unavailable(f"its npm package fetches a program from a server that is not reached here; {go}") from None
        self.model = "openai/gpt-4o"


# What was looked for and is in no registry of this machine's; said under the table.
NOT_FOUND = {
    "agentgateway": "not on crates.io, npm or PyPI: its releases are binaries on GitHub and images",
    "Envoy AI gateway": "the Go proxy gives no github.com/envoyproxy/ai-gateway, and it fetches Envoy from GitHub",
    "Busbar": "crates.io has the name alone (0.0.1)",
    "Helicone": "npm has no @helicone/ai-gateway",
    "Kong, APISIX": "not in Debian; their packages come from servers of their own",
}

ALL = [HAProxy, Bifrost, Noveum, LiteLLMRs, Portkey, LiteLLM]


def default_folder(root):
    return pathlib.Path(os.environ.get("OFFTAKE_BENCH_PEERS", root / "build-bench" / "peers"))
