"""Schedules under fire: one firing, one job, one run per due time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from queues.models import CronLog, Job
from queues.schedule import schedule, unschedule
from queues.schedule_terms import Misfire
from tests.chaos.facts import Fact, Harm
from tests.chaos.jobs import TICK

PERIODS = {"chaos-every-1s": 1, "chaos-every-5s": 5}
TERMS: dict[str, Misfire] = {
    "chaos-every-1s": Misfire.ALL,
    "chaos-every-5s": Misfire.ONCE,
}
"""Whether all due times that were missed are made up for, or the latest."""
RETURN = 4.0
"""Seconds after an outage until a beat is connected again and fires."""


@dataclass(frozen=True, slots=True)
class Firings:
    """What one schedule did."""

    name: str
    due: int
    fired: int
    jobs: int
    excused: list[float]
    missed: list[float]
    latest: float
    """Seconds from the due time to the firing, at worst outside of outages."""

    @property
    def is_exact(self) -> bool:
        """Tell whether each due time fired once, or was missed with an excuse."""
        return not self.missed and self.fired == self.jobs


def start() -> None:
    """Write the schedules."""
    for name, seconds in PERIODS.items():
        every = timedelta(seconds=seconds)
        schedule(name, type=TICK, every=every, misfire=TERMS[name])


def stop() -> None:
    """Delete the schedules; their firings stay."""
    for name in PERIODS:
        unschedule(name)


def judge(facts: Sequence[Fact]) -> Iterator[Firings]:
    """Compare the due times of each schedule with its firings."""
    outages = [
        (fact.began, fact.ended + RETURN)
        for fact in facts
        if fact.harm is Harm.DATABASE
    ]
    for name, period in PERIODS.items():
        logs = CronLog.objects.filter(job_name=name).exclude(status="skipped")
        times = [
            (due.timestamp(), made.timestamp(), job)
            for due, made, job in logs.values_list("due_at", "created_at", "job_id")
        ]
        fired = {round(due) for due, _, _ in times}
        expected = range(min(fired), max(fired) + 1, period)
        missing = [due for due in expected if due not in fired]
        made_up = TERMS[name] is Misfire.ALL
        excused = [due for due in missing if not made_up and _within(due, outages)]
        jobs = {job for _, _, job in times}
        yield Firings(
            name, len(expected), len(times),
            Job.objects.filter(pk__in=jobs, source="schedule").count(),
            excused, [due for due in missing if due not in excused],
            max(
                (made - due for due, made, _ in times if not _within(due, outages)),
                default=0.0,
            ),
        )  # fmt: skip


def _within(moment: float, windows: Sequence[tuple[float, float]]) -> bool:
    return any(began - 1 <= moment <= ended for began, ended in windows)
