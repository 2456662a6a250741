"""When a schedule is due, above all where the clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from queues.due import (
    Between,
    Cron,
    Every,
    Once,
    latest,
    next_after,
    parse_cron,
    upcoming,
)
from queues.errors import InvalidSchedule

NEW_YORK, LONDON = "America/New_York", "Europe/London"
SAO_PAULO, LORD_HOWE = "America/Sao_Paulo", "Australia/Lord_Howe"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def walls(line: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next due times as the clock on the wall shows them."""
    times = upcoming(parse_cron(line, zone), at(after, zone), count)
    return [
        time.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z") for time in times
    ]


# ── Without a change of the clock ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/20 * * * *", ["01-30 10:00", "01-30 10:20", "01-30 10:40"]),
        ("5 3 * * *", ["01-31 03:05", "02-01 03:05", "02-02 03:05"]),
        ("0 0 31 * *", ["01-31 00:00", "03-31 00:00", "05-31 00:00"]),
        ("0 0 30 * *", ["03-30 00:00", "04-30 00:00", "05-30 00:00"]),
        ("0 9 * jan-feb MON-fri", ["01-30 09:00", "02-02 09:00", "02-03 09:00"]),
        ("0 22-1/3 * * *", ["01-30 22:00", "01-31 01:00", "01-31 22:00"]),
        ("0 0 * * 7", ["02-01 00:00", "02-08 00:00", "02-15 00:00"]),
        ("0 0 * * 5-7/2", ["02-01 00:00", "02-06 00:00", "02-08 00:00"]),
        ("0 0 1 * 1", ["06-01 00:00", "02-01 00:00", "03-01 00:00"]),
        ("@monthly", ["02-01 00:00", "03-01 00:00", "04-01 00:00"]),
        ("@hourly", ["01-30 10:00", "01-30 11:00", "01-30 12:00"]),
    ],
)
def test_a_cron_line_is_due_when_all_its_fields_match(line, expected):
    start = "2026-01-30 09:40:30" if "9 * jan" not in line else "2026-01-30 08:00"

    found = upcoming(parse_cron(line, "UTC"), at(start), 3)

    assert [time.strftime("%m-%d %H:%M") for time in found] == expected


def test_a_leap_day_comes_every_four_years_and_never_in_2100():
    plan = parse_cron("0 12 29 2 *", "UTC")
    assert [time.year for time in upcoming(plan, at("2094-01-01"), 2)] == [2096, 2104]
    assert next_after(parse_cron("0 0 29 2 1", "UTC"), at("2026-01-01")) == at(
        "2044-02-29"
    )


@pytest.mark.parametrize("day", ["30 2", "31 2", "31 4", "31 2,4,6,9,11"])
def test_a_day_that_no_month_has_is_never_due(day):
    plan = parse_cron(f"0 0 {day} *", "UTC")

    assert next_after(plan, at("2026-01-01")) is None
    assert upcoming(plan, at("2026-01-01"), 5) == []


def test_the_due_time_is_later_than_the_moment_and_in_utc():
    plan = parse_cron("0 3 * * *", SAO_PAULO)

    assert next_after(plan, at("2026-01-01 05:59:59.999999")) == at("2026-01-01 06:00")
    assert next_after(plan, at("2026-01-01 06:00")) == at("2026-01-02 06:00")
    (found,) = upcoming(plan, at("2026-01-01 03:00", SAO_PAULO), 1)
    assert found.tzinfo is UTC


# ── Where the clock changes ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "after", "skipped", "expected"),
    [
        (NEW_YORK, "2026-03-07 12:00", "30 2", "03-08 03:00 -0400"),
        (LONDON, "2026-03-28 12:00", "59 1", "03-29 02:00 +0100"),
        (SAO_PAULO, "2018-11-03 12:00", "0 0", "11-04 01:00 -0200"),
        (LORD_HOWE, "2026-10-03 12:00", "15 2", "10-04 02:30 +1100"),
    ],
)
def test_a_skipped_wall_time_runs_once_at_the_first_valid_minute(
    zone, after, skipped, expected
):
    today, tomorrow = walls(f"{skipped} * * *", zone, after, 2)

    assert today == expected
    minute, hour = map(int, skipped.split())
    assert f" {hour:02}:{minute:02} " in tomorrow


def test_two_skipped_times_of_one_pattern_run_once():
    assert walls("0,30 2,3 * * *", NEW_YORK, "2026-03-08 00:00", 3) == [
        "03-08 03:00 -0400",
        "03-08 03:30 -0400",
        "03-09 02:00 -0400",
    ]


@pytest.mark.parametrize(
    ("zone", "after", "line", "expected"),
    [
        (NEW_YORK, "2026-03-08 01:45", "*/30 * * * *", "03-08 03:00 -0400"),
        (NEW_YORK, "2026-03-08 01:45", "30 * * * *", "03-08 03:30 -0400"),
        (NEW_YORK, "2026-03-08 01:45", "*/10 2 * * *", "03-09 02:00 -0400"),
        (NEW_YORK, "2026-03-08 01:45", "15 2-2 * * *", "03-09 02:15 -0400"),
        (LORD_HOWE, "2026-10-04 01:55", "*/10 * * * *", "10-04 02:30 +1100"),
        (SAO_PAULO, "2018-11-03 23:50", "*/15 0 * * *", "11-05 00:00 -0200"),
    ],
)
def test_an_interval_like_pattern_has_no_extra_run_in_the_gap(
    zone, after, line, expected
):
    assert walls(line, zone, after, 1) == [expected]


