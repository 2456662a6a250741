"""What needs a person: a pure judgement of what was seen."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from queues.admin.worries import SAYS, number, worries
from queues.concerns import (
    Concern,
    Firing,
    Matter,
    firing,
    of_letters,
    of_lines,
    of_pauses,
    of_processes,
    of_schedules,
)
from queues.due import Every, Once
from queues.errors import InvalidSchedule
from queues.models import Queue
from queues.survey import Line, Process, Rise

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def process(kind: str, queues: str = "", *, is_heard: bool = True) -> Process:
    return Process(1, kind, f"vm:{kind}", queues, NOW, NOW - MINUTE, is_heard)


def line(queue="default", *, limit=None, due=3, waits=MINUTE, priority=5) -> Line:
    return Line(queue, limit, priority, due, NOW - waits if due else None, 0)


def matters(found: Any) -> list[tuple[Matter, str]]:
    return [(each.matter, each.subject) for each in found]


def schedule(every: timedelta, counted: datetime | None, **more: Any) -> Any:
    facts = {"id": 7, "name": "nightly", "is_noticed": True, "counted_from": counted}
    plan = Every(every, NOW - timedelta(days=1))
    return SimpleNamespace(**{**facts, "plan": lambda: plan, **more})


def test_a_whole_house_worries_nobody():
    processes = [process("beat"), process("node", "default,mail"), process("child")]

    assert not [*of_processes(processes, [line(), line("mail")])]
    assert not [*of_lines([line(), line(limit="shop")], NOW)]
    assert not [*of_letters(Rise(4, 0)), *of_letters(Rise(9, 5))]


def test_an_empty_house_lacks_both():
    assert matters(of_processes([], [line()])) == [
        (Matter.NO_BEAT, ""),
        (Matter.NO_WORKER, ""),
    ]


def test_a_queue_that_no_worker_takes_is_named_once():
    processes = [process("beat"), process("node", "default")]
    lines = [line("mail", due=2, waits=2 * MINUTE), line("mail", due=5, priority=9)]
    lines += [line("later", due=0)]

    (unheard,) = of_processes(processes, lines)

    assert (unheard.matter, unheard.key, unheard.count) == (Matter.UNHEARD, "mail", 7)
    assert unheard.since == NOW - 2 * MINUTE
    assert unheard.is_grave


def test_a_process_without_a_heartbeat_is_silent_and_does_not_count():
    silent = [process("beat", is_heard=False), process("child", is_heard=False)]
    found = [*of_processes([*silent, process("node", "default")], [])]

    assert matters(found) == [(Matter.NO_BEAT, ""), (Matter.SILENT, "vm:beat")]
    assert not found[1].is_grave


def test_who_waits_too_long_is_told_by_queue_or_by_limit():
    lines = [
        line(waits=6 * MINUTE),
        line(waits=9 * MINUTE, priority=9),
        line("mail", waits=4 * MINUTE),
        line("sync", limit="shop", waits=7 * MINUTE),
    ]

    slow, full = of_lines(lines, NOW)

    assert (slow.matter, slow.subject, slow.count) == (Matter.SLOW, "default", 6)
    assert slow.since == NOW - 9 * MINUTE
    assert (full.matter, full.subject, full.count) == (Matter.FULL, "shop", 3)


def test_a_paused_queue_is_told_as_such_and_not_as_slow():
    lines = [line("mail", waits=9 * MINUTE)]

    assert not [*of_lines(lines, NOW, {"mail"})]
    paused = [Queue(name="mail", paused_at=NOW)]
    assert matters(of_pauses(paused)) == [(Matter.PAUSED, "mail")]


@pytest.mark.parametrize(("hour", "before", "rises"), [(5, 2, 1), (5, 3, 0), (8, 4, 1)])
def test_deaths_rise_by_the_double_of_the_hour_before(hour, before, rises):
    assert len([*of_letters(Rise(hour, before))]) == rises


def test_a_schedule_is_late_a_minute_after_it_was_due():
    owed = firing(schedule(10 * MINUTE, NOW - 12 * MINUTE), NOW)
    soon = firing(schedule(10 * MINUTE, NOW - 10 * MINUTE), NOW)
    fresh = firing(schedule(10 * MINUTE, None), NOW + MINUTE)
    edited = firing(schedule(10 * MINUTE, NOW - 60 * MINUTE, is_noticed=False), NOW)

    assert (owed.at, owed.is_late) == (NOW - 10 * MINUTE, True)
    assert (soon.at, soon.is_late) == (NOW, False)
    assert (fresh.at, fresh.is_late) == (NOW + 10 * MINUTE, False)
    assert not edited.is_late


def test_a_schedule_that_is_over_or_unreadable_never_fires():
    def broken() -> Once:
        raise InvalidSchedule("what?")

    once = lambda: Once(NOW - MINUTE)  # noqa: E731
    over = firing(schedule(MINUTE, NOW, plan=once), NOW)
    unreadable = firing(schedule(MINUTE, NOW, plan=broken), NOW)

    assert (over.at, over.is_late, over.is_readable) == (None, False, True)
    assert (unreadable.at, unreadable.is_readable) == (None, False)
    late = Firing(over.row, NOW, is_late=True)
    assert matters(of_schedules([over, unreadable, late])) == [
        (Matter.UNREADABLE, "nightly"),
        (Matter.LATE, "nightly"),
    ]


def test_every_matter_has_words_and_an_address():
    assert SAYS.keys() == set(Matter)
    with translation.override("en"):
        told = worries(Concern(each, "x", 1, NOW, 3) for each in Matter)

    assert len(told) == len(Matter)
    assert all(each.title and each.url.startswith("/admin/") for each in told)
    assert not any("%(" in each.title + each.note for each in told)


def test_many_alike_are_three_and_a_number():
    many = [Concern(Matter.LATE, f"s{n}", n) for n in range(9)]

    told = worries([*many, Concern(Matter.NO_BEAT)])

    assert [each.title for each in told] == [
        "No scheduler runs",
        *(f"The schedule “s{n}” is late" for n in range(3)),
    ]
    assert told[-1].more == "and 6 more like it"


def test_a_count_that_stopped_says_so():
    with translation.override("en"):
        assert (number(1999), number(2000)) == ("1,999", "2,000 or more")
