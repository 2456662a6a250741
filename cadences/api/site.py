"""Add the routes of this app to the one API of the project, and its refusals."""

from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest, JsonResponse

from cadences import errors
from cadences.api import (
    control,
    definitions,
    doors,
    enrolments,
    leads,
    metrics,
    trials,
    way_out,
    webhooks,
)
from queues.api.errors import refusal
from queues.api.metrics import register
from queues.api.site import api

STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.NotEnrolled: HTTPStatus.CONFLICT,
    errors.IllegalMove: HTTPStatus.CONFLICT,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.InvalidLead: HTTPStatus.BAD_REQUEST,
    errors.BadAddress: HTTPStatus.BAD_REQUEST,
    errors.BadTemplate: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotPublishable: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def add() -> None:
    """Add the routers and the figures; once, before the addresses are read."""
    # Those of `enrolments` are routes of the same paths as those of `runs`.
    for each in (
        doors, webhooks, way_out, control, enrolments, leads, definitions, trials, metrics,
    ):  # fmt: skip
        api.add_router("", each.router)
    for kind in STATUSES:
        api.add_exception_handler(kind, cast("Any", translate))
    register("cadences", metrics.figures)


def translate(request: HttpRequest, error: Exception) -> JsonResponse:
    """Turn an error of this app into a refusal, with what a program needs to know."""
    more: dict[str, object] = {}
    match error:
        case errors.NotEnrolled(motive=motive):
            more["motive"] = motive
        case errors.NotPublishable(faults=faults) | errors.InvalidLead(faults=faults):
            more["faults"] = faults
        case _:
            pass
    return refusal(STATUSES[type(error)], str(error), more)