@pytest.mark.parametrize(
    ("zone", "after", "line", "expected"),
    [
        (
            NEW_YORK,
            "2026-10-31 12:00",
            "30 1",
            ["11-01 01:30 -0400", "11-02 01:30 -0500"],
        ),
        (LONDON, "2026-10-24 12:00", "0 1", ["10-25 01:00 +0100", "10-26 01:00 +0000"]),
        (
            SAO_PAULO,
            "2018-02-17 12:00",
            "30 23",
            ["02-17 23:30 -0200", "02-18 23:30 -0300"],
        ),
        (
            LORD_HOWE,
            "2026-04-04 12:00",
            "45 1",
            ["04-05 01:45 +1100", "04-06 01:45 +1030"],
        ),
    ],
)
def test_a_fixed_time_in_a_repeated_hour_runs_in_the_first_pass_only(
    zone, after, line, expected
):
    assert walls(f"{line} * * *", zone, after, 2) == expected


def test_a_fixed_time_is_not_made_up_for_in_the_second_pass():
    second_pass = at("2026-11-01 06:10")

    found = next_after(parse_cron("30 1 * * *", NEW_YORK), second_pass)

    assert found == at("2026-11-02 06:30")


def test_an_interval_like_pattern_runs_in_both_passes_of_a_repeated_hour():
    assert walls("*/30 * * * *", NEW_YORK, "2026-11-01 00:45", 5) == [
        "11-01 01:00 -0400",
        "11-01 01:30 -0400",
        "11-01 01:00 -0500",
        "11-01 01:30 -0500",
        "11-01 02:00 -0500",
    ]
    assert walls("*/20 1 * * *", LORD_HOWE, "2026-04-05 01:30", 3) == [
        "04-05 01:40 +1100",
        "04-05 01:40 +1030",
        "04-06 01:00 +1030",
    ]


def test_a_day_that_a_zone_skipped_runs_as_the_next_begins():
    assert walls("0 12 30 12 *", "Pacific/Apia", "2011-12-29 13:00", 2) == [
        "12-31 00:00 +1400",
        "12-30 12:00 +1400",
    ]


# ── Intervals, moments and spans ───────────────────────────────────────────────────


def test_an_interval_keeps_phase_with_its_anchor():
    plan = Every(timedelta(seconds=10), at("2026-01-01 00:00:03"))
    assert next_after(plan, at("2026-01-01 00:00:03")) == at("2026-01-01 00:00:13")
    assert next_after(plan, at("2026-06-01 12:34:56.5")) == at("2026-06-01 12:35:03")


def test_the_latest_due_time_is_found_without_walking_there():
    every = Every(timedelta(seconds=1), at("2020-01-01"))
    minutely = parse_cron("* * * * *", "UTC")
    daily = parse_cron("0 3 * * *", "UTC")
    years = {"after": at("2020-01-01"), "until": at("2026-01-01 02:00:00.5")}

    assert latest(every, **years) == at("2026-01-01 02:00")
    assert latest(Between(every, end=at("2021-01-01")), **years) == at(
        "2020-12-31 23:59:59"
    )
    assert latest(minutely, **years) == at("2026-01-01 02:00")
    assert latest(daily, **years) == at("2025-12-31 03:00")
    assert (
        latest(daily, after=at("2026-01-01 03:00"), until=at("2026-01-02 02:59"))
        is None
    )


def test_a_moment_is_due_once():
    plan = Once(at("2026-01-01 03:00"))
    assert upcoming(plan, at("2026-01-01 02:59"), 3) == [at("2026-01-01 03:00")]
    assert next_after(plan, at("2026-01-01 03:00")) is None


def test_a_span_bounds_a_plan_and_its_start_is_inside():
    plan = Between(
        parse_cron("0 * * * *", "UTC"), at("2026-01-01 03:00"), at("2026-01-01 05:00")
    )

    assert upcoming(plan, at("2025-01-01"), 9) == [
        at("2026-01-01 03:00"),
        at("2026-01-01 04:00"),
    ]


def test_an_interval_with_a_start_is_first_due_at_its_start():
    start = at("2026-01-01 03:00")
    plan = Between(Every(timedelta(hours=1), start), start)
    assert upcoming(plan, at("2025-01-01"), 2) == [start, at("2026-01-01 04:00")]


def test_the_end_of_time_is_no_error():
    assert (
        next_after(Every(timedelta(days=400), at("2026-01-01")), at("9999-12-31"))
        is None
    )


# ── What is refused ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month of year"),
        ("* * * * 8", "day of week"),
        ("* * * MON *", "month of year"),
        ("jan * * * *", "minute"),
        ("1-5-7 * * * *", "minute"),
        ("*/90 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("5/10 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("* * L * *", "day of month"),
        ("* * * * 1#2", "day of week"),
        ("-1 * * * *", "minute"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("", "five fields"),
        ("@reboot", "alias"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_by_the_name_of_its_field(line, named):
    with pytest.raises(InvalidSchedule, match=named):
        parse_cron(line, "UTC")


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "America", "", "../etc/passwd", "/etc/x"]
)
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(InvalidSchedule, match="time zone"):
        parse_cron("* * * * *", zone)


def test_an_interval_under_a_second_is_refused():
    with pytest.raises(InvalidSchedule, match="one second"):
        Every(timedelta(microseconds=1), at("2026-01-01"))


def test_names_and_spaces_in_a_stored_field_are_read():
    plan = Cron("0", "1, 2", "*", "January", "Sunday", "UTC")
    assert next_after(plan, at("2026-01-01")) == at("2026-01-04 01:00")
