"""Deliver the next step of a claimed run: decide and commit, call, write the end."""

import logging
import time
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from cadences import clock, retries
from cadences.advance import Done, done
from cadences.conclude import conclude
from cadences.gates import Fail
from cadences.intend import Intent, intend, lock
from cadences.obey import fail, obey
from cadences.outcomes import Outcome, Unknown
from cadences.ports import channel
from cadences.states import Result, RunStatus
from queues.errors import QueueError

logger = logging.getLogger(__name__)

ADDRESSES = 5
"""Addresses of one lead that are tried in one go."""
OURS = (QueueError, OperationalError, InterfaceError)
"""What speaks of us, not of the run: the job that delivers is tried again."""


def deliver(run_id: UUID, token: UUID) -> Done:
    """Do what is due for a run while the claim of that token holds.

    No transaction is open during the call, and the call is made at most once for
    an execution that may have been accepted, whoever else runs beside us.
    """
    for _ in range(ADDRESSES):
        try:
            decision = _decide(run_id, token)
        except OURS:
            raise
        except Exception:
            # One run that breaks us must not stop the others.
            logger.exception("run %s cannot be decided", run_id)
            return _break(run_id, token)
        if isinstance(decision, Done):
            return decision
        if (end := _send(decision)) is not None:
            return end
    return _break(run_id, token)


@transaction.atomic
def _decide(run_id: UUID, token: UUID) -> Intent | Done:
    run = lock(run_id)
    if run is None:
        return Done(run_id, run_id, None, "", Result.SKIPPED)
    if run.claim_token != token or run.status != RunStatus.ACTIVE:
        return done(run, Result.SKIPPED, position=run.next_step, message=TAKEN)
    now = clock.now()
    decision = intend(run, now=now)
    return decision if isinstance(decision, Intent) else obey(run, decision, now=now)


TAKEN = "Run em processamento por outra instância"


def _send(intent: Intent) -> Done | None:
    """Call the provider and write what it said; a broken adapter leaves us in doubt."""
    began = time.monotonic()
    trouble: QueueError | None = None
    outcome: Outcome
    try:
        outcome = channel(intent.adapter).send(intent.letter)
    except QueueError as error:
        outcome, trouble = Unknown(f"interrupted: {error}"), error
    except Exception as error:
        logger.exception("the adapter %s broke", intent.adapter)
        outcome = Unknown(f"{type(error).__name__}: {error}")
    took = int((time.monotonic() - began) * 1000)
    end = conclude(intent, outcome, duration_ms=took)
    if trouble is not None:
        raise trouble
    return end


@transaction.atomic
def _break(run_id: UUID, token: UUID) -> Done:
    """Write that deciding about a run raised; the others go on."""
    run = lock(run_id)
    if run is None or run.claim_token != token or run.status != RunStatus.ACTIVE:
        return Done(run_id, run_id, None, "", Result.SKIPPED)
    act = Fail(retries.EXCEPTION, "EXCECAO", "Erro inesperado")
    return fail(run, act, now=clock.now())
