# SPDX-License-Identifier: Apache-2.0
"""Each diagnostic has a deal that shows it, and the exact text that `offtake check` prints for it."""

import json
import pathlib
import re
import subprocess

import pytest

from stack import OFFTAKE, ROOT

FOLDER = pathlib.Path(__file__).resolve().parent / "diagnostics"
DEALS = sorted(FOLDER.glob("[0-9]*.deal"))


@pytest.mark.parametrize("deal", DEALS, ids=lambda p: f"OFT{p.stem}")
def test_the_text_is_the_one_we_promised(deal):
    result = subprocess.run([str(OFFTAKE), "check", deal.name], cwd=FOLDER, capture_output=True, text=True)
    expected = deal.with_suffix(".ok").read_text()
    assert result.stdout + result.stderr == expected
    assert f"OFT{deal.stem}" in expected
    assert result.returncode == (1 if re.search(r": error OFT", expected) else 0)
    assert max(map(len, expected.splitlines())) <= 80


@pytest.mark.parametrize("deal", DEALS, ids=lambda p: f"OFT{p.stem}")
def test_the_json_twin_says_the_same(deal):
    result = subprocess.run([str(OFFTAKE), "check", "--json", deal.name], cwd=FOLDER, capture_output=True,
                            text=True)
    twin = json.loads(result.stdout)
    text = deal.with_suffix(".ok").read_text()
    for found in twin["diagnostics"]:
        place = f"{found['file']}:{found['line']}:{found['column']}"
        assert f"{place}: {found['severity']} {found['code']}" in text
    assert f"OFT{deal.stem}" in {found["code"] for found in twin["diagnostics"]}


def test_several_mistakes_come_out_in_one_run(tmp_path):
    deal = tmp_path / "many.deal"
    deal.write_text('deal "x"\ncustomer lab\ncurrency USD\nprovider east of nobody\nproduct a class zz\n'
                    "agreement b with lab { effective 2025-13-01 }\n")
    out = subprocess.run([str(OFFTAKE), "check", str(deal)], capture_output=True, text=True).stdout
    assert len(re.findall(r": error OFT", out)) == 3


PAGES = ROOT / "docs" / "diagnostics"


def codes_in_the_source():
    found = set()
    for path in [*(ROOT / "src" / "deal").glob("*.[chyl]"), *(ROOT / "src" / "policy").glob("*.[ch]")]:
        text = path.read_text()
        found |= {int(code) for code in re.findall(r"\b(?:BUILD|TERM)_ERROR\(\(?\w[\w>-]*\)?, (\d+),", text)}
        found |= {int(code) for code in re.findall(r"\bDEAL_(?:ERROR|WARNING|NOTE), (\d+),", text)}
    return {f"{code:04}" for code in found}


def test_every_code_has_a_page_and_a_deal_that_shows_it_or_a_reason_why_not():
    paged = {page.stem[3:] for page in PAGES.glob("OFT*.md")}
    shown = {deal.stem for deal in DEALS}
    assert codes_in_the_source() <= paged
    # Too many files, a file of eight megabytes, two hundred mistakes, a collision of 64-bit hashes.
    assert paged - shown == {"0007", "0008", "0009", "0014"}
    assert shown <= paged


@pytest.mark.parametrize("deal", DEALS, ids=lambda p: f"OFT{p.stem}")
def test_the_page_shows_what_check_prints(deal):
    page = (PAGES / f"OFT{deal.stem}.md").read_text()
    shown = re.search(r"```\n(.*)\n```", page, re.S).group(1)
    assert shown in deal.with_suffix(".ok").read_text() or all(
        part in deal.with_suffix(".ok").read_text() for part in shown.split("\n" + deal.name))
    assert f"OFT{deal.stem}](OFT{deal.stem}.md)" in (PAGES / "README.md").read_text()


def test_the_deal_in_the_language_reference_checks_without_a_word(tmp_path):
    text = (ROOT / "docs" / "language.md").read_text()
    deal = tmp_path / "lab.deal"
    deal.write_text(re.search(r"```deal\n(.*?)```", text, re.S).group(1))
    result = subprocess.run([str(OFFTAKE), "check", "--json", str(deal)], capture_output=True, text=True)
    assert result.returncode == 0 and json.loads(result.stdout)["diagnostics"] == [], result.stdout
