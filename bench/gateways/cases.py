# SPDX-License-Identifier: Apache-2.0
"""The cases. In each one the contenders take turns, round by round and in changing order, so that what a busy
machine does to one round it does to all of them."""

from gateways import machine
from gateways.machine import RequestsFailed

FRAMES = 64
STREAM = {"stream": True, "prompt": f"bench: frames={FRAMES} every_us=2000", "least-bytes": 8000}
HELD = 2000

TITLES = {
    "small": "small JSON: 1 KB in, 0.75 KB out, 32 connections, as fast as answers come",
    "latency": "the same at half load: requests at fixed instants, timed from when they were due",
    "stream": f"streams of {FRAMES} frames, one each 2 ms, 96 at a time",
    "body32k": "bodies of 32 KB in, 0.75 KB out, 32 connections",
    "body256k": "bodies of 256 KB in, 0.75 KB out, 16 connections",
    "failover": "the first provider answers 500, the second one answers",
    "policy": "small JSON under a large contract",
    "held": f"{HELD:,} open streams, a frame each second on each",
}
LOADS = {
    "small": {"connections": 32, "least-bytes": 700},
    "policy": {"connections": 32, "least-bytes": 700},
    "failover": {"connections": 32, "least-bytes": 700},
    "body32k": {"connections": 32, "body-bytes": 32 << 10, "least-bytes": 700},
    "body256k": {"connections": 16, "body-bytes": 256 << 10, "least-bytes": 700},
    "stream": {"connections": 96, **STREAM},
    "latency": {"connections": 256, "least-bytes": 700},
    "held": {"connections": HELD, "stream": True, "hold": True, "prompt": "bench: frames=600 every_us=1000000"},
}
ORDER = list(TITLES)


class Case:
    def __init__(self, lab, name, options):
        self.lab, self.name, self.options = lab, name, options
        self.members = [c for c in lab.contenders if c.takes(name)]
        self.rates = {}
        self.failed = {}

    def load_of(self, contender):
        load = {**LOADS[self.name], "seconds": self.options.seconds}
        if self.name == "latency":
            load["rate"] = self.rates[contender.name]
        if self.name == "stream" and not contender.fast:
            load["connections"] = 32
        return load

    def once(self, contender):
        tolerant = not contender.fast
        if self.name != "failover":
            return self.lab.load(contender, self.load_of(contender), tolerant=tolerant)
        one = self.lab.load(contender, self.load_of(contender), tolerant=tolerant)
        row = self.lab.load(contender, self.load_of(contender), failover=True, tolerant=tolerant)
        row["one_us"] = one["cpu_us"]
        return row

    def find_rates(self, small):
        """Half of what bare nginx takes for all that can; half of its own for each that cannot."""
        nginx = self.lab.named("nginx")
        common = self.most(nginx, small) // 2
        for contender in self.members:
            own = common if contender.name == "direct" else self.most(contender, small) // 2
            self.rates[contender.name] = int(max(10, common if own >= 0.8 * common else own))

    def most(self, contender, small):
        if contender is None:
            return 10000
        rows = [r[contender.name]["requests_per_second"] for r in small or [] if contender.name in r]
        return sorted(rows)[len(rows) // 2] if rows else self.lab.load(
            contender, {**LOADS["small"], "seconds": 1})["requests_per_second"]

    def warm(self):
        for contender in list(self.members):
            try:
                self.lab.load(contender, {**self.load_of(contender), "seconds": 1},
                              failover=self.name == "failover", tolerant=not contender.fast)
            except RequestsFailed as error:
                self.drop(contender, error)

    def drop(self, contender, error):
        """Bare nginx and offtake must do everything; a peer that cannot is a footnote."""
        if contender.name in ("nginx", "direct") or contender.name.startswith("offtake"):
            raise error
        self.members.remove(contender)
        self.failed[contender.name] = str(error).strip()[-200:]

    def rounds(self, small=None):
        if self.name == "latency":
            self.find_rates(small)
        if not self.options.smoke:
            self.warm()
        rounds = []
        for number in range(self.options.rounds):
            turn = number % max(1, len(self.members))
            order = self.members[turn:] + self.members[:turn]
            row = {}
            for contender in (order if number % 2 == 0 else order[::-1]):
                try:
                    row[contender.name] = self.once(contender)
                except RequestsFailed as error:
                    self.drop(contender, error)
            rounds.append(row)
            self.tell(number, row)
        return rounds

    def tell(self, number, row):
        for name, r in row.items():
            cpu = "" if r["cpu_us"] is None else f"{r['cpu_us']:10.2f} CPU-us"
            self.lab.say(f"{self.name:<9} {number + 1:>3}  {name:<14} {cpu:<18} {r['requests_per_second']:>9.0f}/s"
                         f"  p50 {r['p50_us']:>9.0f} us  p99 {r['p99_us']:>9.0f} us"
                         + (f"  behind {r['behind']}" if r["behind"] else "")
                         + (f"  daemon {r['first_process_us']:.2f} us" if name.startswith("offtake") else ""))

    def held(self):
        """Memory with the streams open, less what it was before, by stream. Memory needs no rounds."""
        row = {}
        for contender in self.members:
            load = {**LOADS["held"], "seconds": 6 if contender.fast else 40}
            before = machine.memory_bytes(contender.root)
            try:
                got = self.lab.load(contender, load, memory=True, tolerant=not contender.fast)
            except RequestsFailed as error:
                self.failed[contender.name] = str(error).strip()[-200:]
                continue
            got["memory_before_bytes"] = before
            row[contender.name] = got
            self.lab.say(f"held           {contender.name:<14} {got['held']} streams, "
                         f"{got['memory_bytes'] / 2**20:.0f} MB ({before / 2**20:.0f} MB before)")
        return [row]


def run(lab, name, options, small=None):
    case = Case(lab, name, options)
    rounds = case.held() if name == "held" else case.rounds(small)
    return {"rounds": rounds, "failed": case.failed, "rates": case.rates}
