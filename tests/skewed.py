"""Run a command of Celery under a wrong clock: `python -m tests.skewed SECONDS …`."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine


def main(seconds: str, *arguments: str) -> None:
    """Shift what every Python call of this process says of the time, and go on."""
    moment = datetime.now(UTC) + timedelta(seconds=float(seconds))
    with time_machine.travel(moment, tick=True):
        from celery.__main__ import main as celery

        sys.argv = ["celery", *arguments]
        celery()


if __name__ == "__main__":
    main(*sys.argv[1:])
