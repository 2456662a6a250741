"""What staff do to a schedule by hand, and what its page and the list tell of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from queues.admin.schedule_standing import standing
from queues.admin.schedule_strip import Block, picture, strips, summary
from queues.models import AuditEntry, CronLog, Job, ScheduleState
from queues.schedule_rows import row_of
from queues.work import run_due
from tests.queues.desk import page, staff
from tests.queues.schedules import cron, every, make_schedule, tick
from tests.queues.test_admin_schedules import SCHEDULES

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = ("view_periodictask", "pause_schedule", "run_schedule", "view_job")


def change(task: PeriodicTask) -> str:
    return f"{SCHEDULES}{task.pk}/change/"


def noticed(task: PeriodicTask, counted_from: datetime) -> None:
    """Let beat know the schedule, and count it from that moment."""
    row = row_of(task.pk)
    assert row is not None
    ScheduleState.objects.update_or_create(
        schedule=task,
        defaults={
            "pattern": row.pattern, "paused": not task.enabled, "noticed_at": Now(),
            "counted_from": counted_from,
        },
    )  # fmt: skip


def state(task: PeriodicTask) -> str:
    row = row_of(task.pk)
    assert row is not None
    return standing(row, timezone.now()).state


def fire(task: PeriodicTask, status: str, due: datetime | None, **more: Any) -> CronLog:
    return CronLog.objects.create(
        schedule=task, job_name=task.name, job_type=task.task, status=status,
        due_at=due, finished_at=timezone.now(), **more,
    )  # fmt: skip


def test_a_pause_asks_why_and_tells_who(admin_client: Client):
    task = make_schedule("nightly")

    asked = page(admin_client, f"{SCHEDULES}{task.pk}/pause/")
    answer = admin_client.post(
        f"{SCHEDULES}{task.pk}/pause/", {"note": " ink ran out "}
    )

    assert "Why? Colleagues will see it." in asked
    assert answer.headers["Location"] == change(task)
    task = PeriodicTask.objects.get()
    assert (task.enabled, task.state.pause_note) == (False, "ink ran out")
    assert task.state.paused_by.username == "admin"
    shown, listed = page(admin_client, change(task)), page(admin_client, SCHEDULES)
    assert "<q>ink ran out</q>" in shown
    assert "paused it" in shown
    assert "ink ran out" in listed
    assert AuditEntry.objects.get(action="schedule.pause").reason == "ink ran out"


def test_a_schedule_is_resumed_by_one_press(admin_client: Client):
    task = make_schedule("nightly")
    admin_client.post(f"{SCHEDULES}{task.pk}/pause/")

    shown = page(admin_client, change(task))
    admin_client.post(f"{SCHEDULES}{task.pk}/resume/")

    assert f'action="{SCHEDULES}{task.pk}/resume/"' in shown
    assert PeriodicTask.objects.get().enabled
    assert "<q>" not in page(admin_client, change(task))


def test_many_are_paused_after_one_question_and_resumed(admin_client: Client):
    tasks = [make_schedule(name) for name in ("a", "b", "c")]
    chosen = {"action": "pause", "_selected_action": [each.pk for each in tasks[:2]]}

    asked = admin_client.post(SCHEDULES, chosen).content.decode()
    untouched = PeriodicTask.objects.filter(enabled=True).count()
    admin_client.post(SCHEDULES, {**chosen, "confirmed": "yes", "note": "holidays"})
    paused = set(PeriodicTask.objects.filter(enabled=False).values_list("name"))
    admin_client.post(SCHEDULES, {**chosen, "action": "resume"})

    assert "(2)" in asked
    assert untouched == 3
    assert paused == {("a",), ("b",)}
    assert PeriodicTask.objects.filter(enabled=True).count() == 3
    notes = AuditEntry.objects.filter(action="schedule.pause").values_list("reason")
    assert list(notes) == [("holidays",)] * 2


def test_more_than_a_page_holds_is_refused(admin_client: Client, monkeypatch: Any):
    monkeypatch.setattr("queues.admin.schedule_verbs.MOST", 1)
    tasks = [make_schedule(name) for name in ("a", "b")]
    chosen = {"action": "pause", "_selected_action": [each.pk for each in tasks]}

    answer = admin_client.post(SCHEDULES, {**chosen, "confirmed": "yes"}, follow=True)

    assert "Choose at most 1 rows at once." in answer.content.decode()
    assert PeriodicTask.objects.filter(enabled=True).count() == 2


def test_a_run_by_hand_shows_its_payload_first_and_leads_to_the_job(
    admin_client: Client,
):
    data = '{"order_id": 7, "api_token": "hush"}'
    task = make_schedule("nightly", task="send-receipt", kwargs=data, priority=2)

    asked = page(admin_client, f"{SCHEDULES}{task.pk}/run/")
    answer = admin_client.post(f"{SCHEDULES}{task.pk}/run/")

    job = Job.objects.get()
    assert "&quot;order_id&quot;: 7" in asked
    assert "hush" not in asked
    assert answer.headers["Location"] == f"/admin/queues/job/{job.pk}/change/"
    assert (job.type, job.priority, job.payload["order_id"]) == ("send-receipt", 2, 7)
    run_due(limit=1, seconds=10)
    shown = page(admin_client, change(task))
    assert "by hand" in shown
    assert "Last firing: 1 success" in shown
    assert "ran it by hand" in shown


def test_a_broken_schedule_is_not_run_and_says_why(admin_client: Client):
    task = make_schedule("nightly", task="gone")

    asked = page(admin_client, f"{SCHEDULES}{task.pk}/run/")
    answer = admin_client.post(f"{SCHEDULES}{task.pk}/run/", follow=True)

    assert "Unknown job type: gone" in asked
    assert '<button type="submit" class="button">' not in asked
    assert "“nightly”: Unknown job type: gone" in answer.content.decode()
    assert not Job.objects.exists()


def test_an_operator_pauses_and_runs_but_edits_nothing():
    operator, task = staff("operator", *OPERATOR), make_schedule("nightly")

    shown = page(operator, change(task))
    ran = operator.post(f"{SCHEDULES}{task.pk}/run/")
    paused = operator.post(f"{SCHEDULES}{task.pk}/pause/")
    forged = [
        operator.post(change(task), {"name": "x"}),
        operator.post(f"{SCHEDULES}{task.pk}/delete/", {"post": "yes"}),
        operator.post(f"{SCHEDULES}add/", {"name": "x"}),
    ]

    labels = ("Run now", "Pause", "Copy", "Delete")
    offered = [each for each in labels if f">{each}</a>" in " ".join(shown.split())]
    assert [each for each in labels if each in shown][:2] == ["Run now", "Pause"]
    assert "Copy" not in offered
    assert "Delete" not in offered
    assert (ran.status_code, paused.status_code) == (302, 302)
    assert {answer.status_code for answer in forged} == {403}
    assert not PeriodicTask.objects.get().enabled


def test_verbs_of_a_schedule_that_is_gone_find_nothing(admin_client: Client):
    assert admin_client.post(f"{SCHEDULES}999/run/").status_code == 404


def test_every_state_is_told_apart_and_can_be_filtered(admin_client: Client):
    now = timezone.now()
    minute = timedelta(minutes=1)
    tasks = {
        "active": make_schedule("is-active", **every(1, "hours"), saved_at=now),
        "paused": make_schedule("is-paused", enabled=False),
        "ended": make_schedule("is-ended", expires=now - minute, saved_at=now),
        "broken": make_schedule("is-broken", task="gone"),
        "late": make_schedule("is-late", **cron("* * * * *")),
    }
    for each in tasks.values():
        noticed(each, now)
    noticed(tasks["late"], now - 3 * minute)

    assert {name: state(task) for name, task in tasks.items()} == {
        name: name for name in tasks
    }
    for name in tasks:
        shown = page(admin_client, f"{SCHEDULES}?state={name}")
        found = [each for each in tasks if f"is-{each}<" in shown]
        assert found == [name]
    assert "overdue" in page(admin_client, f"{SCHEDULES}?state=late")
    assert "It was due" in page(admin_client, change(tasks["late"]))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"task": "gone"}, "Unknown job type: gone"),
        ({"task": "send-receipt"}, "“order_id” is missing"),
        ({"kwargs": "oops"}, "The payload is not JSON."),
        ({"kwargs": '"%s"' % ("x" * 9)}, "must be a JSON object"),
        ({"kwargs": '{"x": "%s"}' % ("x" * 300_000)}, "larger than a payload may be"),
        ({"args": "[1]"}, "Positional arguments"),
    ],
)
def test_a_broken_schedule_says_why_in_the_list(
    admin_client: Client, columns: dict[str, str], words: str
):
    make_schedule("nightly", **columns)

    assert words in page(admin_client, SCHEDULES)


def test_the_list_is_searched_by_payload_and_filtered_by_type(admin_client: Client):
    make_schedule("a", task="send-receipt", kwargs='{"order_id": 4711}')
    make_schedule("b", task="noop")
    make_schedule("c", task="gone")

    def names(query: str) -> set[str]:
        shown = page(admin_client, f"{SCHEDULES}{query}")
        return {name for name in "abc" if f'">{name}<span class="type">' in shown}

    assert names("?q=4711") == {"a"}
    assert names("?task=noop") == {"b"}
    assert names("?task=gone") == {"c"}
    assert names("") == {"a", "b", "c"}


def test_the_page_compares_what_was_due_with_what_was_done(admin_client: Client):
    task = make_schedule("a", task="noop", **every(10))
    tick(timezone.now() - timedelta(seconds=30))
    tick(timezone.now())
    run_due(limit=10, seconds=10)
    due = timezone.now() - timedelta(minutes=5)
    fire(
        task, "skipped", due,
        details={"reason": "overlap", "count": 3, "since": due.isoformat()},
    )  # fmt: skip
    fire(task, "error", due - timedelta(days=1), details={"error": "away"})
    fire(task, "odd", due - timedelta(days=2))

    with CaptureQueriesContext(connection) as queries:
        shown = page(admin_client, change(task))

    assert "away" in shown
    assert "the job of an earlier due time had not ended" in shown
    assert "(3)" in shown
    assert "1 odd" in shown
    assert len(queries) <= 12


def test_a_run_by_hand_stands_among_the_firings_of_its_time(admin_client: Client):
    task, now = make_schedule("a"), timezone.now()
    by_hand = fire(task, "error", None)
    CronLog.objects.filter(pk=by_hand.pk).update(created_at=now - timedelta(days=2))
    for days in range(40, 0, -1):
        fire(task, "success", now - timedelta(days=days))

    blocks = strips([task.pk])[task.pk]
    shown = page(admin_client, change(task))

    assert len(blocks) == 30
    assert [block.status for block in blocks[-3:]] == ["success", "error", "success"]
    assert "Last 30 firings: 29 success, 1 error" in shown
    assert "by hand" in shown


def test_the_firings_of_one_schedule_are_listed_with_their_delay(admin_client: Client):
    one, other = make_schedule("one"), make_schedule("other")
    fire(one, "success", timezone.now() - timedelta(seconds=90))
    fire(one, "skipped", None, details={"reason": "late", "count": 1})
    fire(other, "success", timezone.now())

    shown = page(admin_client, f"/admin/queues/cronlog/?schedule={one.pk}")

    assert "1 min 30 s" in shown
    assert "later than its grace time allows" in shown
    assert shown.count('class="field-job_name') == 2


def test_the_list_costs_the_same_with_many_schedules(admin_client: Client):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, SCHEDULES)
        return len(queries)

    due = timezone.now()
    fire(make_schedule("first"), "success", due)
    few = cost()
    for number in range(30):
        task = make_schedule(f"s{number}")
        for step in range(3):
            fire(task, "success", due - timedelta(minutes=step))

    assert cost() == few <= 15


def test_a_strip_is_told_in_words_too():
    at = timezone.now()
    blocks = [Block(n, "error" if n % 3 else "success", at, at) for n in range(6)]

    drawn = picture(blocks)

    assert summary(blocks) == "Last 6 firings: 4 error, 2 success"
    assert summary([]) == "It has not fired yet."
    assert 'role="img" aria-label="Last 6 firings' in drawn
    assert drawn.count('<i class="bad"') == 4


def test_a_schedule_whose_zone_is_broken_still_has_a_page(admin_client: Client):
    task = make_schedule("a", **cron("0 6 * * *"))
    CrontabSchedule.objects.filter(pk=task.crontab_id).update(minute="x")

    shown = page(admin_client, change(task))

    assert "broken" in shown
    assert "The minute “x” is not understood" in shown
