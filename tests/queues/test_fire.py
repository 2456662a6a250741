"""Firings: one per due time, with its job, or with the reason why there is none."""

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django_celery_beat.models import ClockedSchedule, PeriodicTask

from queues.fire import Memory, fire
from queues.models import CronLog, Job, ScheduleState
from queues.work import run_due
from tests.queues.schedules import (
    SECOND,
    T0,
    at,
    cron,
    due_times,
    edit,
    every,
    jobs,
    make_schedule,
    tick,
)

pytestmark = pytest.mark.django_db


# ── A firing ───────────────────────────────────────────────────────────────────


def test_a_due_schedule_leaves_a_job_and_a_running_log_that_name_each_other():
    make_schedule(kwargs='{"a": 1}', priority=2, queue="default")
    tick("02:59:59.9")
    assert jobs() == 0

    tick("03:00")

    job, log = Job.objects.get(), CronLog.objects.get()
    assert (job.type, job.payload, job.priority, job.source) == (
        "noop",
        {"a": 1},
        2,
        "schedule",
    )
    assert (log.job, log.job_name, log.job_type, log.status) == (
        job,
        "nightly",
        "noop",
        "running",
    )
    assert (log.due_at, log.details) == (at("03:00"), {"jobId": job.pk})
    task = PeriodicTask.objects.get()
    assert (log.schedule, task.total_run_count) == (task, 1)
    assert task.last_run_at is not None


@pytest.mark.django_db(transaction=True)
def test_the_end_of_the_job_closes_the_log(nightly):
    tick("03:00")

    run_due(limit=1, seconds=5)

    log = CronLog.objects.get()
    assert (log.status, (log.details or {})["status"]) == ("success", "completed")


def test_a_due_time_fires_once_however_often_one_looks(nightly):
    for moment in ("03:00", "03:00", "03:00:01", "03:30", "02:45"):
        tick(moment)

    assert due_times() == ["05 03:00:00"]
    assert jobs() == 1


def test_the_wait_ends_at_the_next_due_time_and_lasts_a_second_at_most():
    make_schedule(**every(60))

    assert tick(T0) == pytest.approx(1, abs=0.1)
    assert tick(T0 + 59.7 * SECOND) == pytest.approx(0.3, abs=0.1)
    assert tick(T0 + 60 * SECOND) == 0


def test_an_interval_keeps_its_phase_however_late_the_ticks_are():
    make_schedule(**every(10))
    tick(T0)

    for late in (10.7, 20.2, 39.9, 44):
        tick(T0 + late * SECOND)

    assert due_times() == [f"05 02:30:{second}" for second in (10, 20, 30, 40)]


def test_no_payload_and_no_priority_are_an_empty_object_and_five():
    make_schedule(kwargs="", args="", queue="")
    tick(T0)

    tick("03:00")

    assert list(Job.objects.values_list("payload", "priority", "queue")) == [
        ({}, 5, "default")
    ]


def test_the_database_clock_says_what_is_due():
    make_schedule(**every(1))
    connection.cursor().execute(
        "UPDATE django_celery_beat_periodictask SET date_changed = now()"
    )
    memory = Memory()
    fire(memory)
    ScheduleState.objects.update(counted_from=F("counted_from") - 5 * SECOND)

    assert fire() == 0

    assert jobs() == 1


def test_times_are_read_in_the_zone_of_the_schedule_across_a_change_of_the_clock():
    moment = at("2026-11-01 04:45")
    make_schedule(saved_at=moment, **cron("*/30 * * * *", "America/New_York"))
    tick(moment)

    while moment < at("2026-11-01 07:00"):
        moment += timedelta(minutes=15)
        tick(moment.astimezone(UTC))

    assert due_times() == [
        f"01 0{hour}:{half}:00" for hour in (5, 6) for half in ("00", "30")
    ] + ["01 07:00:00"]


# ── Start, end, once ───────────────────────────────────────────────────────────


def test_a_start_time_is_respected_and_is_the_phase_of_an_interval():
    make_schedule(**every(1, "hours"), start_time=at("03:07"))

    for moment in ("02:31", "03:06:59", "03:07", "04:06", "04:07:02"):
        tick(moment)

    assert due_times() == ["05 03:07:00", "05 04:07:00"]


def test_nothing_is_due_once_it_has_expired(nightly):
    edit(nightly, expires=at("03:00"))

    tick("02:59", Memory(since=at("02:58:59")))
    tick("12:00")

    assert due_times() == []


def test_a_one_off_fires_once_and_is_disabled():
    task = make_schedule(one_off=True, **every(10))
    tick(T0)

    for late in (10, 20, 30):
        tick(T0 + late * SECOND)

    task.refresh_from_db()
    assert (jobs(), task.enabled, task.total_run_count) == (1, False, 1)


def test_a_clocked_schedule_fires_at_its_moment_also_when_beat_was_late():
    moment = ClockedSchedule.objects.create(clocked_time=at("03:00"))
    make_schedule(clocked=moment, one_off=True)
    tick(T0)

    tick("03:20")
    tick("03:21")

    assert due_times() == ["05 03:00:00"]


def test_a_refused_one_off_stays_enabled():
    make_schedule(one_off=True, task="no-such-type")
    tick(T0)

    tick("03:00")

    assert PeriodicTask.objects.get().enabled
