"""The figures: which measurements they take, how often, and how they are shown."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tests.bench import (
    cadences,
    endurance,
    history,
    hot,
    measure,
    morning,
    repair,
    schedules,
    statements,
)
from tests.bench.sides import Naive, Ours

PROMISED = 1000.0
"""Milliseconds that a firing may be late at the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: ours beside what it is compared with."""

    figure: str
    unit: str
    ours: Sequence[float]
    naive: Sequence[float]
    beside: str = "naive baseline"

    def as_json(self) -> dict[str, object]:
        """Return medians and their ratio."""
        ours, naive = median(self.ours), median(self.naive)
        return {
            "figure": self.figure,
            "ours": round(ours, 3),
            "naive": round(naive, 3),
            "ratio": round(ours / naive, 3) if naive else None,
            "unit": self.unit,
            "runs": len(self.ours),
            "beside": self.beside,
            "spread": [round(min(self.ours), 3), round(max(self.ours), 3)],
        }


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    runs: int = 5
    quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """Return the size of this run."""
        return quick if self.quick else full

    @property
    def long_runs(self) -> int:
        """How often a figure is taken that lasts long by nature."""
        return min(self.runs, 3)


def single(size: Size) -> Iterator[Figure]:
    """Measure enqueue, one transaction a job."""
    count = size.of(2000, 100)
    pairs = [
        (measure.single(Ours(), count), measure.single(Naive(), count))
        for _ in range(size.runs)
    ]
    yield Figure("single enqueue", "jobs/s", *columns(pairs))


def bulk(size: Size) -> Iterator[Figure]:
    """Measure enqueue, many jobs in one transaction."""
    count = size.of(10_000, 300)
    pairs = [
        (measure.bulk(Ours(), count), measure.bulk(Naive(), count))
        for _ in range(size.runs)
    ]
    yield Figure("bulk enqueue", "jobs/s", *columns(pairs))


def drain(size: Size) -> Iterator[Figure]:
    """Measure a full queue being worked off, and what that costs."""
    pairs = [
        (
            measure.drain(Ours(), size.of(20_000, 1000)),
            measure.drain(Naive(), size.of(3000, 200)),
        )
        for _ in range(size.runs)
    ]
    yield Figure("drain", "jobs/s", *picked(pairs, "rate"))
    yield Figure("commits in a drain", "commits/job", *picked(pairs, "commits"))
    yield Figure("WAL in a drain", "bytes/job", *picked(pairs, "wal"))
    yield Figure("worker memory (PSS)", "MB", *picked(pairs, "memory"))


def pickup(size: Size) -> Iterator[Figure]:
    """Measure how soon an idle worker starts a job."""
    count = size.of(300, 20)
    pairs = [
        (measure.pickup(Ours(), count), measure.pickup(Naive(), count))
        for _ in range(size.long_runs)
    ]
    for point in ("p50", "p95", "p99"):
        yield Figure(f"idle pickup {point}", "ms", *picked(pairs, point))


def steady(size: Size) -> Iterator[Figure]:
    """Measure end to end while a hundred jobs a second come in."""
    seconds = size.of(20, 2)
    pairs = [
        (measure.steady(Ours(), 100, seconds), measure.steady(Naive(), 100, seconds))
        for _ in range(size.long_runs)
    ]
    for point in ("p50", "p99"):
        yield Figure(f"end to end at 100 jobs/s, {point}", "ms", *picked(pairs, point))


def long_history(size: Size) -> Iterator[Figure]:
    """Measure a drain among old and future rows beside one among none."""
    finished, future = size.of(1_000_000, 2000), size.of(100_000, 500)
    pairs = history.drains(
        jobs=size.of(20_000, 500), finished=finished, future=future, runs=size.long_runs
    )
    name = f"drain with {finished:,} finished and {future:,} future rows"
    yield Figure(name, "jobs/s", *columns(pairs), beside="our own empty table")


def hot_key(size: Size) -> Iterator[Figure]:
    """Measure the jobs of one key under a limit of one."""
    rates = [hot.drain(size.of(5000, 200)) for _ in range(size.long_runs)]
    yield Figure("hot key with limit 1", "jobs/s", rates, [0.0], "nothing alike")


def counts(size: Size) -> Iterator[Figure]:
    """Count the statements that run a job, in one process."""
    ours, naive = statements.ours(size.of(5000, 500)), statements.naive(20)
    beside = "naive baseline"
    yield Figure("claims, statements", "a job", [ours.claims], [0.0], "nothing alike")
    yield Figure("settles, statements", "a job", [ours.settles], [naive], beside)
    yield Figure("all statements", "a job", [ours.all], [naive], beside)


def crowds(size: Size) -> Iterator[Figure]:
    """Measure how late a thousand schedules fire that are due at one moment."""
    count, rounds = size.of(1000, 50), size.of(4, 1)
    for beats in (1, 2):
        runs = [
            schedules.crowd(count, beats=beats, rounds=rounds)
            for _ in range(size.long_runs)
        ]
        for point in ("p50", "p99"):
            name = f"{count:,} schedules due at once, {beats} beat(s), late {point}"
            late = [float(getattr(run, point)) for run in runs]
            yield Figure(name, "ms", late, [PROMISED], "the promise")


def ten_minutes(size: Size) -> Iterator[Figure]:
    """Measure a steady load for ten minutes, and what it leaves in the tables."""
    rate, seconds = size.of(200, 50), size.of(600, 6)
    waits, looks, stops = endurance.endure(rate, seconds)
    name, beside = f"{rate} jobs/s for {seconds} s", "nothing alike"
    yield Figure(f"{name}: wait p50", "ms", [waits.p50], [0.0], beside)
    yield Figure(f"{name}: wait p99", "ms", [waits.p99], [0.0], beside)
    yield Figure(
        f"{name}: tables and indexes", "bytes/job",
        [looks.bytes_a_job(1)], [looks.bytes_a_job(0.5)], "half the time",
    )  # fmt: skip
    yield Figure(f"{name}: dead rows at most", "rows", [looks.most_dead], [0.0], beside)
    stood = "the longest enqueue"
    yield Figure(
        f"{name}: longest time without a start",
        "s",
        [stops.starts],
        [stops.enqueue],
        stood,
    )


def letters(size: Size) -> Iterator[Figure]:
    """Measure a bulk replay, what comes in meanwhile, and the pages of dead letters."""
    count, shown = size.of(100_000, 3000), size.of(200_000, 3000)
    idle = measure.pickup(Ours(), size.of(300, 20))
    taken = [repair.replay(count) for _ in range(size.long_runs)]
    name = f"replay of {count:,} dead letters"
    yield Figure(name, "s", [each.seconds for each in taken], [0.0], "nothing alike")
    for point in ("p50", "p99"):
        waits = [getattr(each.meanwhile, point) for each in taken]
        beside = [getattr(idle, point)]
        yield Figure(f"pickup beside it, {point}", "ms", waits, beside, "our own idle")
    for page, one in repair.pages(shown, size.runs).items():
        name = f"dead letters, {page}, {shown:,} open, {one.queries} queries"
        yield Figure(name, "ms", [one.milliseconds], [0.0], "nothing alike")


def sequences(size: Size) -> Iterator[Figure]:
    """Measure cadences: claims beside the seed's, whole steps, the due query."""
    due, crowd = size.of(100_000, 500), size.of(20_000, 400)
    name = f"cadences: {due:,} due runs claimed and handed out"
    took = [cadences.hand_outs(due) for _ in range(size.long_runs)]
    yield Figure(name, "s", took, [30.0], "the promise")
    pairs = [
        (cadences.crowd(crowd, seed=False), cadences.crowd(crowd, seed=True))
        for _ in range(size.long_runs)
    ]
    name, beside = "cadences: claims, four runners", "the seed, row by row"
    yield Figure(name, "claims/s", *columns(pairs), beside=beside)
    waiting = size.of(1_000_000, 5000)
    name = f"cadences: due query among {waiting:,} runs"
    yield Figure(name, "ms", [cadences.due_query(waiting, 20)], [5.0], "the promise")
    steps = [cadences.steps(size.of(3000, 100)) for _ in range(size.long_runs)]
    name = "cadences: whole steps, 2 processes × 8 hands, 50 ms"
    rates = [each.rate for each in steps]
    yield Figure(name, "steps/s", rates, [80.0], "the promise")
    most = [float(each.most) for each in steps]
    name = "cadences: messages of one step, at most"
    yield Figure(name, "messages", most, [1.0], "the promise")
    memory = [each.memory for each in steps]
    name = "cadences: largest worker process (RSS)"
    yield Figure(name, "MB", memory, [300.0], "the promise")


