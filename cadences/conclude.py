"""Write what the provider said; the execution's own token is the fence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

from django.db import transaction

from cadences import clock, retries
from cadences.advance import Done, done, finish, move_on, schedule, write
from cadences.facts import gather
from cadences.gates import Fail
from cadences.intend import Intent, is_new, lock
from cadences.models import Attempt, Execution, Run
from cadences.obey import fail, lose, skip
from cadences.outcomes import Accepted, Outcome, Refused, Unknown, Why
from cadences.reach import write_off
from cadences.rows import one
from cadences.senders import recover, release, stumble
from cadences.states import (
    EventType,
    ExecutionState,
    ExitReason,
    Result,
    RunStatus,
)
from cadences.tell import tell
from cadences.track import unpark
from cadences.whole import relocked

OPEN = (ExecutionState.SENDING, ExecutionState.UNKNOWN)


@transaction.atomic
def conclude(intent: Intent, outcome: Outcome, *, duration_ms: int) -> Done | None:
    """Write an outcome and move the run; None if another address is to be tried.

    It counts although the claim may have run out meanwhile. A run that was paused
    or ended since keeps its status.
    """
    run, execution, is_ours = _fenced(intent)
    now = clock.now()
    if not is_ours:
        return done(run, Result.SKIPPED, position=execution.position)
    match outcome:
        case Accepted(message_id):
            if _accept(intent, message_id, duration_ms=duration_ms, now=now):
                unpark(run, execution, message_id, now=now)
            return _accepted(run, execution, message_id, now=now)
        case Unknown(detail):
            _close(intent, outcome, duration_ms=duration_ms, now=now)
            lose(run, execution, detail, now=now)
            return _line(run, execution, Result.UNKNOWN, message=detail)
        case Refused():
            _close(intent, outcome, duration_ms=duration_ms, now=now)
            return _refused(run, execution, outcome, now=now)
        case _:
            assert_never(outcome)


def _fenced(intent: Intent) -> tuple[Run, Execution, bool]:
    """Lock everything again; tell whether the outcome is still ours to write."""
    execution = intent.execution
    found = relocked(intent.run, execution.pk)
    if found is None:
        run = lock(intent.run.pk)
        found = None if run is None else relocked(run, execution.pk)
    if found is None:
        raise AssertionError("a run outlives its executions")
    run, token, state = found
    execution.run = run
    return run, execution, token == execution.attempt_token and state in OPEN


ACCEPT = """
WITH attempt AS (
    UPDATE send_attempts SET outcome = 'accepted', ended_at = %(now)s,
        duration_ms = %(took)s WHERE id = %(attempt)s)
UPDATE lead_step_executions SET state = 'sent', provider_message_id = %(message)s,
    sent_at = %(now)s, look_at = NULL, reason = '' WHERE id = %(execution)s
RETURNING EXISTS (
    SELECT FROM delivery_receipts AS receipt
    WHERE receipt.account_id = lead_step_executions.account_id
      AND receipt.provider_message_id = %(message)s)
