"""The numbers of a person's stores, and the syncs that bring them."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from ninja import Router
from ninja.errors import HttpError

from queues.api.auth import A_PERSON, person_of
from queues.api.errors import problems, refusal
from queues.api.idempotency import HEADER, once
from queues.api.intake import Body, read_optional
from queues.api.schemas import body_of
from syncs import access, periods, progress
from syncs.api import represent
from syncs.api.refusals import refusing
from syncs.api.schemas import DataShown, Queued, RefreshWish, RunShown
from syncs.errors import InvalidRequest, TooManyRequests
from syncs.models import Run, Store
from syncs.ports import Period
from syncs.read import read
from syncs.refresh import refresh
from syncs.request import Wish, cancel, retry
from syncs.states import DataType, Trigger

router = Router(tags=["syncs"], auth=A_PERSON)


@router.get(
    "/api/syncs/stores/{store_id}/data",
    response={200: DataShown, 202: DataShown, **problems(400, 401, 404, 422)},
)
def get_data(
    request: HttpRequest,
    store_id: str,
    types: str = "",
    period: str = "",
    start: str = "",
    end: str = "",
    refresh: str = "auto",
) -> HttpResponse:
    """Show the numbers from the cache at once; what is missing or old is on its way."""
    if refresh not in {"auto", "none"}:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid refresh")
    with refusing():
        store = access.store_of(person_of(request), store_id)
        days = _days(store, {"period": period, "start": start, "end": end})
        answer = read(store, days, _types(types), refresh=refresh == "auto")
        if (same := _unchanged(request, answer.tag)) is not None:
            return same
        status = HTTPStatus.ACCEPTED if answer.is_miss else HTTPStatus.OK
        body = represent.data(answer)
        return _tagged(body, answer.tag, status=status, poll=body["poll_after_ms"])


@router.post(
    "/api/syncs/stores/{store_id}/refresh",
    response={200: Queued, 201: Queued, **problems(400, 401, 404, 409, 422, 429)},
    openapi_extra=body_of(RefreshWish),
)
def refresh_store(request: HttpRequest, store_id: str) -> HttpResponse:
    """Ask for the numbers anew; who asks while they are fetched joins that sync."""
    body = read_optional(request)
    try:
        with refusing():
            store = access.store_of(person_of(request), store_id)
            make = partial(_refreshed, request, store, body)
            return once(request, body, make, status=_created_or_joined)
    except TooManyRequests as error:
        response = refusal(HTTPStatus.TOO_MANY_REQUESTS, str(error))
        response["Retry-After"] = str(error.retry_after)
        return response


@router.get("/api/syncs/runs/{run_id}", response={200: RunShown, **problems(401, 404)})
def get_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Show how a sync stands, and after how long to look again."""
    with refusing():
        run = access.run_of(person_of(request), run_id)
        if (same := _unchanged(request, progress.tag(run))) is not None:
            return same
        body = {**progress.represent(run), "streams": progress.streams(run)}
        return _tagged(body, progress.tag(run), poll=body["poll_after_ms"])


@router.post(
    "/api/syncs/runs/{run_id}/cancel",
    response={200: RunShown, **problems(401, 404, 409)},
)
def cancel_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Cancel a waiting sync, or let a running one stop at its next page."""
    with refusing():
        run = cancel(access.run_of(person_of(request), run_id))
        return JsonResponse({**progress.represent(run), "streams": []})


@router.post(
    "/api/syncs/runs/{run_id}/retry",
    response={201: Queued, **problems(400, 401, 404, 409)},
    openapi_extra={"parameters": [HEADER]},
)
def retry_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Ask anew for what a sync was for."""
    with refusing():
        run = access.run_of(person_of(request), run_id)
        make = partial(_retried, request, run)
        return once(request, read_optional(request), make, status=HTTPStatus.CREATED)


def _created_or_joined(answer: Body) -> int:
    return HTTPStatus.CREATED if answer["created"] else HTTPStatus.OK


def _retried(request: HttpRequest, run: Run) -> dict[str, Any]:
    asked = retry(run, user=person_of(request))
    return _told(asked.run, created=asked.created)


def _refreshed(request: HttpRequest, store: Store, body: Body) -> dict[str, Any]:
    wish = _wish(request, body)
    asked = refresh(store, _days(store, body), wish)
    return _told(asked.run, created=asked.created)


def _wish(request: HttpRequest, body: Body) -> Wish:
    force, types = body.get("force", False), body.get("types")
    if not isinstance(force, bool):
        raise InvalidRequest("Invalid force")
    if types is not None and not (
        isinstance(types, list) and types and all(isinstance(t, str) for t in types)
    ):
        raise InvalidRequest("Invalid types")
    priority = body.get("priority", 5)
    if type(priority) is not int:
        raise InvalidRequest("A priority is a number from 1 to 10")
    return Wish(
        types=types, priority=priority, trigger=Trigger.USER, forced=force,
        user=person_of(request), join=True,
    )  # fmt: skip


def _told(run: Run, *, created: bool) -> dict[str, Any]:
    shown = {**progress.represent(run), "streams": []}
    return {"success": True, "created": created, "run": shown}


def _days(store: Store, body: Body) -> Period:
    if body.get("period"):
        return periods.of_word(store, str(body["period"]))
    if body.get("start") or body.get("end"):
        return periods.between(store, body.get("start"), body.get("end"))
    return periods.of_word(store, "30d")


def _types(text: str) -> list[str] | None:
    found = [each.strip() for each in text.split(",") if each.strip()]
    if set(found) - set(DataType.values):
        raise InvalidRequest("Unknown data types")
    return found or None


def _unchanged(request: HttpRequest, tag: str) -> HttpResponse | None:
    known = request.headers.get("If-None-Match", "")
    if f'"{tag}"' not in {each.strip().removeprefix("W/") for each in known.split(",")}:
        return None
    response = HttpResponseNotModified()
    response["ETag"] = f'"{tag}"'
    return response


def _tagged(
    body: dict[str, Any], tag: str, *, status: int = 200, poll: int | None = None
) -> HttpResponse:
    response = JsonResponse(body, status=status)
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = "private, no-cache"
    if poll is not None:
        response["Retry-After"] = str(max(1, round(poll / 1000)))
    return response
