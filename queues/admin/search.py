"""What staff type into a search box: numbers, words, and `field:value`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, Lookup, Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from queues.handlers import registry
from queues.models import DeadLetter
from queues.models.job import LARGEST_ID
from queues.states import State

TERM = re.compile(r'(?:([A-Za-z_][\w.]*):)?(?:"([^"]*)"?|(\S+))')
IN_PAYLOAD = "payload."
NEWEST = 3000
"""Dead letters in which a text is looked for one by one."""


class Holds(Lookup):
    """A text holds another, in whatever case: as the index over the dead has it."""

    lookup_name = "holds"

    def get_prep_lookup(self) -> str:
        """Return the pattern, in which nothing of the text is a sign of its own."""
        escaped = re.sub(r"([%_\\])", r"\\\1", self.rhs)
        return f"%{escaped}%"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the comparison."""
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", [*left_values, *right_values]


def number_in(term: str) -> int | None:
    """Return the job's number, with or without its #; None if it is none."""
    number = term.removeprefix("#")
    if number.isascii() and number.isdigit():
        return min(int(number), LARGEST_ID)
    return None


def types_like(term: str) -> list[str]:
    """Return the term itself and every registered type that contains it."""
    found = [each.name for each in registry if term.lower() in each.name.lower()]
    return [term, *found]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for.

    `leads` are conditions that each have an index and, of the jobs wanted, find a
    part: the dead ones by their text, and those whose unique key begins so.
    """

    found: Q
    leads: tuple[Q, ...] = ()
    has_index: bool = True


def wanted(text: str) -> Wanted:
    """Return what the text asks for; its words and fields must all be met."""
    found, texts, has_index = Q(), [], True
    for field, quoted, bare in TERM.findall(text.strip()):
        value = quoted or bare
        if field in FIELDS:
            found &= FIELDS[field](value)
            if field in TEXTS:
                texts.append(FIELDS[field](value))
        elif field.startswith(IN_PAYLOAD):
            found &= _member(field.removeprefix(IN_PAYLOAD), value)
        elif not field and (number := number_in(value)) is not None:
            found &= Q(pk=number)
        else:
            word = f"{field}:{value}" if field else value
            found &= _anywhere(word)
            texts.append(_in_payload(word) | _in_error(word))
            has_index = False
    return Wanted(found, _leads(text.strip(), texts), has_index and not texts)


def _leads(text: str, texts: list[Q]) -> tuple[Q, ...]:
    """Return the ways to matches that an index knows, wherever they lie."""
    if not texts:
        return ()
    dead = Q(status=State.FAILED)
    for each in texts:
        dead &= each
    # A frequent text is soon found among the newest; of a rare one the index finds all.
    letters = DeadLetter.objects.filter(replayed_at=None).order_by("-pk")
    newest = Q(pk__in=letters.values("job")[:NEWEST])
    leads = (newest & dead, dead)
    is_word = text and " " not in text
    return (Q(unique_key__startswith=text), *leads) if is_word else leads


def _anywhere(word: str) -> Q:
    named = Q(Holds(F("type"), word)) | Q(unique_key__startswith=word)
    return named | _in_payload(word) | _in_error(word)


def _in_payload(word: str) -> Q:
    return Q(Holds(Cast("payload", TextField()), word))


def _in_error(word: str) -> Q:
    return Q(Holds(F("error"), word))


def _member(path: str, value: str) -> Q:
    """Return that a member of the payload is this text, or this number or word."""
    told: Any = {"true": True, "false": False, "null": None}.get(value, value)
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        told = float(value) if "." in value else int(value)
    found = Q()
    for each in (value, told):
        document: Any = each
        for name in reversed(path.split(".")):
            document = {name: document}
        found |= Q(payload__contains=document)
    return found


def _id(value: str) -> Q:
    number = number_in(value)
    return Q(pk__in=[]) if number is None else Q(pk=number)


def _number(column: str) -> Callable[[str], Q]:
    def condition(value: str) -> Q:
        number = number_in(value)
        return Q(pk__in=[]) if number is None else Q(**{column: number})

    return condition


def _owner(value: str) -> Q:
    people = get_user_model().objects.filter(
        Q(username__iexact=value) | Q(email__iexact=value)
    )
    return Q(owner__in=list(people.values_list("pk", flat=True)[:10]))


FIELDS: dict[str, Callable[[str], Q]] = {
    "id": _id,
    "type": lambda value: Q(type__in=types_like(value)),
    "queue": lambda value: Q(queue=value),
    "status": lambda value: Q(status=value.lower()),
    "priority": _number("priority"),
    "key": lambda value: Q(unique_key__startswith=value),
    "owner": _owner,
    "source": lambda value: Q(source=value),
    "batch": _number("batch"),
    "payload": _in_payload,
    "error": _in_error,
}
TEXTS = frozenset({"payload", "error"})
"""Fields that are searched as text; the dead have an index for it."""

EXAMPLES = (
    ("#1042", _("the job of that number")),
    ("timeout", _("in type, key, payload or error")),
    ("type:send-receipt error:timeout", _("a type whose last error says so")),
    ("key:order:7", _("the beginning of a unique key")),
    ("payload.order_id:7", _("a member of the payload")),
    ('owner:ana "card declined"', _("of a person, with these words in a row")),
)
"""What the page shows under the search box."""
