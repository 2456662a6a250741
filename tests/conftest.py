"""Run the suite on a real PostgreSQL and a real Redis-protocol server.

They start before the settings load, once a run, in a directory of their own, unless
DATABASE_URL and REDIS_URL name others. Where the tests are shared out to processes
(`make test`), each has servers, or databases, of its own.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.servers import Postgres, Server, Valkey
from tests.environment import ENVIRONMENT, LEFT_OUT

HOME = Path(tempfile.mkdtemp(prefix="ritmo-tests-"))
SERVERS: list[Server] = []
WHOLE = ("tests/config/test_up.py",)
"""Modules whose tests share what takes long to build: one process runs them all."""


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers and load the settings on them."""
    if config.getoption("help") or config.getoption("version"):
        return
    if config.getoption("dist", "no") != "no":
        # Only the processes that get a share of the tests need settings and servers.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        return
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    for name, server in (("DATABASE_URL", Postgres), ("REDIS_URL", Valkey)):
        if not os.environ.get(name):
            os.environ[name] = _started(server(HOME, "tests-only", fast=True))
        elif name == "REDIS_URL":
            os.environ[name] = _own_database(os.environ[name])
    os.environ.update(ENVIRONMENT, DATA_DIR=str(HOME / "data"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

    import django

    django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand the tests out one by one, but those of a whole module together.

    The plug-in's own groups are silently ignored by pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Shares(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if module in WHOLE else nodeid

    return Shares(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what may take longest first, so that no process is left alone with it."""
    items.sort(key=_patience, reverse=True)


def _patience(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] or "inf") if marker else 0.0


def pytest_unconfigure() -> None:
    """Stop what was started: a process that got its share of tests ends abruptly."""
    leave_nothing()


@atexit.register
def leave_nothing() -> None:
    """Stop what was started, also where pytest itself failed to start."""
    while SERVERS:
        SERVERS.pop().stop()
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the tests' own database be emptied between two of them, the audit log too."""
    from django.db import connection

    from tests import emptying

    emptying.install()
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_untruncated")
        connection.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Make what a test logged fit to be sent to the process that reports it."""
    report = yield
    report.sections = [
        (name, text.encode(errors="replace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Forget the language that a request of the test asked for."""
    from django.utils import translation

    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _clean_redis(request: pytest.FixtureRequest) -> None:
    """Give a test that uses the database an empty broker and cache as well."""
    marked = request.node.get_closest_marker("django_db")
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        empty_redis()


@pytest.fixture
def sql() -> Callable[..., list[tuple[Any, ...]]]:
    """Return a function that runs a statement and returns its rows."""
    from django.db import connection

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    return run


def empty_redis() -> None:
    """Delete every bell and every cached value."""
    import redis
    from django.conf import settings

    for url in (settings.CELERY_BROKER_URL, settings.CACHES["default"]["LOCATION"]):
        with redis.Redis.from_url(url) as client:
            client.flushdb()


def _started(server: Postgres | Valkey) -> str:
    server.start()
    SERVERS.append(server)
    return server.url


def _own_database(url: str) -> str:
    """Return the address with two databases for each process that shares the tests."""
    parts = urlsplit(url)
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = int(parts.path.strip("/") or 0) + 2 * number
    return parts._replace(path=f"/{first}").geturl()
