"""The result of a chaos run, as JSON lines, as text and as Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from queues.invariants import violations
from tests import report
from tests.chaos import firings, verdict
from tests.chaos.facts import Fact, Harm
from tests.chaos.jobs import POISON, SEATS
from tests.chaos.scenarios import Chaos
from tests.chaos.story import story
from tests.chaos.writer import SLOW

HEAD = ("scenario", "times", "jobs hit", "running again after (s), median", "at most")


@dataclass(frozen=True, slots=True)
class Scene:
    """One kind of fault over the whole run."""

    name: str
    times: int
    hit: int
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that is shown, and what was violated."""

    scenes: list[Scene]
    verdict: verdict.Verdict
    firings: list[firings.Firings]
    violations: list[str]
    totals: dict[str, object]

    @classmethod
    def of(cls, chaos: Chaos, *, drained: bool, seconds: float) -> Self:
        """Judge a run that is over."""
        acknowledged = chaos.writer.acknowledged | chaos.caller.acknowledged
        found = verdict.judge(acknowledged, chaos.facts)
        fired = list(firings.judge(chaos.facts))
        pills = sum(kind == POISON for kind in acknowledged.values())
        most, of_key = verdict.crowds()
        twice = verdict.repeated_requests()
        return cls(
            scenes=list(_scenes(chaos.facts, found)),
            verdict=found,
            firings=fired,
            violations=[
                *chaos.broken,
                *_violations(found, fired, pills=pills, drained=drained),
                *_excess(most, of_key, twice),
                *(f"invariant {name}: {rows}" for name, rows in violations()),
            ],
            totals={
                "seconds": round(seconds),
                "enqueued": found.enqueued,
                "acknowledged": len(acknowledged),
                "of these over HTTP": len(chaos.caller.acknowledged),
                "asked again over HTTP": chaos.caller.refused,
                "requests that made two jobs": twice,
                f"at once under a limit of {SEATS}, at most": most,
                "refused while the database was away": chaos.writer.refused,
                "slowest enqueue (s)": _slowest(chaos),
                "completed": found.completed,
                "dead": found.dead,
                "poison pills": pills,
                "hit by three kills": len(found.victims),
                "lost": len(found.lost),
                "started again": len(found.doubles),
                "of these unexplained": len(found.unexplained),
                "processes killed": _killed(chaos.facts),
            },
        )

    def lines(self) -> Iterator[dict[str, object]]:
        """Yield a JSON object a scenario, a schedule, and the totals."""
        for scene in self.scenes:
            yield {
                "scenario": scene.name,
                "times": scene.times,
                "jobs_hit": scene.hit,
                "recovery_p50": verdict.typical(scene.seconds),
                "recovery_max": round(max(scene.seconds), 2) if scene.seconds else None,
            }
        for each in self.firings:
            yield {
                "schedule": each.name, "due": each.due, "fired": each.fired,
                "jobs": each.jobs, "missed_excused": len(each.excused),
                "missed": len(each.missed), "latest_s": round(each.latest, 2),
            }  # fmt: skip
        for double in self.verdict.doubles:
            yield {"doubled": double.job, "pid": double.pid, "reason": double.reason}
        yield {"total": self.totals, "violations": self.violations}

    def text(self) -> str:
        """Return the tables for a terminal."""
        ending = "\n".join(self.violations) or "No promise was broken."
        return "\n\n".join([*(report.table(*each) for each in self._tables()), ending])

    def write(self, path: Path) -> None:
        """Write the tables into a document."""
        facts = "\n".join(f"* {line}" for line in report.machine())
        tables = "\n\n".join(report.markdown(*each) for each in self._tables())
        ending = "\n".join(f"* {each}" for each in self.violations)
        ending = ending or "No promise was broken."
        report.write(path, "chaos", f"{facts}\n\n{tables}\n\n{ending}")

    def _tables(self) -> Iterator[tuple[tuple[str, ...], list[list[str]]]]:
        yield ("counted", ""), [[key, str(value)] for key, value in self.totals.items()]
        yield HEAD, [_row(scene) for scene in self.scenes]
        yield (
            ("started again because", "jobs"),
            [[reason, str(count)] for reason, count in self.verdict.reasons.items()],
        )
        yield (
            ("schedule", "due", "fired", "jobs", "missed in an outage", "missed", "latest (s)"),
            [
                [
                    each.name, str(each.due), str(each.fired), str(each.jobs),
                    str(len(each.excused)), str(len(each.missed)), f"{each.latest:.2f}",
                ]
                for each in self.firings
            ],
        )  # fmt: skip


def _row(scene: Scene) -> list[str]:
    shown = [
        f"{verdict.typical(scene.seconds)}",
        f"{max(scene.seconds, default=0):.2f}",
    ]
    return [
        scene.name, str(scene.times), str(scene.hit),
        *(shown if scene.seconds else ["", ""]),
    ]  # fmt: skip


def _scenes(facts: list[Fact], found: verdict.Verdict) -> Iterator[Scene]:
    for name in dict.fromkeys(fact.scenario for fact in facts):
        same = [fact for fact in facts if fact.scenario == name]
        if same[0].pids:
            seconds = verdict.recoveries(same, found.runs)
            yield Scene(name, len(same), len(seconds), seconds)
        else:
            ends = [verdict.resumption(fact) for fact in same]
            hit = sum((each.reason or "").startswith(name) for each in found.doubles)
            yield Scene(
                name, len(same), hit, [each for each in ends if each is not None]
            )


def _violations(
    found: verdict.Verdict, fired: list[firings.Firings], *, pills: int, drained: bool
) -> Iterator[str]:
    if not drained:
        yield f"not everything came to rest: {verdict.restless()}"
    if found.lost:
        yield f"{len(found.lost)} jobs lost: {found.lost[:20]}"
    if found.strangers:
        yield f"{len(found.strangers)} jobs died that were no poison: {found.strangers[:20]}"
    if found.pills != pills:
        yield f"{pills} poison pills, {found.pills} died"
    if found.bereft:
        yield f"jobs lost a process that nobody killed: {found.bereft[:20]}"
        yield from story(found.bereft[0])
    yield from _unexplained(found.unexplained)
    for each in fired:
        if not each.is_exact:
            yield f"{each.name}: {len(each.missed)} due times missed, {each.missed[:20]}"


def _unexplained(doubles: list[verdict.Double]) -> Iterator[str]:
    jobs = list(dict.fromkeys(each.job for each in doubles))[:20]
    if jobs:
        yield f"{len(doubles)} starts repeated without a reason: jobs {jobs}"
    for job in jobs:
        yield from story(job)


def _excess(most: int, of_key: int, twice: int) -> Iterator[str]:
    if most > SEATS:
        yield f"{most} jobs at once under a limit of {SEATS}"
    if of_key > 1:
        yield f"{of_key} jobs at once of a key that allows one"
    if twice:
        yield f"{twice} requests made more than one job"


def _slowest(chaos: Chaos) -> str:
    """Return the longest that a door took, and which fault it met."""
    began, seconds = max(
        chaos.writer.slow, key=lambda each: each[1], default=(0.0, 0.0)
    )
    names = {
        fact.scenario
        for fact in chaos.facts
        if fact.began <= began + seconds and began <= fact.ended + verdict.SLACK
    }
    return f"{seconds:.2f} {', '.join(sorted(names))}" if seconds else f"under {SLOW}"


def _killed(facts: list[Fact]) -> int:
    alone = {"beat killed", "web killed", "third beat came and was killed"}
    others = sum(fact.scenario in alone for fact in facts)
    return others + sum(len(fact.pids) for fact in facts if fact.harm is Harm.KILL)
