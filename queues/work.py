"""The loop: claim, run, settle, until nothing is due."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
)

from queues.batch import PATIENCE, Batch, Pace
from queues.claims import Claim, mark_started
from queues.errors import ClaimLost
from queues.handlers import registry
from queues.keep import keeping
from queues.models import Worker
from queues.outcomes import Bury, Outcome, Release, Retry
from queues.presence import give_up, present
from queues.rescue import put_right, release_unknown
from queues.run import run
from queues.settle import settle
from queues.states import State
from queues.turns import Turns
from queues.wake import wake

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

SLICE = 2.0
"""Seconds that one bell is worth; then other queues have their turn."""
SETTLE_FOR = 60.0
"""Seconds to go on trying to write a verdict while the database is away; after them
the claims are given up, to be rescued once it is back."""
OUTAGE = (OperationalError, InterfaceError)

_paces: defaultdict[str, Pace] = defaultdict(Pace)
_in_doubt: set[int] = set()
"""Workers whose last claim met an outage: it may stand without their knowing."""


def work(
    queue: str,
    *,
    slice_seconds: float = SLICE,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Run the due jobs of a queue until none is left or the slice ends; count them.

    It also ends, behind the batch that runs, once `is_over` says so.
    """
    turns = _turns(
        [queue],
        Worker.Kind.CHILD,
        pace=_paces[queue],
        limited=_paces[f"{queue} limited"],
    )
    until, count = time.monotonic() + slice_seconds, 0
    while claims := _take(turns):
        if turns.has_more or turns.leaves_limits:
            wake(queue)  # there may be more than one process can do
        began = time.monotonic()
        with _holding(Worker.Kind.CHILD):
            _run_batch(claims)
        turns.pace.learn(time.monotonic() - began, taken=len(claims))
        count += len(claims)
        if turns.is_through:
            break
        if time.monotonic() >= until or is_over():
            wake(queue)
            break
    return count


def _turns(
    queues: Sequence[str], kind: Worker.Kind, *, pace: Pace, limited: Pace
) -> Turns:
    """Take turns as this thread, which holds nothing now; mind an answer lost."""
    worker = present(kind)
    if worker in _in_doubt:
        release_unknown(worker)
        _in_doubt.discard(worker)
    return Turns(queues, worker=worker, pace=pace, limited=limited)


def _take(turns: Turns) -> list[Claim]:
    try:
        try:
            return turns.take()
        except IntegrityError:
            if not put_right():
                raise
            return turns.take()
    except OUTAGE:
        _in_doubt.add(turns.worker)
        raise


@contextmanager
def _holding(kind: Worker.Kind) -> Iterator[None]:
    """Give up this thread's claims, for others to rescue, if it cannot end them."""
    try:
        yield
    except Exception:
        give_up(kind)
        raise


def _run_batch(claims: Sequence[Claim]) -> None:
    batch = Batch(claims)
    with _watched(batch, alone=len(claims) == 1):
        while each := batch.next():
            try:
                if each.losses and not each.started:
                    _settle(batch.verdicts())
                    _outlast(partial(mark_started, each))
                batch.end(each, run(each))
            except ClaimLost as error:
                logger.warning("%s", error)
    _settle(batch.verdicts())


@contextmanager
def _watched(batch: Batch, *, alone: bool) -> Iterator[None]:
    """Hand the rest of the batch to others should one job turn out slow."""
    if alone:
        yield
        return
    timer = threading.Timer(PATIENCE, _unload, [batch])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _unload(batch: Batch) -> None:
    """Write what is done, give back what is not begun, mark what runs as started."""
    slow = batch.current
    ends = [(each, Release()) for each in batch.rest()] + batch.verdicts()
    try:
        _settle(ends)
        ends = []
        if slow is not None:
            mark_started(slow)
    except ClaimLost:
        logger.debug("the slow job ended meanwhile")
    except OUTAGE as error:
        logger.warning("a slow batch waits for the database: %s", str(error).strip())
        batch.put_back(ends)
    finally:
        connection.close()


def _settle(verdicts: list[tuple[Claim, Outcome]]) -> dict[int, str]:
    """Settle; wait out an outage, and keep one bad verdict from spoiling the rest."""
    try:
        return _outlast(partial(settle, verdicts))
    except ClaimLost as error:
        logger.warning("%s", error)
        return {}
    except DataError as error:
        return _settle_singly(verdicts, error)


def _outlast(write: Callable[[], Answer]) -> Answer:
    """Write, again and again over fresh connections while the database is away."""
    give_up_at = time.monotonic() + SETTLE_FOR
    while True:
        try:
            return write()
        except OUTAGE as error:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("cannot write yet: %s", str(error).strip())
            connection.close()
            time.sleep(0.5)


def _settle_singly(
    verdicts: list[tuple[Claim, Outcome]], error: DataError
) -> dict[int, str]:
    if len(verdicts) == 1:
        ((claimed, _),) = verdicts
        claimed.log, claimed.progress = [], None
        return _settle([(claimed, Bury(f"the end cannot be stored: {error}"))])
    return {job: new for each in verdicts for job, new in _settle([each]).items()}


@dataclass(slots=True)
class Pass:
    """What one pass in this process did."""

    processed: int = 0
    failed: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)
    ran: list[tuple[Claim, Outcome]] = field(default_factory=list)

    def count(self, claimed: Claim, outcome: Outcome, status: str) -> None:
        """Add one run: `failed` counts only dead jobs, `errors` every failed try."""
        self.ran.append((claimed, outcome))
        self.processed += status == State.COMPLETED
        self.failed += status == State.FAILED
        if isinstance(outcome, Retry | Bury):
            error = outcome.error if isinstance(outcome, Retry) else outcome.reason
            self.errors.append(
                {"jobId": str(claimed.job_id), "type": claimed.type, "error": error}
            )


def run_due(*, limit: int, seconds: float, queues: Sequence[str] | None = None) -> Pass:
    """Run up to `limit` due jobs here and now, most urgent first, within `seconds`.

    A handler still running at the end is interrupted and its job handed back.
    """
    lines = registry.queues() if queues is None else queues
    done, until = Pass(), time.monotonic() + seconds
    turns = _turns(lines, Worker.Kind.DOOR, pace=Pace(), limited=Pace())
    with keeping():
        while len(done.ran) < limit and (left := until - time.monotonic()) > 0:
            if not (claims := _take(turns)):
                break
            with _holding(Worker.Kind.DOOR):
                outcome = run(claims[0], budget=left)
                statuses = _settle([(claims[0], outcome)])
            done.count(claims[0], outcome, statuses.get(claims[0].job_id, ""))
    for queue in {each.queue for each, _ in done.ran if each.limit_name}:
        wake(queue)  # what ended here made room
    return done
