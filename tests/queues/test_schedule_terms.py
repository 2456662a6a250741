"""What becomes of the due times that have come: run, skipped, and counted."""

from datetime import timedelta
from typing import Any

import pytest

from queues.due import Between, Every, Plan, newest, parse_cron, tally
from queues.schedule_terms import MOST_COUNTED, Reason, Terms, Verdict, judge, spread
from tests.queues.schedules import HOUR, MINUTE, SECOND, T0, at

HOURLY = parse_cron("0 * * * *", "UTC")
TEN = Every(10 * SECOND, T0)


def verdict(plan: Plan = HOURLY, *, until: str = "06:30", **terms: Any) -> Verdict:
    """Judge what came since 02:30."""
    return judge(plan, Terms(**terms), after=T0, until=at(until))


def runs(found: Verdict) -> list[str]:
    """Return the times to run."""
    return [f"{due:%H:%M:%S}" for due in found.run]


def skip(found: Verdict) -> tuple[str, int, str, str] | None:
    """Return what is skipped: why, how many, from when to when."""
    if (each := found.skipped) is None:
        return None
    return each.reason, each.count, f"{each.since:%H:%M}", f"{each.due_at:%H:%M}"


@pytest.mark.parametrize(
    ("terms", "run", "skipped"),
    [
        ({}, ["06:00:00"], ("missed", 3, "03:00", "05:00")),
        ({"misfire": "skip"}, [], ("missed", 4, "03:00", "06:00")),
        (
            {"misfire": "all"},
            ["03:00:00", "04:00:00", "05:00:00", "06:00:00"],
            None,
        ),
        (
            {"misfire": "all", "cap": 2},
            ["05:00:00", "06:00:00"],
            ("cap", 2, "03:00", "04:00"),
        ),
        (
            {"misfire": "all", "grace": 2 * HOUR},
            ["05:00:00", "06:00:00"],
            ("late", 2, "03:00", "04:00"),
        ),
        ({"grace": 29 * MINUTE}, [], ("late", 4, "03:00", "06:00")),
        ({"grace": 30 * MINUTE}, ["06:00:00"], ("missed", 3, "03:00", "05:00")),
        (
            {"misfire": "skip", "grace": 30 * MINUTE},
            ["06:00:00"],
            ("missed", 3, "03:00", "05:00"),
        ),
        ({"misfire": "all", "one_off": True}, ["06:00:00"], ("missed", 3, "03:00", "05:00")),
    ],
)  # fmt: skip
def test_missed_due_times_are_run_or_told_as_the_terms_say(terms, run, skipped):
    found = verdict(**terms)

    assert (runs(found), skip(found)) == (run, skipped)


@pytest.mark.parametrize("misfire", ["once", "skip", "all"])
def test_what_is_on_time_is_run_whatever_the_policy(misfire):
    found = verdict(until="03:00:59", misfire=misfire)

    assert (runs(found), found.skipped) == (["03:00:00"], None)


@pytest.mark.parametrize("misfire", ["once", "skip", "all"])
def test_nothing_has_come_nothing_is_run_or_skipped(misfire):
    assert verdict(until="02:59:59", misfire=misfire) == Verdict([], None)


def test_an_outage_of_years_is_bounded_and_an_interval_counts_exactly():
    minutely = parse_cron("* * * * *", "UTC")
    years = {"after": at("2020-01-01"), "until": T0}

    of_cron = judge(minutely, Terms("all"), **years)
    of_interval = judge(Every(SECOND, at("2020-01-01")), Terms("all", 5), **years)

    assert len(of_cron.run) == 100
    assert of_cron.skipped.count == MOST_COUNTED
    assert len(of_interval.run) == 5
    assert of_interval.skipped.count == (T0 - at("2020-01-01")) / SECOND - 5


def test_the_end_of_a_schedule_bounds_what_was_missed():
    plan = Between(TEN, None, at("02:31"))

    found = verdict(plan, misfire="all")

    assert runs(found) == [f"02:30:{second}" for second in (10, 20, 30, 40, 50)]
    assert tally(plan, 3, after=T0, until=at("06:00")) == 5


def test_the_newest_of_a_huge_interval_are_found():
    plan = Every(timedelta(days=3653), at("1995-01-01"))

    found = newest(plan, 1000, after=at("1990-01-01"), until=T0)

    assert [due.year for due in found] == [1995, 2005, 2015, 2025]


def test_a_late_run_says_so_only_where_a_grace_time_was_given():
    assert verdict(misfire="skip").skipped.reason is Reason.MISSED
    assert verdict(misfire="skip", grace=SECOND).skipped.reason is Reason.LATE


# ── Jitter ─────────────────────────────────────────────────────────────────────────


def test_jitter_is_the_same_for_every_beat_and_another_for_each_due_time():
    minute = timedelta(seconds=60)
    shifts = [spread(7, T0 + each * HOUR, minute) for each in range(200)]

    assert shifts == [spread(7, T0 + each * HOUR, minute) for each in range(200)]
    assert all(timedelta() <= each <= minute for each in shifts)
    assert len(set(shifts)) > 190
    assert spread(7, T0, minute) != spread(8, T0, minute)


def test_jitter_spreads_over_its_whole_span():
    shifts = [spread(each, T0, timedelta(seconds=10)) for each in range(2000)]

    assert min(shifts) < timedelta(milliseconds=100)
    assert max(shifts) > timedelta(seconds=9.9)
    mean = sum(shifts, timedelta()) / len(shifts)
    assert timedelta(seconds=4.7) < mean < timedelta(seconds=5.3)


def test_no_jitter_is_no_shift():
    assert spread(7, T0, timedelta()) == timedelta()
