"""Begin, yield and end the turn of a run, behind one fence: the open attempt of its job."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from queues.running import RunningJob
from syncs import backfill, clock
from syncs.errors import Superseded
from syncs.models import Run
from syncs.models.runs import BEGUN, FRESH
from syncs.states import OPEN, ErrorKind, Kind, Outcome, RunStatus, Waiting
from syncs.tell import tell

MOST_TRIES = 10
MOST_TEXT = 2000
WAITS = (30.0, 120.0, 480.0)
"""Seconds after the first, second and third failed try; ± 20 %."""


@transaction.atomic
def begin(job: RunningJob, key: str) -> Run | None:
    """Take up the run of a key that was begun, or else the one that waits.

    None if there is neither. Whatever else stands as processing in the store was left
    by a worker that vanished: this job is the only one that runs in it.
    """
    job.fence()
    held = Run.objects.select_for_update(no_key=True, of=("self",))
    rows = held.filter(dedupe_key=key).select_related("store")
    run = rows.filter(BEGUN).first() or rows.filter(FRESH).first()
    if run is None:
        return None
    for other in held.filter(store=run.store_id, status=RunStatus.PROCESSING):
        _count_loss(run if other.pk == run.pk else other)
    if run.not_before and run.not_before > clock.now():
        return run
    run.status, run.job_id, run.starts = RunStatus.PROCESSING, job.id, run.starts + 1
    run.waiting_for = run.not_before = None
    fields = ["status", "job_id", "starts", "waiting_for", "not_before"]
    run.save(update_fields=[*fields, "retry_count", "no_progress"])
    Run.objects.filter(pk=run.pk).update(
        started_at=Coalesce("started_at", Now()), progress_at=Now()
    )
    run.refresh_from_db()
    tell(run, "began", turn=run.starts, job=job.id)
    return run


def guard(job: RunningJob, run: Run) -> Run:
    """Let the caller's transaction write for this turn of the run, or raise.

    Raises ClaimLost if another worker has the job, Superseded if somebody reset or
    ended the run.
    """
    job.fence()
    held = Run.objects.select_for_update(no_key=True).filter(
        pk=run.pk, starts=run.starts, status=RunStatus.PROCESSING
    )
    if (found := held.first()) is None:
        raise Superseded(f"run {run.pk} is not processing in turn {run.starts}")
    return found


def advance(run: Run, **changes: Any) -> None:
    """Note progress, in the transaction that made it."""
    Run.objects.filter(pk=run.pk).update(no_progress=0, progress_at=Now(), **changes)
    run.no_progress = 0


@transaction.atomic
def wait(job: RunningJob, run: Run, why: Waiting, until: datetime, text: str) -> None:
    """Give the slot back until a moment; that is no failure."""
    guard(job, run)
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.QUEUED, waiting_for=why, not_before=until
    )
    tell(run, "waits", text, why=str(why), until=until.isoformat())


@transaction.atomic
def give_way(job: RunningJob, run: Run) -> None:
    """Let other stores have their turn; this run goes on behind them."""
    guard(job, run)
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.QUEUED, waiting_for=Waiting.SLICE, slices=F("slices") + 1
    )
    tell(run, "gave_way")


@transaction.atomic
def fail_try(
    job: RunningJob, run: Run, *, kind: str, code: str, text: str, wait: float
) -> None:
    """Count a failed try and let the run wait for the next one."""
    held = guard(job, run)
    tries = held.no_progress + 1
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.QUEUED,
        waiting_for=Waiting.RETRY,
        not_before=Now() + timedelta(seconds=wait),
        retry_count=F("retry_count") + 1,
        no_progress=tries,
        last_error_at=Now(),
        error_message=text[:MOST_TEXT],
        error_kind=kind,
        error_code=code[:60],
    )
    tell(run, "try_failed", text, level="warning", kind=kind, code=code, tries=tries)


def tries_left(run: Run) -> bool:
    """Tell whether a run that just failed may try once more."""
    return run.no_progress + 1 < run.max_retries and run.retry_count + 1 < MOST_TRIES


def is_late(run: Run) -> bool:
    """Tell whether a run is past its deadline."""
    return run.deadline_at is not None and run.deadline_at <= clock.now()


@transaction.atomic
def end(
    job: RunningJob,
    run: Run,
    outcome: Outcome,
    *,
    text: str = "",
    kind: ErrorKind | str | None = None,
    code: str = "",
) -> None:
    """End a run for good."""
    guard(job, run)
    conclude(run, outcome, text=text, kind=kind, code=code)


def conclude(
    run: Run,
    outcome: Outcome,
    *,
    text: str = "",
    kind: ErrorKind | str | None = None,
    code: str = "",
) -> bool:
    """Write the end of an open run in the caller's transaction; tell if it was open."""
    good = outcome in {Outcome.SUCCEEDED, Outcome.PARTIAL}
    changes: dict[str, Any] = {
        "status": RunStatus.COMPLETED if good else RunStatus.FAILED,
        "outcome": outcome,
        "completed_at": Now(),
        "error_kind": kind,
        "error_code": code[:60],
        "error_message": text[:MOST_TEXT] or None,
    }
    if text:
        changes["last_error_at"] = Now()
    rows = Run.objects.filter(pk=run.pk, status__in=OPEN)
    if not rows.update(started_at=Coalesce("started_at", Now()), **changes):
        return False
    level = "info" if outcome == Outcome.SUCCEEDED else "warning"
    tell(run, "ended", text, level=level, outcome=str(outcome), code=code)
    if run.kind == Kind.BACKFILL:
        backfill.go_on(run, outcome, text, code)
    return True


def has_more(key: str) -> bool:
    """Tell whether an open run of the key is there to be taken up."""
    return Run.objects.filter(dedupe_key=key, status__in=OPEN).exists()


def _count_loss(run: Run) -> None:
    """A worker vanished: a failed try, and one more without progress if it made none."""
    run.retry_count += 1
    run.no_progress += 1
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.QUEUED,
        waiting_for=Waiting.LOST,
        retry_count=run.retry_count,
        no_progress=run.no_progress,
    )
    run.status, run.waiting_for = RunStatus.QUEUED, Waiting.LOST
    tell(run, "lease_expired", "its worker vanished", level="warning")
