"""The door that the seed's cron and its people knock at."""

import logging
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from ninja import Field, Router, Schema

from cadences.api.callers import checked
from cadences.runner import HERE_SECONDS, MOST, run_here
from cadences.states import Trigger
from queues.api.auth import CronSecretOrServiceKey
from queues.api.errors import problems
from queues.api.intake import read_optional
from queues.api.schemas import body_of

logger = logging.getLogger(__name__)

router = Router(tags=["cadences"])


class Knock(Schema):
    """Who starts a pass, and how much it may take; `dry_run` only tells the plan."""

    trigger: Trigger = Trigger.CRON
    limit: int = Field(MOST, ge=1, le=MOST, strict=True)
    dry_run: bool = Field(default=False, strict=True)
    run_ids: list[UUID] | None = Field(
        None, max_length=MOST, description="None but these, and of these what is due."
    )
    time_budget_s: float = Field(HERE_SECONDS, gt=0, le=HERE_SECONDS, strict=True)


FACTS: dict[str, Any] = {
    "auth": CronSecretOrServiceKey(),
    "response": {200: dict[str, Any], **problems(400, 401, 413, 500)},
    "openapi_extra": body_of(Knock, once=False),
}


@router.post("/functions/v1/cadence-runner", operation_id="cadence_runner", **FACTS)
@router.post("/api/cadences/runner/run", operation_id="cadences_runner_run", **FACTS)
def cadence_runner(request: HttpRequest) -> JsonResponse:
    """Make one pass over the due steps in this request; the rest is left to workers."""
    wish = checked(Knock, read_optional(request))
    trigger = Trigger.TEST if wish.dry_run else wish.trigger
    try:
        done = run_here(
            trigger, limit=wish.limit, seconds=wish.time_budget_s, named=wish.run_ids
        )
    except Exception:
        logger.exception("the pass failed")
        body = {"success": False, "error": "Erro interno do servidor"}
        return JsonResponse(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return JsonResponse(
        {"success": True, "summary": done.summary, "results": done.results}
    )
