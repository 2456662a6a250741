"""Faults that a simulated provider commits on demand.

A fault strikes the calls of one endpoint (or all), after so many, so many times. Some
spoil the wire (`hang`, `reset`, `truncate`, …) and are committed here; others bend what
is said (`same_cursor`, `count_mismatch`, …) and are committed by the provider itself.
"""

import gzip
import json
import threading
from dataclasses import dataclass, field
from typing import Any

WIRE = frozenset({
    "status", "latency", "drip", "hang", "reset", "truncate", "html_200", "empty_200",
    "malformed_json", "nan_json", "oversize", "bad_utf8", "gzip_bomb", "content_type",
})  # fmt: skip
HTML = b"<!doctype html><title>Sorry</title><p>We are looking into it."


@dataclass
class Fault:
    """What goes wrong, where, from which call on and how often."""

    kind: str
    endpoint: str | None = None
    after: int = 0
    times: int = 1
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    struck: int = 0


class Faults:
    """The script of a provider."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, endpoint: str | None = None, **more: Any) -> Fault:
        """Let something go wrong; by default once, at the next call."""
        fault = Fault(kind, endpoint, **more)
        with self._lock:
            self._script.append(fault)
        return fault

    def clear(self) -> None:
        """Be good from now on."""
        with self._lock:
            self._script.clear()

    def strike(self, endpoint: str) -> dict[str, Fault]:
        """Return the faults of this call by their kind, and count them."""
        struck: dict[str, Fault] = {}
        with self._lock:
            for fault in self._script:
                if fault.endpoint not in (None, endpoint):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.struck < fault.times and fault.kind not in struck:
                    fault.struck += 1
                    struck[fault.kind] = fault
        return struck


@dataclass
class Reply:
    """What goes over the wire."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def answer(status: int, value: object, headers: dict[str, str] | None = None) -> Reply:
    """Return a reply that says this as JSON."""
    said = {"Content-Type": "application/json", **(headers or {})}
    return Reply(status, json.dumps(value).encode(), said)


def spoil(reply: Reply, struck: dict[str, Fault]) -> Reply:  # noqa: C901, PLR0912
    """Return the reply as the faults leave it."""
    for kind, fault in struck.items():
        match kind:
            case "status":
                said = fault.value if fault.value is not None else 500
                reply = Reply(said, b'{"errors":"Sorry"}', dict(fault.headers))
                reply.headers.setdefault("Content-Type", "application/json")
            case "html_200":
                reply = Reply(200, HTML, {"Content-Type": "text/html"})
            case "empty_200":
                reply.body = b""
            case "malformed_json":
                reply.body = b'{"data": {"orders": ' + reply.body[:9]
            case "nan_json":
                reply.body = b'{"data": NaN}'
            case "bad_utf8":
                reply.body = b'{"data": "\xff\xfe"}'
            case "oversize":
                reply.body = b'{"data": "' + b"x" * (fault.value or 25_000_000) + b'"}'
            case "gzip_bomb":
                reply.body = gzip.compress(b" " * 50_000_000, 9)
                reply.headers["Content-Encoding"] = "gzip"
            case "content_type":
                reply.headers["Content-Type"] = fault.value or "text/plain"
            case _:
                pass
    return reply
