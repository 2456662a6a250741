"""Ends become states behind one gate: the open attempt."""

from datetime import timedelta

import pytest
from django.utils import timezone

from queues.claim import claim
from queues.enqueue import enqueue_many
from queues.errors import ClaimLost
from queues.models import Attempt, CronLog, DeadLetter, Job
from queues.outcomes import Bury, Cancel, Lose, Release, Retry, Snooze, Succeed
from queues.settle import settle
from queues.states import State

pytestmark = pytest.mark.django_db

FETCHED = """
SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'job_attempts'
"""


def test_success_completes_the_job_with_its_result(claimed):
    taken = claimed()

    assert settle([(taken, Succeed({"a": 1}))]) == {taken.job_id: "completed"}

    job, attempt = Job.objects.get(), Attempt.objects.get()
    assert (job.status, job.result, job.failures) == (State.COMPLETED, {"a": 1}, 0)
    assert job.completed_at is not None
    assert (attempt.outcome, attempt.number) == ("completed", 1)
    assert attempt.finished_at >= attempt.started_at


def test_a_snooze_counts_nothing_and_waits(claimed):
    taken, at = claimed(), timezone.now() + timedelta(hours=2)

    settle([(taken, Snooze(at))])

    job = Job.objects.get()
    assert (job.status, job.failures, job.priority) == (State.PENDING, 0, 5)
    assert job.run_at == at


def test_a_failure_is_retried_later_and_less_urgently(claimed):
    taken = claimed(priority=4)

    settle([(taken, Retry(error="Boom", traceback="line 1"))])

    job, attempt = Job.objects.get(), Attempt.objects.get()
    assert (job.status, job.failures, job.priority) == (State.PENDING, 1, 6)
    assert job.error == "Boom"
    assert timedelta(seconds=1) < job.run_at - timezone.now() < timedelta(seconds=3)
    assert (attempt.outcome, attempt.traceback) == ("failed", "line 1")
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(("before", "after"), [(1, 3), (7, 9), (8, 9), (9, 9)])
def test_priority_is_eased_by_two_never_past_nine(claimed, before, after):
    taken = claimed(priority=before)

    settle([(taken, Retry(error="Boom"))])

    assert Job.objects.get().priority == after


def test_a_retry_may_name_its_own_delay(claimed):
    taken = claimed()

    settle([(taken, Retry(after=600))])

    assert Job.objects.get().run_at > timezone.now() + timedelta(minutes=9)


def test_the_last_failure_leaves_a_dead_letter(claimed):
    taken = claimed(max_attempts=1)

    assert settle([(taken, Retry(error="Boom", traceback="tb"))]) == {
        taken.job_id: "failed"
    }

    letter = DeadLetter.objects.get()
    assert (letter.job_id, letter.reason, letter.traceback) == (
        taken.job_id, "Boom", "tb",
    )  # fmt: skip
    assert Job.objects.get().failures == 1


def test_a_burial_does_not_wait_for_the_last_try(claimed):
    taken = claimed(max_attempts=5)

    settle([(taken, Bury("no use"))])

    assert Job.objects.get().status == State.FAILED
    assert DeadLetter.objects.get().reason == "no use"


def test_a_lost_run_counts_only_if_the_handler_had_started(claimed):
    begun, untouched = claimed(), claimed()
    untouched.started = False

    settle([(begun, Lose("gone")), (untouched, Lose("gone"))])

    counted = {job.pk: (job.failures, job.losses) for job in Job.objects.all()}
    assert counted == {begun.job_id: (1, 1), untouched.job_id: (0, 1)}


def test_a_released_job_is_as_if_never_claimed(claimed):
    taken = claimed()
    due = taken.run_at

    settle([(taken, Release())])

    job = Job.objects.get()
    assert (job.status, job.failures, job.losses, job.run_at) == (
        State.PENDING, 0, 0, due,
    )  # fmt: skip


def test_a_cancel_asked_for_meanwhile_wins_over_waiting(claimed):
    taken = claimed()
    Job.objects.update(cancel_requested_at=timezone.now())

    assert settle([(taken, Retry(error="Boom"))]) == {taken.job_id: "cancelled"}

    assert Job.objects.get().completed_at is not None


def test_a_cancelled_run_ends_cancelled(claimed):
    taken = claimed()

    settle([(taken, Cancel())])

    assert Job.objects.get().status == State.CANCELLED


def test_a_ghost_cannot_settle_and_changes_nothing(claimed, me):
    ghost = claimed()
    settle([(ghost, Lose("taken for dead"))])
    Job.objects.update(run_at=timezone.now() - timedelta(seconds=1))
    (heir,) = claim(["default"], worker=me, limit=1)

    with pytest.raises(ClaimLost):
        settle([(ghost, Succeed("too late"))])

    job = Job.objects.get()
    assert (job.status, job.result) == (State.PROCESSING, None)
    settle([(heir, Succeed("mine"))])
    assert Job.objects.get().result == "mine"


