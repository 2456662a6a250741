"""What is wrong with the steps of a cadence, told before anybody hears of it. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from cadences.errors import BadTemplate
from cadences.gates import COMPARISONS, FIELDS, PREVIOUS
from cadences.grammar import Variable, parse
from cadences.hours import Hours
from cadences.models import Revision, Step, Template
from cadences.states import Medium
from cadences.values import ALWAYS_SAID, is_known

LONGEST = {Medium.WHATSAPP: 4096, Medium.SMS: 459}
WAY_OUT = re.compile(
    r"descadastr|unsubscribe|sair da lista|cancelar inscri", re.IGNORECASE
)
SOME_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know of a version; a fault keeps it from being published."""

    position: int | None
    text: str
    is_fault: bool = True

    def __str__(self) -> str:
        if self.position is None:
            return self.text
        return _("Step %(n)d: %(text)s") % {"n": self.position, "text": self.text}


@dataclass(slots=True)
class Plan:
    """Everything that the steps of a version refer to."""

    steps: list[Step]
    texts: Mapping[tuple[str, str], Template] = field(default_factory=dict)
    """Templates of the company by channel and code."""
    senders: Mapping[str, bool] = field(default_factory=dict)
    """Channels with an account, and whether one of them can send now."""
    hours: Mapping[int | None, tuple[str, Hours]] = field(default_factory=dict)
    """Calendars by id; None is what steps without one of their own follow."""


def lint(plan: Plan) -> list[Finding]:
    """Return what is wrong with a version, step by step."""
    found: list[Finding] = []
    if not plan.steps:
        found.append(Finding(None, _("There are no steps")))
    for index, step in enumerate(plan.steps):
        before = plan.steps[index - 1] if index else None
        checks = (
            _calendar(plan, step),
            _conditions(step, before),
            _task(step) if step.kind == Step.Kind.TASK else _message(plan, step),
            _timing(plan, step, before),
        )
        for each in checks:
            found += [Finding(step.position, *said) for said in each]
    if (shared := plan.hours.get(None)) and not shared[1].slots:
        text = _("The calendar %(name)s is never open") % {"name": shared[0]}
        found.append(Finding(None, text))
    return found + [Finding(None, text, is_fault=False) for text in _senders(plan)]


Said = Iterator[tuple[str] | tuple[str, bool]]
WARNING = False


def _calendar(plan: Plan, step: Step) -> Said:
    if step.calendar_id is None or step.calendar_id not in plan.hours:
        return
    name, hours = plan.hours[step.calendar_id]
    if not hours.slots:
        yield (_("the calendar %(name)s is never open") % {"name": name},)


def _conditions(step: Step, before: Step | None) -> Said:
    for each in step.conditions:
        is_whole = isinstance(each, dict)
        name = str(each.get("field", "")) if is_whole else ""
        if name not in FIELDS and not name.startswith(("data.", "context.")):
            text = _("unknown field of a condition: %(name)s")
            yield (text % {"name": name or each},)
        elif str(each.get("is", "equal")) not in COMPARISONS:
            yield (_("unknown comparison: %(name)s") % {"name": each["is"]},)
        elif before is None and name.partition(".")[2] in PREVIOUS:
            yield _("asks for the step before, and there is none"), WARNING


def _task(step: Step) -> Said:
    if not step.title.strip():
        yield (_("the task has no title"),)


def _message(plan: Plan, step: Step) -> Said:
    variants = list(step.variants.all()) if step.pk else []
    if variants and not any(each.weight for each in variants):
        yield (_("no variant has a weight"),)
    codes = [each.template_code for each in variants] or [step.template_code]
    media = [str(step.medium), *map(str, step.fallbacks)]
    for each in media:
        if each not in Medium:
            yield (_("unknown channel: %(name)s") % {"name": each},)
    for code in dict.fromkeys(codes):
        for medium in dict.fromkeys(each for each in media if each in Medium):
            yield from _text(plan.texts.get((medium, code)), medium, code)


