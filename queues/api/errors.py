"""One envelope for every refusal, and one place that knows its status."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from queues import errors

logger = logging.getLogger(__name__)

STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.QueueError: HTTPStatus.BAD_REQUEST,
    errors.InvalidToken: HTTPStatus.UNAUTHORIZED,
    errors.UnknownJob: HTTPStatus.NOT_FOUND,
    errors.IllegalTransition: HTTPStatus.CONFLICT,
    errors.KeyReused: HTTPStatus.CONFLICT,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RequestDataTooBig: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ValidationError: HTTPStatus.BAD_REQUEST,
    Http404: HTTPStatus.NOT_FOUND,
    DataError: HTTPStatus.BAD_REQUEST,
    OperationalError: HTTPStatus.SERVICE_UNAVAILABLE,
    InterfaceError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Problem(Schema):
    """What every refusal looks like."""

    error: str
    fields: list[dict[str, str]] = []


def problems(*statuses: int) -> dict[int, type[Problem]]:
    """Return the refusals of a route, as its documentation lists them."""
    return dict.fromkeys((*statuses, 503), Problem)


def refusal(
    status: int, message: str = "", extra: Mapping[str, object] | None = None
) -> JsonResponse:
    """Return the envelope; without a message, the status speaks for itself."""
    body = {"error": message or HTTPStatus(status).phrase.capitalize(), **(extra or {})}
    response = JsonResponse(body, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def translate(request: HttpRequest, error: Exception) -> JsonResponse:
    """Turn an error of the domain, of Django or of the framework into a refusal."""
    status = _status_of(error)
    match error:
        case errors.InvalidToken() | Http404() | ValidationError():
            return refusal(status)
        case errors.InvalidJobData(fields=[_, *_] as fields):
            return refusal(status, str(error), {"fields": fields})
        case RequestDataTooBig():
            limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            return refusal(status, f"Request too large: the limit is {limit} bytes")
        case DataError() | OperationalError() | InterfaceError():
            logger.warning("%s %s: %s", request.method, request.path, _line(error))
            # The net under the checks of each route: a number too large, a NUL.
            is_ours = isinstance(error, DataError)
            silence = "The database does not answer"
            return refusal(status, "A value cannot be stored" if is_ours else silence)
        case _:
            return refusal(status, str(error))


def install(api: NinjaAPI) -> None:
    """Make the API answer every error in the envelope."""
    for kind in (*STATUSES, HttpError):
        api.add_exception_handler(kind, cast("Any", translate))
    api.add_exception_handler(Exception, cast("Any", _let_through))


def _let_through(_: HttpRequest, error: Exception) -> JsonResponse:
    # Django logs it and reports it; the middleware replaces the page by the envelope.
    raise error


def _status_of(error: Exception) -> int:
    if isinstance(error, HttpError):
        return error.status_code
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
