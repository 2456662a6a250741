"""The doctor says what is wrong, a line a fault, whatever is broken."""

import json
import socket
import time
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from queues import examine as examination
from queues.enqueue import enqueue
from queues.invariants import INVARIANTS, Invariant
from queues.models import Job, Worker
from queues.pause_queue import pause_queue
from queues.presence import present
from tests.processes import command

pytestmark = pytest.mark.django_db

CHECKS = [
    "settings", "broker", "database", "clock", "migrations", "beat", "schedules", "workers", "queues",
    "waiting", "audit", "invariants",
]  # fmt: skip


@pytest.fixture(autouse=True)
def guard(sql):
    """Let the audit log be guarded as it is outside of tests, which must empty it."""
    sql("ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_untruncated")


@pytest.fixture
def staff():
    """Let a beat and a worker of the default queue be there."""
    present(Worker.Kind.BEAT)
    present(Worker.Kind.NODE, queues="default,other")


def doctor(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code and what was printed."""
    out, err = StringIO(), StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@contextmanager
def silent_port():
    """Yield a port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("staff")
def test_a_healthy_installation_gets_one_ok_a_check():
    code, out, err = doctor()

    assert (code, err) == (0, "")
    assert [line.split()[1].rstrip(":") for line in out.splitlines()] == CHECKS
    assert {line.split()[0] for line in out.splitlines()} == {"ok"}


@pytest.mark.usefixtures("staff")
def test_machines_get_json():
    code, out, _ = doctor("--json")

    said = json.loads(out)
    assert (code, said["ok"]) == (0, True)
    assert [each["check"] for each in said["findings"]] == CHECKS
    assert {each["level"] for each in said["findings"]} == {"ok"}


def test_without_beat_and_workers_there_are_two_faults():
    code, _, err = doctor()

    assert code == 1
    assert err.splitlines() == [
        "fault  beat: none was seen within 15 s",
        "fault  workers: none was seen within 15 s",
    ]


@pytest.mark.usefixtures("staff")
def test_a_queue_that_nobody_hears_is_a_fault():
    enqueue("reports-queue")
    enqueue("reports-queue", run_at=timezone.now() + timedelta(days=1))

    code, _, err = doctor()

    assert code == 1
    assert err == "fault  queues: reports holds due jobs, but no worker takes them\n"


@pytest.mark.usefixtures("staff")
def test_jobs_that_wait_too_long_are_a_warning():
    job = enqueue("noop", priority=7)
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now() - timedelta(seconds=90))

    code, out, err = doctor()

    assert (code, err) == (0, "")
    assert "warning  waiting: a job of default at priority 7 is due since 9" in out


@pytest.mark.raw_rows
@pytest.mark.usefixtures("staff")
def test_a_broken_invariant_is_a_fault_that_shows_rows(sql):
    sql("INSERT INTO jobs (type) VALUES ('noop')")
    sql("UPDATE jobs SET status = 'processing'")

    code, _, err = doctor()

    (line,) = err.splitlines()
    assert code == 1
    assert line.startswith("fault  invariants: processing-is-claimed: A processing job")
    assert f'{{"job":{Job.objects.get().pk}}}' in line


@pytest.mark.raw_rows
@pytest.mark.usefixtures("staff")
def test_a_slow_invariant_is_a_warning(monkeypatch):
    monkeypatch.setattr(examination, "STATEMENT_SECONDS", 0.05)
    slow = Invariant("x", "SELECT pg_sleep(1)")
    monkeypatch.setitem(INVARIANTS, "ended-has-a-time", slow)

    code, out, _ = doctor()

    assert code == 0
    assert "warning  invariants: ended-has-a-time: canceling statement" in out


@pytest.mark.usefixtures("staff")
def test_a_clock_that_is_wrong_is_a_fault(monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 30)

    code, _, err = doctor()

    assert code == 1
    assert err.startswith(
        "fault  clock: 30.0 s away from the database's, more than 2 s"
    )


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ((14, "UTF8", False), "PostgreSQL 14 is too old, 15 is needed"),
        ((17, "LATIN1", False), "the encoding is LATIN1, UTF8 is needed"),
        ((17, "UTF8", True), "PostgreSQL 17 is a standby that takes no writes"),
    ],
)
def test_a_database_of_the_wrong_kind_is_a_fault(monkeypatch, facts, line):
    version, encoding, is_standby = facts
    statement = f"SELECT {version}, '{encoding}', {is_standby}"
    monkeypatch.setattr(examination, "FACTS", statement)

    code, out, err = doctor()

    assert code == 1
    assert err == f"fault  database: {line}\n"
    assert "invariants" not in out


@pytest.mark.usefixtures("staff")
def test_migrations_that_wait_are_a_fault(sql):
    graph = MigrationLoader(connection).graph
    (last,) = (name for app, name in graph.leaf_nodes("queues"))
    sql("DELETE FROM django_migrations WHERE app = 'queues' AND name = %s", last)

    code, _, err = doctor()

    assert code == 1
    assert err == f"fault  migrations: 1 are not applied, from queues.{last} on\n"


@pytest.mark.usefixtures("staff")
def test_a_broker_that_hangs_or_refuses_is_a_fault(settings):
    with silent_port() as port:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"
        began = time.monotonic()
        code, _, err = doctor()

    assert (code, err) == (1, "fault  broker: does not answer\n")
    assert time.monotonic() - began < 5


def test_a_database_that_is_down_is_one_line():
    ended = command("doctor", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("fault  database: connection")
    assert "ok  broker: answers" in ended.stdout


def test_a_database_that_hangs_is_one_line_soon(monkeypatch):
    there = connection.get_connection_params()
    with silent_port() as port:
        away = {**there, "host": "127.0.0.1", "port": port}
        monkeypatch.setattr(connection, "get_connection_params", lambda: away)
        began = time.monotonic()
        code, out, err = doctor()

    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("fault  database: connection")
    assert "ok  broker: answers" in out
    assert time.monotonic() - began < examination.CONNECT_SECONDS + 3


def test_misuse_is_one_line():
    ended = command("doctor", "--loud")

    assert ended.returncode == 2
    assert ended.stderr == "unrecognized arguments: --loud\n"


@pytest.mark.usefixtures("staff")
def test_an_audit_log_that_can_be_changed_is_a_fault(sql):
    sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_unchanged")

    code, _, err = doctor()

    assert code == 1
    assert err == (
        "fault  audit: the audit log can be changed: audit_log_unchanged is off\n"
    )


@pytest.mark.usefixtures("staff")
def test_a_paused_queue_is_a_warning_and_explains_what_waits(sql):
    job = enqueue("reports-queue")
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now() - timedelta(seconds=90))
    pause_queue("reports", "the bank is down")

    code, out, err = doctor()

    assert (code, err) == (0, "")
    assert "warning  queues: reports is paused by command: the bank is down\n" in out
    assert "ok  waiting" in out
