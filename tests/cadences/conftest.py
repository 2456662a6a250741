"""What every test of messages may ask for."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def sql() -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that runs a statement and returns its rows."""
    from django.db import connection

    def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    return run
