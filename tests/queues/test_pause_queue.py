"""A paused queue keeps its jobs: nobody claims them until it is resumed."""

import threading
import time
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from queues.audit import Door, acting
from queues.enqueue import enqueue
from queues.errors import UnknownQueue
from queues.keep import tick
from queues.models import Attempt, AuditEntry, Job, Queue
from queues.pause_queue import pause_queue, resume_queue
from queues.work import run_due, work

pytestmark = pytest.mark.django_db

LATEST = 1.2
"""Seconds until a pause must be felt, on a busy machine."""


def statuses() -> list[str]:
    return list(Job.objects.order_by("id").values_list("status", flat=True))


def test_jobs_of_a_paused_queue_wait():
    enqueue("noop")
    enqueue("reports-queue")
    pause_queue("default")

    assert work("default") == 0
    assert run_due(limit=5, seconds=5).processed == 1

    assert statuses() == ["pending", "completed"]


def test_a_resumed_queue_goes_on_at_once_and_is_rung(
    waiting_bells, django_capture_on_commit_callbacks
):
    pause_queue("default")
    assert work("default") == 0
    enqueue("noop")

    with django_capture_on_commit_callbacks(execute=True):
        assert resume_queue("default")

    assert waiting_bells() == 1
    assert work("default") == 1


def test_a_pause_acts_on_the_very_next_claim():
    enqueue("noop")
    assert work("default") == 1
    enqueue("noop")
    pause_queue("default")

    assert work("default") == 0


def test_jobs_under_a_limit_wait_as_well():
    enqueue("turnstile", {"tenant": "a"})
    pause_queue("default")

    assert work("default") == 0
    assert statuses() == ["pending"]


def test_the_pacemaker_does_not_ring_for_a_paused_queue(waiting_bells):
    enqueue("noop")
    pause_queue("default")

    assert tick()

    assert waiting_bells() == 0


def test_a_pause_tells_who_and_why():
    with acting("maria", door=Door.ADMIN, user_id=7):
        assert pause_queue("default", " the bank is down ")
        assert not pause_queue("default", "the bank is down")
        assert not pause_queue("default", "until noon")
        assert resume_queue("default")
        assert not resume_queue("default")

    queue = Queue.objects.get()
    assert (queue.paused_at, queue.paused_by, queue.pause_note) == (None, "", "")
    rows = AuditEntry.objects.order_by("id")
    assert [each.action for each in rows] == [
        "queue.pause", "queue.pause", "queue.resume",
    ]  # fmt: skip
    assert {each.actor for each in rows} == {"maria"}
    assert [each.reason for each in rows] == ["the bank is down", "until noon", ""]
    assert rows[0].before == {"paused": False, "note": ""}
    assert rows[1].after == {"paused": True, "note": "until noon"}
    assert rows[2].before["by"] == "maria"


def test_only_a_queue_that_is_known_or_holds_jobs_can_be_paused(sql):
    sql("INSERT INTO jobs (type, queue) VALUES ('noop', 'elsewhere')")

    assert pause_queue("elsewhere")
    with pytest.raises(UnknownQueue):
        pause_queue("nowhere")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_during_a_pause_and_nothing_is_lost_after_it():
    """Four claimers race with pauses: what is claimed was claimed while it was open."""
    with _claimers(4):
        closed = [_pause_for_a_while() for _ in range(3)]

    claims = Attempt.objects.values_list("claimed_at", flat=True)
    late = [
        at
        for at in claims
        for began, ended in closed
        if began + LATEST < at.timestamp() < ended
    ]
    assert late == []
    assert statuses() == ["completed"] * 60
    assert Attempt.objects.count() == 60


@contextmanager
def _claimers(count: int):
    over = threading.Event()

    def claim_away() -> None:
        try:
            while not over.is_set():
                work("default", slice_seconds=0.1)
                time.sleep(0.01)
        finally:
            connection.close()

    crew = [threading.Thread(target=claim_away) for _ in range(count)]
    for each in crew:
        each.start()
    yield
    over.set()
    for each in crew:
        each.join()


def _pause_for_a_while() -> tuple[float, float]:
    """Return when a pause began and ended; jobs are written all the while."""
    pause_queue("default")
    began = _clock()
    for _ in range(20):
        enqueue("noop")
        time.sleep(0.1)
    closed = began, _clock()
    resume_queue("default")
    _wait_until_done()
    return closed


def _clock() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])


def _wait_until_done() -> None:
    until = time.monotonic() + 20
    while Job.objects.exclude(status="completed").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_commands_pause_and_resume_and_say_so(capsys):
    for _ in range(2):
        call_command("pause_queue", "default", "--note", "deploy")
    for _ in range(2):
        call_command("resume_queue", "default")

    assert capsys.readouterr().out.splitlines() == [
        "default is paused",
        "default was paused",
        "default goes on",
        "default was not paused",
    ]
    entry = AuditEntry.objects.get(action="queue.pause")
    assert (entry.reason, entry.door) == ("deploy", Door.CLI)


def test_a_queue_that_nobody_knows_is_refused_as_misuse():
    with pytest.raises(CommandError) as refused:
        call_command("pause_queue", "nowhere")

    assert refused.value.returncode == 2
