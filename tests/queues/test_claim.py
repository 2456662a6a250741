"""The next due jobs, one winner a row, most urgent first."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from queues.batch import Pace
from queues.claim import LimitsWait, claim
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, Job
from queues.states import State
from queues.turns import Turns

pytestmark = pytest.mark.django_db


def test_the_most_urgent_goes_first_then_the_longest_due(me):
    late = enqueue("noop", priority=5)
    older = enqueue("noop", priority=5, run_at=timezone.now() - timedelta(minutes=2))
    urgent = enqueue("noop", priority=1)
    lazy = enqueue("noop", priority=9)

    taken = claim(["default"], worker=me, limit=10)

    assert [each.job_id for each in taken] == [urgent.id, older.id, late.id, lazy.id]


def test_a_claim_is_an_open_attempt_and_a_processing_job(me):
    job = enqueue("noop", {"n": 1})

    (taken,) = claim(["default"], worker=me, limit=1)

    attempt = Attempt.objects.get()
    assert (attempt.pk, attempt.job_id, attempt.worker_id) == (
        taken.attempt_id, job.id, me,
    )  # fmt: skip
    assert (taken.payload, taken.number, taken.started) == ({"n": 1}, 1, True)
    assert attempt.finished_at is None
    assert Job.objects.get().status == State.PROCESSING


def test_a_batch_has_not_started_yet(me):
    enqueue_many("noop", [{}, {}])

    taken = claim(["default"], worker=me, limit=5)

    assert [each.started for each in taken] == [False, False]
    assert not Attempt.objects.exclude(started_at=None).exists()


def test_future_other_and_taken_jobs_are_left_alone(me):
    enqueue("noop", run_at=timezone.now() + timedelta(minutes=1), priority=1)
    enqueue("reports-queue")
    enqueue("noop")

    assert len(claim(["default"], worker=me, limit=10)) == 1
    assert claim(["default"], worker=me, limit=10) == []


def test_several_queues_share_one_order(me):
    slow = enqueue("noop", priority=5)
    report = enqueue("reports-queue", priority=2)

    taken = claim(["default", "reports"], worker=me, limit=10)

    assert [each.job_id for each in taken] == [report.id, slow.id]


def test_the_database_allows_one_open_attempt_a_job(me):
    enqueue("noop")
    (taken,) = claim(["default"], worker=me, limit=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(job_id=taken.job_id, number=2, worker_id=me)


def test_future_rows_in_front_are_never_walked(me, sql, touched):
    claim(["default"], worker=me, limit=10)  # its plan is of an empty table
    enqueue_many(
        "noop", [{}] * 5000, priority=1, run_at=timezone.now() + timedelta(days=1)
    )
    enqueue("noop", priority=5)
    sql("ANALYZE jobs")  # other tests leave statistics of other rows
    scans, rows = touched()

    assert len(claim(["default"], worker=me, limit=10)) == 1

    after = touched()
    assert after[0] == scans
    assert after[1] - rows <= 10


def test_who_heeds_limits_claims_nothing_while_a_limited_job_waits(me):
    enqueue("noop")
    assert len(claim(["default"], worker=me, limit=1, heed_limits=True)) == 1
    enqueue("noop")
    enqueue("seat", {"seat": 1})

    with pytest.raises(LimitsWait):
        claim(["default"], worker=me, limit=1, heed_limits=True)

    assert Attempt.objects.count() == 1
    assert len(claim(["default"], worker=me, limit=1)) == 1


def test_an_idle_process_pays_one_statement_for_its_claim(
    me, django_assert_num_queries
):
    enqueue("noop")
    turns = Turns(["default"], worker=me, pace=Pace(), limited=Pace())

    with django_assert_num_queries(1):
        assert len(turns.take()) == 1
