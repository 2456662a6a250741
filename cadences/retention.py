"""The tables that may be cleaned, and what in them is old."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from cadences.models import Conversation, EnrollmentRow, Message


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A table whose old rows may be deleted; `when` says by which column."""

    rows: QuerySet[Any]
    when: str
    only: Q
    """A row must match this as well; it is looked at again under the row's lock."""


_tables: dict[str, Cleaned] = {}


def register(
    table: str, rows: QuerySet[Any], *, when: str = "created_at", only: Q | None = None
) -> None:
    """Allow old rows of a table to be deleted.

    Tables are cleaned in the order of their registration: those that refer to
    others come before them.
    """
    _tables[table] = Cleaned(rows, when, only or Q())


def tables() -> dict[str, Cleaned]:
    """Return what may be cleaned, by the name of its table, in the order to do it."""
    return dict(_tables)


register("messages", Message.objects.all())
# One that still has messages is not over, however long ago it began.
register("conversations", Conversation.objects.all(), only=Q(messages__isnull=True))
# What a list told of people is needed until somebody has looked at the result.
register(
    "enrollment_rows",
    EnrollmentRow.objects.all(),
    when="batch__created_at",
    only=Q(result__isnull=False),
)
