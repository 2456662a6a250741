"""The admin's pages of jobs, letters, firings and workers."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from queues.cancel import cancel
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, CronLog, DeadLetter, Job, Worker
from queues.states import State
from queues.work import process
from tests.queues.schedules import make_schedule

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "/admin/queues/job/"
LETTERS = "/admin/queues/deadletter/"


def staff(name: str, *permissions: str) -> Client:
    """Return the browser of a member of staff who may do just that."""
    user = User.objects.create_user(name, password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer() -> Client:
    names = ("job", "deadletter", "cronlog", "worker", "apitoken", "periodictask")
    return staff("viewer", *(f"view_{name}" for name in names))


@pytest.fixture
def operator() -> Client:
    names = ("view_job", "change_job", "view_deadletter", "change_deadletter")
    return staff("operator", *names)


def dead_job(message: str = "away") -> Job:
    job = enqueue("fail", {"message": message}, max_attempts=1)
    process(limit=1, seconds=10)
    return Job.objects.get(pk=job.pk)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def listed(shown: str) -> int:
    """Count the rows of a list of jobs."""
    return shown.count('class="field-number')


def act(client: Client, action: str, rows: Any, at: str = JOBS, **more: str) -> Any:
    chosen = {"_selected_action": [row.pk for row in rows]}
    return client.post(at, {"action": action, **chosen, **more}, follow=True)


def test_a_job_page_tells_the_whole_life(admin_client: Client):
    job = dead_job("the upstream is away")
    done = enqueue("send-receipt", {"order_id": 7})
    process(limit=1, seconds=10)

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
    process(limit=1, seconds=10)

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
    process(limit=1, seconds=10)
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


def test_a_large_table_is_estimated(admin_client: Client, sql: Any):
    sql("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 12000)")
    sql("ANALYZE jobs")

    with CaptureQueriesContext(connection) as queries:
        shown = page(admin_client, JOBS)

    assert "about" in shown
    assert not any("COUNT(*)" in query["sql"] for query in queries)


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
    assert "Cannot retry a pending job" in shown
    assert "Replayed: 1 row." in shown
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


def test_a_letter_is_found_replayed_and_dismissed(operator: Client):
    first, second = dead_job("one"), dead_job("two")
    letters = {letter.job_id: letter for letter in DeadLetter.objects.all()}

    shown = page(operator, f"{LETTERS}{letters[first.pk].pk}/change/")
    operator.post(f"{LETTERS}{letters[first.pk].pk}/replay/")
    act(operator, "dismiss", [letters[second.pk]], at=LETTERS, confirmed="yes")

    assert "RuntimeError: one" in shown
    assert Job.objects.get(pk=first.pk).status == State.PENDING
    assert f"#{second.pk}" in page(operator, f"{LETTERS}?state=dismissed")
    assert f"#{first.pk}" in page(operator, f"{LETTERS}?state=replayed")
    assert "Nothing here." in page(operator, f"{LETTERS}?state=open")
    assert f"#{second.pk}" in page(operator, f"{LETTERS}?q={second.pk}")
    assert f"#{second.pk}" in page(operator, f"{LETTERS}?q=fai")


def test_firings_show_due_against_fired_and_the_error(admin_client: Client):
    job, now, schedule = dead_job(), timezone.now(), make_schedule()
    log = CronLog.objects.create(
        job_name="nightly", job_type="fail", status="error", due_at=now, job=job,
        finished_at=now + timedelta(seconds=5), details={"error": "it went wrong"}, schedule=schedule,
    )  # fmt: skip
    CronLog.objects.create(job_name="by SQL", job_type="noop", status="odd")

    shown = page(admin_client, "/admin/queues/cronlog/")
    one = page(admin_client, f"/admin/queues/cronlog/{log.pk}/change/")
    narrowed = page(admin_client, "/admin/queues/cronlog/?status__exact=error")
    none = page(admin_client, "/admin/queues/cronlog/?schedule=x")

    of_it = page(admin_client, f"/admin/queues/cronlog/?schedule={schedule.pk}")

    assert "it went wrong" in shown
    assert "odd" in shown
    assert "it went wrong" in of_it
    assert "it went wrong" in one
    assert "by SQL" not in narrowed
    assert "Nothing here." in none


def test_workers_are_alive_silent_or_gone(admin_client: Client):
    long_ago = timezone.now() - timedelta(minutes=5)
    facts = {"kind": "child", "machine": "m", "pid": 1, "born": "1"}
    Worker.objects.create(name="here", **facts)
    Worker.objects.create(name="mute", seen_at=long_ago, **facts)
    Worker.objects.create(name="left", gone_at=long_ago, **facts)

    shown = page(admin_client, "/admin/queues/worker/")

    for word in ("alive", "silent", "gone"):
        assert f">{word}</span>" in shown
    assert "mute" not in page(admin_client, "/admin/queues/worker/?state=alive")
    assert "here" not in page(admin_client, "/admin/queues/worker/?state=gone")
