"""The log of the runner's passes: a row when one starts, closed at its end."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from cadences import clock
from cadences.advance import Done
from cadences.models import RunnerLog
from cadences.states import Result, RunStatus, Trigger

MOST_RESULTS = 500
"""Results that a log row keeps."""
ABANDONED_AFTER = timedelta(minutes=20)
"""A pass takes less than a claim, and its jobs may wait as long again."""

Line = dict[str, Any]


def open_log(trigger: Trigger, *, is_dry: bool = False) -> RunnerLog:
    """Write that a pass has begun; it commits at once, so a crash leaves a trace."""
    return RunnerLog.objects.create(
        executed_at=clock.now(), trigger_source=trigger, is_dry=is_dry,
        status=RunnerLog.Status.RUNNING,
    )  # fmt: skip


def line(each: Done) -> Line:
    """Return one result in the words of the seed, and ours after them."""
    said: Line = {
        "runId": str(each.run_id),
        "leadId": str(each.lead_id),
        "stepOrdem": each.position,
        "templateCodigo": each.template,
        "status": each.result.value,
        "runStatus": each.run_status,
    }
    if each.message:
        said["mensagem"] = each.message
    if each.error:
        said["erro"] = each.error
    if each.next_at is not None:
        said["proximaTentativa"] = each.next_at.isoformat()
    return said


def count(lines: Iterable[Line]) -> dict[str, int]:
    """Return the columns of a log that the results add up to."""
    words = [each["status"] for each in lines]
    ends = [each for each in lines if each["status"] != Result.SKIPPED]
    return {
        "steps_executed": words.count(Result.SENT),
        "errors": words.count(Result.ERROR),
        "runs_touched": len(ends),
        "skipped": words.count(Result.SKIPPED),
        "deferred": words.count(Result.DEFERRED),
        "uncertain": words.count(Result.UNKNOWN),
        "concluded": sum(each["runStatus"] == RunStatus.DONE for each in ends),
    }


def progress(log: RunnerLog, lines: list[Line], *, claimed: int) -> None:
    """Write how far a pass has come: one that dies says what it had touched."""
    found = count(lines)
    found["runs_touched"] += claimed
    RunnerLog.objects.filter(pk=log.pk, status=RunnerLog.Status.RUNNING).update(**found)


def close_log(
    log: RunnerLog, lines: list[Line], *, failed: int = 0, error: str = ""
) -> dict[str, Any]:
    """Close the row of a pass; return its summary as the seed's callers read it.

    `failed` are jobs that died, `error` is what ended the pass itself. A row that is
    closed already stays as it is.
    """
    now = clock.now()
    found = count(lines)
    found["errors"] += failed + bool(error)
    duration = max(int((now - log.executed_at).total_seconds() * 1000), 0)
    status = RunnerLog.Status.ERROR if error else RunnerLog.Status.OK
    details: Line = {
        "results": lines[:MOST_RESULTS],
        "started_at": log.executed_at.isoformat(),
        "finished_at": now.isoformat(),
    }
    if len(lines) > MOST_RESULTS:
        details["truncated"] = True
    if error:
        details["error"] = error
    RunnerLog.objects.filter(pk=log.pk, status=RunnerLog.Status.RUNNING).update(
        **found, status=status, finished_at=now, duration_ms=duration, details=details
    )
    return summary(log, lines, found, duration_ms=duration)


def summary(
    log: RunnerLog, lines: list[Line], found: Mapping[str, int], *, duration_ms: int
) -> dict[str, Any]:
    """Return the summary: the seed's keys, then ours."""
    return {
        "total": len(lines),
        "success": found["steps_executed"],
        "errors": found["errors"],
        "skipped": found["skipped"],
        "duration_ms": duration_ms,
        "trigger_source": log.trigger_source,
        "deferred": found["deferred"],
        "uncertain": found["uncertain"],
        "concluded": found["concluded"],
        "dry_run": log.is_dry,
        "log_id": str(log.pk),
    }


def abandon(*, now: datetime) -> int:
    """Mark the passes that never ended; return how many."""
    old = Q(status=RunnerLog.Status.RUNNING, executed_at__lt=now - ABANDONED_AFTER)
    return RunnerLog.objects.filter(old).update(
        status=RunnerLog.Status.ABANDONED, finished_at=now
    )
