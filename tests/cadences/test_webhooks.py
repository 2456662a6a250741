"""What comes in: fail closed, stored once, applied to the right runs."""

import json
import threading
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from cadences.enroll import enroll
from cadences.erase import erase
from cadences.mend import unpark_late
from cadences.models import (
    Attempt,
    Consent,
    Contact,
    ContactIssue,
    Conversation,
    Event,
    Message,
    Receipt,
    Run,
    Suppression,
)
from cadences.states import RANKS
from queues.models import Job
from tests.cadences.people import T, cadence, company, enrolled, execution, fresh, told
from tests.cadences.people import lead as person
from tests.cadences.providers import (
    approved,
    failures,
    heard,
    post,
    run,
    through_meta,
    through_uazapi,
    to_meta,
    to_uazapi,
)
from tests.simulators import meta, uazapi
from tests.simulators.meta import APP_SECRET, delivery, signature
from tests.simulators.uazapi import Fault

pytestmark = pytest.mark.django_db

TWO: tuple[dict[str, Any], ...] = ({}, {"delay": 24, "unit": "hours"})


@pytest.fixture
def wa(db):
    """UAZAPI, and a company that writes at any hour."""
    company(calendar=None)
    with uazapi.uazapi() as simulator:
        yield simulator


@pytest.fixture
def cloud(db):
    """Meta, an approved text, and a company that writes at any hour."""
    company(calendar=None)
    approved()
    with meta.meta() as simulator:
        yield simulator


def digits(one: Run) -> str:
    return one.lead.contacts.get(medium="whatsapp").address.lstrip("+")


def sent_by(simulator: Any, through: Any, count: int = 1, **facts: Any) -> list[Run]:
    """Enrol leads and send them their first message by the simulator."""
    through(simulator)
    runs = enrolled(cadence(*TWO, **facts), count)
    assert run().summary["success"] == count
    return runs


# ── the doors ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("token", ["", None, "wrong", 5, ["x"]])
def test_uazapi_needs_the_instances_own_token(wa, token):
    account = through_uazapi(wa)

    answer = to_uazapi(account, {**wa.says("5511987654321", "oi"), "token": token})

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert not Message.objects.exists()


def test_an_account_without_credentials_takes_nothing(wa):
    account = through_uazapi(wa)
    account.credentials = {}
    account.save(update_fields=["credentials"])

    assert (
        to_uazapi(account, {**wa.says("5511987654321", "oi"), "token": ""}).status_code
        == 401
    )
    wrong = f"/webhooks/uazapi/{uuid4()}/"
    assert post(wrong, wa.says("5511987654321", "oi")).status_code == 404
    assert post(f"/webhooks/meta/{account.pk}/", {}).status_code == 404
    assert not Message.objects.exists()


def test_the_token_is_not_stored(wa):
    account = through_uazapi(wa)

    assert to_uazapi(account, wa.says("5511987654321", "oi")).status_code == 200

    assert uazapi.TOKEN not in Message.objects.get(channel="webhook").body


def test_g10_meta_signs_the_raw_bytes(cloud):
    account = through_meta(cloud)
    path = f"/webhooks/meta/{account.pk}/"
    raw = b'{ "object":"x",   "entry" : [ ] }'
    for bad in (
        "", "sha256=", signature(raw, "wrong"), "sha256=zz",
        signature(json.dumps(json.loads(raw)).encode()),
    ):  # fmt: skip
        assert post(path, raw, **{"X-Hub-Signature-256": bad}).status_code == 401
    assert post(path, raw).status_code == 401
    assert post(path, raw, **{"X-Hub-Signature-256": signature(raw)}).status_code == 200

    account.credentials = {"app_secret": ""}
    account.save(update_fields=["credentials"])
    assert (
        post(path, raw, **{"X-Hub-Signature-256": signature(raw, "")}).status_code
        == 401
    )
    assert not Message.objects.exists()


