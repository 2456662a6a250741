"""Many segments due at the same minute, and a command that takes a sync over."""

import math
import os
import statistics
import threading
import time
import urllib.request
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Count

from queues.models import Attempt, Job
from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog
from syncs.segments.fire import fire
from syncs.segments.measure import busiest
from tests.processes import Process, free_port, manage, until, web, worker
from tests.simulators.sprinthub import INSTANCE, TOKEN
from tests.syncs.segments import company, members, segment

pytestmark = [pytest.mark.django_db(transaction=True)]

CONTROLS = int(os.environ.get("SEGMENT_CONTROLS", "60"))
"""The long form: SEGMENT_CONTROLS=10000."""
PATIENCE = 120 + CONTROLS / 2
DAY = timedelta(days=1)
# The most tries that were open at the moment when one of them was opened.
AT_ONCE = """
SELECT max(others) FROM (
    SELECT (SELECT count(*) FROM job_attempts AS b
            WHERE b.claimed_at <= a.claimed_at AND b.finished_at > a.claimed_at
              AND b.outcome <> 'released' AND b.job_id = ANY(%(jobs)s)) AS others
    FROM job_attempts AS a
    WHERE a.job_id = ANY(%(jobs)s) AND a.outcome <> 'released'
    ORDER BY a.id LIMIT 2000) AS seen
"""


def environment(hub):
    return {
        "SPRINTHUB_BASE_URL": hub.url, "SPRINTHUB_API_TOKEN": TOKEN,
        "SPRINTHUB_INSTANCE": INSTANCE, "SPRINTHUB_CALLS_A_MINUTE": "6000",
    }  # fmt: skip


def six():
    """Return six in the morning as it was last, in São Paulo."""
    local = now().astimezone(ZoneInfo("America/Sao_Paulo"))
    at = local.replace(hour=6, minute=0, second=0, microsecond=0)
    return at if at <= local else at - DAY


def furnish(hub):
    """Write many segments that are due, each of one lead."""
    company()
    for number in range(1, 11):
        hub.add(number)
    SegmentControl.objects.bulk_create(
        SegmentControl(
            segment_id=number, next_execution=six(), status="active", misfire="once",
            cron="0 6 * * *", time_zone="America/Sao_Paulo", jitter_seconds=0,
            enrich="never", enrich_most=0, guard_percent=20, company_id="acme",
        )
        for number in range(1, CONTROLS + 1)
    )  # fmt: skip
    for number in range(1, CONTROLS + 1):
        hub.segments[number] = [1 + number % 10]


def look_on(port, stop, seen):
    """Ask the web process for its pulse, and note how long it took."""
    while not stop.wait(0.2):
        since = time.monotonic()
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/healthz", timeout=60
        ) as answer:
            answer.read()
        seen.append(time.monotonic() - since)


@pytest.mark.timeout(8 * PATIENCE)
def test_s34_many_due_at_six_run_once_each_and_disturb_nobody(hub):  # noqa: PLR0915
    furnish(hub)
    crowd = busiest()
    assert crowd is not None
    assert (crowd.syncs, crowd.places) == (CONTROLS, 3)
    assert crowd.span == timedelta(seconds=math.ceil(CONTROLS / 3) * crowd.seconds)
    port, stop = free_port(), threading.Event()
    seen: list[float] = []

    with web(port), worker("-c", "4", **environment(hub)):
        looking = threading.Thread(target=look_on, args=[port, stop, seen])
        looking.start()
        since = time.monotonic()
        assert fire() == CONTROLS
        enqueued = time.monotonic() - since
        ticks = []
        while SegmentLog.objects.count() < CONTROLS:
            since = time.monotonic()
            assert fire() == 0
            ticks.append(time.monotonic() - since)
            time.sleep(2)
        stop.set()
        looking.join()
        until(lambda: not Job.objects.filter(completed_at=None).exists())

    p95 = statistics.quantiles(seen, n=20)[-1]
    print(
        f"{CONTROLS} due: enqueued in {enqueued:.2f} s, ticks of {max(ticks):.2f} s,"
        f" web p95 {p95 * 1000:.0f} ms, {len(seen)} looks"
    )
    assert enqueued < 10
    assert max(ticks) < 5
    counts = SegmentLog.objects.values("control").annotate(n=Count("pk"))
    assert {each["n"] for each in counts} == {1}
    assert SegmentLog.objects.filter(status="success").count() == CONTROLS
    rows = SegmentControl.objects.filter(next_execution=six() + DAY)
    assert rows.count() == CONTROLS
    with connection.cursor() as cursor:
        jobs = list(SegmentLog.objects.values_list("job_id", flat=True))
        cursor.execute(AT_ONCE, {"jobs": jobs})
        assert cursor.fetchone()[0] <= 3


@pytest.mark.timeout(400)
def test_s53_a_second_command_attaches_and_a_forced_one_takes_over(hub):  # noqa: PLR0915
    pages = 6
    hub.fill(101, range(1, 100 * pages + 1))
    hub.fail("slow", "rows", times=99, value=1.5)
    control = segment(enrich="never", status="paused")
    order = manage("sync_segment", "101")

    with worker("-c", "2", **environment(hub)):
        first = Process(order)
        first.wait_for("started")
        second = Process(order)
        second.wait_for("attached to job")
        until(lambda: len(hub.calls("rows")) >= 2)
        forced = Process([*order, "--force-takeover"])
        ends = [each.wait(120) for each in (first, second, forced)]

    said = [each.output for each in (first, second, forced)]
    for each in (first, second, forced):
        each.log.unlink()
    assert ends == [0, 0, 0], said
    assert all("found=600" in each for each in said)
    assert "[##" in said[0]
    assert len(members(control)) == 600
    log = SegmentLog.objects.get()
    assert (log.status, log.trigger) == ("success", "command")
    assert log.actor
    control.refresh_from_db()
    assert control.status == "paused"
    # The new job went on where the old one stood: one page is read twice at the most.
    assert len(hub.calls("rows")) <= pages + 2
    jobs = Job.objects.filter(type="sync-segment-leads").order_by("pk")
    assert [each.status for each in jobs] == ["cancelled", "completed"]
    assert Attempt.objects.filter(job=jobs[0]).count() == 1
