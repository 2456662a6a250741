"""What a cadence says: publishing, moving runs; and what became of unknown sends."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Field, Router
from ninja.errors import HttpError

from cadences.api.callers import A_SERVICE_OR_PERSON, actor, demand, read_body
from cadences.api.enrolments import cadence_of
from cadences.api.represent import funnel_body
from cadences.errors import IllegalMove
from cadences.funnel import funnel
from cadences.migrate import migrate, preview
from cadences.models import Cadence, Execution, Version
from cadences.publish import lint, publish
from cadences.resolve import resolve
from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.schemas import Camel, body_of
from queues.audit import record

SHOWN = 500
PUBLISH, RESOLVE = "cadences.publish_cadence", "cadences.resolve_execution"
ANSWERS: dict[int, Any] = {
    200: dict[str, Any],
    **problems(400, 401, 403, 404, 409, 422),
}

router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


class Verdict(Camel):
    """What became of an unknown send; "not_sent" needs evidence."""

    verdict: Literal["sent", "not_sent", "skip"]
    evidence: str = Field("", max_length=2000)


class Move(Camel):
    """What becomes of runs whose step vanished; a dry run only tells."""

    vanished: Literal["next", "end"] = "next"
    dry_run: bool = True


@router.post("/api/cadences/{uuid:cadence_id}/publish", response=ANSWERS)
def publish_draft(request: HttpRequest, cadence_id: UUID) -> Body:
    """Publish the draft of a cadence; 422 lists what is wrong with it."""
    which = _cadence(request, cadence_id)
    found = which.versions.filter(state=Version.State.DRAFT).first()
    if found is None:
        raise IllegalMove("There is no draft")
    with transaction.atomic():
        publish(found, actor=actor())
        found.refresh_from_db()
        after = {"version": found.number, "checksum": found.checksum}
        record("cadence.publish", which, after=after)
    return {"cadence": which.code, "version": found.number, "state": found.state}


@router.get("/api/cadences/{uuid:cadence_id}/lint", response=ANSWERS)
def lint_draft(request: HttpRequest, cadence_id: UUID) -> Body:
    """Tell what keeps the draft of a cadence from being published."""
    which = _cadence(request, cadence_id, "cadences.view_cadence")
    found = which.versions.filter(state=Version.State.DRAFT).first()
    if found is None:
        raise IllegalMove("There is no draft")
    return {"version": found.number, "faults": lint(found)}


@router.get("/api/cadences/{uuid:cadence_id}/funnel", response=ANSWERS)
def show_funnel(request: HttpRequest, cadence_id: UUID) -> Body:
    """Tell how far the newest runs of a cadence came."""
    which = _cadence(request, cadence_id, "cadences.view_cadence")
    return {"cadence": which.code, **funnel_body(funnel(which.pk))}


@router.post(
    "/api/cadences/{uuid:cadence_id}/migrate-runs",
    response=ANSWERS,
    openapi_extra=body_of(Move, once=False),
)
def migrate_runs(request: HttpRequest, cadence_id: UUID) -> Body:
    """Move the live runs to the published version, or tell what would become of each."""
    which = _cadence(request, cadence_id)
    wish, _ = read_body(request, Move)
    if which.published is None:
        raise IllegalMove("No version is published")
    if not wish.dry_run:
        counts = migrate(which.published, actor=actor(), vanished=wish.vanished)
        after = {"version": which.published.number, **counts}
        record("cadence.migrate", which, after=after, count=max(counts.total(), 1))
        return {"dryRun": False, "counts": dict(counts)}
    moves = preview(which.published, vanished=wish.vanished)
    kinds = [move.kind for move in moves]
    return {
        "dryRun": True,
        "counts": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "moves": [
            {"run": str(m.run_id), "kind": m.kind, "from": m.from_step, "to": m.to_step}
            for m in moves[:SHOWN]
        ],
        "truncated": len(moves) > SHOWN,
    }


@router.post(
    "/api/cadences/executions/{uuid:execution_id}/resolve",
    response=ANSWERS,
    openapi_extra=body_of(Verdict, once=False),
)
def resolve_execution(request: HttpRequest, execution_id: UUID) -> Body:
    """Say what became of a send whose outcome nobody knows."""
    found = Execution.objects.filter(pk=execution_id).first()
    if found is None:
        raise HttpError(404, f"Unknown execution: {execution_id}")
    demand(request, RESOLVE, found)
    wish, _ = read_body(request, Verdict)
    with transaction.atomic():
        before = {"state": found.state}
        done = resolve(found.pk, wish.verdict, actor=actor(), evidence=wish.evidence)
        record(
            "execution.resolve", done, reason=wish.evidence, before=before,
            after={"state": done.state, "verdict": wish.verdict},
        )  # fmt: skip
    return {"execution": str(done.pk), "run": str(done.run_id), "state": done.state}


def _cadence(
    request: HttpRequest, cadence_id: UUID, permission: str = PUBLISH
) -> Cadence:
    which = cadence_of(str(cadence_id), None)
    demand(request, permission, which)
    return which
