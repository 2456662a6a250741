"""What a pattern means: in plain words, its next runs, and the next clock change."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from queues import schedule_rows
from queues.admin import phrase, show
from queues.admin.schedule_pattern import (
    AS_IT_IS,
    EVERY,
    ONCE,
    alias_free,
    line_of,
)
from queues.admin.zones import offset
from queues.due import (
    Between,
    Cron,
    Every,
    Once,
    Plan,
    clock_change,
    latest,
    next_after,
    parse_cron,
    upcoming,
)
from queues.errors import InvalidSchedule

SHOWN = 10
AHEAD = timedelta(days=366)
"""How far ahead the next clock change is looked for."""
AROUND = timedelta(days=40)
NEAR = timedelta(days=150)
"""Changes of the clock longer before a run than this are not told: they repeat."""
INSTANT = timedelta(microseconds=1)
PATTERN_FIELDS = frozenset(
    {"kind", "every", "unit", "days", "day", "at", "cron", "zone", "start_time",
     "expires", "moment"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: a run, or a change of the clock between two runs."""

    day: str = ""
    clock: str = ""
    away: str = ""
    mark: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a pattern means; `fault` says why that cannot be told."""

    words: str = ""
    zone: str = ""
    runs: list[Line] = field(default_factory=list)
    around: list[Line] = field(default_factory=list)
    is_steady: bool = False
    """The clocks of the zone do not change within a year."""
    fault: str = ""


def of_form(form: Any, now: datetime) -> Preview | None:
    """Return what a bound form would run, or None while its pattern is not whole."""
    data = getattr(form, "cleaned_data", {})
    if set(form.errors) & PATTERN_FIELDS or not data.get("kind"):
        return None
    row = schedule_rows.row_of(form.instance.pk) if form.instance.pk else None
    if data["kind"] == AS_IT_IS:
        return of_row(row, phrase.phrase(form.instance), now) if row else None
    if data["kind"] == ONCE:
        words = phrase.once(data["moment"])
        return preview(Once(data["moment"]), words, settings.TIME_ZONE, now)
    if data["kind"] == EVERY:
        unit = data["unit"] or "minutes"
        words, zone = phrase.every(data["every"], unit), settings.TIME_ZONE
        plan: Plan = _interval(data, unit, row, now)
    else:
        line, zone = alias_free(line_of(data)), data["zone"]
        words, plan = phrase.cron(line), parse_cron(line, zone)
        plan = Between(plan, data.get("start_time"), data.get("expires"))
    return preview(plan, words, zone, now)


def of_row(row: schedule_rows.Row, words: str, now: datetime) -> Preview:
    """Return what a saved schedule will run."""
    zone = row.cron[5] if row.cron else settings.TIME_ZONE
    try:
        return preview(row.plan(), words, zone, now)
    except InvalidSchedule as error:
        return Preview(words, fault=str(error))


def preview(plan: Plan, words: str, zone: str, now: datetime) -> Preview:
    """Return the next runs of a plan; InvalidSchedule if it cannot be read."""
    times = upcoming(plan, now, SHOWN)
    change = clock_change(zone, after=now, until=now + AHEAD)
    runs = list(_lines(plan, times, zone, now))
    around: list[Line] = []
    if change and times and not any(line.change for line in runs):
        around = list(_around(plan, change, zone, now))
    told = f"{zone} ({offset(now, zone)})"
    return Preview(words, told, runs, around, is_steady=change is None)


def _interval(
    data: dict[str, Any], unit: str, row: schedule_rows.Row | None, now: datetime
) -> Plan:
    start, end = data.get("start_time"), data.get("expires")
    span = timedelta(**{unit: data["every"]})
    anchor = start or now
    if start is None and row is not None and row.gap == f"{data['every']} {unit}":
        anchor = row.counted_from or row.changed_at  # unchanged, it keeps its phase
    return Between(Every(span, anchor.replace(microsecond=0)), start, end)


def _lines(
    plan: Plan, times: list[datetime], zone: str, since: datetime
) -> Iterator[Line]:
    """Yield the runs, and each change of the clock before the run that follows it."""
    for due in times:
        crossed = max(since, due - NEAR)
        while change := clock_change(zone, after=crossed, until=due):
            yield Line(change=_told(change, zone))
            crossed = change
        yield _run(plan, due, zone, moved=crossed == due)
        since = due


def _around(plan: Plan, change: datetime, zone: str, now: datetime) -> Iterator[Line]:
    """Yield the last run before a change of the clock, the change, and two runs after."""
    before = latest(plan, after=max(now, change - AROUND), until=change - INSTANT)
    if before is not None:
        yield _run(plan, before, zone, moved=False)
    yield Line(change=_told(change, zone))
    for due in upcoming(plan, change - INSTANT, 2):
        yield _run(plan, due, zone, moved=due == change)


def _run(plan: Plan, due: datetime, zone: str, *, moved: bool) -> Line:
    local = due.astimezone(ZoneInfo(zone))
    mark = ""
    if moved and _is_elsewhere(plan, local):
        mark = _("its own time is skipped by the clock")
    elif local.fold:
        mark = _("the hour’s second time")
    return Line(day_of(local), clock_of(local), show.relative(due), mark)


def _is_elsewhere(plan: Plan, local: datetime) -> bool:
    """Tell whether a run stands in for a wall time that does not exist that day."""
    inner = plan.plan if isinstance(plan, Between) else plan
    if not isinstance(inner, Cron):
        return False
    asked = Cron(
        inner.minute, inner.hour, inner.day_of_month, inner.month_of_year,
        inner.day_of_week, "UTC",
    )  # fmt: skip
    wall = local.replace(tzinfo=ZoneInfo("UTC"), fold=0)
    return next_after(asked, wall - INSTANT) != wall


def _told(change: datetime, zone: str) -> str:
    """Return a change of the clock in words: when, which way and to what."""
    place = ZoneInfo(zone)
    after = change.astimezone(place)
    before = (change - timedelta(seconds=1)).astimezone(place)
    gain = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
    text = (
        _("%(day)s: clocks go forward by %(span)s to %(clock)s")
        if gain > timedelta()
        else _("%(day)s: clocks go back by %(span)s to %(clock)s")
    )
    return text % {
        "day": day_of(after), "span": _span(abs(gain)), "clock": f"{after:%H:%M}",
    }  # fmt: skip


def _span(gain: timedelta) -> str:
    minutes = round(gain.total_seconds()) // 60
    return (
        _("%(n)d h") % {"n": minutes // 60}
        if minutes % 60 == 0
        else (_("%(n)d min") % {"n": minutes})
    )


def day_of(local: datetime) -> str:
    """Return the day in the language of the reader: "Mon 23 Nov 2026"."""
    return date_format(local, "D j M Y", use_l10n=False)


def clock_of(local: datetime) -> str:
    """Return the time of day, with its seconds if there are any."""
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
