"""Dead letters, firings and workers in the admin."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from queues.models import CronLog, DeadLetter, Job, Worker
from queues.states import State
from tests.queues.desk import LETTERS, OPERATOR, act, dead_job, page, staff
from tests.queues.schedules import make_schedule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Client:
    return staff("operator", *OPERATOR)


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
