"""Decide under the locks whether a step is sent now, and commit to it before the call."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from cadences import retries
from cadences.errors import MissingVariable
from cadences.facts import Facts, Reach, execution_of, gather
from cadences.gates import Act, Defer, Fail, Skip, first
from cadences.grammar import render
from cadences.links import way_out
from cadences.models import Account, Attempt, Execution, Revision, Run, Step
from cadences.ports import Letter
from cadences.rows import one
from cadences.senders import choose, is_limited, reserve, unwelcome
from cadences.states import (
    MAYBE_SENT,
    OVER,
    Delivery,
    ExecutionState,
    Medium,
    PauseReason,
)
from cadences.steps import calendar_of
from cadences.suppress import hashed
from cadences.values import values_of
from cadences.whole import locked


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that counts as "may have been sent" from here on."""

    run: Run
    execution: Execution
    attempt_id: int
    letter: Letter

    @property
    def execution_id(self) -> uuid.UUID:
        """The key of the execution."""
        return self.execution.pk

    @property
    def adapter(self) -> str:
        """The channel that it goes through."""
        return self.account.adapter

    @property
    def account(self) -> Account:
        """The account that sends it."""
        if self.execution.account is None:
            raise AssertionError("what is sent has a sender")
        return self.execution.account


@dataclass(frozen=True, slots=True)
class Held:
    """What to do instead of sending, and the gate that said so."""

    gate: str
    act: Act


@dataclass(frozen=True, slots=True)
class Behind:
    """The step has been dealt with already: the run only moves on."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A send of this step may be on the wire or in the dark: never another one."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Work:
    """A step for a person, not for a provider."""

    step: Step


@dataclass(frozen=True, slots=True)
class Through:
    """There is no step left."""


Decision = Intent | Held | Behind | InDoubt | Work | Through


def lock(run_id: uuid.UUID) -> Run | None:
    """Lock the lead, then the run, in that order; return the run with all it needs."""
    return locked(run_id)


def intend(run: Run, *, now: datetime) -> Decision:
    """Decide about the next step of a locked run; an Intent has been written.

    The caller's transaction must be committed before the letter goes out.
    """
    if run.next_step_key is None:
        return Through()
    if (execution := execution_of(run)) is not None:
        if execution.state in OVER:
            return Behind(execution)
        if execution.state in MAYBE_SENT:
            return InDoubt(execution)
    return _decide(gather(run, now=now, execution=execution))


def _decide(facts: Facts) -> Decision:
    if facts.step is None:
        return Through()
    if shut := first(facts, forced=facts.run.is_forced):
        return Held(*shut)
    is_work = facts.step.kind == Step.Kind.TASK
    return Work(facts.step) if is_work else _compose(facts)


def _compose(facts: Facts) -> Decision:
    reach, template = facts.reach, facts.template
    if reach is None or template is None or template.revision is None:
        raise AssertionError("the gates let only whole facts through")
    try:
        said = _say(facts, reach, template.revision)
    except MissingVariable as error:
        detail = f"VARIAVEL_AUSENTE: {', '.join(error.names)}"
        after = retries.MISSING_VARIABLE
        why = PauseReason.MISSING_DATA
        return Held("variables", Fail(after, "VARIAVEL_AUSENTE", detail, why))
    account = _sender(facts)
    if isinstance(account, Defer | Skip):
        return Held("sender", account)
    return _commit(facts, reach, template.revision, account, said)


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a message; parameters fill what a provider approved."""

    subject: str
    body: str
    parameters: tuple[str, ...]


def _say(facts: Facts, reach: Reach, revision: Revision) -> Said:
    values = values_of(facts.run, now=facts.now)
    is_mail = reach.medium == Medium.EMAIL
    subject = render(revision.subject, values, line=True) if is_mail else ""
    filled = (render(str(each), values, line=True) for each in revision.parameters)
    return Said(subject, render(revision.body, values), tuple(filled))


