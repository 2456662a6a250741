"""Schedules declared in code, beside the staff who edit them."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
)

from queues import errors
from queues.models import AuditEntry, Job, ScheduleState
from queues.schedule import schedule, unschedule
from tests.queues.schedules import at, cron, edit, every, make_schedule, tick

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def nightly(**options: Any) -> PeriodicTask:
    """Declare the schedule of these tests."""
    return schedule("nightly", **{"type": "noop", "cron": "0 3 * * *", **options})


# ── What is written ────────────────────────────────────────────────────────────────


def test_a_cron_schedule_is_one_row_of_the_library():
    nightly(
        data={"a": 1}, priority=2, queue="default", timezone="America/Sao_Paulo",
        start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip

    task = PeriodicTask.objects.get()
    assert (task.name, task.task, task.kwargs) == ("nightly", "noop", '{"a": 1}')
    assert (task.priority, task.queue, task.enabled) == (2, "default", True)
    assert str(task.crontab) == "0 3 * * * (m/h/dM/MY/d) America/Sao_Paulo"
    assert (task.start_time.year, task.expires.year) == (2026, 2027)


@pytest.mark.parametrize(
    ("span", "row"),
    [
        (timedelta(seconds=10), (10, "seconds")),
        (timedelta(minutes=90), (90, "minutes")),
        (timedelta(hours=36), (36, "hours")),
        (timedelta(days=14), (14, "days")),
    ],
)
def test_an_interval_is_written_in_its_largest_unit(span, row):
    nightly(cron=None, every=span)

    task = PeriodicTask.objects.get()
    assert (task.interval.every, task.interval.period, task.crontab) == (*row, None)


def test_the_zone_is_that_of_the_settings_unless_told(settings):
    settings.TIME_ZONE = "Europe/Lisbon"

    nightly(cron="@daily")

    assert str(CrontabSchedule.objects.get()) == "0 0 * * * (m/h/dM/MY/d) Europe/Lisbon"


def test_a_declared_schedule_fires():
    edit(nightly(data={"a": 1}), date_changed=at("02:00"))

    tick("02:30")
    tick("03:00")

    assert Job.objects.get().payload == {"a": 1}


def test_schedules_share_the_rows_of_their_patterns():
    for name in ("a", "b"):
        schedule(name, type="noop", cron="0 3 * * *")
        schedule(f"every {name}", type="noop", every=DAY)

    assert (CrontabSchedule.objects.count(), IntervalSchedule.objects.count()) == (1, 1)


def test_the_schedule_belongs_to_the_callers_transaction():
    with transaction.atomic():
        nightly()
        transaction.set_rollback(True)

    assert not PeriodicTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_processes_that_declare_the_same_at_once_write_one_row():
    gate = threading.Barrier(4)

    def declare() -> None:
        gate.wait(10)
        nightly()
        connection.close()

    threads = [threading.Thread(target=declare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert PeriodicTask.objects.count() == 1


def test_the_terms_are_written_beside_the_row():
    nightly(
        misfire="all", misfire_cap=5, grace=timedelta(minutes=10), overlap="queue",
        jitter=timedelta(seconds=30), max_attempts=7, one_off=True, description="why",
    )  # fmt: skip

    state, task = ScheduleState.objects.get(), PeriodicTask.objects.get()
    assert (state.misfire, state.misfire_cap, state.grace_seconds) == ("all", 5, 600)
    assert (state.overlap, state.jitter_seconds, state.max_attempts) == ("queue", 30, 7)
    assert (task.one_off, task.description) == (True, "why")


def test_terms_that_are_not_said_are_those_of_the_database():
    nightly()

    state = ScheduleState.objects.get()
    assert (state.misfire, state.misfire_cap, state.grace_seconds) == (
        "once",
        100,
        None,
    )
    assert (state.overlap, state.jitter_seconds, state.max_attempts) == (
        "allow",
        0,
        None,
    )


def test_a_moment_is_a_one_off():
    edit(nightly(cron=None, at=at("03:00")), date_changed=at("02:00"))

    tick("02:30")
    tick("03:00")
    tick("04:00")

    task = PeriodicTask.objects.get()
    assert (task.clocked.clocked_time, task.one_off) == (at("03:00"), True)
    assert (task.enabled, Job.objects.count()) == (False, 1)


# ── Declared again ─────────────────────────────────────────────────────────────────


def test_the_same_again_writes_nothing():
    nightly(every=None)
    edit(PeriodicTask.objects.get(), date_changed=at("02:00"))

    nightly(priority=5, timezone="UTC")

    assert PeriodicTask.objects.get().date_changed == at("02:00")


def test_new_words_of_the_code_update_the_schedule():
    first = nightly(priority=3)

    again = nightly(cron=None, every=DAY, type="send-receipt", data={"order_id": 1})

    task = PeriodicTask.objects.get()
    assert first.pk == again.pk == task.pk
    assert (task.crontab, task.interval.every, task.task) == (None, 1, "send-receipt")
    assert task.priority == 5


def test_an_update_leaves_what_beat_counts_alone():
    nightly()
    edit(PeriodicTask.objects.get(), last_run_at=at("01:00"), total_run_count=7)

    nightly(priority=1)

    task = PeriodicTask.objects.get()
    assert (task.priority, task.last_run_at, task.total_run_count) == (
        1,
        at("01:00"),
        7,
    )


def test_a_pause_by_staff_stays_while_the_rest_follows_the_code():
    nightly()
    edit(PeriodicTask.objects.get(), enabled=False)

    nightly(cron="0 4 * * *")

    task = PeriodicTask.objects.get()
    assert (task.enabled, task.crontab.hour) == (False, "4")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("priority", 9),
        ("kwargs", '{"by": "staff"}'),
        ("task", "ledger"),
        ("queue", "reports"),
    ],
)
def test_an_edit_by_staff_stays_whatever_the_code_says_later(column, value):
    nightly()
    edit(PeriodicTask.objects.get(), **{column: value})

    for priority in (1, 2):
        nightly(priority=priority, data={"by": "code"})

    assert getattr(PeriodicTask.objects.get(), column) == value


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("misfire", "skip"),
        ("overlap", "queue"),
        ("grace_seconds", 60),
        ("jitter_seconds", 9),
        ("max_attempts", 2),
    ],
)
def test_terms_edited_by_staff_stay_while_the_rest_follows_the_code(column, value):
    nightly()
    ScheduleState.objects.update(**{column: value})

    nightly(priority=1, misfire_cap=7, misfire="all", overlap="skip", max_attempts=9,
            grace=DAY, jitter=timedelta(seconds=1))  # fmt: skip

    state = ScheduleState.objects.get()
    assert (getattr(state, column), state.misfire_cap) == (value, 7)


def test_what_an_earlier_release_did_not_say_is_no_edit():
    nightly()
    state = ScheduleState.objects.get()
    said = {fact: state.declared[fact] for fact in ("job", "pattern", "enabled")}
    ScheduleState.objects.update(declared=said)

    nightly(overlap="skip", description="new")

    assert ScheduleState.objects.get().overlap == "skip"
    assert PeriodicTask.objects.get().description == "new"


def test_a_pattern_edited_by_staff_stays():
    nightly()
    edit(PeriodicTask.objects.get(), crontab=None, **every(7))

    nightly(cron="0 5 * * *")
    nightly(cron="0 6 * * *")

    assert str(PeriodicTask.objects.get().interval) == "every 7 seconds"


def test_a_broken_payload_and_a_moment_set_by_staff_stay():
    nightly()
    moment = ClockedSchedule.objects.create(clocked_time=at("04:00"))
    edit(
        PeriodicTask.objects.get(),
        kwargs="{broken",
        crontab=None,
        one_off=True,
        clocked=moment,
    )

    nightly(cron="0 5 * * *", data={"by": "code"}, priority=1)

    task = PeriodicTask.objects.get()
    assert (task.kwargs, task.clocked, task.crontab) == ("{broken", moment, None)
    assert task.priority == 1

    nightly(force=True)
    task.refresh_from_db()
    assert (task.clocked, task.one_off, str(task.crontab)[:9]) == (
        None,
        False,
        "0 3 * * *",
    )


def test_another_spelling_of_the_same_payload_is_no_edit():
    nightly(data={"a": 1, "b": 2})
    edit(PeriodicTask.objects.get(), kwargs='{\n  "b": 2, "a": 1}')

    nightly(data={"c": 3})

    assert PeriodicTask.objects.get().kwargs == '{"c": 3}'


def test_a_schedule_that_staff_made_is_theirs():
    make_schedule("nightly", kwargs="{broken", **cron("0 1 * * *"))

    nightly()

    task = PeriodicTask.objects.get()
    assert (task.crontab.hour, task.kwargs) == ("1", "{broken")


def test_force_overwrites_edits_and_pauses_and_takes_over():
    make_schedule("nightly", enabled=False, priority=9, **cron("0 1 * * *"))

    nightly(force=True)
    nightly(priority=4)

    task = PeriodicTask.objects.get()
    assert (task.enabled, task.crontab.hour, task.priority) == (True, "3", 4)


def test_unschedule_deletes_by_name():
    nightly()

    assert unschedule("nightly") is True
    assert unschedule("nightly") is False
    assert not PeriodicTask.objects.exists()
    assert not ScheduleState.objects.exists()


def test_what_code_changes_is_in_the_audit_log_with_before_and_after():
    nightly()
    nightly()
    nightly(priority=1)
    unschedule("nightly")

    created, changed, deleted = AuditEntry.objects.order_by("id")
    assert (created.action, created.label) == ("schedule.create", "nightly")
    assert (changed.action, changed.before, changed.after) == (
        "schedule.change",
        {"priority": 5},
        {"priority": 1},
    )
    assert (deleted.action, deleted.before["priority"]) == ("schedule.delete", 1)


# ── Refused, and then nothing is written ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"type": "no-such-type"}, errors.UnknownJobType),
        ({"type": ""}, errors.InvalidJobType),
        ({"type": "send-receipt"}, errors.InvalidJobData),
        ({"data": [1]}, errors.InvalidJobData),
        ({"data": {"a": float("nan")}}, errors.InvalidJobData),
        ({"data": {"a": "x" * 300_000}}, errors.PayloadTooLarge),
        ({"priority": 0}, errors.InvalidPriority),
        ({"priority": 10}, errors.InvalidPriority),
        ({"priority": True}, errors.InvalidPriority),
        ({"queue": "no-such-queue"}, errors.UnknownQueue),
        ({"cron": "61 * * * *"}, errors.InvalidSchedule),
        ({"cron": "0 0 31 2 *"}, errors.InvalidSchedule),
        ({"cron": 5}, errors.InvalidSchedule),
        ({"cron": ",".join(["1"] * 200) + " * * * *"}, errors.InvalidSchedule),
        ({"cron": None}, errors.InvalidSchedule),
        ({"every": DAY}, errors.InvalidSchedule),
        ({"cron": None, "every": timedelta(0)}, errors.InvalidSchedule),
        ({"cron": None, "every": -DAY}, errors.InvalidSchedule),
        ({"cron": None, "every": timedelta(seconds=1.5)}, errors.InvalidSchedule),
        ({"cron": None, "every": timedelta(days=10**6)}, errors.InvalidSchedule),
        ({"cron": None, "every": 10}, errors.InvalidSchedule),
        ({"timezone": "Mars/Olympus"}, errors.InvalidSchedule),
        ({"start": datetime(2026, 1, 1)}, errors.InvalidSchedule),  # noqa: DTZ001
        ({"start": at("03:00"), "end": at("03:00")}, errors.InvalidSchedule),
        ({"cron": None, "at": datetime(2030, 1, 1)}, errors.InvalidSchedule),  # noqa: DTZ001
        ({"at": at("03:00")}, errors.InvalidSchedule),
        ({"misfire": "never"}, errors.InvalidOption),
        ({"misfire_cap": 0}, errors.InvalidOption),
        ({"misfire_cap": 1001}, errors.InvalidOption),
        ({"misfire_cap": None}, errors.InvalidOption),
        ({"grace": 60}, errors.InvalidOption),
        ({"grace": timedelta(0)}, errors.InvalidOption),
        ({"overlap": "forbid"}, errors.InvalidOption),
        ({"jitter": timedelta(days=2)}, errors.InvalidOption),
        ({"jitter": timedelta(milliseconds=1)}, errors.InvalidOption),
        ({"max_attempts": 0}, errors.InvalidOption),
        ({"max_attempts": True}, errors.InvalidOption),
        ({"colour": "blue"}, errors.InvalidOption),
    ],
)
def test_a_refused_schedule_writes_nothing(options, error):
    with pytest.raises(error) as refused:
        nightly(**options)

    assert "\n" not in str(refused.value)
    assert not PeriodicTask.objects.exists()
    assert not CrontabSchedule.objects.exists()
    assert not IntervalSchedule.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00b", None])
def test_a_name_is_a_text_of_two_hundred_characters_at_most(name):
    with pytest.raises(errors.InvalidOption):
        schedule(name, type="noop", every=DAY)
