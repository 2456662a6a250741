"""Pausing with a note, resuming, and running now."""

import pytest
from django.contrib.auth import get_user_model
from django_celery_beat.models import PeriodicTask

from queues.errors import InvalidJobData, UnknownJobType, UnknownSchedule
from queues.models import AuditEntry, CronLog, Job, ScheduleState
from queues.schedule import pause, resume, run_now, schedule
from queues.work import run_due
from tests.queues.schedules import T0, due_times, edit, make_schedule, tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly() -> PeriodicTask:
    """Return a schedule for 03:00 that beat has noticed at 02:30."""
    task = make_schedule(kwargs='{"a": 1}', priority=3)
    tick(T0)
    return task


@pytest.fixture
def ana():
    """Return a member of staff."""
    return get_user_model().objects.create_user("ana")


def state() -> ScheduleState:
    """Return what is remembered of the schedule."""
    return ScheduleState.objects.get()


# ── Pause and resume ───────────────────────────────────────────────────────────────


def test_a_pause_says_when_why_and_by_whom_and_fires_nothing(nightly, ana):
    assert pause("nightly", note="The provider is down", by=ana) is True
    tick("03:00")

    found = state()
    assert (found.pause_note, found.paused_by) == ("The provider is down", ana)
    assert found.paused_at is not None
    assert due_times() == []


def test_a_pause_is_not_made_up_for_and_its_note_goes_with_it(nightly, ana):
    pause("nightly", note="wait", by=ana)
    tick("02:40")
    tick("03:10")

    assert resume("nightly") is True
    edit(nightly, date_changed=T0)
    tick("03:20")
    tick("2026-01-06 03:00")

    assert due_times() == ["06 03:00:00"]
    found = state()
    assert (found.paused_at, found.paused_by, found.pause_note) == (None, None, "")


def test_paused_again_the_last_note_is_kept(nightly, ana):
    pause("nightly", note="one")

    assert pause("nightly", note="two", by=ana) is False

    assert (state().pause_note, state().paused_by) == ("two", ana)


def test_what_is_not_paused_cannot_be_resumed(nightly):
    assert resume("nightly") is False


def test_a_note_about_another_pause_is_forgotten_whoever_switched_it_on(nightly):
    pause("nightly", note="wait")
    tick("02:40")
    edit(nightly, enabled=True)

    tick("02:41")

    assert (state().paused_at, state().pause_note) == (None, "")


def test_a_schedule_that_no_beat_has_noticed_can_be_paused():
    make_schedule()

    pause("nightly", note="not yet")
    tick(T0)
    tick("03:00")

    assert (state().pause_note, due_times()) == ("not yet", [])


def test_code_that_declares_the_schedule_again_leaves_the_pause_alone():
    schedule("ours", type="noop", cron="0 3 * * *")
    pause("ours", note="wait")

    schedule("ours", type="noop", cron="0 4 * * *")

    assert state().pause_note == "wait"
    assert not PeriodicTask.objects.get().enabled

    schedule("ours", type="noop", cron="0 4 * * *", force=True)

    assert state().pause_note == ""
    assert PeriodicTask.objects.get().enabled


def test_a_deleted_user_leaves_the_pause_behind(nightly, ana):
    pause("nightly", note="wait", by=ana)

    ana.delete()

    assert (state().paused_by, state().pause_note) == (None, "wait")


# ── Run now ────────────────────────────────────────────────────────────────────────


def test_a_run_by_hand_is_a_job_and_a_firing_without_a_due_time(nightly, ana):
    job = run_now("nightly", by=ana)

    assert (job.type, job.payload, job.priority) == ("noop", {"a": 1}, 3)
    assert (job.source, job.owner_id) == ("schedule", ana.pk)
    log = CronLog.objects.get()
    assert (log.schedule, log.job, log.due_at, log.status) == (
        nightly,
        job,
        None,
        "running",
    )


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_run_by_hand_closes_its_firing(nightly):
    run_now("nightly")

    run_due(limit=1, seconds=5)

    assert CronLog.objects.get().status == "success"


def test_a_run_by_hand_moves_no_due_time_and_runs_beside_a_pause(nightly):
    pause("nightly")
    run_now("nightly")
    resume("nightly")
    edit(nightly, date_changed=T0)
    tick("02:45")

    tick("03:00")

    assert due_times() == ["05 03:00:00", "by hand"]


@pytest.mark.parametrize(
    ("columns", "error"),
    [({"task": "no-such-type"}, UnknownJobType), ({"kwargs": "{"}, InvalidJobData)],
)
def test_a_run_that_is_refused_writes_nothing(nightly, columns, error):
    edit(nightly, **columns)

    with pytest.raises(error):
        run_now("nightly")

    assert not Job.objects.exists()
    assert not CronLog.objects.exists()


# ── Both ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", [pause, resume, run_now])
def test_an_unknown_schedule_is_named(verb):
    with pytest.raises(UnknownSchedule, match="Unknown schedule: nowhere"):
        verb("nowhere")


def test_every_turn_of_the_wheel_is_in_the_audit_log(nightly):
    pause("nightly", note="wait")
    run_now("nightly")
    resume("nightly")

    entries = AuditEntry.objects.order_by("id").values_list("action", "label", "reason")
    assert list(entries) == [
        ("schedule.pause", "nightly", "wait"),
        ("schedule.run", "nightly", ""),
        ("schedule.resume", "nightly", ""),
    ]
