# SPDX-License-Identifier: Apache-2.0
"""Statements that are approved by signatures: keys stay with whoever signs, and the books keep the proof."""

import json
import re

from stack import chat


def person(stack, tmp_path, name):
    """A key pair in a file, and its line for the deal."""
    path = tmp_path / f"{name}.pem"
    made = stack.cli("keys", "party", name, "--out", str(path), check=False)
    assert made.returncode == 0, made.stderr
    key = re.search(r'ed25519:[^"]+', made.stdout).group()
    return path, f'person {name} "{name}" key "{key}"'


def refused(stack, *arguments):
    result = stack.cli("statement", "approve", "1", *arguments, check=False)
    assert result.returncode == 1, (arguments, result.stdout, result.stderr)
    return " ".join(result.stderr.split())


def test_two_persons_sign_what_the_daemon_shows(make_stack, tmp_path):
    stack = make_stack(serve_args=["--rehearse-at", "2026-04-10T00:00:00Z"])
    ann, ann_line = person(stack, tmp_path, "ann")
    bob, bob_line = person(stack, tmp_path, "bob")
    stack.write_deal(more=f"{ann_line}\n{bob_line}")
    stack.cli("reload")
    chat(stack, stack.key("acme", "api"))
    stack.drain()
    stack.cli("statement", "draft", "--party", "bigcloud", "--month", "2026-04", "--by", "carl")

    shown = stack.cli("statement", "approve", "1", "--by", "ann", "--print").stdout
    assert shown.startswith("offtake approval 1\ndeal Test lab\nby ann\nstatement offtake-statement-")
    assert "must be signed" in refused(stack, "--by", "ann")
    assert "not ann's" in refused(stack, "--by", "ann", "--key", str(bob))
    assert "none of them" in refused(stack, "--by", "carl", "--key", str(ann))
    assert "no Ed25519 private key" in refused(stack, "--by", "ann", "--key", str(stack.deal_path))

    assert "approved by ann" in stack.cli("statement", "approve", "1", "--by", "ann", "--key", str(ann)).stdout
    done = stack.cli("statement", "approve", "1", "--by", "bob", "--key", str(bob), "--json").stdout
    approvals = json.loads(done)["approvals"]
    assert [(act["by"], act["signed"]) for act in approvals] == [("ann", True), ("bob", True)]
    assert ", signed; bob, " in " ".join(stack.cli("statement", "show", "1").stdout.split())
    assert ", signed" in stack.cli("statement", "show", "1", "--csv").stdout
    assert json.loads(stack.cli("ledger", "verify", "--json").stdout)["sound"] is True
