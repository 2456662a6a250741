"""How often one bearer secret may call: counted in the cache, for all doors at once."""

import logging
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from queues.api.auth import bearer
from queues.api.errors import refusal
from queues.api.middleware import PATHS

logger = logging.getLogger(__name__)

MINUTE = 60


class Throttle:
    """Refuse what one secret calls more often than API_CALLS_A_MINUTE, if that is set.

    It asks before anybody looks whose secret it is, so a refusal costs no statement.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.API_CALLS_A_MINUTE:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, or say after how many seconds to come again."""
        secret = bearer(request) if PATHS.match(request.path_info) else b""
        if secret and (wait := _wait(secret)):
            response = refusal(HTTPStatus.TOO_MANY_REQUESTS)
            response["Retry-After"] = str(wait)
            return response
        return self.get_response(request)


def _wait(secret: bytes) -> int:
    """Count a call; return the seconds that are left of its minute if it is too many.

    A minute begins with the first call, by the clock of the cache.
    """
    key = f"calls:{sha256(secret).hexdigest()}"
    try:
        cache.add(key, 0, timeout=MINUTE)
        if cache.incr(key) <= settings.API_CALLS_A_MINUTE:
            return 0
        return max(1, cast("Any", cache).ttl(key) or 0)
    except ValueError:  # the minute ended between the two
        return 0
    except (
        ConnectionInterrupted,
        RedisError,
    ):  # who counts is no condition of being let in
        logger.warning("the cache does not answer: calls are not counted")
        return 0
