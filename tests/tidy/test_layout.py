# SPDX-License-Identifier: Apache-2.0
"""House rules that a reader should not have to check: sizes, licences, layout of the code."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 700
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\n")
C_FILES = [f for f in TRACKED if f.endswith((".c", ".h", ".l", ".y"))]


@pytest.mark.parametrize("name", C_FILES)
def test_a_source_file_says_its_licence_and_stays_short(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "SPDX-License-Identifier: Apache-2.0" in text[:300], f"{name} lacks its licence line"
    lines = text.count("\n")
    assert lines <= FILE_LINES_MAX, f"{name} has {lines} lines; split it by subject"


def test_c_code_is_laid_out_by_clang_format():
    formatter = shutil.which("clang-format")
    assert formatter, "clang-format is in packages.txt"
    version = re.search(r"version (\d+)", subprocess.run(
        [formatter, "--version"], capture_output=True, text=True, check=True).stdout).group(1)
    if version != "14":
        pytest.skip(f"layout is checked by clang-format 14 (Debian 12); this is {version}")
    files = [f for f in C_FILES if f.endswith((".c", ".h")) and not f.startswith("src/gateway/")]
    wrong = []
    for name in files:
        result = subprocess.run(
            [formatter, "--dry-run", "--Werror", name], cwd=ROOT, capture_output=True, text=True)
        if result.returncode != 0:
            wrong.append(name)
    assert not wrong, "run clang-format -i on: " + " ".join(wrong)


def test_nothing_committed_names_a_path_of_a_developers_machine():
    pattern = re.compile(r"/work/(main|shared)|/tmp/brief|\.library|/root/\.pyenv")
    hits = []
    for name in TRACKED:
        path = ROOT / name
        if not name or not path.is_file() or name == "tests/tidy/test_layout.py":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if pattern.search(text):
            hits.append(name)
    assert not hits, hits
