"""What people are told of segments: each rule fires once, ends once, and can be silent."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import AlertMessage, AlertRule, AlertState
from syncs.models import SegmentControl, SegmentLog, SegmentPass
from syncs.segments.conclude import End, conclude
from syncs.segments.fire import fire
from syncs.segments.start import start
from tests.syncs.segments import go_on, segment, sync
from tests.syncs.stores import make_store
from tests.syncs.test_segments_faults import unblocked

pytestmark = pytest.mark.django_db

FIRED, RECOVERED = AlertMessage.Kind.FIRED, AlertMessage.Kind.RECOVERED
MINUTES = timedelta(minutes=1)


@pytest.fixture
def only():
    """Return a function that lets one shipped rule watch."""
    install_rules()

    def choose(code: str) -> None:
        assert AlertRule.objects.filter(code=code).exists()
        AlertRule.objects.exclude(code=code).update(enabled=False)

    return choose


def told(code: str) -> list[str]:
    """Look at the rules twice, so that nothing is told twice; return what was told."""
    assert watch().failed == ()
    watch()
    rows = AlertMessage.objects.filter(rule__code=code).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def ended(control: SegmentControl, status: str, many: int = 1, **facts: Any) -> None:
    """Write log rows of syncs that ended so."""
    SegmentLog.objects.bulk_create(
        SegmentLog(
            control=control, segment_id=control.segment_id, status=status,
            stats=facts.get("stats", {}), trigger="cron", fault=facts.get("fault", ""),
            active_seconds=Decimal(facts.get("active", 1)),
            success_rate=facts.get("rate"), scheduled_for=facts.get("due"),
        )
        for _ in range(many)
    )  # fmt: skip


def fail(control: SegmentControl, times: int = 1, *, status: str = "error") -> None:
    """End so many syncs of a segment, as its own jobs would."""
    for _ in range(times):
        run = start(control, trigger="manual").sync
        run.control = SegmentControl.objects.get(pk=control.pk)
        conclude(run, End(status, "?", "transient"))


@pytest.mark.parametrize(
    ("good", "bad", "fires"),
    [(1, 19, True), (0, 1, False), (0, 19, False), (949, 51, True), (950, 50, False)],
)
def test_S47_the_success_rate_fires_below_95_of_20_or_more(only, good, bad, fires):
    only("segment-success-rate")
    control = segment()
    ended(control, "success", good)
    ended(control, "error", bad)
    ended(control, "skipped", 30)
    ended(control, "cancelled", 30)

    assert told("segment-success-rate") == ([FIRED] if fires else [])


def test_S47_the_success_rate_recovers_once_and_partial_counts_half(only):
    only("segment-success-rate")
    control = segment()
    ended(control, "success", 15)
    ended(control, "partial", 5)
    assert told("segment-success-rate") == [FIRED]
    message = AlertMessage.objects.get()
    assert (message.level, "87.5 %" in message.body) == ("warning", True)

    SegmentLog.objects.filter(status="partial").update(status="success")

    assert told("segment-success-rate") == [FIRED, RECOVERED]


def test_S47_a_very_low_rate_is_critical(only):
    only("segment-success-rate")
    ended(segment(), "success", 1)
    ended(SegmentControl.objects.get(), "error", 19)

    assert told("segment-success-rate") == [FIRED]
    assert AlertMessage.objects.get().level == "critical"


def test_S47_staff_may_watch_the_rate_of_one_segment(only):
    only("segment-success-rate")
    AlertRule.objects.create(
        code="own", measure="segment-success-each", side="below", threshold=95
    )
    good, bad = segment(101), segment(102, name="Novos")
    ended(good, "success")
    ended(bad, "error")

    assert told("own") == [FIRED]
    assert AlertMessage.objects.get().subjects == ["Novos (102)"]


def test_S48_the_sixth_error_in_a_row_fires_and_a_success_recovers(only):
    only("segment-consecutive-errors")
    control = segment()

    fail(control, 5)
    fail(control, status="cancelled")
    assert told("segment-consecutive-errors") == []
    fail(control)
    assert told("segment-consecutive-errors") == [FIRED]
    assert AlertMessage.objects.get().level == "critical"
    fail(control)
    assert told("segment-consecutive-errors") == [FIRED]
    fail(control, status="success")

    assert told("segment-consecutive-errors") == [FIRED, RECOVERED]


def test_S48_waits_do_not_count(only, hub):
    only("segment-consecutive-errors")
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")
    hub.fail("throttle_401", times=7)

    assert sync(control) is None
    for _ in range(7):
        unblocked()
        go_on(control)

    assert SegmentLog.objects.get().status == "success"
    assert told("segment-consecutive-errors") == []


def test_S48_a_paused_segment_is_silent(only):
    only("segment-consecutive-errors")
    fail(segment(), 6)
    SegmentControl.objects.update(status="paused")

    assert told("segment-consecutive-errors") == []


def test_S47_twelve_segments_that_fail_together_are_one_incident(only):
    only("segment-consecutive-errors")
    for number in range(12):
        segment(100 + number)
    SegmentControl.objects.update(consecutive_errors=6)

    assert told("segment-consecutive-errors") == [FIRED]
    message = AlertMessage.objects.get()
    assert "SprintHub (12 subjects)" in message.title
    assert len(message.subjects) == 12
    SegmentControl.objects.filter(segment_id__gt=100).update(consecutive_errors=0)
    assert told("segment-consecutive-errors") == [FIRED]
    SegmentControl.objects.update(consecutive_errors=0)

    assert told("segment-consecutive-errors") == [FIRED, RECOVERED]


@pytest.mark.parametrize(
    ("active", "all_of_it", "fires"), [(601, 601, True), (300, 1500, False)]
)
def test_S49_ten_minutes_of_work_fire_and_waits_do_not(only, active, all_of_it, fires):
    only("segment-run-time")
    ended(segment(), "success", active=active)
    SegmentLog.objects.update(duration_seconds=all_of_it)

    assert told("segment-run-time") == ([FIRED] if fires else [])
    SegmentLog.objects.update(execution_time=Now() - 61 * MINUTES)
    assert told("segment-run-time") == ([FIRED, RECOVERED] if fires else [])


def test_S49_a_sync_that_still_runs_is_seen(only, sql):
    only("segment-run-time")
    control = segment()
    begun = start(control, trigger="manual").sync
    sql(
        "INSERT INTO job_attempts (job_id, number, claimed_at, started_at)"
        " VALUES (%s, 1, now(), now() - interval '401 seconds')",
        begun.job_id,
    )
    SegmentPass.objects.update(stats={"active": 120})
    assert told("segment-run-time") == []
    SegmentPass.objects.update(stats={"active": 240})

    assert told("segment-run-time") == [FIRED]
    sql("DELETE FROM job_attempts")


def test_S49_a_sync_of_more_than_two_hours_is_told_by_its_age(only):
    only("segment-stuck")
    control = segment(jitter_seconds=3600)
    start(control, trigger="manual")

    SegmentPass.objects.update(created_at=Now() - 179 * MINUTES)
    assert told("segment-stuck") == []
    SegmentPass.objects.update(created_at=Now() - 181 * MINUTES)
    assert told("segment-stuck") == [FIRED]
    SegmentPass.objects.update(created_at=Now())

    assert told("segment-stuck") == [FIRED, RECOVERED]


def test_a_due_time_that_fails_is_told_once_until_one_goes_well(only, hub):
    only("segment-cron-failure")
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")
    hub.fail("status", value=500, times=99)
    for _ in range(2):
        due(control)
        fire()
        while go_on(control) is None:
            pass
        assert told("segment-cron-failure") == [FIRED]
    hub.faults.clear()
    due(control)
    fire()
    assert go_on(control).status == "success"

    assert told("segment-cron-failure") == [FIRED, RECOVERED]


def due(control: SegmentControl) -> None:
    """Let a segment be due, at a minute of its own."""
    minutes = SegmentLog.objects.count() + 1
    SegmentControl.objects.filter(pk=control.pk).update(
        next_execution=Now() - minutes * MINUTES
    )


def test_a_failure_by_hand_is_no_failure_of_the_schedule(only):
    only("segment-cron-failure")
    fail(segment())

    assert told("segment-cron-failure") == []


def test_a_due_time_that_nobody_fires_is_told(only):
    only("segments-late")
    segment()
    SegmentControl.objects.update(next_execution=Now() - 14 * MINUTES)
    assert told("segments-late") == []
    SegmentControl.objects.update(next_execution=Now() - 16 * MINUTES)
    assert told("segments-late") == [FIRED]
    assert AlertMessage.objects.get().level == "critical"

    fire()

    assert told("segments-late") == [FIRED, RECOVERED]


def test_S18_a_refused_token_is_one_message_an_account(only, hub, stand):
    only("segment-access")
    hub.fill(101, range(1, 4))
    of_a_shop = make_store(stand, "Loja").connections.get()
    for number in (101, 102, 103):
        control = segment(number, enrich="never")
        hub.fail("revoked")
        assert sync(control).status == "error"
    other = segment(104, connection=of_a_shop, status="error", note="refused")
    ended(other, "error", fault="auth")

    assert told("segment-access") == [FIRED, FIRED]
    subjects = {each.subject: each.value for each in AlertState.objects.all()}
    assert subjects == {"environment": 3, str(of_a_shop.pk): 1}
    assert "SprintHub" in AlertMessage.objects.earliest("pk").title

    for each in SegmentControl.objects.filter(connection=None):
        sync(each)
    SegmentControl.objects.filter(pk=other.pk).update(status="active")

    assert told("segment-access") == [FIRED, FIRED, RECOVERED, RECOVERED]


def test_a_segment_that_rests_for_another_reason_is_told_for_itself(only):
    only("segment-shut")
    segment(101, cron="every day")
    segment(102)
    SegmentControl.objects.update(next_execution=None)
    fire()

    assert told("segment-shut") == [FIRED]
    assert AlertMessage.objects.get().subjects == ["101"]
    SegmentControl.objects.update(status="active", cron="0 6 * * *")

    assert told("segment-shut") == [FIRED, RECOVERED]


def test_S33_removals_that_are_held_are_told_until_a_person_decides(only, hub):
    only("segment-removals-held")
    hub.fill(101, range(1, 21))
    control = segment(enrich="never")
    sync(control)
    hub.segments[101] = hub.segments[101][:5]
    SegmentControl.objects.update(last_full=None)
    sync(control)
    assert told("segment-removals-held") == [FIRED]

    SegmentControl.objects.update(accept_removals=True)

    assert told("segment-removals-held") == [FIRED, RECOVERED]


def test_rows_that_cannot_be_read_are_told_where_there_are_many(only):
    only("segment-quality")
    many, few = segment(101), segment(102)
    ended(many, "partial", rate=90, stats={"found": 100})
    ended(few, "partial", rate=50, stats={"found": 4})

    assert told("segment-quality") == [FIRED]
    assert AlertMessage.objects.get().subjects == ["101"]
    SegmentLog.objects.update(execution_time=F("execution_time") - MINUTES)
    ended(many, "success", rate=100, stats={"found": 100})

    assert told("segment-quality") == [FIRED, RECOVERED]


def test_each_shipped_rule_of_segments_rests_while_all_is_well(only, hub):
    hub.fill(101, range(1, 31))
    control = segment(enrich="never")
    only("segment-access")
    AlertRule.objects.filter(code__startswith="segment").update(enabled=True)
    for _ in range(21):
        sync(control)

    assert watch().failed == ()
    assert AlertRule.objects.filter(enabled=True).count() == 10
    assert not AlertState.objects.filter(is_firing=True).exists()
