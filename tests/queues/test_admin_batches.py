"""Batches in the admin: their progress, their jobs, and an end to what is left."""

import pytest
from django.test import Client

from queues.batches import Batch, cancel_rest, cancel_some
from queues.enqueue import enqueue
from queues.errors import InvalidOption
from queues.models import AuditEntry, Job
from queues.states import State
from queues.work import run_due
from tests.queues.desk import page, staff

pytestmark = pytest.mark.django_db(transaction=True)
BATCHES = "/admin/queues/jobbatch/"


@pytest.fixture
def operator() -> Client:
    return staff("operator", "view_job", "view_jobbatch", "cancel_job")


def batch_of(count: int, **then) -> Batch:
    with Batch("import", **then) as batch:
        batch.enqueue_many("noop", [{}] * count)
    return batch


def test_a_batch_shows_its_progress_and_its_dead(operator):
    batch = batch_of(3, on_complete=("noop", {"a": 1}))
    batch.enqueue("fail", {"message": "no luck"}, max_attempts=1)
    run_due(limit=2, seconds=10)
    Job.objects.filter(type="fail").update(priority=1)
    run_due(limit=1, seconds=10)

    shown = page(operator, f"{BATCHES}{batch.id}/change/")

    assert "3 of 4" in page(operator, BATCHES)
    assert "RuntimeError: no luck" in shown
    assert "Cancel the rest" in shown


def test_the_rest_of_a_batch_is_cancelled_by_a_job(operator):
    batch = batch_of(5)
    first, *_ = Job.objects.filter(batch=batch.id).order_by("pk")
    after = enqueue("noop", after=[first], if_dead="run")
    run_due(limit=1, seconds=5)
    asked = page(operator, f"{BATCHES}{batch.id}/cancel/")

    operator.post(f"{BATCHES}{batch.id}/cancel/")
    operator.post(f"{BATCHES}{batch.id}/cancel/")
    assert Job.objects.filter(type="cancel-batch").count() == 1
    run_due(limit=1, seconds=20)

    assert "never run" in asked
    assert batch.progress()["cancelled"] == 4
    assert Job.objects.get(pk=after.pk).held_run_at is None
    assert AuditEntry.objects.filter(action="batch.cancel", count=4).exists()
    assert "Cancel the rest" not in page(operator, f"{BATCHES}{batch.id}/change/")


def test_a_running_job_of_the_batch_is_asked_to_stop(claimed):
    batch = batch_of(2)
    taken = claimed()  # the oldest that is due: one of the batch

    assert cancel_some(batch.id) == 0

    assert Job.objects.get(pk=taken.job_id).cancel_requested_at is not None
    assert Job.objects.filter(batch=batch.id, status=State.CANCELLED).count() == 1


def test_a_batch_that_others_wait_for_sets_them_free_page_by_page(monkeypatch):
    from queues import batches

    monkeypatch.setattr(batches, "PAGE", 2)
    batch = batch_of(5)
    parents = list(Job.objects.filter(batch=batch.id))
    waits = enqueue("noop", after=parents, if_dead="run")

    cancel_rest(batch.id)
    run_due(limit=1, seconds=20)

    assert batch.progress()["cancelled"] == 5
    assert Job.objects.get(pk=waits.pk).held_run_at is None


def test_there_must_be_such_a_batch():
    with pytest.raises(InvalidOption):
        cancel_rest(404404)


def test_a_viewer_cannot_cancel():
    batch = batch_of(2)
    viewer = staff("viewer", "view_job", "view_jobbatch")

    assert "Cancel the rest" not in page(viewer, f"{BATCHES}{batch.id}/change/")
    assert viewer.post(f"{BATCHES}{batch.id}/cancel/").status_code == 403
    assert batch.progress()["pending"] == 2
