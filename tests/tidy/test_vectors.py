# SPDX-License-Identifier: Apache-2.0
"""Bytes that were built from a format's page are still what the tests in C read."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDER = ROOT / "tests" / "unit" / "desk" / "journal_vector.py"


def test_the_desks_sample_journal_is_what_its_builder_makes(tmp_path):
    hashes = subprocess.run(
        [sys.executable, str(BUILDER), str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout.split()
    made = sorted(tmp_path.iterdir())
    assert made
    for path in made:
        kept = ROOT / "fuzz" / "corpus" / "desk_journal" / path.name
        assert kept.read_bytes() == path.read_bytes(), f"run {BUILDER.name} {kept.parent.relative_to(ROOT)}"
    test = (BUILDER.parent / "test_journal_vector.c").read_text()
    assert all(value in test for value in hashes)
