"""The row of this process in `workers`, which vouches for what it holds."""

import logging
import os
import platform
import socket
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from queues.machine import birth_mark, machine_id, resident
from queues.models import Worker

logger = logging.getLogger(__name__)

AFFIRMED_FOR = 5.0
"""Seconds after which a process makes sure that it was not taken for dead."""

SILENT_FOR = 8.0
"""Seconds after which it speaks for itself: no keeper of its machine does."""

# A look alone waits for no disk: it stands before a claim.
LOOK = """
SELECT seen_at < clock_timestamp() - %s * interval '1 second' FROM workers
WHERE id = %s AND gone_at IS NULL
"""
AFFIRM = """
UPDATE workers SET seen_at = clock_timestamp(), memory_bytes = %s
WHERE id = %s AND gone_at IS NULL
"""
GONE = "UPDATE workers SET gone_at = clock_timestamp() WHERE id = ANY(%s)"


WISH = """
SELECT coalesce(bool_or(drain_requested_at IS NOT NULL), false),
       coalesce(bool_or(stop_requested_at IS NOT NULL), false)
FROM workers WHERE machine = %s AND pid = %s AND kind = 'node' AND gone_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What staff ask of a Celery worker: to take no more, or to end as well."""

    drain: bool = False
    stop: bool = False


@dataclass(slots=True)
class Mine:
    """A row of this process, and when it was last seen to stand."""

    worker: int
    affirmed_at: float


# By process and thread: of a pool of threads each holds its own claims.
_mine: dict[tuple[int, int, str], Mine] = {}
_given_up: list[int] = []


def present(kind: Worker.Kind, *, queues: str = "") -> int:
    """Return the id of this thread's living row; write it at the first call.

    A process that was taken for dead meanwhile, stopped or cut off for longer than
    anyone waits, gets a new row: what it claims from here on is its own again.
    """
    mine = _mine.get(key := _key(kind))
    if mine is None or not _stands(mine):
        mine = _mine[key] = Mine(_register(kind, queues), time.monotonic())
    return mine.worker


def give_up(kind: Worker.Kind) -> None:
    """Give up this thread's claims: once it is present again they are rescued."""
    if mine := _mine.pop(_key(kind), None):
        _given_up.append(mine.worker)


def forget() -> None:
    """Forget the rows of this process: after they were removed, as in tests."""
    _mine.clear()
    _given_up.clear()


def wish() -> Wish:
    """Return what staff ask of the Celery worker that is this process."""
    with connection.cursor() as cursor:
        cursor.execute(WISH, [machine_id(), os.getpid()])
        return Wish(*cursor.fetchone())


def leave(kind: Worker.Kind) -> None:
    """Mark this process's rows as gone: a clean end, nothing to rescue later.

    Over a fresh connection: a signal may have cut the old one short in the middle of
    a statement, or the server may have been restarted since. Without a database the
    goodbye is a line of the log, and the machine's keepers find the process dead.
    """
    pid = os.getpid()
    keys = [key for key in _mine if key[0] == pid and key[2] == kind.value]
    if not (rows := [_mine.pop(key).worker for key in keys]):
        return
    connection.close()
    try:
        with connection.cursor() as cursor:
            cursor.execute(GONE, [rows])
    except (DatabaseError, InterfaceError) as error:
        logger.warning("could not say goodbye: %s", str(error).strip())
    finally:
        connection.close()


def _key(kind: Worker.Kind) -> tuple[int, int, str]:
    holds = kind is not Worker.Kind.NODE  # a node is one, whichever thread speaks
    return os.getpid(), threading.get_ident() if holds else 0, kind.value


def _stands(mine: Mine) -> bool:
    if time.monotonic() - mine.affirmed_at < AFFIRMED_FOR:
        return True
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [SILENT_FOR, mine.worker])
        if (row := cursor.fetchone()) and row[0]:
            cursor.execute(AFFIRM, [resident(os.getpid()), mine.worker])
        mine.affirmed_at = time.monotonic()
        return bool(cursor.rowcount)


def _register(kind: Worker.Kind, queues: str) -> int:
    pid = os.getpid()
    with connection.cursor() as cursor:
        cursor.execute(GONE, [_given_up])
    _given_up.clear()
    return Worker.objects.create(
        kind=kind,
        name=f"{socket.gethostname()}:{pid}"[:200],
        machine=machine_id(),
        pid=pid,
        born=birth_mark(pid),
        queues=queues[:500],
        parent_pid=os.getppid(),
        version=f"{settings.VERSION} · Python {platform.python_version()}"[:100],
        memory_bytes=resident(pid),
    ).pk
