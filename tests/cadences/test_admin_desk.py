"""The panel, the switch, uncertain sends, tasks, passes of the runner, the inbox."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cadences.admin import panel
from cadences.control import control
from cadences.models import Attempt, Execution, Lead, Message, Run, RunnerLog
from cadences.testing import recording
from queues.models import AuditEntry, Job
from tests.cadences.happenings import SHARED, Desk, furnish_desk
from tests.cadences.people import T, fresh
from tests.queues.desk import act, last, page, staff

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

AT = "/admin/cadences/"
PANEL = f"{AT}control/panel/"


@pytest.fixture
def desk() -> Desk:
    return furnish_desk()


def aged(execution: Execution) -> None:
    before = timezone.now() - timedelta(minutes=10)
    Execution.objects.filter(pk=execution.pk).update(intended_at=before)


# the panel


def test_the_panel_tells_how_things_stand(admin_client: Client, desk: Desk):
    shown = page(admin_client, PANEL)

    for words in (
        "Sending is on", "Uncertain sends", "Open tasks", "Replies today",
        "waits for a task", "the lead replied", "Next actions", "Last passes",
    ):  # fmt: skip
        assert words in shown
    assert "?reason=paused%3Atask" in shown


def test_the_panel_answers_304_until_something_changes(
    admin_client: Client, desk: Desk
):
    first = admin_client.get(f"{AT}control/live/")

    same = admin_client.get(
        f"{AT}control/live/", headers={"If-None-Match": first["ETag"]}
    )
    admin_client.post(f"{AT}control/switch/", {"to": "off", "reason": "a drill"})
    other = admin_client.get(
        f"{AT}control/live/", headers={"If-None-Match": first["ETag"]}
    )

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert "All sending is off" in other.content.decode()


def test_the_panel_is_for_those_who_may_see_runs():
    clerk = staff("clerk", "view_lead")

    assert clerk.get(PANEL).status_code == 403
    assert clerk.get(f"{AT}control/live/").status_code == 403


def test_the_pages_of_the_switch_itself_are_the_panel(admin_client: Client):
    control()

    for address in ("control/", "control/1/change/"):
        assert admin_client.get(AT + address)["Location"] == PANEL


def test_the_switch_needs_a_reason_and_leaves_a_row(admin_client: Client, db: None):
    address = f"{AT}control/switch/"
    assert "Stop all sending" in page(admin_client, address)

    refused = admin_client.post(address, {"to": "off", "reason": ""})
    assert refused.status_code == 200
    assert control().is_on
    admin_client.post(address, {"to": "off", "reason": "wrong template"})
    off = page(admin_client, PANEL)
    admin_client.post(address, {"to": "on", "reason": "mended"})

    assert "All sending is off" in off
    assert "wrong template" in off
    assert control().is_on
    assert last("runner.switch_off").reason == "wrong template"
    assert last("runner.switch_on").after == {"is_on": True}


def test_an_account_at_rest_is_named(desk: Desk):
    from cadences.models import Account
    from cadences.survey import resting

    now = timezone.now()
    rests = Account.objects.order_by("name")[0]
    Account.objects.filter(pk=rests.pk).update(
        broken_until=now + timedelta(minutes=5), failures=3
    )

    (found,) = resting(now)

    assert panel._account(found, now)["until"] == found.broken_until


# uncertain sends


def test_a_doubt_is_listed_with_its_evidence(admin_client: Client, desk: Desk):
    shown = page(admin_client, f"{AT}execution/")
    one = page(admin_client, f"{AT}execution/{desk.unknown.pk}/change/")

    assert "Bruno Lima" in shown
    assert "no answer within 30 s" in shown
    assert shown.count('class="field-who') == 1
    assert f"{desk.unknown.pk}.1" in one
    assert "younger than two minutes" in one


def test_it_was_sent(admin_client: Client, desk: Desk):
    admin_client.post(f"{AT}execution/{desk.unknown.pk}/sent/", {"reason": "seen it"})

    desk.unknown.refresh_from_db()
    assert desk.unknown.state == "sent"
    assert last("execution.sent").reason == "seen it"
    assert Run.objects.get(pk=desk.unknown.run_id).next_step == 2


def test_skip_it(admin_client: Client, desk: Desk):
    act(admin_client, "skip", [desk.unknown], f"{AT}execution/", confirmed="yes")

    desk.unknown.refresh_from_db()
    assert desk.unknown.state == "skipped"


def test_not_sent_needs_words_and_two_minutes(admin_client: Client, desk: Desk):
    address = f"{AT}execution/{desk.unknown.pk}/again/"

    silent = admin_client.post(address, {"evidence": ""})
    young = admin_client.post(address, {"evidence": "looked at the phone"}, follow=True)
    aged(desk.unknown)
    admin_client.post(address, {"evidence": "looked at the phone"})

    assert "This field is required." in silent.content.decode()
    assert "Wait for two minutes" in young.content.decode()
    desk.unknown.refresh_from_db()
    assert desk.unknown.state == "refused"
    assert Attempt.objects.get(execution=desk.unknown).resolved_by == "admin"
    assert last("execution.not_sent").reason == "looked at the phone"


# tasks


def test_a_task_is_done_and_its_run_goes_on(admin_client: Client, desk: Desk):
    assert "Call them" in page(admin_client, f"{AT}task/")

    admin_client.post(f"{AT}task/{desk.task.pk}/done/")

    desk.task.refresh_from_db()
    assert (desk.task.state, desk.task.ended_by) == ("done", "admin")
    assert Run.objects.get(pk=desk.task.execution.run_id).status == "ATIVA"
    assert "Call them" not in page(admin_client, f"{AT}task/")
    assert "Call them" in page(admin_client, f"{AT}task/?state=all")
    assert last("task.done").after == {"state": "done"}


def test_a_task_is_skipped_once(admin_client: Client, desk: Desk):
    address = f"{AT}task/{desk.task.pk}/skip/"

    admin_client.post(address, {"reason": "no number"})
    again = admin_client.post(address, follow=True)

    assert "The task is skipped" in again.content.decode()
    assert AuditEntry.objects.filter(action="task.skip").count() == 1


# the runner


def test_a_plan_is_told_and_changes_nothing(admin_client: Client, desk: Desk):
    before = list(Run.objects.order_by("pk").values_list("row_version", flat=True))

    with recording():
        answer = admin_client.post(
            f"{AT}runnerlog/start/", {"trigger": "TEST"}, follow=True
        )

    shown = answer.content.decode()
    assert "A plan: nothing was claimed" in shown
    assert "Olá Fabio, tudo bem?" in shown
    assert before == list(
        Run.objects.order_by("pk").values_list("row_version", flat=True)
    )


def test_a_pass_by_hand_is_a_job(admin_client: Client, desk: Desk):
    answer = admin_client.post(
        f"{AT}runnerlog/start/", {"trigger": "MANUAL", "reason": "now"}, follow=True
    )

    assert "The pass is ordered" in answer.content.decode()
    job = Job.objects.get(type="cadence-runner", unique_key="by-hand")
    assert job.payload["trigger"] == "MANUAL"
    assert last("runner.start").reason == "now"


@pytest.mark.parametrize(
    ("query", "count"),
    [("trigger=TEST", 1), ("trigger=CRON", 0), ("result=errors", 1), ("result=ok", 6)],
)
def test_passes_are_filtered(admin_client: Client, desk: Desk, query: str, count: int):
    shown = page(admin_client, f"{AT}runnerlog/?{query}")

    assert shown.count('class="field-when') == count


def test_a_pass_shows_its_results(admin_client: Client, desk: Desk):
    log = RunnerLog.objects.filter(errors__gt=0).get()

    shown = page(admin_client, f"{AT}runnerlog/{log.pk}/change/")

    assert "busy line" in shown
    assert f"run/{desk.failed.pk}/change/" in shown


# the inbox


def test_a_message_becomes_the_reply_of_whom_it_is_given_to(
    admin_client: Client, desk: Desk
):
    hugo = Lead.objects.get(name="Hugo Paz")
    iara = Lead.objects.get(name="Iara Paz")
    assert "2 possible leads" in page(admin_client, f"{AT}message/")

    admin_client.post(f"{AT}message/{desk.message.pk}/assign/", {"lead": str(hugo.pk)})

    assert Run.objects.get(lead=hugo).exit_reason == "replied"
    assert Run.objects.get(lead=iara).status == "ATIVA"
    message = Message.objects.get(pk=desk.message.pk)
    assert (message.lead, message.match) == (hugo, "person")
    assert "Quem fala?" not in page(admin_client, f"{AT}message/")
    assert last("message.assign").after == {"lead": str(hugo.pk)}


@pytest.mark.parametrize(
    ("text", "told"), [("11 90000-0000", "Nobody has"), (SHARED, "2 leads have this")]
)
def test_who_is_meant_must_be_clear(
    admin_client: Client, desk: Desk, text: str, told: str
):
    answer = admin_client.post(f"{AT}message/{desk.message.pk}/assign/", {"lead": text})

    assert told in answer.content.decode()


def test_a_message_of_nobody_lets_those_go_on_who_waited(
    admin_client: Client, desk: Desk
):
    act(admin_client, "dismiss", [desk.message], f"{AT}message/", confirmed="yes")

    held = Run.objects.filter(lead__name__endswith="Paz")
    assert {each.status for each in held} == {"ATIVA"}
    again = admin_client.post(f"{AT}message/{desk.message.pk}/dismiss/", follow=True)
    assert "Somebody dealt with this message" in again.content.decode()


def test_whoever_waits_for_another_message_still_waits(
    admin_client: Client, desk: Desk
):
    other = Message.objects.create(
        body="Oi", status="processed", match="ambiguous", details=desk.message.details
    )

    admin_client.post(f"{AT}message/{desk.message.pk}/dismiss/")
    held = Run.objects.filter(lead__name__endswith="Paz")
    assert {each.status for each in held} == {"PAUSADA"}
    admin_client.post(f"{AT}message/{other.pk}/dismiss/")

    assert {fresh(each).status for each in held} == {"ATIVA"}


def test_an_erased_lead_gets_no_message(admin_client: Client, desk: Desk):
    hugo = Lead.objects.get(name="Hugo Paz")
    Lead.objects.filter(pk=hugo.pk).update(erased_at=T)

    answer = admin_client.post(
        f"{AT}message/{desk.message.pk}/assign/", {"lead": str(hugo.pk)}, follow=True
    )

    assert "This lead was erased" in answer.content.decode()
