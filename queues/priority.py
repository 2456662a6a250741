"""How urgent a job is: 1 goes first, 9 last."""

from queues.errors import InvalidPriority

MOST_URGENT, LEAST_URGENT = 1, 9


def check_priority(priority: int) -> int:
    """Return the priority, or raise InvalidPriority."""
    if isinstance(priority, bool) or priority not in range(
        MOST_URGENT, LEAST_URGENT + 1
    ):
        raise InvalidPriority
    return int(priority)
