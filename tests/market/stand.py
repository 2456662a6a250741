"""Serve the pretended provider on a free port, with a script of faults, and count."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.simulators.serve import Handler, served


@dataclass
class Call:
    """One call that arrived."""

    account: str
    path: str
    stream: str
    cursor: str
    at: float


@dataclass
class Stand:
    """What the provider has, and how it behaves."""

    pages: int = 1
    per_page: int = 2
    delay: float = 0.0
    port: int = 0
    total: Callable[[int], int | None] = field(default=lambda count: count)
    script: Callable[[Call, int], tuple[int, Any] | None] | None = None
    """What to answer otherwise to a call, told how often the same one came."""
    calls: list[Call] = field(default_factory=list)
    most_open: int = 0
    most_of_one: int = 0
    _open: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cursors(self, account: str = "") -> list[str]:
        """Return the pages asked for, in order."""
        return [
            call.cursor
            for call in self.calls
            if call.path == "/page" and account in ("", call.account)
        ]

    def answer(self, call: Call) -> tuple[int, Any]:
        with self._lock:
            self.calls.append(call)
            times = sum(
                (one.account, one.path, one.stream, one.cursor)
                == (call.account, call.path, call.stream, call.cursor)
                for one in self.calls
            )
            self._open[call.account] += 1
            self.most_of_one = max(self.most_of_one, self._open[call.account])
            self.most_open = max(self.most_open, sum(self._open.values()))
        try:
            time.sleep(self.delay)
            said = self.script(call, times) if self.script else None
            return said or (200, self._page(call))
        finally:
            with self._lock:
                self._open[call.account] -= 1

    def _page(self, call: Call) -> dict[str, Any]:
        if call.path == "/account":
            return {"id": call.account, "currency": "BRL"}
        number = int(call.cursor)
        first = (number - 1) * self.per_page
        rows = [self.row(n) for n in range(first, first + self.per_page)]
        follows = str(number + 1) if number < self.pages else None
        total = self.total(self.pages * self.per_page)
        return {"rows": rows if self.pages else [], "next": follows, "total": total}

    def row(self, number: int) -> dict[str, Any]:
        return {"id": f"o-{number}", "day": "2026-11-10", "amount": f"{number}.50"}


@contextmanager
def standing(**options: object) -> Iterator[Stand]:
    """Serve until the block ends."""
    stand = Stand(**options)

    class At(Handler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = dict(parse_qsl(url.query))
            call = Call(
                self.headers["X-Account"], url.path, asked.get("stream", ""),
                asked.get("cursor", ""), time.monotonic(),
            )  # fmt: skip
            status, body = stand.answer(call)
            headers = body.pop("headers", {}) if isinstance(body, dict) else {}
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with served(At) as stand.port:
        yield stand
