"""What providers report: a text, how far a message came, an echo, a bounce."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cadences.outcomes import Why
from cadences.states import Delivery


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody wrote to us."""

    message_id: str
    address: str
    """As the provider gives it; empty where only a name is known."""
    text: str
    at: datetime | None = None
    aliases: tuple[str, ...] = ()
    """The sender's names at the provider."""
    answers: tuple[str, ...] = ()
    """Ids of messages of ours that this one answers."""
    subject: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """A message of ours came that far, or did not."""

    message_id: str
    delivery: Delivery
    correlation: str = ""
    code: str = ""
    detail: str = ""
    why: Why | None = None
    """What a failure means for the next messages, if it means anything."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Echoed:
    """The provider shows us a message that we sent ourselves."""

    message_id: str
    correlation: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A person wrote to a lead from the phone itself."""

    message_id: str
    address: str
    text: str = ""
    at: datetime | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounced:
    """An e-mail came back for good, or its reader complained."""

    correlation: str
    address: str
    detail: str
    is_complaint: bool = False


Report = Heard | Moved | Echoed | TakenOver | Bounced
Reader = Callable[[Any], list[Report]]
"""Reads one delivery of a provider; what it does not know is left out, never an error."""
