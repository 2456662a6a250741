"""The three ends of a call to a provider: accepted, refused, or nobody knows."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why a message was certainly not sent; it decides what happens next."""

    NOT_SENT = "not_sent"  # never reached the provider: 15 minutes, an error
    BUSY = "busy"  # a rate limit: later, no error
    RECIPIENT = "recipient"  # this address will never work: another one, or the end
    SENDER = "sender"  # our account is refused: it rests, the run waits
    CONTENT = "content"  # the provider refuses the text: 30 minutes, an error
    WINDOW = "window"  # the lead must write first: the step is skipped
    OPTED_OUT = "opted_out"  # the provider knows of an opt-out: the end


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message under this id."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message was certainly not sent; `retry_after` is what the provider asks."""

    why: Why
    detail: str = ""
    code: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may have been sent. It is never sent again by itself."""

    detail: str = ""
    code: str = ""


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has the message, under this id."""

    message_id: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider does not know it; `certain` if that proves it was not sent."""

    certain: bool = False


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The provider has no look-up, or it does not answer now."""


Trace = Found | NotFound | CannotTell
