"""The processes under attack: two workers of three, and two beats."""

import os
import signal
import time
from typing import Self

from tests.processes import Process, celery

WORKERS, BEATS, POOL = 2, 2, 3


class Crew:
    """Workers and beats that are started again like under any process manager."""

    def __init__(self) -> None:
        self.workers: list[Process] = []
        self.beats: list[Process] = []

    def __enter__(self) -> Self:
        self.workers = [start_worker() for _ in range(WORKERS)]
        self.beats = [start_beat() for _ in range(BEATS)]
        try:
            for each in self.workers:
                each.wait_for("ready.", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.workers, *self.beats):
            each.kill()

    def revive(self) -> None:
        """Replace what has died."""
        for members, start in ((self.workers, start_worker), (self.beats, start_beat)):
            for place, each in enumerate(members):
                if each.popen.poll() is not None:
                    each.kill()
                    members[place] = start()


def start_worker() -> Process:
    """Start a worker, which is up a few seconds later."""
    line = celery("worker", "-Q", "default", "-c", str(POOL))
    return Process(
        [*line, "--without-gossip", "--without-mingle"], RITMO_PROCESS="worker"
    )


def start_beat() -> Process:
    """Start a beat."""
    return Process(celery("beat"), RITMO_PROCESS="beat")


def family(process: Process) -> frozenset[int]:
    """Return the pids of a worker and of its pool."""
    return frozenset({process.pid, *process.children()})


def kill(pid: int) -> float:
    """End a process without notice; return when."""
    os.kill(pid, signal.SIGKILL)
    return time.time()
