#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/calendars/ from the package `holidays` (python-holidays) of PyPI. Run by hand when a country changes its
holidays: pip install "holidays==VERSION"; tools/calendars/generate.py. The journal of a desk keeps the
edition that it reckoned by, so a new one moves no deadline that already runs.
"""

import datetime
import pathlib

import holidays

FIRST, LAST = 2019, 2040
TARGET = pathlib.Path(__file__).resolve().parents[2] / "data" / "calendars"
BY = f"dates by python-holidays {holidays.__version__}"

CALENDARS = {
    "us-federal": (
        "Federal holidays of the United States",
        "5 U.S.C. 6103(a), as observed on working days (6103(b)); Juneteenth from 2021",
        lambda years: holidays.country_holidays("US", years=years, categories=("public",)),
    ),
    "us-nyse": (
        "Trading holidays of the New York Stock Exchange",
        "NYSE Rule 7.2",
        lambda years: holidays.financial_holidays("NYSE", years=years),
    ),
    "england": (
        "Bank holidays of England and Wales",
        "Banking and Financial Dealings Act 1971, s. 1 and sch. 1, and royal proclamations; proclamations yet to "
        "come are not known",
        lambda years: holidays.country_holidays("GB", subdiv="ENG", years=years),
    ),
    "target": (
        "Closing days of TARGET, the Eurosystem's payment system",
        "long-term calendar of the European Central Bank (decision of 14 December 2000)",
        lambda years: holidays.financial_holidays("ECB", years=years),
    ),
    "japan": (
        "National holidays of Japan",
        "Act on National Holidays (Act No. 178 of 1948); equinoxes beyond the next year are by astronomy",
        lambda years: holidays.country_holidays("JP", years=years),
    ),
    "ireland": (
        "Public holidays of Ireland",
        "Organisation of Working Time Act 1997, sch. 2; St Brigid's Day from 2023",
        lambda years: holidays.country_holidays("IE", years=years),
    ),
}


def write(name, title, source, dates):
    lines = [f"name {name}", f"title {title}", f"source {source}; {BY}", "closed saturday sunday",
             f"covers {FIRST} {LAST + 1}"]
    for day, word in sorted(dates.items()):
        if FIRST <= day.year <= LAST and day.weekday() < 5:
            lines.append(f"{day.isoformat()} {word}")
    (TARGET / f"{name}.calendar").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, (title, source, make) in CALENDARS.items():
        made = make(range(FIRST - 1, LAST + 2))
        write(name, title, source, {day: made[day] for day in made if isinstance(day, datetime.date)})


if __name__ == "__main__":
    main()
