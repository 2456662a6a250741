"""What needs a person now: judged from a survey, touching nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from queues import schedule_rows, survey
from queues.due import next_after
from queues.errors import InvalidSchedule
from queues.models import Queue, Worker

LATE = timedelta(minutes=1)
"""A schedule that has not fired so long after it was due is late."""
LONG = timedelta(minutes=5)
"""A due job that waits longer than this waits too long."""
RISING = 5
"""Fewer deaths an hour are no rise, whatever the hour before was like."""
TIMES = 2
"""So many times the deaths of the hour before are a rise."""


class Matter(StrEnum):
    """What a concern is about."""

    NO_BEAT = "no-beat"
    NO_WORKER = "no-worker"
    UNHEARD = "unheard"
    SILENT = "silent"
    LATE = "late"
    UNREADABLE = "unreadable"
    SLOW = "slow"
    FULL = "full"
    RISING = "rising"
    PAUSED = "paused"


GRAVE = frozenset(
    {Matter.NO_BEAT, Matter.NO_WORKER, Matter.UNHEARD, Matter.LATE, Matter.UNREADABLE}
)
"""Something does not happen at all; the others are slow, or somebody meant them."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing, where it is (a queue, a limit, a schedule), since when, how much."""

    matter: Matter
    subject: str = ""
    key: int | str = ""
    since: datetime | None = None
    count: int = 0

    @property
    def is_grave(self) -> bool:
        """Tell whether something does not happen at all."""
        return self.matter in GRAVE


@dataclass(frozen=True, slots=True)
class Firing:
    """When a schedule fires next, or should have; None: never, or it is unreadable."""

    row: schedule_rows.Row
    at: datetime | None
    is_late: bool = False
    is_readable: bool = True


def firing(row: schedule_rows.Row, now: datetime) -> Firing:
    """Return how an enabled schedule stands."""
    counted = row.counted_from if row.is_noticed else None
    try:
        at = next_after(row.plan(), counted or now)
    except InvalidSchedule:
        return Firing(row, None, is_readable=False)
    return Firing(row, at, is_late=at is not None and at < now - LATE)


def of_processes(
    processes: Sequence[survey.Process], lines: Sequence[survey.Line]
) -> Iterator[Concern]:
    """Yield what is missing: a scheduler, workers, a worker for a queue, a heartbeat."""
    heard = [each for each in processes if each.is_heard]
    if not any(each.kind == Worker.Kind.BEAT for each in heard):
        yield Concern(Matter.NO_BEAT)
    nodes = [each for each in heard if each.kind == Worker.Kind.NODE]
    if not nodes:
        yield Concern(Matter.NO_WORKER)
    served = {name for each in nodes for name in each.queues.split(",")}
    waiting = _by((line.queue, line) for line in lines if line.due)
    for queue, due in waiting.items():
        if nodes and queue not in served:
            yield Concern(Matter.UNHEARD, queue, queue, _oldest(due), _due(due))
    for each in processes:
        if not each.is_heard and each.kind in {Worker.Kind.NODE, Worker.Kind.BEAT}:
            yield Concern(Matter.SILENT, each.name, each.id, each.seen_at)


def of_lines(
    lines: Sequence[survey.Line], now: datetime, paused: Collection[str] = ()
) -> Iterator[Concern]:
    """Yield the queues and limits whose oldest due job waits too long."""
    late = [
        each
        for each in lines
        if each.oldest and each.oldest < now - LONG and each.queue not in paused
    ]
    free = _by((line.queue, line) for line in late if line.limit is None)
    for queue, due in free.items():
        yield Concern(Matter.SLOW, queue, queue, _oldest(due), _due(due))
    for limit, due in _by((line.limit, line) for line in late if line.limit).items():
        yield Concern(Matter.FULL, limit, limit, _oldest(due), _due(due))


def of_pauses(queues: Iterable[Queue]) -> Iterator[Concern]:
    """Yield the queues that somebody paused: it may have been forgotten."""
    for queue in queues:
        yield Concern(Matter.PAUSED, queue.name, queue.name, queue.paused_at)


def of_schedules(firings: Iterable[Firing]) -> Iterator[Concern]:
    """Yield the schedules that are late, and those that cannot be read."""
    for each in firings:
        if not each.is_readable:
            yield Concern(Matter.UNREADABLE, each.row.name, each.row.id)
        elif each.is_late:
            yield Concern(Matter.LATE, each.row.name, each.row.id, each.at)


def of_letters(rise: survey.Rise) -> Iterator[Concern]:
    """Yield a rise of deaths."""
    if rise.hour >= RISING and rise.hour >= TIMES * rise.before:
        yield Concern(Matter.RISING, count=rise.hour)


def _by(pairs: Iterable[tuple[str, survey.Line]]) -> dict[str, list[survey.Line]]:
    found: dict[str, list[survey.Line]] = {}
    for key, line in pairs:
        found.setdefault(key, []).append(line)
    return found


def _oldest(lines: Iterable[survey.Line]) -> datetime | None:
    return min((each.oldest for each in lines if each.oldest), default=None)


def _due(lines: Iterable[survey.Line]) -> int:
    return sum(each.due for each in lines)
