"""The runner seen from outside: its passes, what is due, and the switch."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from cadences.api.callers import A_SERVICE_OR_PERSON, actor, demand, read_body
from cadences.api.represent import log_body, standing_body
from cadences.control import control, switch
from cadences.models import Control, RunnerLog
from cadences.standing import standing
from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.represent import iso
from queues.api.schemas import Camel, body_of
from queues.audit import record

VIEW, SWITCH = "cadences.view_runnerlog", "cadences.switch_runner"
ANSWERS: dict[int, Any] = {200: dict[str, Any], **problems(400, 401, 403)}

router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


class Switch(Camel):
    """Why the switch is turned."""

    reason: str = Field("", max_length=2000)


class Page(Schema):
    """Where the list of passes goes on."""

    cursor: UUID | None = None
    limit: int = Field(20, ge=1, le=100)


@router.get("/api/cadences/runner/logs", response=ANSWERS)
def list_logs(request: HttpRequest, page: Query[Page]) -> Body:
    """List the passes of the runner, newest first."""
    demand(request, VIEW)
    rows = RunnerLog.objects.defer("details").order_by("-executed_at", "-pk")
    if page.cursor is not None:
        last = RunnerLog.objects.filter(pk=page.cursor).first()
        if last is None:
            raise HttpError(400, "Invalid cursor")
        rows = rows.filter(executed_at__lt=last.executed_at)
    found = list(rows[: page.limit + 1])
    shown = found[: page.limit]
    more = len(found) > page.limit
    return {
        "logs": [log_body(log) for log in shown],
        "nextCursor": str(shown[-1].pk) if more else None,
    }


@router.get("/api/cadences/runner/status", response=ANSWERS)
def status(request: HttpRequest) -> Body:
    """Tell what is due, how late it is, and what went wrong within a day."""
    demand(request, VIEW)
    return {**_switched(control()), **standing_body(standing())}


@router.post(
    "/api/cadences/runner/pause",
    response=ANSWERS,
    openapi_extra=body_of(Switch, once=False),
)
def pause_runner(request: HttpRequest) -> Body:
    """Stop all sending; calls on the wire end as they will."""
    return _turn(request, on=False)


@router.post(
    "/api/cadences/runner/resume",
    response=ANSWERS,
    openapi_extra=body_of(Switch, once=False),
)
def resume_runner(request: HttpRequest) -> Body:
    """Let messages go again."""
    return _turn(request, on=True)


def _turn(request: HttpRequest, *, on: bool) -> Body:
    row = control()
    demand(request, SWITCH, row)
    wish, _ = read_body(request, Switch)
    before = {"is_on": row.is_on}
    done = switch(on=on, actor=actor(), reason=wish.reason)
    after = {"is_on": done.is_on}
    record("runner.switch", done, reason=wish.reason, before=before, after=after)
    return _switched(done)


def _switched(row: Control) -> Body:
    return {
        "sends": row.is_on,
        "reason": row.reason,
        "changedBy": row.changed_by,
        "changedAt": iso(row.changed_at),
        "testMode": bool(row.redirects),
    }
