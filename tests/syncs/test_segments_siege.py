"""A large segment among a SIGKILL, two throttles and a page served twice."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from cadences.models import Lead
from queues.models import Attempt, Job
from queues.states import End
from syncs.models import SegmentLog, SegmentMember, SegmentPage, SyncedLead
from syncs.segments.read import read
from syncs.segments.start import start
from tests.processes import until, worker
from tests.simulators.sprinthub import INSTANCE, TOKEN
from tests.syncs.segments import members, segment

pytestmark = [pytest.mark.django_db(transaction=True)]

LEADS = int(os.environ.get("SEGMENT_LEADS", "2400"))
"""The long form: SEGMENT_LEADS=23500, which is 235 pages."""
NEW, CHANGED, GONE = 40, 160, 20
PATIENCE = 120 + LEADS / 20


def known(hub, control):
    """Write what an earlier sync left: all but the newest leads, and some that left."""
    day_ago = timezone.now() - timedelta(days=1)
    keys = [*range(1, LEADS - NEW + 1), *range(LEADS + 1, LEADS + GONE + 1)]
    leads = [
        Lead(id=uuid4(), company_id="acme", external_id=f"sprinthub:{key}", name="Ana",
             first_name="Ana")
        for key in keys
    ]  # fmt: skip
    Lead.objects.bulk_create(leads, batch_size=5000)
    rows = []
    for key, each in zip(keys, leads, strict=True):
        reading = read(hub.leads[key], zone="UTC") if key <= LEADS else None
        moment = reading.updated_at if reading else day_ago
        rows.append(
            SyncedLead(
                company_id="acme", external_id=str(key), lead=each,
                row_hash=reading.digest if reading else "x", enriched_at=day_ago,
                provider_updated_at=moment, enriched_for=moment, updated_at=day_ago,
            )
        )  # fmt: skip
    SyncedLead.objects.bulk_create(rows, batch_size=5000)
    SegmentMember.objects.bulk_create(
        [
            SegmentMember(
                control=control, lead=each, external_id=str(key), joined_at=day_ago
            )
            for key, each in zip(keys, leads, strict=True)
        ],
        batch_size=5000,
    )


@pytest.mark.raw_rows
@pytest.mark.timeout(4 * PATIENCE)
def test_acceptance_2_nobody_is_lost_or_doubled(hub):  # noqa: PLR0915 - one story
    hub.fill(101, range(1, LEADS + 1))
    control = segment(
        order_is_kept=False, last_success=timezone.now(), enrich_most=10_000
    )
    known(hub, control)
    for number in range(1, CHANGED + 1):
        hub.leads[number * 7].update(city="Santos", updatedDate="2026-11-20T10:00:00Z")
    last = LEADS // 100 - 1
    hub.fail("throttle_401", "rows", pages=(last // 4,), value=1)
    hub.fail("throttle_429", "lead", after=50, value=1)
    hub.fail("repeat_page", "rows", pages=(last // 2,))
    environment = {
        "SPRINTHUB_BASE_URL": hub.url, "SPRINTHUB_API_TOKEN": TOKEN,
        "SPRINTHUB_INSTANCE": INSTANCE, "SPRINTHUB_CALLS_A_MINUTE": "6000",
    }  # fmt: skip
    job = start(control, trigger="manual").sync.job_id

    with worker("-c", "1", **environment) as first:
        until(lambda: SegmentPage.objects.count() > last // 3, PATIENCE, every=0.01)
        first.kill()
    with worker("-c", "1", **environment):
        until(SegmentLog.objects.exists, 3 * PATIENCE)
        until(lambda: Job.objects.get(pk=job).completed_at)

    log = SegmentLog.objects.get()
    rows = [each.page for each in hub.calls("rows")]
    asked = [each.lead for each in hub.calls("lead")]
    print(log.stats, len(rows), len(asked), log.duration_seconds)
    assert (log.status, log.stats["total"]) == ("success", LEADS), log.message
    assert members(control) == {str(n) for n in range(1, LEADS + 1)}
    assert Lead.objects.count() == LEADS + GONE
    assert log.stats["left"] == GONE
    assert len(set(asked)) == NEW + CHANGED
    assert len(asked) <= (NEW + CHANGED) * 1.01 + 1  # the one that was throttled
    assert Attempt.objects.filter(job_id=job, outcome=End.LOST).count() == 1
    # Two sweeps, because of the page served twice; one page more for each interruption.
    assert len(rows) <= 2 * (last + 1) + 2
