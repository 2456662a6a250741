"""The windows of the first page: what its charts draw and its table of types says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from queues import trends
from queues.admin import show

ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
"""Where steps are counted from; the roll-ups bin by the same."""
MOST_TYPES = 12
MUCH = 10
"""Per cent of failures."""
SECONDS = ("wait_p50", "wait_p95", "run_p50", "run_p95")


@dataclass(frozen=True, slots=True)
class Window:
    """How far back the charts look, and how fine."""

    name: str
    label: str | Promise
    span: timedelta
    step: timedelta
    unit: str | Promise

    def edges(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the window up to now, whole steps; the last one may be unfinished."""
        steps = (now - ORIGIN) // self.step + 1
        until = ORIGIN + steps * self.step
        return until - self.span, until


WINDOWS = {
    each.name: each
    for each in (
        Window(
            "1h", _("1 hour"), timedelta(hours=1), timedelta(minutes=1), _("per minute")
        ),
        Window(
            "24h",
            _("24 hours"),
            timedelta(days=1),
            timedelta(minutes=15),
            _("per 15 minutes"),
        ),
        Window(
            "30d",
            _("30 days"),
            timedelta(days=30),
            timedelta(hours=6),
            _("per 6 hours"),
        ),
    )
}


def window(name: str) -> Window:
    """Return the window of that name, or the shortest."""
    return WINDOWS.get(name, WINDOWS["1h"])


Figures = tuple[list[trends.Span], list[trends.Span]]


def figures(over: Window, type_: str | None, now: datetime) -> Figures:
    """Return the steps of the window and its types; kept while none of them changes.

    Many pages that stay open ask for the same, and the answer changes once a minute.
    """
    minute = now.replace(second=0, microsecond=0)
    return _figures(over.name, type_, minute, trends.version())


@lru_cache(maxsize=64)
def _figures(
    name: str, type_: str | None, minute: datetime, version: tuple[Any, ...]
) -> Figures:
    over = WINDOWS[name]
    since, until = over.edges(minute)
    window = {"since": since, "until": until}
    steps, types = trends.by_step_and_type(**window, step=over.step)
    if type_ is not None:
        steps = trends.by_step(type_, **window, step=over.step)
    return steps, types


def forget() -> None:
    """Forget the figures: after rows were removed, as in tests."""
    _figures.cache_clear()


def series(over: Window, spans: Sequence[trends.Span], now: datetime) -> str:
    """Return what the charts draw, as JSON: a list a line, a value a step."""
    since, _ = over.edges(now)
    found = {span.at: span for span in spans}
    steps = [since + number * over.step for number in range(over.span // over.step)]
    # The newest minute is not rolled up yet: a fall to zero there would be a lie.
    while steps and steps[-1] not in found and steps[-1] > now - 2 * over.step:
        steps.pop()
    lines: dict[str, Any] = {"at": [int(at.timestamp()) for at in steps]}
    for name in ("completed", "failed"):
        lines[name] = [getattr(found.get(at), name, 0) for at in steps]
    for name in SECONDS:
        lines[name] = [_rounded(getattr(found.get(at), name, None)) for at in steps]
    return json.dumps(lines, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One line of the table of types, and how it compares with the busiest."""

    span: trends.Span
    share: int
    failing: float

    @property
    def tone(self) -> str:
        """Return how loud the failures are shown."""
        if not self.span.failed:
            return "quiet"
        return "much" if self.failing >= MUCH else ""

    @property
    def times(self) -> list[str]:
        """The two waits and the two runs, as people read them."""
        return [seconds(getattr(self.span, name)) for name in SECONDS]


def types(spans: Sequence[trends.Span]) -> tuple[list[TypeRow], int]:
    """Return the busiest types, and how many more there are."""
    busiest = sorted(spans, key=lambda span: (-span.ended, span.type or ""))
    return [_row(span, busiest) for span in busiest[:MOST_TYPES]], len(
        busiest[MOST_TYPES:]
    )


def seconds(value: float | None) -> str:
    """Return seconds in words, or the sign for nothing."""
    return show.NOTHING if value is None else show.span(timedelta(seconds=value))


def _row(span: trends.Span, spans: Sequence[trends.Span]) -> TypeRow:
    most = spans[0].ended or 1
    tried = span.completed + span.failed
    failing = 100 * span.failed / tried if tried else 0.0
    return TypeRow(span, max(1, round(100 * span.ended / most)), failing)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
