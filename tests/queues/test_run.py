"""Call the handler, name what happened, write nothing."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from queues.claims import Claim
from queues.errors import ClaimLost, InvalidJobData
from queues.models import Attempt, Job
from queues.outcomes import Bury, Cancel, Release, Retry, Snooze, Succeed
from queues.run import run
from queues.running import RunningJob
from queues.settle import settle
from tests.shop import jobs as shop

pytestmark = pytest.mark.django_db


def test_a_json_value_is_success(claimed):
    assert run(claimed("send-receipt", {"order_id": 7})) == Succeed(
        {"order_id": 7, "copies": 1, "attempt": 1}
    )


def test_outcomes_are_passed_on(claimed):
    assert run(claimed("choose", {"end": "snooze"})) == Snooze(timedelta(seconds=60))
    assert run(claimed("choose", {"end": "retry"})) == Retry(after=60)
    assert run(claimed("choose", {"end": "bury"})) == Bury("no use")
    assert run(claimed("choose", {"end": None})) == Succeed(None)


@pytest.mark.parametrize("end", ["object", "nul", "huge"])
def test_a_result_that_cannot_be_stored_is_buried(claimed, end):
    outcome = run(claimed("choose", {"end": end}))

    assert isinstance(outcome, Bury)
    assert "result cannot be stored" in outcome.reason


def test_an_exception_is_a_failure_with_its_traceback(claimed):
    outcome = run(claimed("fail", {"message": "out of paper"}))

    assert isinstance(outcome, Retry)
    assert outcome.error == "RuntimeError: out of paper"
    assert "in fail" in outcome.traceback


def test_an_unprintable_error_can_still_be_written(claimed):
    taken = claimed("choose", {"end": "dirty"})

    settle([(taken, run(taken))])

    assert "a\ufffdb" in str(Job.objects.get().error)


def test_an_unknown_type_is_buried_and_says_so(claimed):
    taken = claimed()
    taken.type = "no-longer-there"

    assert run(taken) == Bury("Unknown job type: no-longer-there")


def test_stored_data_that_the_type_no_longer_accepts_is_buried(claimed):
    taken = claimed("send-receipt", {"order_id": 7})
    taken.payload = {"order_id": "seven"}

    outcome = run(taken)

    assert isinstance(outcome, Bury)
    assert "order_id" in outcome.reason


def test_the_soft_timeout_raises_inside_the_handler(claimed):
    outcome = run(claimed("overrun"))

    assert isinstance(outcome, Retry)
    assert outcome.error == "SoftTimeout: longer than 0.3 s"


def test_the_soft_timeout_works_in_a_thread_too(claimed):
    taken = claimed("overrun")
    taken.type = "spin"
    shop_spin(seconds=5)
    outcomes = []

    def target() -> None:
        outcomes.append(run(taken))
        connection.close()

    thread = threading.Thread(target=target)
    thread.start()
    thread.join(10)

    assert isinstance(outcomes[0], Retry)
    assert "SoftTimeout" in outcomes[0].error


def shop_spin(*, seconds: float) -> None:
    import time

    from queues.handlers import Handler, registry

    def spin(data: object, job: object) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.01)

    registry.discard("spin")
    registry.add(Handler("spin", spin, timeout=0.2))


def test_an_async_handler_is_awaited_and_limited(claimed):
    assert run(claimed("async-echo", {"n": 1})) == Succeed({"n": 1})
    slow = run(claimed("async-echo", {"seconds": 5}))
    assert isinstance(slow, Retry)
    assert "SoftTimeout" in slow.error
    assert run(claimed("async-echo", {"n": 2})) == Succeed({"n": 2})


def test_a_run_past_its_budget_is_handed_back(claimed):
    taken = claimed("ledger", {"seconds": 5})

    assert isinstance(run(taken, budget=0.2), Release)
    assert taken.ended - taken.began < 2


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_breaks_its_connection_harms_nobody(claimed):
    taken = claimed("choose", {"end": "broken-transaction"})

    assert run(taken) == Succeed(None)

    assert connection.get_autocommit()
    assert settle([(taken, Succeed())]) == {taken.job_id: "completed"}


@pytest.mark.django_db(transaction=True)
class TestRunningJob:
    """What a handler may know and say."""

    def test_a_checkpoint_is_durable_inside_an_open_transaction(self, claimed, sql):
        from django.db import transaction

        job = RunningJob(claimed())

        with pytest.raises(ZeroDivisionError), transaction.atomic():
            job.save_checkpoint({"page": 3})
            raise ZeroDivisionError

        assert Job.objects.get().checkpoint == {"page": 3}
        assert job.checkpoint == {"page": 3}

    def test_a_ghost_cannot_save(self, claimed):
        ghost = claimed()
        settle([(ghost, Release())])

        with pytest.raises(ClaimLost):
            RunningJob(ghost).save_checkpoint(1)
        with pytest.raises(ClaimLost):
            RunningJob(ghost).progress(1, 2)

        assert Job.objects.get().checkpoint is None

    def test_a_checkpoint_must_be_json(self, claimed):
        with pytest.raises(InvalidJobData):
            RunningJob(claimed()).save_checkpoint(object())

    def test_progress_is_throttled_but_the_last_word_is_kept(self, claimed):
        taken = claimed()
        job = RunningJob(taken)
        for done in range(1, 6):
            job.progress(done, 5, "pages")
        assert Job.objects.get().progress == {"done": 1, "total": 5, "note": "pages"}

        settle([(taken, Succeed())])

        assert Job.objects.get().progress["done"] == 5

    def test_log_lines_carry_the_job_and_stay_with_the_attempt(self, claimed, caplog):
        taken = claimed("send-receipt", {"order_id": 7})

        settle([(taken, run(taken))])

        (line,) = Attempt.objects.get().log or []
        assert (line["message"], line["order_id"]) == ("sent", "7")

    def test_a_secret_is_never_logged(self, claimed):
        taken = claimed()
        RunningJob(taken).log("called", api_token="hush", name="ok")

        (line,) = taken.log
        assert (line["api_token"], line["name"]) == ("•••", "ok")

    def test_cancelled_is_noticed_within_a_second(self, claimed):
        taken = claimed()
        job = RunningJob(taken)
        assert not job.cancelled()
        Job.objects.update(cancel_requested_at=timezone.now())
        job._looked_at -= 1

        assert job.cancelled()
        assert job.was_told

    def test_a_lost_claim_looks_like_a_cancel(self, claimed):
        taken = claimed()
        job = RunningJob(taken)
        settle([(taken, Release())])
        job._looked_at -= 1

        assert job.cancelled()

    def test_a_handler_that_came_back_when_told_is_cancelled(
        self, claimed, monkeypatch
    ):
        taken: Claim = claimed("patient")
        Job.objects.update(cancel_requested_at=timezone.now())
        monkeypatch.setattr("queues.running.GLANCE", 0.0)

        assert run(taken) == Cancel()


def test_the_shop_is_plugged_in():
    assert shop.Receipt(order_id=1).copies == 1