def _sender(facts: Facts) -> Account | Defer | Skip:
    account = choose(facts)
    if isinstance(account, Defer):
        return account
    if shut := unwelcome(account, facts):
        return shut
    if not is_limited(account):
        return account  # nothing to count: no row to wait for
    rows = Account.objects.select_for_update(of=("self",)).select_related("company")
    account = rows.get(pk=account.pk)
    return reserve(account, facts, is_new=is_new(facts.run)) or account


def is_new(run: Run) -> bool:
    """Tell whether the lead has not been written to in this run."""
    return run.last_step == 0


WRITTEN = (
    "state", "medium", "account", "address", "address_hash", "template_code",
    "revision", "variant", "subject", "body", "attempt_token", "intended_at",
    "attempts", "zone", "calendar", "is_forced", "reason", "look_at",
)  # fmt: skip
"""What another try of an execution writes anew."""


def _commit(
    facts: Facts,
    reach: Reach,
    revision: Revision,
    account: Account,
    said: Said,
) -> Intent:
    """Write the execution as `sending`, and its attempt."""
    execution = _execution(facts, reach, revision, account, said)
    correlation = f"{execution.pk}.{execution.attempts}"
    if facts.execution is None:
        attempt_id = _insert(execution, correlation)
    else:
        execution.save(force_update=True, update_fields=WRITTEN)
        attempt_id = Attempt.objects.create(
            execution=execution, number=execution.attempts, account=account,
            correlation=correlation, started_at=facts.now,
        ).pk  # fmt: skip
    is_mail = reach.medium == Medium.EMAIL
    letter = Letter(
        sender=account.sender(),
        address=facts.control.redirects.get(reach.medium, execution.address),
        body=execution.body,
        subject=execution.subject,
        correlation=correlation,
        template=revision.provider_name,
        language=revision.language,
        parameters=said.parameters,
        unsubscribe=way_out(facts.run.lead_id, execution.pk) if is_mail else "",
    )
    return Intent(facts.run, execution, attempt_id, letter)


INSERTED = (
    "id", "run_id", "round", "step_key", "position", "state", "medium", "account_id",
    "address", "address_hash", "template_code", "revision_id", "variant", "subject",
    "body", "attempt_token", "attempts", "planned_for", "intended_at", "zone",
    "calendar_id", "is_forced",
)  # fmt: skip
INSERT = f"""
WITH execution AS (
    INSERT INTO lead_step_executions ({", ".join(INSERTED)})
    VALUES ({", ".join(["%s"] * len(INSERTED))})
    RETURNING id, attempts, account_id, intended_at)
INSERT INTO send_attempts (execution_id, number, account_id, started_at, correlation)
SELECT id, attempts, account_id, intended_at, %s FROM execution RETURNING id
"""


def _insert(execution: Execution, correlation: str) -> int:
    """Write a new execution and its first attempt in one statement."""
    values = [getattr(execution, name) for name in INSERTED]
    values[INSERTED.index("state")] = str(execution.state)
    return int(one(INSERT, [*values, correlation])[0])


def _execution(
    facts: Facts,
    reach: Reach,
    revision: Revision,
    account: Account,
    said: Said,
) -> Execution:
    run, step, before = facts.run, facts.step, facts.execution
    if step is None or reach.contact is None:
        raise AssertionError("the gates let only whole facts through")
    return Execution(
        pk=before.pk if before else uuid.uuid4(),
        run=run, round=run.round, step_key=step.key, position=step.position,
        state=ExecutionState.SENDING, medium=reach.medium, account=account,
        address=reach.contact.address,
        address_hash=hashed(reach.medium, reach.contact.address),
        template_code=facts.template_code, revision=revision, variant=facts.variant,
        subject=said.subject, body=said.body, attempt_token=uuid.uuid4(),
        intended_at=facts.now,
        planned_for=before.planned_for if before else run.planned_run_at,
        attempts=1 + (before.attempts if before else 0), zone=facts.zone.name,
        calendar=calendar_of(run, step), is_forced=run.is_forced, reason="",
        look_at=None, delivery=before.delivery if before else Delivery.NONE,
        delivery_rank=before.delivery_rank if before else 0,
    )  # fmt: skip
