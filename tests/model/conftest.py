# SPDX-License-Identifier: Apache-2.0
"""What the model's tests count, printed at the end: a state space that shrank to nothing would pass silently."""

import pytest

FIGURES = []


@pytest.fixture(scope="session")
def figures():
    return FIGURES


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("model: states, seconds, memory")
        for line in FIGURES:
            terminalreporter.write_line(line)
