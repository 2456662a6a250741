"""What every test of the engine may ask for.

Imports wait inside: this file is read before the settings know their servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django_celery_beat.models import PeriodicTask

    from queues.claims import Claim


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Forget what this process learned: rows of earlier tests, batch sizes."""
    from queues import presence, work
    from queues.admin import trends

    presence.forget()
    trends.forget()
    work._paces.clear()
    yield
    presence.forget()


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
    yield

    from django.db import connection

    from tests.broken import broken

    if not connection.needs_rollback:
        assert broken() == {}


@pytest.fixture
def me() -> int:
    """Return the row of this process in `workers`."""
    from queues.models import Worker
    from queues.presence import present

    return present(Worker.Kind.CHILD)


@pytest.fixture
def claimed(me: int) -> Callable[..., Claim]:
    """Return a function that writes a job and claims it."""
    from queues.claim import claim
    from queues.enqueue import enqueue

    def make(type_: str = "noop", data: object = None, **options: Any) -> Claim:
        enqueue(type_, data or {}, **options)
        (taken,) = claim(["default"], worker=me, limit=1)
        return taken

    return make


@pytest.fixture
def nightly(db: None) -> PeriodicTask:
    """Return a schedule for 03:00 that beat has noticed at 02:30."""
    from tests.queues.schedules import T0, make_schedule, tick

    task = make_schedule()
    tick(T0)
    return task


@pytest.fixture
def touched(sql) -> Callable[[], tuple[int, int]]:
    """Return a function: scans of all of `jobs`, and its rows fetched by an index."""

    def read() -> tuple[int, int]:
        ((scans, rows),) = sql(
            "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'jobs'"
        )
        return scans, rows

    return read


@pytest.fixture
def waiting_bells() -> Callable[[], int]:
    """Return a function that counts the bells waiting at the broker."""
    import redis
    from django.conf import settings

    def count(queue: str = "default") -> int:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
            return int(client.llen(f"ritmo:{queue}"))

    return count


class OwnPostgres:
    """A database server that a test may restart under its workers."""

    def __init__(self, home: Path) -> None:
        from config.servers import Postgres

        self.server = Postgres(home, "tests-only", fast=True)
        self.server.start()
        self.url = self.server.url

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def migrate(self) -> None:
        """Make the tables, those of the tests' own app included."""
        from tests.processes import command

        done = command("migrate", "--run-syncdb", DATABASE_URL=self.url, seconds=300)
        assert done.returncode == 0, done.stderr

    def restart(self, number: int) -> None:
        """Stop the server with that signal and start it again."""
        assert self.server.process is not None
        self.server.process.send_signal(number)
        self.server.process.wait(20)
        self.server.start()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[OwnPostgres]:
    """Return a PostgreSQL of the test's own, empty."""
    own = OwnPostgres(tmp_path)
    yield own
    own.server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Any]:
    """Return a Valkey of the test's own, which this process rings as well."""
    from django.test import override_settings

    from config.servers import Valkey
    from queues import wake

    server = Valkey(tmp_path, "tests-only", fast=True)
    server.start()
    wake._silent_until = 0.0
    with override_settings(CELERY_BROKER_URL=server.url):
        yield server
    wake._silent_until = 0.0
    server.stop()
