"""Runs in the console: found, explained, steered, alone and by the hundred."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cadences import export
from cadences.bulk import BULK, Tally, begin, go_on
from cadences.errors import NothingSelected, UnknownSelection
from cadences.models import Event, Lead, Run
from cadences.selection import Runs
from queues.models import AuditEntry, Job
from queues.work import run_due
from tests.cadences.people import cadence, enrolled, fresh, told
from tests.queues.desk import act, last, page, staff

pytestmark = pytest.mark.django_db

LIST = "/admin/cadences/run/"


@pytest.fixture
def two() -> list[Run]:
    later = timezone.now() + timedelta(days=1)
    return enrolled(cadence({}, {"delay": 1, "unit": "days"}), 2, start_at=later)


def one(run: Run, word: str = "change") -> str:
    return f"{LIST}{run.pk}/{word}/"


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


def test_what_is_asked_about_is_named_as_this_person_may_know_it(
    admin_client: Client, two: list[Run]
):
    Lead.objects.filter(pk=two[0].lead_id).update(name="Ana Maria Souza")
    operator = staff("operator", "view_run", "operate_run")
    chosen = {"action": "pause", "_selected_action": [each.pk for each in two]}

    assert "Ana Maria Souza · welcome" in page(admin_client, one(two[0], "pause"))
    asked = operator.post(LIST, chosen).content.decode()

    assert "Ana M. S. · welcome" in asked
    assert f"<li>{two[0].pk}" not in " ".join(asked.split())


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


def test_h4_a_run_is_started_anew_from_its_page(admin_client: Client, two: list[Run]):
    old = two[0]
    assert "Start anew" in page(admin_client, one(old))

    refused = admin_client.post(one(old, "restart"), {"first_step": 1})
    admin_client.post(
        one(old, "restart"), {"first_step": 2, "reason": "they asked for it"}
    )

    assert "This field is required." in refused.content.decode()
    assert (fresh(old).status, fresh(old).exit_reason) == ("CANCELADA", "replaced")
    new = Run.objects.get(lead=old.lead_id, round=2)
    assert (new.status, new.next_step) == ("ATIVA", 2)
    assert last("run.restart").reason == "they asked for it"
    assert "all rounds" in page(admin_client, one(new))


def test_chosen_rows_are_moved_and_started_anew_together(
    admin_client: Client, two: list[Run]
):
    at = (timezone.localtime() + timedelta(days=3)).replace(second=0, microsecond=0)

    chosen = {"_selected_action": [each.pk for each in two], "confirmed": 1}
    when = {"action": "reschedule", "at": f"{at:%Y-%m-%dT%H:%M}"}

    admin_client.post(LIST, {**chosen, **when})
    moved = {fresh(each).planned_run_at for each in two}
    admin_client.post(
        LIST, {**chosen, "action": "restart", "reason": "new text", "first_step": 1}
    )

    assert moved == {at}
    assert Run.objects.filter(round=2, status="ATIVA").count() == 2


def test_h11_runs_are_downloaded_and_people_masked(
    admin_client: Client, two: list[Run]
):
    Lead.objects.filter(pk=two[0].lead_id).update(name="=cmd() Ana Souza")
    viewer = staff("viewer", "view_run")

    whole = table(admin_client, "status=ATIVA")
    masked = table(viewer, "status=ATIVA")

    assert len(whole) == len(masked) == 2
    named = {each["run"]: each for each in whole}[str(two[0].pk)]
    assert named["name"] == "'=cmd() Ana Souza"
    assert named["address"].startswith("'+55119")
    assert (named["status"], named["cadence"], named["version"]) == (
        "ATIVA",
        "welcome",
        "1",
    )
    hidden = {each["run"]: each for each in masked}[str(two[0].pk)]
    assert hidden["name"] == "'=cmd() A. S."
    assert "****" in hidden["address"]
    assert table(admin_client, "status=PAUSADA") == []
    entry = last("run.export")
    assert entry.after["revealed"] is True
    assert admin_client.get(f"{LIST}export/").status_code == 405
    assert admin_client.post(f"{LIST}export/?status=x").status_code == 404
    assert staff("nobody").post(f"{LIST}export/").status_code == 403


def table(client: Client, query: str) -> list[dict[str, str]]:
    answer = client.post(f"{LIST}export/?{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.getvalue().decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_long_table_is_read_by_pages(two: list[Run], monkeypatch):
    monkeypatch.setattr(export, "PAGE", 2)
    enrolled(cadence(code="other"), 3)
    Run.objects.update(created_at=timezone.now())  # a tie in every place

    lines = list(export.runs_as_csv(Runs(), reveals=True))

    assert len({each.partition(",")[0] for each in lines[1:]}) == 5


def test_runs_are_narrowed_to_what_needs_a_look_to_owners_and_to_steps(
    admin_client: Client, admin_user: User, two: list[Run]
):
    first, second = two
    (third,) = enrolled(cadence({"medium": "email"}, code="mail"), without_contact=True)
    Lead.objects.filter(pk=first.lead_id).update(owner=admin_user)
    Run.objects.filter(pk=second.pk).update(
        next_run_at=timezone.now() - timedelta(hours=1)
    )

    def shown(query: str) -> set[str]:
        text = page(admin_client, f"{LIST}?{query}")
        return {str(each.pk) for each in (*two, third) if f"/run/{each.pk}/" in text}

    assert shown(f"owner={admin_user.pk}") == {str(first.pk)}
    assert shown("stuck=yes") == {str(second.pk)}
    assert shown("medium=email") == {str(third.pk)}
    of = f"cadence={first.cadence_id}"
    assert shown(f"{of}&version={first.version_id}&step=1") == {
        str(first.pk), str(second.pk),
    }  # fmt: skip
    assert shown(f"{of}&step=2") == set()
    assert shown("step=x") == set()


def test_the_next_actions_have_their_verbs_at_hand(
    admin_client: Client, two: list[Run]
):
    viewer = staff("viewer", "view_run")
    address = f"{LIST}?next=week"

    assert one(two[0], "skip") in page(admin_client, address)
    assert one(two[0], "skip") not in page(admin_client, LIST)
    assert one(two[0], "skip") not in page(viewer, address)
