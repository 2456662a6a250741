"""What is watched while nobody looks: clocks, gaps, passes that never ended, two beats."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from cadences.advance import Done
from cadences.hands import deliver_all
from cadences.journal import MOST_RESULTS, close_log, line, open_log
from cadences.mend import mend
from cadences.models import Run, RunnerLog
from cadences.runner import RUNNER, hand_out, run_here
from cadences.standing import standing
from cadences.states import Result, Trigger
from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.ask import database_now
from queues.fire import fire
from queues.invariants import violations
from queues.models import AlertMessage, AlertState
from queues.schedule import schedule
from queues.testing import inline
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


def test_e11_two_ticks_that_did_not_come_raise_the_alarm_and_a_pass_ends_it(
    clock, phones
):
    enrolled(cadence(), 2)
    install_rules()
    ours = AlertState.objects.filter(rule__code="cadence-overdue")
    clock.pass_(minutes=5)
    watch()
    assert not ours.exists()

    clock.pass_(minutes=5, seconds=1)
    watch()
    state = ours.get()
    assert (state.is_firing, state.value) == (True, 601)
    told = AlertMessage.objects.filter(title__endswith="cadence-overdue")
    assert told.get().kind == "fired"

    run_here(Trigger.CRON)
    watch()
    assert not ours.get().is_firing
    assert len(phones.ledger) == 2


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
@pytest.mark.django_db(transaction=True)
def test_h7_two_schedules_of_the_runner_are_told_and_send_once(phones):
    company(calendar=None)
    many(cadence(), 60)
    for name in ("one", "two"):
        schedule(name, cron="* * * * *", type=RUNNER)
    fire()
    later = database_now() + timedelta(minutes=1)

    with inline():
        fire(now=later)

    passes = RunnerLog.objects.filter(trigger_source="CRON")
    assert passes.filter(status="ok").count() == 2
    assert set(phones.counts().values()) == {1}
    assert len(phones.ledger) == 60
    assert list(dict(violations())) == ["cadence-i20-one-schedule"]


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


def test_h8_an_abandoned_pass_says_what_it_had_touched(clock, phones, monkeypatch):
    many(cadence(), 120)
    pages = []

    def dies_at_the_third(pairs, *, until):
        pages.append(pairs)
        if len(pages) == 3:
            raise KeyboardInterrupt
        return deliver_all(pairs, until=until)

    monkeypatch.setattr("cadences.runner.deliver_all", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_here(Trigger.CRON)
    clock.pass_(minutes=21)
    mend(limit=10)

    log = RunnerLog.objects.get()
    assert (log.status, log.steps_executed, log.runs_touched) == ("abandoned", 100, 120)


def test_h8_what_a_pass_handed_out_is_touched_before_its_jobs_have_ended(clock):
    many(cadence(), 60)
    log = open_log(Trigger.CRON)

    hand_out(log)
    clock.pass_(minutes=21)
    mend(limit=10)

    log.refresh_from_db()
    assert (log.status, log.runs_touched) == ("abandoned", 60)
