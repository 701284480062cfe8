#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the sample transaction of test_chain.c from the layout in docs/books.md and prints its hash."""

import hashlib
import struct


def text(value):
    return struct.pack("<I", len(value)) + value.encode()


def nanos(value):
    return value.to_bytes(16, "little", signed=True)


def vector(late=False):
    out = b"offtake ledger 1\n" + bytes(range(32))
    out += struct.pack("<Qq", 42, 1775779200000000000)
    out += struct.pack("<Q", 2)
    out += text("w-1.spool") + struct.pack("<II", 0, 7)
    out += text("w-2.spool") + struct.pack("<II", 3, 4)
    out += struct.pack("<Q", 2)
    out += text("cost/east") + nanos(70000)
    out += text("payable/bigcloud") + nanos(-70000)
    out += struct.pack("<Q", 1)
    if late:
        out += struct.pack("<IiiII", 3 | 0x100, 24315, 24314, 3, 0) + nanos(10 * 10**9)
    else:
        out += struct.pack("<IiII", 3, 24315, 3, 0) + nanos(10 * 10**9)
    for value in ("", "", "gpt-4o", "east", "bigcloud", "east.price.gpt-4o"):
        out += text(value)
    out += nanos(7) + nanos(70000) + struct.pack("<7Q", 0, 0, 0, 0, 0, 0, 9)
    if late:
        out += struct.pack("<Q", 1) + text("period-close") + struct.pack("<iQ", 24314, 7)
        out += text("ann") + text("bigcloud") + bytes(range(32))
    return hashlib.sha256(out).hexdigest()


if __name__ == "__main__":
    print(vector())
    print(vector(late=True))
