"""The doors of other services: one pass, one job, and the figures."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from queues import figures
from queues.api import doors
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, DeadLetter, Job, Worker
from queues.outcomes import Bury, Succeed
from queues.presence import present
from queues.replay import dismiss
from queues.running import RunningJob
from queues.settle import settle
from queues.work import run_due
from tests.queues.callers import (
    CRON,
    PASS,
    SERVICE,
    STATS,
    WORKER,
    WORKERS,
    call,
    get,
    post,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("method", "path", "opens"),
    [
        ("POST", PASS, {CRON}),
        ("POST", WORKERS, {WORKER}),
        ("GET", STATS, {CRON, SERVICE, WORKER}),
    ],
)
def test_each_door_has_its_own_keys(method, path, opens):
    enqueue("noop")

    for secret in {CRON, SERVICE, WORKER, "", "None", "wrong", None} - opens:
        answer = call(method, path, {"secret": CRON}, secret=secret)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})

    assert Job.objects.get().status == "pending"
    for secret in opens:
        assert call(method, path, secret=secret).status_code == 200


@pytest.mark.parametrize("path", [PASS, WORKERS])
def test_only_a_post_opens_them(path):
    enqueue("noop")

    answer = get(path)

    assert (answer.status_code, answer.json()) == (405, {"error": "Method not allowed"})
    assert answer["Allow"] == "POST"
    assert Job.objects.get().status == "pending"


@pytest.mark.parametrize(("path", "secret"), [(PASS, CRON), (WORKERS, WORKER)])
def test_a_body_that_nobody_needs_is_still_json(path, secret):
    enqueue("noop")

    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    for bad in (b"{", b"x=1", b"[1]", b"null", b"\xff", deep):
        assert post(path, bad, secret=secret).status_code == 400
    assert post(path, b" " * 1_048_577, secret=secret).status_code == 413
    chunked = {"Transfer-Encoding": "chunked"}
    assert post(path, {}, secret=secret, headers=chunked).status_code == 411

    assert Job.objects.get().status == "pending"
    assert post(path, secret=secret).status_code == 200


def test_a_pass_runs_ten_jobs_most_urgent_first():
    enqueue_many("noop", [{}] * 6, priority=9)
    enqueue_many("noop", [{}] * 6, priority=1)

    answer = post(PASS).json()

    assert answer["success"] is True
    assert answer["stats"] == {"processed": 10, "failed": 0, "errors": []}
    assert datetime.fromisoformat(answer["timestamp"]).tzinfo is not None
    assert not Job.objects.filter(priority=1, status="pending").exists()
    assert Job.objects.filter(status="pending").count() == 2


def test_a_pass_lists_every_failed_try_and_counts_the_dead():
    again, last = enqueue("fail-slowly"), enqueue("fail-slowly", max_attempts=1)

    stats = post(PASS).json()["stats"]

    assert (stats["processed"], stats["failed"]) == (0, 1)
    error = "RuntimeError: later again"
    assert stats["errors"] == [
        {"jobId": str(job.id), "type": "fail-slowly", "error": error}
        for job in (again, last)
    ]


def test_a_pass_over_nothing():
    assert post(PASS).json()["stats"] == {"processed": 0, "failed": 0, "errors": []}


def test_a_worker_call_runs_the_next_job():
    enqueue("noop", priority=9)
    job = enqueue("send-receipt", {"order_id": 7}, priority=1)

    answer = post(WORKERS, secret=WORKER)

    assert answer.json() == {
        "success": True,
        "message": "Job completed",
        "jobId": job.id,
        "result": {"order_id": 7, "copies": 1, "attempt": 1},
    }
    assert Job.objects.filter(status="pending").count() == 1


def test_a_worker_call_with_nothing_due():
    enqueue("noop", run_at=timezone.now() + timedelta(hours=1))

    answer = post(WORKERS, secret=WORKER)

    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "No jobs to process"}


@pytest.mark.parametrize(
    ("type_", "data", "told"),
    [
        ("noop", {}, {"success": True, "message": "Job completed", "result": None}),
        ("choose", {"end": "snooze"}, {"success": True, "message": "Job snoozed"}),
        (
            "choose",
            {"end": "bury"},
            {"success": False, "message": "Job failed: no use"},
        ),
        (
            "fail",
            {},
            {"success": False, "message": "Job failed: RuntimeError: as asked"},
        ),
    ],
)
def test_a_worker_call_tells_how_the_try_ended(type_, data, told):
    job = enqueue(type_, data)

    answer = post(WORKERS, secret=WORKER)

    assert (answer.status_code, answer.json()) == (200, {"jobId": job.id, **told})


def test_a_worker_call_that_runs_out_of_time_hands_the_job_back(monkeypatch):
    monkeypatch.setattr(doors, "PASS_SECONDS", 0.2)
    job = enqueue("ledger", {"seconds": 5})

    answer = post(WORKERS, secret=WORKER).json()

    assert (answer["success"], answer["jobId"]) == (False, job.id)
    assert answer["message"].startswith("Job not finished: longer than ")
    assert (Job.objects.get().status, Job.objects.get().failures) == ("pending", 0)


def test_a_worker_call_whose_job_was_cancelled(monkeypatch):
    job = enqueue("patient")

    def cancelled(self):
        self._told = True
        return True

    monkeypatch.setattr(RunningJob, "cancelled", cancelled)

    said = {"success": False, "message": "Job cancelled", "jobId": job.id}
    assert post(WORKERS, secret=WORKER).json() == said


def test_the_figures_say_how_much_stands_where(me):
    enqueue_many("noop", [{}] * 3)
    enqueue("fail", max_attempts=1, priority=1)
    run_due(limit=2, seconds=5)
    enqueue("reports-queue", priority=2, run_at=timezone.now() - timedelta(seconds=30))
    enqueue("noop", run_at=timezone.now() + timedelta(hours=1), priority=9)
    claim(["default"], worker=me, limit=1)

    said = get(STATS).json()

    assert said["byStatus"] == {
        "pending": 3, "processing": 1, "completed": 1, "failed": 1, "cancelled": 0,
    }  # fmt: skip
    default, reports = (said["byQueue"][name] for name in ("default", "reports"))
    assert default == {"pending": 2, "processing": 1, "due": 1, "paused": False}
    assert reports == {"pending": 1, "processing": 0, "due": 1, "paused": False}
    assert said["byPriority"]["9"] == said["byPriority"]["2"] == 1
    assert list(said["byPriority"]) == [str(n) for n in range(1, 10)]
    assert 30 <= said["oldestDueSeconds"] < 60
    assert said["totals"] == {
        "total": 6, "types": {"fail": 1, "noop": 4, "reports-queue": 1}, "estimated": False,
    }  # fmt: skip


def test_the_figures_of_an_empty_house():
    said = get(STATS).json()

    assert set(said["byStatus"].values()) == {0}
    assert said["oldestDueSeconds"] is None
    assert said["totals"] == {"total": 0, "types": {}, "estimated": False}


def test_a_dismissed_letter_leaves_its_job_failed(me):
    enqueue("noop")
    settle([(each, Bury("no")) for each in claim(["default"], worker=me, limit=1)])
    dismiss(DeadLetter.objects.get().id)

    assert get(STATS).json()["byStatus"]["failed"] == 1


def test_a_large_table_is_sampled(monkeypatch, me):
    enqueue_many("noop", [{"text": "x" * 1000}] * 4000)
    settle([(each, Succeed()) for each in claim(["default"], worker=me, limit=2000)])
    monkeypatch.setattr(figures, "SCANNED_BYTES", 2_500_000)

    said = get(STATS).json()

    assert said["totals"]["estimated"] is True
    assert 2000 < said["totals"]["total"] < 8000
    assert 800 < said["byStatus"]["completed"] < 4000
    assert said["byStatus"]["pending"] == 2000


@pytest.mark.raw_rows
def test_the_ends_of_the_last_hour_are_counted(me):
    assert figures.ends() == {}
    enqueue_many("noop", [{}] * 40)
    settle([(each, Succeed()) for each in claim(["default"], worker=me, limit=40)])
    first = Attempt.objects.order_by("id").values_list("id", flat=True)
    long_ago = timezone.now() - timedelta(hours=5)
    Attempt.objects.filter(id__in=first[:10]).update(
        claimed_at=long_ago, finished_at=long_ago + timedelta(minutes=1)
    )
    Attempt.objects.filter(id__in=first[10:13]).update(outcome="lost")

    assert figures.ends() == {"completed": 27, "lost": 3}


def test_the_ends_of_a_busy_hour_are_told_from_some_of_them(monkeypatch, me):
    enqueue_many("noop", [{}] * 101)
    settle([(each, Succeed()) for each in claim(["default"], worker=me, limit=101)])
    monkeypatch.setattr(figures, "PICKED_ATTEMPTS", 20)

    # Every fifth of them, 21 in all.
    assert figures.ends() == {"completed": 105}


def test_the_door_is_a_process_that_vouches_for_its_jobs():
    enqueue("noop")

    post(WORKERS, secret=WORKER)

    assert Attempt.objects.get().worker_id == present(Worker.Kind.DOOR)
