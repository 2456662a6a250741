"""Companies, leads and cadences for tests, in a few words."""

import itertools
from datetime import datetime, time
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db import connection

from cadences import clock
from cadences.claim import candidates, claim
from cadences.enroll import enroll
from cadences.models import (
    Account,
    Cadence,
    Calendar,
    Company,
    Contact,
    Event,
    Execution,
    Holiday,
    Lead,
    Run,
    Slot,
    Step,
    Template,
)
from cadences.numbers import normal
from cadences.publish import draft, publish, revise

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
T = datetime(2026, 9, 2, 10, 0, tzinfo=SAO_PAULO)
"""A Wednesday morning."""

_number = itertools.count(1)


def business_hours(name: str = "Business hours", *, holidays: bool = True) -> Calendar:
    """Return Monday to Friday from 8 to 18, less two holidays."""
    calendar, created = Calendar.objects.get_or_create(name=name)
    if created:
        Slot.objects.bulk_create(
            Slot(calendar=calendar, weekday=day, opens=time(8), closes=time(18))
            for day in range(5)
        )
        if holidays:
            Holiday.objects.create(
                calendar=calendar, date="2026-09-07", name="Independência"
            )
    return calendar


def company(code: str = "acme", **facts: Any) -> Company:
    """Return a company with a sender of each channel, open in business hours."""
    found, created = Company.objects.get_or_create(
        code=code, defaults={"calendar": business_hours(), **facts}
    )
    if created:
        for medium in ("whatsapp", "email"):
            Account.objects.create(
                company=found, medium=medium, adapter="recorder", name=f"{medium}-1"
            )
    return found


def lead(
    *, at: str = "acme", whatsapp: Any = True, email: str = "", **facts: Any
) -> Lead:
    """Return a lead with a number of their own."""
    number = next(_number)
    facts.setdefault("name", f"Ana {number}")
    found = Lead.objects.create(company=company(at), **facts)
    if whatsapp:
        text = whatsapp if isinstance(whatsapp, str) else f"11 9{70000000 + number}"
        contact(found, "whatsapp", text)
    if email:
        contact(found, "email", email)
    return found


def contact(lead: Lead, medium: str, text: str, **facts: Any) -> Contact:
    """Give a lead an address."""
    address, identity = normal(medium, text)
    return Contact.objects.create(
        lead=lead, medium=medium, address=address, identity=identity, **facts
    )


def template(code: str, body: str = "Olá {{ nome }}", *, at: str = "acme", medium: str = "whatsapp", subject: str = "") -> Template:  # fmt: skip
    """Return a template with one wording."""
    found, _ = Template.objects.get_or_create(
        company=company(at), medium=medium, code=code
    )
    needs = "Olá" if medium == "email" else ""
    revise(found, body=body, subject=subject or needs)
    return found


def cadence(
    *steps: dict[str, Any], code: str = "welcome", at: str = "acme", **facts: Any
) -> Cadence:
    """Return a published cadence; a step is what differs from "at once, by WhatsApp"."""
    home = company(at)
    found = Cadence.objects.create(company=home, code=code, **facts)
    version = draft(found)
    for position, step in enumerate(steps or ({},), 1):
        facts_of_step = {"template_code": "hello", **step}
        if facts_of_step.get("kind") != "task":
            for medium in [
                facts_of_step.get("medium", "whatsapp"),
                *facts_of_step.get("fallbacks", []),
            ]:
                known = Template.objects.filter(
                    company=home, medium=medium, code=facts_of_step["template_code"]
                )
                if not known.exists():
                    template(facts_of_step["template_code"], at=at, medium=medium)
        Step.objects.create(version=version, position=position, **facts_of_step)
    publish(version)
    found.refresh_from_db()
    return found


def enrolled(which: Cadence, count: int = 1, **options: Any) -> list[Run]:
    """Enrol that many new leads."""
    return [enroll(lead(at=which.company_id), which, **options) for _ in range(count)]


def many(which: Cadence, count: int) -> list[Run]:
    """Write that many due runs in a few statements."""
    now, step = clock.now(), which.published.steps.get(position=1)
    leads = Lead.objects.bulk_create(
        Lead(id=uuid4(), company_id=which.company_id, name=f"Ana {next(_number)}")
        for _ in range(count)
    )
    Contact.objects.bulk_create(
        Contact(
            lead=each, medium="whatsapp", address=f"+55119{60000000 + next(_number)}"
        )
        for each in leads
    )
    return Run.objects.bulk_create(
        Run(
            lead=each, company_id=which.company_id, cadence=which,
            version=which.published, next_step=1, next_step_key=step.key,
            started_at=now, anchor_at=now, next_run_at=now, planned_run_at=now,
        )
        for each in leads
    )  # fmt: skip


CROWD = """
WITH person AS (
    INSERT INTO leads (id, company_id, name)
    SELECT gen_random_uuid(), %(company)s, 'Ana ' || n
    FROM generate_series(1, %(count)s) AS n RETURNING id),
address AS (
    INSERT INTO lead_contacts (lead_id, medium, address, identity)
    SELECT id, 'whatsapp', '+55118' || lpad((row_number() OVER ())::text, 8, '0'), ''
    FROM person)
INSERT INTO lead_cadence_runs (lead_id, company_id, cadence_id, version_id, next_step,
    next_step_key, started_at, anchor_at, next_run_at, planned_run_at)
SELECT id, %(company)s, %(cadence)s, %(version)s, 1, %(key)s, %(now)s, %(now)s, %(now)s,
    %(now)s FROM person
"""


def crowd(which: Cadence, count: int) -> None:
    """Write very many due runs in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(CROWD, {
            "company": which.company_id, "cadence": which.pk, "count": count,
            "version": which.published_id, "now": clock.now(),
            "key": which.published.steps.get(position=1).key,
        })  # fmt: skip


def fresh(run: Run) -> Run:
    """Return a run as it is now."""
    return Run.objects.get(pk=run.pk)


def told(run: Run) -> list[str]:
    """Return the events of a run, in order."""
    return list(
        Event.objects.filter(run=run).order_by("pk").values_list("type", flat=True)
    )


def execution(run: Run) -> Execution:
    """Return the newest execution of a run."""
    return Execution.objects.filter(run=run).order_by("-position").get()


def claimed(clock: Any) -> tuple[Any, Any]:
    """Claim the one due run; return it and the token of the claim."""
    ((run_id, token),) = claim(candidates(1, now=clock()), now=clock()).won
    return run_id, token
