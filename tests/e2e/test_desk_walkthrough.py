# SPDX-License-Identifier: Apache-2.0
"""The founding case at the desk, as the example plays it: every outcome is asserted there."""

import os
import pathlib
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_walkthrough_ends_with_every_act_as_asserted():
    environment = dict(os.environ, OFFTAKE_WALKTHROUGH_PORT=str(free_port()))
    done = subprocess.run([ROOT / "examples/desk-walkthrough", "--quiet"], env=environment, text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith(" as asserted, 0 not")
    assert int(done.stdout.split()[1]) >= 60
