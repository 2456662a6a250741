"""What is watched while nobody looks: clocks, gaps, passes that never ended, two beats."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from cadences.advance import Done
from cadences.journal import MOST_RESULTS, close_log, line, open_log
from cadences.mend import mend
from cadences.models import Run, RunnerLog
from cadences.runner import run_here
from cadences.standing import standing
from cadences.states import Result, Trigger
from queues.invariants import violations
from tests.cadences.people import cadence, company, enrolled, execution, fresh, many

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("minutes", [-10, 10])
def test_e10_the_clock_of_a_worker_decides_nothing(minutes, phones, monkeypatch):
    company(calendar=None)
    soon, now = enrolled(cadence(), 2)
    due = timezone.now() + timedelta(minutes=5)
    Run.objects.filter(pk=soon.pk).update(next_run_at=due, planned_run_at=due)
    wrong, real = timedelta(minutes=minutes), timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + wrong)
    monkeypatch.setattr(
        "time.time", lambda ask=time.time: ask() + wrong.total_seconds()
    )

    run_here(Trigger.MANUAL)

    assert (fresh(soon).last_step, fresh(now).last_step) == (0, 1)
    assert abs(execution(now).sent_at - real()) < timedelta(minutes=2)
    assert 0 <= RunnerLog.objects.get().duration_ms < 120_000


def test_e11_after_a_gap_each_run_comes_once_and_spaces_from_what_was_sent(
    clock, phones
):
    runs = enrolled(cadence({}, {"delay": 2, "unit": "hours"}), 3)
    clock.pass_(hours=3)
    assert standing().oldest == 3 * 3600
    assert standing().due == 3

    run_here(Trigger.CRON)
    run_here(Trigger.CRON)

    assert len(phones.ledger) == 3
    assert {fresh(each).next_run_at for each in runs} == {clock() + timedelta(hours=2)}
    assert standing().due == 0


def test_f10_a_log_is_bounded_however_much_a_pass_did(clock):
    (one,) = enrolled(cadence())
    done = Done(one.pk, one.lead_id, 1, "hello", Result.SENT, "ATIVA")
    log = open_log(Trigger.CRON)

    told = close_log(log, [line(done)] * (MOST_RESULTS + 1))

    log.refresh_from_db()
    assert told["total"] == log.steps_executed == MOST_RESULTS + 1
    assert len(log.details["results"]) == MOST_RESULTS
    assert log.details["truncated"] is True


@pytest.mark.raw_rows
def test_h7_two_schedules_of_the_runner_are_told_and_send_once(clock, phones):
    many(cadence(), 5)
    every = IntervalSchedule.objects.create(every=60, period="seconds")
    for name in ("one", "two"):
        PeriodicTask.objects.create(name=name, task="cadence-runner", interval=every)

    run_here(Trigger.CRON)
    run_here(Trigger.CRON)

    assert len(phones.ledger) == 5
    assert any("schedule" in name for name in dict(violations()))


def test_h8_a_pass_that_never_ended_is_told_as_abandoned(clock):
    log = open_log(Trigger.CRON)
    clock.pass_(minutes=10)
    mend(limit=10)
    log.refresh_from_db()
    assert log.status == "running"

    clock.pass_(minutes=11)
    mend(limit=10)

    log.refresh_from_db()
    assert (log.status, log.finished_at) == ("abandoned", clock())
