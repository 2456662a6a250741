"""What staff do to jobs from their pages, and jobs that they write by hand."""

import json
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.test import Client
from django.utils import timezone
from pydantic import BaseModel, Field

from queues.admin.job_forms import outline
from queues.audit import because
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.handlers import handler, registry
from queues.masks import masked, restored
from queues.models import AuditEntry, Job
from queues.reprioritise import reprioritise
from queues.states import State
from queues.work import run_due
from tests.queues.desk import JOBS, OPERATOR, act, dead_job, page, staff

pytestmark = pytest.mark.django_db(transaction=True)

ENQUEUE = f"{JOBS}enqueue/"
HOUR = timedelta(hours=1)


@pytest.fixture
def operator() -> Client:
    more = ("reprioritise_job", "snooze_job", "enqueue_job")
    return staff("operator", *OPERATOR, *more)


def entry(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def test_a_pending_job_says_on_its_page_what_it_waits_for(admin_client: Client):
    parent = enqueue("noop")
    child = enqueue("noop", after=[parent])

    shown = page(admin_client, f"{JOBS}{child.pk}/change/")

    assert f"It waits for the end of job #{parent.pk}." in shown
    assert f"#{child.pk}</a>" in page(admin_client, f"{JOBS}{parent.pk}/change/")


def test_the_timeline_tells_what_people_did(admin_client: Client):
    job = enqueue("noop")
    with because("the shop waits"):
        reprioritise(job.pk, 2)

    shown = page(admin_client, f"{JOBS}{job.pk}/change/")

    assert "given another priority" in shown
    assert "priority: 5 → 2" in shown
    assert "the shop waits" in shown


def test_secrets_are_masked_and_progress_has_a_bar(admin_client: Client):
    job = enqueue("step", {"steps": 3, "api_key": "hush", "deep": [{"token": "hush"}]})
    run_due(limit=1, seconds=10)

    shown = page(admin_client, f"{JOBS}{job.pk}/change/")

    assert "hush" not in shown
    assert "&quot;api_key&quot;: &quot;•••&quot;" in shown
    assert 'max="3" value="3"' in shown
    assert "3/3 steps" in shown


def test_a_priority_is_asked_for_and_written_down(operator: Client):
    job = enqueue("noop")
    address = f"{JOBS}{job.pk}/priority/"

    asked = page(operator, address)
    wrong = operator.post(address, {"priority": 12})
    operator.post(address, {"priority": 1, "reason": "the shop waits"})

    assert "1 · most urgent" in asked
    assert "errorlist" in wrong.content.decode()
    assert Job.objects.get(pk=job.pk).priority == 1
    told = entry("job.reprioritise")
    assert (told.actor, told.reason) == ("operator", "the shop waits")


def test_many_jobs_are_put_off_at_once(operator: Client):
    jobs = [enqueue("noop") for _ in range(3)]
    over = cancel(jobs[2].pk)

    asked = act(operator, "snooze", jobs).content.decode()
    unsaid = act(operator, "snooze", jobs, confirmed="yes", when="at").content.decode()
    done = act(operator, "snooze", jobs, confirmed="yes", when="1h").content.decode()

    assert "in 15 minutes" in asked
    assert "Say when." in unsaid
    assert "Snoozed: 2 rows." in done
    assert "Cannot snooze a cancelled job" in done
    later = Job.objects.exclude(pk=over.pk)
    assert all(job.run_at > timezone.now() + 0.9 * HOUR for job in later)


@pytest.mark.parametrize(
    ("when", "at", "fault"),
    [
        ("15m", "", ""),
        ("morning", "", ""),
        ("at", "2001-01-01T00:00", "This lies in the past."),
        ("at", "9999-12-31T23:59", "The due time lies more than ten years ahead"),
        ("at", "soon", "Enter a valid date/time."),
        ("later", "", "Select a valid choice."),
    ],
)
def test_a_job_is_put_off_into_the_future(
    operator: Client, when: str, at: str, fault: str
):
    job = enqueue("noop")

    answer = operator.post(f"{JOBS}{job.pk}/snooze/", {"when": when, "at": at})

    if fault:
        assert fault in answer.content.decode()
    assert (Job.objects.get(pk=job.pk).run_at > timezone.now()) == (not fault)


def test_retry_now_takes_a_dead_job_and_one_that_waits_for_its_time(operator: Client):
    dead, later = dead_job(), enqueue("noop", run_at=timezone.now() + HOUR)
    due = enqueue("noop")

    for job in (dead, later):
        operator.post(f"{JOBS}{job.pk}/replay/")

    assert Job.objects.get(pk=dead.pk).status == State.PENDING
    assert Job.objects.get(pk=later.pk).run_at <= timezone.now()
    assert "/replay/" not in page(operator, f"{JOBS}{due.pk}/change/")
    assert entry("job.hurry").target_id == str(later.pk)


def test_a_job_is_written_by_hand(operator: Client):
    offered = page(operator, ENQUEUE)
    asked = page(operator, f"{ENQUEUE}?type=send-receipt")
    answer = operator.post(
        f"{ENQUEUE}?type=send-receipt",
        {"payload": '{"order_id": 7}', "priority": 2, "reason": "by telephone"},
        follow=True,
    )

    job = Job.objects.get()
    assert "Send the receipt of an order." in offered
    assert "bulk-replay" not in offered
    assert "deliver-alert" not in offered
    assert "order_id" in asked
    assert "else 1" in asked
    assert f"Job #{job.pk} is written." in answer.content.decode()
    assert (job.payload, job.priority, job.source) == ({"order_id": 7}, 2, "admin")
    assert job.owner is not None
    assert job.owner.username == "operator"
    told = entry("job.enqueue")
    assert (told.reason, told.after["payload"]) == ("by telephone", {"order_id": 7})


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ('{"order_id": "x"}', "“order_id” must be a whole number"),
        ("{}", "“order_id” is missing"),
        ("{order", "This is not JSON"),
        ("[1]", "The payload must be a JSON object"),
        ('{"order_id": 1, "x": "' + "x" * 300_000 + '"}', "Payload too large"),
    ],
)
def test_a_payload_is_checked_as_its_type_asks(
    operator: Client, payload: str, fault: str
):
    answer = operator.post(
        f"{ENQUEUE}?type=send-receipt", {"payload": payload, "priority": 5}
    )

    assert fault in answer.content.decode()
    assert not Job.objects.exists()


