"""Cadences on real sockets: what reached the phones decides, not our own tables."""

from datetime import timedelta
from typing import Any

import pytest

from cadences.check import check
from cadences.enroll import enroll
from cadences.explain import explain
from cadences.mend import mend
from cadences.models import Account, Attempt, Contact, ContactIssue, Execution, Message
from cadences.resolve import resolve
from cadences.runner import rehearse
from config.demo.personas import CURIOUS, MISSING, NOT_ME
from queues.enqueue import enqueue
from queues.testing import inline
from tests.cadences.people import (
    T,
    cadence,
    company,
    enrolled,
    execution,
    fresh,
    lead,
    template,
    told,
)
from tests.cadences.people import contact as add_contact
from tests.cadences.providers import (
    approved,
    run,
    through_meta,
    through_smtp,
    through_uazapi,
    to_meta,
    to_uazapi,
)
from tests.simulators import mail, meta, uazapi
from tests.simulators.meta import error
from tests.simulators.uazapi import Fault, limited

pytestmark = pytest.mark.django_db

TWO: tuple[dict[str, Any], ...] = ({}, {"delay": 24, "unit": "hours"})
DIGITS = "5511987654321"


@pytest.fixture
def wa(db):
    """UAZAPI, and a company that writes at any hour."""
    company(calendar=None)
    with uazapi.uazapi() as simulator:
        through_uazapi(simulator)
        yield simulator


@pytest.fixture
def cloud(db):
    """Meta, an approved text, and a company that writes at any hour."""
    company(calendar=None)
    approved()
    with meta.meta() as simulator:
        through_meta(simulator)
        yield simulator


def account() -> Account:
    return company().accounts.get(medium="whatsapp")


def sync(**data: Any) -> Any:
    with inline():
        job = enqueue("sync-uazapi", data)
    job.refresh_from_db()
    return job


# ── unknown outcomes ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", [
    Fault(hang_up=True, accepts=True), Fault(500, accepts=True), Fault(200, "ok", accepts=True),
])  # fmt: skip
def test_b1_b9_b10_an_accepted_message_is_found_by_its_track_id(clock, wa, fault):
    (one,) = enrolled(cadence(*TWO))
    wa.faults.append(fault)
    assert run().summary["uncertain"] == 1

    for _ in range(3):
        clock.pass_(minutes=15)
        run()
        mend(limit=10)

    step = execution(one)
    assert (step.state, step.provider_message_id) == ("sent", wa.ledger[0].message_id)
    assert "RECONCILIADO" in told(one)
    assert fresh(one).next_run_at == T + timedelta(hours=24)
    assert set(wa.counts().values()) == {1}


def test_b10_a_lost_message_that_never_arrived_is_not_sent_again_by_itself(clock, wa):
    (one,) = enrolled(cadence({"on_unknown": "review"}, TWO[1]))
    wa.faults.append(Fault(500))
    run()

    for _ in range(8):
        clock.pass_(minutes=10)
        run()
        mend(limit=10)

    assert fresh(one).pause_reason == "unknown_send"
    assert (wa.sent(), wa.ledger) == (1, [])
    resolve(execution(one).pk, "not_sent", actor="ana", evidence="not on the phone")
    run()
    assert set(wa.counts().values()) == {1}


def test_b8_nobody_at_the_address_is_tried_again_and_arrives_once(clock, wa):
    (one,) = enrolled(cadence())
    here, home = wa.url, account()
    Account.objects.filter(pk=home.pk).update(base_url="http://127.0.0.1:9")

    for _ in range(2):
        run()
        clock.pass_(minutes=15)
    Account.objects.filter(pk=home.pk).update(base_url=here)
    run()

    assert [each.why for each in Attempt.objects.order_by("pk")] == [
        "not_sent",
        "not_sent",
        "",
    ]
    assert told(one).count("ERRO") == 2
    assert len(wa.ledger) == 1


def test_b11_a_rate_limit_waits_as_long_as_asked(clock, wa):
    (one,) = enrolled(cadence())
    wa.faults.append(limited("120"))

    assert run().summary["deferred"] == 1

    assert fresh(one).next_run_at == T + timedelta(seconds=120)
    assert fresh(one).errors_in_a_row == 0
    clock.pass_(seconds=120)
    run()
    assert len(wa.ledger) == 1


def test_f5_a_phone_that_is_away_rests_and_its_runs_wait(clock, wa):
    runs = enrolled(cadence(), 5)
    wa.disconnect()

    done = run()

    assert (done.summary["deferred"], done.summary["errors"]) == (5, 0)
    assert wa.sent() == 3
    assert account().broken_until == T + timedelta(minutes=5)
    wa.is_connected = True
    clock.pass_(minutes=6)
    run()
    assert len(wa.ledger) == 5
    assert {fresh(each).status for each in runs} == {"CONCLUIDA"}


