"""E-mail from end to end: sent once, answered, bounced, complained about, stopped."""

from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from cadences.answer import opt_out
from cadences.channels.mail_events import read
from cadences.enroll import enroll
from cadences.links import way_out, who
from cadences.models import (
    Consent,
    Contact,
    ContactIssue,
    Execution,
    Message,
    Run,
    Suppression,
)
from cadences.reports import Bounced, Heard
from tests.cadences.people import (
    cadence,
    company,
    execution,
    fresh,
    lead,
    template,
    told,
)
from tests.cadences.providers import failures, heard, post, run, through_smtp, to_mail
from tests.simulators import mail
from tests.simulators.meta import signature

pytestmark = pytest.mark.django_db

STEPS: tuple[dict[str, Any], ...] = (
    {"medium": "email"}, {"medium": "email", "delay": 24, "unit": "hours"},
)  # fmt: skip

DSN = """From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: sales@acme.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} user unknown

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
To: {address}

--b--
"""
COMPLAINT = """From: fbl@isp.example
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is spam.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: x
Version: 1
Original-Rcpt-To: <ana@example.com>

--b
Content-Type: message/rfc822

From: sales@acme.example
Message-ID: {message_id}
Subject: Oi

Oi
--b--
"""


@pytest.fixture
def box(db):
    """A mail server, and a company that writes at any hour."""
    company(calendar=None)
    template("hello", "Olá {{ nome }}", medium="email", subject="Oi, {{ nome }}")
    with mail.mail() as simulator:
        through_smtp(simulator)
        yield simulator


def written(*addresses: str) -> list[Run]:
    """Enrol leads with these addresses and send them their first e-mail."""
    which = cadence(*STEPS)
    runs = [enroll(lead(email=each, whatsapp=False), which) for each in addresses]
    assert run().summary["success"] == len(runs)
    return runs


def account() -> Any:
    return company().accounts.get(medium="email")


def reply(
    to: EmailMessage, text: str, *, sender: str = "ana@example.com", **headers: str
) -> str:
    mail_ = EmailMessage()
    mail_["From"], mail_["To"] = f"Ana <{sender}>", "sales@acme.example"
    mail_["Subject"] = headers.pop("subject", f"Re: {to['Subject']}")
    mail_["Message-ID"] = f"<{abs(hash(text))}@example.com>"
    mail_["In-Reply-To"] = to["Message-ID"]
    for name, value in headers.items():
        mail_[name.replace("_", "-")] = value
    mail_.set_content(text)
    return mail_.as_string()


def test_a_reply_by_e_mail_ends_the_run_whatever_address_it_comes_from(box):
    (one,) = written("ana@example.com")
    quote = "\n\nEm qua., 2 de set. de 2026 às 10:00, Acme <sales@acme.example> escreveu:\n> SAIR"

    answer = to_mail(
        account(), reply(box.ledger[0][1], f"Vamos falar{quote}", sender="x@y.example")
    )

    assert answer.json() == {"success": True, "stored": 1}
    assert failures() == []
    assert fresh(one).exit_reason == "replied"
    (message,) = heard()
    assert (message.body, message.match, message.channel) == (
        "Vamos falar",
        "quoted",
        "email",
    )


def test_a_reply_without_a_thread_is_known_by_its_address(box):
    ana, bia = written("ana@example.com", "bia@example.com")
    plain = (
        "From: BIA@example.com\nSubject: oi\nMessage-ID: <1@x>\n\nPodemos conversar?\n"
    )

    to_mail(account(), plain)
    assert to_mail(account(), plain).json()["stored"] == 0

    assert (fresh(ana).status, fresh(bia).exit_reason) == ("ATIVA", "replied")


def test_c12_an_absence_waits_for_the_return_and_is_no_reply(box):
    (one,) = written("ana@example.com")
    text = "Estou fora do escritório, de volta em 14/09/2099."

    to_mail(account(), reply(
        box.ledger[0][1], text, subject="Resposta automática: Oi", Auto_Submitted="auto-replied"
    ))  # fmt: skip

    one = fresh(one)
    assert (one.status, one.pause_reason) == ("PAUSADA", "absence")
    assert one.resume_at is not None
    assert one.resume_at.year == 2099
    assert one.lead.replied_at is None


def test_g12_a_bounce_ends_exactly_the_run_it_is_about(box):
    ana, bia = written("ana@example.com", "bia@example.com")
    (sent,) = [each for address, each in box.ledger if address == "ana@example.com"]
    facts = {"address": "someone@else.example", "message_id": sent["Message-ID"]}

    to_mail(account(), DSN.format(**facts, action="delayed", status="4.4.1"))
    assert fresh(ana).status == "ATIVA"
    to_mail(account(), DSN.format(**facts, action="failed", status="5.1.1"))

    assert (fresh(ana).status, fresh(ana).exit_reason) == ("CANCELADA", "bounce")
    assert "BOUNCE" in told(ana)
    assert fresh(bia).status == "ATIVA"
    assert Contact.objects.get(standing="invalid").address == "ana@example.com"
    assert Suppression.objects.get().reason == "bounce"
    assert heard() == []


def test_a_complaint_ends_the_run_for_good(box):
    (one,) = written("ana@example.com")

    to_mail(account(), COMPLAINT.format(message_id=box.ledger[0][1]["Message-ID"]))

    assert fresh(one).exit_reason == "complaint"
    assert Suppression.objects.get().reason == "complaint"


