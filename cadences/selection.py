"""Which runs are meant: words that a list, a link and an order over many share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from cadences import clock
from cadences.errors import UnknownSelection
from cadences.models import Run, Step
from cadences.states import LIVE, ExitReason, Medium, PauseReason, RunStatus

PAUSED, ENDED = "paused", "ended"
"""What a reason is of: a pause and an end share some words."""
NEXT = {
    "now": timedelta(),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "3days": timedelta(days=3),
    "week": timedelta(days=7),
}
"""By when the next step is planned."""
LATE = timedelta(minutes=15)
"""From when on a step that is due stays behind: a pass comes every five minutes."""
WRONG = (
    PauseReason.ERRORS, PauseReason.MISSING_DATA, PauseReason.UNKNOWN_SEND,
    PauseReason.LATE, PauseReason.MAYBE_OPT_OUT, PauseReason.AMBIGUOUS,
    PauseReason.NO_OPENING,
)  # fmt: skip
"""Pauses that somebody has to look at."""
DIGITS = 10


@dataclass(frozen=True, slots=True)
class Runs:
    """Some runs, told by words; an empty word is any. Raises UnknownSelection."""

    status: str = ""
    cadence: UUID | None = None
    reason: str = ""
    """A word of a pause or an end, after what it is of: `paused:manual`."""
    next: str = ""
    lead: UUID | None = None
    version: int | None = None
    """The key of a version."""
    step: int | None = None
    """The place of the step that comes."""
    medium: str = ""
    """The channel of the step that comes."""
    owner: int | None = None
    """Whose leads."""
    stuck: str = ""
    """Whatever it says: late, or paused because something is wrong."""
    upto: datetime | None = None
    """Nothing that began later."""

    @classmethod
    def read(cls, words: Mapping[str, Any]) -> Self:
        """Return what those words mean; others are none of ours."""
        found = {each.name: words.get(each.name) or "" for each in fields(cls)}
        told = cls(
            status=found["status"], reason=found["reason"], next=found["next"],
            cadence=_key(found["cadence"]), lead=_key(found["lead"]),
            version=_number(found["version"]), step=_number(found["step"]),
            owner=_number(found["owner"]), medium=found["medium"],
            stuck=found["stuck"],
            upto=_moment(found["upto"]),
        )  # fmt: skip
        told.condition()
        return told

    def words(self) -> dict[str, str]:
        """Return the words that `read` understands; those that narrow."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.upto is not None:
            found["upto"] = self.upto.isoformat()
        return {name: str(value) for name, value in found.items() if value}

    def until(self, moment: datetime) -> Self:
        """Return the same, without what begins later."""
        return replace(self, upto=self.upto or moment)

    def rows(self) -> QuerySet[Run]:
        """Return the runs that are meant."""
        return Run.objects.filter(self.condition())

    def condition(self) -> Q:
        """Return what the runs have in common."""
        found = _of_status(self.status) & _of_reason(self.reason) & _of_next(self.next)
        columns = {
            "cadence": self.cadence, "lead": self.lead, "version": self.version,
            "next_step": self.step, "lead__owner": self.owner,
        }  # fmt: skip
        found &= Q(**{name: value for name, value in columns.items() if value})
        found &= _of_medium(self.medium)
        if self.stuck:
            found &= _stuck()
        if self.upto is not None:
            found &= Q(started_at__lte=self.upto)
        return found


def _of_status(word: str) -> Q:
    if word == "live":
        return Q(status__in=LIVE)
    if word and word not in RunStatus.values:
        raise UnknownSelection(f"Unknown status: {word}")
    return Q(status=word) if word else Q()


def _of_reason(word: str) -> Q:
    kind, _, reason = word.partition(":")
    if kind == PAUSED and reason in PauseReason.values:
        return Q(status=RunStatus.PAUSED, pause_reason=reason)
    if kind == ENDED and reason in ExitReason.values:
        return Q(exit_reason=reason)
    if word:
        raise UnknownSelection(f"Unknown reason: {word}")
    return Q()


def _of_next(word: str) -> Q:
    if not word:
        return Q()
    if word not in NEXT:
        raise UnknownSelection(f"Unknown span: {word}")
    return Q(status=RunStatus.ACTIVE, next_run_at__lte=clock.now() + NEXT[word])


def _of_medium(word: str) -> Q:
    if word and word not in Medium.values:
        raise UnknownSelection(f"Unknown channel: {word}")
    keys = Step.objects.filter(kind=Step.Kind.MESSAGE, medium=word).values("key")
    return Q(next_step_key__in=keys) if word else Q()


def _stuck() -> Q:
    late = Q(status=RunStatus.ACTIVE, next_run_at__lt=clock.now() - LATE)
    return late | Q(status=RunStatus.PAUSED, pause_reason__in=WRONG)


def _number(word: Any) -> int | None:
    if not word or isinstance(word, int):
        return word or None
    if not (str(word).isascii() and str(word).isdecimal() and len(str(word)) < DIGITS):
        raise UnknownSelection(f"Not a number: {word}")
    return int(word)


def _key(word: Any) -> UUID | None:
    try:
        return UUID(str(word)) if word else None
    except ValueError:
        raise UnknownSelection(f"Not an id: {word}") from None


def _moment(word: Any) -> datetime | None:
    if not word or isinstance(word, datetime):
        return word or None
    found = _parsed(str(word))
    if found is None or found.tzinfo is None:
        raise UnknownSelection(f"Not a moment: {word}")
    return found


def _parsed(word: str) -> datetime | None:
    try:
        return parse_datetime(word)
    except ValueError:
        return None
