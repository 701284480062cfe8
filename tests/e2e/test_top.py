# SPDX-License-Identifier: Apache-2.0
"""`offtake top` on a terminal of its own (a pty), and for scripts."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from stack import OFFTAKE, chat, wait_for

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
ANSI = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A program on a pty of ROWS by COLUMNS; what it writes is in `seen`."""

    def __init__(self, arguments, rows=30, columns=100, environment=None):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm", **(environment or {})},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.seen = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                break
        return self.seen

    def frames(self):
        """Whole screens so far, as lists of lines without colours."""
        parts = self.read().split(b"\x1b[H")[1:]
        return [[ANSI.sub(b"", line).decode() for line in part.split(b"\r\n")]
                for part in parts if part.endswith(b"\x1b[J") or b"\x1b[J" in part]

    def wait_frame(self, condition, what="a frame"):
        def found():
            frames = self.frames()
            return frames and condition(frames[-1]) and frames[-1]
        return wait_for(found, what=what + ": " + repr(self.seen[-500:]))

    def keys(self, text):
        os.write(self.master, text)

    def ended(self, seconds=10):
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline, "offtake top does not end"
            time.sleep(0.01)
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture(scope="module")
def busy(make_module_stack):
    """A stack with traffic that goes on until the module's tests are over."""
    stack = make_module_stack(more='account budgeted "Budgeted" { budget 100 USD per month }')
    keys = [stack.key("acme", "api"), stack.key("globex", "chat"), stack.key("budgeted", "api")]
    over = threading.Event()

    def run():
        while not over.is_set():
            for key in keys:
                chat(stack, key, stream=True)
            chat(stack, keys[0], model="unknown-model")
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield stack
    over.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def terminal(busy):
    made = []

    def make(*arguments, **more):
        made.append(Terminal([str(OFFTAKE), "top", "--data", str(busy.data), *arguments], **more))
        return made[-1]
    yield make
    for one in made:
        one.close()


def pool_lines(frame):
    start = next(i for i, line in enumerate(frame) if line.startswith("POOL"))
    names = []
    for line in frame[start + 1:]:
        if not line.strip():
            break
        names.append(line.split()[0])
    return names


def test_it_shows_pools_rates_latencies_money_and_budgets(terminal):
    top = terminal()
    frame = top.wait_frame(lambda lines: any(re.match(r"(east|south)\s.*\s[1-9][0-9.k]*\s", line)
                                             for line in lines), "rates")
    text = "\n".join(frame)
    assert sorted(pool_lines(frame)) == ["east", "south", "west"]
    assert "Test lab" in text and "nginx up" in text and "generation" in text
    assert re.search(r"a second: [1-9][0-9.k]* requests", text)
    assert re.search(r"USD a minute: [0-9.,]+ earned", text)
    assert re.search(r"account budgeted\s+month\s+[0-9.]+\s+100.00  [#.]{20}", text)
    assert re.search(r"refused a second:.*model_not_found", text)
    top.keys(b"q")
    assert top.ended() == 0


@pytest.mark.parametrize("columns,rows", [(80, 24), (120, 40), (200, 10)])
def test_no_line_is_longer_than_the_screen_and_no_screen_higher(terminal, columns, rows):
    top = terminal(columns=columns, rows=rows)
    frame = top.wait_frame(lambda lines: any("POOL" in line for line in lines))
    assert max(len(line) for line in frame) <= columns, frame
    assert len(frame) <= rows
    assert frame[-1].startswith("q quit")


def test_a_resized_terminal_is_drawn_anew(terminal):
    top = terminal(columns=140, rows=30)
    top.wait_frame(lambda lines: any("POOL" in line for line in lines))
    top.resize(12, 90)
    os.kill(top.process.pid, signal.SIGWINCH)
    frame = top.wait_frame(lambda lines: len(lines) <= 12 and lines[-1].startswith("q quit"))
    assert max(len(line) for line in frame) <= 90