def test_f5_while_one_phone_is_away_the_others_go_on(clock, wa):
    with uazapi.uazapi() as other:
        Account.objects.create(
            company=company(), medium="whatsapp", adapter="uazapi", name="sales-2",
            base_url=other.url, credentials={"token": uazapi.TOKEN},
        )  # fmt: skip
        runs = enrolled(cadence(), 16)
        wa.disconnect()
        run()
        assert wa.sent() == 3
        assert 1 <= len(other.ledger) < 16

        clock.pass_(minutes=1)
        run()
        assert len(other.ledger) == 15  # one waits until the first may be tried again
        wa.is_connected = True
        clock.pass_(minutes=5)
        run()

    counts = wa.counts() + other.counts()
    assert (len(counts), set(counts.values())) == (16, {1})
    assert {fresh(each).status for each in runs} == {"CONCLUIDA"}
    assert not any("ERRO" in told(each) for each in runs)


@pytest.mark.usefixtures("clock")
def test_f5_a_banned_number_is_the_senders_trouble(wa):
    (one,) = enrolled(cadence())
    wa.faults.append(Fault(400, '{"error":"this number was banned by WhatsApp"}'))

    run()

    assert fresh(one).status == "ATIVA"
    assert Attempt.objects.get().why == "sender"


@pytest.mark.usefixtures("clock")
def test_b17_one_of_fifty_that_is_not_there_is_the_only_one_refused(wa):
    runs = enrolled(cadence(), 50)
    gone = runs[19].lead.contacts.get().address.lstrip("+")
    wa.people[gone] = MISSING

    assert run().summary["success"] == 49

    assert len(wa.ledger) == 49
    assert set(wa.counts().values()) == {1}
    assert fresh(runs[19]).exit_reason == "invalid_number"


def test_g14_a_number_that_is_not_there_falls_back_to_e_mail_at_once(clock, wa):
    template("hello", "Olá", medium="email", subject="Oi")
    with mail.mail() as box:
        through_smtp(box)
        ana = lead(whatsapp="11 98765-4321", email="ana@example.com")
        one = enroll(ana, cadence({"fallbacks": ["email"]}))
        wa.people[DIGITS] = MISSING
        run()

    assert (wa.ledger, len(box.ledger)) == ([], 1)
    assert fresh(one).exit_reason == "no_more_steps"
    assert ContactIssue.objects.get().kind == "TELEFONE_SEM_WHATSAPP"


def test_g2_what_a_lead_is_called_is_never_filled_in_by_the_provider(clock, wa):
    enroll(lead(name="{{company}}", first_name="{{company}}"), cadence())

    run()

    (arrived,) = wa.ledger
    assert "{{" not in arrived.text
    assert "company" in arrived.text


@pytest.mark.usefixtures("clock")
def test_g13_a_closed_window_skips_and_an_opt_out_at_meta_ends(cloud):
    runs = enrolled(cadence(*TWO), 3)
    cloud.faults += [error(131047), error(131049), error(131050)]

    assert run().summary["errors"] == 0
    assert run().summary["total"] == 0

    ends = sorted(
        str(fresh(each).exit_reason or fresh(each).next_step) for each in runs
    )
    assert ends == ["2", "2", "opt_out"]
    assert (cloud.ledger, len(cloud.requests)) == ([], 3)
    assert (
        Execution.objects.filter(state="skipped", reason="window_closed").count() == 2
    )


@pytest.mark.usefixtures("clock")
def test_g13_an_approved_template_is_sent_with_what_it_asks_for(cloud):
    one = enroll(lead(name="Ana"), cadence())

    run()

    (arrived,) = cloud.ledger
    (part,) = arrived["template"]["components"]
    assert arrived["template"]["name"] == "boas_vindas"
    assert [each["text"] for each in part["parameters"]] == ["Ana", one.company_id]


def test_g13_a_free_text_waits_for_nobody_and_is_sent_only_to_who_wrote(cloud):
    template("free", "Olá {{ nome }}")
    which = cadence({"template_code": "free"}, code="free", on_reply="continue")
    silent, wrote = enrolled(which, 2)
    answer = cloud.says(wrote.lead.contacts.get().address.lstrip("+"), "Oi")
    to_meta(account(), answer)
    shut, free = explain(silent.pk), explain(wrote.pk)
    planned = {each["runId"]: each["status"] for each in rehearse(limit=5).results}

    done = run()

    assert done.summary["errors"] == 0
    (arrived,) = cloud.ledger
    assert arrived["text"]["body"].startswith("Olá Ana")
    assert execution(wrote).state == "sent"
    assert (execution(silent).state, execution(silent).reason) == (
        "skipped",
        "window_closed",
    )
    assert "has not written to whatsapp-1 within 24 hours" in shut.answer
    assert [each.name for each in shut.gates if not each.is_open] == ["free_text"]
    assert all(each.is_open for each in free.gates)
    assert planned == {str(silent.pk): "PULADO", str(wrote.pk): "PLANEJADO"}


