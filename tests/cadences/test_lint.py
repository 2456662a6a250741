"""What is told of a version before it is published."""

from datetime import time
from typing import Any

import pytest

from cadences.hours import Hours, Slot
from cadences.lint import Finding, Plan, lint
from cadences.models import Account, Revision, Step, Template, Variant
from cadences.publish import draft, findings
from tests.cadences.people import cadence, company, template

OPEN = Hours(tuple(Slot(day, time(8), time(18)) for day in range(5)))
NEVER = Hours(())


def step(position: int = 1, **facts: Any) -> Step:
    begin = {
        "kind": "message", "medium": "whatsapp", "fallbacks": [], "conditions": [],
        "template_code": "hello", "delay": 0, "unit": "minutes", "base": "previous",
        "gap_minutes": 60, "title": "",
    }  # fmt: skip
    return Step(position=position, **{**begin, **facts})


def text(body: str = "Olá", *, medium: str = "whatsapp", subject: str = "", **facts: Any) -> Template:  # fmt: skip
    approval = facts.pop("approval", "local")
    revision = Revision(body=body, subject=subject, approval=approval)
    return Template(
        medium=medium, code="hello", **{"is_active": True, **facts}, revision=revision
    )


def told(*steps: Step, texts: Any = None, **plan: Any) -> list[str]:
    known = {("whatsapp", "hello"): text()} if texts is None else texts
    senders = {"whatsapp": True, "email": True, "sms": True}
    found = lint(Plan(list(steps), known, **{"senders": senders, **plan}))
    return [f"{'' if each.is_fault else '? '}{each}" for each in found]


def test_a_sound_step_needs_no_word():
    assert told(step()) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"template_code": ""}, "Step 1: no template is chosen"),
        ({"template_code": "none"}, "Step 1: no template none for WhatsApp"),
        ({"fallbacks": ["email"]}, "Step 1: no template hello for e-mail"),
        ({"medium": "pigeon"}, "Step 1: unknown channel: pigeon"),
        ({"kind": "task"}, "Step 1: the task has no title"),
        ({"conditions": ["x"]}, "Step 1: unknown field of a condition: x"),
        (
            {"conditions": [{"field": "stage", "is": "near"}]},
            "Step 1: unknown comparison: near",
        ),
        (
            {"conditions": [{"field": "previous.state"}]},
            "? Step 1: asks for the step before, and there is none",
        ),
    ],
)
def test_a_step_that_is_not_whole(facts: Any, said: str):
    assert told(step(**facts)) == [said]


@pytest.mark.parametrize(
    ("wording", "said"),
    [
        (text(is_active=False), "Step 1: the template hello is not active"),
        (text(approval="rejected"), "Step 1: hello: the provider has rejected it"),
        (
            text(approval="pending"),
            "? Step 1: hello: the provider has not approved it yet",
        ),
        (text("{{ senha }}"), "Step 1: hello: unknown variable senha"),
        (text("{{ nome"), "Step 1: hello: {{ without its other half"),
        (
            text("{{ nome }} {{ saudacao }}"),
            "? Step 1: hello: nome has no default: a lead without it is not written to",
        ),
        (
            text("x" * 4097),
            "Step 1: hello: longer than the 4096 characters of WhatsApp",
        ),
    ],
)
def test_a_wording_that_is_not_ready(wording: Template, said: str):
    assert told(step(), texts={("whatsapp", "hello"): wording}) == [said]


def test_a_default_needs_no_word():
    wording = text('{{ nome|padrao:"você" }}')

    assert told(step(), texts={("whatsapp", "hello"): wording}) == []


def test_an_email_needs_a_subject_and_a_way_out():
    bare = {("email", "hello"): text("Olá", medium="email")}
    kind = text("Olá. Descadastre-se: …", medium="email", subject="Oi")

    assert told(step(medium="email"), texts=bare) == [
        "Step 1: hello: an e-mail needs a subject",
        "? Step 1: hello: the e-mail names no way to unsubscribe",
    ]
    assert told(step(medium="email"), texts={("email", "hello"): kind}) == []


def test_steps_that_crowd_each_other():
    other = {("whatsapp", code): text() for code in ("hello", "again")}

    assert told(step(), step(2, gap_minutes=0, template_code="again"), texts=other) == [
        "? Step 2: goes out together with the step before"
    ]
    assert told(step(), step(2, delay=1)) == [
        "? Step 2: says the same as the step before"
    ]
    early = (
        step(base="start", unit="days", delay=2),
        step(2, base="start", unit="hours", delay=3, template_code="again"),
    )
    assert told(*early, texts=other) == [
        "? Step 2: is due before the step before, and goes right after it"
    ]


def test_hours_that_never_come():
    shared = {None: ("Office", NEVER)}
    own = {None: ("Office", OPEN), 7: ("Never", NEVER)}
    early = step(local_time=time(7))

    assert told(step(), hours=shared) == ["The calendar Office is never open"]
    assert told(step(calendar_id=7), hours=own) == [
        "Step 1: the calendar Never is never open"
    ]
    assert told(early, hours=own) == [
        "? Step 1: Office is closed at 07:00 on every day: it waits"
    ]
    assert told(step(local_time=time(9)), hours=own) == []


def test_channels_without_a_sender():
    assert told(step(), senders={}) == [
        "? No account sends WhatsApp yet: its steps will wait"
    ]
    assert told(step(), senders={"whatsapp": False}) == [
        "? No account of WhatsApp can send now"
    ]


@pytest.mark.django_db
def test_what_a_version_refers_to_is_read_in_few_statements(
    django_assert_max_num_queries: Any, phones: Any
):
    company()
    template("other")
    which = cadence(*({} for _ in range(8)))
    version = draft(which)
    for each in version.steps.all():
        Variant.objects.create(step=each, code="a", template_code="other")
    Account.objects.filter(medium="whatsapp").update(state="paused")

    with django_assert_max_num_queries(9):
        found = findings(version)

    last = Finding(None, "No account of WhatsApp can send now", is_fault=False)
    assert found[-1] == last
