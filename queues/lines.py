"""Each queue as people look at it: what waits and runs, how fast, paused by whom."""

from dataclasses import dataclass, field

from queues import figures
from queues.ask import ask
from queues.handlers import registry
from queues.models import Queue

MINUTES = 5
"""What a queue's pace is measured over."""
LOOK_BACK = 3600
"""Seconds; an attempt that took longer does not count for the pace."""
PICKS = 4_000

PACE = f"""
{figures.PICKED}
SELECT job.queue, count(*) * width
FROM picked JOIN jobs AS job ON job.id = picked.job_id
WHERE finished_at > statement_timestamp() - %(minutes)s * interval '1 minute'
GROUP BY job.queue, width
"""  # noqa: S608 - built of constants
HEARD = """
SELECT line.queue, count(*)
FROM workers CROSS JOIN unnest(string_to_array(queues, ',')) AS line (queue)
WHERE kind = 'node' AND gone_at IS NULL AND drain_requested_at IS NULL
  AND seen_at > clock_timestamp() - %(fresh)s * interval '1 second'
GROUP BY line.queue
"""
MEMORY = """
SELECT kind, sum(memory_bytes)::int8 FROM workers
WHERE gone_at IS NULL AND memory_bytes IS NOT NULL
  AND seen_at > clock_timestamp() - %(fresh)s * interval '1 second'
GROUP BY kind
"""
CHANGES = """
SELECT door, count(*) FROM audit_log
WHERE at > statement_timestamp() - interval '1 hour' GROUP BY door
"""


@dataclass(slots=True)
class Standing:
    """How a queue stands. `age` is how long its oldest due job waits, in seconds."""

    name: str
    pending: int = 0
    due: int = 0
    running: int = 0
    age: float | None = None
    pace: float = 0.0
    heard: int = 0
    state: Queue | None = None
    limits: list[str] = field(default_factory=list)
    lines: list[figures.Line] = field(default_factory=list)

    @property
    def later(self) -> int:
        """How many wait for their time."""
        return self.pending - self.due

    @property
    def is_paused(self) -> bool:
        """Whether staff keep its jobs from being claimed."""
        return self.state is not None and self.state.paused_at is not None


def standings() -> list[Standing]:
    """Return every queue that is known, holds something, or was ever paused."""
    lines, running = figures.waiting(), figures.running()
    states = {each.pk: each for each in Queue.objects.all()}
    names = {*registry.queues(), *running, *states, *(line.queue for line in lines)}
    found = {name: Standing(name, state=states.get(name)) for name in sorted(names)}
    for line in sorted(lines, key=lambda line: line.priority):
        _add(found[line.queue], line)
    for name, count in running.items():
        found[name].running = count
    for name, count in ask(PACE, minutes=MINUTES, look_back=LOOK_BACK, picks=PICKS):
        if name in found:
            found[name].pace = count / MINUTES
    for name, count in ask(HEARD, fresh=figures.FRESH):
        if name in found:
            found[name].heard = count
    _link_limits(found)
    return list(found.values())


def paused() -> dict[str, Queue]:
    """Return the queues that are paused, by name."""
    closed = Queue.objects.filter(paused_at__isnull=False).order_by("name")
    return {each.pk: each for each in closed}


def memory() -> dict[str, int]:
    """Return by kind how many bytes the processes that are there hold."""
    return dict(ask(MEMORY, fresh=figures.FRESH))


def changes() -> dict[str, int]:
    """Return by door how many rows the audit log got within the last hour."""
    return dict(ask(CHANGES))


def _add(standing: Standing, line: figures.Line) -> None:
    standing.lines.append(line)
    standing.pending += line.pending
    standing.due += line.due
    if line.due:
        standing.age = max(line.age, standing.age or 0.0)


def _link_limits(found: dict[str, Standing]) -> None:
    for each in registry:
        if each.limit is not None and each.queue in found:
            limits = found[each.queue].limits
            if each.limit.name not in limits:
                limits.append(each.limit.name)
