# SPDX-License-Identifier: Apache-2.0
"""What all cases share: the upstream, the contenders that came up, and one measured load on one of them."""

import json
import subprocess
import threading
import time
import urllib.request

from gateways import machine
from gateways.machine import CannotStart, RequestsFailed, free_port, port_open, wait_for
from gateways.peers import Unavailable


class Lab:
    def __init__(self, options, directory, stack):
        self.build, self.directory = options.build.resolve(), directory
        self.peers = options.peers_folder
        self.machine = machine.Machine(not options.no_pin, options.nice)
        self.processes = machine.Processes(self.machine, directory, stack)
        self.upstream_port, self.fail_port = free_port(), free_port()
        self.other_module = options.other_module
        self.contenders, self.absent = [], {}
        self.say = (lambda *_: None) if options.json else (lambda text: print(text, flush=True))

    def program(self, name):
        for path in (self.build / name, self.build / "tools" / "load" / name):
            if path.exists():
                return path
        raise CannotStart(f"{name} is not built in {self.build}: run tools/build")

    def start_upstream(self, fail_every):
        process, log = self.processes.spawn(
            [self.program("offtake-bench-upstream"), "--port", self.upstream_port, "--fail-port", self.fail_port,
             "--fail-every", fail_every], "upstream.log", self.machine.load_cores)
        wait_for(lambda: port_open(self.upstream_port), "the upstream", process, log)

    def upstream_counts(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.upstream_port}/bench/counts", timeout=10) as answer:
            return json.load(answer)

    def start(self, contender):
        """True when it runs; a peer that cannot be had is written down with its reason."""
        self.say(f"starting {contender.title or contender.name} ...")
        try:
            contender.start()
        except Unavailable as reason:
            self.absent[contender.title or contender.name] = str(reason)
            self.say(f"  not here: {reason}")
            return False
        except CannotStart as reason:
            if contender.name in ("nginx", "offtake", "direct"):
                raise
            self.absent[contender.title or contender.name] = "did not come up: " + str(reason).strip().splitlines()[-1][:200]
            self.say(f"  {reason}")
            return False
        self.contenders.append(contender)
        self.rest(contender)
        return True

    def rest(self, contender):
        if contender.pausable and contender.root:
            machine.pause(contender.root, True)

    def wake(self, contender):
        if contender.pausable and contender.root:
            machine.pause(contender.root, False)

    def named(self, name):
        return next((c for c in self.contenders if c.name == name), None)

    # ---- one load -------------------------------------------------------------------------------

    def arguments(self, contender, load, failover):
        changed = contender.failover if failover else {}
        arguments = [self.program("offtake-bench-load"), "--port", changed.get("port", contender.port),
                     "--path", contender.path, "--model", changed.get("model", contender.model)]
        if getattr(contender, "key_file", None):
            arguments += ["--key-file", contender.key_file]
        for header in changed.get("headers", contender.headers):
            if header.startswith("Authorization: Bearer "):
                (self.directory / f"{contender.name}.key").write_text(header[22:] + "\n")
                arguments += ["--key-file", self.directory / f"{contender.name}.key"]
            else:
                arguments += ["--header", header]
        for name, value in load.items():
            arguments += [f"--{name}"] if value is True else [f"--{name}", value]
        return [str(a) for a in arguments]

    def load(self, contender, load, failover=False, memory=False, tolerant=False):
        """Runs one load on one contender; its CPU, and what the upstream saw, are in the row."""
        self.wake(contender)
        seen = self.upstream_counts()
        before, daemon = (machine.cpu_ns(contender.root), machine.process_ns(contender.root)) if contender.root else (0, 0)
        process = subprocess.Popen(self.arguments(contender, load, failover), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   preexec_fn=self.machine.prepare(self.machine.load_cores))
        most = [0]
        watcher = threading.Thread(target=self.watch_memory, args=(contender, process, most))
        if memory:
            watcher.start()
        out, error = process.communicate()
        used = machine.cpu_ns(contender.root) - before if contender.root else 0
        daemon = machine.process_ns(contender.root) - daemon if contender.root else 0
        if memory:
            watcher.join()
        self.rest(contender)
        row = json.loads(out) if out.strip() else {"failed": 1}
        nothing = not row.get("requests") and "hold" not in load
        if row["failed"] or nothing or (process.returncode != 0 and not tolerant):
            raise RequestsFailed(f"{contender.name}: {out.strip()} {error.strip()}")
        now = self.upstream_counts()
        row["upstream"] = {name: now[name] - seen[name] for name in now}
        row["cpu_us"] = round(used / 1e3 / row["requests"], 3) if row["requests"] else None
        row["first_process_us"] = round(daemon / 1e3 / row["requests"], 3) if row["requests"] else None
        if memory:
            row["memory_bytes"] = most[0]
        return row

    @staticmethod
    def watch_memory(contender, process, most):
        while contender.root and process.poll() is None:
            most[0] = max(most[0], machine.memory_bytes(contender.root))
            time.sleep(0.5)
