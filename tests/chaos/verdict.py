"""Count what happened, and find an excuse for every double, or none."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from django.db import connection

from queues.models import Attempt, DeadLetter, Job
from queues.states import LIVE, End, State
from tests.chaos.facts import Fact, Harm
from tests.chaos.jobs import POISON
from tests.shop.models import Entry

DATABASE_ERRORS = ("OperationalError", "InterfaceError", "InternalError")
SLACK = 2.0
"""Seconds around an outage in which a statement may still have met it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a handler, with its end if it had one."""

    pid: int
    at: float
    ended: float | None

    def is_over(self, moment: float) -> bool:
        """Tell whether the handler had ended by then."""
        return self.ended is not None and self.ended < moment


@dataclass(frozen=True, slots=True)
class Double:
    """A job that started again, and why."""

    job: int
    pid: int
    reason: str | None


@dataclass
class Verdict:
    """The result of the whole run."""

    enqueued: int
    completed: int
    dead: int
    lost: list[int]
    strangers: list[int]
    """Dead jobs that were no poison."""
    doubles: list[Double]
    runs: dict[int, list[Run]] = field(default_factory=dict)

    @property
    def unexplained(self) -> list[Double]:
        """Return the doubles without an excuse."""
        return [each for each in self.doubles if each.reason is None]

    @property
    def reasons(self) -> Counter[str]:
        """Return how many starts each reason repeated."""
        return Counter(each.reason or "none" for each in self.doubles)


def judge(acknowledged: dict[int, str], facts: Sequence[Fact]) -> Verdict:
    """Compare what the doors acknowledged and the ledger says with the rows."""
    connection.close()
    status = dict(Job.objects.values_list("pk", "status"))
    pills = set(Job.objects.filter(type=POISON).values_list("pk", flat=True))
    dead = set(DeadLetter.objects.values_list("job_id", flat=True))
    wanted = set(acknowledged) | set(status)
    good = {job for job in wanted if status.get(job) == State.COMPLETED}
    runs = read_ledger()
    deaths = [
        Fact("poison pill", Harm.KILL, run.at, run.at + SLACK, frozenset({run.pid}))
        for job in pills
        for run in runs.get(job, [])
    ]
    return Verdict(
        enqueued=len(wanted),
        completed=len(good),
        dead=len(dead),
        lost=sorted(wanted - good - dead),
        strangers=sorted(dead - pills),
        doubles=list(doubles(runs, [*facts, *deaths])),
        runs=runs,
    )


def read_ledger() -> dict[int, list[Run]]:
    """Return the starts of each job in order."""
    ends: dict[tuple[int, int], list[float]] = defaultdict(list)
    starts: list[tuple[int, int, float]] = []
    entries = Entry.objects.order_by("at", "id").values_list(
        "job_id", "event", "pid", "at"
    )
    for job, event, pid, at in entries:
        if event == "start":
            starts.append((job, pid, at.timestamp()))
        else:
            ends[job, pid].append(at.timestamp())
    runs: dict[int, list[Run]] = defaultdict(list)
    for job, pid, moment in starts:
        later = [end for end in ends[job, pid] if end >= moment]
        runs[job].append(Run(pid, moment, min(later, default=None)))
    return dict(runs)


def doubles(runs: dict[int, list[Run]], facts: Sequence[Fact]) -> Iterator[Double]:
    """Yield every start that was not the last, with its excuse."""
    repeated = {job: each for job, each in runs.items() if len(each) > 1}
    failed = _failed(repeated)
    for job, each in repeated.items():
        for run, following in itertools.pairwise(each):
            yield Double(job, run.pid, _reason(run, following, facts, failed[job]))


def _reason(
    run: Run, following: Run, facts: Sequence[Fact], failed: Sequence[float]
) -> str | None:
    for fact in facts:
        if run.pid in fact.pids and run.at <= fact.ended and fact.began <= following.at:
            if fact.harm is Harm.KILL and run.ended is not None:
                return f"{fact.scenario}: the verdict was not yet written"
            return f"{fact.scenario}: in the middle of the handler"
    for fact in facts:
        if fact.harm not in {Harm.DATABASE, Harm.BACKEND}:
            continue
        met = run.at <= fact.ended + SLACK and fact.began <= following.at
        if met and any(run.at <= moment <= following.at for moment in failed):
            return f"{fact.scenario}: the handler's own statement failed"
    return None


def _failed(jobs: dict[int, list[Run]]) -> dict[int, list[float]]:
    """Return when each job failed by an error of the database."""
    found: dict[int, list[float]] = {job: [] for job in jobs}
    attempts = Attempt.objects.filter(job_id__in=jobs, outcome=End.FAILED)
    for job, at, error in attempts.values_list("job_id", "finished_at", "error"):
        if str(error).startswith(DATABASE_ERRORS):
            found[job].append(at.timestamp())
    return found


def recoveries(facts: Sequence[Fact], runs: dict[int, list[Run]]) -> list[float]:
    """Return the seconds from each kill to the new start of every job it hit."""
    found = []
    for fact in facts:
        for each in runs.values():
            for run, following in itertools.pairwise(each):
                hit = run.pid in fact.pids and run.at <= fact.ended
                if hit and following.at >= fact.began and not run.is_over(fact.began):
                    found.append(following.at - fact.began)
    return found


def resumption(fact: Fact) -> float | None:
    """Return the seconds from the end of a fault to the next end of a job."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(completed_at)) - %s FROM jobs"
            " WHERE completed_at >= to_timestamp(%s)",
            [fact.ended, fact.ended],
        )
        (seconds,) = cursor.fetchone()
    return None if seconds is None else float(seconds)


def is_drained() -> bool:
    """Tell whether no job is left to run."""
    return not Job.objects.filter(status__in=LIVE).exists()


def typical(values: Sequence[float]) -> float | None:
    """Return the median, or None."""
    return round(median(values), 2) if values else None
