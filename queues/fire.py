"""Fire schedules: one firing and its job per due time, in one transaction.

The database's clock says what is due, its rows what was recorded; any number of
beats may call this at once. The rules:

* Due times are counted from the last recorded one (`schedule_states.counted_from`),
  never from the memory of a process.
* Missed while no beat ran: as the schedule's terms say, by default the latest missed
  due time is fired. What is skipped leaves one firing that says how many and why.
* A new schedule is counted from its creation, an edited pattern from the tick before
  the edit was noticed, a resumed one from its resumption: a pause is not made up for.
* A refused job leaves a firing with status "error" and counts as fired.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from django.db import DatabaseError, OperationalError, transaction

from queues import schedule_rows
from queues.ask import database_now
from queues.due import next_after
from queues.enqueue import enqueue, enqueue_many
from queues.errors import InvalidSchedule, QueueError
from queues.notice_schedules import notice
from queues.overlap import hold_live, live_jobs
from queues.record_firings import Firing, begin, finish
from queues.schedule_rows import Row
from queues.schedule_terms import Overlap, Reason, Skipped, judge, spread

logger = logging.getLogger(__name__)

LONGEST = 1.0
"""Seconds between two looks at the rows: an edit acts within two of them."""
AGAIN = 0.2
"""Seconds until the next look at a due schedule that someone holds."""
CHUNK = 100
"""Schedules fired in one transaction; their rows are locked meanwhile."""


@dataclass(slots=True)
class Memory:
    """What one beat keeps between its ticks; it loses nothing if it forgets."""

    since: datetime | None = None
    next_due: dict[int, tuple[object, datetime | None]] = field(default_factory=dict)

    def learn(self, rows: Sequence[Row]) -> None:
        """Compute the next due time of each row that is not as it was."""
        known, self.next_due = self.next_due, {}
        for row in rows:
            if row.enabled and row.is_noticed and row.counted_from is not None:
                mark = (row.pattern, row.counted_from)
                entry = known.get(row.id)
                if entry is None or entry[0] != mark:
                    entry = mark, _next(row, row.counted_from)
                self.next_due[row.id] = entry

    def due(self, now: datetime) -> list[int]:
        """Return the schedules that are due, the longest due first."""
        times = [(due, key) for key, (_, due) in self.next_due.items() if due]
        return [key for due, key in sorted(times) if due <= now]

    def wait(self, now: datetime) -> float:
        """Return the seconds until the next due time after now."""
        times = [due for _, due in self.next_due.values() if due and due > now]
        return (min(times) - now).total_seconds() if times else LONGEST


def fire(memory: Memory | None = None, *, now: datetime | None = None) -> float:
    """Fire every schedule that is due, once; return the seconds until the next look."""
    memory, began = memory or Memory(), monotonic()
    now = now or database_now()
    rows = schedule_rows.rows()
    if notice(rows, now=now, since=memory.since):
        rows = schedule_rows.rows()
    memory.learn(rows)
    memory.since = now
    due = memory.due(now)
    if due and _fire_all(due, now):
        return 0.0
    longest = AGAIN if due else LONGEST
    return max(0.0, min(longest, memory.wait(now) - (monotonic() - began)))


def _fire_all(ids: Sequence[int], now: datetime) -> int:
    """Fire in chunks; a chunk that the database refuses is fired one by one."""
    fired = 0
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        try:
            fired += _fire(chunk, now)
        except OperationalError:
            raise
        except DatabaseError:
            fired += sum(_fire_alone(each, now) for each in chunk)
    return fired


def _fire_alone(schedule_id: int, now: datetime) -> int:
    try:
        return _fire([schedule_id], now)
    except OperationalError:
        raise
    except DatabaseError as error:
        return _fire([schedule_id], now, refusal=str(error).strip())


def _fire(ids: Sequence[int], now: datetime, *, refusal: str = "") -> int:
    """Fire those that are still due; return how many were recorded."""
    with transaction.atomic():
        recorded, begun = _fire_locked(ids, now, refusal)
    _tell(begun)
    return recorded


def _fire_locked(
    ids: Sequence[int], now: datetime, refusal: str
) -> tuple[int, Sequence[Firing]]:
    """Fire those that nobody else holds; return how many, and the firings written."""
    rows = [row for row in schedule_rows.locked(ids) if row.enabled and row.is_noticed]
    live = live_jobs([row.id for row in rows if row.terms.overlap != Overlap.ALLOW])
    blocked = _blocked(rows, live)
    firings = [
        firing for row in rows if row.id not in blocked for firing in _firings(row, now)
    ]
    if not firings:
        return 0, ()
    begun = begin(firings)
    wanted = [each for each in begun if each.skipped is None]
    if refusal:
        for each in wanted:
            each.error = refusal
    else:
        _start_all([each for each in wanted if each.row.id not in live])
        for each in wanted:
            if each.row.id in live:
                _meet(each, live[each.row.id])
    finish(firings, begun)
    return len({each.row.id for each in firings}), begun


def _blocked(rows: Sequence[Row], live: Mapping[int, Sequence[int]]) -> set[int]:
    """Lock the jobs that one firing each may wait for; return whose job is not ours.

    Such a job is being settled: its schedule is fired at the next look.
    """
    queueing = {
        row.id: live[row.id][0]
        for row in rows
        if row.terms.overlap == Overlap.QUEUE and len(live[row.id]) == 1
    }
    held = hold_live(queueing.values())
    return {row_id for row_id, job_id in queueing.items() if job_id not in held}


def _firings(row: Row, now: datetime) -> list[Firing]:
    """Return the due times that have come, as the misfire policy treats them."""
    if row.counted_from is None:
        return []
    terms = row.terms
    verdict = judge(row.plan(), terms, after=row.counted_from, until=now)
    firings = [Firing(row, due_at) for due_at in verdict.run]
    if terms.jitter:
        for each in firings:
            delay = spread(row.id, each.due_at, terms.jitter)
            each.start_at = each.due_at + delay
    if (skipped := verdict.skipped) is not None:
        firings.insert(0, Firing(row, skipped.due_at, skipped))
    return firings


def _start_all(firings: Sequence[Firing]) -> None:
    """Write the jobs, those alike in one statement; one by one if any is refused."""
    alike = defaultdict(list)
    for each in firings:
        alike[each.row.type, *each.row.options.values()].append(each)
    for group in alike.values():
        row = group[0].row
        try:
            documents = [each.row.data() for each in group]
            jobs = enqueue_many(row.type, documents, **row.options)
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 - told below, by the one that it is about
            for each in group:
                _start(each)
        else:
            for each, job in zip(group, jobs, strict=True):
                each.job_id = job.pk


def _meet(firing: Firing, live: list[int]) -> None:
    """Start a job beside none of its schedule: after the live one, or not at all."""
    if live and (firing.row.terms.overlap == Overlap.SKIP or len(live) > 1):
        due_at = firing.due_at
        firing.skipped = Skipped(Reason.OVERLAP, due_at, due_at, 1)
        firing.behind = live[0]
        return
    firing.behind = live[0] if live else None
    _start(firing)
    if firing.job_id is not None:
        live.append(firing.job_id)


def _start(firing: Firing) -> None:
    """Write the job of a firing, or say on it why there is none."""
    row = firing.row
    after = [] if firing.behind is None else [firing.behind]
    try:
        job = enqueue(row.type, row.data(), after=after, if_dead="run", **row.options)
    except QueueError as error:
        firing.error = str(error)
        logger.error("schedule %s fired no job: %s", row.name, error)  # noqa: TRY400
    except DatabaseError:
        raise
    except Exception as error:  # a payload model may raise anything
        firing.error = f"{type(error).__name__}: {error}"
        logger.exception("schedule %s fired no job", row.name)
    else:
        firing.job_id = job.pk


def _tell(begun: Sequence[Firing]) -> None:
    for each in begun:
        name, job_id, skipped = each.row.name, each.job_id, each.skipped
        if skipped is not None:
            logger.warning(
                "schedule %s skipped %s of its due times, up to %s: %s",
                name, skipped.count, skipped.due_at, skipped.reason.value,
            )  # fmt: skip
        elif job_id is not None:
            logger.info("schedule %s fired job %s, due %s", name, job_id, each.due_at)


def _next(row: Row, counted_from: datetime) -> datetime | None:
    """Return the next due time; a pattern that cannot be read has none, and is logged."""
    try:
        return next_after(row.plan(), counted_from)
    except InvalidSchedule as error:
        logger.error("schedule %s cannot be fired: %s", row.name, error)  # noqa: TRY400
        return None
