"""The same key and the same body: the same answer, and nothing done twice."""

import hashlib
import json
import re
from collections.abc import Callable
from http import HTTPStatus

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from ninja.errors import HttpError

from queues.api.auth import caller_of
from queues.api.intake import Body
from queues.errors import KeyReused
from queues.models import IdempotencyKey

KEY = re.compile(r"[\x20-\x7e]{1,255}")
HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Within a day, the same key and body get the same answer.",
}


def once(
    request: HttpRequest,
    body: Body,
    answer: Callable[[], Body],
    *,
    status: int | Callable[[Body], int],
) -> JsonResponse:
    """Return the answer, made in one transaction; with a known key, the stored one.

    `status` may be a function of the answer. Raises KeyReused if the key came with another request. Whatever `answer`
    raises leaves nothing behind, the key included.
    """
    key = request.headers.get("Idempotency-Key")
    with transaction.atomic():
        if key is not None:
            row, is_new = _reserve(request, body, key)
            if not is_new:
                return _replay(row)
        made = answer()
        code = status(made) if callable(status) else status
        if key is not None:
            row.answer, row.status = made, code
            row.save(update_fields=["answer", "status"])
        return JsonResponse(made, status=code)


def _reserve(request: HttpRequest, body: Body, key: str) -> tuple[IdempotencyKey, bool]:
    """Write the key, or return the row that holds it.

    A second request waits at the unique index until the first has committed, and
    then finds its answer, or has rolled back, and then takes its place.
    """
    if not KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 printable ASCII characters"
        raise HttpError(HTTPStatus.BAD_REQUEST, message)
    text = json.dumps([request.method, request.path_info, body], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    row, is_new = IdempotencyKey.objects.get_or_create(
        caller=caller_of(request), key=key, defaults={"request_digest": digest}
    )
    if row.request_digest != digest:
        raise KeyReused("This Idempotency-Key was used for another request")
    return row, is_new


def _replay(row: IdempotencyKey) -> JsonResponse:
    response = JsonResponse(row.answer, status=row.status)
    response["Idempotency-Replayed"] = "true"
    return response
