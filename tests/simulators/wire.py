"""Real sockets for a simulated provider, with the faults of the wire."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.simulators.faults import Fault, Reply, spoil
from tests.simulators.serve import Handler

HANG = 90.0


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, or None if it is no JSON."""
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            return None


class Provider(Protocol):
    """What this module serves."""

    def answer(self, request: Request) -> tuple[Reply, dict[str, Fault]]:
        """Return what to say, and the faults that strike this call."""


class ProviderHandler(Handler):
    """Keeps connections alive, as the providers do."""

    protocol_version = "HTTP/1.1"
    provider: Provider
    open_calls: "set[int]"

    def answer(self) -> None:
        """Read the request, ask the provider, and send its reply or spoil it."""
        reply, struck = self.provider.answer(self._request())
        if fault := struck.get("latency"):
            time.sleep(fault.value)
        if "hang" in struck:
            self._hang(struck["hang"].value or HANG)
            return
        self._send(spoil(reply, struck), struck)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def _request(self) -> Request:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        return Request(
            self.command,
            url.path,
            parse_qs(url.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )

    def _send(self, reply: Reply, struck: dict[str, Fault]) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if "drip" in struck:
            self._drip(reply.body, struck["drip"].value or 5.0)
        elif "reset" in struck or "truncate" in struck:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self._break(rudely="reset" in struck)
        else:
            self.wfile.write(reply.body)

    def _drip(self, body: bytes, pause: float) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause)

    def _hang(self, seconds: float) -> None:
        """Say nothing until the other side has had enough."""
        self.connection.settimeout(seconds)
        with suppress(TimeoutError):
            self.connection.recv(1)
        self.close_connection = True

    def _break(self, *, rudely: bool) -> None:
        self.wfile.flush()
        if rudely:  # a reset instead of an end
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """A server that ends with its process, whatever is still open."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients leave."""


@contextmanager
def serving(provider: Provider, port: int = 0) -> Iterator[int]:
    """Answer for the provider until the block ends; yield the port."""
    handler = type("Bound", (ProviderHandler,), {"provider": provider})
    server = Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
