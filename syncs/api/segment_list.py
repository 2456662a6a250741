"""Segments for other systems: their list, what each is, its switch, logs and members."""

from http import HTTPStatus
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict

from cadences.api.callers import A_SERVICE_OR_PERSON, actor, demand, read_body
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body
from queues.api.schemas import body_of
from syncs.api.represent_segments import log_body, member_body, segment_body
from syncs.models import SegmentControl, SegmentLog, SegmentMember, Trigger
from syncs.segments.define import change, create
from syncs.segments.errors import InvalidSegment, SegmentExists
from syncs.segments.start import start
from syncs.segments.steer import pause, reactivate

LOOK, RUN = "syncs.view_segmentcontrol", "syncs.run_segment"
ADD, CHANGE = "syncs.add_segmentcontrol", "syncs.change_segmentcontrol"
ANSWERS: dict[int, Any] = {200: dict[str, Any], **problems(400, 401, 403, 404)}
PLACE = "/api/syncs/segments/{int:key}"

router = Router(tags=["syncs"], auth=A_SERVICE_OR_PERSON)


class Page(Schema):
    """Where a list goes on: the id of the last row that was shown."""

    cursor: int = Field(0, ge=0, lt=2**63)
    limit: int = Field(50, ge=1, le=200)


class Filters(Page):
    """Which segments; without a word, all."""

    status: Literal["active", "paused", "error"] | None = None
    segment_id: int | None = Field(None, ge=1, lt=2**63)


class Members(Page):
    """Which members: those that are in it, or those that left."""

    left: bool = False


class Change(Schema):
    """What a segment is; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    company: str | None = None
    cron: str = "0 6 * * *"
    time_zone: str = "America/Sao_Paulo"
    jitter_seconds: int = 0
    misfire: Literal["once", "skip"] = "once"
    enrich: Literal["changed", "never"] = "changed"
    enrich_most: int = Field(500, ge=0)
    guard_percent: int = 20


class NewSegment(Change):
    """A segment to sync from now on."""

    segment_id: int = Field(ge=1, lt=2**63)
    connection: str | None = None


class Note(Schema):
    """Why it is paused."""

    note: str = Field("", max_length=500)


@router.get("/api/syncs/segments", response=ANSWERS)
def list_segments(request: HttpRequest, filters: Query[Filters]) -> Body:
    """List segments in the order in which they were made."""
    demand(request, LOOK)
    rows = SegmentControl.objects.filter(pk__gt=filters.cursor).order_by("pk")
    for name in ("status", "segment_id"):
        if (value := getattr(filters, name)) is not None:
            rows = rows.filter(**{name: value})
    found = list(rows.select_related("live_pass")[: filters.limit + 1])
    return _page("segments", found, filters.limit, segment_body)


@router.post(
    "/api/syncs/segments",
    response={201: dict[str, Any], **problems(400, 401, 403, 409)},
    openapi_extra=body_of(NewSegment),
)
def create_segment(request: HttpRequest) -> HttpResponse:
    """Sync another segment from now on."""
    demand(request, ADD)
    wish, body = read_body(request, NewSegment)
    facts = wish.model_dump(exclude_unset=True)
    try:
        return once(
            request, body, lambda: segment_body(create(facts)),
            status=HTTPStatus.CREATED,
        )  # fmt: skip
    except InvalidSegment as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None
    except SegmentExists as error:
        raise HttpError(HTTPStatus.CONFLICT, str(error)) from None


@router.get(PLACE, response=ANSWERS)
def get_segment(request: HttpRequest, key: int) -> Body:
    """Show one segment, and how far the sync is that runs."""
    return segment_body(_segment(request, key, LOOK), with_progress=True)


@router.patch(PLACE, response=ANSWERS, openapi_extra=body_of(Change, once=False))
def change_segment(request: HttpRequest, key: int) -> Body:
    """Change what a segment is; a changed line is planned anew."""
    control = _segment(request, key, CHANGE)
    wish, _ = read_body(request, Change)
    try:
        return segment_body(change(control.pk, wish.model_dump(exclude_unset=True)))
    except InvalidSegment as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None


@router.post(
    f"{PLACE}/pause", response=ANSWERS, openapi_extra=body_of(Note, once=False)
)
def pause_segment(request: HttpRequest, key: int) -> Body:
    """Sync it no more by its schedule; one that runs stops at its next page."""
    control = _segment(request, key, RUN)
    wish, _ = read_body(request, Note)
    pause(control.pk, wish.note)
    return segment_body(_segment(request, key, RUN))


@router.post(f"{PLACE}/resume", response=ANSWERS)
def resume_segment(request: HttpRequest, key: int) -> Body:
    """Sync it by its schedule again; what fell into the pause is not made up."""
    reactivate(_segment(request, key, RUN).pk)
    return segment_body(_segment(request, key, RUN))


@router.post(
    f"{PLACE}/run",
    response={200: dict[str, Any], 202: dict[str, Any], **problems(401, 403, 404)},
)
def run_segment(request: HttpRequest, key: int) -> HttpResponse:
    """Sync it now, paused or not; 200 if a sync runs already, which is then joined."""
    control = _segment(request, key, RUN)

    def answer() -> Body:
        begun = start(control, trigger=Trigger.API, actor=actor()[:150], priority=3)
        return {"created": begun.is_new, "job_id": str(begun.sync.job_id)}

    return once(request, {}, answer, status=_begun_or_joined)


@router.get(f"{PLACE}/logs", response=ANSWERS)
def list_logs(request: HttpRequest, key: int, page: Query[Page]) -> Body:
    """List the syncs of a segment that ended, newest first."""
    rows = SegmentLog.objects.filter(control=_segment(request, key, LOOK))
    if page.cursor:
        rows = rows.filter(pk__lt=page.cursor)
    return _page(
        "logs", list(rows.order_by("-pk")[: page.limit + 1]), page.limit, log_body
    )


@router.get(f"{PLACE}/members", response=ANSWERS)
def list_members(request: HttpRequest, key: int, page: Query[Members]) -> Body:
    """List who is in a segment, or who left it; by their ids alone."""
    control = _segment(request, key, LOOK)
    rows = SegmentMember.objects.filter(
        control=control, pk__gt=page.cursor, removed_at__isnull=not page.left
    )
    return _page(
        "members", list(rows.order_by("pk")[: page.limit + 1]), page.limit, member_body
    )


def _begun_or_joined(answer: Body) -> int:
    return HTTPStatus.ACCEPTED if answer["created"] else HTTPStatus.OK


def _segment(request: HttpRequest, key: int, permission: str) -> SegmentControl:
    demand(request, permission)
    rows = SegmentControl.objects.select_related("live_pass")
    found = rows.filter(pk=key).first() if key < 2**63 else None
    if found is None:
        raise HttpError(HTTPStatus.NOT_FOUND, f"Unknown segment: {key}")
    return found


def _page(name: str, found: list[Any], limit: int, show: Any) -> Body:
    shown, more = found[:limit], len(found) > limit
    return {
        name: [show(each) for each in shown],
        "next_cursor": shown[-1].pk if more else None,
    }
