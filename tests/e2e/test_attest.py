# SPDX-License-Identifier: Apache-2.0
"""Attestations on a running system: who may say that an event happened, and how it is proved."""

import json
import sqlite3
import subprocess

from stack import OFFTAKE, chat, http

MORE = """
party panel "Panel" key "{key}"
event agi "AGI" attested by panel
event rain "Rain" attested by other
agreement more with bigcloud {{
    effective 2021-01-01
    stay: exclusive chat on alpha until earliest of (2034-01-01, agi)
}}
"""


def served_by(stack, key):
    status, headers, body = chat(stack, key)
    assert status == 200, body
    return {name.lower(): value for name, value in headers.items()}["x-offtake-pool"]


def new_key(directory, name="panel"):
    path = directory / f"{name}.pem"
    made = subprocess.run([str(OFFTAKE), "keys", "party", name, "--out", str(path)], capture_output=True, text=True,
                          check=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.stdout.startswith(f'party {name} key "ed25519:')
    again = subprocess.run([str(OFFTAKE), "keys", "party", name, "--out", str(path)], capture_output=True, text=True)
    assert again.returncode == 3 and "File exists" in " ".join(again.stderr.split())  # a private key is never written over
    return path, made.stdout.split('"')[1]


def make(make_stack, tmp_path):
    path, public = new_key(tmp_path)
    return make_stack(more=MORE.format(key=public)), path


def test_a_signed_attestation_ends_the_clause_and_an_unsigned_or_wrong_one_does_not(make_stack, tmp_path):
    stack, key_file = make(make_stack, tmp_path)
    key = stack.key("acme", "chat")
    at = "2024-05-01T12:00:00Z"
    assert served_by(stack, key) == "east"
    stack.simulators["east"].stop()
    stack.simulators["west"].stop()

    unsigned = stack.cli("attest", "agi", "--by", "panel", "--at", at, check=False)
    assert unsigned.returncode == 1 and "must be signed" in unsigned.stderr
    wrong_file, _ = new_key(tmp_path, "someone")
    wrong = stack.cli("attest", "agi", "--by", "panel", "--at", at, "--key", str(wrong_file), check=False)
    assert wrong.returncode == 1 and "signature is not panel's" in " ".join(wrong.stderr.split())
    not_hers = stack.cli("attest", "agi", "--by", "other", "--at", at, "--key", str(key_file), check=False)
    assert not_hers.returncode == 1 and "only panel may attest" in not_hers.stderr
    no_key = stack.cli("attest", "rain", "--by", "other", "--at", at, "--key", str(key_file), check=False)
    assert no_key.returncode == 1 and "has no key in the deal" in no_key.stderr
    undated = stack.cli("attest", "agi", "--by", "panel", "--key", str(key_file), check=False)
    assert undated.returncode == 2 and "--at" in undated.stderr
    assert chat(stack, key)[0] in (502, 503)  # nothing but alpha may run it

    signed = stack.cli("attest", "agi", "--by", "panel", "--at", at, "--key", str(key_file))
    assert signed.stdout == 'Recorded: panel attests "agi", signed.\n'
    assert served_by(stack, key) == "south"  # no longer barred
    assert stack.cli("attest", "rain", "--party", "other").returncode == 0  # no key, no signature
    assert "2 attestations" in stack.cli("ledger", "verify").stdout
    listed = stack.json("attest", "--list")["attestations"]
    assert [(a["event"], a["party"], a["signed"]) for a in listed] == [("agi", "panel", True), ("rain", "other", False)]
    assert listed[0]["at"] == at and listed[0]["generation"] > 1
    assert "agi                   panel             2024-05-01T12:00:00Z  signed\n" in stack.cli("attest", "--list").stdout


def test_a_signature_made_elsewhere_over_the_printed_text_counts(make_stack, tmp_path):
    stack, key_file = make(make_stack, tmp_path)
    at = "2024-05-01"
    text = stack.cli("attest", "agi", "--by", "panel", "--at", at, "--print").stdout
    assert text == ("offtake attestation 1\ndeal Test lab\nevent agi\nby panel\nat 2024-05-01T00:00:00Z\n")
    message, signature = tmp_path / "text", tmp_path / "signature"
    message.write_text(text)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", str(key_file), "-in", str(message), "-out",
                    str(signature)], check=True, capture_output=True)
    other_instant = stack.cli("attest", "agi", "--by", "panel", "--at", "2024-05-02", "--signature",
                              signature.read_bytes().hex(), check=False)
    assert other_instant.returncode == 1  # what was signed is this instant
    assert stack.cli("attest", "agi", "--by", "panel", "--at", at, "--signature", signature.read_bytes().hex())


def test_verify_finds_an_attestation_that_was_changed_in_the_books(make_stack, tmp_path):
    stack, key_file = make(make_stack, tmp_path)
    stack.cli("attest", "agi", "--by", "panel", "--at", "2024-05-01", "--key", str(key_file))
    stack.cli("attest", "rain", "--by", "other", "--at", "2024-06-01")
    assert stack.cli("ledger", "verify").returncode == 0
    books = next(p for p in stack.data.rglob("*") if p.is_file() and p.read_bytes()[:15] == b"SQLite format 3")
    stack.stop_daemon()
    for statement, words in (
            ("UPDATE attestation SET at_ns = at_ns - 86400000000000 WHERE event = 'agi'", "attestation 1"),
            ("UPDATE attestation SET signature = NULL WHERE event = 'agi'", "not signed"),
            ("UPDATE attestation SET party = 'panel' WHERE event = 'rain'", "attestation 2"),
            ("DELETE FROM attestation WHERE event = 'agi'", "attestation 1 (rain by other)")):
        with sqlite3.connect(books) as database:
            kept = list(database.execute("SELECT * FROM attestation"))
            database.execute(statement)
        stack.start_daemon()
        verify = stack.cli("ledger", "verify", check=False)
        assert verify.returncode == 1 and words in verify.stdout, (statement, verify.stdout)
        stack.stop_daemon()
        with sqlite3.connect(books) as database:
            database.execute("DELETE FROM attestation")
            database.executemany(f"INSERT INTO attestation VALUES ({', '.join('?' * len(kept[0]))})", kept)
    stack.start_daemon()
    assert stack.cli("ledger", "verify").returncode == 0


def test_accounts_groups_and_residency_rule_on_real_traffic(make_stack):
    stack = make_stack(more="""
group gov "Government"
account agency "Agency" in gov
agreement more with bigcloud {
    effective 2021-01-01
    stay: exclusive chat on alpha except gov
    home: residency account globex only in us-west
}
""")
    def pool(account):
        return served_by(stack, stack.key(account, "chat"))

    assert pool("acme") == "east"
    assert pool("globex") == "west"
    stack.simulators["east"].stop()
    assert pool("acme") == "west"
    # Failover goes to another provider for the group that is excepted, and for nobody else; it never
    # leaves the region that a residency allows.
    stack.simulators["west"].stop()
    assert pool("agency") == "south"
    assert chat(stack, stack.key("acme", "chat"))[0] in (502, 503)
    status, _, body = chat(stack, stack.key("globex", "chat"))
    assert status in (502, 503), body
    refused = http("POST", stack.url + "/v1/chat/completions",
                   {"model": "small", "messages": [{"role": "user", "content": "x"}]}, stack.key("globex", "chat"))
    assert refused[0] == 403 and json.loads(refused[2])["error"]["message"].find("more.stay") >= 0
