"""What may be typed above the list of jobs, and what a link to it may say."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from queues import seek as seeking
from queues.batches import Batch
from queues.enqueue import enqueue, enqueue_many
from queues.models import CronLog, Job
from queues.work import run_due
from tests.queues.desk import JOBS, dead_job, listed, page

pytestmark = pytest.mark.django_db(transaction=True)


def found(client: Client, text: str, **more: object) -> list[int]:
    """Return the jobs that a search lists."""
    query = "&".join(f"{name}={quote(str(value))}" for name, value in more.items())
    shown = page(client, f"{JOBS}?q={quote(text)}&{query}")
    jobs = [
        pk
        for pk in Job.objects.order_by("pk").values_list("pk", flat=True)
        if f"#{pk}</a>" in shown
    ]
    assert len(jobs) == listed(shown)
    return jobs


@pytest.fixture
def jobs() -> dict[str, int]:
    """Write one job of each kind that the tests look for."""
    ana = User.objects.create_user("ana", email="ana@example.com")
    return {
        "dead": dead_job("the card was declined 100%").pk,
        "keyed": enqueue("send-receipt", {"order_id": 77}, unique_key="order:77").pk,
        "ana's": enqueue("noop", {"to": "Maria"}, owner=ana, priority=2).pk,
        "nested": enqueue("noop", {"a": {"b": "12"}, "done": True}).pk,
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("declined", ["dead"]),
        ('"card was"', ["dead"]),
        ("card noop", []),
        ("100%", ["dead"]),
        ("1_0", []),
        ("error:DECLINED", ["dead"]),
        ("error:declined type:fail", ["dead"]),
        ("error:declined type:noop", []),
        ("payload:maria", ["ana's"]),
        ("maria", ["ana's"]),
        ("type:receipt", ["keyed"]),
        ("key:order:7", ["keyed"]),
        ("order:77", ["keyed"]),
        ("payload.order_id:77", ["keyed"]),
        ("payload.a.b:12", ["nested"]),
        ("payload.done:true", ["nested"]),
        ("payload.order_id:7", []),
        ("owner:ANA", ["ana's"]),
        ("owner:ana@example.com", ["ana's"]),
        ("owner:nobody", []),
        ("priority:2", ["ana's"]),
        ("priority:urgent", []),
        ("status:failed", ["dead"]),
        ("queue:default source:code owner:ana", ["ana's"]),
        ("batch:9", []),
        ("id:none", []),
        ("'; DROP TABLE jobs", []),
    ],
)
def test_a_search_finds(
    admin_client: Client, jobs: dict[str, int], text: str, names: list[str]
):
    assert found(admin_client, text) == [jobs[name] for name in names]


def test_a_number_is_a_job(admin_client: Client, jobs: dict[str, int]):
    number = jobs["keyed"]

    for text in (str(number), f"#{number}", f"id:{number}"):
        assert found(admin_client, text) == [number]


def test_a_text_is_found_without_the_extension(
    admin_client: Client, jobs: dict[str, int], sql: Any
):
    sql("ALTER INDEX job_failed_text RENAME TO gone")
    try:
        assert found(admin_client, "declined") == [jobs["dead"]]
    finally:
        sql("ALTER INDEX gone RENAME TO job_failed_text")


def test_the_dead_have_an_index_over_their_text(sql: Any):
    ((plan,),) = sql(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'job_failed_text'"
    )

    assert "gin_trgm_ops" in plan
    assert "failed" in plan


def test_a_search_that_ran_out_of_time_says_so_and_goes_on(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(seeking, "FIRST_STEP", 10)
    monkeypatch.setattr(seeking, "WALK", 0.0)
    old = enqueue("noop", {"text": "moon"})
    rest = enqueue_many("noop", [{}] * 15)

    shown = page(admin_client, f"{JOBS}?q=moon")
    on = page(admin_client, f"{JOBS}?q=moon&below={rest[5].pk}")

    assert listed(shown) == 0
    assert f"Looked at every job down to #{rest[5].pk}, created" in shown
    assert f"?below={rest[5].pk}&amp;q=moon" in shown
    assert f"#{old.pk}</a>" in on


@pytest.mark.parametrize("text", ["", "moon", "type:noop error:moon"])
def test_a_list_takes_few_queries_at_any_speed(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, text: str
):
    monkeypatch.setattr(seeking, "FIRST_STEP", 2)
    monkeypatch.setattr(seeking, "GLANCE", 0.001)
    enqueue_many("noop", [{}] * 60)

    with CaptureQueriesContext(connection) as queries:
        page(admin_client, f"{JOBS}?q={text}&created=1h&owner=1")

    assert len(queries) <= 15, [query["sql"][:80] for query in queries]


def test_pages_go_on_below_the_last(admin_client: Client):
    jobs = enqueue_many("noop", [{}] * 70)

    first = page(admin_client, JOBS)
    second = page(admin_client, f"{JOBS}?below={jobs[20].pk}")

    assert listed(first) == 50
    assert f"?below={jobs[20].pk}" in first
    assert "70 jobs" in first
    assert listed(second) == 20
    assert "Newest" in second
    assert "Older" not in second


@pytest.mark.parametrize("below", ["x", "-1", "1e9", "9" * 40])
def test_a_bent_link_breaks_nothing(admin_client: Client, below: str):
    enqueue("noop")

    assert admin_client.get(f"{JOBS}?below={below}").status_code == 200


def test_a_link_can_say_a_batch_an_owner_and_a_schedule(admin_client: Client):
    ana = User.objects.create_user("ana")
    with Batch("letters") as batch:
        inside = batch.enqueue("noop")
    owned = enqueue("noop", owner=ana)
    fired = enqueue("noop")
    gap = IntervalSchedule.objects.create(every=1, period="days")
    schedule = PeriodicTask.objects.create(name="nightly", task="noop", interval=gap)
    CronLog.objects.create(
        job_name="nightly",
        job_type="noop",
        status="success",
        schedule=schedule,
        job=fired,
    )

    assert found(admin_client, "", batch=batch.id) == [inside.pk]
    assert found(admin_client, "", owner=ana.pk) == [owned.pk]
    assert found(admin_client, "", schedule=schedule.pk) == [fired.pk]
    assert "By owner" in page(admin_client, f"{JOBS}?owner={ana.pk}")
    assert found(admin_client, "", batch="x") == []
    assert found(admin_client, "", owner="9" * 30) == []


def test_a_link_can_say_when(admin_client: Client, sql: Any):
    old, new = enqueue("noop").pk, enqueue("noop").pk
    sql("UPDATE jobs SET created_at = now() - interval '2 days' WHERE id = %s", old)
    yesterday = (timezone.now() - timedelta(days=1)).isoformat()

    assert found(admin_client, "", created="1h") == [new]
    assert found(admin_client, "", created="7d") == [old, new]
    assert found(admin_client, "", created=f"..{yesterday}") == [old]
    assert found(admin_client, "", created=f"{yesterday}..") == [new]
    assert found(admin_client, "", created="2020-01-01..") == [old, new]
    assert found(admin_client, "", created="some..time") == []
    assert found(admin_client, "", created="2020-01-01T00:00..2020-02-30T00:00") == [
        old,
        new,
    ]


def test_a_link_can_ask_for_errors(admin_client: Client):
    dead = dead_job().pk
    enqueue("noop")
    run_due(limit=1, seconds=10)

    assert found(admin_client, "", error="yes") == [dead]
    assert len(found(admin_client, "", error="no")) == 1
    assert len(found(admin_client, "", error="x")) == 2
