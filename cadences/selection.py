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
from cadences.models import Run
from cadences.states import LIVE, ExitReason, PauseReason, RunStatus

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


@dataclass(frozen=True, slots=True)
class Runs:
    """Some runs, told by words; an empty word is any. Raises UnknownSelection."""

    status: str = ""
    cadence: UUID | None = None
    reason: str = ""
    """A word of a pause or an end, after what it is of: `paused:manual`."""
    next: str = ""
    lead: UUID | None = None
    upto: datetime | None = None
    """Nothing that began later."""

    @classmethod
    def read(cls, words: Mapping[str, Any]) -> Self:
        """Return what those words mean; others are none of ours."""
        found = {each.name: words.get(each.name) or "" for each in fields(cls)}
        told = cls(
            status=found["status"], reason=found["reason"], next=found["next"],
            cadence=_key(found["cadence"]), lead=_key(found["lead"]),
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
        if self.cadence is not None:
            found &= Q(cadence=self.cadence)
        if self.lead is not None:
            found &= Q(lead=self.lead)
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
