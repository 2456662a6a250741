"""The caller: jobs through the web's door, asked for again until it answers."""

import json
import threading
import uuid
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.chaos.jobs import STEP
from tests.environment import ENVIRONMENT

PATH = "/functions/v1/enqueue-job"
PAUSE = 0.1
TIMEOUT = 15.0
"""Seconds that an answer may take: the web gives up on a database before that."""


class Caller(threading.Thread):
    """A thread that does what a careful client does: the same key until an answer."""

    def __init__(self, port: int) -> None:
        super().__init__(name="chaos-caller", daemon=True)
        self._url = f"http://127.0.0.1:{port}{PATH}"
        self._enough = threading.Event()
        self.acknowledged: dict[int, str] = {}
        self.refused = 0

    def run(self) -> None:
        """Ask, and ask again after whatever is no answer, until told to stop."""
        while not self._enough.wait(PAUSE):
            key = str(uuid.uuid4())
            while (job := self._ask(key)) is None:
                self.refused += 1
                if self._enough.wait(PAUSE * 5):
                    return
            self.acknowledged[job] = STEP

    def stop(self) -> None:
        """Ask no more."""
        self._enough.set()
        self.join(2 * TIMEOUT)

    def _ask(self, key: str) -> int | None:
        """Return the job, or None if the answer was none, or said to come again."""
        secret = ENVIRONMENT["CRON_SECRET"].split(",")[0]
        body = {"type": STEP, "data": {"seconds": 0.01, "key": key}}
        request = Request(  # noqa: S310 - our own server
            self._url, json.dumps(body).encode(), method="POST",
            headers={
                "Authorization": f"Bearer {secret}", "Idempotency-Key": key,
                "Content-Type": "application/json",
            },
        )  # fmt: skip
        try:
            with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return int(json.load(answer)["jobId"])
        except (URLError, HTTPException, OSError):
            return None
