"""Keep addresses from being written to, by a hash that says nothing about them."""

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import connection
from django.db.models import Q

from cadences import clock
from cadences.models import Suppression
from cadences.pepper import pepper
from cadences.states import Medium

# Whoever is about to send holds it shared, whoever suppresses holds it alone.
SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended('reach:' || %s, 0))"
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('reach:' || %s, 0))"


def hashed(medium: str, address: str) -> str:
    """Return the keyed hash of an address; a number has one for calls and chats."""
    kind = Medium.EMAIL if medium == Medium.EMAIL else "phone"
    return hmac.new(pepper(), f"{kind}:{address}".encode(), sha256).hexdigest()


def hold(hashes: Iterable[str]) -> None:
    """Let nobody suppress these addresses before this transaction ends."""
    with connection.cursor() as cursor:
        for each in sorted(set(hashes)):
            cursor.execute(SHARED, [each])


def suppress(
    medium: str,
    address: str,
    *,
    reason: str,
    company: str | None = None,
    everywhere: bool = False,
    source: str = "",
) -> Suppression:
    """Suppress an address in the caller's transaction, once its sends have begun.

    `everywhere` covers all channels, not only this one. A row that is there stays,
    for good from now on.
    """
    digest = hashed(medium, address)
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [digest])
    row, created = Suppression.objects.get_or_create(
        address_hash=digest,
        company_id=company,
        medium=None if everywhere else medium,
        defaults={"reason": reason, "source": source, "created_at": clock.now()},
    )
    if not created and row.expires_at is not None:
        row.expires_at = None
        row.save(update_fields=["expires_at"])
    return row


def suppressed(
    pairs: Iterable[tuple[str, str]], *, company: str, now: datetime
) -> set[tuple[str, str]]:
    """Return which of these (channel, address hash) nobody of the company may use."""
    wanted = set(pairs)
    rows = Suppression.objects.filter(
        Q(company=None) | Q(company=company),
        Q(expires_at=None) | Q(expires_at__gt=now),
        address_hash__in={digest for _, digest in wanted},
    ).values_list("medium", "address_hash")
    return {
        (medium, digest)
        for medium, digest in wanted
        for covered, found in rows
        if found == digest and covered in {None, medium}
    }
