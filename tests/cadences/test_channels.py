"""What each answer of a provider means: the outcome table, on real sockets."""

import time
from typing import Any
from uuid import uuid4

import pytest

from cadences.channels import call, smtp
from cadences.channels.meta import Meta
from cadences.channels.meta_codes import MEANINGS
from cadences.channels.smtp import Smtp
from cadences.channels.uazapi import Uazapi
from cadences.errors import AccessRefused, NotConfigured, ProviderDown
from cadences.outcomes import (
    Accepted,
    CannotTell,
    Found,
    NotFound,
    Refused,
    Unknown,
    Why,
)
from cadences.ports import Letter, Sender
from config.demo.personas import MISSING
from queues.seal import Secret, seal
from tests.simulators import mail, meta, uazapi
from tests.simulators.meta import error
from tests.simulators.uazapi import Fault, limited

NUMBER = "+5511987654321"


def letter(sender: Sender, **facts: Any) -> Letter:
    facts.setdefault("address", NUMBER)
    facts.setdefault("correlation", f"{uuid4()}.1")
    return Letter(sender, body=facts.pop("body", "Olá Ana"), **facts)


def by_uazapi(url: str, token: str = uazapi.TOKEN) -> Sender:
    secret = Secret(seal({"token": token}))
    return Sender("1", "+5511888888888", base_url=url, credentials=secret)


def by_meta(url: str, token: str = meta.TOKEN) -> Sender:
    config = {"phone_number_id": meta.NUMBER_ID}
    secret = Secret(seal({"access_token": token}))
    return Sender("1", "", config, url, secret)


def by_mail(port: int, password: str = mail.PASSWORD, scheme: str = "smtp") -> Sender:
    secret = Secret(seal({"username": mail.USER, "password": password}))
    url = f"{scheme}://127.0.0.1:{port}"
    return Sender("1", "sales@acme.example", {"from_name": "Acme, Vendas"}, url, secret)


def mailed(sender: Sender, **facts: Any) -> Letter:
    facts.setdefault("unsubscribe", "https://ritmo.example.com/u/token/")
    facts.setdefault("subject", "Oi")
    return letter(sender, address="ana@example.com", **facts)


# ── UAZAPI ─────────────────────────────────────────────────────────────────────────


def test_uazapi_accepts_and_tells_the_id_that_its_statuses_will_name():
    with uazapi.uazapi() as provider:
        sent = letter(by_uazapi(provider.url))
        outcome = Uazapi().send(sent)

    (arrived,) = provider.ledger
    assert outcome == Accepted(arrived.message_id)
    assert (arrived.number, arrived.text) == ("5511987654321", "Olá Ana")
    assert arrived.correlation == sent.correlation


@pytest.mark.parametrize(("fault", "why"), [
    (Fault(401, '{"error":"Invalid token"}'), Why.SENDER),
    (Fault(400, '{"error":"Missing number or text"}'), Why.CONTENT),
    (Fault(400, '{"error":"the number is not on WhatsApp"}'), Why.RECIPIENT),
    (Fault(404, '{"error":"Not found"}'), Why.SENDER),
    (Fault(302, "", {"Location": "https://example.com/"}), Why.SENDER),
    (Fault(413, '{"error":"too large"}'), Why.CONTENT),
    (limited("120"), Why.BUSY), (limited(None), Why.BUSY),
    (Fault(500, '{"error":"WhatsApp client is not connected"}'), Why.SENDER),
    (Fault(503, '{"error":"No session"}'), Why.SENDER),
])  # fmt: skip
def test_uazapi_refuses_and_nothing_was_sent(fault, why):
    with uazapi.uazapi() as provider:
        provider.faults.append(fault)
        outcome = Uazapi().send(letter(by_uazapi(provider.url)))

    assert isinstance(outcome, Refused)
    assert outcome.why == why
    assert outcome.retry_after == (120 if fault == limited("120") else None)
    assert provider.ledger == []