def test_one_ghost_in_a_batch_does_not_spoil_the_others(claimed):
    ghost, honest = claimed(), claimed()
    settle([(ghost, Release())])

    with pytest.raises(ClaimLost, match=str(ghost.job_id)):
        settle([(ghost, Succeed()), (honest, Succeed())])

    assert Job.objects.get(pk=honest.job_id).status == State.COMPLETED


def test_a_batch_is_settled_in_one_statement(claimed, django_assert_num_queries):
    pairs = [(claimed(), Succeed(n)) for n in range(20)]

    with django_assert_num_queries(1):
        settle(pairs)

    assert Job.objects.filter(status=State.COMPLETED).count() == 20


def test_the_end_of_a_job_closes_its_firing(claimed):
    good, bad = claimed(source="schedule"), claimed(source="schedule", max_attempts=1)
    for taken in (good, bad):
        CronLog.objects.create(
            job_name="nightly", job_type="noop", status="running", job_id=taken.job_id
        )

    settle([(good, Succeed({"n": 3})), (bad, Retry(error="Boom"))])

    logs = {log.job_id: log for log in CronLog.objects.all()}
    assert logs[good.job_id].status == "success"
    assert logs[good.job_id].details["result"] == {"n": 3}
    assert logs[bad.job_id].status == "error"
    assert logs[bad.job_id].details["error"] == "Boom"
    assert all(log.finished_at for log in logs.values())


def test_a_firing_stays_open_while_its_job_is_retried(claimed):
    taken = claimed(source="schedule")
    CronLog.objects.create(
        job_name="nightly", job_type="noop", status="running", job_id=taken.job_id
    )

    settle([(taken, Retry(error="Boom"))])

    assert CronLog.objects.get().status == "running"


def test_nothing_to_settle_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert settle([]) == {}


def test_a_ghost_in_the_same_statement_as_its_successor_changes_nothing(claimed, me):
    ghost = claimed()
    settle([(ghost, Release())])
    (successor,) = claim(["default"], worker=me, limit=1)

    with pytest.raises(ClaimLost):
        settle([(successor, Bury("no use")), (ghost, Succeed())])

    assert Job.objects.get().status == "failed"
    assert DeadLetter.objects.get().reason == "no use"


def test_a_settle_reads_its_own_attempts_among_all_that_are_open(me, sql):
    enqueue_many("noop", [{}] * 1000)
    past = claim(["default"], worker=me, limit=900)
    settle([(each, Succeed(None)) for each in past])
    sql("ANALYZE job_attempts")  # as it looks to the planner in production: all ended
    taken = claim(["default"], worker=me, limit=100)
    ((before,),) = sql(FETCHED)

    settle([(each, Succeed(None)) for each in taken])

    ((after,),) = sql(FETCHED)
    assert after - before <= 3 * len(taken)


FAULT = "ValueError: no order"


@pytest.mark.parametrize(
    ("before", "ends"),
    [
        (Retry(error=FAULT, after=0), ["failed", "completed"]),
        (Lose(FAULT), ["lost", "completed"]),
        (Release("its worker was stopped"), ["released", "completed"]),
    ],
)
def test_a_completed_job_has_no_error_but_its_attempts_keep_theirs(me, before, ends):
    enqueue_many("noop", [{}])
    (first,) = claim(["default"], worker=me, limit=1)
    settle([(first, before)])
    Job.objects.update(run_at=timezone.now())

    (second,) = claim(["default"], worker=me, limit=1)
    settle([(second, Succeed())])

    assert Job.objects.get().error is None
    tries = Attempt.objects.order_by("pk")
    assert [each.outcome for each in tries] == ends
    assert [bool(each.error) for each in tries] == [True, False]


@pytest.mark.parametrize("then", [Snooze(60), Release("its worker was stopped")])
def test_the_error_of_a_job_is_that_of_its_last_failure(me, then):
    enqueue_many("noop", [{}])
    (first,) = claim(["default"], worker=me, limit=1)
    settle([(first, Retry(error=FAULT, after=0))])
    Job.objects.update(run_at=timezone.now())

    (second,) = claim(["default"], worker=me, limit=1)
    settle([(second, then)])

    assert Job.objects.get().error == FAULT


def test_a_hand_back_is_no_error_of_the_job(claimed):
    settle([(claimed(), Release("its worker was stopped"))])

    assert Job.objects.get().error is None
    assert Attempt.objects.get().error == "its worker was stopped"
