"""Put leads into cadences: one, or many at once."""

from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema
from ninja.errors import HttpError
from pydantic.alias_generators import to_camel

from cadences.api.callers import (
    actor,
    demand,
    facts,
    lead_of,
    person_of,
    read_body,
)
from cadences.api.represent import batch_body, row_body, run_body
from cadences.api.runs import OPERATE, Soon, router
from cadences.enroll import enroll
from cadences.load import accept, load_later
from cadences.meet import meet, read
from cadences.models import Cadence, EnrollmentBatch, EnrollmentRow, Lead
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body
from queues.api.schemas import Camel, body_of
from queues.audit import record

MOST_ROWS = 10_000
LONGEST_PAGE = 200


class Told(Camel):
    """What is known of a lead; one who has the id or the address is that lead."""

    external_id: str | int | None = None
    name: str | None = None
    first_name: str | None = None
    phone: str | None = None
    email: str | None = None
    time_zone: str | None = None
    stage: str | None = None
    data: dict[str, Any] = {}


class Place(Camel):
    """Which cadence: by its id, or by its code, and the company where that is needed."""

    cadence: str = Field(min_length=1)
    company: str | None = None
    without_contact: bool = False


class EnrolWish(Place):
    """A lead by its id, or what is known of one."""

    lead: UUID | None = None
    lead_data: Told | None = None
    context: dict[str, Any] = {}
    start_at: Soon | None = None
    first_step: int = Field(1, ge=1, le=1000)


class BatchWish(Place):
    """Many leads; with `dryRun` nothing is changed and the results are told."""

    rows: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ROWS)
    name: str = Field("", max_length=200)
    dry_run: bool = False


class Lines(Schema):
    """What narrows the lines of a batch."""

    result: str = ""
    after: int = Field(0, ge=0, le=2**31 - 1)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


@router.post(
    "/api/cadences/runs",
    response={201: dict[str, Any], **problems(400, 401, 403, 404, 409)},
    openapi_extra=body_of(EnrolWish),
)
def enrol(request: HttpRequest) -> HttpResponse:
    """Enrol a lead; 409 tells by its `motive` why not."""
    wish, body = read_body(request, EnrolWish)
    if (wish.lead is None) == (wish.lead_data is None):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Say either lead or leadData")
    which = cadence_of(wish.cadence, wish.company)
    make = partial(_enrolled, request, wish, which)
    return once(request, body, make, status=HTTPStatus.CREATED)


@router.post(
    "/api/cadences/runs/batch",
    response={202: dict[str, Any], **problems(400, 401, 403, 409, 413)},
    openapi_extra=body_of(BatchWish),
)
def enrol_many(request: HttpRequest) -> HttpResponse:
    """Check and keep every line at once, and enrol them by a job."""
    wish, body = read_body(request, BatchWish)
    which = cadence_of(wish.cadence, wish.company)
    demand(request, OPERATE)
    make = partial(_accepted, wish, which, person_of(request))
    return once(request, body, make, status=HTTPStatus.ACCEPTED)


@router.get(
    "/api/cadences/batches/{uuid:batch_id}",
    response={200: dict[str, Any], **problems(401, 403, 404)},
)
def get_batch(request: HttpRequest, batch_id: UUID) -> Body:
    """Tell how far a batch is, by its results."""
    return batch_body(_batch(request, batch_id))


@router.get(
    "/api/cadences/batches/{uuid:batch_id}/rows",
    response={200: dict[str, Any], **problems(400, 401, 403, 404)},
)
def list_rows(request: HttpRequest, batch_id: UUID, filters: Query[Lines]) -> Body:
    """List the lines of a batch in order, each with what became of it."""
    rows = _batch(request, batch_id).rows.filter(line__gt=filters.after)
    if filters.result:
        known = {
            "pending": None,
            **{word: word for word in EnrollmentRow.Result.values},
        }
        if filters.result not in known:
            raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid result")
        rows = rows.filter(result=known[filters.result])
    page = list(rows.order_by("line")[: filters.limit + 1])
    shown = page[: filters.limit]
    return {
        "rows": [row_body(row) for row in shown],
        "nextCursor": str(shown[-1].line) if len(page) > filters.limit else None,
    }


def cadence_of(name: str, company: str | None) -> Cadence:
    """Return the cadence of that id or code, or refuse."""
    rows = Cadence.objects.select_related("company", "published")
    try:
        found = rows.filter(pk=UUID(name))
    except ValueError:
        found = rows.filter(code=name)
    if company:
        found = found.filter(company=company)
    several = list(found[:2])
    if not several:
        raise HttpError(HTTPStatus.NOT_FOUND, f"Unknown cadence: {name[:100]}")
    if len(several) > 1:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Several companies have it: say which")
    return several[0]


def _enrolled(request: HttpRequest, wish: EnrolWish, which: Cadence) -> Body:
    lead = _lead(request, wish, which)
    run = enroll(
        lead, which, context=wish.context, start_at=wish.start_at,
        first_step=wish.first_step, source="api", actor=actor(),
        without_contact=wish.without_contact,
    )  # fmt: skip
    record("run.enroll", run, after={"cadence": which.code, **facts(run)})
    return run_body(run)


def _lead(request: HttpRequest, wish: EnrolWish, which: Cadence) -> Lead:
    if wish.lead is not None:
        return lead_of(request, wish.lead, OPERATE)
    demand(request, OPERATE)
    told = wish.lead_data
    return meet(
        which.company, read({} if told is None else told.model_dump()),
        owner=person_of(request),
    )  # fmt: skip


def _accepted(wish: BatchWish, which: Cadence, owner: User | None) -> Body:
    lines = [(number, _plain(row)) for number, row in enumerate(wish.rows, 1)]
    batch = accept(
        which, lines, name=wish.name, is_dry=wish.dry_run, actor=actor(),
        without_contact=wish.without_contact, owner=owner,
    )  # fmt: skip
    return batch_body(batch, job_id=load_later(batch).pk)


NAMES = {to_camel(name): name for name in ("external_id", "first_name", "time_zone")}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a line under the names of a sheet's columns; its faults are told later."""
    return {NAMES.get(name, name): value for name, value in row.items()}


def _batch(request: HttpRequest, batch_id: UUID) -> EnrollmentBatch:
    batch = EnrollmentBatch.objects.select_related("cadence").filter(pk=batch_id)
    if (found := batch.first()) is None:
        raise HttpError(HTTPStatus.NOT_FOUND, f"Unknown batch: {batch_id}")
    person = person_of(request)
    if person is None or found.owner_id != person.pk:
        demand(request, "cadences.view_run", found)
    return found
