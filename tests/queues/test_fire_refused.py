"""Firings that make no job: an error in plain words, and no harm to the others."""

import pytest
from django_celery_beat.models import PeriodicTask, SolarSchedule
from pydantic import BaseModel, field_validator

from queues.fire import Memory
from queues.handlers import handler, registry
from queues.models import CronLog
from tests.queues.schedules import (
    T0,
    at,
    due_times,
    edit,
    every,
    jobs,
    make_schedule,
    tick,
)

pytestmark = pytest.mark.django_db


def said_of(log: CronLog) -> str:
    """Return the error that a firing ended with."""
    return str((log.details or {})["error"])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"task": "no-such-type"}, "Unknown job type: no-such-type"),
        ({"task": "celery.backend_cleanup"}, "Unknown job type"),
        ({"task": "send-receipt"}, "order_id: Field required"),
        ({"kwargs": "{not json"}, "not JSON"),
        ({"kwargs": "[1]"}, "expected an object"),
        ({"kwargs": "[" * 5000}, "not JSON"),
        ({"kwargs": '{"a": NaN}'}, "NaN"),
        ({"args": "[1]"}, "positional"),
        ({"priority": 0}, "Invalid priority"),
        ({"queue": "no-such-queue"}, "Unknown queue: no-such-queue"),
    ],
)
def test_a_refused_firing_leaves_an_error_in_plain_words_and_does_not_spin(
    columns, said, caplog
):
    make_schedule(**columns)
    tick(T0)

    tick("03:00")
    tick("03:00:01")

    log = CronLog.objects.get()
    assert (log.status, log.job, log.due_at) == ("error", None, at("03:00"))
    assert log.finished_at is not None
    assert said in said_of(log)
    assert said in caplog.text
    assert PeriodicTask.objects.get().enabled
    assert jobs() == 0


def test_one_broken_schedule_stops_no_other(sql, caplog):
    make_schedule("bad payload", kwargs="{")
    make_schedule("bad zone")
    make_schedule("bad cron")
    make_schedule("bad interval", **every(2**31 - 1, "days"))
    make_schedule("too short", **every(1, "microseconds"))
    make_schedule("nothing")
    make_schedule("good")
    sql(
        "UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Olympus' WHERE id ="
        " (SELECT crontab_id FROM django_celery_beat_periodictask WHERE name = 'bad zone')"
    )
    sql(
        "UPDATE django_celery_beat_crontabschedule SET minute = 'x' WHERE id ="
        " (SELECT crontab_id FROM django_celery_beat_periodictask WHERE name = 'bad cron')"
    )
    edit(PeriodicTask.objects.get(name="nothing"), crontab=None)
    memory = Memory()
    for moment in ("02:59", "02:59:01", "03:00", "03:00:01"):
        tick(moment, memory)

    assert due_times("good") == ["05 03:00:00"]
    for name in ("bad zone", "bad cron", "bad interval", "too short", "nothing"):
        assert caplog.text.count(f"schedule {name} cannot be fired") == 1


def test_a_solar_schedule_is_refused_in_the_log_once(caplog):
    solar = SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1)
    make_schedule(solar=solar)
    memory = Memory()

    for moment in ("02:31", "02:32", "12:00"):
        tick(moment, memory)

    assert caplog.text.count("Solar schedules are not supported") == 1


class Moody(BaseModel):
    """A payload whose check has a bug."""

    mood: str = "bad"

    @field_validator("mood", mode="before")
    @classmethod
    def look(cls, value: str) -> str:
        """Stumble."""
        return {"good": value}[value]


def test_a_payload_model_with_a_bug_is_an_error_of_that_firing_alone(caplog):
    @handler("moody")
    def moody(data: Moody, job: object) -> None:
        """Take a mood."""

    make_schedule("moody", task="moody", kwargs='{"mood": "bad"}')
    make_schedule("good")
    tick(T0)

    tick("03:00")

    registry.discard("moody")
    assert "KeyError" in said_of(CronLog.objects.get(job_name="moody"))
    assert jobs() == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_that_the_database_refuses_is_an_error_of_that_firing_alone(sql):
    make_schedule("bad", kwargs='{"bad": true}')
    make_schedule("good")
    tick(T0)
    sql("ALTER TABLE jobs ADD CONSTRAINT no_bad CHECK (NOT payload ? 'bad')")
    try:
        tick("03:00")
        tick("03:00:01")
    finally:
        sql("ALTER TABLE jobs DROP CONSTRAINT no_bad")

    assert "no_bad" in said_of(CronLog.objects.get(job_name="bad"))
    assert due_times("good") == ["05 03:00:00"]
    assert jobs() == 1
