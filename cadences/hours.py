"""Time as people live it: open hours, holidays, delays. Pure, and only ever later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HORIZON = 60
"""Days within which there must be an opening."""
DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Slot:
    """Open on a weekday (0 is Monday) from `opens` to just before `closes`.

    One that closes at or before its opening ends on the next day.
    """

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Closed:
    """A holiday; with `until`, closed only until then."""

    name: str = ""
    until: time | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """The slots of a week and the days that are closed."""

    slots: tuple[Slot, ...]
    holidays: Mapping[date, Closed] = field(default_factory=dict)

    def opening(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the first open moment from this one on; None if none is near."""
        first = moment.astimezone(zone).date() - DAY
        for offset in range(HORIZON + 2):
            for opens, closes in self._spans(first + offset * DAY, zone):
                if closes > moment:
                    return max(opens, moment)
        return None

    def is_open(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Tell whether people may be written to at this moment."""
        return self.opening(moment, zone) == moment

    def why_closed(self, moment: datetime, zone: ZoneInfo) -> str:
        """Return the name of the holiday that closes this moment, or nothing."""
        day = moment.astimezone(zone).date()
        closed = self.holidays.get(day)
        return "" if closed is None else f"{day} {closed.name}".strip()

    def is_business_day(self, day: date) -> bool:
        """Tell whether a day is neither of a weekend nor closed as a whole."""
        closed = self.holidays.get(day)
        whole = closed is not None and closed.until is None
        return day.weekday() < SATURDAY and not whole

    def _spans(self, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open spans that begin on a day, in order, less holidays."""
        for slot in sorted(self.slots, key=lambda each: each.opens):
            if slot.weekday != day.weekday():
                continue
            overnight = slot.closes <= slot.opens
            last = day + DAY if overnight else day
            begin, end = at(day, slot.opens, zone), at(last, slot.closes, zone)
            midnight = at(last, time(), zone)
            if not overnight:
                yield from self._less_holiday(day, begin, end, zone)
                continue
            yield from self._less_holiday(day, begin, midnight, zone)
            yield from self._less_holiday(last, midnight, end, zone)

    def _less_holiday(
        self, day: date, begin: datetime, end: datetime, zone: ZoneInfo
    ) -> Iterator[tuple[datetime, datetime]]:
        if (closed := self.holidays.get(day)) is not None:
            if closed.until is None:
                return
            begin = max(begin, at(day, closed.until, zone))
        if begin < end:
            yield begin, end


ALWAYS = Hours(tuple(Slot(day, time(), time()) for day in range(7)))


def at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return that local time, in UTC.

    One that does not exist is read with the offset before the gap; one that exists
    twice is the first of the two (RFC 5545).
    """
    return datetime.combine(day, clock.replace(fold=0), zone).astimezone(UTC)


def add_days(
    base: datetime, days: int, zone: ZoneInfo, *, local_time: time | None = None
) -> datetime:
    """Return the moment that many calendar days later, at the same wall clock."""
    local = base.astimezone(zone)
    clock = local.time() if local_time is None else local_time
    moment = at(local.date() + days * DAY, clock, zone)
    # An hour of today that has passed: a delay only ever delays.
    return moment if moment >= base else at(local.date() + DAY, clock, zone)


def add_business_days(
    base: datetime,
    days: int,
    zone: ZoneInfo,
    hours: Hours,
    *,
    local_time: time | None = None,
) -> datetime:
    """Return the moment that many business days later, at the same wall clock."""
    local = base.astimezone(zone)
    clock = local.time() if local_time is None else local_time
    day, left = local.date(), days
    for _ in range(days * 4 + HORIZON):
        moment = at(day, clock, zone)
        if left == 0 and moment >= base and hours.is_business_day(day):
            return moment
        day += DAY
        left -= left > 0 and hours.is_business_day(day)
    return at(day, clock, zone)
