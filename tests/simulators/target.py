"""A web server on a real socket that answers as its paths say."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.simulators.serve import Handler, served


class Target:
    """What was asked of the server."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.retry_after: str | None = None
        self.tenths = 0
        """Of a second, for which a client waited for a whole answer."""


@contextmanager
def target(tls: ssl.SSLContext | None = None) -> Iterator[Target]:
    """Serve on a free port of the loopback interface until the block ends."""
    seen = Target()
    handler = type("Handler", (_Handler,), {"seen": seen})
    with served(handler, tls) as seen.port:
        yield seen


class _Handler(Handler):
    """Each word of a path is a method."""

    seen: Target

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.requests.append((self.command, self.path, headers, body))
        word = self.path.split("?")[0].strip("/").partition("/")[2]
        getattr(self, self.path.split("?")[0].strip("/").partition("/")[0])(word)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def status(self, word: str) -> None:
        self.reply(int(word), b"said the target")

    def echo(self, word: str) -> None:
        self.reply(200, str(self.headers).encode())

    def refuse(self, word: str) -> None:
        self.reply(401, str(self.headers).encode())

    def redirect(self, word: str) -> None:
        self.reply(302, b"", Location="/status/200")

    def big(self, word: str) -> None:
        self.reply(200, b"x" * int(word))

    def binary(self, word: str) -> None:
        self.reply(200, bytes(range(256)) * 300)

    def hold(self, word: str) -> None:
        """Answer nothing for so many tenths of a second; count them."""
        self.connection.settimeout(0.1)
        while self.seen.tenths < int(word):
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return
            self.seen.tenths += 1

    def hang_up(self, word: str) -> None:
        """Read the request, and leave without a word."""
        self.close_connection = True

    def drip(self, word: str) -> None:
        """Send one header line after the other, each within any read timeout."""
        self.send_response(200)
        while self.seen.tenths < int(word):
            self.wfile.write(b"X-%d: y\r\n" % self.seen.tenths)
            self.wfile.flush()
            time.sleep(0.1)
            self.seen.tenths += 1

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.seen.retry_after is not None:
            self.send_header("Retry-After", self.seen.retry_after)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
