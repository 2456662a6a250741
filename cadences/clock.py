"""The one clock that decides: the database's, read after the locks are held."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection


def _read() -> datetime:
    with connection.cursor() as cursor:
        # Not now(): that is the start of the transaction, before it waited for locks.
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


_source: Callable[[], datetime] = _read


def now() -> datetime:
    """Return the moment by the database's clock."""
    return _source()


@contextmanager
def told(source: Callable[[], datetime]) -> Iterator[None]:
    """Let another source tell the time, in tests and simulations."""
    global _source  # noqa: PLW0603 - one port, for the whole process
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
