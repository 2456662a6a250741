"""How much stands where: the counters of the first system, and what it lacked."""

from collections import Counter

from queues import figures
from queues.api.intake import Body
from queues.handlers import registry
from queues.lines import paused
from queues.states import State


def describe() -> Body:
    """Return the figures of all queues.

    What is live or dead is exact. What ended otherwise, and the totals, are counted
    in a small table and told from a sample in a large one.
    """
    lines, running, kept = figures.waiting(), figures.running(), figures.kept()
    totals = Counter(kept.by_type()) + Counter(figures.pruned())
    return {
        "byStatus": {
            State.PENDING: sum(line.pending for line in lines),
            State.PROCESSING: sum(running.values()),
            State.COMPLETED: kept.of_status(State.COMPLETED),
            State.FAILED: sum(failed for failed, _ in figures.dead().values()),
            State.CANCELLED: kept.of_status(State.CANCELLED),
        },
        "byQueue": depths(lines, running),
        "byPriority": _by_priority(lines),
        "oldestDueSeconds": max((line.age for line in lines if line.due), default=None),
        "totals": {
            "total": sum(totals.values()),
            "types": dict(totals),
            "estimated": kept.is_estimated,
        },
    }


def depths(lines: list[figures.Line], running: dict[str, int]) -> dict[str, Body]:
    """Return what stands in every queue that is known or holds something."""
    names = {*registry.queues(), *running, *(line.queue for line in lines)}
    closed = paused()
    return {
        name: {
            "pending": sum(line.pending for line in lines if line.queue == name),
            "processing": running.get(name, 0),
            "due": sum(line.due for line in lines if line.queue == name),
            "paused": name in closed,
        }
        for name in sorted(names)
    }


def _by_priority(lines: list[figures.Line]) -> dict[str, int]:
    return {
        str(priority): sum(line.pending for line in lines if line.priority == priority)
        for priority in range(1, 10)
    }
