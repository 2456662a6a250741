"""What every test of syncs may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after every test with the database what holds at every moment."""
    has_rows = request.node.get_closest_marker("django_db")
    if not has_rows or request.node.get_closest_marker("raw_rows"):
        yield
        return
    request.getfixturevalue("db")  # it is taken down after us
    yield

    from django.db import connection

    from queues.invariants import violations

    if not connection.needs_rollback:
        assert dict(violations()) == {}


@pytest.fixture
def hub(settings: Any) -> Iterator[Any]:
    """Serve a SprintHub that knows our token, and let the settings name it."""
    from tests.simulators.sprinthub import INSTANCE, TOKEN, sprinthub

    with sprinthub() as simulator:
        settings.SPRINTHUB_BASE_URL = simulator.url
        settings.SPRINTHUB_API_TOKEN = TOKEN
        settings.SPRINTHUB_INSTANCE = INSTANCE
        settings.SPRINTHUB_CALLS_A_MINUTE = 6000
        yield simulator


@pytest.fixture
def stand() -> Iterator[Any]:
    """Serve the pretended provider."""
    from tests.market.stand import standing

    with standing() as served:
        yield served


@pytest.fixture
def shop(stand: Any) -> Callable[..., Any]:
    """Return a function that makes a store with a connection to the stand."""
    from tests.syncs.stores import make_store

    def make(name: str = "Papelaria Sol", **options: Any) -> Any:
        return make_store(stand, name, **options)

    return make


@pytest.fixture
def small_pages(monkeypatch: Any) -> None:
    """Let a page of a segment hold ten rows, or a hundred ids."""
    from syncs.segments import sprinthub, sweep

    monkeypatch.setattr(sprinthub, "ROWS_A_PAGE", 10)
    monkeypatch.setattr(sprinthub, "IDS_A_PAGE", 100)
    monkeypatch.setattr(sweep, "LIMITS", {"rows": 10, "ids": 100})
