"""What a version would do for one lead, step by step, decided by the engine's own code.

Nothing is written. It is assumed that nobody replies, that every send is accepted and
that a task is done as soon as it is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects

from cadences import clock
from cadences.errors import BadTemplate, MissingVariable
from cadences.facts import Facts, choice, find_ways
from cadences.gates import Act, Defer, Skip, walk
from cadences.grammar import render
from cadences.models import (
    Account,
    Cadence,
    Company,
    Control,
    Execution,
    Lead,
    Run,
    Step,
    Template,
    Version,
)
from cadences.senders import choose
from cadences.states import Delivery, ExecutionState, RunStatus
from cadences.steps import calendar_of, due_at, hours_of, steps_of, zone_of
from cadences.values import values_of
from queues.enqueue import HORIZON

MOST_WAITS = 8
"""Deferrals of one step that are followed."""
ON = Control(is_on=True, redirects={}, reason="")
OUTSIDE = ("switch", "cadence")
"""Gates that are the day's business: a simulation is of the rules."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a step goes later than it is due."""

    reason: str
    detail: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """What a step would come to instead of being sent."""

    gate: str
    act: Act


@dataclass(slots=True)
class Moment:
    """One step of a lead's future."""

    step: Step
    due: datetime
    at: datetime
    zone: ZoneInfo
    medium: str = ""
    template_code: str = ""
    variant: str = ""
    subject: str = ""
    body: str = ""
    fault: str = ""
    """Why there is no text: a variable without value."""
    waits: list[Wait] = field(default_factory=list)
    stop: Stop | None = None
    sender: str = ""

    @property
    def local(self) -> datetime:
        """When it goes, on the lead's own clock."""
        return self.at.astimezone(self.zone)


@dataclass(slots=True)
class Timeline:
    """A lead's way through a version, as far as it goes."""

    zone: str
    told_by: str
    moments: list[Moment] = field(default_factory=list)
    ends: str = ""
    """The gate that ends it; nothing if every step is dealt with."""


def is_near(start: datetime) -> bool:
    """Tell whether a simulation may start then: within ten years of today."""
    return abs(start - clock.now()) <= HORIZON


def simulate(version: Version, lead: Lead, *, start: datetime) -> Timeline:
    """Return when each step would go to this lead, and what it would say."""
    run = _run(version, lead, start)
    steps = steps_of(version)
    world = _World(run, steps)
    zone = zone_of(run)
    line = Timeline(zone.name, zone.told_by)
    previous = start
    for step in steps:
        due = due_at(step, run, previous=previous)
        moment = world.look(step, due)
        line.moments.append(moment)
        if moment.stop is not None and not isinstance(moment.stop.act, Skip):
            line.ends = moment.stop.gate
            break
        if moment.fault:
            line.ends = "variables"
            break
        previous, run.last_step = moment.at, step.position
        world.remember(moment)
    return line


def _run(version: Version, lead: Lead, start: datetime) -> Run:
    cadence = version.cadence
    return Run(
        pk=uuid4(), lead=lead, company=cadence.company, cadence=cadence,
        version=version, status=RunStatus.ACTIVE, round=1, started_at=start,
        anchor_at=start, last_step=0, context={}, sticky={}, errors_in_a_row=0,
        is_forced=False,
    )  # fmt: skip


class _World:
    """What is read once for all steps; only the moment and the step differ."""

    def __init__(self, run: Run, steps: Sequence[Step]) -> None:
        self.run = run
        prefetch_related_objects([run.lead], "contacts")
        company = run.company_id
        rows = Template.objects.filter(company=company).select_related("revision")
        codes = {code for step in steps for code in _codes(step)}
        self.texts = {(t.medium, t.code): t for t in rows.filter(code__in=codes)}
        accounts = Account.objects.filter(company=company).order_by("name")
        self.accounts = list(accounts)
        self.known: dict[tuple[str, ...], Facts] = {}
        self.previous: Execution | None = None

    def look(self, step: Step, due: datetime) -> Moment:
        """Follow a step from when it is due to when it goes, or does not."""
        facts = self._facts(step, due)
        moment = Moment(step, due, due, facts.zone.info)
        for _ in range(MOST_WAITS):
            facts = replace(facts, now=moment.at)
            self.run.planned_run_at = moment.at
            shut = self._shut(facts)
            if shut is None:
                break
            if not isinstance(shut.act, Defer):
                moment.stop = shut
                break
            wait = Wait(shut.act.reason, shut.act.detail, shut.act.until)
            moment.waits.append(wait)
            moment.at = max(shut.act.until, moment.at + timedelta(microseconds=1))
        if moment.stop is None and step.kind == Step.Kind.MESSAGE:
            self._write(facts, moment)
        return moment

    def remember(self, moment: Moment) -> None:
        """Let conditions of the next step look back at this one."""
        skipped = moment.stop is not None
        self.previous = Execution(
            state=ExecutionState.SKIPPED if skipped else ExecutionState.SENT,
            delivery=Delivery.NONE, medium=moment.medium or moment.step.medium,
            variant=moment.variant,
        )  # fmt: skip

    def _shut(self, facts: Facts) -> Stop | None:
        for gate, act in walk(facts):
            if act is not None and gate not in OUTSIDE:
                return Stop(gate, act)
        return None

    def _facts(self, step: Step, now: datetime) -> Facts:
        """Return the engine's facts of a step; what steps share is read once."""
        self.run.next_step, self.run.next_step_key = step.position, step.key
        media = (str(step.base), str(step.medium), *map(str, step.fallbacks))
        if media not in self.known:
            self.known[media] = self._read(step, now)
        code, variant = choice(step, self.run)
        facts = replace(
            self.known[media], now=now, step=step, template_code=code,
            variant=variant, previous=self.previous,
            hours=hours_of(calendar_of(self.run, step)),
        )  # fmt: skip
        if facts.reach is not None and step.kind == Step.Kind.MESSAGE:
            medium = facts.reach.medium
            facts.template = self.texts.get((medium, code))
            facts.accounts = [each for each in self.accounts if each.medium == medium]
        return facts

    def _read(self, step: Step, now: datetime) -> Facts:
        facts = Facts(
            now=now, control=ON, run=self.run, step=step, execution=None, zone=zone_of(self.run), hours=None,
        )  # fmt: skip
        find_ways(facts, step)
        facts.control = ON
        return facts

    def _write(self, facts: Facts, moment: Moment) -> None:
        reach, template = facts.reach, facts.template
        if reach is None or template is None or template.revision is None:
            raise AssertionError("the gates let only whole facts through")
        moment.medium, moment.variant = reach.medium, facts.variant
        moment.template_code = facts.template_code
        chosen = choose(facts)
        moment.sender = "" if isinstance(chosen, Defer) else chosen.name
        values = values_of(self.run, now=moment.at)
        try:
            moment.subject = render(template.revision.subject, values, line=True)
            moment.body = render(template.revision.body, values)
        except (MissingVariable, BadTemplate) as error:
            moment.fault = str(error)


def _codes(step: Step) -> list[str]:
    return [step.template_code, *(each.template_code for each in step.variants.all())]


def read_aloud(
    lead: Lead, company: Company, *, body: str, subject: str = "", now: datetime
) -> tuple[str, str]:
    """Return subject and text as a lead would read them now.

    Raises MissingVariable and BadTemplate.
    """
    run = Run(lead=lead, company=company, cadence=Cadence(time_zone=""), context={})
    values = values_of(run, now=now)
    return render(subject, values, line=True), render(body, values)
