"""What can be watched: named measures that read rows and tell a value a subject."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one subject.

    `sample` is how much it rests on, `group` what many subjects may suffer from
    together (a provider), `path` the page of the console that shows more.
    """

    value: float
    subject: str = ""
    sample: int = 1
    label: str = ""
    group: str = ""
    path: str = ""


Read = Callable[[datetime, timedelta], Iterable[Reading]]


@dataclass(frozen=True, slots=True)
class Measure:
    """A name for rules, words for people, and the function that reads."""

    name: str
    label: str | Promise
    unit: str
    read: Read


_measures: dict[str, Measure] = {}


def measure(
    name: str, label: str | Promise, *, unit: str = ""
) -> Callable[[Read], Read]:
    """Register the decorated function: it gets the database's now and the window.

    Units are "s", "%" or nothing. Guests register theirs when they are imported.
    """

    def register(read: Read) -> Read:
        _measures[name] = Measure(name, label, unit, read)
        return read

    return register


def measures() -> Mapping[str, Measure]:
    """Return every measure by name."""
    return _measures
