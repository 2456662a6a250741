"""Runs and what belongs to them as the API shows them."""

from dataclasses import asdict
from typing import Any

from cadences.explain import Explanation
from cadences.funnel import Count, Funnel
from cadences.load import results
from cadences.models import EnrollmentBatch, EnrollmentRow, Event, Run, RunnerLog
from cadences.standing import Standing
from queues.api.represent import iso


def run_body(run: Run) -> dict[str, Any]:
    """Return a run; `rowVersion` is what If-Match takes."""
    return {
        "id": str(run.pk),
        "leadId": str(run.lead_id),
        "company": run.company_id,
        "cadence": run.cadence.code,
        "cadenceId": str(run.cadence_id),
        "version": run.version.number,
        "round": run.round,
        "status": run.status,
        "pauseReason": run.pause_reason,
        "exitReason": run.exit_reason,
        "lastStep": run.last_step,
        "nextStep": run.next_step,
        "nextRunAt": iso(run.planned_run_at or run.next_run_at),
        "resumeAt": iso(run.resume_at),
        "startedAt": iso(run.started_at),
        "updatedAt": iso(run.updated_at),
        "errorsInARow": run.errors_in_a_row,
        "rowVersion": run.row_version,
    }


def event_body(event: Event, *, whole: bool) -> dict[str, Any]:
    """Return what happened; what people said only to those who may read it."""
    hidden = () if whole else ("detail", "said", "evidence", "title")
    told = {name: fact for name, fact in event.details.items() if name not in hidden}
    return {
        "id": event.pk,
        "type": event.type,
        "round": event.round,
        "step": event.position,
        "template": event.template_code,
        "details": told,
        "actor": event.actor,
        "at": iso(event.created_at),
    }


def explanation_body(said: Explanation, *, whole: bool) -> dict[str, Any]:
    """Return every gate with what it says; the text only to those who may read it."""
    gates = [
        {**asdict(gate), "until": iso(gate.until), "ok": gate.is_open}
        for gate in said.gates
    ]
    for gate in gates:
        del gate["is_open"]
    return {
        "run": str(said.run_id),
        "status": said.status,
        "answer": said.answer,
        "nextStep": said.next_step,
        "nextAt": iso(said.next_at),
        "timeZone": said.zone,
        "timeZoneToldBy": said.zone_told_by,
        "gates": gates,
        "preview": said.preview if whole else None,
        "account": said.account,
        "quota": said.quota,
    }


def batch_body(batch: EnrollmentBatch, *, job_id: int | None = None) -> dict[str, Any]:
    """Return a batch with its results so far."""
    return {
        "id": str(batch.pk),
        "cadence": batch.cadence.code,
        "name": batch.name,
        "dryRun": batch.is_dry,
        "createdAt": iso(batch.created_at),
        "finishedAt": iso(batch.finished_at),
        "results": dict(results(batch)),
        **({} if job_id is None else {"jobId": job_id}),
    }


def row_body(row: EnrollmentRow) -> dict[str, Any]:
    """Return what became of one line; what it told stays here."""
    return {
        "line": row.line,
        "result": row.result or "pending",
        "detail": row.detail,
        "runId": row.run_id and str(row.run_id),
    }


def log_body(log: RunnerLog) -> dict[str, Any]:
    """Return a pass of the runner, without its single results."""
    return {
        "id": str(log.pk),
        "executedAt": iso(log.executed_at),
        "finishedAt": iso(log.finished_at),
        "status": log.status,
        "trigger": log.trigger_source,
        "dryRun": log.is_dry,
        "stepsExecuted": log.steps_executed,
        "errors": log.errors,
        "runsTouched": log.runs_touched,
        "skipped": log.skipped,
        "deferred": log.deferred,
        "uncertain": log.uncertain,
        "concluded": log.concluded,
        "durationMs": log.duration_ms,
    }


def standing_body(now: Standing) -> dict[str, Any]:
    """Return what is due, how late it is, and what went wrong within a day."""
    return {
        "due": now.due,
        "oldestDueSeconds": now.oldest,
        "lastPassAt": iso(now.last_pass_at),
        "lastPassSeconds": now.last_pass_age,
        "errorsLastDay": now.errors,
        "sendsLastHour": now.sends,
        "uncertain": now.uncertain,
        "pausedByErrors": now.paused_by_errors,
    }


def funnel_body(found: Funnel) -> dict[str, Any]:
    """Return how far the newest runs came, by step, and by variant where it has any."""
    return {
        "runs": found.runs,
        "truncated": found.is_cut,
        "steps": [
            {
                "key": str(key),
                "position": count.position,
                **_counts(count),
                "variants": {
                    str(each.variant): _counts(each)
                    for each in found.variants.get(key, [])
                },
            }
            for key, count in found.counts.items()
        ],
    }


def _counts(count: Count) -> dict[str, int]:
    return {
        "sent": count.sent,
        "delivered": count.delivered,
        "read": count.read,
        "replied": count.replied,
        "optedOut": count.opted_out,
        "unknown": count.unknown,
        "notSent": count.refused,
        "skipped": count.skipped,
    }
