"""What no view sees: pages that Django itself answers with, made JSON on our paths."""

import re
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from queues.api.errors import refusal

PATHS = re.compile(r"/(api|functions|webhooks|healthz|readyz|metrics)(/|$)")


class JsonErrors:
    """Answer every error below PATHS in the envelope, and OPTIONS everywhere there.

    It stands first, so that the errors of every other middleware pass through it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; a slash at the end of its path makes no difference."""
        if not PATHS.match(request.path_info):
            return self.get_response(request)
        request.path_info = request.path_info.rstrip("/")
        # No column holds a NUL, so no row is looked for with one.
        if "%00" in request.META.get("QUERY_STRING", ""):
            return refusal(HTTPStatus.BAD_REQUEST)
        response = self.get_response(request)
        if isinstance(response, HttpResponse):
            _tidy(request, response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _tidy(request: HttpRequest, response: HttpResponse) -> None:
    """Change in place, for headers such as Allow and those of CORS shall stay."""
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response["Allow"] = ", ".join(sorted(response["Allow"].split(", ")))
        if request.method == "OPTIONS":
            response.status_code = HTTPStatus.OK
            _fill(response, b"")
    if response.status_code >= HTTPStatus.BAD_REQUEST and not _is_json(response):
        _fill(response, refusal(response.status_code).content)


def _fill(response: HttpResponse, content: bytes) -> None:
    response.content = content
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(content))


def _is_json(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
