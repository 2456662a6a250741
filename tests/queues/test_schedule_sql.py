"""Schedules by SQL: atomic with their transaction, refused in words."""

import json
import random

import pytest
from django.db import connection, transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from queues.cron import calendar_of, parse_cron
from queues.errors import InvalidSchedule
from queues.models import AuditEntry, CronLog, Job, ScheduleState
from queues.publish import publish
from queues.schedule import pause, schedule
from tests.queues.schedules import at, due_times, edit, tick

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _types():
    """Let SQL know the types, as every process does at its start."""
    publish()


@pytest.fixture
def schedule_job(sql):
    """Return a function that calls `schedule_job` and returns what it answers."""

    def call(*arguments: object) -> dict[str, object]:
        marks = ", ".join(["%s"] * len(arguments))
        ((said,),) = sql(f"SELECT schedule_job({marks})", *arguments)
        found: dict[str, object] = json.loads(said) if isinstance(said, str) else said
        return found

    return call


NIGHTLY = ("nightly", "0 3 * * *", "noop", '{"a": 1}')


def test_a_schedule_of_sql_is_a_row_that_fires(schedule_job):
    said = schedule_job(*NIGHTLY, 2)

    task = PeriodicTask.objects.get()
    assert said == {"success": True, "scheduleId": task.pk, "created": True}
    assert str(task.crontab) == "0 3 * * * (m/h/dM/MY/d) UTC"
    edit(task, date_changed=at("02:00"))
    tick("02:30")
    tick("03:00")
    job = Job.objects.get()
    assert (job.payload, job.priority, due_times()) == (
        {"a": 1}, 2, ["05 03:00:00"],
    )  # fmt: skip


def test_the_priority_is_five_unless_told(sql):
    sql("SELECT schedule_job('nightly', '@daily', 'noop', '{}')")

    assert PeriodicTask.objects.get().priority == 5


@pytest.mark.parametrize("line", ["10 seconds", " 10 Seconds ", "*/10 * * * * *"])
def test_seconds_are_said_as_the_systems_before_said_them(schedule_job, line):
    assert schedule_job("tick", line, "noop", "{}")["success"] is True

    assert str(PeriodicTask.objects.get().interval) == "every 10 seconds"


def test_said_again_it_updates_by_name_and_leaves_the_rest(schedule_job):
    schedule_job(*NIGHTLY)
    ScheduleState.objects.create(schedule=PeriodicTask.objects.get(), overlap="skip")
    pause("nightly", note="wait")

    said = schedule_job("nightly", "30 seconds", "send-receipt", '{"order_id": 1}', 9)

    task = PeriodicTask.objects.get()
    assert (said["success"], said["created"]) == (True, False)
    assert (task.task, task.priority, task.crontab) == ("send-receipt", 9, None)
    assert (task.interval.every, task.enabled) == (30, False)
    assert (task.state.overlap, task.state.pause_note) == ("skip", "wait")


def test_it_overwrites_what_code_declared_as_an_edit_does(schedule_job):
    schedule("nightly", type="noop", cron="0 1 * * *")

    schedule_job(*NIGHTLY)
    schedule("nightly", type="noop", cron="0 2 * * *")

    task = PeriodicTask.objects.get()
    assert (task.crontab.hour, task.kwargs) == ("3", '{"a": 1}')


