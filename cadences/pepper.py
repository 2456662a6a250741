"""The one secret that addresses are hashed with: made once, kept for good."""

import logging
import secrets
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from cadences.errors import PepperLost
from cadences.models import Pepper

logger = logging.getLogger(__name__)

BYTES = 32
SEALED = "fernet:"


@cache
def pepper() -> bytes:
    """Return the pepper of this database; each process reads it once.

    With another one nobody would be suppressed any more: raises PepperLost rather
    than to make one up.
    """
    kept = Pepper.objects.values_list("value", flat=True).filter(pk=1).first()
    if kept is None:
        raise PepperLost("there is none: run `manage.py migrate`")
    return _open(kept)


@receiver(post_migrate)
@transaction.atomic
def keep(sender: Any, **_: object) -> None:
    """Make the pepper of a new database; seal an old one with the newest key."""
    if sender.name != "cadences" or not _is_there():
        return
    Pepper.objects.bulk_create(
        [Pepper(pk=1, value=_seal(secrets.token_urlsafe(BYTES).encode()))],
        ignore_conflicts=True,  # another `migrate` was faster
    )
    row = Pepper.objects.select_for_update().get(pk=1)
    pepper.cache_clear()
    if _is_fresh(row.value):
        return
    try:
        row.value = _seal(_open(row.value))
    except PepperLost as error:
        logger.error("%s", error)  # noqa: TRY400 - nothing can be sent until then
        return
    row.save(update_fields=["value"])


def _is_there() -> bool:
    """Tell whether the table is there: migrations are undone, too."""
    return Pepper._meta.db_table in connection.introspection.table_names()  # noqa: SLF001


def _seal(value: bytes) -> str:
    keys = settings.FIELD_ENCRYPTION_KEYS
    if not keys:
        return value.decode()
    return SEALED + Fernet(keys[0]).encrypt(value).decode()


def _open(kept: str) -> bytes:
    if not kept.startswith(SEALED):
        return kept.encode()
    keys = [Fernet(each) for each in settings.FIELD_ENCRYPTION_KEYS]
    try:
        return MultiFernet(keys).decrypt(kept.removeprefix(SEALED))
    except (InvalidToken, ValueError):
        fact = "none of FIELD_ENCRYPTION_KEYS opens it: add the key that sealed it"
        raise PepperLost(fact) from None


def _is_fresh(kept: str) -> bool:
    """Tell whether a value is sealed with the key that seals now."""
    keys = settings.FIELD_ENCRYPTION_KEYS
    if not keys or not kept.startswith(SEALED):
        return kept.startswith(SEALED) == bool(keys)
    try:
        Fernet(keys[0]).decrypt(kept.removeprefix(SEALED))
    except InvalidToken:
        return False
    return True
