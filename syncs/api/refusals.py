"""Turn the errors of this app into refusals of the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django.utils.translation import override
from ninja.errors import HttpError

from syncs import errors

STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.UnknownStore: HTTPStatus.NOT_FOUND,
    errors.UnknownRun: HTTPStatus.NOT_FOUND,
    errors.InvalidPeriod: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.NothingToSync: HTTPStatus.CONFLICT,
    errors.AlreadyOver: HTTPStatus.CONFLICT,
}


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what the body raises, in English, with its status."""
    try:
        with override("en"):
            yield
    except tuple(STATUSES) as error:
        raise HttpError(STATUSES[type(error)], str(error)) from None