# ── catching up ────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("clock")
def test_h12_sync_settles_what_is_unknown_and_fetches_what_was_missed():
    company(calendar=None)
    with uazapi.uazapi() as provider:
        home = through_uazapi(provider)
        runs = enrolled(cadence(*TWO), 3)
        provider.faults.append(Fault(hang_up=True, accepts=True))
        run()
        for each, text in zip(runs, ("Oi", "SAIR", ""), strict=True):
            if text:
                provider.says(
                    each.lead.contacts.get().address.lstrip("+"), text, after=90 * 86400
                )
        provider.outbox.clear()

        job = sync(syncType="full")
        again = sync()

    assert job.status == "completed"
    assert job.result == {
        "syncType": "full", "settled": 1, "unsettled": 0, "received": 2,
        "checkedNumbers": 3, "errors": [],
        "instances": [{
            "account": home.name, "instance": "sales", "status": "connected", "connected": True,
        }],
    }  # fmt: skip
    assert (again.result["settled"], again.result["received"]) == (0, 0)
    assert sorted(fresh(each).exit_reason or "" for each in runs) == [
        "",
        "opt_out",
        "replied",
    ]
    assert set(provider.counts().values()) == {1}
    assert (
        Contact.objects.filter(standing="valid", checked_at__isnull=False).count() == 3
    )


def test_sync_marks_a_phone_that_is_away_and_one_that_is_back(wa):
    wa.disconnect()
    sync()
    assert account().state == "disconnected"

    wa.is_connected = True
    sync()

    assert account().state == "active"


def test_sync_reports_an_account_that_fails_and_goes_on(wa):
    Account.objects.create(
        company=company(), medium="whatsapp", adapter="uazapi", name="broken",
        base_url="http://127.0.0.1:9", credentials={"token": "x"},
    )  # fmt: skip

    job = sync()

    assert job.status == "completed"
    assert len(job.result["instances"]) == 1
    assert job.result["errors"][0].startswith("broken: UAZAPI")
    wa.faults.append(limited("60"))
    assert sync().status == "pending"


def test_sync_writes_off_numbers_that_are_not_there(wa):
    enrolled(cadence(*TWO))
    ana = lead(whatsapp="11 98765-4321")
    enroll(ana, cadence(*TWO, code="other"))
    wa.people[DIGITS] = MISSING

    assert sync().result["checkedNumbers"] == 2

    assert Contact.objects.get(lead=ana).standing == "invalid"
    assert ContactIssue.objects.get().lead_id == ana.pk


# ── people, and checks ─────────────────────────────────────────────────────────────


def test_personas_answer_and_the_runs_stop(wa):
    which = cadence(*TWO)
    curious, no_more, silent = (
        enroll(lead(whatsapp=f"11 9876{n}-4321"), which) for n in range(3)
    )
    wa.people = {"5511987604321": CURIOUS, "5511987614321": NOT_ME}
    run()

    wa.tell(lambda body: to_uazapi(account(), body), times=2, shuffle=3)

    assert fresh(curious).exit_reason == "replied"
    assert fresh(no_more).exit_reason == "opt_out"
    assert fresh(silent).status == "ATIVA"
    assert set(Execution.objects.values_list("delivery", flat=True)) == {"read"}
    assert set(wa.counts().values()) == {1}


def test_a_check_tells_what_is_wrong_with_an_account(wa):
    good = account()
    assert check(good).works
    assert check(good).detail == "sales: connected"
    good.credentials = {"token": "wrong"}
    assert not check(good).works
    assert "Invalid token" in check(good).detail
    good.adapter = "pigeon"
    assert "pigeon" in check(good).detail
    good.adapter = "console"
    assert check(good).works


def test_a_check_says_when_the_credentials_cannot_be_opened(wa, settings):
    settings.FIELD_ENCRYPTION_KEYS = ("x" * 43 + "=",)

    found = check(account())

    assert not found.works
    assert "FIELD_ENCRYPTION_KEYS" in found.detail


def test_the_figures_of_the_channels_are_told(wa, client):
    enrolled(cadence(*TWO), 2)
    wa.faults.append(limited("60"))
    run()
    Message.objects.create(match="none", status="processed")

    text = client.get("/metrics").content.decode()

    sends = "ritmo_cadence_sends_last_hour"
    assert f'{sends}{{adapter="uazapi",outcome="accepted",why=""}} 1.0' in text
    assert f'{sends}{{adapter="uazapi",outcome="refused",why="busy"}} 1.0' in text
    assert 'ritmo_cadence_unowned_last_day{match="none"} 1.0' in text


def test_a_second_address_is_not_asked_after_an_unknown_send(clock, wa):
    ana = lead(whatsapp="11 98765-4321")
    add_contact(ana, "whatsapp", "11 98888-7777")
    one = enroll(ana, cadence(*TWO))
    wa.faults.append(Fault(hang_up=True))

    run()

    assert wa.sent() == 1
    assert execution(one).state == "unknown"
