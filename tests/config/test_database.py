"""A server that freezes holds up no caller of the web for ever."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.database import Impatient
from tests.processes import database_url, free_port, until, web
from tests.queues.conftest import OwnPostgres

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnPostgres]:
    """Return a PostgreSQL of the test's own, with the tables."""
    own = OwnPostgres(tmp_path)
    own.migrate()
    yield own
    own.server.stop()


@contextmanager
def frozen(server: OwnPostgres) -> Iterator[None]:
    """Stop the server and all of its processes while the body runs."""
    pids = family(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def family(server: OwnPostgres) -> list[int]:
    assert server.server.process is not None
    pid = server.server.process.pid
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, listed.split())]


def ask(port: int) -> tuple[int, Any]:
    """Ask for something that needs the database."""
    door = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        door.request("GET", "/api/queues/stats", headers={
            "Host": "localhost", "Authorization": "Bearer cron-test-secret",
        })  # fmt: skip
        answer = door.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        door.close()


@pytest.fixture
def patient() -> Iterator[Impatient]:
    """Return a connection that waits for half a second."""
    connection = Impatient.connect(database_url(), autocommit=True)
    connection.patience = 0.5
    yield connection
    connection.close()


def test_a_statement_without_an_answer_ends_the_connection(patient: Impatient):
    assert patient.cursor().execute("SELECT 1").fetchone() == (1,)
    began = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        patient.cursor().execute("SELECT pg_sleep(20)")

    assert time.monotonic() - began < 10
    assert patient.closed


def test_an_error_with_an_answer_does_not(patient: Impatient):
    with pytest.raises(psycopg.errors.DivisionByZero):
        patient.cursor().execute("SELECT 1 / 0")

    assert patient.cursor().execute("SELECT 1").fetchone() == (1,)


def test_a_frozen_server_is_a_503_and_its_return_is_noticed(server: OwnPostgres):
    port = free_port()
    with web(port, DATABASE_URL=server.url) as process:
        until(lambda: "Listening" in process.output)
        assert ask(port)[0] == 200

        with frozen(server):
            answers = [timed(port) for _ in range(3)]

        until(lambda: ask(port)[0] == 200)

    assert [status for status, _ in answers] == [503] * 3
    assert max(seconds for _, seconds in answers) < 15


def timed(port: int) -> tuple[int, float]:
    began = time.monotonic()
    status, said = ask(port)
    assert said == {"error": "The database does not answer"}
    return status, time.monotonic() - began
