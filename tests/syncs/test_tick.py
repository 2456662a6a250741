"""The tick: what is stuck is freed before anything is counted."""

from datetime import timedelta

import pytest
from django.db.models import F

from queues.cancel import cancel as cancel_job
from queues.models import Job
from queues.outcomes import Bury
from queues.settle import settle
from queues.testing import _open
from syncs.models import Event, Run
from syncs.states import Outcome, Waiting
from syncs.tick import tick
from tests.syncs.stores import ask, make_store, rerun

pytestmark = pytest.mark.django_db


def stuck(store, **by):
    """Return a run that stands as processing since then, without a page."""
    run = ask(store).run
    Run.objects.filter(pk=run.pk).update(status="processing", starts=1)
    Run.objects.filter(pk=run.pk).update(progress_at=F("started_at") - timedelta(**by))
    return run


def test_S10_three_stuck_runs_are_freed_before_anything_is_counted(stand, shop):
    runs = [stuck(shop(f"Loja {n}"), minutes=11) for n in range(3)]
    fourth = ask(shop("Loja 4")).run

    done = tick()

    assert done.reset == 3
    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.waiting_for) == ("queued", Waiting.STALLED)
        assert run.retry_count == 1
    for run in [*runs, fourth]:
        rerun(run)
        run.refresh_from_db()
        assert run.outcome == Outcome.SUCCEEDED


def test_a_run_that_gets_on_is_left_alone(shop):
    run = stuck(shop(), minutes=9)

    assert tick().reset == 0
    run.refresh_from_db()
    assert run.status == "processing"


def test_a_run_that_stalls_again_and_again_fails(shop):
    run = stuck(shop(), minutes=11)
    Run.objects.filter(pk=run.pk).update(no_progress=2, retry_count=2)

    tick()

    run.refresh_from_db()
    assert (run.outcome, run.error_code) == (Outcome.FAILED, "stalled")


def test_the_run_of_a_job_that_died_is_ended(shop):
    run = stuck(shop(), minutes=1)
    settle([(_open(Job.objects.get()), Bury("3 processes died"))])

    tick()

    run.refresh_from_db()
    assert (run.outcome, run.error_code) == (Outcome.FAILED, "job_died")
    assert "3 processes died" in run.error_message


def test_the_run_of_a_cancelled_job_is_cancelled(shop):
    run = ask(shop()).run
    cancel_job(Job.objects.get().pk)

    assert tick().reset == 1

    run.refresh_from_db()
    assert run.outcome == Outcome.CANCELLED


def test_a_run_whose_job_is_gone_gets_another(shop):
    run = ask(shop()).run
    begun = stuck(shop("Outra"), minutes=1)
    Job.objects.all().delete()

    assert tick().reset == 2

    keys = set(Job.objects.values_list("unique_key", flat=True))
    begun.refresh_from_db()
    assert keys == {run.dedupe_key, begun.dedupe_key}
    assert Event.objects.filter(code="requeued").count() == 2


def test_what_waits_for_more_than_a_day_is_given_up(shop):
    run = ask(shop()).run
    Run.objects.filter(pk=run.pk).update(deadline_at=run.queued_at - timedelta(hours=1))

    tick()

    run.refresh_from_db()
    assert (run.outcome, run.error_code) == (Outcome.FAILED, "deadline")


def test_S36_who_waits_becomes_more_urgent(shop):
    run = ask(shop(), priority=9).run
    Run.objects.filter(pk=run.pk).update(
        queued_at=F("queued_at") - timedelta(minutes=21)
    )

    tick()

    assert Job.objects.get().priority == 5
    Run.objects.filter(pk=run.pk).update(
        queued_at=F("queued_at") - timedelta(minutes=25)
    )
    tick()
    assert Job.objects.get().priority == 1


def test_a_tick_says_how_many_may_start(shop, sql):
    from queues.allowance import declare
    from syncs.jobs import SYNC

    declare([SYNC])
    for n in range(5):
        ask(shop(f"Loja {n}"))

    done = tick()

    assert (done.claimed, done.processing, done.reset) == (3, 0, 0)


def test_the_tick_of_a_run_of_another_key_leaves_it_alone(shop, stand):
    first, second = make_store(stand, "Um"), make_store(stand, "Dois")
    ask(first)
    ask(second)

    assert tick().reset == 0
    assert Run.objects.filter(status="queued").count() == 2
