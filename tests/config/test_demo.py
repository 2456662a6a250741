"""The demo: seeds once, ends in every way, keeps itself small, and can be switched off."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from cadences.models import Account, Cadence, Contact, Conversation, Message, Run
from config.demo.personas import PEOPLE, by_number
from config.demo.sequences import RETURN, WELCOME, seed
from config.demo.sweep import PAUSED, pause, resume, sweep
from queues.models import Attempt, CronLog, DeadLetter, Job
from tests.processes import command


@pytest.mark.django_db(transaction=True)
def test_the_demo_is_written_once_and_lives():
    first = command("demo", RITMO_DEMO="on")
    jobs = Job.objects.count()
    again = command("demo", RITMO_DEMO="on")

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert Job.objects.count() == jobs == 20
    assert Conversation.objects.count() == 3
    assert Message.objects.filter(status="pending").count() == 25

    for kind in ("flaky-webhook", "resize-picture", "incoming", "sweep"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT enqueue_job(%s, '{}')", [f"demo-{kind}"])
    ended = command("process_queue", "--max", "30", RITMO_DEMO="on")

    assert ended.returncode == 0, ended.stderr
    assert Message.objects.filter(status="pending").count() <= 2
    assert DeadLetter.objects.filter(type="demo-broken-report").count() <= 1
    assert Job.objects.filter(type="demo-resize-picture", status="completed").exists()
    assert Attempt.objects.filter(outcome="snoozed").exists()


@pytest.mark.django_db
def test_what_the_demo_left_is_swept_and_nothing_else():
    old = {"status": "completed", "completed_at": Now() - timedelta(days=2)}
    Job.objects.create(type="demo-send-receipt", queue="default", **old)
    fresh = old | {"completed_at": Now()}
    kept = [
        Job.objects.create(type="demo-send-receipt", queue="default", **fresh),
        Job.objects.create(type="send-receipt", queue="default", **old),
    ]
    Attempt.objects.create(job=kept[0], number=1)
    for name in ("Demo: receipts", "ours"):
        CronLog.objects.create(
            job_name=name, job_type="noop", status="success",
            created_at=Now() - timedelta(days=2),
        )  # fmt: skip
    for name in ("demo-1", "ours"):
        talk = Conversation.objects.create(external_id=name)
        Message.objects.create(conversation=talk, created_at=Now() - timedelta(days=2))

    assert sweep(timedelta(days=1)) == 1
    assert list(Job.objects.order_by("pk")) == kept
    assert [log.job_name for log in CronLog.objects.all()] == ["ours"]
    assert list(
        Message.objects.values_list("conversation__external_id", flat=True)
    ) == ["ours"]


@pytest.mark.django_db
def test_its_schedules_rest_while_it_is_off_and_a_pause_of_staff_stays():
    every = IntervalSchedule.objects.create(every=10, period="seconds")
    for name, enabled in (("Demo: a", True), ("Demo: b", False), ("ours", True)):
        PeriodicTask.objects.create(
            name=name, task="noop", interval=every, enabled=enabled
        )

    assert pause() == 1
    assert PeriodicTask.objects.get(name="Demo: a").description == PAUSED
    assert PeriodicTask.objects.get(name="ours").enabled

    assert resume() == 1
    enabled = PeriodicTask.objects.filter(enabled=True).values_list("name", flat=True)
    assert set(enabled) == {"Demo: a", "ours"}


@pytest.mark.django_db
def test_the_demos_cadences_are_written_once_and_their_people_have_tempers():
    assert seed()
    assert not seed()

    assert Cadence.objects.filter(company="demo", state="active").count() == 2
    runs = Run.objects.filter(company="demo")
    assert runs.count() == WELCOME + RETURN
    assert runs.filter(next_run_at__lte=Now()).exists()
    numbers = Contact.objects.filter(lead__company="demo")
    found = {by_number(each.address.removeprefix("+")) for each in numbers}
    assert found == set(PEOPLE)
    assert Account.objects.get(company="demo").adapter == "console"
