# SPDX-License-Identifier: Apache-2.0
"""The capacity desk through the real daemon: who may do and see what, what a command does once, what
time brings while nobody looks, and a journal that is whole whenever the daemon is killed."""

import json
import pathlib
import re
import signal
import threading

import jsonschema
import openapi_spec_validator
import pytest

import desk as lab
from stack import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]


def verify(desk):
    answer = desk.get("/v1/desk/verify")
    assert answer["sound"], answer
    return answer["events"]


# ---- commands -----------------------------------------------------------------------------------


def test_a_procedure_from_need_to_signature(make_stack):
    stack = lab.make_desk(make_stack)
    customer = lab.start(stack)
    holder = lab.party(customer, "bigcloud")
    lab.open_notice(customer)
    assert customer.state("notice-1") == "sent"
    holder.act("notices/delivered", {"notice": "notice-1"})
    holder.act("elections", {"notice": "notice-1", "count": "64"})
    answer = customer.act("signatures", {"target": "lot-1"})
    assert answer["reference"] == "order-1"
    assert customer.state("lot-1") == "BOUND"
    verify(customer)
    assert json.loads(stack.cli("ledger", "verify", "--json").stdout)["sound"]


def test_a_refusal_says_clause_property_and_changes_nothing(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    customer.act("needs", lab.NEED)
    customer.act("offers", lab.OFFER)
    before = verify(customer)
    answer = customer.act("signatures", {"target": "offer-1", "count": "64"}, expect=409)
    assert answer["error"]["clause"] == "rc.rofr"
    assert answer["error"]["property"] == 1
    assert verify(customer) == before


def test_a_key_has_one_outcome_over_a_restart(make_stack):
    stack = lab.make_desk(make_stack)
    customer = lab.start(stack)
    first = customer.act("needs", lab.NEED, key="need-of-june")
    stack.stop_daemon()
    customer = lab.start(stack)
    assert customer.act("needs", dict(reversed(lab.NEED.items())), key="need-of-june") == first
    answer = customer.act("needs", {**lab.NEED, "count": "65"}, expect=409, key="need-of-june")
    assert answer["error"]["code"] == "idempotency_conflict"
    assert len(customer.get("/v1/desk/needs")["needs"]) == 1


def test_a_dry_run_says_what_would_come_and_leaves_nothing(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    customer.act("needs", lab.NEED)
    before = verify(customer)
    answer = customer.act("offers", lab.OFFER, expect=200, query="?dry_run=1")
    assert answer["dry_run"] and answer["reference"] == "offer-1"
    assert verify(customer) == before
    assert customer.get("/v1/desk/offers")["offers"] == []


# ---- parties ------------------------------------------------------------------------------------


def test_a_party_sees_and_does_its_own_and_nothing_else(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    holder, third = lab.party(customer, "bigcloud"), lab.party(customer, "other")
    lab.open_notice(customer)
    assert [n["id"] for n in holder.get("/v1/desk/notices")["notices"]] == ["notice-1"]
    assert third.get("/v1/desk/notices")["notices"] == []
    assert holder.get("/v1/desk/offers")["offers"] == []
    assert third.call("GET", "/v1/desk/notices/notice-1")[0] == 404
    assert third.call("GET", "/v1/desk/notices/notice-1/document")[0] == 404
    third.act("declines", {"notice": "notice-1"}, expect=404)
    assert not [e for e in third.events() if e["kind"].startswith("notice")]
    for path in ("/v1/status", "/v1/keys", "/v1/desk/tokens", "/v1/desk/verify"):
        assert holder.call("GET", path)[0] == 403
    letter = holder.call("GET", "/v1/desk/notices/notice-1/document")[1].decode()
    assert "Big Cloud" in letter and "2.10" in letter and "Other Cloud" not in letter


def test_a_revoked_token_opens_nothing(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    holder = lab.party(customer, "bigcloud")
    assert holder.call("GET", "/v1/desk")[0] == 200
    token = customer.get("/v1/desk/tokens")["tokens"][0]
    assert token["party"] == "bigcloud"
    assert customer.call("DELETE", f"/v1/desk/tokens/{token['id']}")[0] == 200
    assert holder.call("GET", "/v1/desk")[0] == 401


def test_no_token_is_in_the_data_directory(make_stack):
    stack = lab.make_desk(make_stack)
    customer = lab.start(stack)
    token = lab.party(customer, "bigcloud").token.encode()
    stack.stop_daemon()
    for path in stack.data.rglob("*"):
        if path.is_file():
            assert token not in path.read_bytes(), path


# ---- time ---------------------------------------------------------------------------------------


def rehearsed(make_stack, at):
    return lab.make_desk(make_stack, serve_args=["--rehearse-at", at])


def move_to(stack, at):
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = at


def test_a_deadline_that_passed_while_the_daemon_was_down_is_told_once(make_stack):
    stack = rehearsed(make_stack, "2026-03-02T12:00:00Z")
    customer = lab.start(stack)
    lab.open_notice(customer)
    customer.act("notices/delivered", {"notice": "notice-1", "evidence": "courier"})
    stack.stop_daemon()
    move_to(stack, "2026-03-20T12:00:00Z")
    for _ in range(2):
        customer = lab.start(stack)
        assert customer.state("lot-1") == "FREE"
        told = [(d["thing"], d["what"]) for d in customer.get("/v1/desk/outbox")["deliveries"]]
        assert told.count(("notice-1", "lapsed")) == 1 and told.count(("lot-1", "FREE")) == 1
        lapse = next(d for d in customer.get("/v1/desk/outbox")["deliveries"]
                     if d["what"] == "lapsed")
        assert lapse["at"] == "2026-03-13T00:00:00Z"
        verify(customer)
        stack.stop_daemon()


def test_the_desk_is_seen_as_it_was_and_as_it_will_be(make_stack):
    customer = lab.start(rehearsed(make_stack, "2026-03-02T12:00:00Z"))
    lab.open_notice(customer)
    customer.act("notices/delivered", {"notice": "notice-1", "evidence": "courier"})

    def lot_at(instant):
        lots = customer.get(f"/v1/desk/lots?at={instant}")["lots"]
        return lots[0]["state"] if lots else None

    assert lot_at("2026-03-02T11:00:00Z") is None
    assert lot_at("2026-03-12T23:59:59Z") == "OPEN"
    assert lot_at("2026-03-13T00:00:00Z") == "FREE"
    assert customer.state("lot-1") == "OPEN"
    verify(customer)


# ---- killed -------------------------------------------------------------------------------------


def test_killed_at_any_moment_the_journal_is_whole_and_a_key_has_one_outcome(make_stack):
    stack = lab.make_desk(make_stack)
    customer = lab.start(stack)
    done, asked = [], 0
    for round_number in range(4):
        stopped = threading.Event()

        def ask_until_killed():
            nonlocal asked
            while not stopped.is_set():
                asked += 1
                try:
                    customer.act("needs", lab.NEED, key=f"n-{asked}")
                    done.append(asked)
                except Exception:
                    return

        clients = threading.Thread(target=ask_until_killed)
        clients.start()
        wait_for(lambda: len(done) > 10 * (round_number + 1), what="needs")
        stack.stop_daemon(signal.SIGKILL)
        stopped.set()
        clients.join()
        customer = lab.start(stack)
        verify(customer)
        customer.act("needs", lab.NEED, key=f"n-{asked}")  # the one in doubt
    opened = [e for e in customer.events() if e["kind"] == "need.opened"]
    assert len(opened) == asked
    assert len(customer.get("/v1/desk/needs")["needs"]) == asked


# ---- the document -------------------------------------------------------------------------------


def schema_of(document, operation, status):
    content = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return {**content, "components": document["components"]}


def test_the_openapi_document_is_valid_and_holds_what_the_api_answers(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    holder = lab.party(customer, "bigcloud")
    lab.open_notice(customer)
    holder.act("notices/delivered", {"notice": "notice-1"})
    document = customer.get("/v1/openapi.json")
    openapi_spec_validator.validate(document)
    ids = {"needs": "need-1", "offers": "offer-1", "lots": "lot-1", "notices": "notice-1"}
    query = {"/v1/statement": "?party=bigcloud&month=2026-01",
             "/v1/focus": "?dataset=cost-and-usage&version=1.2&month=2026-01",
             "/v1/metering": "?month=2026-01",
             "/v1/ledger/export": "?format=csv", "/v1/statements/{id}/approval": "?by=ann"}
    refusals = {**document["components"]["schemas"]["Refusal"],
                "components": document["components"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            thing = ids.get(path.split("/")[3] if path.count("/") > 2 else "", "0011223344556677")
            url = path.replace("{id}", thing) + query.get(path, "")
            if method == "get":
                status, answer = customer.call("GET", url)
                if path in ("/v1/desk/orders/{id}", "/v1/desk/rights/{id}", "/v1/trace/{id}",
                            "/v1/statements/{id}", "/v1/statements/{id}/approval", "/v1/programmes/{id}"):
                    assert status in (200, 404), (path, status, answer)
                else:
                    assert status == 200, (path, status, answer)
                if status == 200 and isinstance(answer, dict):
                    jsonschema.validate(answer, schema_of(document, operation, 200))
            elif method == "post" and "requestBody" in operation:
                status, answer = customer.call("POST", url, {"no-such-field": "x"})
                assert status == 400, (path, status, answer)
                jsonschema.validate(answer, refusals)
            elif method == "delete":
                status, answer = customer.call("DELETE", url)
                assert status == 404, (path, status, answer)


def test_the_documented_calls_are_those_of_the_openapi_document(make_stack):
    customer = lab.start(lab.make_desk(make_stack))
    text = (ROOT / "docs" / "admin-api.md").read_text()
    written = set(re.findall(r"`(GET|POST|DELETE) (/metrics|/v1/[a-z._/-]+(?:ID)?(?:/[a-z-]+)?)`", text))
    paths = customer.get("/v1/openapi.json")["paths"]
    served = {(method.upper(), path.replace("{id}", "ID"))
              for path, item in paths.items() for method, op in item.items()
              if not (method == "post" and path.startswith("/v1/desk/")
                      and path != "/v1/desk/tokens")}
    assert served - written == set()
    assert {w for w in written if w not in served and "/desk/" not in w[1]} == set()


# ---- the contacts' file -------------------------------------------------------------------------


@pytest.mark.parametrize("text,words", [
    ("{", "is not JSON"),
    ('{"contacts": {"bigcloud": {"mail": "a@b"}}}', "there is no \"smtp\""),
    ('{"contacts": {"bigcloud": {"fax": "1"}}}', "there is no member \"fax\""),
    ('{"contacts": {"bigcloud": {"webhook": {"url": "https://h/"}}}}', "needs \"url\""),
    ('{"contacts": {"bigcloud": {"webhook": {"url": "https://h/", "secret": {"env": "NO_SUCH"}}}}}',
     "secret is not set"),
])
def test_a_wrong_contacts_file_starts_nothing_and_says_why(make_stack, text, words):
    stack = lab.make_desk(make_stack)
    (stack.directory / "desk.json").write_text(text)
    stack.serve_args += ["--desk-config", str(stack.directory / "desk.json")]
    stack.start_daemon(wait=False)
    assert stack.process.wait(30) == 2
    assert words in " ".join(stack.log_tail().split())
