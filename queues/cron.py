"""A cron line: five fields in a zone, read as Celery reads them; pure.

Day of month and day of week must both match; many other crons let either do.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab_parser

from queues.errors import InvalidSchedule

HORIZON = 40
"""Years; 29 February falls on a given weekday every 28, or 40 across 2100."""

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
SPANS = ((60, 0), (24, 0), (31, 1), (12, 1), (7, 0))
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
WEEKDAYS = [
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
]  # fmt: skip
NAMES: tuple[list[str], ...] = ([], [], [], MONTHS, WEEKDAYS)
PART = re.compile(r"(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Cron:
    """Five cron fields as text, read in the zone of that name."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    zone: str


def parse_cron(text: str, zone: str) -> Cron:
    """Return the pattern of a five-field line or an alias such as `@daily`.

    Raises InvalidSchedule with a line that names the field.
    """
    line = ALIASES.get(text.strip().lower(), text)
    if line.strip().startswith("@"):
        raise InvalidSchedule(f"Unknown alias: {text}; known are {', '.join(ALIASES)}")
    fields = line.split()
    if len(fields) != len(FIELDS):
        raise InvalidSchedule(
            f"A cron line has five fields, minute hour day month weekday: {text!r}"
        )
    cron = Cron(fields[0], fields[1], fields[2], fields[3], fields[4], str(zone))
    calendar_of(cron)
    zone_of(cron.zone)
    return cron


@dataclass(frozen=True, slots=True)
class Calendar:
    """The numbers that the fields of a pattern stand for."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    fixed: bool


@lru_cache(maxsize=4096)
def calendar_of(cron: Cron) -> Calendar:
    """Return the numbers of a pattern; raise InvalidSchedule that names the bad field."""
    texts = (getattr(cron, field).replace(" ", "").lower() for field in FIELDS)
    minutes, hours, days, months, weekdays = (
        _expand(place, text) for place, text in enumerate(texts)
    )
    return Calendar(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        days,
        months,
        weekdays,
        fixed=not set(cron.minute + cron.hour) & set("*/-"),
    )


def _expand(place: int, text: str) -> frozenset[int]:
    """Return the numbers of one field; names the field if it cannot be read."""
    size, lowest = SPANS[place]
    try:
        for part in text.split(","):
            _check_part(place, part)
        if place == len(SPANS) - 1 and "7" in text:  # Sunday is 0 or 7
            return frozenset(number % size for number in crontab_parser(8).parse(text))
        return frozenset(crontab_parser(size, lowest).parse(text))
    except (ParseException, ValueError) as error:
        field = FIELDS[place].replace("_", " ")
        raise InvalidSchedule(
            f"The {field} cannot be read: {text!r}: {error}"
        ) from None


def _check_part(place: int, part: str) -> None:
    """Refuse what Celery's parser would read loosely: 1-5-7, */90, MON as a month."""
    found = PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is no number, range or step")
    first, last, step = found.groups()
    known = {form for name in NAMES[place] for form in (name, name[:3])}
    lowest, highest = LIMITS[place]
    for word in (first, last):
        if word is None or word in known:
            continue
        if not word.isdigit() or not lowest <= int(word) <= highest:
            raise ValueError(f"{word!r} is not from {lowest} to {highest}")
    if step is not None:
        if first is not None and last is None:
            raise ValueError("a step needs a range or *")
        if not 0 < int(step) <= highest:
            raise ValueError(f"a step of {step} leads nowhere")


def first_match(calendar: Calendar, wall: datetime) -> datetime | None:
    """Return the first matching wall time that is not before the given minute."""
    day = _first_day(calendar, wall.date())
    if day == wall.date():
        index = bisect_left(calendar.hours, wall.hour)
        for hour in calendar.hours[index : index + 2]:
            floor = wall.minute if hour == wall.hour else 0
            at = bisect_left(calendar.minutes, floor)
            if at < len(calendar.minutes):
                return wall.replace(hour=hour, minute=calendar.minutes[at])
        day = _first_day(calendar, day + timedelta(days=1))
    if day is None:
        return None
    return datetime(  # noqa: DTZ001 - a wall time, its zone comes later
        day.year, day.month, day.day, calendar.hours[0], calendar.minutes[0]
    )


def _first_day(calendar: Calendar, day: date) -> date | None:
    for month in range(day.month - 1, day.month + 12 * HORIZON):
        year, month_of_year = day.year + month // 12, month % 12 + 1
        if month_of_year not in calendar.months:
            continue
        first, length = monthrange(year, month_of_year)
        earliest = day.day if month == day.month - 1 else 1
        for number in range(earliest, length + 1):
            # monthrange counts weekdays from Monday, cron from Sunday
            if number in calendar.days and (first + number) % 7 in calendar.weekdays:
                return date(year, month_of_year, number)
    return None


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of that name, or raise InvalidSchedule."""
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise InvalidSchedule(f"Unknown time zone: {name}") from None
