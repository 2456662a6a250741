"""Empty the database between two tests that commit: only what they filled.

Django truncates every table, and has each app write again what it writes after a
migration. Both take longer than most tests.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase

_cases: Any = TransactionTestCase
_empty_all: Callable[[Any], None] = _cases._fixture_teardown
_standing: dict[str, str] = {}
"""The tables that apps fill after a migration, each with a mark of its rows."""


def install() -> None:
    """Follow tests that commit by this instead of Django's flush."""
    _cases._fixture_teardown = _empty


def _empty(case: TransactionTestCase) -> None:
    """Empty what a test filled, and all if that is not enough."""
    if tables := filled() - _standing.keys():
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(sorted(tables))} CASCADE")
    if not _standing or _marks(_standing) != _standing:
        _empty_all(case)
        _standing.clear()
        _standing.update(_marks(filled()))


def filled() -> set[str]:
    """Return the tables that hold a row."""
    models = apps.get_models(include_auto_created=True)
    tables = sorted({model._meta.db_table for model in models if model._meta.managed})
    parts = (
        f"SELECT '{table}', '' WHERE EXISTS (SELECT FROM {table})" for table in tables
    )
    return set(_pairs(parts))


def _marks(tables: Iterable[str]) -> dict[str, str]:
    """Return a text for each table that changes with any of its rows."""
    return _pairs(
        f"SELECT '{table}', md5(string_agg(row::text, ';' ORDER BY row::text))"
        f" FROM {table} AS row"
        for table in sorted(tables)
    )


def _pairs(parts: Iterable[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())
