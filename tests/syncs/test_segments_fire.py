"""Due times keep their word: once each, from the scheduled time, pauses respected."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from queues.models import Job
from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog, SegmentPass
from syncs.segments.fire import fire
from syncs.segments.steer import accept_removals, pause, reactivate
from tests.queues.runners import race
from tests.syncs.segments import go_on, members, run_jobs, segment, sync

pytestmark = pytest.mark.django_db
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
DAY = timedelta(days=1)


def six(days_ago=0):
    """Return six in the morning of today, or of a day before, as it was in São Paulo."""
    today = (
        now().astimezone(SAO_PAULO).replace(hour=6, minute=0, second=0, microsecond=0)
    )
    if today > now():
        today -= DAY
    return today - days_ago * DAY


def due(control, moment=None):
    SegmentControl.objects.filter(pk=control.pk).update(
        next_execution=moment or six(), cron="0 6 * * *"
    )
    control.refresh_from_db()
    return control


def test_b6_the_next_time_is_computed_from_the_scheduled_one():
    control = due(segment())

    assert fire() == 1

    control.refresh_from_db()
    assert control.next_execution == six() + DAY
    assert SegmentPass.objects.get().scheduled_for == six()


def test_s51_a_failed_day_is_no_success_and_moves_nothing(hub):
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")
    sync(control)
    control.refresh_from_db()
    good = control.last_success
    due(control)
    hub.fail("status", value=500, times=99)

    fire()
    for _ in range(4):
        log = go_on(control) or None

    control.refresh_from_db()
    assert (log.status, log.fault, log.scheduled_for) == ("error", "transient", six())
    assert control.last_success == good
    assert control.next_execution == six() + DAY
    assert (control.consecutive_errors, len(members(control))) == (1, 3)
    assert log.duration_seconds is not None


def test_b7_every_sync_has_its_log_row_also_one_whose_job_died(sql):
    control = due(segment())
    fire()
    sql(
        "UPDATE jobs SET status = 'cancelled', completed_at = now()"
        " WHERE type = 'sync-segment-leads'"
    )

    fire()

    log = SegmentLog.objects.get(control=control)
    assert (log.status, log.message) == ("cancelled", "Its job was cancelled")
    assert not SegmentPass.objects.exists()


def test_of_several_missed_days_the_last_is_run_once():
    control = due(segment(), six(days_ago=3))

    assert (fire(), fire()) == (1, 0)

    control.refresh_from_db()
    assert SegmentPass.objects.get().scheduled_for == six()
    assert control.next_execution == six() + DAY


def test_whoever_waits_for_the_next_time_is_not_made_up_for():
    moment = now() - timedelta(hours=2)
    control = segment(misfire="skip", cron=f"{moment.minute} {moment.hour} * * *")
    SegmentControl.objects.update(
        time_zone="UTC", next_execution=moment.replace(second=0, microsecond=0)
    )

    assert fire() == 0

    log = SegmentLog.objects.get()
    assert (log.status, log.message) == ("skipped", "It was missed")
    control.refresh_from_db()
    assert control.next_execution > now()


def test_a_sync_that_still_runs_is_not_followed_by_another():
    control = due(segment())
    fire()
    due(control, six(days_ago=1))

    assert fire() == 0

    assert SegmentLog.objects.get().message == "The sync before still runs"
    assert Job.objects.filter(type="sync-segment-leads").count() == 1


def test_a_paused_segment_never_runs_and_reactivation_makes_nothing_up():
    control = due(segment(), six(days_ago=2))

    pause(control.pk, "holidays")
    paused = fire()
    reactivate(control.pk)

    assert (paused, fire()) == (0, 0)
    control.refresh_from_db()
    assert (control.status, control.note) == ("active", "")
    assert control.next_execution > now()


def test_a_pause_stops_a_sync_of_the_schedule_at_its_next_page(hub):
    hub.fill(101, range(1, 4))
    control = due(segment(enrich="never"))
    fire()

    pause(control.pk)
    run_jobs()

    log = SegmentLog.objects.get()
    assert (log.status, log.message) == ("cancelled", "The segment was paused")
    control.refresh_from_db()
    assert control.consecutive_errors == 0


def test_jitter_spreads_the_starts_and_not_the_due_times():
    for number in range(1, 21):
        due(segment(number, jitter_seconds=86_400), now() - timedelta(seconds=1))

    fire()

    starts = sorted(Job.objects.values_list("run_at", flat=True))
    assert starts[-1] - starts[0] > timedelta(hours=6)
    assert SegmentPass.objects.count() == 20


def test_a_line_that_cannot_be_read_needs_a_person():
    control = segment(cron="every day")

    fire()

    control.refresh_from_db()
    assert control.status == "error"
    assert "five fields" in control.note


def test_s34_a_thousand_due_at_six_are_started_once_each():
    segment()
    SegmentControl.objects.all().delete()
    SegmentControl.objects.bulk_create(
        SegmentControl(
            segment_id=number, next_execution=six(), status="active", misfire="once",
            cron="0 6 * * *", time_zone="America/Sao_Paulo", jitter_seconds=0,
            enrich="never", enrich_most=0, guard_percent=20,
        )
        for number in range(1, 1001)
    )  # fmt: skip

    assert fire() == 1000

    assert SegmentPass.objects.count() == 1000
    assert SegmentControl.objects.filter(next_execution=six() + DAY).count() == 1000


@pytest.mark.parametrize(
    ("zone", "cron", "after", "due_at"),
    [
        ("America/New_York", "0 6 * * *", "2026-03-07T12:00Z", "2026-03-08T10:00Z"),
        ("America/New_York", "30 2 * * *", "2026-03-07T12:00Z", "2026-03-08T07:00Z"),
        ("Asia/Kolkata", "0 6 * * *", "2026-11-20T12:00Z", "2026-11-21T00:30Z"),
    ],
)
def test_s42_six_oclock_is_that_of_the_segments_zone(zone, cron, after, due_at):
    from syncs.segments.times import coming

    control = segment(time_zone=zone, cron=cron)

    assert coming(control, after=datetime.fromisoformat(after)) == (
        datetime.fromisoformat(due_at).astimezone(UTC)
    )


@pytest.mark.django_db(transaction=True)
def test_s50_eight_that_fire_at_once_start_each_due_time_once():
    for number in range(1, 13):
        due(segment(number))

    counts = race(8, lambda _: fire())

    assert sum(counts) == 12
    assert Job.objects.filter(type="sync-segment-leads").count() == 12


def test_accepting_removals_is_told():
    from queues.models import AuditEntry

    accept_removals(segment().pk)

    assert AuditEntry.objects.get().action == "segment.accept_removals"
