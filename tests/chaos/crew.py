"""The processes under attack: two workers of three, two beats, and a web server."""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from typing import Self

from queues.machine import Condition, birth_mark, condition
from tests.processes import Process, celery, free_port, until

WORKERS, BEATS, POOL = 2, 2, 3
START = 150.0
"""Seconds that a worker may take to start beside all the others."""


class Crew:
    """Processes that are started again like under any process manager."""

    def __init__(self) -> None:
        self.workers: list[Process] = []
        self.beats: list[Process] = []
        self.webs: list[Process] = []
        self.port = free_port()

    def __enter__(self) -> Self:
        self.workers = [start_worker() for _ in range(WORKERS)]
        self.beats = [start_beat() for _ in range(BEATS)]
        self.webs = [self.start_web()]
        try:
            for each in self.workers:
                each.wait_for("ready.", START)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.workers, *self.beats, *self.webs):
            each.kill()

    def revive(self) -> None:
        """Replace what has died."""
        for members, start in (
            (self.workers, start_worker),
            (self.beats, start_beat),
            (self.webs, self.start_web),
        ):
            for place, each in enumerate(members):
                if each.popen.poll() is not None:
                    each.kill()
                    members[place] = start()

    def one(self, dice: random.Random) -> Process:
        """Return a worker that is up with its whole pool: it forks no one meanwhile."""
        until(self._up, START)
        return dice.choice(self._up())

    def weak(self) -> list[str]:
        """Return the last words of the workers that do not come to their whole pool."""
        with suppress(AssertionError):
            until(self.is_whole, START)
        return [each.output[-500:] for each in self.workers if not is_whole(each)]

    def is_whole(self) -> bool:
        """Tell whether every worker has its whole pool; the dead are replaced."""
        self.revive()
        return all(map(is_whole, self.workers))

    def _up(self) -> list[Process]:
        self.revive()
        return [each for each in self.workers if is_whole(each)]

    def start_web(self) -> Process:
        """Start the web server, always at the same port."""
        line = [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn"]
        bind = ["--bind", f"127.0.0.1:{self.port}", "config.wsgi"]
        return Process([*line, *bind], RITMO_PROCESS="web")


def is_ready(worker: Process) -> bool:
    """Tell whether it hears the bell."""
    return worker.popen.poll() is None and "ready." in worker.output


def is_whole(worker: Process) -> bool:
    """Tell whether none of its processes is missing."""
    return is_ready(worker) and len(worker.children()) == POOL


def start_worker(**environment: str) -> Process:
    """Start a worker, which is up a few seconds later."""
    line = celery("worker", "-Q", "default", "-c", str(POOL))
    line += ["--without-gossip", "--without-mingle"]
    return Process(line, RITMO_PROCESS="worker", **environment)


def start_beat() -> Process:
    """Start a beat."""
    return Process(celery("beat"), RITMO_PROCESS="beat")


def family(process: Process) -> frozenset[int]:
    """Return the pids of a worker and of its pool."""
    return frozenset({process.pid, *process.children()})


def kill(*pids: int, family: frozenset[int] = frozenset()) -> float:
    """End processes without notice, wait for their death and their family's; return when.

    A signal is only asked for: until it is heeded, a process goes on starting jobs.
    """
    began = time.time()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(map(_is_dead, family.union(pids))), every=0.005)
    return began


def _is_dead(pid: int) -> bool:
    return condition(pid, birth_mark(pid)) is Condition.DEAD
