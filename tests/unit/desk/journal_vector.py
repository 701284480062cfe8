#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample journal of test_journal_vector.c, built from docs/formats/desk-journal.md alone.

    journal_vector.py               prints the hash of its last link, and a notice's hash
    journal_vector.py DIRECTORY     writes each event's bytes there: the fuzzer's first corpus
"""

import hashlib
import pathlib
import struct
import sys

NONE = 2**32 - 1
NEVER, ALWAYS = 2**63 - 1, -(2**63)
SECOND = 10**9
AT = 1775001600 * SECOND


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def i32(value):
    return struct.pack("<i", value)


def i64(value):
    return struct.pack("<q", value)


instant = i64


def i128(value):
    return value.to_bytes(16, "little", signed=True)


def name(value=""):
    return u16(len(value.encode())) + value.encode()


def text(value=""):
    return u32(len(value.encode())) + value.encode()


def names(*values):
    return u16(len(values)) + b"".join(name(value) for value in values)


def period(count, unit, roll=0):
    return u32(count) + u8(unit) + u8(roll)


def window(count=None, unit=0, roll=0, start=0, calendar="", zone=""):
    if count is None:
        return u8(0)
    return u8(1) + period(count, unit, roll) + u8(start) + name(calendar) + name(zone)


def term(title, kind, number, per="", cash=-1):
    return name(title) + u8(kind) + i128(number) + name(per) + i128(cash)


def terms(*items):
    return u16(len(items)) + b"".join(items)


# In the order of their bits.
PARTS = ("happened", "actor", "party", "other", "need", "offer", "lot", "notice", "order", "quantity", "terms",
         "name", "names", "text", "hash", "payload")


def event(kind, at, **parts):
    bits = sum(1 << PARTS.index(part) for part in parts)
    out = u8(1) + u8(kind) + u16(bits) + instant(at)
    for part in PARTS:
        out += parts.get(part, b"")
    return out


TERMS = terms(
    term("law", 4, 0, "New York"),
    term("price", 1, 2_100_000_000, "gpu-hour"),
    term("start", 3, AT + 86400 * SECOND),
    term("uptime", 2, 99_950_000_000, cash=5 * 10**15),
)
NEED = (
    name("training") + name("h100") + name("us-east") + u8(1) + u64(20000) + instant(AT) + u32(12) + u64(8760)
    + i128(4_000_000_000) + u8(1) + name("cloud") + name("nsec") + u32(NONE) + instant(AT + 10 * SECOND) + TERMS
    + text("für das Training")
)
OFFER = (
    u32(0) + name("newcloud") + name("newcloud-west") + u64(20000) + instant(NEVER) + i128(-(2**127)) + text("stargate")
    + text("first") + text("abilene") + names("written", "complete") + TERMS
)
DELIVERY = (
    instant(AT + SECOND) + period(30, 1, 2) + i64(10_000_000) + period(1, 3) + i64(200_000_000) + u8(1)
    + name("bc-2026.order")
)
RIGHT = (
    name("ms-2025-01.rofr") + u8(1) + instant(ALWAYS) + instant(AT) + u8(2) + name("ms-2025-10.rofr") + name("azure")
    + names("nsec") + names("api", "training") + names("us") + names("h100", "gb200") + u8(4) + i128(2**100) + u8(5)
    + u16(1) + name("lab") + text("own laboratory")
    + names("written")
    + u16(2) + name("microsoft") + u32(1) + name("oracle") + u32(2)
    + u16(2) + name("price") + u8(1) + i64(20_000_000) + name("uptime") + u8(2) + i64(0)
    + u16(0b1010101010) + u8(2) + u8(1) + u64(1000) + u64(8) + u8(1)
    + window(10, 2, 0, 0, "us-federal", "America/New_York") + window(3, 0, 2, 2) + window() + window(1, 4) + window(90, 1)
    + window(5, 2, 1, 1) + window(1, 5) + window(2, 1) + window() + window(1, 5) + window(6, 4)
    + u32(2) + text("damages as agreed")
)
CALENDAR = name("us-federal") + u8(0x60) + i32(-100) + i32(30000) + u16(3) + i32(-5) + i32(3) + i32(20000)
ZONE = name("America/New_York") + u16(2) + instant(ALWAYS) + i32(-18000) + instant(1000) + i32(-14400)
NOTICE_HASH = hashlib.sha256(b"offtake notice 1\n" + name("ms-2025-01.rofr") + u64(20000) + TERMS).digest()

CUSTOMER = {"actor": name("openai")}
EVENTS = [
    ("customer", event(1, AT, **CUSTOMER)),
    ("calendar", event(2, AT, payload=CALENDAR, **CUSTOMER)),
    ("zone", event(3, AT, payload=ZONE, **CUSTOMER)),
    ("right", event(4, AT, payload=RIGHT, **CUSTOMER)),
    ("need", event(5, AT, happened=instant(AT - SECOND), payload=NEED, **CUSTOMER)),
    ("offer", event(7, AT, party=name("newcloud"), payload=OFFER, text=text("letter of 1 April"), **CUSTOMER)),
    ("changed", event(8, AT, actor=name("newcloud"), offer=u32(0), quantity=u64(16000), terms=TERMS)),
    ("affirmed", event(9, AT, actor=name("newcloud"), offer=u32(0), names=names("arms-length"))),
    ("exempted", event(12, AT, lot=u32(3), name=name("lab"), text=text("lease"), **CUSTOMER)),
    ("sent", event(13, AT, lot=u32(0), hash=NOTICE_HASH, **CUSTOMER)),
    ("delivered", event(14, AT, actor=name("microsoft"), notice=u32(0))),
    ("elected", event(16, AT, actor=name("microsoft"), notice=u32(0), quantity=u64(8000))),
    ("signed", event(20, AT, other=name("azure"), need=u32(0), lot=u32(1), payload=DELIVERY, **CUSTOMER)),
    ("arrived", event(22, AT, order=u32(0), quantity=u64(2**64 - 1), name=name("azure-west"), **CUSTOMER)),
    ("assigned", event(25, AT, party=name(), other=name("ridge"), name=name("ms-2025-01.rofr"), **CUSTOMER)),
]


def chain():
    head = bytes(32)
    for number, (_, blob) in enumerate(EVENTS, start=1):
        head = hashlib.sha256(b"offtake desk 1\n" + head + u64(number) + instant(AT + number) + blob).digest()
    return head.hex()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for title, blob in EVENTS:
            (pathlib.Path(sys.argv[1]) / title).write_bytes(blob)
    print(chain())
    print(NOTICE_HASH.hex())
