"""Two cadences and the people in them: somebody answers within a minute of the start."""

from datetime import date, time, timedelta
from itertools import count, cycle
from typing import Any

from django.db import transaction

from cadences import clock
from cadences.enroll import enroll
from cadences.models import (
    Account,
    Cadence,
    Calendar,
    Company,
    Contact,
    Holiday,
    Lead,
    Slot,
    Step,
    Template,
)
from cadences.numbers import normal
from cadences.publish import draft, publish, revise
from cadences.runner import RUNNER
from cadences.states import Medium
from config.demo.accounts import connect
from config.demo.personas import PEOPLE, Persona, by_number
from queues.enqueue import enqueue

COMPANY = "demo"
EVERY = timedelta(seconds=12)
"""Between two starts, so that there is something to see for some minutes."""
WELCOME, RETURN = 24, 8
"""Leads of each cadence."""
NAMES = (
    "Ana Prado", "Bruno Salles", "Carla Nunes", "Diego Farias", "Elisa Moura",
    "Fábio Teles", "Gabriela Pinho", "Heitor Braga", "Íris Campelo", "João Vidal",
    "Karina Leal", "Lucas Peixoto",
)  # fmt: skip
TEXTS = {
    "demo-welcome": "{{ saudacao }}, {{ primeiro_nome }}! Obrigado pelo interesse na {{ empresa }}. Posso ajudar?",
    "demo-follow-up": "{{ primeiro_nome }}, conseguiu ver a nossa mensagem?",
    "demo-last-words": "Vou parar por aqui, {{ primeiro_nome }}. É só chamar quando quiser. Para não receber mais, responda SAIR.",
    "demo-return": "{{ saudacao }}, {{ primeiro_nome }}! Faz tempo que não nos falamos.",
}


@transaction.atomic
def seed() -> bool:
    """Write the demo's cadences unless they are there; tell whether they were new."""
    company, is_new = Company.objects.get_or_create(
        code=COMPANY, defaults={"name": "Aurora Demo"}
    )
    if connect(company) is None:
        _by_console(company)
    if not is_new:
        return False
    for code, body in TEXTS.items():
        template = Template.objects.create(
            company=company, medium=Medium.WHATSAPP, code=code, name=code
        )
        revise(template, body=body, actor="demo")
    _fill(_welcome(company), WELCOME, first=1)
    _fill(_return(company), RETURN, first=1 + WELCOME)
    enqueue(RUNNER, {"trigger": "CRON"}, unique_key="again", source="demo")
    return True


def _by_console(company: Company) -> None:
    """Without phones, messages are lines of the worker's log."""
    Account.objects.get_or_create(
        company=company, name="Demo console",
        defaults={"medium": Medium.WHATSAPP, "adapter": "console"},
    )  # fmt: skip


def _welcome(company: Company) -> Cadence:
    """Three messages within minutes, at any hour; a reply ends it."""
    return _published(
        Cadence.objects.create(company=company, code="demo-welcome", name="Welcome"),
        {"template_code": "demo-welcome"},
        {"template_code": "demo-follow-up", "delay": 1},
        {"template_code": "demo-last-words", "delay": 2},
    )


def _return(company: Company) -> Cadence:
    """Messages in business hours, and a call by a person in between."""
    which = Cadence.objects.create(
        company=company, code="demo-return", name="Win back", calendar=_hours(),
        on_reply=Cadence.OnReply.PAUSE,
    )  # fmt: skip
    return _published(
        which,
        {"template_code": "demo-return"},
        {"kind": Step.Kind.TASK, "title": "Call them", "delay": 1, "unit": "days"},
        {"template_code": "demo-last-words", "delay": 2, "unit": "business_days"},
    )


def _hours() -> Calendar:
    calendar, is_new = Calendar.objects.get_or_create(name="Demo: business hours")
    if is_new:
        Slot.objects.bulk_create(
            Slot(calendar=calendar, weekday=day, opens=time(8), closes=time(18))
            for day in range(5)
        )
        year = clock.now().year
        Holiday.objects.bulk_create(
            Holiday(calendar=calendar, date=date(each, month, day), name=name)
            for each in (year, year + 1)
            for month, day, name in (
                (1, 1, "Ano Novo"), (9, 7, "Independência"), (12, 25, "Natal"),
            )
        )  # fmt: skip
    return calendar


def _published(which: Cadence, *steps: dict[str, Any]) -> Cadence:
    version = draft(which)
    for position, step in enumerate(steps, 1):
        Step.objects.create(version=version, position=position, gap_minutes=0, **step)
    publish(version, actor="demo")
    which.refresh_from_db()
    return which


def _fill(which: Cadence, many: int, *, first: int) -> None:
    """Enrol so many invented people, of every temper in turn."""
    begin, names = clock.now(), cycle(NAMES)
    for place in range(many):
        number = _number(PEOPLE[place % len(PEOPLE)], first + place)
        lead = Lead.objects.create(
            company=which.company, external_id=f"demo-{first + place}", name=next(names)
        )
        address, identity = normal(Medium.WHATSAPP, f"+{number}")
        Contact.objects.create(
            lead=lead, medium=Medium.WHATSAPP, address=address, identity=identity
        )
        start = begin + place * EVERY
        enroll(lead, which, start_at=start, source="demo", actor="demo")


def _number(persona: Persona, place: int) -> str:
    """Return an invented number that belongs to somebody of that temper."""
    for tail in count(place * 1000):
        number = f"55119{1000_0000 + tail:08d}"
        if by_number(number) == persona:
            return number
    raise AssertionError("every temper has numbers")