def test_arrows_choose_the_column_and_the_order(terminal):
    top = terminal()
    top.wait_frame(lambda lines: any("REQ/Sv" in line for line in lines))
    top.keys(b"\x1b[D")
    top.wait_frame(lambda lines: any(line.startswith("POOLv") for line in lines))
    frame = top.wait_frame(lambda lines: pool_lines(lines) == ["west", "south", "east"])
    top.keys(b"\x1b[A")
    frame = top.wait_frame(lambda lines: any(line.startswith("POOL^") for line in lines))
    assert pool_lines(frame) == ["east", "south", "west"]
    top.keys(b" ")
    top.wait_frame(lambda lines: "PAUSED" in lines[0])


@pytest.mark.parametrize("how", ["q", "ctrl-c", "SIGTERM", "SIGINT"])
def test_whatever_ends_it_the_terminal_is_as_before(terminal, how):
    top = terminal()
    top.wait_frame(lambda lines: any("POOL" in line for line in lines))
    assert termios.tcgetattr(top.slave) != top.before
    if how == "q":
        top.keys(b"q")
    elif how == "ctrl-c":
        top.keys(b"\x03")
    else:
        os.kill(top.process.pid, getattr(signal, how))
    assert top.ended() == 0
    assert top.seen.count(ENTER) == top.seen.count(LEAVE) == 1
    assert top.seen.rindex(b"\x1b[?25h") > top.seen.rindex(b"\x1b[?25l")
    assert termios.tcgetattr(top.slave) == top.before


def test_colours_are_for_terminals_that_want_them(terminal):
    top = terminal()
    top.wait_frame(lambda lines: any("POOL" in line for line in lines))
    assert b"\x1b[7m" in top.read()
    plain = terminal(environment={"NO_COLOR": "1"})
    plain.wait_frame(lambda lines: any("POOL" in line for line in lines))
    assert b"\x1b[7m" not in plain.read() and b"\x1b[1m" not in plain.read()


def test_once_prints_plain_lines_of_80_columns(busy):
    out = busy.cli("top", "--once").stdout
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert re.search(r"^east .*up$", out, re.M)
    # Without a terminal that is what it does anyway.
    assert "\x1b" not in busy.cli("top").stdout


def test_json_has_the_rates_as_whole_numbers(busy):
    view = json.loads(busy.cli("top", "--once", "--json").stdout)
    east = next(p for p in view["pools"] if p["pool"] == "east")
    assert east["per_second_thousandths"]["served"] > 0
    assert east["p50_us"] > 0
    assert view["per_second_thousandths"]["refused"] > 0
    assert int(view["revenue_nanos_per_minute"]) > int(view["cost_nanos_per_minute"]) > 0
    assert view["budgets"][0]["limit"] == "account budgeted"
    assert view["nginx_up"] and view["workers"] > 0


def test_json_without_once_goes_on(busy):
    process = subprocess.Popen([str(OFFTAKE), "top", "--json", "--data", str(busy.data)],
                               stdout=subprocess.PIPE, text=True)
    try:
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert first["elapsed_ms"] >= 1000 and second["elapsed_ms"] >= 1000
    finally:
        process.kill()
        process.wait()


def test_a_daemon_that_goes_away_is_told_on_the_terminal_as_it_was(make_stack):
    stack = make_stack()
    top = Terminal([str(OFFTAKE), "top", "--data", str(stack.data)])
    try:
        top.wait_frame(lambda lines: any("POOL" in line for line in lines))
        stack.stop_daemon()
        assert top.ended() == 3
        assert b"offtake: " in top.seen[top.seen.rindex(LEAVE):]
        assert termios.tcgetattr(top.slave) == top.before
    finally:
        top.close()


def test_nobody_there_is_a_fault_and_a_wrong_option_a_usage_error(tmp_path):
    run = lambda *a: subprocess.run([str(OFFTAKE), "top", *a], capture_output=True, text=True)  # noqa: E731
    assert run("--once", "--data", str(tmp_path)).returncode == 3
    assert run("--interval", "0").returncode == 2
    assert run("more").returncode == 2
    assert run("--help").returncode == 0
