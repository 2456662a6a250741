"""A stand-in for UAZAPI on a real socket, with faults on demand.

Endpoints, header and error shapes are the provider's; every request that reached it
is counted. A fault script is a list of `Fault`s: the next request takes the first.
"""

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.serve import Handler, served

TOKEN = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Fault:
    """What the next request gets instead of its answer."""

    status: int = 500
    body: str = '{"error":"Failed to send message"}'
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hang_up: bool = False


def limited(retry_after: str | None) -> Fault:
    """The rate limit, with or without the time to wait."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(429, '{"error":"Rate limit exceeded"}', headers)


class Simulator:
    """The provider's state, and what happened to it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: deque[Fault] = deque()
        self.instance: dict[str, Any] = {
            "id": "i1",
            "name": "sales",
            "status": "connected",
        }
        self.status: dict[str, Any] = {"connected": True, "loggedIn": True}
        self.url = ""

    def disconnect(self) -> None:
        """Lose the phone."""
        self.instance["status"] = "disconnected"
        self.status = {"connected": False, "loggedIn": False}

    def answer(self, path: str, token: str | None) -> tuple[int, dict[str, Any]]:
        """Return status and body as the provider would."""
        if token != TOKEN:
            return 401, {"error": "Invalid token"}
        if path == "/instance/status":
            return 200, {"instance": self.instance, "status": self.status}
        return 404, {"error": "Not found"}


@contextmanager
def uazapi() -> Iterator[Simulator]:
    """Serve on a free port of the loopback interface until the block ends."""
    simulator = Simulator()
    handler = type("Handler", (_Handler,), {"simulator": simulator})
    with served(handler) as port:
        simulator.url = f"http://127.0.0.1:{port}"
        yield simulator


class _Handler(Handler):
    """Count the request, then fail or answer."""

    simulator: Simulator

    def do_GET(self) -> None:
        simulator = self.simulator
        simulator.requests.append(("GET", self.path, dict(self.headers)))
        if simulator.faults:
            self.fail(simulator.faults.popleft())
            return
        status, body = simulator.answer(self.path, self.headers.get("token"))
        self.reply(status, json.dumps(body), {})

    def fail(self, fault: Fault) -> None:
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
