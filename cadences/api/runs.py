"""The runs: where each stands, why it waits, and what people do to it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import override
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import AfterValidator, AwareDatetime

from cadences import clock
from cadences.api.callers import (
    A_SERVICE_OR_PERSON,
    actor,
    person_of,
    read_body,
    row_version,
    run_of,
    steer,
)
from cadences.api.represent import event_body, explanation_body, run_body
from cadences.explain import explain
from cadences.models import Event, Run
from cadences.pause import cancel, pause, reschedule, resume_run, run_now, skip_step
from cadences.restart import restart
from cadences.states import RunStatus
from queues.access import may
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body
from queues.api.schemas import Camel, body_of
from queues.audit import because
from queues.enqueue import CLOCK_SKEW, HORIZON

LONGEST_PAGE = 100
OPERATE, VIEW, REVEAL = (
    "cadences.operate_run",
    "cadences.view_run",
    "cadences.reveal_lead",
)
ANSWERS: dict[int, Any] = {
    200: dict[str, Any],
    **problems(400, 401, 403, 404, 409),
}

router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


class Filters(Schema):
    """What narrows the list; an empty value narrows nothing."""

    status: str = ""
    cadence: str = ""
    lead: UUID | None = None
    cursor: str = ""
    limit: int = 20


class Reason(Camel):
    """Why; it may be left out."""

    reason: str = ""


def _near(moment: datetime) -> datetime:
    """Refuse what is long over and what nobody means; a clock may be a little behind."""
    ahead = moment - clock.now()
    if not -CLOCK_SKEW <= ahead <= HORIZON:
        raise ValueError("not within the next ten years")
    return moment


Soon = Annotated[AwareDatetime, AfterValidator(_near)]


class Until(Reason):
    """Until when a pause lasts; left out, until somebody ends it."""

    until: Soon | None = None


class Resume(Reason):
    """Whether the next step goes at once, or after the wait that was left."""

    at_once: bool = False


class Moment(Reason):
    """When the next step shall go, through the open hours."""

    at: Soon


class First(Reason):
    """With which step to begin again."""

    first_step: int = Field(1, ge=1, le=1000)


@router.get("/api/cadences/runs", response=ANSWERS)
def list_runs(request: HttpRequest, filters: Query[Filters]) -> Body:
    """List runs, newest first; who may not see all sees those of their own leads."""
    if not 1 <= filters.limit <= LONGEST_PAGE:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid limit")
    rows = _chosen(person_of(request), filters)
    page = list(rows.order_by("-created_at", "-pk")[: filters.limit + 1])
    shown = page[: filters.limit]
    more = len(page) > filters.limit
    return {
        "runs": [run_body(run) for run in shown],
        "nextCursor": _cursor(shown[-1]) if more else None,
    }


@router.get("/api/cadences/runs/{uuid:run_id}", response=ANSWERS)
def get_run(request: HttpRequest, run_id: UUID, response: HttpResponse) -> Body:
    """Show one run; its ETag is what If-Match takes."""
    run = run_of(request, run_id, VIEW)
    response["ETag"] = f'"{run.row_version}"'
    return run_body(run)


@router.get("/api/cadences/runs/{uuid:run_id}/events", response=ANSWERS)
def list_events(request: HttpRequest, run_id: UUID, after: int = 0) -> Body:
    """Tell the story of a run, from its beginning."""
    run = run_of(request, run_id, VIEW)
    events = Event.objects.filter(run=run, pk__gt=max(after, 0)).order_by("pk")
    page = list(events[: LONGEST_PAGE + 1])
    shown = page[:LONGEST_PAGE]
    whole = _sees(request, run)
    more = len(page) > LONGEST_PAGE
    return {
        "events": [event_body(each, whole=whole) for each in shown],
        "nextCursor": str(shown[-1].pk) if more else None,
    }


@router.get("/api/cadences/runs/{uuid:run_id}/explain", response=ANSWERS)
def explain_run(request: HttpRequest, run_id: UUID) -> Body:
    """Tell why the next step has not been sent, and when it will be."""
    run = run_of(request, run_id, VIEW)
    with override("en"):
        return explanation_body(explain(run_id), whole=_sees(request, run))


@router.post(
    "/api/cadences/runs/{uuid:run_id}/pause",
    response=ANSWERS,
    openapi_extra=body_of(Until, once=False),
)
def pause_run(request: HttpRequest, run_id: UUID) -> Body:
    """Pause an active run; what is on the wire goes."""
    wish, _ = read_body(request, Until)
    return _do(request, run_id, "run.pause", pause, wish, until=wish.until)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/resume",
    response=ANSWERS,
    openapi_extra=body_of(Resume, once=False),
)
def resume(request: HttpRequest, run_id: UUID) -> Body:
    """Resume a paused run."""
    wish, _ = read_body(request, Resume)
    return _do(request, run_id, "run.resume", resume_run, wish, at_once=wish.at_once)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/cancel",
    response=ANSWERS,
    openapi_extra=body_of(Reason, once=False),
)
def cancel_run(request: HttpRequest, run_id: UUID) -> Body:
    """End a live run."""
    wish, _ = read_body(request, Reason)
    return _do(request, run_id, "run.cancel", cancel, wish)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/skip",
    response=ANSWERS,
    openapi_extra=body_of(Reason, once=False),
)
def skip(request: HttpRequest, run_id: UUID) -> Body:
    """Pass over the next step."""
    wish, _ = read_body(request, Reason)
    return _do(request, run_id, "run.skip", skip_step, wish)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/run-now",
    response=ANSWERS,
    openapi_extra=body_of(Reason, once=False),
)
def hurry(request: HttpRequest, run_id: UUID) -> Body:
    """Let the next step go now, also outside the open hours."""
    wish, _ = read_body(request, Reason)
    return _do(request, run_id, "run.hurry", run_now, wish)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/reschedule",
    response=ANSWERS,
    openapi_extra=body_of(Moment, once=False),
)
def move(request: HttpRequest, run_id: UUID) -> Body:
    """Let the next step go at that moment."""
    wish, _ = read_body(request, Moment)
    return _do(request, run_id, "run.reschedule", reschedule, wish, at=wish.at)


@router.post(
    "/api/cadences/runs/{uuid:run_id}/restart",
    response=ANSWERS,
    openapi_extra=body_of(First),
)
def start_anew(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """End the run if it lives, and answer with the one that takes its place."""
    wish, body = read_body(request, First)
    make = partial(
        _do, request, run_id, "run.restart", restart, wish, first_step=wish.first_step
    )
    return once(request, body, make, status=HTTPStatus.OK)


def _do(
    request: HttpRequest,
    run_id: UUID,
    action: str,
    verb: Callable[..., Run],
    wish: Reason,
    **said: Any,
) -> Body:
    run = run_of(request, run_id, OPERATE)
    version = row_version(request)
    with because(wish.reason):
        done = steer(
            run,
            action,
            lambda: verb(run_id, actor=actor(), row_version=version, **said),
        )
    return run_body(done)


def _sees(request: HttpRequest, run: Run) -> bool:
    """Tell whether the caller may read what was written to a lead and by them."""
    person = person_of(request)
    if person is None or run.lead.owner_id == person.pk:
        return True
    return person.is_staff and may(person, REVEAL)


def _chosen(person: User | None, filters: Filters) -> QuerySet[Run]:
    rows = Run.objects.select_related("cadence", "version")
    if person is not None and not (person.is_staff and may(person, VIEW)):
        rows = rows.filter(lead__owner=person)
    if filters.status:
        if filters.status not in RunStatus.values:
            raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid status")
        rows = rows.filter(status=filters.status)
    if filters.cadence:
        rows = rows.filter(cadence__code=filters.cadence)
    if filters.lead:
        rows = rows.filter(lead=filters.lead)
    return rows.filter(_before(filters.cursor)) if filters.cursor else rows


def _cursor(run: Run) -> str:
    return f"{run.created_at.isoformat()}_{run.pk}"


def _before(cursor: str) -> Q:
    moment, _, key = cursor.partition("_")
    try:
        at, pk = datetime.fromisoformat(moment.replace(" ", "+")), UUID(key)
    except ValueError:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid cursor") from None
    if at.tzinfo is None:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid cursor")
    return Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk)
