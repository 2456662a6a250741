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
from tests.chaos.jobs import DEATHS, POISON, SEAT
from tests.shop.models import Entry

DATABASE_ERRORS = ("OperationalError", "InterfaceError", "InternalError")
PLANNED = "Planned"
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
    pills: int
    """Poison that died as it should."""
    victims: list[int]
    """Dead jobs that lost as many processes to the faults as poison needs."""
    strangers: list[int]
    """Dead jobs that were neither."""
    doubles: list[Double]
    bereft: list[int]
    """Jobs that lost a process which nobody killed or stopped."""
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
    victims = _victims(dead - pills, facts)
    return Verdict(
        enqueued=len(wanted),
        completed=len(good),
        dead=len(dead),
        lost=sorted(wanted - good - dead),
        pills=len(dead & pills),
        victims=sorted(victims),
        strangers=sorted(dead - pills - victims),
        doubles=list(doubles(runs, [*facts, *deaths])),
        bereft=_bereft([*facts, *deaths]),
        runs=runs,
    )


def _victims(dead: set[int], facts: Sequence[Fact]) -> set[int]:
    """Return the jobs in whose middle a process was killed once too often."""
    hits = Counter(job for job, is_hit in _losses(facts) if is_hit and job in dead)
    return {job for job, count in hits.items() if count >= DEATHS}


def _bereft(facts: Sequence[Fact]) -> list[int]:
    return sorted({job for job, is_hit in _losses(facts) if not is_hit})


def _losses(facts: Sequence[Fact]) -> Iterator[tuple[int, bool]]:
    """Yield the job of each lost attempt, and whether a fault hit its process."""
    lost = Attempt.objects.filter(outcome=End.LOST)
    for job, pid, at in lost.values_list("job_id", "worker__pid", "claimed_at"):
        yield job, any(fact.hit(pid, at.timestamp()) for fact in facts)


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
    failed = _failed(repeated, DATABASE_ERRORS)
    planned = _failed(repeated, (PLANNED,))
    for job, each in repeated.items():
        for run, following in itertools.pairwise(each):
            reason = _reason(run, following, facts, failed[job])
            if any(run.at <= moment <= following.at for moment in planned[job]):
                reason = "retry storm: it failed, as planned"
            yield Double(job, run.pid, reason)


def _reason(
    run: Run, following: Run, facts: Sequence[Fact], failed: Sequence[float]
) -> str | None:
    for fact in facts:
        if fact.hit(run.pid, run.at) and fact.began <= following.at:
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


def _failed(
    jobs: dict[int, list[Run]], names: tuple[str, ...]
) -> dict[int, list[float]]:
    """Return when each job failed by an error of one of these names."""
    found: dict[int, list[float]] = {job: [] for job in jobs}
    attempts = Attempt.objects.filter(job_id__in=jobs, outcome=End.FAILED)
    for job, at, error in attempts.values_list("job_id", "finished_at", "error"):
        if str(error).startswith(names):
            found[job].append(at.timestamp())
    return found


def recoveries(facts: Sequence[Fact], runs: dict[int, list[Run]]) -> list[float]:
    """Return the seconds from each kill to the new start of every job it hit."""
    found = []
    for fact in facts:
        for each in runs.values():
            for run, following in itertools.pairwise(each):
                hit = fact.hit(run.pid, run.at)
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


def crowds() -> tuple[int, int]:
    """Return how many seats were held at once at most, and how many of one key."""
    with connection.cursor() as cursor:
        cursor.execute(CROWDS.format(partition=""), [SEAT])
        (of_all,) = cursor.fetchone()
        cursor.execute(CROWDS.format(partition="PARTITION BY limit_key"), [SEAT])
        (of_key,) = cursor.fetchone()
    return of_all or 0, of_key or 0


# A place is held from the claim to the end of the attempt.
CROWDS = """
WITH held AS (
    SELECT limit_key, claimed_at, finished_at
    FROM job_attempts JOIN jobs ON jobs.id = job_id WHERE limit_name = %s
), turn AS (
    SELECT limit_key, claimed_at AS moment, 1 AS change FROM held
    UNION ALL SELECT limit_key, finished_at, -1 FROM held WHERE finished_at IS NOT NULL
)
SELECT max(inside) FROM (
    SELECT sum(change) OVER ({partition} ORDER BY moment, change) AS inside
    FROM turn) AS crowd
"""


def repeated_requests() -> int:
    """Count the requests of careful clients that made more than one job."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM jobs WHERE payload ? 'key'"
            " GROUP BY payload->'key' HAVING count(*) > 1) AS twice"
        )
        (count,) = cursor.fetchone()
    return int(count)


def left() -> int:
    """Count the jobs that are left to run."""
    return Job.objects.filter(status__in=LIVE).count()


def restless() -> str:
    """Tell what is left to run."""
    kinds = Job.objects.filter(status__in=LIVE).values_list("type", "status")
    counts = Counter(" ".join(kind) for kind in kinds)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def typical(values: Sequence[float]) -> float | None:
    """Return the median, or None."""
    return round(median(values), 2) if values else None
