"""The door that the seed's cron and its people knock at."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Router
from ninja.errors import HttpError

from cadences.runner import MOST, run_here
from cadences.states import Trigger
from queues.api.auth import CronSecretOrServiceKey
from queues.api.errors import problems
from queues.api.intake import read_optional

logger = logging.getLogger(__name__)

router = Router(tags=["cadences"])


@router.post(
    "/functions/v1/cadence-runner",
    auth=CronSecretOrServiceKey(),
    response={200: dict[str, Any], **problems(400, 401, 413, 500)},
)
def cadence_runner(request: HttpRequest) -> JsonResponse:
    """Make one pass over the due steps in this request; the rest is left to workers."""
    trigger, limit = _read(request)
    try:
        done = run_here(trigger, limit=limit)
    except Exception:
        logger.exception("the pass failed")
        body = {"success": False, "error": "Erro interno do servidor"}
        return JsonResponse(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return JsonResponse(
        {"success": True, "summary": done.summary, "results": done.results}
    )


def _read(request: HttpRequest) -> tuple[Trigger, int]:
    """Return who starts the pass and how much it may take; an empty body is CRON."""
    body = read_optional(request)
    trigger, limit = body.get("trigger", Trigger.CRON), body.get("limit", MOST)
    if trigger not in Trigger.values:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid trigger")
    if body.get("dry_run") is True:
        trigger = Trigger.TEST
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid limit")
    return Trigger(trigger), limit