def test_schedules_of_sql_share_the_rows_of_their_patterns(schedule_job):
    schedule("ours", type="noop", cron="0 3 * * *", timezone="UTC")
    schedule_job(*NIGHTLY)
    schedule_job("other", "0 3 * * *", "noop", "{}")

    assert CrontabSchedule.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_belongs_to_the_callers_transaction(schedule_job, sql):
    with transaction.atomic():
        schedule_job(*NIGHTLY)
        transaction.set_rollback(True)
    assert not PeriodicTask.objects.exists()

    schedule_job(*NIGHTLY)
    with transaction.atomic():
        assert sql("SELECT unschedule_job('nightly')") == [(True,)]
        transaction.set_rollback(True)
    assert PeriodicTask.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((None, "* * * * *", "noop", "{}"), "Invalid schedule name"),
        (("", "* * * * *", "noop", "{}"), "Invalid schedule name"),
        (("x" * 201, "* * * * *", "noop", "{}"), "Invalid schedule name"),
        (("a", "* * * * *", "no such type", "{}"), "Invalid job type"),
        (("a", "* * * * *", None, "{}"), "Invalid job type"),
        (("a", "* * * * *", "no-such-type", "{}"), "Unknown job type: no-such-type"),
        (("a", "* * * * *", "noop", None), "Invalid job data"),
        (("a", "* * * * *", "noop", "[]"), "Invalid job data"),
        (("a", "* * * * *", "noop", json.dumps("x" * 262145)), "Invalid job data"),
        (("a", "* * * * *", "noop", json.dumps({"a": "x" * 262145})), "too large"),
        (("a", "* * * * *", "noop", "{}", 0), "Invalid priority"),
        (("a", "* * * * *", "noop", "{}", None), "Invalid priority"),
        (("a", None, "noop", "{}"), "five fields"),
        (("a", "", "noop", "{}"), "five fields"),
        (("a", "@reboot", "noop", "{}"), "five fields"),
        (("a", "61 * * * *", "noop", "{}"), "The minute cannot be read: '61'"),
        (("a", "* * * * 8", "noop", "{}"), "The day of week cannot be read: '8'"),
        (("a", "* * * MON *", "noop", "{}"), "The month of year cannot be read"),
        (("a", "0 0 31 2 *", "noop", "{}"), "That day never comes"),
        (("a", "0 seconds", "noop", "{}"), "five fields"),
        (("a", "*/7 * * * * *", "noop", "{}"), "five fields"),
    ],
)
def test_what_is_refused_is_an_answer_and_no_row(schedule_job, arguments, error):
    said = schedule_job(*arguments)

    assert said["success"] is False
    assert error in str(said["error"])
    assert set(said) == {"success", "error"}
    assert not PeriodicTask.objects.exists()
    assert not CrontabSchedule.objects.exists()


def test_unschedule_deletes_by_name_and_leaves_the_firings(schedule_job, sql):
    schedule_job(*NIGHTLY)
    edit(PeriodicTask.objects.get(), date_changed=at("02:00"))
    tick("02:30")
    tick("03:00")

    assert sql("SELECT unschedule_job('nightly')") == [(True,)]
    assert sql("SELECT unschedule_job('nightly')") == [(False,)]

    assert not PeriodicTask.objects.exists()
    assert not ScheduleState.objects.exists()
    assert CronLog.objects.get().schedule is None


def test_what_sql_changes_is_in_the_audit_log(schedule_job, sql):
    schedule_job(*NIGHTLY)
    schedule_job(*NIGHTLY, 1)
    sql("SELECT unschedule_job('nightly')")

    entries = AuditEntry.objects.order_by("id").values_list("action", "label", "door")
    assert list(entries) == [
        ("schedule.create", "nightly", "sql"),
        ("schedule.change", "nightly", "sql"),
        ("schedule.delete", "nightly", "sql"),
    ]


PARTS = (
    "*", "0", "1", "5", "7", "07", "12", "23", "31", "59", "60", "99", "mon", "Sunday",
    "jan", "dec", "wed", "may", "1-5", "5-1", "0-7", "fri-mon", "sep-feb", "*/2", "*/5",
    "*/0", "*/60", "1-9/3", "5/2", "-1", "1-", "x", "L", "1#2", "?", "1-5-7", "", "*/",
)  # fmt: skip


def test_sql_and_python_read_cron_lines_alike():
    chance = random.Random(4)
    lines = [
        " ".join(
            ",".join(chance.choices(PARTS, k=chance.choice((1, 1, 1, 2)))) or "*"
            if chance.random() < 0.5
            else "*"
            for _ in range(5)
        )
        for _ in range(3000)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line, fault, ritmo_cron_field(3, fields[3]),"
            " ritmo_cron_field(4, fields[4])"
            " FROM unnest(%s::text[]) AS line, ritmo_cron_line(line)",
            [lines],
        )
        found = cursor.fetchall()

    read = [row for row in found if row[1] is None]
    assert len(read) > 300
    for line, fault, days, months in found:
        if fault is not None and "never comes" in fault:
            continue
        assert (fault is None) == _is_read(line), line
        if fault is None:
            calendar = calendar_of(parse_cron(line, "UTC"))
            assert set(days) == set(calendar.days), line
            assert set(months) == set(calendar.months), line


def _is_read(line: str) -> bool:
    try:
        parse_cron(line, "UTC")
    except InvalidSchedule:
        return False
    return True
