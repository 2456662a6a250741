"""Open and replace what opens a connection; nothing else reads the sealed text."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from syncs.models import Connection, Credential

ENDING = 4
"""Characters of a token that are shown, to tell two of them apart."""
SHORTEST = 12
"""A token shorter than this shows nothing of itself."""


def opened(connection: Connection) -> dict[str, str]:
    """Return the credentials of a connection; empty if it has none.

    Raises CannotUnseal if the key that sealed them is gone.
    """
    found = Credential.objects.filter(connection=connection).first()
    if found is None or found.sealed is None:
        return {}
    return dict(found.sealed.reveal())


@transaction.atomic
def replace(
    connection: Connection,
    values: Mapping[str, str],
    *,
    kind: str = "token",
    expires_at: datetime | None = None,
) -> Credential:
    """Let these be the credentials of a connection from now on; return the row."""
    token = values.get("access_token", "")
    found, is_new = Credential.objects.select_for_update().get_or_create(
        connection=connection, defaults={"sealed": dict(values)}
    )
    found.sealed = dict(values)
    found.kind, found.expires_at = kind, expires_at
    found.ending = token[-ENDING:] if len(token) >= SHORTEST else ""
    found.version = 1 if is_new else found.version + 1
    found.rotated_at = Now()
    found.save()
    found.refresh_from_db()
    return found
