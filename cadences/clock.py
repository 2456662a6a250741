"""The one clock that decides: the database's, read after the locks are held."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from queues.ask import database_now

_source: Callable[[], datetime] = database_now


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
