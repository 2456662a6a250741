"""Why has this not been sent, and when will it be? One answer for people and programs."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from cadences import clock
from cadences.facts import Facts, execution_of, gather
from cadences.gates import Act, Defer, Exit, Fail, Pause, Skip, walk
from cadences.models import Account, Run
from cadences.plan import preview, read
from cadences.senders import choose, day_limit, unwelcome, used_today
from cadences.states import ExecutionState, ExitReason, PauseReason, RunStatus


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a send, and whether it is met."""

    name: str
    is_open: bool
    reason: str = ""
    detail: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that decides about the next message of a run."""

    run_id: UUID
    status: str
    answer: str
    """The one sentence for a person."""
    next_step: int | None
    next_at: datetime | None
    zone: str
    zone_told_by: str
    gates: list[Gate] = field(default_factory=list)
    preview: str = ""
    account: str = ""
    quota: str = ""
    is_settling: bool = False
    """The message is on the wire, or nobody knows yet whether it went."""


def explain(run_id: UUID) -> Explanation:
    """Tell why the next step of a run has not been sent, and when it will be."""
    return explained(read(run_id))


def explained(run: Run) -> Explanation:
    """Tell it of a run that `plan.read` has read."""
    now, due = clock.now(), run.planned_run_at
    # What is not due yet is looked at as it will be then.
    facts = gather(run, now=max(now, due or now), execution=execution_of(run))
    is_active = run.status == RunStatus.ACTIVE and facts.step is not None
    gates = _gates(facts) if is_active else []
    account, quota = _sender(facts) if is_active else ("", "")
    return Explanation(
        run_id=run.pk,
        status=run.status,
        answer=_answer(facts, gates, now=now),
        next_step=run.next_step,
        next_at=_next_at(run, gates),
        zone=facts.zone.name,
        zone_told_by=facts.zone.told_by,
        gates=gates,
        preview=preview(facts) if is_active else "",
        account=account,
        quota=quota,
        is_settling=is_active and _is_settling(facts),
    )


def _is_settling(facts: Facts) -> bool:
    open_ = (ExecutionState.SENDING, ExecutionState.UNKNOWN)
    return facts.execution is not None and facts.execution.state in open_


def _gates(facts: Facts) -> list[Gate]:
    found = [_gate(name, act) for name, act in walk(facts, forced=facts.run.is_forced)]
    if facts.template is not None:
        chosen = choose(facts)
        if isinstance(chosen, Defer):
            return [*found, _gate("sender", chosen)]
        found += [_gate("sender", None), _free_text(chosen, facts)]
    return found


def _free_text(account: Account, facts: Facts) -> Gate:
    """Tell whether the provider takes a text that it has not approved."""
    if (shut := unwelcome(account, facts)) is None:
        return Gate("free_text", is_open=True)
    said = _(
        "the text is not approved, and the lead has not written to %(account)s within"
        " 24 hours: the step will be skipped"
    ) % {"account": account.name}
    return Gate("free_text", False, shut.reason, str(said))  # noqa: FBT003


def _gate(name: str, act: Act | None) -> Gate:
    match act:
        case None:
            return Gate(name, is_open=True)
        case Defer(until, reason, detail):
            return Gate(name, False, reason, detail, until)  # noqa: FBT003
        case Fail(reason=reason, detail=detail) | Skip(reason, detail):
            return Gate(name, False, reason, detail)  # noqa: FBT003
        case Pause(why, detail) | Exit(why, detail):
            return Gate(name, False, why.value, detail)  # noqa: FBT003


def _answer(facts: Facts, gates: list[Gate], *, now: datetime) -> str:
    run = facts.run
    if run.status == RunStatus.PAUSED:
        why = PauseReason(run.pause_reason or "").label
        return str(_("Paused: %(why)s.") % {"why": why})
    if run.status != RunStatus.ACTIVE:
        why = ExitReason(run.exit_reason or "").label
        return str(_("Ended: %(why)s.") % {"why": why})
    if facts.execution is not None:
        match facts.execution.state:
            case ExecutionState.SENDING:
                return str(_("It is being sent right now."))
            case ExecutionState.UNKNOWN:
                return str(_("Nobody knows yet whether it was sent; it is looked up."))
            case _:
                pass
    return _due(facts, gates, now=now)


def _due(facts: Facts, gates: list[Gate], *, now: datetime) -> str:
    run = facts.run
    due = run.planned_run_at or run.next_run_at
    closed = next((gate for gate in gates if not gate.is_open), None)
    if closed is not None:
        words = {"why": closed.detail or closed.reason, "gate": closed.name}
        if closed.until is None:
            return str(_("Held by %(gate)s: %(why)s.") % words)
        words["until"] = _local(closed.until, facts)
        return str(_("Held by %(gate)s: %(why)s; next try %(until)s.") % words)
    if due is not None and due > now:
        return str(_("It is due on %(due)s.") % {"due": _local(due, facts)})
    return str(_("Nothing holds it: the next pass sends it."))


def _local(moment: datetime, facts: Facts) -> str:
    return f"{moment.astimezone(facts.zone.info):%d/%m/%Y %H:%M %z}"


def _next_at(run: Run, gates: list[Gate]) -> datetime | None:
    later = [gate.until for gate in gates if gate.until is not None]
    due = run.planned_run_at or run.next_run_at
    if run.status == RunStatus.PAUSED:
        return run.resume_at
    return max([*later, due]) if due is not None else None


def _sender(facts: Facts) -> tuple[str, str]:
    if facts.template is None:
        return "", ""
    chosen = choose(facts)
    if isinstance(chosen, Defer):
        return "", ""
    day = facts.now.astimezone(facts.zone.info).date()
    limit = day_limit(chosen, day)
    used = used_today(chosen, facts.now)
    return chosen.name, f"{used}/{'∞' if limit is None else limit}"
