# SPDX-License-Identifier: Apache-2.0
"""The first thing that a newcomer runs."""

import os
import subprocess

import pytest

from stack import ROOT, port_open


def test_the_demo_runs_once_and_every_total_agrees():
    for port in (8080, 9101, 9102, 9103):
        if port_open(port):
            pytest.skip(f"port {port} of the demo is taken on this machine")
    result = subprocess.run(
        [str(ROOT / "demo"), "--once"], capture_output=True, text=True, timeout=300, cwd="/",
        env={**os.environ, "TERM": "dumb"})
    out = result.stdout + result.stderr
    assert result.returncode == 0, out[-4000:]
    for expected in ("ms-2025-10.api", "azure-east", "coreweave", "microsoft", "commit"):
        assert expected in out
    assert not any(port_open(port) for port in (8080, 9101, 9102, 9103))
