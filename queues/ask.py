"""Ask the database: rows by a statement, and the moment that decides."""

from datetime import datetime
from typing import Any

from django.db import connection


def ask(statement: str, *columns: Any, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, its parameters given in order or by name."""
    with connection.cursor() as cursor:
        cursor.execute(statement, columns or values or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def database_now() -> datetime:
    """Return the moment by the database's clock, not that of its transaction's start."""
    ((now,),) = ask("SELECT clock_timestamp()")
    moment: datetime = now
    return moment
