"""The row of this process in `workers`, which vouches for what it holds."""

import os
import socket

from django.db import connection

from queues.machine import birth_mark, machine_id
from queues.models import Worker

_mine: dict[tuple[int, str], int] = {}


def present(kind: Worker.Kind, *, queues: str = "") -> int:
    """Return the id of this process's row, written at the first call."""
    key = (os.getpid(), kind.value)
    if key not in _mine:
        _mine[key] = Worker.objects.create(
            kind=kind,
            name=f"{socket.gethostname()}:{key[0]}"[:200],
            machine=machine_id(),
            pid=key[0],
            born=birth_mark(key[0]),
            queues=queues[:500],
        ).pk
    return _mine[key]


def forget() -> None:
    """Forget the rows of this process: after they were removed, as in tests."""
    _mine.clear()


def leave(kind: Worker.Kind) -> None:
    """Mark this process's row as gone: a clean end, nothing to rescue later."""
    worker = _mine.pop((os.getpid(), kind.value), None)
    if worker is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workers SET gone_at = clock_timestamp() WHERE id = %s", [worker]
            )
