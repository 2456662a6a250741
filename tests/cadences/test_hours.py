"""Time as people live it: scenarios E1 to E9, E14, on the pure functions."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadences.hours import (
    ALWAYS,
    Closed,
    Hours,
    Slot,
    add_business_days,
    add_days,
    at,
)

NEW_YORK = ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts).replace(tzinfo=zone)  # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts).replace(tzinfo=UTC)  # noqa: DTZ001


WEEK = tuple(Slot(day, time(8), time(18)) for day in range(5))
MOMENTS = st.datetimes(
    utc(2018, 1, 1).replace(tzinfo=None), utc(2030, 1, 1).replace(tzinfo=None)
)
INDEPENDENCE = {date(2026, 9, 7): Closed("Independência")}
HOURS = Hours(WEEK, INDEPENDENCE)


def test_e1_hours_are_elapsed_time_and_days_are_calendar_days():
    sent = local(NEW_YORK, 2026, 3, 7, 12, 0)

    elapsed = sent.astimezone(UTC) + timedelta(hours=24)

    assert elapsed == utc(2026, 3, 8, 17)
    assert add_days(sent, 1, NEW_YORK) == utc(2026, 3, 8, 16)


def test_e2_a_time_that_does_not_exist_is_read_with_the_offset_before_the_gap():
    sent = local(NEW_YORK, 2026, 3, 7, 2, 30)

    assert add_days(sent, 1, NEW_YORK) == utc(2026, 3, 8, 7, 30)


def test_e3_a_time_that_exists_twice_is_the_first_of_the_two():
    sent = local(NEW_YORK, 2026, 10, 31, 1, 30)

    assert add_days(sent, 1, NEW_YORK) == utc(2026, 11, 1, 5, 30)


def test_e4_sao_paulo_is_not_always_three_hours_behind():
    assert at(date(2018, 11, 4), time(0, 30), SAO_PAULO) == utc(2018, 11, 4, 3, 30)


def test_e5_business_days_skip_the_weekend_and_the_holiday():
    sent = local(SAO_PAULO, 2026, 9, 4, 17, 55)

    assert add_business_days(sent, 1, SAO_PAULO, HOURS) == utc(2026, 9, 8, 20, 55)
    later = sent.astimezone(UTC) + timedelta(hours=2)
    assert HOURS.opening(later, SAO_PAULO) == utc(2026, 9, 8, 11)


def test_e7_an_overnight_slot_ends_on_the_next_day():
    night = Hours((Slot(4, time(22), time(6)),))

    assert night.is_open(local(SAO_PAULO, 2026, 9, 4, 23, 0), SAO_PAULO)
    assert night.is_open(local(SAO_PAULO, 2026, 9, 5, 5, 59), SAO_PAULO)
    assert not night.is_open(local(SAO_PAULO, 2026, 9, 5, 6, 0), SAO_PAULO)
    assert not night.is_open(local(SAO_PAULO, 2026, 9, 4, 21, 59), SAO_PAULO)


def test_e8_a_slot_is_half_open():
    day = (2026, 9, 2)
    assert not HOURS.is_open(local(SAO_PAULO, *day, 18, 0), SAO_PAULO)
    assert HOURS.is_open(local(SAO_PAULO, *day, 17, 59, 59, 999_999), SAO_PAULO)
    assert HOURS.is_open(local(SAO_PAULO, *day, 8, 0), SAO_PAULO)


def test_e9_a_holiday_closes_a_day_or_a_morning():
    hours = Hours(WEEK, {
        date(2026, 11, 20): Closed("Consciência Negra"),
        date(2026, 11, 15): Closed("República"),
        date(2026, 2, 18): Closed("Cinzas", time(14)),
    })  # fmt: skip

    assert not hours.is_open(local(SAO_PAULO, 2026, 11, 20, 10, 0), SAO_PAULO)
    assert hours.is_open(local(SAO_PAULO, 2026, 11, 16, 10, 0), SAO_PAULO)
    assert not hours.is_open(local(SAO_PAULO, 2026, 2, 18, 13, 59), SAO_PAULO)
    assert hours.is_open(local(SAO_PAULO, 2026, 2, 18, 14, 0), SAO_PAULO)
    said = hours.why_closed(local(SAO_PAULO, 2026, 11, 20, 10, 0), SAO_PAULO)
    assert said == "2026-11-20 Consciência Negra"


def test_e14_without_an_open_slot_there_is_no_opening_and_no_endless_search():
    assert Hours(()).opening(utc(2026, 9, 2, 12), SAO_PAULO) is None
    holidays = {date(2026, 9, 1) + timedelta(days=n): Closed() for n in range(80)}
    assert Hours(WEEK, holidays).opening(utc(2026, 9, 2, 12), SAO_PAULO) is None


def test_a_local_time_of_today_that_has_passed_is_tomorrow():
    sent = local(SAO_PAULO, 2026, 9, 2, 15, 0)

    assert add_days(sent, 0, SAO_PAULO, local_time=time(9)) == utc(2026, 9, 3, 12)
    assert add_days(sent, 0, SAO_PAULO, local_time=time(16)) == utc(2026, 9, 2, 19)
    friday = local(SAO_PAULO, 2026, 9, 4, 15, 0)
    found = add_business_days(friday, 0, SAO_PAULO, HOURS, local_time=time(9))
    assert found == utc(2026, 9, 8, 12)


@pytest.mark.parametrize("hours", [HOURS, ALWAYS, Hours((Slot(2, time(22), time(6)),))])
@given(moment=MOMENTS)
def test_an_opening_is_open_never_earlier_and_found_again(hours, moment):
    moment = moment.replace(tzinfo=UTC)
    for zone in (SAO_PAULO, NEW_YORK):
        opening = hours.opening(moment, zone)

        assert opening >= moment
        assert hours.opening(opening, zone) == opening
        assert hours.is_open(opening, zone)


@given(
    moment=MOMENTS,
    days=st.integers(0, 90),
)
def test_a_delay_only_delays(moment, days):
    base = moment.replace(tzinfo=UTC)
    for zone in (SAO_PAULO, NEW_YORK):
        assert add_days(base, days, zone) >= base
        assert add_business_days(base, days, zone, HOURS) >= base
