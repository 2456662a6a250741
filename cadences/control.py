"""The switch that stops all sending, and the watch for a database from the past."""

import logging

from django.core.cache import cache
from django.db import connection

from cadences import clock
from cadences.models import Control

logger = logging.getLogger(__name__)

EPOCH = "cadences:epoch"
COUNT = """
INSERT INTO cadence_control (id, epoch) VALUES (1, 1)
ON CONFLICT (id) DO UPDATE SET epoch = cadence_control.epoch + 1
RETURNING is_on, epoch
"""
RESTORED = "The database seems to have been restored: look before you switch on"


def control() -> Control:
    """Return the one row of the switch."""
    return Control.objects.get_or_create(pk=1)[0]


def switch(*, on: bool, actor: str, reason: str = "") -> Control:
    """Stop or allow all sending; calls on the wire end as they will."""
    control()
    Control.objects.filter(pk=1).update(
        is_on=on, reason=reason, changed_by=actor, changed_at=clock.now()
    )
    if on:
        cache.delete(EPOCH)
    logger.warning("sending is %s by %s: %s", "on" if on else "off", actor, reason)
    return control()


def may_send() -> bool:
    """Tell whether a pass may claim anything; count the pass.

    The cache remembers the last count. A row that is behind it comes from a backup:
    what it holds as due may have been sent since, so a person has to look first.
    """
    # Read first: what the cache holds was committed before, so we count past it.
    seen = _seen()
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        is_on, epoch = cursor.fetchone()
    if not is_on:
        return False
    if seen is not None and epoch <= seen:
        switch(on=False, actor="runner", reason=RESTORED)
        return False
    _remember(epoch)
    return True


def look_back() -> None:
    """Switch all sending off if the database is behind what the cache remembers.

    Whoever delivers claims of an earlier pass asks this: a backup holds claims, too.
    """
    seen = _seen()
    if seen is not None and control().epoch < seen:
        switch(on=False, actor="runner", reason=RESTORED)


def _seen() -> int | None:
    try:
        value = cache.get(EPOCH)
    except Exception:  # the cache is a second opinion, never a condition
        logger.warning("the cache does not answer", exc_info=True)
        return None
    return value if isinstance(value, int) else None


def _remember(epoch: int) -> None:
    try:
        cache.set(EPOCH, epoch, timeout=None)
    except Exception:
        logger.warning("the cache does not answer", exc_info=True)
