"""Serve the demo's SprintHub, and a Slack that prints: `python -m tests.simulators.hub PORT`."""

import argparse
import json
import time
from urllib.parse import urlsplit

from config.demo.lists import COMING, INSTANCE, SEGMENTS, TOKEN
from tests.simulators.serve import served
from tests.simulators.sprinthub import SprintHub, _Handler

EVERY = 20.0
"""Seconds until the next person joins the first segment."""
SLOW = 0.2
"""Seconds that each answer takes, so that there is something to watch."""
FOREVER = 10**9
WAITING_ROOM = 10
"""So many of those who came are in the segment; the one before them has left."""


class Desk(_Handler):
    """SprintHub, and beside it the address to which Slack's messages go."""

    def do_POST(self) -> None:
        if urlsplit(self.path).path != "/slack":
            time.sleep(SLOW)
            super().do_POST()
            return
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("Slack: " + " | ".join(str(said.get("text")).splitlines()), flush=True)
        self.send(200, "ok")


def furnish(hub: SprintHub) -> None:
    """Write the segments of the demo and their leads."""
    for segment in SEGMENTS:
        hub.segments[segment.number] = []
        for number in segment.leads:
            if number not in hub.leads:
                hub.add(number)
            hub.segments[segment.number].append(number)
        if segment.is_broken:
            hub.fail("status", segment=segment.number, times=FOREVER, value=500)


def arrive(hub: SprintHub, place: int) -> None:
    """Let somebody join the first segment, and somebody else leave it."""
    number, gone = (
        COMING[each % len(COMING)] for each in (place, place - WAITING_ROOM)
    )
    members = hub.segments[SEGMENTS[0].number]
    if number not in hub.leads:
        hub.add(number)
    if number not in members:
        members.append(number)
    if gone in members:
        members.remove(gone)


def main() -> None:
    """Serve until the process is ended; people go on coming."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    hub = SprintHub(token=TOKEN, instance=INSTANCE)
    furnish(hub)
    handler = type("Handler", (Desk,), {"simulator": hub})
    with served(handler, port=parser.parse_args().port):
        place = 0
        while True:
            time.sleep(EVERY)
            arrive(hub, place)
            place += 1


if __name__ == "__main__":
    main()
