"""Every statement that seed 003 prints runs as it stands, and does what it says."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from queues.models import Job
from syncs.models import SegmentControl, SegmentLog, SegmentPass
from syncs.segments.fire import fire, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(sql):
    """Return a function that adds a segment as the seed does, due an hour ago."""

    def add(number):
        sql(
            """
            INSERT INTO public.sync_segments_control (segment_id, next_execution)
            VALUES (%s, NOW() - INTERVAL '1 hour');
            """,
            number,
        )
        return SegmentControl.objects.get(segment_id=number)

    return add


def test_a_new_segment_of_the_seeds_columns(sql):
    sql(
        """
        INSERT INTO public.sync_segments_control (segment_id, next_execution)
        VALUES (456, NOW() + INTERVAL '1 day');
        """
    )

    control = SegmentControl.objects.get()
    assert (control.segment_id, control.status, control.cron) == (
        456, "active", "0 6 * * *",
    )  # fmt: skip
    assert fire() == 0


def test_pausing_and_reactivating(sql, due):
    control = due(123)

    sql(
        """
        UPDATE public.sync_segments_control
        SET status = 'paused'
        WHERE segment_id = 123;
        """
    )
    paused = fire()
    sql(
        """
        UPDATE public.sync_segments_control
        SET status = 'active'
        WHERE segment_id = 123;
        """
    )

    assert (paused, fire()) == (0, 0)
    control.refresh_from_db()
    assert control.next_execution > control.resumed_at
    assert SegmentLog.objects.count() == 0


def test_running_by_hand_writes_one_job_for_each_due_segment(sql, due):
    one, two = due(1), due(2)
    sql(
        "INSERT INTO sync_segments_control (segment_id, next_execution)"
        " VALUES (3, NOW() + INTERVAL '1 day'), (4, NULL)"
    )

    sql("SELECT sync_segment_leads_via_edge_function();")
    again = sql("SELECT sync_segment_leads_via_edge_function() ->> 'segments'")

    jobs = Job.objects.filter(type="sync-segment-leads").order_by("pk")
    assert [job.payload["segment_id"] for job in jobs] == [1, 2]
    assert again == [("0",)]
    one.refresh_from_db()
    assert (one.next_execution, one.scheduled_for is None) == (None, False)
    plan()
    one.refresh_from_db()
    assert one.next_execution is not None
    assert SegmentPass.objects.get(control=two).trigger == "sql"


def test_running_by_hand_is_undone_with_its_transaction(sql, due):
    control = due(1)

    with transaction.atomic():
        sql("SELECT sync_segment_leads_via_edge_function();")
        transaction.set_rollback(True)

    assert not Job.objects.exists()
    before = control.next_execution
    control.refresh_from_db()
    assert control.next_execution == before


def test_what_the_seed_reads(sql, due):
    due(1)
    sql(
        """
        INSERT INTO sync_segments_logs
            (segment_id, execution_time, status, message, stats, duration_seconds,
             success_rate)
        VALUES (1, NOW(), 'success', 'ok', '{"processed": 3}', 12.5, 100)
        """
    )

    logs = sql(
        """
        SELECT * FROM public.sync_segments_logs
        ORDER BY execution_time DESC
        LIMIT 20;
        """
    )
    assert len(logs) == 1
    assert len(sql("SELECT * FROM public.sync_segments_control;")) == 1
    assert SegmentLog.objects.get().control == SegmentControl.objects.get()


def test_a_changed_line_is_planned_anew(sql, due):
    control = due(1)
    SegmentControl.objects.update(next_execution="2099-01-01T00:00Z")

    sql("UPDATE sync_segments_control SET cron = '0 8 * * 1-5' WHERE segment_id = 1")
    plan()

    control.refresh_from_db()
    assert control.next_execution - control.updated_at < timedelta(days=4)


def test_a_moment_that_no_worker_can_read_is_refused(due, sql):
    due(7)

    with (
        pytest.raises(IntegrityError, match="segment_next_readable"),
        transaction.atomic(),
    ):
        sql("UPDATE sync_segments_control SET next_execution = 'infinity'")
