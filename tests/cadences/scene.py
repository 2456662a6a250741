"""An invented company with a bit of everything, for walks through the console."""

from django.utils import timezone

from cadences.models import Account, Cadence, Run, Step, Variant
from cadences.publish import draft
from cadences.runner import run_here
from cadences.states import Trigger
from cadences.testing import recording
from tests.cadences import people

ASKS = 'Olá {{ primeiro_nome|padrao:"você" }}, aqui é da {{ empresa }}. Posso ajudar?'


def furnish() -> Cadence:
    """Write a company with a cadence that has begun, and a draft of its next version."""
    people.company(name="Acme Ltda")
    people.template("hello", ASKS)
    people.template("hello", ASKS, medium="email", subject="Bem-vindo")
    people.template("again", "{{ saudacao }}! Viu minha mensagem?")
    which = people.cadence(
        {"template_code": "hello", "fallbacks": ["email"]},
        {"template_code": "again", "delay": 1, "unit": "days"},
        name="Welcome",
    )
    Account.objects.filter(medium="whatsapp").update(
        per_day=50, per_hour=10, failures=2
    )
    with recording():
        people.enrolled(which, 3)
        Run.objects.update(
            next_run_at=timezone.now(), planned_run_at=timezone.now(), is_forced=True
        )
        run_here(Trigger.MANUAL)
    _edit(which)
    return which


def _edit(which: Cadence) -> None:
    version = draft(which)
    step = version.steps.get(position=2)
    Variant.objects.create(step=step, code="a", template_code="again", weight=2)
    Variant.objects.create(step=step, code="b", template_code="hello", weight=1)
    hot = [{"field": "stage", "is": "one_of", "value": ["new", "hot"]}]
    Step.objects.create(
        version=version, position=3, kind="task", title="Call them", delay=3,
        unit="days", conditions=hot,
    )  # fmt: skip
    Step.objects.create(
        version=version, position=4, template_code="none", local_time="07:00"
    )
