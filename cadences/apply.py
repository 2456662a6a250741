"""Apply one message: what it means to the business, behind a small port."""

import json
from collections.abc import Callable
from typing import Any

from cadences.errors import UnreadableMessage
from cadences.models import Message

Applier = Callable[[Message], object]


def read(message: Message) -> dict[str, Any]:
    """Do nothing but read the message: a webhook delivery must be a JSON object.

    Raises UnreadableMessage.
    """
    if message.channel != Message.Channel.WEBHOOK:
        return {}
    try:
        delivery = json.loads(message.body)
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage(f"The body is not JSON: {error}") from None
    if not isinstance(delivery, dict):
        raise UnreadableMessage("The body is not a JSON object")
    return delivery


_applier: Applier = read


def apply(message: Message) -> None:
    """Apply a message in the caller's transaction; whatever is raised refuses it.

    The transaction holds the message's lock, so nothing here may wait for the
    outside world: enqueue a job for that.
    """
    _applier(message)


def use(applier: Applier) -> Applier:
    """Let this function apply messages from now on; return the one before."""
    global _applier  # one port, set once at start
    before, _applier = _applier, applier
    return before
