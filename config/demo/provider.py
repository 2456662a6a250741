"""Serve the demo's phones as a process of its own: `python -m config.demo.provider`."""

import argparse
import heapq
import http.client
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from config.demo.phones import Phones

TELL_SECONDS = 5
TRIES = 5


class Gateway(BaseHTTPRequestHandler):
    """One request of ours."""

    phones: Phones
    protocol_version = "HTTP/1.0"

    def answer(self) -> None:
        """Answer as the provider would; a body that is no JSON is empty."""
        length = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            body = {}
        status, said = self.phones.answer(
            self.command, self.path, self.headers.get("token"), body
        )
        self.reply(status, json.dumps(said))

    do_GET = do_POST = answer  # noqa: N815

    def reply(self, status: int, text: str) -> None:
        """Send a JSON answer."""
        raw = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


class Webhook(threading.Thread):
    """Tells the product what happens on the phones, each thing at its time."""

    def __init__(self, phones: Phones, url: str) -> None:
        super().__init__(daemon=True)
        self.phones, self.url = phones, urlsplit(url)
        self.due: list[tuple[float, int, dict[str, Any], int]] = []

    def run(self) -> None:
        """Go round for ever."""
        count = 0
        while True:
            while self.phones.outbox:
                after, payload = self.phones.outbox.popleft()
                count += 1
                heapq.heappush(self.due, (time.time() + after, count, payload, 0))
            while self.due and self.due[0][0] <= time.time():
                _, number, payload, tries = heapq.heappop(self.due)
                if not self.tell(payload) and tries < TRIES:
                    later = time.time() + 2**tries
                    heapq.heappush(self.due, (later, number, payload, tries + 1))
            time.sleep(0.1)

    def tell(self, payload: dict[str, Any]) -> bool:
        """Post one delivery; tell whether it was taken."""
        wire = http.client.HTTPConnection(
            self.url.hostname or "", self.url.port, timeout=TELL_SECONDS
        )
        try:
            raw = json.dumps(payload)
            wire.request(
                "POST", self.url.path, raw, {"Content-Type": "application/json"}
            )
            return wire.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            wire.close()


def main() -> None:
    """Serve until killed; the token comes by the environment, which nobody else sees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--webhook", required=True, metavar="URL")
    options = parser.parse_args()
    phones = Phones(os.environ["DEMO_PHONES_TOKEN"])
    Webhook(phones, options.webhook).start()
    handler = type("Handler", (Gateway,), {"phones": phones})
    ThreadingHTTPServer(("127.0.0.1", options.port), handler).serve_forever()


if __name__ == "__main__":
    main()
