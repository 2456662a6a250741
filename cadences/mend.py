"""Mend what was left half done: lost calls, unknown outcomes, pauses that are over."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from cadences import clock, retries
from cadences.advance import move_on
from cadences.conclude import confirm
from cadences.gates import Fail
from cadences.intend import lock
from cadences.journal import abandon
from cadences.models import Attempt, Execution, Receipt, Run
from cadences.obey import decide, fail, lose
from cadences.outcomes import CannotTell, Found, NotFound, Trace
from cadences.pause import resume
from cadences.ports import channel
from cadences.states import EventType, ExecutionState, RunStatus
from cadences.tell import tell
from cadences.track import KEPT, unpark

logger = logging.getLogger(__name__)


def mend(*, limit: int) -> dict[str, int]:
    """Look after what cannot end by itself; nothing is ever sent from here."""
    return {
        "given_up": give_up(limit=limit),
        "settled": reconcile(limit=limit),
        "resumed": resume_due(limit=limit),
        "abandoned": abandon(now=clock.now()),
        "unparked": unpark_late(limit=limit),
    }


def give_up(*, limit: int) -> int:
    """Make calls that never came back unknown outcomes."""
    now = clock.now()
    lost = Execution.objects.filter(
        state=ExecutionState.SENDING, intended_at__lt=now - retries.GIVEN_UP
    )
    count = 0
    for pk in lost.order_by("intended_at").values_list("pk", flat=True)[:limit]:
        count += _give_up(pk)
    return count


@transaction.atomic
def _give_up(execution_id: UUID) -> bool:
    held = hold(execution_id)
    if held is None or held[1].state != ExecutionState.SENDING:
        return False
    run, execution = held
    lose(run, execution, "the call never came back", now=clock.now())
    return True


def hold(execution_id: UUID) -> tuple[Run, Execution] | None:
    """Lock an execution with its lead and run, in the one order."""
    run_id = Execution.objects.filter(pk=execution_id).values_list("run_id", flat=True)
    run = lock(run_id[0]) if run_id else None
    if run is None:
        return None
    rows = Execution.objects.select_for_update(of=("self",))
    return run, rows.select_related("account__company").get(pk=execution_id)


def reconcile(*, limit: int) -> int:
    """Look for unknown outcomes at their providers, where it is time to."""
    due = Execution.objects.filter(
        state=ExecutionState.UNKNOWN, look_at__lte=clock.now()
    )
    rows = due.order_by("look_at").select_related("account")[:limit]
    return sum(_look(each) for each in rows)


def _look(execution: Execution) -> bool:
    """Ask for one execution outside any transaction; tell whether that settled it."""
    attempt = execution.attempt_rows.order_by("number").last()
    account = execution.account
    trace: Trace = CannotTell()
    if account is not None and attempt is not None:
        try:
            adapter = channel(account.adapter)
            trace = adapter.lookup(account.sender(), attempt.correlation)
        except Exception:
            logger.warning("%s cannot be looked up", attempt.correlation, exc_info=True)
    return settle(execution.pk, trace, via="lookup")


@transaction.atomic
def settle(execution_id: UUID, trace: Trace, *, via: str) -> bool:
    """Write what was found out about an unknown outcome; tell whether that settled it.

    Echoes and status reports of providers come here, too. What is known already
    stays: late evidence confirms an assumption, and never rewrites another end.
    """
    held = hold(execution_id)
    if held is None:
        return False
    run, execution = held
    now = clock.now()
    match trace:
        case Found(message_id):
            return _found(run, execution, message_id, via=via, now=now)
        case NotFound(certain=True) if execution.state == ExecutionState.UNKNOWN:
            return _not_sent(run, execution, via=via, now=now)
    if execution.state == ExecutionState.UNKNOWN:
        _look_again(run, execution, now=now)
    return False


def _found(
    run: Run, execution: Execution, message_id: str, *, via: str, now: datetime
) -> bool:
    states = ExecutionState
    if execution.state not in {states.SENDING, states.UNKNOWN, states.ASSUMED}:
        return False
    since = execution.intended_at or now
    confirm(execution, message_id, now=since)
    unpark(run, execution, message_id, now=now)
    execution.attempt_rows.filter(outcome__in=["unknown"]).update(outcome="accepted")
    execution.attempt_rows.filter(outcome=None).update(outcome="accepted", ended_at=now)
    tell(run, EventType.RECONCILED, position=execution.position, via=via, found=True)
    if run.next_step_key == execution.step_key:
        move_on(run, since=since, now=now)
    return True


def _not_sent(run: Run, execution: Execution, *, via: str, now: datetime) -> bool:
    """The provider proves that nothing was sent: it may be tried again."""
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.REFUSED, look_at=None, reason="not found at the provider"
    )
    Attempt.objects.filter(execution=execution, outcome="unknown").update(
        outcome="refused", why="not_sent"
    )
    tell(run, EventType.RECONCILED, position=execution.position, via=via, found=False)
    if run.status == RunStatus.ACTIVE and run.next_step_key == execution.step_key:
        act = Fail(retries.NOT_SENT, "not_sent", "not found at the provider")
        fail(run, act, now=now, template=execution.template_code)
    return True


def _look_again(run: Run, execution: Execution, *, now: datetime) -> None:
    """Look once more later; when it was looked for often enough, the policy decides."""
    since = execution.intended_at or now
    later = [span for span in retries.LOOKUPS if since + span > now]
    Execution.objects.filter(pk=execution.pk).update(
        lookups=F("lookups") + 1, look_at=since + later[0] if later else None
    )
    if later or run.status != RunStatus.ACTIVE:
        return
    if run.next_step_key == execution.step_key:
        decide(run, execution, now=now)


LATE_RECEIPTS = """
SELECT execution.id, receipt.provider_message_id
FROM delivery_receipts AS receipt JOIN lead_step_executions AS execution
  USING (account_id, provider_message_id)
LIMIT %s
"""


def unpark_late(*, limit: int) -> int:
    """Apply receipts that were parked just as their message became known.

    Those that nobody asked for within a day speak of other people's messages.
    """
    with connection.cursor() as cursor:
        cursor.execute(LATE_RECEIPTS, [limit])
        found = cursor.fetchall()
    for execution_id, message_id in found:
        with transaction.atomic():
            if held := hold(execution_id):
                unpark(*held, message_id, now=clock.now())
    Receipt.objects.filter(created_at__lt=Now() - KEPT).delete()
    return len(found)


def resume_due(*, limit: int) -> int:
    """Resume the runs whose pause was for a time that is over."""
    over = Run.objects.filter(status=RunStatus.PAUSED, resume_at__lte=clock.now())
    ids = list(over.order_by("resume_at").values_list("pk", flat=True)[:limit])
    return sum(_resume(each) for each in ids)


@transaction.atomic
def _resume(run_id: UUID) -> bool:
    run = lock(run_id)
    if run is None or run.status != RunStatus.PAUSED or run.resume_at is None:
        return False
    resume(run, actor="")
    return True
