"""The port to the providers: what an adapter promises, and which ones there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from cadences.errors import UnknownAdapter
from cadences.outcomes import CannotTell, Outcome, Trace
from queues.seal import Secret

DEADLINE = 30.0
"""Seconds that a call may take at most, far less than a claim lasts."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The account that sends, as an adapter needs to know it."""

    id: str
    identifier: str
    config: dict[str, Any] = field(default_factory=dict)
    base_url: str = ""
    credentials: Secret | None = field(default=None, repr=False)

    def secret(self, name: str) -> str:
        """Return one of the credentials; empty if it is not there."""
        held = self.credentials.reveal() if self.credentials is not None else None
        value = held.get(name) if isinstance(held, dict) else None
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to go. `correlation` names this very attempt."""

    sender: Sender
    address: str
    body: str
    correlation: str
    subject: str = ""
    template: str = ""
    """The name of a message that the provider approved beforehand, if it is one."""
    language: str = ""
    parameters: tuple[str, ...] = ()
    unsubscribe: str = ""
    """Where the lead can say no with one click."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is particular about an adapter."""

    max_length: int = 4096
    needs_template_first: bool = False
    """Free text only within 24 hours of the lead's last message to this account."""


@runtime_checkable
class Channel(Protocol):
    """A way to send. Each method makes one call and never retries by itself.

    A failure before the first byte of the message left is `Refused(NOT_SENT)`; from
    then on, everything but an explicit answer is `Unknown`.
    """

    traits: Traits

    def send(self, letter: Letter) -> Outcome:
        """Hand the message to the provider, within DEADLINE; what it raises is unknown."""

    def lookup(self, sender: Sender, correlation: str) -> Trace:
        """Ask the provider whether it has the message of this correlation."""


@runtime_checkable
class Checkable(Protocol):
    """A channel that can be tried without sending anything."""

    def check(self, sender: Sender) -> str:
        """Ask whether the account works and say what was found, or raise ProviderError."""


class NoLookup:
    """For adapters whose provider cannot be asked afterwards."""

    def lookup(self, sender: Sender, correlation: str) -> Trace:
        """Answer that nobody can tell."""
        return CannotTell()


_channels: dict[str, Channel] = {}


def register(name: str, channel: Channel) -> None:
    """Let accounts send through this adapter."""
    _channels[name] = channel


def channel(name: str) -> Channel:
    """Return the adapter of that name, or raise UnknownAdapter."""
    try:
        return _channels[name]
    except KeyError:
        raise UnknownAdapter(name) from None


def names() -> list[str]:
    """Return the names of all adapters."""
    return sorted(_channels)


@contextmanager
def using(name: str, other: Channel) -> Iterator[None]:
    """Put another channel under a name for a while."""
    before = _channels.get(name)
    _channels[name] = other
    try:
        yield
    finally:
        if before is None:
            del _channels[name]
        else:
            _channels[name] = before
