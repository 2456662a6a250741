"""What an error means: wait, try again, or call a person: S14, S18, S19, S53, S55, S56."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from queues.models import Job
from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog, SegmentPass
from syncs.segments import measure
from syncs.segments.errors import Ghost
from syncs.segments.fence import holding, take_up
from syncs.segments.start import start
from tests.simulators.sprinthub import TOKEN
from tests.syncs.segments import go_on, members, run_jobs, segment, sync

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_pages(small_pages):
    """Let a page hold ten rows."""


def unblocked():
    """Let the wait of the account be over."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE provider_budgets SET blocked_until = NULL")


@pytest.mark.parametrize("kind", ["throttle_401", "throttle_429"])
def test_s18_a_throttle_is_a_wait_that_counts_as_nothing(hub, kind):
    hub.fill(101, range(1, 25))
    hub.fail(kind, "rows", pages=(1,))
    control = segment(enrich="never")

    waits = sync(control)
    job = Job.objects.get(type="sync-segment-leads")
    wait = job.run_at - now()
    calls = len(hub.asked)
    still = go_on(control)
    unblocked()
    log = go_on(control)

    assert waits is still is None
    assert timedelta(seconds=50) < wait <= timedelta(seconds=66)
    assert calls == 2
    assert (log.status, log.stats["waits"]) == (SegmentLog.Status.SUCCESS, 2)
    job.refresh_from_db()
    assert job.failures == 0
    assert [each.page for each in hub.calls("rows")] == [0, 1, 1, 2]


def test_s18_a_refused_token_stops_at_once_and_calls_a_person(hub):
    hub.fill(101, range(1, 25))
    control = segment(enrich="never")
    hub.fail("revoked", pages=(1,), times=99)

    log = sync(control)

    control.refresh_from_db()
    assert (log.status, log.fault) == (SegmentLog.Status.ERROR, "auth")
    assert (control.status, len(hub.asked)) == ("error", 2)
    assert "SPRINTHUB_API_TOKEN" in control.note
    assert len(members(control)) == 10

    hub.faults.clear()
    good = sync(control)

    control.refresh_from_db()
    assert good.status == SegmentLog.Status.SUCCESS
    assert (control.status, control.consecutive_errors) == ("active", 0)


def test_a_missing_setting_is_named(settings):
    settings.SPRINTHUB_BASE_URL = "http://127.0.0.1:9"
    settings.SPRINTHUB_API_TOKEN = ""
    control = segment()

    log = sync(control)

    assert (log.fault, log.message) == ("config", "SPRINTHUB_API_TOKEN is not set")


def test_a_wrong_instance_is_a_refused_access(hub, settings):
    settings.SPRINTHUB_INSTANCE = "somebody-else"

    log = sync(segment())

    assert log.fault == "auth"


def test_an_outage_is_tried_three_times_then_told(hub):
    control = segment()
    hub.fail("status", value=503, times=99)

    sync(control)
    go_on(control)
    log = go_on(control)

    assert (log.status, log.fault) == (SegmentLog.Status.ERROR, "transient")
    assert len(hub.asked) == 3
    assert Job.objects.get(type="sync-segment-leads").status == "failed"


def test_a_try_that_gets_ahead_is_no_failure(hub):
    hub.fill(101, range(1, 55))
    for page in (1, 2, 3, 4, 5):
        hub.fail("status", "rows", value=502, pages=(page,))
    control = segment(enrich="never")

    sync(control)
    for _ in range(5):
        log = go_on(control)

    assert log.status == SegmentLog.Status.SUCCESS
    assert Job.objects.get(type="sync-segment-leads").failures == 0


def test_s55_a_cancelled_sync_keeps_what_it_wrote(hub, sql):
    control = segment(enrich="never")
    start(control, trigger="manual")
    sql("UPDATE jobs SET cancel_requested_at = now() WHERE type = 'sync-segment-leads'")
    from queues.cancel import cancel

    cancel(Job.objects.get(type="sync-segment-leads").pk)
    from syncs.segments.fire import fire

    fire()

    log = SegmentLog.objects.get(control=control)
    assert log.status == SegmentLog.Status.CANCELLED


def test_a_ghost_writes_nothing_more():
    started = start(segment(), trigger="manual")
    ghost = take_up(started.sync)
    take_up(started.sync)

    with pytest.raises(Ghost), holding(ghost):
        pass


def test_a_job_of_sql_for_a_segment_finds_its_sync(hub, sql):
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")

    sql("SELECT enqueue_job('sync-segment-leads', '{\"segment_id\": 101}')")
    run_jobs()

    assert SegmentLog.objects.get(control=control).status == "success"


def test_two_that_want_a_segment_share_one_sync():
    control = segment()

    one, two = (start(control, trigger="manual") for _ in range(2))

    assert (one.is_new, two.is_new, two.sync) == (True, False, one.sync)
    assert SegmentPass.objects.count() == 1


def test_s56_the_token_is_nowhere(hub, caplog, tmp_path):
    hub.fill(101, range(1, 4))
    control = segment()
    caplog.set_level(logging.DEBUG)
    hub.fail("revoked", times=1)
    sync(control)
    sync(control)
    hub.fail("body", value={"msg": f"bad {TOKEN}"}, times=5)
    sync(control)
    go_on(control)

    file = tmp_path / "dump.json"
    call_command("dumpdata", output=str(file), verbosity=0)
    assert TOKEN not in file.read_text()
    assert TOKEN not in caplog.text
    assert all(TOKEN not in str(job.error) for job in Job.objects.all())


def test_what_is_measured_comes_from_the_log_rows():
    control = segment()
    for status, seconds in (
        ("success", 2), ("success", 4), ("partial", 6), ("error", 8), ("skipped", 0),
    ):  # fmt: skip
        SegmentLog.objects.create(
            segment_id=101,
            control=control,
            status=status,
            stats={"processed": 10},
            active_seconds=Decimal(seconds),
        )

    day = measure.lately(control.pk)

    assert (day.syncs, day.errors, day.leads, day.longest) == (4, 1, 50, 8)
    assert day.rate == pytest.approx(62.5)
    assert [each.syncs for each in measure.by_day()] == [4]
    assert measure.lately(SegmentControl.objects.latest("pk").pk + 1).rate is None


def test_metrics_tell_of_segments(client, settings, stand):
    from tests.syncs.stores import make_store

    link = make_store(stand, "Loja").connections.get()
    mine, other = segment(), segment(connection=link)
    for status in ("success", "partial", "error"):
        SegmentLog.objects.create(
            segment_id=101, control=mine, status=status, stats={"processed": 10},
            active_seconds=4,
        )  # fmt: skip

    text = client.get("/metrics").content.decode()

    account = f"101@{link.external_account}"
    assert 'ritmo_segment_members{segment="101"} 0.0' in text
    assert f'ritmo_segment_members{{segment="{account}"}} 0.0' in text
    for name, value in (
        ("syncs_last_week", 3), ("errors_last_week", 1), ("leads_last_week", 30),
        ("success_ratio_last_week", 0.5), ("median_seconds_last_week", 4),
        ("longest_seconds_last_week", 4),
    ):  # fmt: skip
        assert f'ritmo_segment_{name}{{segment="101"}} {float(value)}' in text
    assert f'ritmo_segment_success_ratio_last_week{{segment="{account}"}}' not in text
    assert "ritmo_segment_success_ratio 0.5" in text
    assert other.pk != mine.pk
