"""A web server on a real socket that answers as its paths say."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Target:
    """What was asked of the server."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.retry_after: str | None = None


@contextmanager
def target(tls: ssl.SSLContext | None = None) -> Iterator[Target]:
    """Serve on a free port of the loopback interface until the block ends."""
    seen = Target()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.seen = seen
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    seen.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """It knows its target."""

    seen: Target


class _Handler(BaseHTTPRequestHandler):
    """Each word of a path is a method."""

    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client did not wait for the end
            self.close_connection = True

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.requests.append((self.command, self.path, headers, body))
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

    def slow(self, word: str) -> None:
        time.sleep(float(word))
        self.reply(200, b"late")

    def drip(self, word: str) -> None:
        """Send one header line after the other, each within any read timeout."""
        self.send_response(200)
        for each in range(int(word)):
            self.wfile.write(b"X-%d: y\r\n" % each)
            self.wfile.flush()
            time.sleep(0.1)

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.server.seen.retry_after is not None:
            self.send_header("Retry-After", self.server.seen.retry_after)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay silent."""
