"""Firings under the terms of their schedule, and what the skipped ones leave behind."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask

from queues.cancel import cancel
from queues.fire import Memory
from queues.models import CronLog, Job, ScheduleState
from queues.schedule import run_now
from queues.schedule_terms import spread
from queues.work import run_due
from tests.queues.schedules import (
    HOUR,
    SECOND,
    T0,
    at,
    cron,
    due_times,
    edit,
    every,
    jobs,
    make_schedule,
    skips,
    tick,
)

pytestmark = pytest.mark.django_db


def hourly(**terms: Any) -> PeriodicTask:
    """Return an hourly schedule that beat has noticed at 02:30."""
    task = make_schedule(**cron("0 * * * *"), one_off=terms.pop("one_off", False))
    ScheduleState.objects.create(schedule=task, **terms)
    tick(T0)
    return task


def last_job() -> Job:
    """Return the newest job."""
    return Job.objects.latest("id")


# ── Missed ─────────────────────────────────────────────────────────────────────────


def test_once_runs_the_latest_and_tells_in_one_row_what_was_not_run(caplog):
    task = hourly()

    tick("06:30")

    assert due_times() == ["05 06:00:00"]
    log = CronLog.objects.get(status="skipped")
    assert log.details == {
        "reason": "missed",
        "count": 3,
        "since": "2026-01-05T03:00:00+00:00",
    }
    assert (log.due_at, log.schedule, log.job) == (at("05:00"), task, None)
    assert log.finished_at is not None
    assert "schedule nightly skipped 3 of its due times" in caplog.text


def test_skip_runs_nothing_that_was_missed_and_goes_on():
    hourly(misfire="skip")

    tick("06:30")
    tick("06:31")
    tick("07:00:05")

    assert due_times() == ["05 07:00:00"]
    assert skips() == [("missed", 4, "05 06:00:00")]
    assert PeriodicTask.objects.get().total_run_count == 1


def test_all_runs_every_missed_due_time_oldest_first():
    hourly(misfire="all")

    tick("06:30")
    tick("06:31")

    assert due_times() == [f"05 0{hour}:00:00" for hour in (3, 4, 5, 6)]
    in_order = CronLog.objects.order_by("due_at").values_list("job_id", flat=True)
    assert list(in_order) == sorted(in_order)
    assert PeriodicTask.objects.get().total_run_count == jobs() == 4


def test_all_is_bounded_by_its_cap():
    hourly(misfire="all", misfire_cap=2)

    tick("2026-02-05 02:30")

    assert due_times() == ["05 01:00:00", "05 02:00:00"]
    assert skips() == [("cap", 300, "05 00:00:00")]


def test_a_run_later_than_its_grace_time_is_skipped():
    hourly(grace_seconds=600)

    tick("03:10:01")
    tick("04:10")

    assert due_times() == ["05 04:00:00"]
    assert skips() == [("late", 1, "05 03:00:00")]


def test_a_one_off_makes_up_for_one_run_and_is_disabled():
    task = hourly(misfire="all", one_off=True)

    tick("06:30")
    tick("07:00")

    task.refresh_from_db()
    assert (jobs(), task.enabled) == (1, False)


def test_a_skipped_one_off_waits_for_its_next_due_time():
    task = hourly(misfire="skip", one_off=True)

    tick("03:30")
    task.refresh_from_db()
    assert task.enabled
    tick("04:00")

    task.refresh_from_db()
    assert (due_times(), task.enabled) == (["05 04:00:00"], False)


def test_beats_that_race_for_missed_due_times_write_each_once():
    hourly(misfire="all")
    tick("06:30")
    ScheduleState.objects.update(counted_from=T0)

    tick("06:30")

    assert jobs() == CronLog.objects.count() == 4


# ── Overlap ────────────────────────────────────────────────────────────────────────


def test_allow_starts_beside_a_job_that_has_not_ended():
    hourly()

    tick("03:00")
    tick("04:00")

    assert jobs() == 2


def test_skip_gives_way_to_a_live_job_and_says_to_which():
    hourly(overlap="skip")
    tick("03:00")
    first = last_job()

    tick("04:00")

    log = CronLog.objects.get(due_at=at("04:00"))
    assert (log.status, log.job, jobs()) == ("skipped", None, 1)
    assert log.details == {
        "reason": "overlap",
        "count": 1,
        "since": "2026-01-05T04:00:00+00:00",
        "behind": first.pk,
    }


@pytest.mark.django_db(transaction=True)
def test_skip_starts_again_once_the_job_has_ended():
    hourly(overlap="skip")
    tick("03:00")
    run_due(limit=1, seconds=5)

    tick("04:00")

    assert due_times() == ["05 03:00:00", "05 04:00:00"]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_waits_for_its_retry_has_not_ended():
    task = hourly(overlap="skip")
    edit(task, task="fail-slowly")
    tick("03:00")
    run_due(limit=1, seconds=5)
    assert (last_job().status, last_job().failures) == ("pending", 1)

    tick("04:00")

    assert skips() == [("overlap", 1, "05 04:00:00")]


@pytest.mark.django_db(transaction=True)
def test_queue_lets_one_run_wait_for_the_end_of_the_other():
    hourly(overlap="queue")
    tick("03:00")
    first = last_job()

    tick("04:00")
    second = last_job()
    tick("05:00")

    assert second.run_at.year == 9999
    assert CronLog.objects.get(due_at=at("04:00")).details == {
        "jobId": second.pk,
        "behind": first.pk,
    }
    assert skips() == [("overlap", 1, "05 05:00:00")]

    run_due(limit=1, seconds=5)
    second.refresh_from_db()
    assert (second.status, second.held_run_at) == ("pending", None)
    tick("06:00")
    assert last_job().held_run_at is not None


@pytest.mark.django_db(transaction=True)
def test_what_waits_runs_also_if_the_job_before_it_is_cancelled():
    hourly(overlap="queue")
    tick("03:00")
    first = last_job()
    tick("04:00")

    cancel(first.pk)

    assert last_job().held_run_at is None
    assert last_job().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_being_settled_puts_its_schedule_off_and_no_other():
    hourly(overlap="queue")
    make_schedule("other", **every(3600))
    tick(T0)
    tick("03:00")
    held, let_go = threading.Event(), threading.Event()

    def settle() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get()
            held.set()
            let_go.wait(10)
        connection.close()

    worker = threading.Thread(target=settle)
    worker.start()
    held.wait(10)
    memory = Memory()
    tick("04:00", memory)
    before = due_times(), len(due_times("other"))
    wait = tick("04:00:01", memory)
    let_go.set()
    worker.join()
    tick("04:00:02", memory)

    assert before == (["05 03:00:00"], 1)
    assert 0 < wait <= 0.2
    assert due_times() == ["05 03:00:00", "05 04:00:00"]


def test_made_up_runs_meet_each_other_by_the_overlap_policy():
    hourly(misfire="all", overlap="queue")

    tick("06:30")

    assert due_times() == ["05 03:00:00", "05 04:00:00"]
    assert skips() == [("overlap", 1, "05 05:00:00"), ("overlap", 1, "05 06:00:00")]


def test_a_refused_job_is_nobody_to_wait_for():
    task = hourly(overlap="queue")
    PeriodicTask.objects.filter(pk=task.pk).update(task="no-such-type")

    tick("03:00")
    tick("04:00")

    assert CronLog.objects.filter(status="error").count() == 2


def test_a_run_by_hand_counts_as_live():
    hourly(overlap="skip")
    job = run_now("nightly")

    tick("03:00")

    assert skips() == [("overlap", 1, "05 03:00:00")]
    assert CronLog.objects.get(status="skipped").details["behind"] == job.pk


# ── Jitter, tries ──────────────────────────────────────────────────────────────────


def test_jitter_shifts_the_start_of_the_job_and_not_the_due_time(sql):
    task = hourly(jitter_seconds=600)
    moment = connection_clock(sql) + HOUR
    due = moment.replace(minute=0, second=0, microsecond=0)
    ScheduleState.objects.update(counted_from=due - SECOND)

    tick(due)

    shift = spread(task.pk, due, timedelta(seconds=600))
    assert CronLog.objects.get().due_at == due
    assert last_job().run_at == due + shift


def test_a_late_firing_with_jitter_starts_at_once():
    hourly(jitter_seconds=600)

    tick("03:00")

    job = last_job()
    assert job.run_at <= job.created_at


def test_jitter_and_queue_go_together(sql):
    hourly(jitter_seconds=600, overlap="queue")
    due = connection_clock(sql).replace(minute=0, second=0, microsecond=0) + HOUR
    ScheduleState.objects.update(counted_from=due - SECOND)

    tick(due)
    tick(due + HOUR)

    job = last_job()
    assert due + HOUR <= job.held_run_at <= due + HOUR + timedelta(seconds=600)
    assert job.run_at.year == 9999


def test_the_tries_of_a_schedule_are_those_of_its_jobs():
    hourly(max_attempts=7)

    tick("03:00")

    assert last_job().max_attempts == 7


def test_schedules_alike_are_fired_in_one_statement_and_each_keeps_its_data():
    for number in range(20):
        make_schedule(f"many {number}", kwargs=f'{{"n": {number}}}', **every(60))
    make_schedule("many broken", kwargs="[1]", **every(60))
    tick(T0)

    tick(T0 + 60 * SECOND)

    logs = CronLog.objects.select_related("job").filter(job__isnull=False)
    assert {log.job_name: log.job.payload for log in logs} == {
        f"many {number}": {"n": number} for number in range(20)
    }
    assert CronLog.objects.get(status="error").job_name == "many broken"


def connection_clock(sql: Any) -> Any:
    """Return the database's time."""
    return sql("SELECT clock_timestamp()")[0][0]
