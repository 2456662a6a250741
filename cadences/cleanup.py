"""Delete rows that are past their time, in small batches."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from cadences.retention import Cleaned, tables

BATCH = 1000
"""Rows a transaction: short enough that nobody waits for one."""


def cleanup(table: str, *, older_than: datetime) -> Iterator[int]:
    """Delete the rows of a table from before that moment; yield each batch's count.

    The table must be one of `retention.tables()`.
    """
    cleaned = tables()[table]
    after = 0
    while keys := _old(cleaned, older_than, after):
        yield _delete(cleaned, keys)
        after = keys[-1]


def _old(cleaned: Cleaned, older_than: datetime, after: int) -> list[int]:
    rows = cleaned.rows.filter(cleaned.only, pk__gt=after)
    old = rows.filter(**{f"{cleaned.when}__lt": older_than})
    return list(old.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _delete(cleaned: Cleaned, keys: list[int]) -> int:
    """Delete those that, once locked, still may go; a locked row is left for later.

    The lock comes first: from then on no row that refers to these can be added.
    """
    rows = cleaned.rows.filter(pk__in=keys)
    with transaction.atomic():
        held = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
        free = rows.filter(cleaned.only, pk__in=list(held))
        going = list(free.values_list("pk", flat=True))
        deleted, _ = cleaned.rows.filter(pk__in=going).delete()
    return deleted
