# SPDX-License-Identifier: Apache-2.0
"""What leaves the desk: mail to a real SMTP server, signed webhooks, what counts as delivery, and what
becomes of a message whose receiver is away or whose sender is killed."""

import datetime
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import signal
import sqlite3
import threading
import time

import pytest
from aiosmtpd.controller import Controller

import desk as lab
from stack import free_ports, wait_for


class Mailbox:
    def __init__(self):
        self.messages = []
        self.refuse = None

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return self.refuse
        self.messages.append((envelope, email.message_from_bytes(
            envelope.content, policy=email.policy.default)))
        return "250 kept as 4711"


@pytest.fixture
def mailbox():
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_ports(1)[0])
    controller.start()
    box.url = f"smtp://127.0.0.1:{controller.port}"
    yield box
    controller.stop()


@pytest.fixture
def receiver():
    """A webhook's other end: takes everything down, answers `status`."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.calls.append((dict(self.headers), body))
            self.send_response(self.server.status)
            if self.server.retry_after:
                self.send_header("Retry-After", self.server.retry_after)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_ports(1)[0]), Handler)
    server.calls, server.status, server.retry_after = [], 200, None
    server.url = f"http://127.0.0.1:{server.server_port}/desk"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def make(make_stack, contacts, smtp=None, serve_args=(), login=None, **more):
    stack = lab.make_desk(make_stack, serve_args=serve_args)
    stack.keys_env["HOOK_SECRET"] = "whsec-of-bigcloud"
    stack.data.mkdir()
    stack.data.chmod(0o711)
    file = {"contacts": contacts, **more}
    if smtp:
        file["smtp"] = {"url": smtp, "from": "desk@lab.example", **(login or {})}
    (stack.data / "desk.json").write_text(json.dumps(file))
    return stack


def outbox(desk, thing, what):
    return [d for d in desk.get("/v1/desk/outbox")["deliveries"]
            if (d["thing"], d["what"]) == (thing, what)]


def test_a_notice_goes_out_as_mail_with_its_pdf_and_is_sent_but_not_delivered(make_stack, mailbox):
    customer = lab.start(make(make_stack, {"bigcloud": {"mail": "notices@big.example"}},
                              mailbox.url))
    lab.open_notice(customer)
    wait_for(lambda: mailbox.messages, what="the mail")
    envelope, message = mailbox.messages[0]
    assert envelope.rcpt_tos == ["notices@big.example"] and envelope.mail_from == "desk@lab.example"
    assert "notice-1" in message["subject"]
    letter = message.get_body(("plain",)).get_content()
    assert "rc.rofr" in letter and "2.10" in letter and "Other Cloud" not in letter
    pdf = next(message.iter_attachments())
    assert pdf.get_content_type() == "application/pdf" and pdf.get_content().startswith(b"%PDF-")
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["state"] == "accepted", what="accepted")
    row = outbox(customer, "notice-1", "sent")[0]
    assert row["kind"] == "mail" and row["attempts"] == 1
    assert customer.state("notice-1") == "sent"
    assert len(mailbox.messages) == 1


def test_mail_is_delivery_where_the_contact_says_so(make_stack, mailbox):
    customer = lab.start(make(
        make_stack, {"bigcloud": {"mail": "notices@big.example", "mail_is_delivery": True}},
        mailbox.url))
    lab.open_notice(customer)
    wait_for(lambda: customer.state("notice-1") == "open", what="delivery")
    event = next(e for e in customer.events() if e["kind"] == "notice.delivered")
    assert event["actor"] == "lab" and event["party"] == "bigcloud"
    assert event["text"].startswith("mail accepted for notices@big.example")
    assert customer.get("/v1/desk/verify")["sound"]


def test_a_webhook_is_signed_and_its_2xx_is_delivery_where_agreed(make_stack, receiver):
    customer = lab.start(make(make_stack, {"bigcloud": {"webhook": {
        "url": receiver.url, "secret": {"env": "HOOK_SECRET"}, "acknowledges": True}}}))
    lab.open_notice(customer)
    wait_for(lambda: customer.state("notice-1") == "open", what="delivery")
    headers, body = receiver.calls[0]
    signed = f"{headers['Offtake-Timestamp']}.{headers['Offtake-Delivery']}.".encode() + body
    assert headers["Offtake-Signature"] == "v1=" + hmac.new(
        b"whsec-of-bigcloud", signed, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert told["thing"] == "notice-1" and told["state"] == "sent" and told["to"] == "bigcloud"
    assert "rc.rofr" in told["document"] and "Other Cloud" not in told["document"]
    event = next(e for e in customer.events() if e["kind"] == "notice.delivered")
    assert event["text"].startswith("webhook accepted")


def test_a_webhook_that_does_not_acknowledge_is_no_delivery(make_stack, receiver):
    customer = lab.start(make(make_stack, {"bigcloud": {"webhook": {
        "url": receiver.url, "secret": {"env": "HOOK_SECRET"}}}}))
    lab.open_notice(customer)
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["state"] == "accepted", what="accepted")
    assert customer.state("notice-1") == "sent"


def test_a_receiver_that_is_away_is_asked_again(make_stack, receiver):
    receiver.status = 503
    customer = lab.start(make(make_stack, {"bigcloud": {"webhook": {
        "url": receiver.url, "secret": {"env": "HOOK_SECRET"}, "acknowledges": True}}}))
    lab.open_notice(customer)
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["attempts"] == 1, what="one try")
    row = outbox(customer, "notice-1", "sent")[0]
    assert row["state"] == "queued" and "503" in row["reply"] and row["next"] > row["changed"]
    receiver.status = 204
    wait_for(lambda: customer.state("notice-1") == "open", seconds=30, what="the second try")
    assert len({headers["Offtake-Delivery"] for headers, _ in receiver.calls}) == 1


def test_a_receiver_cannot_put_a_message_off_for_ever(make_stack, receiver):
    receiver.status, receiver.retry_after = 503, "99999999999999"
    customer = lab.start(make(make_stack, {"bigcloud": {"webhook": {
        "url": receiver.url, "secret": {"env": "HOOK_SECRET"}}}}))
    lab.open_notice(customer)
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["attempts"] == 1, what="one try")
    row = outbox(customer, "notice-1", "sent")[0]
    changed, later = (datetime.datetime.fromisoformat(row[k]) for k in ("changed", "next"))
    assert 3590 <= (later - changed).total_seconds() <= 3600
    assert len(receiver.calls) == 1


def test_what_was_sent_is_not_sent_again_while_the_books_cannot_be_written(make_stack, mailbox):
    stack = make(make_stack, {"bigcloud": {"mail": "notices@big.example"}}, mailbox.url)
    customer = lab.start(stack)
    with sqlite3.connect(stack.data / "books.db") as books:
        books.execute("CREATE TRIGGER full BEFORE UPDATE ON desk_delivery"
                      " BEGIN SELECT raise(ABORT, 'full'); END")
    lab.open_notice(customer)
    wait_for(lambda: mailbox.messages, what="the mail")
    time.sleep(4)  # the outbox is looked at each second
    assert len(mailbox.messages) == 1
    with sqlite3.connect(stack.data / "books.db") as books:
        books.execute("DROP TRIGGER full")
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["state"] == "accepted", what="accepted")
    assert len(mailbox.messages) == 1


def test_a_password_never_goes_to_a_mail_server_without_tls(make_stack, mailbox):
    customer = lab.start(make(
        make_stack, {"bigcloud": {"mail": "notices@big.example"}}, mailbox.url,
        login={"user": "desk", "password": {"env": "HOOK_SECRET"}}))
    lab.open_notice(customer)
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["attempts"] == 1, what="one try")
    row = outbox(customer, "notice-1", "sent")[0]
    assert row["state"] == "queued" and "TLS" in row["reply"]
    assert not mailbox.messages


def test_a_message_under_way_when_the_daemon_is_killed_comes_again_with_its_id(make_stack, mailbox):
    mailbox.refuse = "451 later"
    stack = make(make_stack, {"bigcloud": {"mail": "notices@big.example"}}, mailbox.url)
    customer = lab.start(stack)
    lab.open_notice(customer)
    stack.stop_daemon(signal.SIGKILL)
    mailbox.refuse = None
    customer = lab.start(stack)
    wait_for(lambda: mailbox.messages, seconds=40, what="the mail")
    wait_for(lambda: outbox(customer, "notice-1", "sent")[0]["state"] == "accepted", what="accepted")
    assert len(outbox(customer, "notice-1", "sent")) == 1
    assert customer.get("/v1/desk/verify")["sound"]


@pytest.mark.parametrize("wanted", [False, True])
def test_nothing_leaves_a_rehearsal_unless_it_is_wanted(make_stack, mailbox, receiver, wanted):
    customer = lab.start(make(
        make_stack, {"bigcloud": {"mail": "notices@big.example", "webhook": {
            "url": receiver.url, "secret": {"env": "HOOK_SECRET"}}}},
        mailbox.url, serve_args=["--rehearse-at", "2026-03-02T12:00:00Z"],
        **({"send_in_rehearsal": True} if wanted else {})))
    lab.open_notice(customer)
    state = "accepted" if wanted else "rehearsed"
    wait_for(lambda: {d["state"] for d in outbox(customer, "notice-1", "sent")} == {state},
             what=state)
    time.sleep(0 if wanted else 3)  # the outbox is looked at each second
    assert len(mailbox.messages) == len(receiver.calls) == (1 if wanted else 0)
    if wanted:
        _, message = mailbox.messages[0]
        assert message["subject"].startswith("REHEARSAL: ")
        assert message.get_body(("plain",)).get_content().startswith("THIS IS A REHEARSAL")
        assert json.loads(receiver.calls[0][1])["rehearsal"] is True


def test_no_secret_is_kept(make_stack, receiver):
    stack = make(make_stack, {"bigcloud": {"webhook": {
        "url": receiver.url, "secret": {"env": "HOOK_SECRET"}}}})
    customer = lab.start(stack)
    lab.open_notice(customer)
    wait_for(lambda: receiver.calls, what="the call")
    stack.stop_daemon()
    for path in [*stack.data.rglob("*"), stack.log_path]:
        if path.is_file():
            assert b"whsec-of-bigcloud" not in path.read_bytes(), path
