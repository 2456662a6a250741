"""Which faults, in which order; each with the seconds of peace after it."""

import itertools
import time
from collections.abc import Iterator

from tests.chaos import pressure as more
from tests.chaos import scenarios as faults
from tests.chaos.scenarios import Chaos, Scenario

Step = tuple[Scenario, float]

BRIEF: tuple[Step, ...] = (
    (faults.burst, 1),
    *[(faults.child_killed, 1)] * 3,
    (faults.worker_killed, 2),
    (faults.redis_flushed, 1),
    (more.web_killed, 1),
    (faults.redis_restarted, 2),
    *[(faults.child_killed, 1)] * 3,
    (faults.beat_killed, 1),
    (faults.postgres_fast, 3),
    (more.retry_storm, 1),
    (faults.backends_terminated, 1),
    (faults.worker_killed, 2),
    (faults.postgres_immediate, 4),
)
"""A minute: more than 5,000 jobs and 10 kills, every server restarted once."""
SHORT: tuple[Step, ...] = (
    (faults.burst, 3),
    *[(faults.child_killed, 2)] * 3,
    (faults.worker_killed, 4),
    (faults.redis_flushed, 2),
    (faults.beat_killed, 2),
    *[(faults.backends_terminated, 2)] * 2,
    (more.web_killed, 2),
    (more.third_beat, 1),
    (faults.worker_killed, 4),
    (faults.redis_restarted, 3),
    (more.retry_storm, 2),
    *[(faults.child_killed, 2)] * 3,
    (faults.postgres_fast, 5),
    (more.urgent_among_many, 3),
    (faults.redis_stopped, 4),
    (faults.poison, 3),
    (more.pool_exhausted, 2),
    (faults.idle_in_transaction, 3),
    (more.clocks_wrong, 2),
    (faults.postgres_immediate, 5),
    (faults.workers_killed, 5),
    (faults.worker_stopped, 4),
)
"""Everything, in less than four minutes."""
EVERY: tuple[Step, ...] = tuple(dict(SHORT).items())


def random(chaos: Chaos, *, minutes: float) -> Iterator[Step]:
    """Yield everything at random for so long."""
    over = time.monotonic() + 60 * minutes
    for _ in itertools.takewhile(lambda _: time.monotonic() < over, itertools.count()):
        yield chaos.random.choice(EVERY)