@pytest.mark.parametrize("fault", [
    Fault(500), Fault(502, "<html>"), Fault(200, "ok"), Fault(200, "{}"),
    Fault(hang_up=True), Fault(hang_up=True, accepts=True), Fault(500, accepts=True),
    Fault(200, "{}", wait=1.0, accepts=True),
])  # fmt: skip
def test_b9_b10_whatever_is_no_clear_answer_of_uazapi_is_unknown(fault, monkeypatch):
    monkeypatch.setattr(call, "DEADLINE", 0.5)
    with uazapi.uazapi() as provider:
        provider.faults.append(fault)
        outcome = Uazapi().send(letter(by_uazapi(provider.url)))

    assert isinstance(outcome, Unknown)
    assert provider.sent() == 1


def test_nobody_at_the_address_is_certainly_not_sent():
    for sender, adapter in (
        (by_uazapi("http://127.0.0.1:9"), Uazapi()),
        (by_meta("http://nowhere.invalid"), Meta()),
    ):
        outcome = adapter.send(letter(sender))
        assert isinstance(outcome, Refused)
        assert outcome.why == Why.NOT_SENT


def test_a_private_address_is_refused_unless_it_is_allowed(settings):
    settings.PROVIDERS_ALLOW_PRIVATE = False
    with uazapi.uazapi() as provider, mail.mail() as box:
        told = [
            Uazapi().send(letter(by_uazapi(provider.url))),
            Smtp().send(mailed(by_mail(box.port))),
        ]

    for outcome in told:
        assert isinstance(outcome, Refused)
        assert (outcome.why, outcome.code) == (Why.SENDER, "address")
    assert (provider.requests, box.phases) == ([], [])


def test_no_secret_is_part_of_an_outcome():
    said = f'{{"error":"Invalid token {uazapi.TOKEN}"}}'
    with uazapi.uazapi() as provider, meta.meta() as other:
        provider.faults.append(Fault(401, said))
        other.faults.append(Fault(500, f'{{"error":"{meta.TOKEN}"}}'))
        first = Uazapi().send(letter(by_uazapi(provider.url)))
        second = Meta().send(letter(by_meta(other.url)))

    assert "•••" in repr(first)
    assert uazapi.TOKEN not in repr(first) + repr(by_uazapi(""))
    assert meta.TOKEN not in repr(second)


def test_uazapi_looks_up_by_our_correlation_and_never_proves_absence():
    with uazapi.uazapi() as provider:
        sent = letter(by_uazapi(provider.url))
        Uazapi().send(sent)
        found = Uazapi().lookup(sent.sender, sent.correlation)
        missing = Uazapi().lookup(sent.sender, f"{uuid4()}.1")
        provider.faults.append(Fault(500))
        down = Uazapi().lookup(sent.sender, sent.correlation)

    assert found == Found(provider.ledger[0].message_id)
    assert missing == NotFound(certain=False)
    assert down == CannotTell()


def test_an_account_without_what_it_needs_rests():
    for adapter, sender in (
        (Uazapi(), Sender("1", "")),
        (Uazapi(), by_uazapi("http://127.0.0.1:9", token="")),
        (Meta(), Sender("1", "")),
        (Meta(), by_meta("", token="")),
        (Smtp(), Sender("1", "sales@acme.example")),
        (Smtp(), Sender("1", "", base_url="smtp://127.0.0.1:9")),
        (Smtp(), Sender("1", "a@b.example", base_url="smtp://127.0.0.1:x")),
    ):
        outcome = adapter.send(mailed(sender))
        assert isinstance(outcome, Refused)
        assert (outcome.why, outcome.code) == (Why.SENDER, "config")
        with pytest.raises(NotConfigured):
            adapter.check(sender)


# ── Meta ───────────────────────────────────────────────────────────────────────────


