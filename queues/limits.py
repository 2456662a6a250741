"""What a handler declares of how many may run at once, and how many start in a time."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from queues.errors import InvalidJobData

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
MAX_KEY_LENGTH = 200

Key = Callable[[Any], object] | str
"""What tells the key of a job: a function of its data, or the name of a field."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `running` at once, at most `rate` starts in any `period` seconds.

    None is no such limit, 0 pauses. The code declares the first values; from then
    on the row of this name rules, which staff edit while jobs run.
    """

    name: str
    running: int | None = None
    running_per_key: int | None = None
    rate: int | None = None
    rate_per_key: int | None = None
    period: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what could not be stored, where it is written."""
        numbers = (self.running, self.running_per_key, self.rate, self.rate_per_key)
        if any(number is not None and number < 0 for number in numbers):
            raise ValueError(f"Limit {self.name!r}: no number may be negative")
        if not NAME.fullmatch(self.name) or self.period <= 0:
            raise ValueError(f"Limit {self.name!r}: bad name or period")

    @property
    def is_per_key(self) -> bool:
        """Tell whether it makes sense only with a key."""
        return self.running_per_key is not None or self.rate_per_key is not None


def declared(
    type_: str, limit: Limit | None, key: Key | None, *, exclusive: bool
) -> Limit | None:
    """Return the limit that a handler's options add up to, or raise ValueError.

    `exclusive` alone makes a limit of the type's own name: one at a time a key.
    """
    if exclusive:
        limit = replace(limit or Limit(type_), running_per_key=1)
    if key is None and limit is not None and limit.is_per_key:
        raise ValueError(f"Job type {type_!r}: a limit per key needs a key")
    if key is not None and limit is None:
        raise ValueError(f"Job type {type_!r}: a key needs a limit, or exclusive")
    return limit


def key_of(key: Key | None, data: Any) -> str:
    """Return the key of a job with this data; jobs without one share the empty key.

    Raises InvalidJobData if the data does not tell it.
    """
    if key is None:
        return ""
    try:
        text = _text(_value(key, data))
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InvalidJobData(f"it does not tell the key of its limit ({why})") from None
    if len(text) > MAX_KEY_LENGTH or "\x00" in text:
        raise InvalidJobData(
            f"the key of a limit has at most {MAX_KEY_LENGTH} characters"
        )
    return text


def _value(key: Key, data: Any) -> object:
    if callable(key):
        return key(data)
    return data[key] if isinstance(data, Mapping) else getattr(data, key)


def _text(value: object) -> str:
    return "" if value is None else str(value)
