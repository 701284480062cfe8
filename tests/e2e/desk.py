# SPDX-License-Identifier: Apache-2.0
"""A lab with a right of first refusal, and clients of its desk: the customer and the parties."""

import json

from stack import free_ports, http

RIGHTS = """
agreement rc "Rights" with bigcloud {
    effective 2020-01-01  until 2035-01-01
    rofr: first refusal on new capacity {
        holder bigcloud
        RESPOND; release 90 days; sign within 30 days
    }
}
"""

NEED = {"product": "chat", "count": "64", "from": "2027-01-01", "open-until": "2030-01-01"}
OFFER = {"need": "need-1", "provider": "beta", "count": "64", "price": "2.10USD/gpu-hour"}


def rights(respond="respond within 10 days"):
    return RIGHTS.replace("RESPOND", respond)


class Desk:
    """The admin API over TCP, as the customer (TOKEN None) or as a party."""

    def __init__(self, address, token):
        self.url = f"http://{address}"
        self.token = token

    def call(self, method, path, body=None, headers=None):
        status, got, text = http(method, self.url + path, body, self.token, headers)
        answer = json.loads(text) if got.get("Content-Type") == "application/json" else text
        return status, answer

    def get(self, path):
        status, answer = self.call("GET", path)
        assert status == 200, (path, answer)
        return answer

    def act(self, path, body, expect=201, key=None, query=""):
        headers = {"Idempotency-Key": key} if key else {}
        status, answer = self.call("POST", f"/v1/desk/{path}{query}", body, headers)
        assert status == expect, (path, body, status, answer)
        return answer

    def state(self, thing):
        """Of "lot-1": its state in the list."""
        kind, _ = thing.split("-")
        items = self.get(f"/v1/desk/{kind}s")[f"{kind}s"]
        return next((i["state"] for i in items if thing in i.values()), None)

    def events(self):
        return self.get("/v1/desk/journal?limit=1000")["events"]


def make_desk(make_stack, respond="respond within 10 days", serve_args=(), **more):
    """A running lab with its customer's client; parties' clients come from party()."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    stack = make_stack(start=False, simulators=False, more=rights(respond),
                       serve_args=["--admin-listen", address, *serve_args], **more)
    stack.address = address
    return stack


def start(stack):
    stack.start_daemon()
    return Desk(stack.address, (stack.data / "admin-token").read_text().strip())


def party(desk, name):
    status, answer = desk.call("POST", "/v1/desk/tokens", {"party": name})
    assert status == 201, answer
    return Desk(desk.url.removeprefix("http://"), answer["token"])


def open_notice(desk):
    desk.act("needs", NEED)
    desk.act("offers", OFFER)
    desk.act("notices", {"lot": "lot-1"})