def test_meta_sends_a_text_and_hands_our_correlation_back():
    with meta.meta() as provider:
        sent = letter(by_meta(provider.url))
        outcome = Meta().send(sent)

    (arrived,) = provider.ledger
    assert outcome == Accepted(arrived["id"])
    assert arrived["text"]["body"] == "Olá Ana"
    assert arrived["biz_opaque_callback_data"] == f"exec:{sent.correlation}"
    assert provider.requests == [("POST", f"/v21.0/{meta.NUMBER_ID}/messages")]


def test_meta_sends_an_approved_template_with_its_parameters():
    with meta.meta() as provider:
        Meta().send(letter(
            by_meta(provider.url), template="boas_vindas", language="pt_BR",
            parameters=("Ana", "Acme"),
        ))  # fmt: skip

    (arrived,) = provider.ledger
    assert arrived["type"] == "template"
    assert arrived["template"]["language"] == {"code": "pt_BR"}
    (body,) = arrived["template"]["components"]
    assert [each["text"] for each in body["parameters"]] == ["Ana", "Acme"]


CODES = [(code, why) for why, codes in MEANINGS.items() for code in codes]


def test_every_code_of_meta_means_what_the_table_says():
    with meta.meta() as provider:
        for code, why in [*CODES, (250, Why.SENDER), (131049, Why.WINDOW)]:
            provider.faults.append(error(code, 500 if why is None else 400))
            outcome = Meta().send(letter(by_meta(provider.url)))
            told = outcome.why if isinstance(outcome, Refused) else None
            assert (told, outcome.code) == (why, str(code)), code
    assert provider.ledger == []


@pytest.mark.parametrize(("fault", "kind"), [
    (Fault(500), Unknown), (Fault(200, "{}"), Unknown), (error(987654, 503), Unknown),
    (Fault(hang_up=True, accepts=True), Unknown), (error(987654), Refused),
    (Fault(429, "{}", {"Retry-After": "7"}), Refused), (Fault(403, "{}"), Refused),
])  # fmt: skip
def test_what_meta_does_not_explain_goes_by_its_status(fault, kind):
    with meta.meta() as provider:
        provider.faults.append(fault)
        assert isinstance(Meta().send(letter(by_meta(provider.url))), kind)


# ── SMTP ───────────────────────────────────────────────────────────────────────────


def test_g12_an_e_mail_has_its_own_id_and_a_way_out_in_one_click():
    with mail.mail() as box:
        sent = mailed(
            by_mail(box.port), body="Olá <b>Ana</b>\n\n.linha\nfim", subject="Olá, Ana"
        )
        outcome = Smtp().send(sent)

    ((address, arrived),) = box.ledger
    assert outcome == Accepted(f"{sent.correlation}@acme.example")
    assert arrived["Message-ID"] == f"<{sent.correlation}@acme.example>"
    assert (address, arrived["Subject"]) == ("ana@example.com", "Olá, Ana")
    assert arrived["From"] == '"Acme, Vendas" <sales@acme.example>'
    assert arrived["List-Unsubscribe"] == f"<{sent.unsubscribe}>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Auto-Submitted" not in arrived
    text = arrived.get_body(("plain",)).get_content().replace("\r", "")
    page = arrived.get_body(("html",)).get_content().replace("\r", "")
    assert text.startswith("Olá <b>Ana</b>\n\n.linha\nfim")
    assert sent.unsubscribe in text
    assert "Olá &lt;b&gt;Ana&lt;/b&gt;" in page
    assert f'<a href="{sent.unsubscribe}">' in page


def test_g3_a_subject_cannot_add_a_header():
    with mail.mail() as box:
        outcome = Smtp().send(
            mailed(by_mail(box.port), subject="Oi\nBcc: all@x.example")
        )

    assert isinstance(outcome, Refused)
    assert outcome.why == Why.CONTENT
    assert box.ledger == []


