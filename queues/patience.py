"""Trying again for locks that are taken all or none."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

PAUSE = 0.005
"""Seconds before rows are tried again, one of which is being settled."""

T = TypeVar("T")


def patiently(act: Callable[[], T]) -> T:
    """Return what `act` returns once it got all its locks without waiting for one.

    Between two tries nothing is held, so nobody who waits for us is in our way.
    """
    while True:
        try:
            with transaction.atomic():
                return act()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        time.sleep(PAUSE)
