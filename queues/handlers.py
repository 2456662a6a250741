"""The register of job types: a name in a row becomes code."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, get_type_hints

from django.conf import settings
from pydantic import BaseModel

from queues.backoff import Backoff
from queues.errors import InvalidJobType, UnknownJobType, UnknownQueue
from queues.limits import Key, Limit, declared
from queues.policy import DEFAULT, Policy

DEFAULT_QUEUE = "default"
MAX_ATTEMPTS = 3
SOFT_TIMEOUT = 900.0
"""Seconds; long enough for a page of any provider, short enough to notice a hang."""
HARD_GRACE = 30.0
"""Seconds between the soft timeout and the end of the process."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")

HandlerFunction = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Handler:
    """A job type: what to call and how to treat its ends."""

    name: str
    call: HandlerFunction
    queue: str = DEFAULT_QUEUE
    max_attempts: int = MAX_ATTEMPTS
    timeout: float | None = SOFT_TIMEOUT
    ease: int = 2
    retry: Policy = DEFAULT
    model: type[BaseModel] | None = None
    description: str = ""
    hard_timeout: float | None = None
    max_age: timedelta | None = None
    keep: timedelta | None = None
    keep_failed: timedelta | None = None
    limit: Limit | None = None
    key: Key | None = None
    internal: bool = False

    @property
    def is_async(self) -> bool:
        """Tell whether the handler is a coroutine function."""
        return inspect.iscoroutinefunction(self.call)


class Registry:
    """Every job type that this process knows."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._limits: dict[str, Limit] = {}

    def add(self, handler: Handler) -> None:
        """Register a type; a second, different handler of one name is an error."""
        known = self._handlers.get(handler.name)
        if known is not None and _place(known.call) != _place(handler.call):
            raise ValueError(f"Job type {handler.name} is registered twice")
        self._limits.pop(handler.name, None)
        if limit := handler.limit:
            for other in self._limits.values():
                if other.name == limit.name and other != limit:
                    raise ValueError(f"Limit {limit.name} is declared in two ways")
            self._limits[handler.name] = limit
        self._handlers[handler.name] = handler

    def get(self, name: object) -> Handler:
        """Return the handler of a type, or raise InvalidJobType, UnknownJobType."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InvalidJobType
        try:
            return self._handlers[name]
        except KeyError:
            raise UnknownJobType(name) from None

    def discard(self, name: str) -> None:
        """Forget a type; for tests and for types that live in rows."""
        self._handlers.pop(name, None)
        self._limits.pop(name, None)

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Return the limits by the types that declare one."""
        return self._limits

    def __iter__(self) -> Iterator[Handler]:
        return iter(sorted(self._handlers.values(), key=lambda handler: handler.name))

    def __contains__(self, name: object) -> bool:
        return name in self._handlers

    def queues(self) -> list[str]:
        """Return the queues that handlers or the QUEUES setting name."""
        declared = {handler.queue for handler in self._handlers.values()}
        return sorted({DEFAULT_QUEUE, *declared, *settings.QUEUES})

    def check_queue(self, name: object) -> str:
        """Return the name, or raise UnknownQueue."""
        if not isinstance(name, str) or name not in self.queues():
            raise UnknownQueue(name)
        return name


def _place(call: HandlerFunction) -> tuple[str, str]:
    """Return where a function is written: a module that is read again is the same."""
    return call.__module__, call.__qualname__


registry = Registry()


def handler(  # noqa: PLR0913 - one word for each thing that a type may say
    name: str,
    *,
    queue: str = DEFAULT_QUEUE,
    max_attempts: int = MAX_ATTEMPTS,
    timeout: float | None = SOFT_TIMEOUT,
    ease: int = 2,
    backoff: Backoff | None = None,
    hard_timeout: float | None = None,
    retry: Policy = DEFAULT,
    max_age: timedelta | None = None,
    keep: timedelta | None = None,
    keep_failed: timedelta | None = None,
    limit: Limit | None = None,
    key: Key | None = None,
    exclusive: bool = False,
    internal: bool = False,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register the decorated function as the handler of a job type.

    It is called with the validated data and the running job. Times are seconds.
    `timeout` raises SoftTimeout inside the handler; after `hard_timeout`, by
    default 30 s later, its process is ended. None is no limit.
    A failed try waits `backoff(failures)`, or as the `retry` policy says of its
    error, and has its priority eased by `ease`. A job older than `max_age` is not
    started any more. Ended jobs stay for `keep`, dead ones for `keep_failed`.
    Jobs of a `limit` start only while it has room; `key`, a function of the data or
    a field's name, tells whose turn it is, and `exclusive` runs one at a time a key.
    Staff are not offered `internal` types by hand: other code writes their jobs.
    """
    if not NAME.fullmatch(name) or max_attempts < 1:
        raise ValueError(f"Job type {name!r}: bad name or max_attempts")
    if any(each and each < timedelta() for each in (max_age, keep, keep_failed)):
        raise ValueError(f"Job type {name!r}: negative max_age, keep or keep_failed")
    if backoff is not None:
        retry = replace(retry, backoff=backoff)
    if hard_timeout is None and timeout is not None:
        hard_timeout = timeout + HARD_GRACE
    bound = declared(name, limit, key, exclusive=exclusive)

    def register(call: HandlerFunction) -> HandlerFunction:
        made = Handler(
            name, call, queue, max_attempts, timeout, ease, retry, _model_of(call),
            inspect.getdoc(call) or "", hard_timeout, max_age, keep, keep_failed,
            bound, key, internal,
        )  # fmt: skip
        registry.add(made)
        return call

    return register


def _model_of(call: HandlerFunction) -> type[BaseModel] | None:
    """Return the pydantic model that the first parameter asks for."""
    first = next(iter(inspect.signature(call).parameters), None)
    hint: Any = get_type_hints(call).get(first) if first else None
    return hint if isinstance(hint, type) and issubclass(hint, BaseModel) else None
