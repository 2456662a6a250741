"""A stand-in for Meta's Cloud API on a real socket, with a ledger and faults on demand."""

import hmac
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from tests.simulators.serve import Handler, served
from tests.simulators.uazapi import Fault

TOKEN, APP_SECRET, VERIFY = "EAAG-meta-token-123456", "app-secret-987654", "verify-me"
NUMBER_ID = "10200300400"

Body = dict[str, Any]


def error(code: int, status: int = 400, **headers: str) -> Fault:
    """What Meta says with one of its codes."""
    said = {
        "message": f"(#{code}) refused",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "x",
    }
    return Fault(status, json.dumps({"error": said}), headers)


class Simulator:
    """What reached the phones, and what Meta tells of it."""

    def __init__(self) -> None:
        self.ledger: list[Body] = []
        self.requests: list[tuple[str, str]] = []
        self.faults: deque[Fault] = deque()
        self.url = ""
        self._numbers = itertools.count(1)

    def accept(self, body: Body) -> Body:
        """Let a message arrive."""
        found = f"wamid.OUT{next(self._numbers)}"
        self.ledger.append({**body, "id": found})
        contact = {"input": body["to"], "wa_id": body["to"]}
        message = {"id": found, "message_status": "accepted"}
        return {
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [message],
        }

    def counts(self) -> Counter[str]:
        """Count what arrived by execution."""
        marks = (each["biz_opaque_callback_data"] for each in self.ledger)
        return Counter(each.partition(":")[2].partition(".")[0] for each in marks)

    def status(self, number: int, word: str, *, code: int | None = None) -> Body:
        """Return the delivery that tells how far a message of the ledger came."""
        sent = self.ledger[number]
        told: Body = {
            "id": sent["id"], "status": word, "timestamp": str(int(time.time())),
            "recipient_id": sent["to"],
            "biz_opaque_callback_data": sent["biz_opaque_callback_data"],
        }  # fmt: skip
        if code is not None:
            told["errors"] = [{"code": code, "title": "refused"}]
        return delivery(statuses=[told])

    def says(self, number: str, text: str, *, answers: str = "") -> Body:
        """Return the delivery of a text that somebody wrote."""
        message: Body = {
            "from": number, "id": f"wamid.IN{next(self._numbers)}", "type": "text",
            "timestamp": str(int(time.time())), "text": {"body": text},
        }  # fmt: skip
        if answers:
            message["context"] = {"id": answers}
        return delivery(messages=[message])


def delivery(**parts: Any) -> Body:
    """Return the envelope of a delivery."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": NUMBER_ID},
        **parts,
    }
    change = {"field": "messages", "value": value}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "WABA", "changes": [change]}],
    }


def signature(raw: bytes, secret: str = APP_SECRET) -> str:
    """Sign the bytes as Meta does."""
    return "sha256=" + hmac.new(secret.encode(), raw, sha256).hexdigest()


@contextmanager
def meta() -> Iterator[Simulator]:
    """Serve on a free port of the loopback interface until the block ends."""
    simulator = Simulator()
    handler = type("Handler", (_Handler,), {"simulator": simulator})
    with served(handler) as port:
        simulator.url = f"http://127.0.0.1:{port}/v21.0"
        yield simulator


class _Handler(Handler):
    simulator: Simulator

    def do_GET(self) -> None:
        self.simulator.requests.append(("GET", self.path))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.fail(error(190, 401), {})
        elif self.simulator.faults:
            self.fail(self.simulator.faults.popleft(), {})
        else:
            self.reply(200, json.dumps({"verified_name": "Acme", "id": NUMBER_ID}), {})

    def do_POST(self) -> None:
        simulator = self.simulator
        simulator.requests.append(("POST", self.path))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.fail(error(190, 401), body)
        elif simulator.faults:
            self.fail(simulator.faults.popleft(), body)
        else:
            self.reply(200, json.dumps(simulator.accept(body)), {})

    def fail(self, fault: Fault, body: Body) -> None:
        if fault.accepts:
            self.simulator.accept(body)
        time.sleep(fault.wait)
        if fault.hang_up:
            self.close_connection = True
        else:
            self.reply(fault.status, fault.body, fault.headers)

    def reply(self, status: int, text: str, headers: dict[str, str]) -> None:
        raw = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
