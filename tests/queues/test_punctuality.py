"""Schedules that cannot fire, are late, or have ended, and the figures of firings."""

from datetime import timedelta

import pytest
from django_celery_beat.models import ClockedSchedule, PeriodicTask, SolarSchedule

from queues.examine import examine
from queues.models import CronLog, ScheduleState, Worker
from queues.presence import present
from queues.punctuality import ailments, firings_lately, late
from queues.schedule import schedule
from tests.queues.runners import clock
from tests.queues.schedules import HOUR, SECOND, at, edit, every, make_schedule, tick

pytestmark = pytest.mark.django_db


def said() -> dict[str, str]:
    """Return what is wrong, by schedule."""
    return {each.name: each.said for each in ailments()}


def secondly(**columns: object) -> PeriodicTask:
    """Write a schedule that a beat noticed now."""
    task = make_schedule("secondly", saved_at=clock(), **every(1), **columns)
    tick(clock())
    return task


def test_schedules_that_can_fire_and_are_in_time_are_not_mentioned():
    secondly()
    schedule("nightly", type="noop", cron="0 3 * * *")
    schedule("receipt", type="send-receipt", data={"order_id": 1}, cron="@daily")

    assert (said(), late()) == ({}, 0)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"task": "no-such-type"}, "Unknown job type: no-such-type"),
        ({"task": "send-receipt"}, "order_id: Field required"),
        ({"kwargs": "{"}, "not JSON"),
        ({"args": "[1]"}, "positional"),
        ({"crontab": None, "interval": None}, "exactly one kind"),
    ],
)
def test_what_keeps_a_schedule_from_firing_is_told(columns, words):
    edit(secondly(), **columns)

    assert words in said()["secondly"]


def test_what_is_off_is_nobodys_trouble():
    edit(secondly(), task="no-such-type", enabled=False)

    assert said() == {}


def test_a_schedule_that_nobody_fires_in_time_is_late():
    secondly()
    ScheduleState.objects.update(counted_from=clock() - timedelta(seconds=75))

    assert late() == 1
    assert "it is due since 7" in said()["secondly"]


def test_a_schedule_without_a_due_time_has_ended():
    moment = ClockedSchedule.objects.create(clocked_time=at("03:00"))
    make_schedule("gone by", saved_at=clock(), clocked=moment, one_off=True)
    make_schedule("ended", saved_at=clock(), expires=at("03:00"))

    assert set(said()) == {"gone by", "ended"}
    assert all(each.has_ended for each in ailments())


def test_the_doctor_tells_them_as_faults_and_the_ended_as_warnings():
    present(Worker.Kind.BEAT)
    solar = SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1)
    make_schedule("sun", solar=solar)
    make_schedule("ended", saved_at=clock(), expires=at("03:00"))

    found = [each for each in examine() if each.check == "schedules"]

    assert {(each.level, each.line) for each in found} == {
        ("fault", "sun: Solar schedules are not supported"),
        ("warning", "ended: it has no due time any more"),
    }


@pytest.mark.raw_rows
def test_firings_are_counted_each_skipped_due_time_too():
    task = make_schedule("secondly", **every(1))
    due_at = clock() - 5 * SECOND
    facts = {"schedule": task, "job_name": "secondly", "job_type": "noop"}
    CronLog.objects.create(**facts, status="success", due_at=due_at, job_id=1)
    CronLog.objects.create(**facts, status="skipped", details={"count": 7})
    CronLog.objects.create(**facts, status="skipped", details=None)
    old = CronLog.objects.create(**facts, status="error")
    CronLog.objects.filter(pk=old.pk).update(created_at=clock() - 2 * HOUR)

    counts, worst = firings_lately()

    assert counts == {"running": 0, "success": 1, "error": 0, "skipped": 8}
    assert 5 <= worst < 60
