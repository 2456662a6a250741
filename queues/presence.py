"""The row of this process in `workers`, which vouches for what it holds."""

import os
import socket
import time
from dataclasses import dataclass

from django.db import connection

from queues.machine import birth_mark, machine_id
from queues.models import Worker

AFFIRMED_FOR = 5.0
"""Seconds after which a process makes sure that it was not taken for dead."""

AFFIRM = """
UPDATE workers SET seen_at = clock_timestamp() WHERE id = %s AND gone_at IS NULL
"""
# An earlier row of this very process stands for claims that it gave up.
SUPERSEDE = """
UPDATE workers SET gone_at = clock_timestamp()
WHERE machine = %s AND pid = %s AND born = %s AND kind = %s AND gone_at IS NULL
"""


@dataclass(slots=True)
class Mine:
    """A row of this process, and when it was last seen to stand."""

    worker: int
    affirmed_at: float


_mine: dict[tuple[int, str], Mine] = {}


def present(kind: Worker.Kind, *, queues: str = "") -> int:
    """Return the id of this process's living row; write it at the first call.

    A process that was taken for dead meanwhile, stopped or cut off for longer than
    anyone waits, gets a new row: what it claims from here on is its own again.
    """
    key = (os.getpid(), kind.value)
    mine = _mine.get(key)
    if mine is None or not _stands(mine):
        mine = _mine[key] = Mine(_register(kind, queues), time.monotonic())
    return mine.worker


def forget() -> None:
    """Give up every claim of this process: its next row has the old ones rescued."""
    _mine.clear()


def leave(kind: Worker.Kind) -> None:
    """Mark this process's row as gone: a clean end, nothing to rescue later."""
    mine = _mine.pop((os.getpid(), kind.value), None)
    if mine is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workers SET gone_at = clock_timestamp() WHERE id = %s",
                [mine.worker],
            )


def _stands(mine: Mine) -> bool:
    if time.monotonic() - mine.affirmed_at < AFFIRMED_FOR:
        return True
    with connection.cursor() as cursor:
        cursor.execute(AFFIRM, [mine.worker])
        mine.affirmed_at = time.monotonic()
        return bool(cursor.rowcount)


def _register(kind: Worker.Kind, queues: str) -> int:
    pid, machine = os.getpid(), machine_id()
    born = birth_mark(pid)
    with connection.cursor() as cursor:
        cursor.execute(SUPERSEDE, [machine, pid, born, kind.value])
    return Worker.objects.create(
        kind=kind,
        name=f"{socket.gethostname()}:{pid}"[:200],
        machine=machine,
        pid=pid,
        born=born,
        queues=queues[:500],
    ).pk
