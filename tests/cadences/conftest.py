"""What every test of cadences may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cadences.testing import Clock, Recorder


PROVIDERS = ("phones", "wa", "cloud", "box", "provider")
"""Fixtures that know what reached whom."""


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Stand still on a Wednesday at ten in the morning."""
    from cadences.testing import at
    from tests.cadences.people import T

    with at(T) as standing:
        yield standing


@pytest.fixture
def phones() -> Iterator[Recorder]:
    """Record what reaches the phones."""
    from cadences.testing import recording

    with recording() as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after every test with the database what holds at every moment.

    A test that writes rows which the engine never writes is marked `raw_rows`.
    """
    has_rows = request.node.get_closest_marker("django_db")
    if not has_rows or request.node.get_closest_marker("raw_rows"):
        yield
        return
    request.getfixturevalue("db")  # it is taken down after us
    standing = None
    if "clock" in request.fixturenames:
        standing = request.getfixturevalue("clock")
    named = [name for name in PROVIDERS if name in request.fixturenames]
    ledgers = [request.getfixturevalue(name) for name in named]
    yield

    from django.db import connection

    from queues.invariants import violations
    from tests.cadences.ledger import closed_sends, doubled

    assert [doubled(each) for each in ledgers] == [{}] * len(ledgers)
    if connection.needs_rollback:
        return
    with connection.cursor() as cursor:
        moment = str(standing.moment) if standing else ""
        cursor.execute("SELECT set_config('ritmo.now', %s, false)", [moment])
    assert dict(violations()) == {}
    assert closed_sends() == []