def test_a_time_that_enqueue_refuses_is_explained(operator: Client):
    answer = operator.post(
        f"{ENQUEUE}?type=noop",
        {"payload": "{}", "priority": 5, "run_at": "2001-01-01T00:00"},
    )

    assert "The due time lies in the past" in answer.content.decode()
    assert not Job.objects.exists()


def test_an_unknown_type_is_not_offered(operator: Client):
    shown = page(operator, f"{ENQUEUE}?type=nonsense")

    assert "No code here knows the type “nonsense”." in shown


def test_a_copy_keeps_what_is_masked(operator: Client):
    job = enqueue("noop", {"to": "a", "token": "hush"}, priority=3, max_attempts=7)
    address = f"{ENQUEUE}?copy={job.pk}"

    asked = page(operator, address)
    edited = json.dumps({"to": "b", "token": "•••"})
    operator.post(address, {"payload": edited, "priority": 3, "max_attempts": 7})

    copy = Job.objects.exclude(pk=job.pk).get()
    assert "hush" not in asked
    assert copy.payload == {"to": "b", "token": "hush"}
    assert (copy.priority, copy.max_attempts) == (3, 7)
    told = entry("job.copy")
    assert told.before == {"copy_of": job.pk}
    assert "hush" not in str(told.after)
    assert f"copy={job.pk}" in page(operator, f"{JOBS}{job.pk}/change/")


def test_what_is_not_there_cannot_be_copied(operator: Client):
    assert operator.get(f"{ENQUEUE}?copy=1").status_code == 404


def test_who_may_only_look_writes_nothing():
    viewer, job = staff("viewer", "view_job"), enqueue("noop")

    shown = page(viewer, JOBS) + page(viewer, f"{JOBS}{job.pk}/change/")
    forged = [
        viewer.get(ENQUEUE),
        viewer.post(f"{ENQUEUE}?type=noop", {"payload": "{}", "priority": 5}),
        viewer.post(f"{JOBS}{job.pk}/priority/", {"priority": 1}),
        viewer.post(f"{JOBS}{job.pk}/snooze/", {"when": "1h"}),
    ]

    assert "enqueue/" not in shown
    assert "priority/" not in shown
    assert {answer.status_code for answer in forged} == {403}
    assert Job.objects.get() == job
    assert Job.objects.get().priority == 5


def test_a_finished_job_shows_its_end_and_its_log(admin_client: Client):
    job = enqueue("send-receipt", {"order_id": 7}, unique_key="order:7")
    run_due(limit=1, seconds=10)
    twin = enqueue("send-receipt", {"order_id": 7}, unique_key="order:7")

    shown = page(admin_client, f"{JOBS}{job.pk}/change/")

    assert 'class="end"' in shown
    assert "waited" in shown
    assert "order_id=" in shown
    assert f"#{twin.pk}</a>" in shown
    assert "Others with its unique key" in shown


def test_progress_that_is_no_count_has_no_bar(admin_client: Client, sql: Any):
    job = enqueue("noop")
    sql("UPDATE jobs SET progress = '\"half\"' WHERE id = %s", job.pk)

    assert "<progress" not in page(admin_client, f"{JOBS}{job.pk}/change/")


@pytest.mark.parametrize("name", sorted(each.name for each in registry))
def test_every_type_has_a_form(admin_client: Client, name: str):
    shown = page(admin_client, f"{ENQUEUE}?type={name}")

    assert f"<h1>{name}</h1>" in shown


class Order(BaseModel):
    """Every kind of field that a form has to describe."""

    number: int = Field(description="As printed on the receipt.")
    size: Literal["small", "large"] = "small"
    note: str | None = None
    seen: set[int] = {1}
    shop_name: str = Field("main", alias="shopName")


def test_a_form_begins_with_the_fields_of_the_type(admin_client: Client):
    @handler("order")
    def order(data: Order, job: Any) -> None:
        """Take an order."""

    try:
        shown = page(admin_client, f"{ENQUEUE}?type=order")
        begins = outline(registry.get("order"))
    finally:
        registry.discard("order")

    assert begins == {
        "number": None, "size": "small", "note": None, "seen": None, "shopName": "main",
    }  # fmt: skip
    for text in (
        "As printed on the receipt.",
        "small, large",
        "string / null",
        "shopName",
    ):
        assert text in shown


def test_masks_are_lifted_only_where_they_were_left():
    original = {"token": "a", "list": [{"token": "b"}, 2], "gone": {"token": "c"}}
    hidden = masked(original)

    assert restored(hidden, original) == original
    assert restored({**hidden, "token": "new"}, original)["token"] == "new"
    assert restored({"list": [{"token": "•••"}]}, original) == {
        "list": [{"token": "•••"}]
    }
    assert restored({"other": "•••"}, original) == {"other": "•••"}
    assert restored("text", None) == "text"
