"""Suppress the addresses of a list by jobs, and allow one again."""

from dataclasses import dataclass

from django.db import connection, transaction

from cadences import clock
from cadences.errors import IllegalMove
from cadences.models import Suppression
from queues.audit import record
from queues.batches import Batch

SUPPRESS = "cadence-suppress"
CHUNK = 500
# In one order, so that two lists with the same addresses wait for each other.
ALONE = """
SELECT pg_advisory_xact_lock(hashtextextended('reach:' || digest, 0))
FROM (SELECT digest FROM unnest(%s::text[]) AS digest ORDER BY digest) AS sorted
"""


@dataclass(frozen=True, slots=True)
class Ordered:
    """The batch that writes a list, and how many addresses it has."""

    batch_id: int
    count: int


def order_list(
    hashes: list[str], *, company: str | None, reason: str, note: str, actor: str
) -> Ordered:
    """Order that these hashes are suppressed on all channels, 500 a job."""
    facts = {"company": company, "reason": reason, "source": actor}
    chunks = [hashes[at : at + CHUNK] for at in range(0, len(hashes), CHUNK)]
    with Batch("Suppressions") as batch:
        documents: list[object] = [{**facts, "hashes": each} for each in chunks]
        batch.enqueue_many(SUPPRESS, documents, source="admin")
        record(
            "suppression.import", label=f"batch {batch.id}", reason=note, after=facts,
            count=len(hashes),
        )  # fmt: skip
    return Ordered(batch.id, len(hashes))


@transaction.atomic
def suppress_hashes(
    hashes: list[str], *, company: str | None, reason: str, source: str
) -> int:
    """Suppress addresses by their hashes, once their sends have begun; count the new.

    What is there already stays, for good from now on.
    """
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [hashes])
    known = Suppression.objects.filter(
        address_hash__in=hashes, company=company, medium=None
    )
    known.update(expires_at=None)
    there = set(known.values_list("address_hash", flat=True))
    now = clock.now()
    fresh = [
        Suppression(
            address_hash=each, company_id=company, medium=None, reason=reason,
            source=source, created_at=now,
        )
        for each in hashes
        if each not in there
    ]  # fmt: skip
    Suppression.objects.bulk_create(fresh)
    return len(fresh)


@transaction.atomic
def lift(suppression_id: int) -> None:
    """Allow an address again; raises IllegalMove if nothing keeps it any more."""
    row = Suppression.objects.select_for_update().filter(pk=suppression_id).first()
    if row is None:
        raise IllegalMove("This suppression was removed meanwhile")
    row.delete()
