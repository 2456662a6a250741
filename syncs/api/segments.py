"""The door that started segments in the seed, and the one that hears of new leads."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Router
from ninja.errors import HttpError

from queues.api.auth import CronSecretOrServiceKey
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body, read_optional
from syncs.models import SegmentPass, Trigger
from syncs.segments.errors import InvalidHint, UnknownSegment
from syncs.segments.fire import fire_now
from syncs.segments.hint import is_signed, keep, read_hint
from syncs.segments.start import start_by_number

router = Router(tags=["syncs"])

LONGEST_NUMBER = len(str(2**63))
SIGNATURE, SECRET = "X-Ritmo-Signature", "X-Ritmo-Secret"


@router.post(
    "/functions/v1/sync-segment-leads",
    auth=CronSecretOrServiceKey(),
    response={202: dict[str, Any], **problems(400, 401, 404, 409, 413)},
)
def sync_segment_leads(request: HttpRequest) -> JsonResponse:
    """Start the segment that is named, or every one that is due: one job each."""
    body = read_optional(request)
    number = _number(body)

    def answer() -> Body:
        syncs = fire_now() if number is None else _named(number)
        return {"success": True, "count": len(syncs), "jobs": [_told(s) for s in syncs]}

    try:
        return once(request, body, answer, status=HTTPStatus.ACCEPTED)
    except UnknownSegment as error:
        raise HttpError(HTTPStatus.NOT_FOUND, str(error)) from None


@router.post(
    "/webhooks/sprinthub/leads",
    auth=None,
    response={200: dict[str, Any], **problems(400, 401, 413)},
)
def lead_hint(request: HttpRequest) -> JsonResponse:
    """Keep what an automation tells of a lead; what is true is fetched by a job."""
    raw = request.body
    signature = request.headers.get(SIGNATURE, "")
    if not is_signed(raw, signature=signature, secret=request.headers.get(SECRET, "")):
        raise HttpError(HTTPStatus.UNAUTHORIZED, "Unauthorized")
    try:
        is_new = keep(raw, read_hint(raw))
    except InvalidHint as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None
    return JsonResponse({"success": True, "duplicate": not is_new})


def _named(number: int) -> list[SegmentPass]:
    return [each.sync for each in start_by_number(number, trigger=Trigger.API)]


def _told(sync: SegmentPass) -> dict[str, str | int]:
    return {"segmentId": sync.control.segment_id, "jobId": str(sync.job_id)}


def _number(body: Body) -> int | None:
    value = body.get("segment_id", body.get("segmentId"))
    if value is None:
        return None
    # The length keeps int() quick.
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value) if len(value) <= LONGEST_NUMBER else None
    if type(value) is not int or not 0 < value < 2**63:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid segment_id")
    return value
