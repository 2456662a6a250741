"""An invented sales desk with a bit of everything, for walks through the console.

Runs go through the engine, by the recorder's channel and at whatever time it is.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cadences import clock
from cadences.answer import hear, hold
from cadences.enroll import enroll
from cadences.models import (
    Account,
    Company,
    ContactIssue,
    Execution,
    Lead,
    Message,
    Run,
    Task,
)
from cadences.outcomes import Refused, Unknown, Why
from cadences.pause import pause
from cadences.replies import Kind, Reading
from cadences.runner import rehearse, run_here
from cadences.states import Trigger
from cadences.suppress import suppress
from cadences.testing import recording
from tests.cadences.people import cadence, contact, lead, template

HOME = "atelier"
PHONE = "11 98123-4567"
SHARED = "+5511955550101"
STOPPED = "+5511955550202"


@dataclass
class Desk:
    """What was written, by what it shows."""

    sent: Run
    unknown: Execution
    paused: Run
    replied: Run
    failed: Run
    task: Task
    person: Lead
    message: Message


def furnish_desk() -> Desk:
    """Write one of everything that happens."""
    home = Company.objects.create(code=HOME, name="Atelier Sol")
    for medium in ("whatsapp", "email"):
        Account.objects.create(
            company=home, medium=medium, adapter="recorder", name=f"{medium}-1"
        )
    welcome = _welcome()
    person = lead(at=HOME, name="Ana Maria Souza", whatsapp=PHONE, stage="new")
    contact(person, "email", "ana.souza@example.com")
    with recording() as phones:
        sent = _sent(welcome, person)
        unknown = _once(phones, welcome, Unknown("no answer within 30 s"), "Bruno Lima")
        failed = _once(phones, welcome, Refused(Why.NOT_SENT, "busy line"), "Caio Reis")
        replied = _sent(welcome, lead(at=HOME, name="Dora Alves"))
        hear(replied.lead_id, Reading(Kind.HUMAN), medium="whatsapp", text="Oi!")
        _heard(replied.lead, "Oi! Pode me ligar amanhã?")
        task = _task()
        rehearse(limit=5)
    paused = enroll(lead(at=HOME, name="Eva Nunes"), welcome)
    pause(paused.pk, actor="ana")
    enroll(lead(at=HOME, name="Fabio Dias"), welcome)
    suppress("whatsapp", STOPPED, reason="manual", source="ana", everywhere=True)
    doubt = ContactIssue.Kind.SUSPICIOUS
    ContactIssue.objects.create(lead=person, kind=doubt, detail="two people answer")
    unsure = Execution.objects.get(run=unknown)
    return Desk(
        sent, unsure, paused, replied, failed, task, person, _ambiguous(welcome)
    )


def _welcome() -> Any:
    body = "Olá {{ primeiro_nome }}, tudo bem?"
    template("hello", body, at=HOME)
    template("again", "Oi {{ primeiro_nome }}!", at=HOME)
    second = {"delay": 2, "unit": "days", "template_code": "again"}
    return cadence({}, second, at=HOME, code="welcome", name="Welcome")


def _sent(which: Any, person: Lead) -> Run:
    run = enroll(person, which, source="api", actor="ana")
    run_here(Trigger.MANUAL)
    return Run.objects.get(pk=run.pk)


def _once(phones: Any, which: Any, outcome: Any, name: str) -> Run:
    phones.script.append(outcome)
    return _sent(which, lead(at=HOME, name=name))


def _task() -> Task:
    steps = {"kind": "task", "title": "Call them", "template_code": ""}
    calls = cadence(steps, at=HOME, code="calls", name="Calls")
    run = _sent(calls, lead(at=HOME, name="Gil Prado"))
    return Task.objects.get(execution__run=run)


def _heard(person: Lead, text: str) -> Message:
    return Message.objects.create(
        lead=person, body=text, status="processed", match="address", reading="human",
        created_at=clock.now(), details={"from": person.contacts.get().address},
    )  # fmt: skip


def _ambiguous(welcome: Any) -> Message:
    """Write a message that two leads with one number may have sent."""
    both = [
        lead(at=HOME, name=name, whatsapp=SHARED.removeprefix("+55"))
        for name in ("Hugo Paz", "Iara Paz")
    ]
    later = clock.now() + timedelta(days=1)
    for each in both:
        enroll(each, welcome, start_at=later, without_contact=True)
    leads = [each.pk for each in both]
    hold(leads)
    return Message.objects.create(
        body="Quem fala?", status="processed", match="ambiguous", reading="human",
        created_at=clock.now(), details={"from": SHARED, "leads": list(map(str, leads))},
    )  # fmt: skip
