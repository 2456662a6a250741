"""Runs in the console: found, explained, steered, alone and by the hundred."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cadences.bulk import BULK, Tally, begin, go_on
from cadences.errors import NothingSelected, UnknownSelection
from cadences.models import Event, Run
from cadences.selection import Runs
from queues.models import AuditEntry, Job
from queues.work import run_due
from tests.cadences.people import cadence, enrolled, fresh, told
from tests.queues.desk import act, page

pytestmark = pytest.mark.django_db

LIST = "/admin/cadences/run/"


@pytest.fixture
def two() -> list[Run]:
    later = timezone.now() + timedelta(days=1)
    return enrolled(cadence({}, {"delay": 1, "unit": "days"}), 2, start_at=later)


def one(run: Run, word: str = "change") -> str:
    return f"{LIST}{run.pk}/{word}/"


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("id")


def test_a_pause_with_a_reason_is_told_to_the_audit_and_on_the_page(
    admin_client: Client, two: list[Run]
):
    answer = admin_client.post(one(two[0], "pause"), {"reason": "asked by phone"})

    assert answer.status_code == 302
    assert fresh(two[0]).status == "PAUSADA"
    entry = last("run.pause")
    assert (entry.actor, entry.reason) == ("admin", "asked by phone")
    assert (entry.before["status"], entry.after["status"]) == ("ATIVA", "PAUSADA")
    shown = page(admin_client, one(two[0]))
    assert "asked by phone" in shown
    assert "Paused: by hand." in shown


@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        ("2020-01-01T10:00", "This lies in the past."),
        ("9999-12-31T23:59", "The due time lies more than ten years ahead"),
    ],
)
def test_a_moment_that_nobody_means_is_refused_at_its_field(
    admin_client: Client, two: list[Run], moment: str, fault: str
):
    for verb, field in (("pause", "until"), ("reschedule", "at")):
        answer = admin_client.post(one(two[0], verb), {field: moment})
        assert fault in answer.content.decode()

    assert fresh(two[0]).status == "ATIVA"
    assert fresh(two[0]).next_run_at == two[0].next_run_at


def test_each_verb_does_what_it_says(admin_client: Client, two: list[Run]):
    run = two[0]
    at = timezone.localtime() + timedelta(days=3)

    admin_client.post(one(run, "reschedule"), {"at": f"{at:%Y-%m-%dT%H:%M}"})
    assert abs(fresh(run).planned_run_at - at) < timedelta(minutes=2)
    admin_client.post(one(run, "hurry"))
    assert fresh(run).is_forced
    admin_client.post(one(run, "skip"))
    assert fresh(run).next_step == 2
    admin_client.post(one(run, "pause"))
    admin_client.post(one(run, "resume"), {"at_once": "on"})
    assert fresh(run).status == "ATIVA"
    admin_client.post(one(run, "cancel"), {"reason": "wrong person"})
    assert (fresh(run).status, fresh(run).exit_reason) == ("CANCELADA", "manual")


def test_a_cancel_needs_a_reason(admin_client: Client, two: list[Run]):
    answer = admin_client.post(one(two[0], "cancel"), {"reason": ""})

    assert "This field is required." in answer.content.decode()
    assert fresh(two[0]).status == "ATIVA"


def test_what_cannot_be_done_is_told_in_plain_words(
    admin_client: Client, two: list[Run]
):
    admin_client.post(one(two[0], "pause"))

    answer = admin_client.post(one(two[0], "pause"), follow=True)

    assert "The run is “paused”: this cannot be done." in answer.content.decode()
    assert AuditEntry.objects.filter(action="run.pause").count() == 1


def test_chosen_rows_are_paused_together(admin_client: Client, two: list[Run]):
    answer = act(admin_client, "pause", two, LIST, confirmed="yes", reason="fair")

    assert "Paused: 2 rows." in answer.content.decode()
    assert {fresh(each).status for each in two} == {"PAUSADA"}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=ATIVA", 2),
        ("status=live", 3),
        ("status=PAUSADA", 1),
        ("reason=paused:manual", 1),
        ("reason=ended:manual", 0),
        ("next=day", 0),
        ("next=week", 2),
        ("cadence=nonsense", 0),
    ],
)
def test_a_filter_narrows(admin_client: Client, two: list[Run], query: str, count: int):
    (third,) = enrolled(cadence(code="other"))
    admin_client.post(one(third, "pause"))
    Run.objects.filter(pk__in=[each.pk for each in two]).update(
        next_run_at=timezone.now() + timedelta(days=2)
    )

    shown = page(admin_client, f"{LIST}?{query}")

    assert shown.count('class="field-who') == count


def test_pages_follow_each_other_without_a_gap(admin_client: Client, monkeypatch):
    from cadences.admin.runs import RunAdmin

    monkeypatch.setattr(RunAdmin, "list_per_page", 2)
    runs = enrolled(cadence(), 5)
    seen: list[str] = []
    address = LIST

    for _ in range(3):
        answer = admin_client.get(address)
        found = answer.context["cl"]
        seen += [str(each.pk) for each in found.result_list]
        address = LIST + found.older

    assert sorted(seen) == sorted(str(each.pk) for each in runs)
    back = admin_client.get(LIST + found.newer).context["cl"]
    assert [str(each.pk) for each in back.result_list] == seen[2:4]


def test_the_next_actions_begin_with_the_nearest(admin_client: Client):
    first, second = enrolled(cadence(), 2)
    now = timezone.now()
    Run.objects.filter(pk=first.pk).update(next_run_at=now + timedelta(hours=5))
    Run.objects.filter(pk=second.pk).update(next_run_at=now + timedelta(hours=2))

    answer = admin_client.get("/admin/cadences/run/next/", follow=True)

    found = answer.context["cl"].result_list
    assert [each.pk for each in found] == [second.pk, first.pk]


@pytest.mark.django_db(transaction=True)
def test_an_order_shows_what_it_means_and_a_job_does_it(
    admin_client: Client, two: list[Run]
):
    address = f"{LIST}order/pause/?status=ATIVA"
    asked = admin_client.get(address)
    assert "2 runs" in asked.content.decode()
    form = {
        "token": str(uuid4()), "upto": asked.context["upto"], "reason": "holidays"
    }  # fmt: skip

    answer = admin_client.post(address, form, follow=True)
    admin_client.post(address, form)  # sent twice by a nervous hand
    run_due(limit=5, seconds=20)

    assert "It goes on by itself" in answer.content.decode()
    job = Job.objects.get(type=BULK)
    assert (job.status, job.result) == ("completed", {"done": 2, "refused": {}})
    assert {fresh(each).status for each in two} == {"PAUSADA"}
    entry = last("run.pause")
    assert (entry.count, entry.reason) == (2, "holidays")
    assert Event.objects.filter(type="PAUSADA", actor="admin").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_long_order_lets_others_have_the_worker(two: list[Run], monkeypatch):
    monkeypatch.setattr("cadences.orders.TURN", -1.0)
    job = begin("hurry", Runs(status="ATIVA"), token=uuid4())

    run_due(limit=10, seconds=20)

    job.refresh_from_db()
    assert (job.status, job.result["done"]) == ("completed", 2)
    assert job.attempts.count() > 1
    assert [told(each).count("AGENDADO") for each in two] == [1, 1]


def test_an_order_of_nothing_is_refused():
    with pytest.raises(NothingSelected):
        begin("pause", Runs(status="PAUSADA"), token=uuid4())


def test_an_order_leaves_out_what_began_later(two: list[Run]):
    upto = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=two[0].pk).update(started_at=upto - timedelta(hours=1))
    tally = Tally()

    for _ in go_on("pause", Runs(upto=upto), tally, actor="ana"):
        pass

    assert tally.done == 1
    assert fresh(two[1]).status == "ATIVA"


def test_a_crash_between_two_pages_skips_no_step_twice(two: list[Run]):
    kept: Any = None
    steps = go_on("skip", Runs(), Tally(), actor="ana")
    tally = Tally()
    for _ in go_on("skip", Runs(status="ATIVA"), tally, actor="ana"):
        kept = kept or tally.told()  # the page is remembered, and nothing done yet
    del steps
    again = Tally.of(kept)

    for _ in go_on("skip", Runs(status="ATIVA"), again, actor="ana"):
        break  # the first page, a second time

    assert tally.done == 2
    assert (again.done, again.refused["changed"]) == (0, 2)
    assert [told(each).count("PASSO_PULADO") for each in two] == [1, 1]


@pytest.mark.parametrize(
    "words",
    [
        {"status": "gone"},
        {"reason": "manual"},
        {"next": "ever"},
        {"cadence": "x"},
        {"upto": "soon"},
    ],
)
def test_words_that_name_nothing_are_refused(words: dict[str, str]):
    with pytest.raises(UnknownSelection):
        Runs.read(words)


def test_words_survive_the_way_through_a_job():
    selection = Runs(status="live", reason="paused:task", next="day").until(
        timezone.now()
    )

    assert Runs.read(selection.words()) == selection


def test_a_verb_or_words_that_nobody_knows_are_no_page(
    admin_client: Client, two: list[Run]
):
    assert admin_client.get(f"{LIST}order/explode/").status_code == 404
    assert admin_client.get(f"{LIST}order/pause/?status=gone").status_code == 404