def test_meta_is_told_its_challenge_only_if_it_knows_the_word(cloud):
    account = through_meta(cloud)
    path = f"/webhooks/meta/{account.pk}/"
    asked = {
        "hub.mode": "subscribe",
        "hub.verify_token": meta.VERIFY,
        "hub.challenge": "42<b>",
    }

    answer = Client().get(path, asked)
    assert (answer.status_code, answer.content) == (200, b"42<b>")
    assert answer["Content-Type"].startswith("text/plain")
    for name, word in (("hub.verify_token", "no"), ("hub.mode", "x")):
        assert Client().get(path, {**asked, name: word}).status_code == 403
    account.credentials = {}
    account.save(update_fields=["credentials"])
    assert Client().get(path, {**asked, "hub.verify_token": ""}).status_code == 403


@pytest.mark.parametrize("body", [b"{", b"[1]", b"5"])
def test_what_is_no_object_is_refused(wa, body):
    through_uazapi(wa)

    headers = {"Authorization": "Bearer service-test-key"}
    assert post("/functions/v1/whatsapp-inbound", body, **headers).status_code == 400


INBOUND = {"Authorization": "Bearer inbound-test-secret"}


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer x"}, {"X-API-Key": ""}, {"X-API-Key": "cron-test-secret"},
    {"X-Webhook-Signature": signature(b"{}", "wrong")},
])  # fmt: skip
def test_the_plain_door_is_shut_without_a_secret(headers):
    assert post("/functions/v1/whatsapp-inbound", b"{}", **headers).status_code == 401


def test_the_plain_door_tells_whose_a_message_is_and_stops_the_run(wa):
    (one,) = sent_by(wa, through_uazapi)
    body = {
        "from": digits(one),
        "message_id": "m-1",
        "text": "Quero sim",
        "timestamp": None,
    }
    raw = json.dumps(body).encode()
    doors = (
        {"Authorization": "Bearer inbound-test-secret"}, {"X-API-Key": "inbound-rotated"},
        {"X-Webhook-Signature": signature(raw, "inbound-test-secret")},
    )  # fmt: skip

    first, *others = [
        post("/functions/v1/whatsapp-inbound", raw, **each).json() for each in doors
    ]

    assert first == {
        "success": True, "messageId": first["messageId"], "leadId": str(one.lead_id),
        "runId": str(one.pk), "status": "MATCHED",
    }  # fmt: skip
    assert failures() == []
    assert Message.objects.get(pk=first["messageId"]).channel == "webhook"
    assert {each["status"] for each in others} == {"DUPLICATE"}
    assert fresh(one).exit_reason == "replied"
    other = json.dumps({**body, "from": "5511900000000", "message_id": "m-2"}).encode()
    answer = post("/functions/v1/whatsapp-inbound", other, **doors[0]).json()
    assert (answer["status"], answer["leadId"]) == ("UNMATCHED", None)


def test_a_text_that_no_database_holds_is_refused_or_kept_and_never_an_error(wa):
    account = through_uazapi(wa)
    half = json.loads('"\\ud83d"')

    token = to_uazapi(account, {**wa.says("5511987654321", "oi"), "token": half})
    kept = [
        post("/functions/v1/whatsapp-inbound", json.dumps(body).encode(), **INBOUND)
        for body in (
            {"from": "5511987654321", "message_id": "m\x001", "text": "a\x00b"},
            {"from": "5511987654321", "message_id": f"m{half}2", "text": half},
            {"from": f"{half}\x00", "message_id": "m3", "text": "oi"},
        )
    ]

    assert token.status_code == 401
    assert [each.status_code for each in kept] == [200, 200, 200]
    assert {each.json()["status"] for each in kept} == {"UNMATCHED"}
    assert failures() == []


# ── replies ────────────────────────────────────────────────────────────────────────


