"""The one secret that addresses are hashed with: made once, kept for good."""

import secrets
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from cadences.errors import PepperLost
from cadences.models import Pepper
from queues.errors import CannotUnseal, NoSealingKey

BYTES = 32


@cache
def pepper() -> bytes:
    """Return the pepper of this database; each process reads it once.

    With another one nobody would be suppressed any more: raises PepperLost rather
    than to make one up.
    """
    row = Pepper.objects.filter(pk=1).first()
    if row is None:
        raise PepperLost("there is none: run `manage.py migrate`")
    if row.sealed is None:
        return row.plain.encode()
    try:
        return str(row.sealed.reveal()).encode()
    except (CannotUnseal, NoSealingKey) as error:
        raise PepperLost(str(error)) from None


@receiver(post_migrate)
@transaction.atomic
def keep(sender: Any, **_: object) -> None:
    """Make the pepper of a new database; seal one that was stored in the open."""
    if sender.name != "cadences" or not _is_there():
        return
    fresh = Pepper(pk=1, plain=secrets.token_urlsafe(BYTES))
    # Another `migrate` may have been faster: then its pepper is ours.
    Pepper.objects.bulk_create([fresh], ignore_conflicts=True)
    row = Pepper.objects.select_for_update().get(pk=1)
    if row.plain and settings.FIELD_ENCRYPTION_KEYS:
        row.sealed, row.plain = row.plain, ""
        row.save(update_fields=["sealed", "plain"])
    pepper.cache_clear()


def _is_there() -> bool:
    """Tell whether the table is there: migrations are undone, too."""
    return Pepper._meta.db_table in connection.introspection.table_names()  # noqa: SLF001
