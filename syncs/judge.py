"""What to do about an error of a provider: one answer a class."""

from enum import StrEnum

from syncs.errors import ProviderError
from syncs.states import ErrorKind


class Verdict(StrEnum):
    """The answers."""

    WAIT = "wait"
    """No failure: go on at a moment that is known."""
    RETRY = "retry"
    """A failed try; the next one after a back-off."""
    FAIL = "fail"
    """This stream is over; others go on."""
    HOLD = "hold"
    """The stream was read, but its numbers cannot be right."""
    SHUT = "shut"
    """Nobody calls this connection again until a person has dealt with it."""


ANSWERS: dict[str, Verdict] = {
    ErrorKind.RATE_LIMIT: Verdict.WAIT,
    ErrorKind.QUOTA: Verdict.WAIT,
    ErrorKind.TRANSIENT: Verdict.RETRY,
    ErrorKind.INTERNAL: Verdict.RETRY,
    ErrorKind.AUTH: Verdict.SHUT,
    ErrorKind.ACCOUNT_STATE: Verdict.SHUT,
    ErrorKind.CONFIG: Verdict.FAIL,
    ErrorKind.CURSOR_INVALID: Verdict.FAIL,
    ErrorKind.PAGINATION_LOOP: Verdict.FAIL,
    ErrorKind.CONTRACT: Verdict.FAIL,
    ErrorKind.DATA_QUALITY: Verdict.HOLD,
}


def judge(error: ProviderError) -> Verdict:
    """Return what to do."""
    return ANSWERS[error.kind]
