"""Dead letters by fault: how many, since when, of which types, and the trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet

from queues.ask import ask
from queues.letters import Selection
from queues.models import DeadLetter

ORDERS = {"count": "count DESC", "last": "last DESC", "first": "first DESC"}
"""The most letters, the last death, or the youngest fault first."""
SPANS = {"hours": (timedelta(hours=1), 24), "days": (timedelta(days=1), 14)}
PAGE = 25

# The open letters of each fault and type lie together in one index, which answers
# alone: 200,000 of them in well under a tenth of a second, always exact, and no
# verdict ever waits for a counter that another one is writing.
FAULTS = """
SELECT fingerprint, sum(count)::bigint AS count, min(first) AS first,
       max(last) AS last, array_agg(type ORDER BY count DESC, type),
       array_agg(count ORDER BY count DESC, type), count(*) OVER () AS faults
FROM ({found}) AS found
GROUP BY fingerprint ORDER BY {order}, fingerprint LIMIT %s OFFSET %s
"""
TREND = """
SELECT fingerprint, date_bin(%s, created_at, now()) - now(), count(*)
FROM ({found}) AS found GROUP BY 1, 2
"""
NEWEST = """
SELECT fault, letter.id, letter.reason, ritmo_pattern(letter.reason)
FROM unnest(%s::uuid[]) AS fault CROSS JOIN LATERAL (
    SELECT id, reason FROM dead_letters WHERE fingerprint = fault
    ORDER BY id DESC LIMIT 1) AS letter
"""


@dataclass(slots=True)
class Fault:
    """The letters that tell of one fault."""

    fingerprint: UUID
    count: int
    first: datetime
    last: datetime
    types: list[tuple[str, int]]
    trend: list[int]
    newest: int = 0
    reason: str = ""
    pattern: str = ""


def faults(
    selection: Selection, *, order: str = "count", span: str = "hours", page: int = 1
) -> tuple[list[Fault], int]:
    """Return one page of the faults that the selection holds, and how many there are."""
    found = _by_fault(selection, order, page)
    if not found:
        return [], 0
    shown = [_fault(row, SPANS[span][1]) for row in found]
    by_print = {each.fingerprint: each for each in shown}
    _add_trend(selection, span, by_print)
    _add_newest(by_print)
    return shown, found[0][-1]


def fault(fingerprint: UUID) -> tuple[str, str]:
    """Return the reason of the newest letter of a fault, and what all have in common."""
    for _, _, reason, pattern in ask(NEWEST, [fingerprint]):
        return reason, pattern
    return "", ""


def _by_fault(selection: Selection, order: str, page: int) -> Sequence[Any]:
    letters = (
        selection.letters()
        .filter(fingerprint__isnull=False)
        .values("fingerprint", "type")
        .annotate(count=Count("*"), first=Min("created_at"), last=Max("created_at"))
    )
    found, values = _sql(letters)
    statement = FAULTS.format(found=found, order=ORDERS[order])
    return ask(statement, *values, PAGE, PAGE * (page - 1))


def _fault(row: Sequence[Any], slots: int) -> Fault:
    fingerprint, count, first, last, types, counts, _ = row
    pairs = list(zip(types, counts, strict=True))
    return Fault(fingerprint, count, first, last, pairs, [0] * slots)


def _add_trend(selection: Selection, span: str, shown: dict[UUID, Fault]) -> None:
    """Count the deaths of each slot up to now, the last one at the end."""
    size, slots = SPANS[span]
    letters = selection.letters().filter(fingerprint__in=list(shown))
    found, values = _sql(letters.values("fingerprint", "created_at"))
    newest = "created_at > now() - %s"
    statement = TREND.format(found=f"SELECT * FROM ({found}) AS of_them WHERE {newest}")  # noqa: S608
    for fingerprint, away, count in ask(statement, size, *values, size * slots):
        slot = slots + away // size
        if 0 <= slot < slots:
            shown[fingerprint].trend[slot] += count


def _add_newest(shown: dict[UUID, Fault]) -> None:
    for fingerprint, letter, reason, pattern in ask(NEWEST, list(shown)):
        each = shown[fingerprint]
        each.newest, each.reason, each.pattern = letter, reason, pattern


def _sql(letters: QuerySet[DeadLetter, Any]) -> tuple[str, tuple[Any, ...]]:
    return letters.order_by().query.sql_with_params()
