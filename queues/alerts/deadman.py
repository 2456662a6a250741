"""Tell people that nobody is left to tell them: no job, no beat and no worker needed."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from queues.alerts.deliver import send
from queues.alerts.tell import ready
from queues.errors import CannotDeliver, DeliveryDelayed, Unreachable
from queues.models import AlertChannel, AlertMessage
from queues.models.alert import Level

COOLDOWN = 3600.0
"""Seconds until the same silence is told again."""
TRIES = 2
FILE = "dead-man.json"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message: over which channel it arrived, and what failed."""

    channel: str = ""
    errors: tuple[str, ...] = ()


def raise_alarm(faults: Sequence[str], *, to: str = "") -> Told | None:
    """Tell people what is dead, over the first channel that takes it.

    None: they were told within the last hour. The memory of that is a file in
    DATA_DIR, as the database may be what is dead; then Slack's address comes from the
    environment and `to` names the people to mail.
    """
    if _told_at() + COOLDOWN > time.time():
        return None
    told = _say(Level.CRITICAL, _("Nothing runs: %(what)s"), "; ".join(faults), to)
    if told.channel:
        _memory().write_text(json.dumps({"told_at": time.time()}))
    return told


def call_off(*, to: str = "") -> Told | None:
    """Tell people once that all is well again; None if they heard of no fault."""
    if not _told_at():
        return None
    told = _say(Level.WARNING, _("Well again: %(what)s"), _("beat and workers"), to)
    if told.channel:
        _memory().unlink(missing_ok=True)
    return told


def _say(level: Level, title: str, what: str, to: str) -> Told:
    errors: list[str] = []
    with translation.override(settings.LANGUAGE_CODE):
        message = AlertMessage(
            kind=AlertMessage.Kind.FIRED, level=level, title=title % {"what": what},
            body=_("Found by manage.py doctor --dead-man."), subjects=[],
        )  # fmt: skip
    for channel in _channels(to):
        for _try in range(TRIES):
            try:
                send(message, channel)
            except CannotDeliver as error:
                errors.append(f"{channel.name}: {error}")
                break
            except (DeliveryDelayed, Unreachable, OSError) as error:
                errors.append(f"{channel.name}: {error}")
            else:
                return Told(channel.name, tuple(errors))
    return Told("", tuple(errors))


def _channels(to: str) -> list[AlertChannel]:
    """Return the channels as staff ordered them; without a database, what is known."""
    kind = AlertChannel.Kind
    try:
        known = ready()
    except DatabaseError:
        known = []
        if settings.SLACK_WEBHOOK_URL:
            known.append(AlertChannel(name="slack", kind=kind.SLACK))
    if to:
        known.append(AlertChannel(name=to, kind=kind.EMAIL, target=to))
    return known


def _memory() -> Path:
    return Path(settings.DATA_DIR) / FILE


def _told_at() -> float:
    try:
        noted: dict[str, Any] = json.loads(_memory().read_text())
        return float(noted["told_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
