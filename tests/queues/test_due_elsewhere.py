"""Due times of any pattern, in any zone, from 2020 to 2035, against another library's.

cronsim follows Debian's cron: there `*` at the beginning of minute or hour makes a
line follow the clock, here `/` and `-` anywhere do so as well (docs/schedules.md).
Where the two rules class a line alike, every due time must be equal, also while the
clock changes; for the others, all but those of the hours around a change.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from queues.due import parse_cron, upcoming
from tests.queues.test_due_anywhere import ZONES, change_near, numbers

COUNT = 8
AROUND = timedelta(hours=4)
DAY = timedelta(days=1)
AMID = {"Pacific/Chatham", "NZ-CHAT"}
"""Where the clock changes amid an hour, at which cronsim skips some due times."""
BY_HALF = {"Australia/Lord_Howe", "Australia/LHI"}
"""Where it changes by half an hour, and cronsim by whole ones: off for a day.
test_due_anywhere looks at every minute there."""
EVERYWHERE = sorted(available_timezones() - {"localtime", "Factory"} - BY_HALF)
NOTABLE = [zone for zone in ZONES if zone not in BY_HALF]

days = st.one_of(
    st.just("* * *"),
    st.tuples(numbers(1, 28), numbers(1, 12)).map(lambda both: f"{' '.join(both)} *"),
    st.tuples(numbers(1, 12), numbers(0, 6)).map(lambda both: f"* {' '.join(both)}"),
)
lines = st.tuples(numbers(0, 59), numbers(0, 23), days).map(" ".join)
instants = st.integers(
    int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2035, 12, 31, tzinfo=UTC).timestamp()),
).map(lambda second: datetime.fromtimestamp(second, UTC))


def elsewhere(line: str, zone: str, after: datetime) -> list[datetime]:
    """Return what the other library says."""
    walk = CronSim(line, after.astimezone(ZoneInfo(zone)))
    return [next(walk).astimezone(UTC) for _ in range(COUNT)]


def is_alike(line: str) -> bool:
    """Tell whether both rules class a line alike."""
    minute, hour = line.split()[:2]
    follows_there = minute.startswith("*") or hour.startswith("*")
    return follows_there == bool(set(minute + hour) & set("*/-"))


def near_a_change(zone: str, moment: datetime) -> bool:
    """Tell whether the clock changes within some hours of a moment."""
    tz, step = ZoneInfo(zone), timedelta(minutes=30)
    offsets = {
        (moment + shift * step).astimezone(tz).utcoffset()
        for shift in range(-int(AROUND / step), int(AROUND / step) + 1)
    }
    return len(offsets) > 1


def check(line: str, zone: str, after: datetime) -> None:
    """Compare the next due times."""
    theirs = elsewhere(line, zone, after)
    ours = upcoming(parse_cron(line, zone), after, COUNT)
    if ours == theirs:
        return
    assert zone in AMID or not is_alike(line), (ours, theirs)
    last = min(ours[-1], theirs[-1])
    far = [
        [each for each in times if each <= last and not near_a_change(zone, each)]
        for times in (ours, theirs)
    ]
    assert far[0] == far[1]


@settings(max_examples=150, deadline=None)
@given(line=lines, zone=st.sampled_from(EVERYWHERE), after=instants)
def test_due_times_equal_those_of_another_library(line, zone, after):
    check(line, zone, after)


@settings(max_examples=150, deadline=None)
@given(
    times=st.tuples(numbers(0, 59), numbers(0, 5)).map(" ".join),
    zone=st.sampled_from(NOTABLE),
    year=st.integers(2020, 2035),
    shift=st.integers(-8 * 3600, 8 * 3600),
)
def test_due_times_around_a_change_of_the_clock_differ_by_the_rule_alone(
    times, zone, year, shift
):
    check(f"{times} * * *", zone, change_near(zone, year) + timedelta(seconds=shift))