def six_o_clock(size: Size) -> Iterator[Figure]:
    """Measure the cache, and stores that are all due at once; 20 s are 0.2 s here."""
    count, seconds = size.of(10_000, 100), 0.2
    name, beside = f"stores: one of {count:,} entries read, p95", "the promise"
    alone = morning.reads(count, size.of(2000, 50))
    yield Figure(name, "ms", [quantiles(alone, n=20)[-1]], [30.0], beside)
    found = morning.morning(count, seconds)
    for what, unit, value, promise in (
        ("asked for", "s", found.enqueued, 10.0),
        ("foretold", "s", found.foretold, found.took),
        ("forecast off by", "%", found.off, 10.0),
        ("longest wait, in medians of its class", "×", found.worst, 2.0),
        ("read meanwhile, p95", "ms", found.read_p95, 30.0),
    ):
        name = f"stores: {count:,} due at once, {what}"
        yield Figure(name, unit, [value], [promise], beside)


FIGURES: dict[str, Callable[[Size], Iterator[Figure]]] = {
    "single": single,
    "bulk": bulk,
    "drain": drain,
    "pickup": pickup,
    "steady": steady,
    "history": long_history,
    "hot": hot_key,
    "letters": letters,
    "statements": counts,
    "schedules": crowds,
    "endurance": ten_minutes,
    "cadences": sequences,
    "stores": six_o_clock,
}


def columns(
    pairs: Sequence[tuple[float, float]],
) -> tuple[list[float], list[float]]:
    """Return all of ours and all of the other's."""
    return [ours for ours, _ in pairs], [other for _, other in pairs]


def picked(
    pairs: Sequence[tuple[object, object]], name: str
) -> tuple[list[float], list[float]]:
    """Return one attribute of all of ours and of all of the other's."""
    return columns([(getattr(a, name), getattr(b, name)) for a, b in pairs])