def test_a_reply_ends_the_run(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    wa.outbox.clear()

    answer = to_uazapi(account, wa.says(digits(one), "Oi, tenho interesse", after=60))

    assert answer.json() == {"success": True, "stored": 1}
    assert (fresh(one).status, fresh(one).exit_reason) == ("CONCLUIDA", "replied")
    assert "RESPOSTA_DETECTADA" in told(one)
    (message,) = heard()
    assert (message.lead_id, message.reading, message.match) == (
        one.lead_id,
        "human",
        "address",
    )
    assert message.conversation is not None
    assert Job.objects.get(type="process-messages").result["processed"] == 1


def test_g9_the_same_message_five_times_is_one_reply(wa):
    (one,) = sent_by(wa, through_uazapi, on_reply="continue")
    account = company().accounts.get(medium="whatsapp")
    body = wa.says(digits(one), "Oi", after=60)

    for number in range(5):
        answer = to_uazapi(
            account, {**body, "BaseUrl": f"https://x{number % 2}.example"}
        )
        assert answer.status_code == 200

    assert told(one).count("RESPOSTA_DETECTADA") == 1
    assert len(heard()) == 1
    assert Message.objects.filter(channel="webhook").count() == 2


@pytest.mark.django_db(transaction=True)
def test_g9_delivered_at_the_same_time_it_is_stored_once(wa):
    account = through_uazapi(wa)
    body = json.dumps(wa.says("5511987654321", "Oi")).encode()
    start, answers = threading.Barrier(4), []

    def knock() -> None:
        start.wait()
        try:
            answers.append(
                Client()
                .post(
                    f"/webhooks/uazapi/{account.pk}/x",
                    body,
                    content_type="application/json",
                )
                .json()["stored"]
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(answers) == [0, 0, 0, 1]
    assert Job.objects.filter(type="process-messages").count() == 1


@pytest.mark.parametrize("word", ["SAIR", "não quero mais", "Parar!"])
def test_c3_an_opt_out_silences_every_channel(wa, word):
    through_uazapi(wa)
    ana = person(email="ana@example.com")
    one = enroll(ana, cadence({}, {"delay": 1, "medium": "email"}))
    run()
    account = company().accounts.get(medium="whatsapp")

    to_uazapi(account, wa.says(digits(one), word, after=30))

    assert (fresh(one).status, fresh(one).exit_reason) == ("CANCELADA", "opt_out")
    assert Suppression.objects.filter(reason="opt_out", medium=None).count() == 2
    assert Consent.objects.get().standing == "revoked"


def test_c11_perhaps_an_opt_out_waits_for_a_person(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")

    to_uazapi(
        account,
        wa.says(digits(one), "não quero mais falar disso agora, me liga amanhã"),
    )

    assert (fresh(one).status, fresh(one).pause_reason) == ("PAUSADA", "maybe_opt_out")
    assert not Suppression.objects.exists()


def test_c13_a_greeting_is_no_reply_and_a_second_message_is(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    greeting = "Olá! Esta é uma mensagem automática, retornaremos assim que possível."

    to_uazapi(account, wa.says(digits(one), greeting, after=3))
    assert fresh(one).status == "ATIVA"
    assert "RESPOSTA_AUTOMATICA" in told(one)
    to_uazapi(account, wa.says(digits(one), "Oi, aqui é a Ana", after=120))

    assert fresh(one).exit_reason == "replied"
    assert [each.reading for each in heard()] == ["probably_machine", "human"]


@pytest.mark.parametrize("address", ["551187654321", "5511987654321"])
def test_g5_the_ninth_digit_does_not_matter_and_landlines_are_others(wa, address):
    through_uazapi(wa)
    which = cadence(*TWO)
    mine = enroll(person(whatsapp="(11) 98765-4321"), which)
    other = enroll(person(whatsapp="(11) 4765-4321"), which)
    run()
    account = company().accounts.get(medium="whatsapp")

    to_uazapi(account, wa.says(address, "Oi"))

    assert fresh(mine).exit_reason == "replied"
    assert fresh(other).status == "ATIVA"


def test_g6_two_leads_of_one_number_are_held_and_neither_is_credited(wa):
    through_uazapi(wa)
    which = cadence(*TWO)
    runs = [enroll(person(whatsapp="11 98765-4321"), which) for _ in range(2)]
    run()
    account = company().accounts.get(medium="whatsapp")

    to_uazapi(account, wa.says("5511987654321", "Oi, aqui é o segredo"))

    for each in runs:
        assert (fresh(each).status, fresh(each).pause_reason) == (
            "PAUSADA",
            "ambiguous",
        )
        assert not Event.objects.filter(run=each, details__icontains="segredo").exists()
    (message,) = heard()
    assert (message.match, message.lead_id) == ("ambiguous", None)
    assert len(message.details["leads"]) == 2


def test_a_number_that_nobody_owns_may_still_opt_out(wa):
    account = through_uazapi(wa)

    to_uazapi(account, wa.says("5511987654321", "SAIR"))

    (message,) = heard()
    assert (message.match, message.reading) == ("none", "opt_out")
    late = person(whatsapp="11 98765-4321")
    one = enroll_or_none(late)
    assert one is None


def enroll_or_none(lead: Any) -> Run | None:
    from cadences.errors import NotEnrolled

    try:
        return enroll(lead, cadence(*TWO))
    except NotEnrolled:
        return None


def test_g7_a_name_at_the_provider_is_learnt_and_used(wa):
    (one,) = sent_by(wa, through_uazapi, on_reply="continue")
    account = company().accounts.get(medium="whatsapp")
    lid = "998877@lid"

    to_uazapi(account, wa.says(digits(one), "Oi", sender=lid, sender_lid=lid))
    assert lid in Contact.objects.get(lead=one.lead).aliases
    nameless = wa.says(digits(one), "De novo", sender=lid, sender_pn="", chatid=lid)
    to_uazapi(account, nameless)

    assert [each.match for each in heard()] == ["address", "alias"]
    assert {each.lead_id for each in heard()} == {one.lead_id}


@pytest.mark.parametrize("more", [
    {"isGroup": True}, {"chatid": "1203@g.us"}, {"messageType": "ReactionMessage"},
    {"messageType": "ProtocolMessage"},
])  # fmt: skip
def test_g8_groups_and_reactions_are_no_replies(wa, more):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")

    assert to_uazapi(account, wa.says(digits(one), "Oi", **more)).status_code == 200

    assert fresh(one).status == "ATIVA"
    assert heard() == []


def test_a_picture_is_a_reply_too(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    picture = {"URL": "https://x.example/p", "mimetype": "image/jpeg"}

    to_uazapi(
        account, wa.says(digits(one), "", content=picture, messageType="ImageMessage")
    )

    assert fresh(one).exit_reason == "replied"


def test_c10_who_writes_from_the_phone_has_taken_over(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    typed = wa.says(digits(one), "Oi Ana, aqui é o Beto", fromMe=True)

    to_uazapi(account, typed)

    assert (fresh(one).status, fresh(one).pause_reason) == ("PAUSADA", "taken_over")
    one.lead.refresh_from_db()
    assert one.lead.mode == "manual"
    assert heard() == []
    account.config = {"phone_takes_over": False}
    account.save(update_fields=["config"])
    (two,) = enrolled(one.cadence)
    to_uazapi(account, wa.says(digits(two), "Oi", fromMe=True))
    assert fresh(two).status == "ATIVA"


def test_a_message_from_before_the_run_is_kept_and_stops_nothing(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")

    to_uazapi(account, wa.says(digits(one), "Oi", after=-3600))
    assert fresh(one).status == "ATIVA"
    to_uazapi(account, wa.says(digits(one), "SAIR", after=-3600))

    assert fresh(one).exit_reason == "opt_out"


def test_one_poison_delivery_stops_no_other(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    Message.objects.create(
        channel="webhook", account=account, body='{"provider": "uazapi"'
    )

    to_uazapi(account, wa.says(digits(one), "Oi\x00\ud800"))

    assert fresh(one).exit_reason == "replied"
    assert Message.objects.filter(status="failed").count() == 1


def test_g16_an_erasure_takes_the_texts_and_the_deliveries_with_it(wa):
    ana, bia = sent_by(wa, through_uazapi, 2, on_reply="continue")
    account = company().accounts.get(medium="whatsapp")
    for each in (ana, bia):
        to_uazapi(account, wa.says(digits(each), "Meu nome é segredo"))
    theirs = digits(ana)

    erase(ana.lead_id, actor="test")

    assert fresh(ana).exit_reason == "lead_removed"
    assert Message.objects.count() == 2
    assert {each.lead_id for each in heard()} == {bia.lead_id}
    left = json.dumps(list(Message.objects.values("body", "details")))
    assert theirs not in left
    assert Conversation.objects.count() == 1
    assert Suppression.objects.get().reason == "erasure"


# ── statuses and echoes ────────────────────────────────────────────────────────────


def test_statuses_of_uazapi_go_only_forward(wa):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    (arrived,) = wa.ledger

    for word in ("Read", "Delivered", "Sent", "Failed", "Delivered", "Delivered"):
        to_uazapi(account, wa.receipt(arrived, word))

    step = execution(one)
    assert (step.delivery, step.delivery_rank) == ("read", 3)
    assert step.read_at is not None
    assert step.delivered_at is not None
    assert (told(one).count("LIDO"), told(one).count("ENTREGUE")) == (1, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_b15_whatever_order_and_however_often_a_failure_never_undoes_an_arrival(
    wa, seed
):
    (one,) = sent_by(wa, through_uazapi)
    account = company().accounts.get(medium="whatsapp")
    (arrived,) = wa.ledger
    for word in ("Failed", "Delivered", "Read"):
        wa.outbox.append((0, wa.receipt(arrived, word)))
    before = 0

    def deliver(body: Any) -> None:
        nonlocal before
        to_uazapi(account, body)
        assert execution(one).delivery_rank >= before
        before = execution(one).delivery_rank

    wa.tell(deliver, times=2, shuffle=seed)

    assert execution(one).delivery == "read"
    assert told(one).count("LIDO") == 1


def test_b14_a_status_that_comes_before_our_answer_waits_for_it(cloud):
    account = through_meta(cloud)
    (one,) = enrolled(cadence(*TWO))
    foreign = {"id": "wamid.OUT1", "status": "delivered", "timestamp": "1"}
    to_meta(account, delivery(statuses=[foreign]))
    assert Receipt.objects.count() == 1

    run()

    assert execution(one).delivery == "delivered"
    assert not Receipt.objects.exists()


def test_b14_a_receipt_that_crossed_our_answer_is_found_by_the_mender(cloud):
    account = through_meta(cloud)
    (one,) = enrolled(cadence(*TWO))
    run()
    Receipt.objects.create(
        account=account, provider_message_id="wamid.OUT1", delivery="read", at=T
    )
    old = Receipt.objects.create(
        account=account, provider_message_id="elsewhere", delivery="read", at=T
    )
    Receipt.objects.filter(pk=old.pk).update(created_at=T - timedelta(days=400))

    assert unpark_late(limit=10) == 1

    assert execution(one).delivery == "read"
    assert not Receipt.objects.exists()


def test_b4_an_echo_settles_what_the_answer_left_open(wa):
    account = through_uazapi(wa)
    (one,) = enrolled(cadence(*TWO))
    wa.faults.append(Fault(hang_up=True, accepts=True))
    assert run().summary["uncertain"] == 1

    wa.tell(lambda body: to_uazapi(account, body), times=2, shuffle=5)

    step = execution(one)
    assert (step.state, step.provider_message_id) == ("sent", wa.ledger[0].message_id)
    assert told(one).count("RECONCILIADO") == 1
    assert step.delivery == "read"
    assert fresh(one).next_step == 2
    assert set(wa.counts().values()) == {1}


def test_b1_a_status_of_meta_settles_what_the_answer_left_open(cloud):
    account = through_meta(cloud)
    (one,) = enrolled(cadence(*TWO))
    cloud.faults.append(Fault(hang_up=True, accepts=True))
    run()

    to_meta(account, cloud.status(0, "sent"))

    step = execution(one)
    assert (step.state, step.delivery) == ("sent", "sent")
    assert Attempt.objects.get().outcome == "accepted"
    assert step.delivery_rank == RANKS["sent"]
    assert len(cloud.ledger) == 1


def test_meta_bundles_and_each_part_is_applied_once(cloud):
    account = through_meta(cloud)
    ana, bia = enrolled(cadence(*TWO, on_reply="continue"), 2)
    run()
    bodies = [
        cloud.says(digits(ana), "Oi", answers=cloud.ledger[0]["id"]),
        cloud.says(digits(bia), "Oi"), cloud.status(0, "delivered"),
    ]  # fmt: skip
    bundle = {"entry": [entry for body in bodies for entry in body["entry"]]}

    assert to_meta(account, bundle).json()["stored"] == 3
    assert to_meta(account, bodies[0]).json()["stored"] == 0
    assert to_meta(account, {**bundle, "object": "x"}).json()["stored"] == 0

    assert [told(each).count("RESPOSTA_DETECTADA") for each in (ana, bia)] == [1, 1]
    assert {each.match for each in heard()} >= {"address"}
    foreign = json.dumps(cloud.says(digits(ana), "Oi")).replace(meta.NUMBER_ID, "999")
    assert to_meta(account, foreign.encode()).json()["stored"] == 0


@pytest.mark.parametrize(
    ("code", "ends"), [(131026, ""), (131050, "opt_out"), (130472, "")]
)
def test_g13_a_late_refusal_of_meta_means_what_an_early_one_does(cloud, code, ends):
    account = through_meta(cloud)
    (one,) = enrolled(cadence(*TWO))
    run()

    to_meta(account, cloud.status(0, "failed", code=code))

    assert execution(one).delivery == "failed"
    assert "FALHA_ENTREGA" in told(one)
    assert (fresh(one).exit_reason or "") == ends
    is_dead = code == 131026
    assert ContactIssue.objects.exists() == is_dead
    assert Contact.objects.filter(standing="invalid").exists() == is_dead


def test_a_foreign_signature_opens_no_other_account(cloud):
    through_meta(cloud)
    other = company("other").accounts.get(medium="whatsapp")
    other.adapter, other.credentials = "meta", {"app_secret": "another-secret"}
    other.save()

    raw = json.dumps(delivery()).encode()
    headers = {"X-Hub-Signature-256": signature(raw, APP_SECRET)}
    assert post(f"/webhooks/meta/{other.pk}/", raw, **headers).status_code == 401


LONG = "wamid." + "A" * 400


def told_long(end: str) -> Any:
    body = {"from": "5511987654321", "message_id": LONG + end, "text": "oi"}
    raw = json.dumps(body).encode()
    return post("/functions/v1/whatsapp-inbound", raw, **INBOUND).json()["status"]


def test_long_ids_with_the_same_beginning_are_two_messages():
    assert [told_long("1"), told_long("2"), told_long("1")] == [
        "UNMATCHED", "UNMATCHED", "DUPLICATE",
    ]  # fmt: skip
    assert failures() == []
    assert Message.objects.filter(channel="whatsapp", body="oi").count() == 2


def test_a_long_id_that_was_stored_cut_is_known_again():
    told_long("1")
    assert failures() == []
    for prefix in ("plain:told:", "plain:in:"):
        row = Message.objects.filter(key__startswith=prefix)
        assert row.update(key=prefix + LONG[:150]) == 1

    import_module("cadences.migrations.0014_long_ids").name_in_full(apps, None)

    assert [told_long("1"), told_long("2")] == ["DUPLICATE", "UNMATCHED"]
    assert failures() == []
    assert Message.objects.filter(channel="whatsapp", body="oi").count() == 2


@pytest.mark.parametrize("told", [
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z",
    253402300799000, "2026-02-30T00:00:00Z", 10**30, "soon", [], True,
])  # fmt: skip
def test_a_moment_that_no_calendar_knows_is_none(told):
    (run,) = enrolled(cadence(*TWO))
    number = Contact.objects.get(lead=run.lead).address
    body = {"from": number, "message_id": "m-9", "text": "Quero", "timestamp": told}
    raw = json.dumps(body).encode()

    answer = post("/functions/v1/whatsapp-inbound", raw, **INBOUND)

    assert (answer.status_code, failures()) == (200, [])
    assert fresh(run).exit_reason == "replied"