@pytest.mark.parametrize(("phase", "word", "why"), [
    ("mail", mail.CUT, Why.NOT_SENT), ("rcpt", mail.CUT, Why.NOT_SENT),
    ("mail", "451 later", Why.BUSY), ("rcpt", "451 4.7.1 greylisted", Why.BUSY),
    ("rcpt", "550 5.1.1 user unknown", Why.RECIPIENT),
    ("rcpt", "554 5.7.1 relay denied", Why.SENDER), ("mail", "553 no", Why.SENDER),
    ("data", "554 5.7.1 spam", Why.CONTENT), ("data", "452 full", Why.BUSY),
    ("data", "550 5.1.1 no such user", Why.RECIPIENT),
])  # fmt: skip
def test_b12_each_phase_of_smtp_refuses_in_its_own_way(phase, word, why):
    with mail.mail() as box:
        box.says[phase] = [word]
        outcome = Smtp().send(mailed(by_mail(box.port)))

    assert isinstance(outcome, Refused)
    assert outcome.why == why
    assert box.ledger == []


def test_b12_a_cut_after_the_final_dot_is_unknown():
    with mail.mail() as box:
        box.says["data"] = [mail.CUT]
        outcome = Smtp().send(mailed(by_mail(box.port)))

    assert isinstance(outcome, Unknown)
    assert len(box.ledger) == 1


def test_a_server_that_hangs_is_left_at_the_deadline(monkeypatch):
    monkeypatch.setattr(smtp, "DEADLINE", 0.5)
    with mail.mail() as box:
        box.delay = 3
        began = time.monotonic()
        outcome = Smtp().send(mailed(by_mail(box.port)))
        took = time.monotonic() - began

    assert isinstance(outcome, Unknown)
    assert took < 2.9


def test_a_wrong_password_is_the_senders_fault_and_is_never_repeated():
    with mail.mail() as box:
        outcome = Smtp().send(mailed(by_mail(box.port, "wrong-password-1")))
        with pytest.raises(AccessRefused):
            Smtp().check(by_mail(box.port, "wrong-password-1"))

    assert isinstance(outcome, Refused)
    assert (outcome.why, outcome.code) == (Why.SENDER, "535")
    assert "wrong-password" not in repr(outcome)


def test_nobody_encrypts_or_listens_there():
    with mail.mail() as box:
        for sender in (
            by_mail(9), by_mail(box.port, scheme="smtps"),
            by_mail(box.port, scheme="smtp+starttls"),
        ):  # fmt: skip
            outcome = Smtp().send(mailed(sender))
            assert isinstance(outcome, Refused)
            assert outcome.why == Why.NOT_SENT
            with pytest.raises(ProviderDown):
                Smtp().check(sender)
    assert box.ledger == []


def test_without_a_way_out_no_e_mail_leaves():
    with mail.mail() as box:
        outcome = Smtp().send(mailed(by_mail(box.port), unsubscribe=""))

    assert isinstance(outcome, Refused)
    assert "PUBLIC_URL" in outcome.detail
    assert box.phases == []


# ── check ──────────────────────────────────────────────────────────────────────────


def test_a_check_asks_and_sends_nothing():
    with uazapi.uazapi() as first, meta.meta() as second, mail.mail() as third:
        assert Uazapi().check(by_uazapi(first.url)) == "sales: connected"
        assert Meta().check(by_meta(second.url)) == "Acme"
        assert Smtp().check(by_mail(third.port)) == "250"
        first.disconnect()
        with pytest.raises(ProviderDown, match="disconnected"):
            Uazapi().check(by_uazapi(first.url))
        with pytest.raises(AccessRefused, match="Meta: 401"):
            Meta().check(by_meta(second.url, "another-token"))

    assert (first.ledger, second.ledger, third.ledger) == ([], [], [])


def test_uazapi_tells_which_numbers_are_there():
    with uazapi.uazapi() as provider:
        provider.people["5511911111111"] = MISSING
        found = list(
            Uazapi().numbers(by_uazapi(provider.url), [NUMBER, "+5511911111111"])
        )

    assert [(number, there) for number, there, _ in found] == [
        (NUMBER, True), ("+5511911111111", False),
    ]  # fmt: skip
