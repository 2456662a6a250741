"""Serve a simulator on a free port of the loopback interface."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """What every simulator's handler does: bear a client that leaves, and be silent."""

    def handle_one_request(self) -> None:
        """Answer a request; the client may not wait for the end."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """A server that many may call at once."""

    request_queue_size = 128


@contextmanager
def served(
    handler: type[Handler], tls: ssl.SSLContext | None = None, *, port: int = 0
) -> Iterator[int]:
    """Answer with that handler until the block ends; yield the port."""
    server = Server(("127.0.0.1", port), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
