# SPDX-License-Identifier: Apache-2.0
"""The calendars that come with offtake: every file's form, and the federal holidays reckoned again from the law."""

import datetime
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2] / "data" / "calendars"
FILES = sorted(ROOT.glob("*.calendar"))
HEADER = ["name", "title", "source", "closed", "covers"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
COMING = {"us-federal", "us-nyse", "england", "target", "japan", "ireland"}


def parsed(path):
    """The header as a dictionary, in order, and the holidays as pairs of a date and words."""
    header, holidays = {}, []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        first, _, rest = line.partition(" ")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", first):
            holidays.append((datetime.date.fromisoformat(first), rest))
        else:
            assert not holidays, f"a header line among the holidays: {line}"
            assert first not in header, f"{first} stands twice"
            header[first] = rest
    return header, holidays


def covered(header):
    first, last = header["covers"].split(" ")
    return int(first), int(last)


def test_the_calendars_are_those_that_the_page_names():
    assert {path.stem for path in FILES} == COMING


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_calendar_says_whose_it_is_and_where_from(path):
    header, _ = parsed(path)
    assert list(header) == HEADER
    assert header["name"] == path.stem and re.fullmatch(r"[a-z0-9-]+", path.stem)
    assert header["title"].strip() and header["source"].strip()
    assert set(header["closed"].split(" ")) <= set(WEEKDAYS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_holidays_are_in_order_once_each_and_in_every_year_covered(path):
    header, holidays = parsed(path)
    days = [day for day, _ in holidays]
    first, last = covered(header)
    assert days == sorted(set(days))
    assert all(words.strip() == words != "" for _, words in holidays)
    assert {day.year for day in days} == set(range(first, last))
    closed = {WEEKDAYS.index(word) for word in header["closed"].split(" ")}
    assert not [day for day in days if day.weekday() in closed], "a closed day needs no line"


# ---- the federal holidays, from the law ----------------------------------------------------------


def nth(year, month, weekday, n):
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))


def last_monday_of_may(year):
    day = datetime.date(year, 5, 31)
    return day - datetime.timedelta(day.weekday())


def observed(day):
    """5 U.S.C. 6103(b)(1) for a Saturday; Executive Order 11582 for a Sunday."""
    shift = {SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0)
    return day + datetime.timedelta(shift)


def legal_holidays(year):
    """5 U.S.C. 6103(a). Juneteenth since Public Law 117-17 of 17 June 2021."""
    days = {
        datetime.date(year, 1, 1): "New Year's Day",
        nth(year, 1, MONDAY, 3): "Martin Luther King",
        nth(year, 2, MONDAY, 3): "Washington's Birthday",
        last_monday_of_may(year): "Memorial Day",
        datetime.date(year, 7, 4): "Independence Day",
        nth(year, 9, MONDAY, 1): "Labor Day",
        nth(year, 10, MONDAY, 2): "Columbus Day",
        datetime.date(year, 11, 11): "Veterans Day",
        nth(year, 11, THURSDAY, 4): "Thanksgiving",
        datetime.date(year, 12, 25): "Christmas",
    }
    if year >= 2021:
        days[datetime.date(year, 6, 19)] = "Juneteenth"
    return days


def test_federal_holidays_are_those_of_the_law_as_observed():
    header, holidays = parsed(ROOT / "us-federal.calendar")
    first, last = covered(header)
    expected = {}
    for year in range(first, last + 1):  # a New Year's Day may be observed the year before
        for day, name in legal_holidays(year).items():
            seen = observed(day)
            if first <= seen.year < last:
                expected[seen] = (name, seen != day)
    assert [day for day, _ in holidays] == sorted(expected)
    for day, words in holidays:
        name, moved = expected[day]
        assert words.startswith(name), f"{day}: {words}, not {name}"
        assert words.endswith("(observed)") == moved, f"{day}: {words}"


def test_the_rules_of_this_test_give_days_that_are_known():
    assert nth(2025, 11, THURSDAY, 4) == datetime.date(2025, 11, 27)
    assert last_monday_of_may(2026) == datetime.date(2026, 5, 25)
    assert observed(datetime.date(2026, 7, 4)) == datetime.date(2026, 7, 3)
    assert observed(datetime.date(2027, 7, 4)) == datetime.date(2027, 7, 5)
    assert observed(datetime.date(2022, 1, 1)) == datetime.date(2021, 12, 31)
