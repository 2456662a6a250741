"""Real beats: two of them, killed, without a broker, without a database."""

import signal
import socket
import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.celery import app
from config.env import BASE_DIR
from queues.beat import RowScheduler
from queues.models import CronLog, Job, Worker
from queues.schedule import put
from tests.processes import beat, until
from tests.queues.runners import clock
from tests.queues.schedules import (
    T0,
    at,
    cron,
    due_times,
    edit,
    jobs,
    make_schedule,
    tick,
)

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)


@pytest.fixture
def scheduler() -> RowScheduler:
    """Return the scheduler of a beat in this process."""
    return RowScheduler(app)


def secondly(name: str = "secondly") -> PeriodicTask:
    """Write a schedule that is due every second from now on."""
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    return PeriodicTask.objects.create(name=name, task="noop", interval=interval)


def fired(**those: Any) -> int:
    """Count the firings; due times that a busy machine missed are told of apart."""
    return CronLog.objects.filter(**those).exclude(status="skipped").count()


def seconds_until(**those: Any) -> float:
    """Wait for such a firing; return how long after this moment it was written."""
    now = clock()
    until(lambda: fired(**those) >= 1)
    first = CronLog.objects.filter(**those).earliest("created_at")
    return float((first.created_at - now).total_seconds())


def gaps() -> set[timedelta]:
    """Return how far the due times lie apart that were fired, or told of as missed."""
    times: list[datetime] = []
    logs = CronLog.objects.exclude(due_at=None).order_by("due_at")
    for due, details in logs.values_list("due_at", "details"):
        assert isinstance(due, datetime)
        count = int((details or {}).get("count", 1))
        times += [due + number * SECOND for number in range(1 - count, 1)]
    return {later - time for time, later in pairwise(times)}


def lateness(**those: Any) -> list[timedelta]:
    """Return how late each due time was fired, in their order."""
    logs = CronLog.objects.filter(**those).exclude(status="skipped").order_by("due_at")
    return [log.created_at - log.due_at for log in logs if log.due_at]


def closed_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ── Defects of the library's own scheduler, by the numbers of the report on them ───


@pytest.mark.parametrize("back_at", ["03:05", "06:30", "12:00", "23:59"])
def test_defect_1_a_missed_nightly_run_is_made_up_for_once_and_at_no_odd_hour(back_at):
    make_schedule()
    tick(T0)

    tick(back_at)
    for moment in ("2026-01-06 01:00", "2026-01-06 02:59", "2026-01-06 03:00"):
        tick(moment)

    assert due_times() == ["05 03:00:00", "06 03:00:00"]


def test_defect_2_a_broker_that_is_away_loses_no_run():
    secondly()

    with beat(REDIS_URL=f"redis://127.0.0.1:{closed_port()}/0"):
        until(lambda: fired() >= 4)

    assert gaps() == {SECOND}
    assert jobs() == fired() == fired(job__status="pending")


def test_defect_3_a_beat_started_again_after_sigkill_repeats_nothing():
    secondly()
    with beat() as first:
        until(lambda: fired() >= 2)
        first.send(signal.SIGKILL)
        first.wait()
        before = jobs()
    time.sleep(2)

    with beat():
        until(lambda: fired() >= before + 2)

    assert gaps() == {SECOND}
    assert fired() == jobs()


def test_defect_4_two_beats_fire_each_due_time_once_also_if_one_is_killed():
    secondly()

    with beat() as first, beat():
        until(lambda: fired() >= 5)
        first.send(signal.SIGKILL)
        killed = clock()
        until(lambda: fired(due_at__gt=killed) >= 5)

    assert gaps() == {SECOND}
    assert jobs() == fired()
    # Nobody waits for a lease to end: what is usual tells how busy the machine is.
    usual = max(lateness(due_at__lte=killed))
    assert lateness(due_at__gt=killed)[0] < 2 * usual + SECOND


def test_defect_5_bulk_updates_and_raw_sql_are_seen_within_two_seconds(sql):
    task = secondly()
    with beat():
        until(lambda: fired() >= 2)

        edit(task, enabled=False)
        time.sleep(2)
        paused_at = fired()
        time.sleep(1.5)
        assert fired() == paused_at

        sql(
            "UPDATE django_celery_beat_periodictask SET enabled = true, task = 'ledger'"
        )
        assert seconds_until(job_type="ledger") < 2.5

        IntervalSchedule.objects.update(every=3600)
        time.sleep(2)
        slowed_at = fired()
        time.sleep(1.5)
        assert fired() == slowed_at

        put("secondly", {"pattern": ["every", 1]})  # as the form of the console does
        until(lambda: fired() > slowed_at, 3)

        sql(
            "INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (1, 'seconds');"
            "INSERT INTO django_celery_beat_periodictask (name, task, args, kwargs, enabled,"
            " one_off, total_run_count, date_changed, description, headers, interval_id)"
            " SELECT 'by sql', 'noop', '[]', '{}', true, false, 0, now(), '', '{}', max(id)"
            " FROM django_celery_beat_intervalschedule"
        )
        assert seconds_until(job_name="by sql") < 3