def _text(template: Template | None, medium: str, code: str) -> Said:
    words = {"code": code, "medium": Medium(medium).label}
    if not code:
        yield (_("no template is chosen"),)
    elif template is None or template.revision is None:
        yield (_("no template %(code)s for %(medium)s") % words,)
    elif not template.is_active:
        yield (_("the template %(code)s is not active") % words,)
    else:
        for said in _wording(template.revision, medium):
            yield f"{code}: {said[0]}", *said[1:]


def _wording(revision: Revision, medium: str) -> Said:
    if revision.approval == Revision.Approval.REJECTED:
        yield (_("the provider has rejected it"),)
    if revision.approval == Revision.Approval.PENDING:
        yield _("the provider has not approved it yet"), WARNING
    yield from read_text(revision.body, revision.subject, medium)


def read_text(body: str, subject: str, medium: str) -> Said:
    """Yield what is wrong with a wording for a channel."""
    try:
        parts = [*parse(body), *parse(subject)]
    except BadTemplate as error:
        yield (str(error),)
        return
    yield from _variables([each for each in parts if isinstance(each, Variable)])
    if medium == Medium.EMAIL:
        if not subject.strip():
            yield (_("an e-mail needs a subject"),)
        if not WAY_OUT.search(body):
            yield _("the e-mail names no way to unsubscribe"), WARNING
    most = LONGEST.get(Medium(medium))
    if most is not None and len(body) > most:
        text = _("longer than the %(most)d characters of %(medium)s")
        yield (text % {"most": most, "medium": Medium(medium).label},)


def _variables(used: list[Variable]) -> Said:
    for name in dict.fromkeys(each.name for each in used):
        if not is_known(name):
            yield (_("unknown variable %(name)s") % {"name": name},)
    bare = [each.name for each in used if each.default is None and is_known(each.name)]
    for name in dict.fromkeys(bare):
        if name not in ALWAYS_SAID:
            text = _("%(name)s has no default: a lead without it is not written to")
            yield text % {"name": name}, WARNING


def _timing(plan: Plan, step: Step, before: Step | None) -> Said:
    name, hours = plan.hours.get(step.calendar_id) or plan.hours.get(None) or ("", None)
    if step.local_time and hours and hours.slots and not _opens(hours, step.local_time):
        words = {"time": f"{step.local_time:%H:%M}", "name": name}
        yield (
            _("%(name)s is closed at %(time)s on every day: it waits") % words,
            WARNING,
        )
    if before is None:
        return
    both = Step.Kind.MESSAGE in {step.kind} & {before.kind}
    at_once = not step.delay and step.local_time is None
    if both and at_once and not step.gap_minutes:
        yield _("goes out together with the step before"), WARNING
    from_start = step.base == before.base == Step.Base.START
    if from_start and _span(step) < _span(before):
        yield _("is due before the step before, and goes right after it"), WARNING
    if both and step.template_code and step.template_code == before.template_code:
        yield _("says the same as the step before"), WARNING


def _opens(hours: Hours, clock: time) -> bool:
    """Tell whether there is a weekday on which that time of day is open."""
    week, utc = Hours(hours.slots), ZoneInfo("UTC")
    moment = SOME_MONDAY.replace(hour=clock.hour, minute=clock.minute)
    return any(week.is_open(moment + timedelta(days=day), utc) for day in range(7))


def _span(step: Step) -> timedelta:
    match step.unit:
        case Step.Unit.MINUTES:
            return timedelta(minutes=step.delay)
        case Step.Unit.HOURS:
            return timedelta(hours=step.delay)
        case _:
            return timedelta(days=step.delay)


def _senders(plan: Plan) -> Iterator[str]:
    messages = [each for each in plan.steps if each.kind == Step.Kind.MESSAGE]
    media = [each for step in messages for each in (step.medium, *step.fallbacks)]
    for medium in dict.fromkeys(str(each) for each in media if each in Medium):
        words = {"medium": Medium(medium).label}
        if medium not in plan.senders:
            yield _("No account sends %(medium)s yet: its steps will wait") % words
        elif not plan.senders[medium]:
            yield _("No account of %(medium)s can send now") % words
