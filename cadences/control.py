"""The switch that stops all sending, and the watch for a database from the past."""

import logging

from django.core.cache import cache
from django.db.models import F

from cadences import clock
from cadences.models import Control

logger = logging.getLogger(__name__)

EPOCH = "cadences:epoch"
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
    row = control()
    if not row.is_on:
        return False
    seen = _seen()
    if seen is not None and row.epoch < seen:
        switch(on=False, actor="runner", reason=RESTORED)
        return False
    Control.objects.filter(pk=1).update(epoch=F("epoch") + 1)
    _remember(max(row.epoch + 1, seen or 0))
    return True


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
