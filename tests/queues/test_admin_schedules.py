"""The one form of a schedule, its list, and who may use them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from queues.models import AuditEntry, CronLog, Job
from tests.queues.schedules import cron, every, make_schedule, tick

pytestmark = pytest.mark.django_db(transaction=True)

SCHEDULES = "/admin/django_celery_beat/periodictask/"
VERBS = ("pause", "resume", "run")
GOOD = {
    "name": "nightly", "enabled": "on", "kind": "cron", "cron": "0 3 * * *",
    "zone": "America/Sao_Paulo", "every": "", "unit": "minutes", "type": "send-receipt",
    "payload": '{"order_id": 7}', "urgency": "2", "line": "", "description": "why",
}  # fmt: skip


def save(client: Client, at: str = "add/", /, **changes: Any) -> Any:
    return client.post(f"{SCHEDULES}{at}", {**GOOD, **changes})


def page(client: Client, address: str = SCHEDULES) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200, "it was saved"
    return dict(answer.context["adminform"].form.errors)


@pytest.fixture
def viewer() -> Client:
    user = User.objects.create_user("viewer", password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


def test_a_cron_line_becomes_a_schedule(admin_client: Client):
    assert save(admin_client).status_code == 302

    task = PeriodicTask.objects.get()
    assert (task.name, task.task, json.loads(task.kwargs)) == (
        "nightly", "send-receipt", {"order_id": 7},
    )  # fmt: skip
    assert (task.priority, task.queue, task.enabled) == (2, None, True)
    assert (task.crontab.hour, str(task.crontab.timezone)) == ("3", "America/Sao_Paulo")
    assert task.description == "why"


def test_every_so_often_becomes_an_interval_that_beat_fires(admin_client: Client):
    save(admin_client, kind="every", every="10", unit="seconds", line="reports")

    tick(timezone.now())
    tick(timezone.now() + timedelta(seconds=12))

    job = Job.objects.get()
    assert (job.type, job.payload, job.priority) == ("send-receipt", {"order_id": 7}, 2)
    assert job.queue == "reports"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"cron": "61 * * * *"}, "cron", "The minute “61” is not understood"),
        ({"cron": "0 25 * * *"}, "cron", "The hour “25” is not understood"),
        ({"cron": "* * * *"}, "cron", "this has 4"),
        ({"cron": "@often"}, "cron", "Unknown alias"),
        ({"cron": ""}, "cron", "Write a cron line"),
        ({"cron": "0 0 30 2 *"}, "cron", "That day never comes."),
        ({"kind": "every", "every": ""}, "every", "Say how often"),
        ({"kind": "every", "every": "0"}, "every", "At least 1 second."),
        ({"kind": "every", "every": "0.5"}, "every", "whole number"),
        ({"kind": "every", "every": "99999", "unit": "days"}, "every", "ten years"),
        ({"zone": "Mars/Olympus"}, "zone", "Unknown time zone: Mars/Olympus"),
        ({"type": "nobody-knows"}, "type", "Unknown job type: nobody-knows"),
        ({"type": ""}, "type", "required"),
        ({"payload": "{"}, "payload", "This is not JSON: look at line 1"),
        ({"payload": "[1]"}, "payload", "must be a JSON object"),
        ({"payload": "{}"}, "payload", "“order_id” is missing"),
        (
            {"payload": '{"order_id": "x"}'},
            "payload",
            "“order_id” must be a whole number",
        ),
        (
            {"payload": '{"order_id": 1, "x": "%s"}' % ("y" * 300_000)},
            "payload",
            "larger",
        ),
        ({"payload": "[" * 100_000}, "payload", "nested too deeply"),
        ({"urgency": "10"}, "urgency", "valid choice"),
        ({"line": "no-such-queue"}, "line", "valid choice"),
        ({"name": ""}, "name", "required"),
        (
            {"start_time": "2030-01-02T00:00", "expires": "2030-01-01T00:00"},
            "expires",
            "before the beginning",
        ),
    ],
)
def test_a_mistake_is_explained_beside_its_field(
    admin_client: Client, change: dict[str, str], field: str, words: str
):
    found = errors(save(admin_client, **change))

    assert words in " ".join(found[field])
    assert set(found) == {field}
    assert not PeriodicTask.objects.exists()
    assert not CrontabSchedule.objects.filter(hour="3").exists()


def test_a_duplicate_name_is_explained_whatever_else_is_wrong(admin_client: Client):
    make_schedule("nightly")

    alone = errors(save(admin_client))
    beside = errors(save(admin_client, cron="61 * * * *"))

    assert alone == {"name": ["Another schedule has this name."]}
    assert set(beside) == {"name", "cron"}


def test_an_edit_never_touches_a_row_that_others_share(admin_client: Client):
    shared = cron("0 3 * * *")
    mine, other = make_schedule("mine", **shared), make_schedule("other", **shared)

    save(admin_client, f"{mine.pk}/change/", name="mine", cron="30 4 * * *")

    assert PeriodicTask.objects.get(pk=other.pk).crontab.hour == "3"
    changed = PeriodicTask.objects.get(pk=mine.pk).crontab
    assert (changed.minute, changed.hour) == ("30", "4")


def test_equal_patterns_share_one_row(admin_client: Client):
    for name in ("a", "b"):
        save(admin_client, name=name, cron="7 7 7 7 7")
        save(admin_client, name=f"{name}2", kind="every", every="7", unit="hours")

    assert CrontabSchedule.objects.filter(minute="7").count() == 1
    assert IntervalSchedule.objects.filter(every=7).count() == 1


def test_an_edit_keeps_what_beat_writes(admin_client: Client):
    task = make_schedule("nightly", kwargs='{"order_id": 7}')
    PeriodicTask.objects.filter(pk=task.pk).update(total_run_count=41)
    edited = PeriodicTask.objects.get(pk=task.pk)

    save(admin_client, f"{task.pk}/change/", kind="every", every="5", unit="minutes")

    edited.refresh_from_db()
    assert (edited.interval.every, edited.crontab) == (5, None)
    assert edited.total_run_count == 41


def test_the_form_shows_what_is_saved(admin_client: Client):
    task = make_schedule(
        "hourly",
        task="send-receipt",
        kwargs='{"order_id": 7}',
        priority=3,
        **every(2, "hours"),
    )

    shown = admin_client.get(f"{SCHEDULES}{task.pk}/change/")

    form = shown.context["adminform"].form
    assert (form["kind"].value(), form["every"].value()) == ("every", 2)
    assert (form["unit"].value(), form["urgency"].value()) == ("hours", 3)
    assert '"order_id": 7' in form["payload"].value()


def test_a_pattern_that_the_form_cannot_edit_may_be_kept(admin_client: Client):
    odd = IntervalSchedule.objects.create(every=5, period="microseconds")
    task = make_schedule("odd", interval=odd, one_off=True, task="gone", kwargs="oops")

    shown = page(admin_client, f"{SCHEDULES}{task.pk}/change/")
    save(admin_client, f"{task.pk}/change/", name="odd", kind="keep")

    assert "As it is" in shown
    assert "no handler here knows this type" in shown
    task.refresh_from_db()
    assert (task.interval, task.one_off, task.task) == (odd, True, "send-receipt")


def test_the_list_speaks_plain_words(admin_client: Client):
    make_schedule("a", **cron("0 6 * * 1-5"))
    make_schedule("b", **every(10), enabled=False)
    log = {"job_type": "noop", "job_name": "a", "status": "error"}
    CronLog.objects.create(
        schedule=PeriodicTask.objects.get(name="a"), due_at=timezone.now(), **log
    )

    with CaptureQueriesContext(connection) as queries:
        shown = page(admin_client)

    assert "Monday to Friday at 06:00" in shown
    assert "Every 10 seconds" in shown
    assert 'class="badge mute">paused' in shown
    assert 'aria-label="Last firing: 1 error"' in shown
    assert len(queries) <= 15


def test_the_page_shows_the_next_runs_and_the_last_firings(admin_client: Client):
    task = make_schedule("a", **cron("0 6 * * *"))
    CronLog.objects.create(
        schedule=task, due_at=timezone.now(), job_type="noop", job_name="a",
        status="error", details={"error": "the upstream is away"},
    )  # fmt: skip
    off = make_schedule("b", enabled=False, **cron("0 6 * * *"))
    odd = make_schedule("c", **cron("0 6 * * *"))
    CrontabSchedule.objects.filter(pk=odd.crontab_id).update(minute="99")

    shown = page(admin_client, f"{SCHEDULES}{task.pk}/change/")

    assert shown.count("<strong>06:00</strong>") == 10
    assert "the upstream is away" in shown
    assert "It is paused" in page(admin_client, f"{SCHEDULES}{off.pk}/change/")
    broken = page(admin_client, f"{SCHEDULES}{odd.pk}/change/")
    assert "The minute “99” is not understood" in broken
    assert "cannot be read" in broken
    assert "The minute “99” is not understood" in page(admin_client)


def test_a_schedule_is_deleted_after_a_confirmation(admin_client: Client):
    task = make_schedule("a")
    tick(timezone.now())

    others = [make_schedule("b"), make_schedule("c")]

    asked = page(admin_client, f"{SCHEDULES}{task.pk}/delete/")
    admin_client.post(f"{SCHEDULES}{task.pk}/delete/", {"post": "yes"})
    chosen = {"_selected_action": [each.pk for each in others], "post": "yes"}
    admin_client.post(SCHEDULES, {"action": "delete_selected", **chosen})

    assert "Are you sure" in asked
    assert not PeriodicTask.objects.exists()
    deleted = AuditEntry.objects.filter(action="schedule.delete")
    assert sorted(deleted.values_list("label", flat=True)) == ["a", "b", "c"]


def test_a_viewer_can_run_no_action_and_save_nothing(viewer: Client):
    task = make_schedule("a")

    shown = page(viewer), page(viewer, f"{SCHEDULES}{task.pk}/change/")
    forged = [
        *(viewer.post(f"{SCHEDULES}{task.pk}/{verb}/") for verb in VERBS),
        save(viewer, f"{task.pk}/change/"),
        save(viewer),
        viewer.post(f"{SCHEDULES}{task.pk}/delete/", {"post": "yes"}),
        viewer.post(f"{SCHEDULES}live/", GOOD),
        viewer.get(f"{SCHEDULES}type/?name=noop"),
        viewer.get(f"{SCHEDULES}add/?copy={task.pk}"),
    ]
    for action in ("pause", "resume", "run_tasks", "toggle_tasks", "delete_selected"):
        chosen = {"_selected_action": [task.pk], "post": "yes", "confirmed": "yes"}
        forged.append(viewer.post(SCHEDULES, {"action": action, **chosen}))

    assert not any('class="button' in each for each in shown)
    assert not any("schedule_form.js" in each for each in shown)
    assert {answer.status_code for answer in forged} == {403}
    assert PeriodicTask.objects.get().enabled
    assert not Job.objects.exists()
    assert not LogEntry.objects.exists()


def test_the_pages_of_the_library_are_gone():
    registered = {model.__name__ for model in admin.site._registry}

    library = {
        model.__name__
        for model in apps.get_app_config("django_celery_beat").get_models()
    }
    assert registered & library == {"PeriodicTask"}
    hidden = {"IdempotencyKey", "JobType", "Pulse", "StarterSchedule", "ScheduleState"}
    assert not registered & hidden