def test_defect_6_half_hours_run_through_the_end_of_summer_time():
    begin = at("2026-11-01 05:10")
    make_schedule(saved_at=begin, **cron("*/30 * * * *", "America/New_York"))
    tick(begin)

    for minutes in range(5, 120, 5):
        tick(begin + timedelta(minutes=minutes))

    assert due_times() == ["01 05:30:00", "01 06:00:00", "01 06:30:00", "01 07:00:00"]


def test_defect_7_malformed_arguments_disable_no_schedule():
    task = make_schedule(kwargs="{not json", args="nor this")
    tick(T0)

    tick("03:00")

    task.refresh_from_db()
    assert task.enabled
    assert fired(status="error") == 1


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("Europe/London", "02:00"),
        ("Australia/Sydney", "17:00"),
        ("Asia/Kolkata", "21:30"),
        ("Asia/Kathmandu", "21:15"),
        ("Australia/Lord_Howe", "16:30"),
    ],
)
def test_defect_8_a_nightly_run_is_due_at_its_own_hour_in_every_zone_and_season(
    zone, due
):
    begin = at("2026-07-01 00:00")
    make_schedule(saved_at=begin, **cron("0 3 * * *", zone))
    tick(begin)

    for minutes in range(0, 24 * 60, 5):
        tick(begin + timedelta(minutes=minutes))

    assert due_times() == [f"01 {due}:00"]


# ── The process ────────────────────────────────────────────────────────────────────


def test_beat_registers_says_goodbye_and_leaves_no_file():
    secondly()
    before = {path.name for path in BASE_DIR.iterdir()}

    with beat() as process:
        until(lambda: fired() >= 1)
        row = Worker.objects.get(kind=Worker.Kind.BEAT)
        until(lambda: Worker.objects.get(pk=row.pk).seen_at > row.seen_at)
        assert row.gone_at is None
        process.send(signal.SIGTERM)
        code = process.wait()
        said = process.output

    row.refresh_from_db()
    assert (code, row.gone_at is not None) == (0, True)
    assert "rows of django_celery_beat_periodictask" in said
    assert "Traceback" not in said
    new = {path.name for path in BASE_DIR.iterdir()} - before
    assert not [name for name in new if name.startswith("celerybeat")]


def test_a_signal_lets_the_tick_end_that_it_meets(scheduler, monkeypatch):
    ended = []

    def fire(memory):
        scheduler.stop(signal.SIGTERM, None)
        ended.append(connection.is_usable())
        return 1.0

    monkeypatch.setattr("queues.beat.fire", fire)
    with pytest.raises(SystemExit):
        scheduler.tick()

    assert ended == [True]
    with pytest.raises(SystemExit):
        scheduler.stop(signal.SIGTERM, None)


def test_beat_survives_a_lost_connection_and_keeps_the_phase(sql):
    secondly()

    with beat(PGAPPNAME="") as process:
        until(lambda: fired() >= 2)
        for _ in range(3):
            sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ritmo-beat' AND datname = current_database()"
            )
            time.sleep(0.5)
        until(lambda: fired() >= 6)
        assert process.output.count("beat waits for the database") >= 1
        assert process.output.count("beat has the database back") >= 1
        assert "Traceback" not in process.output

    assert not any(gap % SECOND for gap in gaps())


def test_a_tick_in_an_outage_is_one_line_and_a_second_of_patience(
    scheduler, monkeypatch, caplog
):
    def fail(*_: object) -> float:
        raise DatabaseError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr("queues.beat.fire", fail)
        assert [scheduler.tick(), scheduler.tick()] == [1.0, 1.0]
    scheduler.tick()

    assert caplog.text.count("the server is away") == 1
    assert caplog.text.count("has the database back") == 1
    scheduler.close()


def test_a_pruned_row_of_a_living_beat_is_written_again(scheduler):
    scheduler.tick()
    Worker.objects.all().delete()

    scheduler.tick()

    assert Worker.objects.filter(kind=Worker.Kind.BEAT, gone_at=None).count() == 1


def test_a_goodbye_is_said_although_a_statement_was_cut_short(scheduler):
    scheduler.tick()
    connection.connection.pgconn.send_query(b"SELECT pg_sleep(2)")

    scheduler.close()

    assert not Worker.objects.filter(kind=Worker.Kind.BEAT, gone_at=None).exists()


def test_a_goodbye_without_a_database_is_a_line(scheduler, monkeypatch, caplog):
    scheduler.tick()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", str(closed_port()))
        scheduler.close()

    assert "could not say goodbye" in caplog.text


def test_the_scheduler_has_nothing_to_store_or_to_send(scheduler):
    make_schedule()
    scheduler.sync()

    assert scheduler.schedule == {}
    assert scheduler.should_sync() is False
    assert not Job.objects.exists()
    assert scheduler.max_interval == 1


def test_starter_schedules_of_the_apps_are_declared_rightly():
    call_command("install_schedules")

    assert PeriodicTask.objects.count() > 0
