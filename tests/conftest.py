"""Run the suite on a real PostgreSQL and a real Redis-protocol server.

They start before the settings load, once a run, in a directory of their own, unless
DATABASE_URL and REDIS_URL name others.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from config.servers import Postgres, Server, Valkey
from tests.environment import ENVIRONMENT, LEFT_OUT

HOME = Path(tempfile.mkdtemp(prefix="ritmo-tests-"))
SERVERS: list[Server] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers and load the settings on them."""
    if config.getoption("help") or config.getoption("version"):
        return
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    for name, server in (("DATABASE_URL", Postgres), ("REDIS_URL", Valkey)):
        if not os.environ.get(name):
            os.environ[name] = _started(server(HOME, "tests-only", fast=True))
    os.environ.update(ENVIRONMENT, DATA_DIR=str(HOME / "data"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

    import django

    django.setup()


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

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_untruncated")
        connection.close()


@pytest.fixture(autouse=True)
def _clean_redis(request: pytest.FixtureRequest) -> None:
    """Give a test that uses the database an empty broker and cache as well."""
    marked = request.node.get_closest_marker("django_db")
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        empty_redis()


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
