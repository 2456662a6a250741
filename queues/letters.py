"""Which dead letters are meant: a selection that is shown, counted, sent and stored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from queues.errors import InvalidSelection
from queues.handlers import registry
from queues.models import DeadLetter, LetterBulk
from queues.models.job import LARGEST_ID
from queues.scopes import Scope

OPEN, DISMISSED, REPLAYED = "open", "dismissed", "replayed"
STATES = {
    OPEN: Q(replayed_at=None, dismissed_at=None),
    DISMISSED: Q(replayed_at=None, dismissed_at__isnull=False),
    REPLAYED: Q(replayed_at__isnull=False),
}
BULK_TYPES = {verb: f"bulk-{verb}" for verb in LetterBulk.Verb.values}
"""Verb to job type. Their own letters are dealt with one by one, never in bulk."""
MOST_IDS = 1000
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Letters by what they have in common; every word narrows, none is all."""

    state: str = ""
    fingerprint: UUID | None = None
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""
    ids: tuple[int, ...] = ()
    bulk: int | None = None
    upto: int | None = None
    """None that is younger than this letter."""
    scope: tuple[tuple[str, str], ...] | None = None
    """Types, or beginnings with a *, and queues: what whoever asks may touch."""

    def letters(self) -> QuerySet[DeadLetter]:
        """Return the letters that match now, in no order."""
        found = STATES.get(self.state, Q())
        for name, value in (
            ("fingerprint", self.fingerprint),
            ("type", self.type),
            ("created_at__gte", self.since),
            ("created_at__lt", self.until),
            ("pk__in", self.ids),
            ("bulk", self.bulk),
            ("pk__lte", self.upto),
        ):
            if value:
                found &= Q(**{name: value})
        if self.search:
            found &= _holding(self.search)
        if self.scope is not None:
            found &= _within(self.scope)
        return DeadLetter.objects.filter(found)

    def for_bulk(self, verb: str) -> Self:
        """Return the same, narrowed to the letters that the verb can act on."""
        if verb == LetterBulk.Verb.RESTORE:
            return replace(self, state=DISMISSED)
        if verb == LetterBulk.Verb.REPLAY and self.state == DISMISSED:
            return self
        return replace(self, state=OPEN)

    def words(self) -> dict[str, Any]:
        """Return what narrows, as JSON: `read` gives it back."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: _word(value)
            for name, value in told.items()
            if value or (name == "scope" and value is not None)
        }

    @classmethod
    def read(cls, words: Mapping[str, Any]) -> Self:
        """Return the selection that the words of a query or a stored one name.

        Words that are unknown or empty say nothing. Raises InvalidSelection.
        """
        known = {field.name for field in fields(cls)} & words.keys()
        return cls(
            **{
                name: READ[name](words[name])
                for name in known
                if words[name] or name == "scope"
            }
        )


def eligible(selection: Selection, verb: str) -> QuerySet[DeadLetter]:
    """Return the letters of the selection that a bulk of that verb takes on."""
    letters = selection.for_bulk(verb).letters()
    return letters.exclude(type__in=BULK_TYPES.values())


def _word(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case tuple():
            return [_word(each) for each in value]
        case _:
            return value


def _state(word: object) -> str:
    if word not in STATES:
        raise InvalidSelection(f"Unknown state of letters: {word}")
    return str(word)


def _fingerprint(word: object) -> UUID:
    try:
        return UUID(str(word))
    except ValueError:
        raise InvalidSelection(f"Not a fingerprint: {word}") from None


def _moment(word: object) -> datetime:
    """Read a date or a moment; without an offset it is of the current zone."""
    try:
        found = parse_datetime(str(word))
        if found is None and (day := parse_date(str(word))):
            found = datetime.combine(day, datetime.min.time())
    except ValueError:
        found = None
    if found is None:
        raise InvalidSelection(f"Not a date and time: {word}")
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _text(word: object) -> str:
    text = str(word).strip()
    if len(text) > LONGEST_SEARCH or "\x00" in text:
        raise InvalidSelection(f"Search for at most {LONGEST_SEARCH} characters")
    return text


def _number(word: object) -> int:
    text = str(word)
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004
        raise InvalidSelection(f"Not a number: {word}")
    return int(text)


def _numbers(word: object) -> tuple[int, ...]:
    each = word.split(",") if isinstance(word, str) else word
    if not isinstance(each, list | tuple) or len(each) > MOST_IDS:
        raise InvalidSelection(f"Choose at most {MOST_IDS} letters one by one")
    return tuple(sorted(set(map(_number, each))))


def _scope(word: object) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(word, list | tuple):
        return None
    return tuple((str(type_), str(queue)) for type_, queue in word)


def _holding(text: str) -> Q:
    """Match the reason or the type; a number is that of a job, too."""
    number = text.removeprefix("#")
    like = [each.name for each in registry if text.lower() in each.name.lower()]
    found = Q(reason__icontains=text) | Q(type__in=[text, *like])
    if number.isascii() and number.isdigit():
        job = Q(job=min(int(number), LARGEST_ID))
        return job if text.startswith("#") else job | found
    return found


def _within(scopes: tuple[tuple[str, str], ...]) -> Q:
    found = Q(pk__in=[])
    for type_, queue in scopes:
        found |= Scope(type_, queue).narrow("type", "job__queue")
    return found


READ: dict[str, Any] = {
    "state": _state,
    "fingerprint": _fingerprint,
    "type": _text,
    "since": _moment,
    "until": _moment,
    "search": _text,
    "ids": _numbers,
    "bulk": _number,
    "upto": _number,
    "scope": _scope,
}
