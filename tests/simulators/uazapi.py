"""A stand-in for UAZAPI on a real socket, with a ledger and faults on demand.

The phones are the demo's. A fault script is a list of `Fault`s: the next request takes
the first. A fault that `accepts` lets the message arrive before it strikes.
"""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from config.demo.personas import SILENT, Persona
from config.demo.phones import Body, Phones
from tests.simulators.serve import Handler, served

SEND = "/send/text"
TOKEN = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Fault:
    """What the next request gets instead of its answer."""

    status: int = 500
    body: str = '{"error":"Failed to send message"}'
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hang_up: bool = False
    accepts: bool = False


def limited(retry_after: str | None) -> Fault:
    """The rate limit, with or without the time to wait."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(429, '{"error":"Rate limit exceeded"}', headers)


class Simulator(Phones):
    """The provider's state, and what happened to it."""

    def __init__(self) -> None:
        self.people: dict[str, Persona] = {}
        super().__init__(TOKEN, persona=lambda number: self.people.get(number, SILENT))
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: deque[Fault] = deque()
        self.latency = self.lag = 0.0
        """Seconds before a request is looked at, and between its deed and its answer."""
        self.weather: Callable[[], Fault | None] = lambda: None
        """What happens to a message for which no fault was ordered."""
        self.instance: dict[str, Any] = {}
        self.status: dict[str, Any] = {}
        self.url = ""

    def disconnect(self) -> None:
        """Lose the phone."""
        self.is_connected = False

    def _status(self, body: Body) -> Any:
        status, told = super()._status(body)
        assert isinstance(told, dict)
        return status, {
            "instance": self.instance or told["instance"],
            "status": self.status or told["status"],
        }

    def strike(self, path: str) -> Fault | None:
        """Return what goes wrong with a request, if anything does."""
        if self.faults:
            return self.faults.popleft()
        return self.weather() if path == SEND else None

    def sent(self) -> int:
        """Count the sends that were asked for."""
        return sum(path == SEND for _, path, _ in self.requests)

    def tell(
        self, post: Callable[[Body], Any], *, times: int = 1, shuffle: int | None = None
    ) -> list[Any]:
        """Tell the webhook all there is, each thing so often, in an order of chance."""
        waiting = [payload for _, payload in self.outbox for _ in range(times)]
        self.outbox.clear()
        if shuffle is not None:
            random.Random(shuffle).shuffle(waiting)
        return [post(each) for each in waiting]


@contextmanager
def uazapi(simulator: Simulator | None = None, *, port: int = 0) -> Iterator[Simulator]:
    """Serve on a port of the loopback interface, a free one, until the block ends."""
    simulator = simulator or Simulator()
    handler = type("Handler", (_Handler,), {"simulator": simulator})
    with served(handler, port=port) as at:
        simulator.url = f"http://127.0.0.1:{at}"
        yield simulator


class _Handler(Handler):
    """Count the request, then fail or answer."""

    simulator: Simulator

    def answer(self) -> None:
        simulator = self.simulator
        simulator.requests.append((self.command, self.path, dict(self.headers)))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw or b"{}")
        time.sleep(simulator.latency)
        if fault := simulator.strike(self.path):
            self.fail(fault, body)
            return
        status, said = simulator.answer(
            self.command, self.path, self.headers.get("token"), body
        )
        time.sleep(simulator.lag)
        self.reply(status, json.dumps(said), {})

    do_GET = do_POST = answer  # noqa: N815

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
