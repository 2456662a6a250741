"""Due times of any pattern in any zone, against looking at every minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from queues.due import latest, parse_cron, upcoming

ZONES = [
    "America/New_York", "Europe/London", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC", "Asia/Kolkata", "Asia/Kathmandu",
    "Africa/Casablanca", "Pacific/Chatham", "America/St_Johns", "Asia/Tehran", "Pacific/Apia",
]  # fmt: skip


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True)
    spans = st.tuples(st.integers(low, high), st.integers(low, high))
    return st.one_of(
        single.map(lambda values: ",".join(map(str, values))),
        spans.map(lambda span: f"{min(span)}-{max(span)}"),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.just("*"),
    )


def numbers_of(field: str, low: int, high: int) -> set[int]:
    """Expand a field without anything of the code under test."""
    found: set[int] = set()
    for part in field.split(","):
        if part == "*":
            found |= set(range(low, high + 1))
        elif part.startswith("*/"):
            found |= set(range(low, high + 1, int(part[2:])))
        else:
            first, _, last = part.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def stepped(line: str, zone: str, after: datetime, days: int) -> list[datetime]:
    """Return the due times found by looking at every minute of every day."""
    minutes, hours, dates, months, weekdays = (
        numbers_of(field, low, high)
        for field, (low, high) in zip(
            line.split(), ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)), strict=True
        )
    )

    def matches(wall: datetime) -> bool:
        return (
            wall.minute in minutes and wall.hour in hours and wall.day in dates
            and wall.month in months and wall.isoweekday() % 7 in weekdays
        )  # fmt: skip

    fixed = not set("".join(line.split()[:2])) & set("*-/")
    minute, tz = timedelta(minutes=1), ZoneInfo(zone)
    now = (after - timedelta(hours=30)).replace(second=0, microsecond=0)
    top = now.astimezone(tz).replace(tzinfo=None)
    found = []
    while now < after + timedelta(days=days):
        now += minute
        wall = now.astimezone(tz).replace(tzinfo=None, fold=0)
        if fixed:  # due as the clock first reaches or jumps over a matching time
            passed = [top + (n + 1) * minute for n in range(int((wall - top) / minute))]
            is_due = any(matches(each) for each in passed)
            top = max(top, wall)
        else:
            is_due = matches(wall)
        if is_due and now > after:
            found.append(now)
    return found


def change_near(zone: str, year: int) -> datetime:
    """Return a day of that year at which the clock changes, or its first day."""
    tz, day = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)
    for _ in range(365):
        later = day + timedelta(days=1)
        if day.astimezone(tz).utcoffset() != later.astimezone(tz).utcoffset():
            return day
        day = later
    return datetime(year, 1, 1, tzinfo=UTC)


@settings(max_examples=120, deadline=None)
@given(
    fields=st.tuples(numbers(0, 59), numbers(0, 23)),
    day=st.sampled_from(["* * *", "* * *", "1-20 * *", "* * 0,1", "*/2 * 1-5"]),
    zone=st.sampled_from(ZONES),
    year=st.integers(2011, 2035),
    shift=st.integers(-36 * 3600, 36 * 3600),
)
def test_due_times_equal_those_found_by_looking_at_every_minute(
    fields, day, zone, year, shift
):
    line = f"{' '.join(fields)} {day}"
    after = change_near(zone, year) + timedelta(seconds=shift)
    expected = stepped(line, zone, after, days=2)

    plan = parse_cron(line, zone)
    found = upcoming(plan, after, len(expected) + 1)

    assert found[: len(expected)] == expected
    for last in expected[-1:]:
        assert latest(plan, after=after, until=last + timedelta(seconds=1)) == last