"""


def _accept(
    intent: Intent, message_id: str, *, duration_ms: int, now: datetime
) -> bool:
    """Close the attempt and write that the message has been accepted, at once.

    Tell whether the provider has already said how far it came.
    """
    (is_told,) = one(ACCEPT, {
        "now": now, "took": max(duration_ms, 0), "attempt": intent.attempt_id,
        "message": message_id or None, "execution": intent.execution.pk,
    })  # fmt: skip
    intent.execution.state, intent.execution.sent_at = ExecutionState.SENT, now
    return bool(is_told)


def _close(
    intent: Intent, outcome: Outcome, *, duration_ms: int, now: datetime
) -> None:
    words = {Accepted: "accepted", Refused: "refused", Unknown: "unknown"}
    Attempt.objects.filter(pk=intent.attempt_id).update(
        outcome=words[type(outcome)],
        why=getattr(outcome, "why", ""),
        code=getattr(outcome, "code", "")[:50],
        detail=getattr(outcome, "detail", ""),
        ended_at=now,
        duration_ms=max(duration_ms, 0),
    )


def _accepted(
    run: Run, execution: Execution, message_id: str, *, now: datetime
) -> Done:
    account = execution.account
    details = {"canal": execution.medium, "message_id": message_id}
    if run.status != RunStatus.ACTIVE:
        details["concorrente"] = "true"
    tell(
        run, EventType.SENT, position=execution.position, moment=now,
        template_code=execution.template_code, **details,
    )  # fmt: skip
    more: dict[str, object] = {}
    if account is not None:
        recover(account)
        stick = {**run.sticky, execution.medium: str(account.pk)}
        more = {"sticky": stick} if stick != run.sticky else {}
    if run.next_step_key == execution.step_key:
        move_on(run, since=now, now=now, **more)
    elif more:
        write(run, **more)
    return _line(run, execution, Result.SENT)


def confirm(execution: Execution, message_id: str, *, now: datetime) -> None:
    """Write that a message has been accepted."""
    execution.state, execution.sent_at = ExecutionState.SENT, now
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.SENT, provider_message_id=message_id or None,
        sent_at=now, look_at=None, reason="",
    )  # fmt: skip


def _refused(
    run: Run, execution: Execution, outcome: Refused, *, now: datetime
) -> Done | None:
    """Nothing was sent: give back what was reserved, and do what the reason says."""
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.REFUSED, reason=outcome.detail or outcome.why
    )
    if execution.account and execution.intended_at:
        release(execution.account, execution.intended_at, is_new=is_new(run))
    if run.status != RunStatus.ACTIVE or run.next_step_key != execution.step_key:
        tell(run, EventType.ERROR, position=execution.position, detail=outcome.detail)
        return _line(run, execution, Result.ERROR, error=outcome.detail)
    return CONSEQUENCES[outcome.why](run, execution, outcome, now)


def _error(run: Run, execution: Execution, outcome: Refused, now: datetime) -> Done:
    after = retries.CONTENT if outcome.why == Why.CONTENT else retries.NOT_SENT
    act = Fail(after, outcome.why, outcome.detail or outcome.why)
    return fail(run, act, now=now, template=execution.template_code)


def _no_window(run: Run, execution: Execution, outcome: Refused, now: datetime) -> Done:
    return skip(run, "window_closed", now=now, detail=outcome.detail)


def _opted_out(run: Run, execution: Execution, outcome: Refused, now: datetime) -> Done:
    finish(run, ExitReason.OPT_OUT, detail=outcome.detail)
    return _line(run, execution, Result.CANCELLED)


def _wait(run: Run, execution: Execution, outcome: Refused, now: datetime) -> Done:
    """Come back when the provider or the account is ready; that is no error."""
    asked = outcome.retry_after
    until = now + (retries.BUSY if asked is None else timedelta(seconds=asked))
    if outcome.why == Why.SENDER and execution.account is not None:
        until = stumble(execution.account, now=now)
    schedule(run, until)
    tell(
        run, EventType.SCHEDULED, position=execution.position,
        reason=outcome.why.value, detail=outcome.detail, at=until.isoformat(),
    )  # fmt: skip
    return _line(run, execution, Result.DEFERRED, message=outcome.why.value)


def _next_address(
    run: Run, execution: Execution, outcome: Refused, now: datetime
) -> Done | None:
    """Mark the address as dead; another one is tried at once, else the run ends."""
    write_off(run.lead_id, execution, detail=outcome.detail)
    tell(
        run, EventType.ERROR, position=execution.position, detail=outcome.detail,
        reason=outcome.why.value, definitivo=True,
    )  # fmt: skip
    fresh = lock(run.pk)
    if fresh is not None and gather(fresh, now=now).reach is not None:
        return None
    finish(run, ExitReason.INVALID_NUMBER, detail=outcome.detail)
    return _line(run, execution, Result.CANCELLED, message=outcome.detail)


CONSEQUENCES: dict[Why, Callable[[Run, Execution, Refused, datetime], Done | None]] = {
    Why.NOT_SENT: _error,
    Why.CONTENT: _error,
    Why.BUSY: _wait,
    Why.SENDER: _wait,
    Why.RECIPIENT: _next_address,
    Why.WINDOW: _no_window,
    Why.OPTED_OUT: _opted_out,
}


def _line(run: Run, execution: Execution, result: Result, **said: str) -> Done:
    return done(
        run, result, position=execution.position, template=execution.template_code,
        **said,
    )  # fmt: skip
