"""The list of jobs, the page of one, and what staff may do to them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from queues.cancel import cancel
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, DeadLetter, Job
from queues.states import State
from queues.work import run_due
from tests.queues.desk import (
    JOBS,
    LETTERS,
    OPERATOR,
    act,
    dead_job,
    listed,
    page,
    staff,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer() -> Client:
    return staff("viewer", "view_job", "view_deadletter")


@pytest.fixture
def operator() -> Client:
    return staff("operator", *OPERATOR)


def test_a_job_page_tells_the_whole_life(admin_client: Client):
    job = dead_job("the upstream is away")
    done = enqueue("send-receipt", {"order_id": 7})
    run_due(limit=1, seconds=10)

    dead, well = (
        page(admin_client, f"{JOBS}{each.pk}/change/") for each in (job, done)
    )

    assert "the upstream is away" in dead
    assert "Traceback (most recent call last)" in dead
    assert 'class="badge bad">failed' in dead
    assert "&quot;order_id&quot;: 7" in well
    assert "sent" in well
    assert "Send the receipt of an order." in well


def test_a_pending_job_is_called_due_scheduled_or_retrying(admin_client: Client):
    enqueue("noop")
    enqueue("noop", run_at=timezone.now() + timedelta(hours=1))
    enqueue("fail-slowly", priority=1)
    run_due(limit=1, seconds=10)

    shown = page(admin_client, JOBS)

    for word in ("due", "scheduled", "retrying"):
        assert f">{word}</span>" in shown
        narrowed = page(admin_client, f"{JOBS}?status={word}")
        assert f">{word}</span>" in narrowed
        assert listed(narrowed) == 1


@pytest.mark.parametrize(
    "status", ["processing", "completed", "failed", "cancelled", "nonsense"]
)
def test_every_status_can_be_filtered(admin_client: Client, me: int, status: str):
    dead_job()
    enqueue("noop")
    run_due(limit=1, seconds=10)
    cancel(enqueue("noop").pk)
    running = enqueue("noop")
    Job.objects.filter(pk=running.pk).update(status=State.PROCESSING)
    Attempt.objects.create(job=running, worker_id=me, number=1)

    shown = page(admin_client, f"{JOBS}?status={status}")

    assert listed(shown) == (0 if status == "nonsense" else 1)


@pytest.mark.parametrize(
    "query", ["type=noop", "queue=default", "priority=3", "source=code", "priority=x"]
)
def test_the_other_filters_need_no_walk_over_the_rows(admin_client: Client, query: str):
    enqueue("noop", priority=3)

    shown = page(admin_client, f"{JOBS}?{query}")

    assert listed(shown) == (0 if query == "priority=x" else 1)


def test_search_finds_an_id_a_type_and_a_unique_key(admin_client: Client):
    kept = enqueue("send-receipt", {"order_id": 1}, unique_key="order:1")
    enqueue("noop")

    for term in (str(kept.pk), f"%23{kept.pk}", "receipt", "order:"):
        assert f"#{kept.pk}</a>" in page(admin_client, f"{JOBS}?q={term}")
        assert listed(page(admin_client, f"{JOBS}?q={term}")) == 1
    assert "Nothing here." in page(admin_client, f"{JOBS}?q={10**30}")


def test_a_list_takes_few_queries_and_counts_no_large_table(admin_client: Client):
    enqueue_many("noop", [{}] * 60)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(admin_client, JOBS)

    assert len(queries) <= 15


def test_a_large_table_is_counted_to_ten_thousand(admin_client: Client, sql: Any):
    sql("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 12000)")
    sql("ANALYZE jobs")

    with CaptureQueriesContext(connection) as queries:
        shown = page(admin_client, JOBS)

    assert "10,000+ jobs" in shown
    assert len(queries) <= 15


def test_cancel_asks_first_then_cancels_and_leaves_an_entry(operator: Client):
    job = enqueue("noop")
    address = f"{JOBS}{job.pk}/cancel/"

    asked = page(operator, address)
    before = Job.objects.get(pk=job.pk).status
    operator.post(address)

    assert "This cannot be undone." in asked
    assert before == State.PENDING
    assert Job.objects.get(pk=job.pk).status == State.CANCELLED
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user.username) == (str(job.pk), "operator")
    assert entry.get_change_message() == "Cancelled, or asked to stop"


def test_the_cancel_action_asks_with_the_chosen_jobs(operator: Client):
    jobs = [enqueue("noop") for _ in range(3)]

    asked = act(operator, "cancel", jobs[:2]).content.decode()
    between = Job.objects.filter(status=State.CANCELLED).count()
    act(operator, "cancel", jobs[:2], confirmed="yes")

    assert f"noop #{jobs[0].pk}" in asked
    assert f"noop #{jobs[2].pk}" not in asked
    assert between == 0
    assert Job.objects.filter(status=State.CANCELLED).count() == 2
    assert LogEntry.objects.count() == 2


def test_replay_revives_the_dead_and_explains_the_rest(operator: Client):
    dead, well = dead_job(), enqueue("noop")

    shown = act(operator, "replay", [dead, well]).content.decode()

    assert Job.objects.get(pk=dead.pk).status == State.PENDING
    assert "Cannot hurry a due job" in shown
    assert "Due now: 1 row." in shown
    assert LogEntry.objects.count() == 1


def test_a_button_is_offered_only_where_it_can_work(operator: Client):
    dead, live = dead_job(), enqueue("noop")

    of_dead, of_live = (
        page(operator, f"{JOBS}{job.pk}/change/") for job in (dead, live)
    )

    assert "/replay/" in of_dead
    assert "/cancel/" not in of_dead
    assert "/cancel/" in of_live
    assert "/replay/" not in of_live


def test_too_many_rows_at_once_are_refused(operator: Client, sql: Any):
    sql("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 501)")

    answer = act(operator, "cancel", Job.objects.all()[:1], select_across="1")

    assert "Choose at most 500 rows at once." in answer.content.decode()
    assert not Job.objects.filter(status=State.CANCELLED).exists()


def test_a_viewer_sees_no_button_and_a_forged_post_is_refused(viewer: Client):
    dead, live = dead_job(), enqueue("noop")
    letter = DeadLetter.objects.get()

    shown = [
        page(viewer, JOBS),
        page(viewer, f"{JOBS}{dead.pk}/change/"),
        page(viewer, f"{JOBS}{live.pk}/change/"),
        page(viewer, LETTERS),
        page(viewer, f"{LETTERS}{letter.pk}/change/"),
    ]
    forged = [
        viewer.post(f"{JOBS}{live.pk}/cancel/"),
        viewer.post(f"{JOBS}{dead.pk}/replay/"),
        viewer.post(f"{LETTERS}{letter.pk}/replay/"),
        viewer.post(f"{LETTERS}{letter.pk}/dismiss/"),
    ]
    act(viewer, "cancel", [live], confirmed="yes")
    act(viewer, "replay", [dead])
    act(viewer, "dismiss", [letter], at=LETTERS, confirmed="yes")

    assert not any('class="button' in each for each in shown)
    assert not any('name="action"' in each for each in shown)
    assert {answer.status_code for answer in forged} == {403}
    assert Job.objects.get(pk=live.pk).status == State.PENDING
    assert Job.objects.get(pk=dead.pk).status == State.FAILED
    assert DeadLetter.objects.get().dismissed_at is None
    assert not LogEntry.objects.exists()


def test_a_post_without_the_token_of_the_form_is_refused(admin_user: User):
    job, client = enqueue("noop"), Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    answer = client.post(f"{JOBS}{job.pk}/cancel/")

    assert answer.status_code == 403
    assert Job.objects.get().status == State.PENDING


def test_rows_of_machines_can_be_neither_added_nor_edited_nor_deleted(
    admin_client: Client,
):
    job = dead_job()
    letter = DeadLetter.objects.get()

    for address in (f"{JOBS}{job.pk}", f"{LETTERS}{letter.pk}"):
        assert admin_client.post(f"{address}/change/", {"id": 9}).status_code == 403
        assert (
            admin_client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
        )
    for model in ("job", "deadletter", "cronlog", "worker"):
        assert admin_client.get(f"/admin/queues/{model}/add/").status_code == 403
    assert Job.objects.count() == DeadLetter.objects.count() == 1
