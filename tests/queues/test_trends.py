"""Charts are drawn from the roll-ups: by step, by type, without gaps or lies."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from queues.admin.trends import MOST_TYPES, WINDOWS, figures, series, types
from queues.histogram import BUCKETS
from queues.models import JobMinute
from queues.trends import Span, by_step, by_step_and_type

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 5, 17, 12, 7, 31, tzinfo=UTC)
MINUTE = NOW.replace(second=0)


def minute(at: datetime, type_: str = "noop", outcome: str = "completed", count=4):
    """Write tries that all waited about 3 ms and ran about 1.5 s."""
    waits, runs = [0] * BUCKETS, [0] * BUCKETS
    waits[2] = runs[11] = count
    JobMinute.objects.create(
        minute=at, type=type_, outcome=outcome, count=count,
        wait_seconds=0.003 * count, wait_max=0.0035, wait_histogram=waits,
        run_seconds=1.5 * count, run_max=1.9, run_histogram=runs,
    )  # fmt: skip


def of_types(since: datetime) -> list[Span]:
    step = timedelta(minutes=1)
    return by_step_and_type(since=since, until=NOW, step=step)[1]


def test_a_step_adds_up_the_types_and_can_be_asked_for_one():
    minute(MINUTE, "noop")
    minute(MINUTE, "fail", "buried", 2)
    minute(MINUTE - timedelta(minutes=1), "fail", "lost", 1)
    window = {
        "since": MINUTE - timedelta(hours=1),
        "until": NOW,
        "step": timedelta(minutes=1),
    }

    (before, last), _ = by_step_and_type(**window)
    (alone, _) = by_step("fail", **window)

    assert (before.at, before.ended, before.failed) == (
        MINUTE - timedelta(minutes=1),
        1,
        1,
    )
    assert (last.ended, last.completed, last.failed) == (6, 4, 2)
    assert 0.002 <= last.wait_p50 <= last.wait_p95 <= 0.0035
    assert 1.024 <= last.run_p50 <= last.run_p95 <= 1.9
    assert alone.ended == 1


def test_types_are_told_apart_over_the_whole_window():
    minute(MINUTE, "noop")
    minute(MINUTE - timedelta(minutes=9), "noop", "failed", 1)
    minute(MINUTE - timedelta(hours=2), "older")

    (only,) = of_types(MINUTE - timedelta(hours=1))

    assert (only.type, only.at) == ("noop", None)
    assert (only.ended, only.completed, only.failed) == (5, 4, 1)


def test_nothing_is_not_zero_seconds():
    JobMinute.objects.create(
        minute=MINUTE, type="noop", outcome="lost", count=1,
        wait_seconds=0, wait_max=0, wait_histogram=[0] * BUCKETS,
        run_seconds=0, run_max=0, run_histogram=[0] * BUCKETS,
    )  # fmt: skip

    (span,) = of_types(MINUTE)

    assert (span.wait_p50, span.run_p95) == (None, None)


@pytest.mark.parametrize(("name", "steps"), [("1h", 60), ("24h", 96), ("30d", 120)])
def test_a_series_has_a_value_for_every_step(name: str, steps: int):
    window = WINDOWS[name]
    minute(MINUTE - window.span + 2 * window.step)

    drawn = json.loads(series(window, figures(window, None, NOW)[0], NOW))

    assert steps - 2 <= len(drawn["at"]) <= steps
    assert {len(line) for line in drawn.values()} == {len(drawn["at"])}
    assert sum(drawn["completed"]) == 4
    assert drawn["completed"].count(0) == len(drawn["at"]) - 1
    assert drawn["wait_p50"].count(None) == len(drawn["at"]) - 1
    gaps = {b - a for a, b in zip(drawn["at"], drawn["at"][1:], strict=False)}
    assert gaps == {window.step.total_seconds()}


def test_the_newest_minute_is_left_out_until_it_is_rolled_up():
    minute(MINUTE - timedelta(minutes=1))

    drawn = json.loads(series(WINDOWS["1h"], figures(WINDOWS["1h"], None, NOW)[0], NOW))

    assert drawn["at"][-1] == (MINUTE - timedelta(minutes=1)).timestamp()
    assert drawn["completed"][-1] == 4


def test_the_busiest_types_come_first_and_the_rest_is_counted():
    for number in range(MOST_TYPES + 3):
        minute(MINUTE, f"type-{number:02}", count=number + 1)
    minute(MINUTE, "type-14", "failed", 5)

    rows, left = types(figures(WINDOWS["1h"], None, NOW)[1])

    assert left == 3
    assert len(rows) == MOST_TYPES
    assert (rows[0].span.type, rows[0].share, rows[0].tone) == ("type-14", 100, "much")
    assert rows[0].failing == 25
    assert rows[1].tone == "quiet"
    assert rows[-1].share < rows[1].share
    assert rows[0].times[3] == "1.9 s"


def test_figures_are_kept_until_one_of_them_changes(django_assert_num_queries):
    window = WINDOWS["24h"]
    minute(MINUTE)
    first = figures(window, None, NOW)

    with django_assert_num_queries(1):
        assert figures(window, None, NOW) is first
    JobMinute.objects.update(count=5)

    (changed,), _ = figures(window, None, NOW)
    assert changed.ended == 5
    assert figures(window, "other", NOW) == ([], figures(window, None, NOW)[1])
