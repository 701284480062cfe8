# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: started, pinned, stopped; and what a whole tree of them has used."""

import contextlib
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time

TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


class CannotStart(Exception):
    """Something is missing or did not come up; the text says what."""


class RequestsFailed(Exception):
    """A figure of refused requests is no figure."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def port_open(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def worker_user():
    for name in ("www-data", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise CannotStart("this system has neither www-data nor nobody")


def read(path):
    with contextlib.suppress(OSError):
        return pathlib.Path(path).read_text()
    return ""


def tree(root):
    """ROOT and all that descends from it."""
    found, wait = [], [root]
    while wait:
        pid = wait.pop()
        found.append(pid)
        for task in read_directory(f"/proc/{pid}/task"):
            wait += [int(p) for p in read(f"/proc/{pid}/task/{task}/children").split()]
    return found


def read_directory(path):
    with contextlib.suppress(OSError):
        return os.listdir(path)
    return []


def process_ns(pid):
    """What a process has run, in user code and in the kernel: each thread's run time by the scheduler's own clock."""
    return sum(int((read(f"/proc/{pid}/task/{task}/schedstat").split() or [0])[0])
               for task in read_directory(f"/proc/{pid}/task"))


def cpu_ns(root):
    """The same of a whole tree, with the ticks of children that are gone."""
    total = 0
    for pid in tree(root):
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if len(fields) > 14:
            total += (int(fields[13]) + int(fields[14])) * TICK_NS
        total += process_ns(pid)
    return total


def memory_bytes(root):
    """The tree's resident memory; a page that several hold counts once (PSS)."""
    total = 0
    for pid in tree(root):
        for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class Machine:
    """Which core is whose: one for the load and the upstream, one for what is measured."""

    def __init__(self, pin, nice):
        cores = sorted(os.sched_getaffinity(0))
        self.pinned = pin and len(cores) >= 2
        self.load_cores = {cores[0]} if self.pinned else set(cores)
        self.contender_cores = {cores[1]} if self.pinned else set(cores)
        self.nice = nice

    def prepare(self, cores):
        def before_exec():
            os.sched_setaffinity(0, cores)
            if self.nice:
                os.setpriority(os.PRIO_PROCESS, 0, self.nice)
        return before_exec

    @staticmethod
    def describe():
        model = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines()
                      if line.startswith("model name")), "a processor that does not tell its name")
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        return f"{os.cpu_count()} cores of {model}, {gib:.0f} GiB, Linux {os.uname().release}"


class Processes:
    """What the benchmark started, so that it ends with it."""

    def __init__(self, machine, directory, stack):
        self.machine, self.directory, self.stack = machine, directory, stack

    def spawn(self, arguments, log_name, cores, environment=None, folder=None):
        log = self.directory / log_name
        with open(log, "ab") as out:
            process = subprocess.Popen(
                [str(a) for a in arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})}, cwd=folder, preexec_fn=self.machine.prepare(cores))
        self.stack.callback(self.end, process)
        return process, log

    @staticmethod
    def end(process):
        if process.poll() is not None:
            return
        everyone = tree(process.pid)
        for pid in everyone:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in everyone[1:]:
            with contextlib.suppress(OSError):
                if read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1:2] == ["1"]:
                    os.kill(pid, signal.SIGKILL)


def wait_for(condition, what, process, log, seconds=60):
    """Polls until CONDITION holds; a process that ended meanwhile will not make it hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            text = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise CannotStart(f"{what} did not come up\n{text}")
        time.sleep(0.02)


def pause(root, stop):
    """A contender that is not measured now does nothing, not even in the background."""
    for pid in tree(root):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGSTOP if stop else signal.SIGCONT)
