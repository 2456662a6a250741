"""May this be sent now? Each gate in order; the first that holds decides. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadences import retries
from cadences.facts import Facts
from cadences.models import Cadence, Lead, Revision, Step
from cadences.states import ExitReason, Medium, PauseReason

STAGES_THAT_END = "exit_stages"


@dataclass(frozen=True, slots=True)
class Defer:
    """Nothing is wrong: later, at a known moment."""

    until: datetime
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """Something is missing: an error, and another try."""

    after: timedelta
    reason: str
    detail: str
    then: PauseReason = PauseReason.ERRORS
    """Why the run is paused after the third in a row."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A person must look at it."""

    reason: PauseReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """The run is over."""

    reason: ExitReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """This step is not for this lead; on to the next."""

    reason: str
    detail: str = ""


Act = Defer | Fail | Pause | Exit | Skip
Check = Callable[[Facts], Act | None]


def _switch(facts: Facts) -> Act | None:
    if facts.control.is_on:
        return None
    until = facts.now + retries.SWITCHED_OFF
    return Defer(until, "switched_off", facts.control.reason)


def _cadence(facts: Facts) -> Act | None:
    match facts.run.cadence.state:
        case Cadence.State.PAUSED:
            return Pause(PauseReason.CADENCE)
        case Cadence.State.ARCHIVED:
            return Exit(ExitReason.CADENCE)
        case _:
            pass
    return None


def _lead(facts: Facts) -> Act | None:
    lead = facts.run.lead
    if lead.erased_at is not None or lead.do_not_contact:
        return Exit(ExitReason.LEAD_REMOVED)
    if lead.stage and lead.stage in facts.run.context.get(STAGES_THAT_END, ()):
        return Exit(ExitReason.STAGE, lead.stage)
    return None


def _suppression(facts: Facts) -> Act | None:
    if facts.reach or not any(each.fault == "suppressed" for each in facts.reaches):
        return None
    return Exit(ExitReason.OPT_OUT)


def _reply(facts: Facts) -> Act | None:
    run, replied = facts.run, facts.run.lead.replied_at
    if replied is None or replied <= max(
        run.started_at, run.heard_at or run.started_at
    ):
        return None
    match run.cadence.on_reply:
        case Cadence.OnReply.GO_ON:
            return None
        case Cadence.OnReply.PAUSE:
            return Pause(PauseReason.REPLY)
        case _:
            pass
    return Exit(ExitReason.REPLIED)


def _taken_over(facts: Facts) -> Act | None:
    manual = facts.run.lead.mode == Lead.Mode.MANUAL
    return Pause(PauseReason.TAKEN_OVER) if manual else None


def _age(facts: Facts) -> Act | None:
    days = facts.run.cadence.max_days
    if days is None or facts.now - facts.run.started_at < timedelta(days=days):
        return None
    return Exit(ExitReason.EXPIRED, f"{days} d")


def _lateness(facts: Facts) -> Act | None:
    cadence = facts.run.cadence
    late = facts.is_late_by
    if late <= timedelta(hours=cadence.late_hours):
        return None
    match cadence.on_late:
        case Cadence.OnLate.SEND:
            return None
        case Cadence.OnLate.SKIP:
            return Skip("late", f"{late}")
        case _:
            pass
    return Pause(PauseReason.LATE, f"{late}")


def _conditions(facts: Facts) -> Act | None:
    if facts.step is None:
        return None
    for each in facts.step.conditions:
        if not _holds(facts, each):
            return Skip("condition", str(each.get("field", "")))
    return None


def _holds(facts: Facts, condition: dict[str, object]) -> bool:
    """Tell whether one condition of a step is true of the lead."""
    value = _field(facts, str(condition.get("field", "")))
    wanted = condition.get("value")
    match condition.get("is", "equal"):
        case "equal":
            return value == wanted
        case "not_equal":
            return value != wanted
        case "one_of":
            return isinstance(wanted, list) and value in wanted
        case "known":
            return value not in {None, ""}
        case _:
            pass
    return False


def _field(facts: Facts, name: str) -> object:
    lead, previous = facts.run.lead, facts.previous
    group, _, rest = name.partition(".")
    match group:
        case "data":
            return lead.data.get(rest)
        case "context":
            return facts.run.context.get(rest)
        case "previous":
            return getattr(previous, rest, None) if rest in PREVIOUS else None
        case _:
            pass
    return getattr(lead, name, None) if name in LEAD else None


LEAD = ("stage", "mode", "name", "first_name", "time_zone")
PREVIOUS = ("state", "delivery", "medium", "variant")
COMPARISONS = ("equal", "not_equal", "one_of", "known")
"""What a condition may ask of a field."""
FIELDS = (*LEAD, *(f"previous.{each}" for each in PREVIOUS))


def _address(facts: Facts) -> Act | None:
    if facts.reach or (facts.step and facts.step.kind == Step.Kind.TASK):
        return None
    if any(each.fault == "invalid" for each in facts.reaches):
        return Exit(ExitReason.INVALID_NUMBER)
    wanted = ", ".join(str(Medium(each.medium).label) for each in facts.reaches)
    return Fail(retries.NO_CONTACT, "no_contact", f"Contato não encontrado: {wanted}")


def _window(facts: Facts) -> Act | None:
    if facts.hours is None:
        return None
    zone = facts.zone.info
    opening = facts.hours.opening(facts.now, zone)
    if opening is None:
        return Pause(PauseReason.NO_OPENING)
    if opening <= facts.now:
        return None
    closed = facts.hours.why_closed(facts.now, zone)
    return Defer(opening, "holiday" if closed else "closed", closed)


def _gap(facts: Facts) -> Act | None:
    if facts.last_to_lead is None or facts.step is None:
        return None
    free = facts.last_to_lead + timedelta(minutes=facts.step.gap_minutes)
    return Defer(free, "gap") if free > facts.now else None


def _template(facts: Facts) -> Act | None:
    if facts.step is None or facts.step.kind == Step.Kind.TASK:
        return None
    template = facts.template
    fault = ""
    if template is None or template.revision is None:
        fault = "Template não encontrado"
    elif not template.is_active:
        fault = "Template inativo"
    elif template.revision.approval in {
        Revision.Approval.PENDING,
        Revision.Approval.REJECTED,
    }:
        fault = "Template não aprovado"
    if not fault:
        return None
    detail = f"{fault}: {facts.template_code}"
    return Fail(retries.NO_TEMPLATE, "no_template", detail)


GATES: dict[str, Check] = {
    "switch": _switch,
    "cadence": _cadence,
    "lead": _lead,
    "suppression": _suppression,
    "reply": _reply,
    "taken_over": _taken_over,
    "age": _age,
    "lateness": _lateness,
    "conditions": _conditions,
    "address": _address,
    "window": _window,
    "gap": _gap,
    "template": _template,
}
"""In the order in which they are asked. Text, sender and quota come after them."""
FORCED = ("window", "gap", "lateness")
"""What a person who says "now" may overrule."""


def walk(facts: Facts, *, forced: bool = False) -> Iterator[tuple[str, Act | None]]:
    """Yield each gate with what it says, all of them."""
    for name, check in GATES.items():
        yield name, None if forced and name in FORCED else check(facts)


def first(facts: Facts, *, forced: bool = False) -> tuple[str, Act] | None:
    """Return the first gate that is shut, and what to do; None if all are open."""
    for name, act in walk(facts, forced=forced):
        if act is not None:
            return name, act
    return None
