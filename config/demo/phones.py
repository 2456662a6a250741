"""A pretend UAZAPI: its phones belong to people of every temper, and a ledger counts.

Paths, members and errors are the provider's. It knows nothing of Django: it is a
process of its own, as a provider is.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from config.demo.personas import Persona, by_number

HOST = "@s.whatsapp.net"
OWNER = "5511888888888"
READS_AFTER = 0.5
Body = dict[str, Any]
Answer = tuple[int, Body | list[Body]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message that reached a phone."""

    number: str
    text: str
    correlation: str
    message_id: str
    at: float = field(default_factory=time.time)


class Phones:
    """The provider's state: what reached whom, and what its webhook will tell."""

    def __init__(
        self, token: str, *, persona: Callable[[str], Persona] = by_number
    ) -> None:
        self.token = token
        self.persona = persona
        self.is_connected = True
        self.name = "sales"
        self.ledger: list[Arrived] = []
        self.written: list[Body] = []
        """Messages of the people, as `/message/find` shows them."""
        self.outbox: deque[tuple[float, Body]] = deque()
        """What the webhook is to be told, each after so many seconds."""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, token: str | None, body: Body) -> Answer:
        """Return status and body as the provider would."""
        if token != self.token:
            return 401, {"error": "Invalid token"}
        pages: dict[tuple[str, str], Callable[[Body], Answer]] = {
            ("GET", "/instance/status"): self._status,
            ("POST", "/send/text"): self._send,
            ("POST", "/message/find"): self._find,
            ("POST", "/chat/check"): self._check,
        }
        page = pages.get((method, path))
        return (404, {"error": "Not found"}) if page is None else page(body)

    def counts(self) -> Counter[str]:
        """Count what arrived by execution."""
        with self._lock:
            return Counter(each.correlation.partition(".")[0] for each in self.ledger)

    def accept(self, body: Body) -> Body:
        """Let a message arrive, and whoever got it react."""
        number, text = str(body["number"]), str(body["text"])
        message_id = f"3EB0{uuid4().hex[:16].upper()}"
        arrived = Arrived(number, text, str(body.get("track_id", "")), message_id)
        with self._lock:
            self.ledger.append(arrived)
            self.outbox.append((0.1, self.echo(arrived)))
            self.outbox.append((0.3, self.receipt(arrived, "Delivered")))
        self._react(arrived)
        return {
            "id": f"{OWNER}:{message_id}", "messageid": message_id,
            "chatid": f"{number}{HOST}", "fromMe": True, "status": "pending",
            "messageType": "text", "track_id": arrived.correlation,
            "messageTimestamp": int(arrived.at * 1000), "text": text,
        }  # fmt: skip

    def says(self, number: str, text: str, *, after: float = 0, **more: Any) -> Body:
        """Let a person write to us; return the delivery."""
        message = {
            "messageid": f"3A{uuid4().hex[:18].upper()}", "chatid": f"{number}{HOST}",
            "sender_pn": f"{number}{HOST}", "fromMe": False, "isGroup": False,
            "messageType": "Conversation", "type": "text", "text": text,
            "content": text, "quoted": "", "track_id": "", "wasSentByApi": False,
            "messageTimestamp": int((time.time() + after) * 1000), **more,
        }  # fmt: skip
        delivery = self._delivery("messages", message=message)
        with self._lock:
            self.written.append(message)
            self.outbox.append((after, delivery))
        return delivery

    def echo(self, arrived: Arrived) -> Body:
        """Return the echo of a message of ours."""
        return self._delivery("messages", message={
            "messageid": arrived.message_id, "chatid": f"{arrived.number}{HOST}",
            "fromMe": True, "wasSentByApi": True, "track_id": arrived.correlation,
            "messageType": "Conversation", "text": arrived.text, "isGroup": False,
            "messageTimestamp": int(arrived.at * 1000),
        })  # fmt: skip

    def receipt(self, arrived: Arrived, state: str) -> Body:
        """Return what is told of how far a message came."""
        return self._delivery(
            "messages_update", type="ReadReceipt", state=state,
            event={
                "MessageIDs": [arrived.message_id], "Chat": f"{arrived.number}{HOST}",
                "IsFromMe": "False", "IsGroup": False, "Type": state,
                "Timestamp": str(int(arrived.at)),
            },
        )  # fmt: skip

    def _delivery(self, kind: str, **parts: Any) -> Body:
        return {
            "EventType": kind, "instanceName": self.name, "owner": OWNER,
            "token": self.token, **parts,
        }  # fmt: skip

    def _status(self, _: Body) -> Answer:
        state = "connected" if self.is_connected else "disconnected"
        return 200, {
            "instance": {"id": "i1", "name": self.name, "status": state},
            "status": {"connected": self.is_connected, "loggedIn": self.is_connected},
        }

    def _send(self, body: Body) -> Answer:
        if not body.get("number") or not body.get("text"):
            return 400, {"error": "Missing number or text"}
        if not self.is_connected:
            return 500, {"error": "WhatsApp client is not connected"}
        if not self.persona(str(body["number"])).is_there:
            return 400, {"error": "the number is not on WhatsApp"}
        return 200, self.accept(body)

    def _react(self, arrived: Arrived) -> None:
        persona = self.persona(arrived.number)
        received = sum(each.number == arrived.number for each in self.ledger)
        if persona.reads:
            with self._lock:
                read = self.receipt(arrived, "Read")
                self.outbox.append((READS_AFTER, read))
        for after, text in persona.replies(received):
            self.says(arrived.number, text, after=after)

    def _find(self, query: Body) -> Answer:
        with self._lock:
            ours = [self.echo(each)["message"] for each in self.ledger]
            all_of_them = [*ours, *self.written]
        name = "track_id" if query.get("track_id") else "chatid"
        found = [each for each in all_of_them if each[name] == query.get(name)]
        found.sort(key=_when, reverse=True)
        return 200, {"messages": found[: query.get("limit", 100)]}

    def _check(self, query: Body) -> Answer:
        return 200, [
            {
                "query": each, "jid": f"{each}{HOST}",
                "isInWhatsapp": self.persona(each).is_there,
            }
            for each in map(str, query["numbers"])
        ]  # fmt: skip


def _when(message: Body) -> int:
    return int(message["messageTimestamp"])
