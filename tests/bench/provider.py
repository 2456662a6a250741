"""UAZAPI as the tests know it, in a process of its own, slow to answer.

`python -m tests.bench.provider PORT MILLISECONDS`; `GET /ledger` counts what arrived.
"""

import sys
import threading

from config.demo.phones import Answer, Body
from tests.simulators.uazapi import Simulator, uazapi


class Counting(Simulator):
    """The simulator, asked over the wire what a test would ask it in its own process."""

    def answer(self, method: str, path: str, token: str | None, body: Body) -> Answer:
        """Answer as the provider does, or tell what it delivered."""
        if path != "/ledger":
            return super().answer(method, path, token, body)
        counts = self.counts()
        most = max(counts.values(), default=0)
        return 200, {"messages": counts.total(), "most": most}


def main(port: int, seconds: float) -> None:
    """Serve until the process ends."""
    simulator = Counting()
    simulator.latency = seconds
    with uazapi(simulator, port=port):
        print("listening", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) / 1000)
