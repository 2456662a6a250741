"""One order over many runs: a job that goes through them, whatever dies on the way."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from cadences import clock
from cadences.errors import CadenceError, Conflict, NothingSelected
from cadences.migrate import BEHIND, move
from cadences.models import Run
from cadences.pause import cancel, pause, resume_run, run_now, skip_step
from cadences.selection import Runs
from cadences.states import LIVE, RunStatus
from queues.audit import record, whoever
from queues.enqueue import enqueue
from queues.models import Job

BULK = "cadence-bulk"
PAGE = 100
VERBS: dict[str, Callable[..., Run]] = {
    "pause": pause,
    "resume": resume_run,
    "cancel": cancel,
    "skip": skip_step,
    "hurry": run_now,
    "migrate": move,
}
ACTIVE = Q(status=RunStatus.ACTIVE)
MEANT: dict[str, Q] = {
    "pause": ACTIVE,
    "resume": Q(status=RunStatus.PAUSED),
    "cancel": Q(status__in=LIVE),
    "skip": ACTIVE,
    "hurry": ACTIVE,
    "migrate": BEHIND,
}
"""The runs of a selection that a verb can do anything to."""
ONCE = frozenset({"skip", "hurry"})
"""Verbs that would do more if a crash made them come twice to the same run."""
ENOUGH = 100_000
"""Runs that a preview counts."""

Page = list[tuple[str, int]]


@dataclass(slots=True)
class Tally:
    """How far an order has come; what is JSON of it is the job's checkpoint."""

    after: str | None = None
    page: Page = field(default_factory=list)
    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, checkpoint: object) -> "Tally":
        """Return the tally that a checkpoint holds, or a fresh one."""
        if not isinstance(checkpoint, dict):
            return cls()
        page = [(str(key), int(version)) for key, version in checkpoint["page"]]
        refused: Counter[str] = Counter(checkpoint["refused"])
        return cls(checkpoint["after"], page, checkpoint["done"], refused)

    def told(self) -> dict[str, Any]:
        """Return the checkpoint."""
        return {
            "after": self.after,
            "page": self.page,
            "done": self.done,
            "refused": dict(self.refused),
        }


def count(verb: str, selection: Runs) -> int:
    """Return how many runs the order would come to; beyond ENOUGH it stops counting."""
    return _meant(verb, selection)[:ENOUGH].count()


def _meant(verb: str, selection: Runs) -> QuerySet[Run]:
    return selection.rows().filter(MEANT[verb])


@transaction.atomic
def begin(
    verb: str, selection: Runs, *, token: UUID, reason: str = "", **answers: str
) -> Job:
    """Write the job of an order and one audit row; the same token again is the same.

    Runs that begin later are not meant. The verb is told the answers by their names.
    Raises NothingSelected.
    """
    key = f"{BULK}:{token}"
    if known := Job.objects.filter(type=BULK, unique_key=key).order_by("-pk").first():
        return known
    pinned = selection.until(clock.now())
    if not (total := count(verb, pinned)):
        raise NothingSelected("No run matches any more")
    record(
        f"run.{verb}", label=BULK, reason=reason,
        after={"selection": pinned.words(), **answers}, count=total,
    )  # fmt: skip
    data = {
        "verb": verb, "selection": pinned.words(), "actor": whoever().name,
        "total": total, "answers": answers,
    }  # fmt: skip
    return enqueue(BULK, data, priority=3, unique_key=key, source="admin")


def go_on(
    verb: str, selection: Runs, tally: Tally, *, actor: str, **answers: str
) -> Iterator[None]:
    """Apply a verb page by page; stop after each step that has to be remembered.

    A page is remembered before it is touched, with the version of each run, so
    whoever comes again after a crash does nothing twice.
    """
    told: dict[str, Any] = {"actor": actor, **answers}
    if verb == "migrate":
        told["upto"] = selection.upto
    while True:
        if not tally.page:
            tally.page = _next_page(verb, selection, tally.after)
            if not tally.page:
                return
            yield
        for key, version in tally.page:
            _apply(verb, key, version, tally, told)
        tally.after, tally.page = tally.page[-1][0], []
        yield


def _next_page(verb: str, selection: Runs, after: str | None) -> Page:
    rows = _meant(verb, selection)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = rows.order_by("pk").values_list("pk", "row_version")[:PAGE]
    return [(str(key), version) for key, version in found]


def _apply(
    verb: str, key: str, version: int, tally: Tally, told: dict[str, Any]
) -> None:
    options = {"row_version": version} if verb in ONCE else {}
    try:
        VERBS[verb](UUID(key), **told, **options)
    except Conflict:
        tally.refused["changed"] += 1
    except CadenceError as error:
        tally.refused[str(error)] += 1
    else:
        tally.done += 1
