# SPDX-License-Identifier: Apache-2.0
"""Where the time of a request goes: samples of nginx and of offtake under the same load, user code by function and
kernel by the system call it was entered with; and how many system calls a request makes."""

import collections
import json
import re
import shutil
import subprocess

from gateways import cases, machine
from gateways.machine import CannotStart

SAMPLES_A_SECOND = 4999
SYSCALL = re.compile(r"(?:__(?:x64|se|do)_sys_|ksys_|do_(?=writev|readv|epoll_wait|fcntl))(\w+)")


def tool(name):
    path = shutil.which(name)
    if path is None:
        raise CannotStart(f"--profile needs {name}, and it is not here")
    return path


def stacks(text):
    """perf script's blocks: the innermost frame first."""
    frames = []
    for line in text.splitlines():
        if not line.strip():
            if frames:
                yield frames
            frames = []
            continue
        found = re.match(r"\s*[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$", line)
        if found:
            frames.append((found.group(1), found.group(2).rpartition("/")[2]))
    if frames:
        yield frames


def place(frames):
    symbol, part = frames[0]
    if not part.startswith("[kernel") and part != "[guest.kernel.kallsyms]":
        return ("user", f"{symbol} ({part})" if symbol != "[unknown]" else f"({part})")
    for name, _ in reversed(frames):
        found = SYSCALL.match(name)
        if found:
            return ("kernel", found.group(1))
    faults = any("page_fault" in name or "exc_" in name for name, _ in frames)
    return ("kernel", "page faults" if faults else "entry, exit and interrupts")


def sample(lab, contender, load, seconds):
    """Samples by place, of all processes of the contender, and the CPU a request."""
    lab.wake(contender)
    data = lab.directory / f"{contender.name}.perf"
    pids = ",".join(str(p) for p in machine.tree(contender.root))
    recorder = subprocess.Popen([tool("perf"), "record", "-q", "-g", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND),
                                 "-p", pids, "-o", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    row = lab.load(contender, {**load, "seconds": seconds})
    recorder.send_signal(2)
    recorder.wait(60)
    text = subprocess.run([tool("perf"), "script", "-i", str(data), "-F", "ip,sym,dso"], capture_output=True,
                          text=True).stdout
    counts = collections.Counter(place(frames) for frames in stacks(text))
    if not counts:
        raise CannotStart("perf saw no samples: " + recorder.stderr.read().decode(errors="replace")[-300:])
    return counts, row["cpu_us"]


def system_calls(lab, contender, load):
    """Calls a request, told by strace under a load of one second; it slows everything, the numbers stay."""
    lab.wake(contender)
    out = lab.directory / f"{contender.name}.strace"
    pids = [argument for pid in machine.tree(contender.root) for argument in ("-p", str(pid))]
    tracer = subprocess.Popen([tool("strace"), "-f", "-c", "-U", "calls,name", "-o", str(out), *pids],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    row = lab.load(contender, {**load, "seconds": 2, "connections": 8})
    tracer.send_signal(2)
    tracer.wait(30)
    calls = {}
    for line in out.read_text().splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[0].isdigit() and fields[1] != "total":
            calls[fields[1]] = int(fields[0]) / row["requests"]
    return {name: count for name, count in sorted(calls.items(), key=lambda c: -c[1]) if count >= 0.005}


def run(lab, options):
    report = {}
    for case in [c for c in options.cases if c not in ("latency", "held", "policy")]:
        load = cases.LOADS[case]
        for name in ("nginx", "offtake"):
            contender = lab.named(name)
            lab.load(contender, {**load, "seconds": 1}, failover=case == "failover")
            counts, cpu = sample(lab, contender, load, options.seconds)
            total = sum(counts.values())
            report.setdefault(case, {})[name] = {
                "cpu_us": cpu, "samples": total,
                "us": {f"{kind}: {what}": cpu * count / total for (kind, what), count in counts.most_common()},
                "calls": system_calls(lab, contender, load)}
    if options.json:
        print(json.dumps(report))
    else:
        for case, sides in report.items():
            print_case(case, sides)
    return 0


def print_case(case, sides):
    print(f"\n**{cases.TITLES[case]}**\n")
    for name, side in sides.items():
        kernel = sum(us for what, us in side["us"].items() if what.startswith("kernel"))
        print(f"{name}: {side['cpu_us']:.2f} CPU-us a request, {kernel:.2f} of them in the kernel "
              f"({side['samples']} samples)")
    whats = sorted({w for s in sides.values() for w in s["us"]},
                   key=lambda w: -max(s["us"].get(w, 0) for s in sides.values()))
    print("\n| CPU-us a request | " + " | ".join(sides) + " |\n|---|" + "---|" * len(sides))
    floor = 0.002 * max(s["cpu_us"] for s in sides.values())
    for what in whats:
        cells = [s["us"].get(what, 0) for s in sides.values()]
        if max(cells) >= floor:
            print(f"| {what} | " + " | ".join(f"{c:.2f}" for c in cells) + " |")
    calls = list(dict.fromkeys(c for s in sides.values() for c in s["calls"]))
    print("\n| system calls a request | " + " | ".join(sides) + " |\n|---|" + "---|" * len(sides))
    for call in calls:
        print(f"| {call} | " + " | ".join(f"{s['calls'].get(call, 0):.2f}" for s in sides.values()) + " |")
