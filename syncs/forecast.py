"""When will the queue be empty, and how many slots would it take to be done in time?"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from queues.ask import ask
from syncs import clock

USUAL = 20.0
"""Seconds of a sync where nothing is known yet."""
HOUR = 3600.0

# What syncs took of a slot lately, waits left out, and what waits now.
FACTS = """
WITH lately AS (
    SELECT job_id, sum(extract(
        epoch FROM job_attempts.finished_at - job_attempts.started_at)) AS seconds
    FROM job_attempts JOIN jobs ON jobs.id = job_id
    WHERE jobs.type = 'sync-store' AND jobs.status = 'completed'
      AND jobs.completed_at > clock_timestamp() - interval '7 days'
    GROUP BY job_id ORDER BY job_id DESC LIMIT 500
), waiting AS (
    SELECT store_id, count(*) AS runs FROM sync_queue
    WHERE status IN ('queued', 'processing')
      AND coalesce(not_before, clock_timestamp()) <= clock_timestamp() + %s * interval '1 second'
    GROUP BY store_id
)
SELECT (SELECT avg(seconds) FROM lately), (SELECT running FROM limits WHERE name = 'sync'),
       coalesce(sum(runs), 0)::int, coalesce(max(runs), 0)::int, count(*)::int
FROM waiting
"""
OLDEST = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp()
           - greatest(queued_at, not_before))), 0)::float8
FROM sync_queue WHERE status = 'queued' AND started_at IS NULL
  AND coalesce(not_before, queued_at) <= clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What stands in the queue, and what it comes to."""

    runs: int
    stores: int
    longest: int
    """The most runs of one store: those go one after the other."""
    seconds: float
    slots: int | None
    now: datetime

    @property
    def span(self) -> timedelta:
        """How long it takes until all of it is done."""
        lanes = max(min(self.slots or self.stores, self.stores), 1)
        rounds = max(math.ceil(self.runs / lanes), self.longest)
        return timedelta(seconds=rounds * self.seconds)

    @property
    def done_at(self) -> datetime:
        """When all of it is done."""
        return self.now + self.span

    @property
    def is_stopped(self) -> bool:
        """Tell whether nothing moves because the limit is 0."""
        return self.slots == 0

    def needed(self, within: timedelta) -> int:
        """Return the slots that would have it done within that time."""
        return math.ceil(self.runs * self.seconds / max(within.total_seconds(), 1))


def forecast(*, ahead: float = HOUR) -> Forecast:
    """Return what the queue, with what is due within the next hour, comes to."""
    ((seconds, slots, runs, longest, stores),) = ask(FACTS, ahead)
    return Forecast(runs, stores, longest, float(seconds or USUAL), slots, clock.now())


def oldest_wait() -> float:
    """Return for how many seconds the oldest due sync waits for its first turn."""
    ((age,),) = ask(OLDEST)
    return float(age)
