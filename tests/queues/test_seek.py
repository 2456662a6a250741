"""Jobs are found newest first, in the time that a page has."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from queues import seek as seeking
from queues.admin.search import wanted
from queues.enqueue import enqueue, enqueue_many
from queues.models import Job
from queues.seek import Found, count, last_before, seek, within
from tests.queues.desk import dead_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the walk end with its first step, of ten ids."""
    monkeypatch.setattr(seeking, "FIRST_STEP", 10)
    monkeypatch.setattr(seeking, "WALK", 0.0)


def asleep(jobs: Any) -> Any:
    """Return the same jobs, found slowly."""
    return jobs.extra(where=["pg_sleep(0.05) IS NOT NULL"])


def ids(found: Found) -> list[int]:
    return [job.pk for job in found.jobs]


def test_pages_follow_one_another_to_the_end():
    jobs = [job.pk for job in enqueue_many("noop", [{}] * 5)][::-1]

    first = seek(Job.objects.all(), most=2)
    second = seek(Job.objects.all(), most=2, before=first.next)
    third = seek(Job.objects.all(), most=2, before=second.next)

    assert [*ids(first), *ids(second), *ids(third)] == jobs
    assert (first.next, second.next, third.next) == (jobs[1], jobs[3], None)
    assert first.reached is None


def test_what_takes_too_long_is_walked(monkeypatch: pytest.MonkeyPatch):
    jobs = [job.pk for job in enqueue_many("noop", [{}] * 5)][::-1]
    monkeypatch.setattr(seeking, "GLANCE", 0.02)

    found = seek(asleep(Job.objects.all()), most=3)

    assert ids(found) == jobs[:3]
    assert found.next == jobs[2]


@pytest.mark.usefixtures("no_time")
def test_a_walk_says_how_far_it_came():
    jobs = enqueue_many("noop", [{"nr": n} for n in range(30)])
    old = Job.objects.filter(payload__nr=3)

    found = seek(old, most=5, has_index=False)
    on = seek(old, most=5, before=found.next, has_index=False)
    end = seek(old, most=5, before=on.next, has_index=False)

    assert (ids(found), found.reached) == ([], jobs[20].pk)
    assert (ids(on), on.reached) == ([], jobs[10].pk)
    assert ids(end) == [jobs[3].pk]


def test_a_walk_steps_on_while_there_is_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seeking, "FIRST_STEP", 10)
    monkeypatch.setattr(seeking, "WALK", 30.0)
    jobs = enqueue_many("noop", [{"nr": n} for n in range(30)])

    found = seek(Job.objects.filter(payload__nr=3), most=5, has_index=False)

    assert ids(found) == [jobs[3].pk]


@pytest.mark.usefixtures("no_time")
def test_what_an_index_leads_to_is_found_below_the_walk():
    dead = dead_job("the moon is away")
    keyed = enqueue("noop", unique_key="moon")
    enqueue_many("noop", [{}] * 30)
    asked = wanted("moon")

    found = seek(
        Job.objects.filter(asked.found),
        most=5,
        leads=[Job.objects.filter(lead) for lead in asked.leads],
        has_index=asked.has_index,
    )

    assert ids(found) == [keyed.pk, dead.pk]
    assert found.next == found.reached
    assert found.reached is not None


def test_counting_stops_at_ten_thousand(sql: Any):
    sql("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 10005)")

    assert within(10, lambda: count(Job.objects.all())) in {10_001, None}
    assert count(Job.objects.filter(type="other")) == 0
    assert count(asleep(Job.objects.all())) is None


def test_a_question_that_takes_too_long_has_no_answer():
    enqueue("noop")
    slow = Job.objects.extra(where=["pg_sleep(2) IS NOT NULL"])
    began = time.monotonic()

    assert within(0.05, lambda: list(slow)) is None

    assert time.monotonic() - began < 1.5
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_inside_a_transaction_the_hurry_ends_with_the_question():
    with transaction.atomic():
        assert within(5, lambda: 1) == 1
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


def test_other_faults_are_not_hidden():
    def fail() -> None:
        raise OperationalError("away")

    with pytest.raises(OperationalError, match="away"):
        within(5, fail)


def test_the_place_of_a_moment_is_found_by_halving(sql: Any):
    jobs = [job.pk for job in enqueue_many("noop", [{}] * 200)]
    sql(
        "UPDATE jobs SET created_at = now() - interval '1 day' WHERE id <= %s", jobs[99]
    )
    now = timezone.now()

    assert last_before(now - timedelta(days=2)) == jobs[0] - 1
    assert last_before(now - timedelta(hours=12)) == jobs[99]
    assert last_before(now + timedelta(hours=1)) == jobs[-1]


def test_an_empty_table_has_no_place():
    assert last_before(timezone.now()) == 0
    assert seek(Job.objects.filter(Q()), most=5, has_index=False) == Found([])
