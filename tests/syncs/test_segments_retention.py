"""What segments leave behind goes in its time, and nothing before."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from syncs.models import (
    Enrolment,
    LeadEvent,
    LeadHint,
    SegmentLog,
    SegmentMember,
    SegmentRefusal,
)
from syncs.prune import prune
from tests.syncs.segments import members, run_jobs, segment, sync
from tests.syncs.test_segments_enrol import rule

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def pass_(model, field, days):
    """Let every row of a table be so many days older."""
    model.objects.update(**{field: F(field) - days * DAY})


def test_events_go_after_a_month_and_those_that_enrolled_after_three(hub):
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")
    rule(control)
    sync(control)
    hub.add(4, 101)
    sync(control)
    run_jobs()
    assert (LeadEvent.objects.count(), Enrolment.objects.count()) == (4, 1)
    SegmentMember.objects.update(joined_at=Now() - 200 * DAY)

    for days, left in ((29, 4), (2, 1), (58, 1), (2, 0)):
        pass_(LeadEvent, "at", days)
        prune()
        assert LeadEvent.objects.count() == left

    assert len(members(control)) == 4


def test_the_last_success_of_a_segment_stays_however_old():
    control, other = segment(101), segment(102)
    for status in ("success", "success", "partial", "error", "skipped"):
        SegmentLog.objects.create(control=control, segment_id=101, status=status)
    SegmentLog.objects.create(control=other, segment_id=102, status="success")
    newest = SegmentLog.objects.filter(control=control, status="success").latest("pk")

    assert prune()["segment_logs"] == 0
    pass_(SegmentLog, "execution_time", 91)
    assert prune()["segment_logs"] == 3
    pass_(SegmentLog, "execution_time", 100)
    assert prune()["segment_logs"] == 1

    left = SegmentLog.objects.order_by("pk")
    assert left[0] == newest
    assert [each.control for each in left] == [control, other]


def test_hints_settled_rows_and_old_memberships_go(hub):
    hub.fill(101, range(1, 3))
    control = segment(enrich="never")
    sync(control)
    for number in range(2):
        LeadHint.objects.create(external_id="1", digest=str(number), window=number)
        SegmentRefusal.objects.create(
            control=control, external_id=str(number), reason="?", sample={},
            resolved_at=Now(),
        )  # fmt: skip
    SegmentRefusal.objects.create(control=control, external_id="9", reason="?")
    LeadHint.objects.filter(digest="0").update(received_at=Now() - 8 * DAY)
    SegmentRefusal.objects.filter(external_id="0").update(resolved_at=Now() - 31 * DAY)
    SegmentMember.objects.filter(external_id="1").update(removed_at=Now() - 181 * DAY)

    gone = prune()

    assert (gone["lead_hints"], gone["segment_refusals"]) == (1, 1)
    assert gone["segment_members"] == 1
    assert set(LeadHint.objects.values_list("digest", flat=True)) == {"1"}
    assert members(control) == {"2"}
    open_ = SegmentRefusal.objects.filter(resolved_at=None)
    assert [each.external_id for each in open_] == ["9"]
