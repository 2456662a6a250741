"""Beats that race, staff that hold rows, processes that stop half-way."""

import threading
from datetime import datetime
from time import monotonic

import pytest
from django.db import OperationalError, connection, transaction
from django_celery_beat.models import PeriodicTask

from queues.errors import QueueError
from queues.fire import Memory, fire
from queues.models import CronLog, ScheduleState
from tests.queues.schedules import (
    MINUTE,
    SECOND,
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beats", [2, 3])
def test_beats_that_race_fire_each_due_time_once(beats):
    for number in range(30):
        make_schedule(f"schedule {number}", **every(1))
    tick(T0)
    gate = threading.Barrier(beats)

    def run() -> None:
        for second in range(1, 6):
            gate.wait(10)
            tick(T0 + second * SECOND)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(beats)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tick(T0 + 5 * SECOND)

    assert jobs() == CronLog.objects.filter(job__isnull=False).count()
    assert jobs() == CronLog.objects.values("schedule_id", "due_at").distinct().count()
    assert CronLog.objects.filter(due_at=T0 + 5 * SECOND).count() == 30


@pytest.mark.django_db(transaction=True)
def test_a_schedule_that_staff_hold_is_fired_when_they_let_go(nightly):
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            PeriodicTask.objects.select_for_update().get(pk=nightly.pk)
            held.set()
            let_go.wait(10)
        connection.close()

    staff = threading.Thread(target=hold)
    staff.start()
    held.wait(10)

    wait = tick("03:00")
    before = jobs()
    let_go.set()
    staff.join()
    tick("03:00:00.2")

    assert (before, jobs()) == (0, 1)
    assert 0 < wait <= 0.2


@pytest.mark.django_db(transaction=True)
def test_a_firing_is_whole_or_not_at_all(nightly, monkeypatch):
    def fail(*_: object) -> None:
        raise QueueError("the machine stops here")

    with monkeypatch.context() as patch:
        patch.setattr("queues.fire.finish", fail)
        with pytest.raises(QueueError):
            tick("03:00")
    assert (jobs(), due_times()) == (0, [])

    tick("03:00:01")

    assert (jobs(), due_times()) == (1, ["05 03:00:00"])


@pytest.mark.django_db(transaction=True)
def test_an_outage_half_way_is_for_the_caller_and_loses_nothing(nightly, monkeypatch):
    def fail(*_: object) -> None:
        raise OperationalError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr("queues.fire.finish", fail)
        with pytest.raises(OperationalError):
            tick("03:00")
    tick("03:00:01")

    assert (jobs(), due_times()) == (1, ["05 03:00:00"])


def test_a_firing_that_is_already_written_is_not_fired_again(nightly):
    tick("03:00")
    ScheduleState.objects.update(counted_from=T0)

    tick("03:00:01")

    assert jobs() == 1
    assert ScheduleState.objects.get().counted_from == at("03:00")


def test_pruned_logs_and_stale_forms_move_no_due_time(nightly):
    form = PeriodicTask.objects.get()
    tick("03:00")
    CronLog.objects.all().delete()
    form.save()
    edit(nightly, last_run_at=None, date_changed=T0)

    tick("03:30")

    assert jobs() == 1


def test_a_deleted_schedule_takes_its_memory_along_and_leaves_its_logs(nightly):
    tick("03:00")

    nightly.delete()

    assert not ScheduleState.objects.exists()
    assert CronLog.objects.get().schedule is None
    assert fire(now=at("03:01")) == pytest.approx(1, abs=0.1)


def test_a_thousand_schedules_due_at_once_fire_within_a_few_seconds():
    interval = every(60)
    PeriodicTask.objects.bulk_create(
        PeriodicTask(name=f"many {number}", task="noop", **interval)
        for number in range(1000)
    )
    PeriodicTask.objects.update(date_changed=T0)
    memory = Memory()
    tick(T0, memory)

    def seconds(moment: datetime) -> float:
        began = monotonic()
        tick(moment, memory)
        return monotonic() - began

    # On a busy machine the best of some tries tells.
    took = min(seconds(T0 + number * MINUTE) for number in (1, 2))
    idle = min(seconds(T0 + 2 * MINUTE + number * SECOND) for number in (1, 2, 3))

    assert jobs() == 2000
    assert took < 5, took
    assert idle < 1, idle
