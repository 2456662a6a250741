"""The doors that the seed's cron and its edge functions knocked at."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.errors import HttpError

from queues.api.auth import CronSecretOrServiceKey, ServiceKey
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body, demand_object, read_optional
from queues.api.schemas import body_of
from syncs import access, periods, progress
from syncs.api import represent
from syncs.api.refusals import refusing
from syncs.api.schemas import DataShown, Queued, StoreWish, Ticked
from syncs.errors import InvalidRequest
from syncs.models import Store
from syncs.ports import Period
from syncs.read import Answer, read
from syncs.request import Wish, request
from syncs.states import Freshness, Trigger
from syncs.tick import tick

router = Router(tags=["syncs"])

CURRENT = {Freshness.FRESH, Freshness.NEGATIVE}


@router.post(
    "/functions/v1/sync-worker",
    auth=CronSecretOrServiceKey(),
    response={200: Ticked, **problems(400, 401, 413)},
)
def sync_worker(request: HttpRequest) -> Body:
    """Make one tick of the queue of syncs: free what is stuck, and count."""
    read_optional(request)
    done = tick()
    return {
        "success": True,
        "claimed": done.claimed,
        "processing": done.processing,
        "reset": done.reset,
    }


@router.post(
    "/functions/v1/sync-store",
    auth=ServiceKey(),
    response={200: DataShown, 202: Queued, **problems(400, 401, 404, 409, 413, 422)},
    openapi_extra=body_of(StoreWish),
)
def sync_store(request: HttpRequest) -> HttpResponse:
    """Answer from the cache, or queue a sync and say which."""
    body = demand_object(request)
    force = body.get("force", False)
    if not isinstance(force, bool):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid force")
    with refusing():
        store = _store(body.get("store_id"))
        period = periods.between(
            store, body.get("period_start"), body.get("period_end")
        )
        if not force:
            answer = read(store, period, refresh=False)
            if _is_current(answer):
                told = {"success": True, "cached": True, **represent.data(answer)}
                return JsonResponse(told)
        make = partial(_queued, store, period, force)
        return once(request, body, make, status=HTTPStatus.ACCEPTED)


def _is_current(answer: Answer) -> bool:
    return all(each.state in CURRENT for each in answer.found)


def _queued(store: Store, period: Period, force: bool) -> dict[str, Any]:  # noqa: FBT001
    asked = request(store, period, Wish(trigger=Trigger.SYSTEM, forced=force))
    run = {**progress.represent(asked.run), "streams": []}
    return {"success": True, "created": asked.created, "run": run}


def _store(value: object) -> Store:
    if not isinstance(value, str) or not value:
        raise InvalidRequest("Invalid store_id")
    return access.any_store(value)
