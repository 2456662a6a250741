"""Charts outlive the rows: every try is counted once, and kept when they are pruned."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from queues import rollup
from queues import settle as verdicts
from queues.histogram import BUCKETS, EDGES, percentile
from queues.models import Attempt, Job, JobMinute, RollUp
from queues.outcomes import Bury, Retry, Succeed
from queues.prune import prune
from queues.rollup import merge, roll_up
from queues.settle import settle

MINUTE = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def back(sql):
    """Return a function that moves all that happened, and the watermark, back."""

    def shift(**span: float) -> None:
        moved = timedelta(**span)
        for table, columns in {
            "jobs": "created_at run_at started_at completed_at",
            "job_attempts": "claimed_at started_at finished_at",
        }.items():
            sets = ", ".join(
                f"{each} = {each} - %(moved)s::interval" for each in columns.split()
            )
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET {sets}", {"moved": str(moved)})

    return shift


def counts() -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for row in JobMinute.objects.all():
        key = (row.type, row.outcome)
        totals[key] = totals.get(key, 0) + row.count
    return totals


@pytest.mark.django_db
def test_tries_are_counted_by_minute_type_and_outcome(claimed, back):
    settle(
        [(claimed(), Succeed()), (claimed(), Succeed()), (claimed("fail"), Bury("x"))]
    )
    retried = claimed("fail-slowly")
    settle([(retried, Retry(60))])
    back(minutes=5)

    assert roll_up() >= 3

    assert counts() == {
        ("noop", "completed"): 2, ("fail", "buried"): 1, ("fail-slowly", "failed"): 1
    }  # fmt: skip
    row = JobMinute.objects.get(type="noop")
    assert row.minute.second == 0
    assert sum(row.wait_histogram) == sum(row.run_histogram) == 2
    assert len(row.run_histogram) == BUCKETS
    assert 0 <= row.run_max <= row.run_seconds < 5
    # Its job waits anew: how long it waited for this try is not known any more.
    assert sum(JobMinute.objects.get(type="fail-slowly").wait_histogram) == 0


@pytest.mark.django_db
def test_waits_and_runs_fall_into_their_buckets(claimed, back, sql):
    settle([(claimed(), Succeed())])
    sql("UPDATE jobs SET run_at = %s, completed_at = %s", MINUTE, MINUTE)
    sql("UPDATE job_attempts SET claimed_at = %s, started_at = %s, finished_at = %s",
        MINUTE + timedelta(seconds=3), MINUTE + timedelta(seconds=3),
        MINUTE + timedelta(seconds=3.5))  # fmt: skip
    RollUp.objects.create(done_until=MINUTE)
    sql(
        "UPDATE job_attempts SET finished_at = %s",
        timezone.now() - timedelta(minutes=3),
    )
    sql("UPDATE job_attempts SET claimed_at = finished_at - interval '0.5 s',"
        " started_at = finished_at - interval '0.5 s'")  # fmt: skip
    sql(
        "UPDATE jobs SET run_at = (SELECT claimed_at FROM job_attempts) - interval '3 s'"
    )
    RollUp.objects.update(done_until=timezone.now() - timedelta(minutes=30))

    roll_up()

    row = JobMinute.objects.get()
    assert row.wait_histogram.index(1) == next(
        n for n, edge in enumerate(EDGES) if edge > 3
    )
    assert row.run_histogram.index(1) == next(
        n for n, edge in enumerate(EDGES) if edge > 0.5
    )
    assert [row.wait_max, row.run_max] == pytest.approx([3, 0.5])


@pytest.mark.django_db
def test_a_try_is_counted_once_however_often_we_look(claimed, back):
    settle([(claimed(), Succeed())])
    back(minutes=1)
    for _ in range(3):
        roll_up()
    settle([(claimed(), Succeed())])
    back(minutes=10)
    RollUp.objects.update(done_until=timezone.now() - timedelta(minutes=30))
    JobMinute.objects.all().delete()
    for _ in range(3):
        roll_up()

    assert counts() == {("noop", "completed"): 2}


@pytest.mark.django_db
def test_a_late_verdict_of_a_minute_that_is_not_done_is_counted(claimed, back):
    settle([(claimed(), Succeed())])
    back(seconds=60)
    roll_up()
    settle([(claimed(), Succeed())])
    Attempt.objects.filter(
        finished_at__gt=timezone.now() - timedelta(seconds=50)
    ).update(finished_at=Attempt.objects.order_by("finished_at")[0].finished_at)

    roll_up()

    assert counts() == {("noop", "completed"): 2}


@pytest.mark.django_db
def test_no_verdict_is_dated_into_a_minute_that_is_done(claimed, monkeypatch):
    taken = claimed()
    clock = time.monotonic()
    taken.began, taken.ended = clock - 500.5, clock - 500

    settle([(taken, Succeed())])

    attempt = Attempt.objects.get()
    late = timezone.now() - attempt.finished_at
    assert timedelta(seconds=9) < late < timedelta(seconds=15)
    assert attempt.finished_at - attempt.started_at == pytest.approx(
        timedelta(seconds=0.5), abs=timedelta(seconds=0.1)
    )
    assert verdicts.MOST_LATE < rollup.DONE_AFTER / 2


@pytest.mark.django_db
def test_after_an_outage_everything_is_caught_up(claimed, back, settings):
    settle([(claimed(), Succeed())])
    back(days=2)
    roll_up()
    assert counts() == {("noop", "completed"): 1}
    settle([(claimed(), Succeed()), (claimed("fail"), Bury("x"))])
    back(hours=20)
    RollUp.objects.update(done_until=timezone.now() - timedelta(hours=47))
    JobMinute.objects.update(minute=timezone.now() - timedelta(days=3))

    roll_up()

    assert counts() == {("noop", "completed"): 2, ("fail", "buried"): 1}
    assert RollUp.objects.get().done_until > timezone.now() - timedelta(minutes=3)


@pytest.mark.django_db
def test_a_job_stays_until_its_tries_are_counted(claimed, back, sql, settings):
    settle([(claimed(), Succeed())])
    back(days=settings.RETENTION_DAYS + 1)
    RollUp.objects.create(done_until=timezone.now() - timedelta(days=99))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "TURN", 0.0)  # nothing can be rolled up in no time
        assert prune() == 0

    assert prune() == 1
    assert not Attempt.objects.exists()
    assert counts() == {("noop", "completed"): 1}


@pytest.mark.django_db
def test_a_count_survives_the_deletion_of_its_jobs(claimed, back):
    settle([(claimed(), Succeed())])
    back(seconds=60)
    roll_up()
    Job.objects.all().delete()

    roll_up()

    assert counts() == {("noop", "completed"): 1}


@pytest.mark.django_db(transaction=True)
def test_many_pacemakers_count_once(claimed, back):
    settle([(claimed(), Succeed()) for _ in range(20)])
    back(minutes=10)

    def loop() -> None:
        for _ in range(10):
            roll_up()
        connection.close()

    threads = [threading.Thread(target=loop) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts() == {("noop", "completed"): 20}


@pytest.mark.django_db
def test_old_minutes_become_hours_and_very_old_ones_go():
    def minute(moment: datetime, **more: object) -> None:
        histogram = [1, *[0] * (BUCKETS - 1)]
        JobMinute.objects.create(
            minute=moment, type="noop", outcome="completed", count=1, wait_seconds=2,
            wait_max=2, wait_histogram=histogram, run_seconds=3, run_max=3,
            run_histogram=histogram,
        )  # fmt: skip

    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for minutes in (0, 1, 59, 60):
        minute(now - timedelta(days=3) + timedelta(minutes=minutes))
    minute(now - timedelta(hours=3, minutes=1))
    minute(now - timedelta(days=401))

    prune()
    assert merge() == 0

    rows = list(JobMinute.objects.order_by("minute"))
    assert [row.minute for row in rows] == [
        now - timedelta(days=3),
        now - timedelta(days=3, hours=-1),
        now - timedelta(hours=3, minutes=1),
    ]
    assert (rows[0].count, rows[0].wait_seconds, rows[0].wait_max) == (3, 6, 2)
    assert (rows[0].run_histogram[0], sum(rows[0].run_histogram)) == (3, 3)


def test_a_percentile_lies_within_its_bucket():
    drawn = sorted(random.lognormvariate(-1, 1.5) for _ in range(5000))
    histogram = [0] * BUCKETS
    for seconds in drawn:
        histogram[sum(edge <= seconds for edge in EDGES)] += 1

    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        exact = drawn[max(0, round(len(drawn) * share) - 1)]
        assert exact / 2 <= percentile(histogram, share, drawn[-1]) <= exact * 2
    assert percentile([0] * BUCKETS, 0.5, 0.0) is None
    assert percentile([0] * (BUCKETS - 1) + [2], 1.0, 99_999.0) == 99_999.0
