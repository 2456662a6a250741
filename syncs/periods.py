"""The days that people ask for."""

from datetime import date, timedelta
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from syncs import clock
from syncs.errors import InvalidPeriod
from syncs.models import Run, Store
from syncs.ports import Period

LONGEST = 366
WORDS = {"today": 1, "7d": 7, "14d": 14, "30d": 30}
"""The seed's four periods; each ends today, in the zone of the store."""


def of_word(store: Store, word: str) -> Period:
    """Return the days that a word such as `30d` means now for a store."""
    if (days := WORDS.get(word)) is None:
        raise InvalidPeriod(
            _("A period is one of %(words)s") % {"words": ", ".join(WORDS)}
        )
    end = clock.day(clock.now(), store.timezone)
    return Period(end - timedelta(days=days - 1), end)


def between(store: Store, start: object, end: object) -> Period:
    """Return the days from start to end, dates or ISO texts; raises InvalidPeriod."""
    if not start or not end:
        raise InvalidPeriod(_("A period has a first and a last day"))
    first, last = _date(start), _date(end)
    if first > last:
        raise InvalidPeriod(_("The period ends before it begins"))
    if (last - first).days >= LONGEST:
        raise InvalidPeriod(_("A period has at most %(days)s days") % {"days": LONGEST})
    if last > clock.day(clock.now(), store.timezone):
        raise InvalidPeriod(_("The period lies in the future"))
    return Period(first, last)


def period_of(run: Run) -> Period | None:
    """Return the days that a run is for; None if it is for no days in particular."""
    if run.period_start is None or run.period_end is None:
        return None
    return Period(run.period_start, run.period_end)


def days_of(run: Run) -> dict[str, Any]:
    """Return what entries of the cache of a run's store and days have in common."""
    return {
        "store_id": run.store_id,
        "period_start": run.period_start,
        "period_end": run.period_end,
    }


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        found = parse_date(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise InvalidPeriod(_("A day is written as 2026-11-30"))
    return found