def test_an_e_mail_that_cannot_be_read_reports_nothing():
    assert read({"raw": ""}) == []
    assert read({"raw": 5}) == []
    (strange,) = read({"raw": "Content-Type: text/plain; charset=klingon\n\nÃ\n"})
    assert isinstance(strange, Heard)
    (page,) = read(
        {
            "raw": "From: a@b.example\nContent-Type: text/html\n\n<p>Sim</p><style>x</style>"
        }
    )
    assert isinstance(page, Heard)
    assert page.text == "Sim"
    (null,) = read({"raw": "Return-Path: <>\nFrom: a@b.example\n\nx"})
    assert isinstance(null, Heard)
    assert null.headers["auto-submitted"] == "auto-replied"
    (bounce,) = read(
        {
            "raw": DSN.format(
                address="a@b.example",
                message_id="<x@y>",
                action="failed",
                status="5.0.0",
            )
        }
    )
    assert bounce == Bounced("", "a@b.example", "smtp; 550 5.0.0 user unknown")


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_an_unsigned_e_mail_is_refused(box, secret):
    path = f"/webhooks/email/{account().pk}"
    raw = b"From: ana@example.com\n\nSAIR\n"

    assert post(path, raw).status_code == 401
    headers = {"X-Webhook-Signature": signature(raw, secret)}
    assert post(path, raw, **headers).status_code == 401
    other = company().accounts.get(medium="whatsapp")
    assert post(f"/webhooks/email/{other.pk}", raw, **headers).status_code == 404
    assert not Message.objects.exists()


def test_b12_a_drop_after_the_final_dot_is_sent_once_and_settled_by_the_reply(box):
    box.says["data"] = [mail.CUT]
    one = enroll(lead(email="ana@example.com", whatsapp=False), cadence(*STEPS))

    assert run().summary["uncertain"] == 1
    run()
    assert execution(one).state == "unknown"
    to_mail(account(), reply(box.ledger[0][1], "Recebi, obrigada"))

    assert set(box.counts().values()) == {1}
    assert fresh(one).exit_reason == "replied"


def test_b12_user_unknown_writes_the_address_off(box):
    box.says["rcpt"] = ["550 5.1.1 user unknown"]
    one = enroll(lead(email="ana@example.com", whatsapp=False), cadence(*STEPS))

    run()

    assert fresh(one).exit_reason == "invalid_number"
    assert ContactIssue.objects.get().kind == "EMAIL_INVALIDO"
    assert box.ledger == []


# ── the way out ────────────────────────────────────────────────────────────────────


def link_of(sent: EmailMessage) -> Any:
    link = sent["List-Unsubscribe"].strip("<>")
    assert link.startswith("https://ritmo.example.com/u/")
    return str(link.removeprefix("https://ritmo.example.com"))


def test_g11_a_scanner_changes_nothing_and_one_click_does(box):
    (one,) = written("ana@example.com")
    link = link_of(box.ledger[0][1])
    outside = Client(enforce_csrf_checks=True)

    for _ in range(10):
        page = outside.get(link)
        assert page.status_code == 200
        assert b"<form" in page.content
    assert outside.head(link).status_code in {200, 405}
    assert not Suppression.objects.exists()
    click = {"List-Unsubscribe": "One-Click"}
    first = outside.post(link, click)
    again = outside.post(link, click)

    assert (first.status_code, again.status_code) == (200, 200)
    assert not first.cookies
    assert (fresh(one).status, fresh(one).exit_reason) == ("CANCELADA", "opt_out")
    assert Consent.objects.count() == 1
    assert "no-store" in first["Cache-Control"]
    assert first["Referrer-Policy"] == "no-referrer"


def test_g11_a_link_that_we_did_not_make_is_not_found(box):
    (one,) = written("ana@example.com")
    link = link_of(box.ledger[0][1])

    for bad in (f"{link[:-4]}xyz/", "/u/x/", "/u/WyIxIl0:1:x/"):
        assert Client().get(bad).status_code == 404
        assert Client().post(bad).status_code == 404
    assert fresh(one).status == "ATIVA"


def test_a_link_outlives_the_key_that_signed_it(settings):
    someone = lead(email="ana@example.com")
    token = way_out(someone.pk).rpartition("/u/")[2].strip("/")
    settings.SECRET_KEY, old = "another-key" * 6, settings.SECRET_KEY

    settings.SECRET_KEY_FALLBACKS = []
    assert who(token) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert who(token) == someone.pk
    settings.PUBLIC_URL = ""
    assert way_out(someone.pk) == ""


def test_the_link_may_stand_in_the_text_itself(box):
    template("bye", "Adeus. {{ link_descadastro }}", medium="email", subject="Oi")
    enroll(lead(email="ana@example.com", whatsapp=False), cadence(
        {"medium": "email", "template_code": "bye"}, code="bye"
    ))  # fmt: skip

    run()

    text = Execution.objects.get().body
    link = text.rpartition("https://ritmo.example.com")[2]
    assert Client().post(link).status_code == 200
    assert Suppression.objects.exists()


def test_whoever_opted_out_elsewhere_sees_the_same_page(box):
    (one,) = written("ana@example.com")
    opt_out(one.lead_id, medium="whatsapp", source="test")

    assert Client().post(link_of(box.ledger[0][1])).status_code == 200

    assert Consent.objects.count() == 1
