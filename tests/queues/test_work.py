"""The loop: claim, run, settle, until nothing is due."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from queues import work as loop
from queues.batch import LARGEST, Batch, Pace
from queues.claims import mark_started
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, DeadLetter, Job
from queues.outcomes import Succeed
from queues.rescue import rescue
from queues.settle import settle
from queues.states import State
from queues.work import run_due, work

pytestmark = pytest.mark.django_db(transaction=True)


def statuses() -> dict[str, int]:
    counts: dict[str, int] = {}
    for status in Job.objects.values_list("status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return counts


def test_everything_due_is_run_and_nothing_else():
    enqueue_many("noop", [{}] * 700)
    enqueue("noop", run_at=timezone.now() + timedelta(hours=1))

    assert work("default") == 700

    assert statuses() == {"completed": 700, "pending": 1}
    assert Attempt.objects.filter(outcome="completed").count() == 700


def test_who_leaves_ends_behind_the_batch_that_runs_and_rings_for_others(waiting_bells):
    enqueue_many("noop", [{}] * 700)

    assert 0 < work("default", is_over=lambda: True) < 700

    assert waiting_bells() >= 1


def test_a_failing_job_is_tried_three_times_then_dead():
    job = enqueue("fail")

    while work("default"):
        pass

    assert Job.objects.get(pk=job.id).failures == 3
    assert [each.number for each in Attempt.objects.order_by("id")] == [1, 2, 3]
    assert DeadLetter.objects.get().reason == "RuntimeError: as asked"


def test_the_slice_ends_and_rings_for_the_rest(waiting_bells):
    enqueue_many("ledger", [{"seconds": 0.05}] * 10)

    assert 0 < work("default", slice_seconds=0.1) < 10

    assert waiting_bells() >= 1


def test_a_full_batch_rings_for_one_more_process(waiting_bells):
    enqueue("noop", run_at=timezone.now() - timedelta(seconds=1))

    work("default")

    assert waiting_bells() >= 1


def test_the_batch_doubles_while_quick_and_halves_when_slow():
    pace = Pace()
    for _ in range(12):
        pace.learn(0.001, taken=pace.size)
    assert pace.size == LARGEST

    pace.learn(0.2, taken=LARGEST)
    assert pace.size == LARGEST // 2
    pace.learn(0.001, taken=3)
    assert pace.size == LARGEST // 2
    for _ in range(12):
        pace.learn(0.2, taken=1)
    assert pace.size == 1


def test_a_slow_job_holds_no_quick_one_hostage():
    loop._paces["default"].size = 8
    enqueue_many("noop", [{}] * 3)
    slow = enqueue("ledger", {"seconds": 1.5})
    enqueue_many("noop", [{}] * 3)
    seen: list[dict[str, int]] = []

    def look() -> None:
        time.sleep(1)
        seen.append(statuses())
        connection.close()

    watcher = threading.Thread(target=look)
    watcher.start()
    work("default", slice_seconds=0.1)
    watcher.join()

    # Half-way: what was done is written, what was not begun is back in the line.
    assert seen == [{"completed": 3, "processing": 1, "pending": 3}]
    assert Job.objects.get(pk=slow.id).status == State.COMPLETED
    assert not Job.objects.exclude(failures=0).exists()
    assert work("default") == 3


def test_a_verdict_waits_out_an_outage(claimed, monkeypatch):
    taken, calls = claimed(), []

    def flaky(verdicts):
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("the server is going away")
        return settle(verdicts)

    monkeypatch.setattr(loop, "settle", flaky)

    assert loop._settle([(taken, Succeed())]) == {taken.job_id: "completed"}
    assert len(calls) == 3


def test_a_claim_whose_answer_was_lost_is_released_before_the_next(monkeypatch):
    job, cuts = enqueue("noop"), [1]

    def cut(execute, statement, *rest):
        answer = execute(statement, *rest)
        if "ritmo_claim" in statement and cuts:
            cuts.clear()
            raise OperationalError("server closed the connection unexpectedly")
        return answer

    with connection.execute_wrapper(cut), pytest.raises(OperationalError):
        work("default")
    job.refresh_from_db()
    assert job.status == State.PROCESSING

    work("default")
    work("default")

    job.refresh_from_db()
    assert (job.status, job.failures, job.losses) == (State.COMPLETED, 0, 0)


@pytest.mark.parametrize("error", [OperationalError, RuntimeError])
def test_claims_that_cannot_be_ended_are_given_up_for_others(monkeypatch, error):
    """An outage without end, or a fault of our own: nothing stays with the living."""
    job = enqueue("noop")
    with monkeypatch.context() as broken:
        broken.setattr(loop, "SETTLE_FOR", 0.0)
        broken.setattr(loop, "settle", _raising(error("gone")))
        with pytest.raises(error):
            work("default")

    assert work("default") == 0
    assert rescue() == 1

    job.refresh_from_db()
    assert (job.status, job.losses) == (State.PENDING, 1)


@pytest.mark.raw_rows
def test_an_outage_before_a_suspect_starts_is_waited_out(monkeypatch):
    """It lost a process once, so its start is written down, however long that takes."""
    loop._paces["default"].size = 4
    jobs = enqueue_many("noop", [{}] * 3)
    Job.objects.filter(pk=jobs[1].id).update(losses=1, failures=1)
    calls = []

    def flaky(claim):
        calls.append(claim.job_id)
        if len(calls) == 1:
            raise OperationalError("the server is going away")
        mark_started(claim)

    monkeypatch.setattr(loop, "mark_started", flaky)

    assert work("default") == 3

    assert (set(calls), len(calls) > 1) == ({jobs[1].id}, True)
    assert Job.objects.get(pk=jobs[1].id).status == State.COMPLETED
    assert State.PROCESSING not in statuses()


def test_what_a_watcher_could_not_write_is_written_by_the_loop(monkeypatch):
    loop._paces["default"].size = 8
    enqueue_many("noop", [{}] * 2)
    enqueue("ledger", {"seconds": 0.8})
    enqueue_many("noop", [{}] * 2)
    main = threading.current_thread()

    def flaky(verdicts):
        if threading.current_thread() is not main:
            raise OperationalError("the server is going away")
        return settle(verdicts)

    monkeypatch.setattr(loop, "SETTLE_FOR", 0.0)
    monkeypatch.setattr(loop, "settle", flaky)

    assert work("default", slice_seconds=0.1) == 5

    assert statuses() == {"completed": 3, "pending": 2}


def _raising(error: Exception) -> Callable[[object], None]:
    def act(_: object) -> None:
        raise error

    return act


def test_one_verdict_that_cannot_be_stored_does_not_spoil_the_rest(
    claimed, monkeypatch
):
    bad, good = claimed(), claimed()

    def picky(verdicts):
        if any(end == Succeed("bad") for _, end in verdicts):
            raise DataError("unsupported")
        return settle(verdicts)

    monkeypatch.setattr(loop, "settle", picky)

    loop._settle([(bad, Succeed("bad")), (good, Succeed("good"))])

    assert Job.objects.get(pk=good.job_id).status == State.COMPLETED
    assert Job.objects.get(pk=bad.job_id).status == State.FAILED
    assert "cannot be stored" in DeadLetter.objects.get().reason


@pytest.mark.raw_rows
def test_a_job_that_lost_a_process_is_marked_before_it_starts():
    loop._paces["default"].size = 4
    jobs = enqueue_many("noop", [{}] * 3)
    Job.objects.filter(pk=jobs[1].id).update(losses=1)

    work("default")

    assert statuses() == {"completed": 3}


@pytest.mark.raw_rows
def test_a_lost_suspect_is_skipped(monkeypatch):
    from queues.errors import ClaimLost

    loop._paces["default"].size = 4
    jobs = enqueue_many("noop", [{}] * 3)
    Job.objects.filter(pk=jobs[1].id).update(losses=1)

    def lost(claim):
        raise ClaimLost("taken")

    monkeypatch.setattr(loop, "mark_started", lost)
    work("default", slice_seconds=0)

    assert statuses() == {"completed": 2, "processing": 1}


def test_an_empty_batch_has_no_next():
    batch = Batch([])

    assert batch.next() is None
    assert batch.rest() == []


class TestPass:
    """One pass in this process, as the HTTP doors and commands run it."""

    def test_it_stops_at_its_limit_and_keeps_the_order(self):
        jobs = [enqueue("noop", priority=priority) for priority in (9, 1, 5)]

        done = run_due(limit=2, seconds=10)

        assert [claim.job_id for claim, _ in done.ran] == [jobs[1].id, jobs[2].id]
        assert (done.processed, done.failed, done.errors) == (2, 0, [])

    def test_errors_lists_every_failed_try_and_failed_only_the_dead(self):
        job = enqueue("fail", max_attempts=2)

        done = run_due(limit=10, seconds=10)

        assert (done.processed, done.failed) == (0, 1)
        assert (
            done.errors
            == [
                {
                    "jobId": str(job.id),
                    "type": "fail",
                    "error": "RuntimeError: as asked",
                }
            ]
            * 2
        )

    def test_its_time_ends_and_the_job_goes_back_uncounted(self):
        enqueue("ledger", {"seconds": 5})

        began = time.monotonic()
        done = run_due(limit=10, seconds=0.3)

        assert time.monotonic() - began < 3
        assert (done.processed, done.failed, done.errors) == (0, 0, [])
        job = Job.objects.get()
        assert (job.status, job.failures) == (State.PENDING, 0)

    def test_a_buried_job_is_an_error_too(self):
        enqueue("choose", {"end": "bury"})

        done = run_due(limit=1, seconds=5, queues=["default"])

        assert done.failed == 1
        assert done.errors[0]["error"] == "no use"
