"""What can be wrong. Each class of a provider's errors has one answer, in `syncs/judge.py`."""

from datetime import datetime

from syncs.states import ErrorKind


class SyncError(Exception):
    """Any error of this app."""


class UnknownStore(SyncError, LookupError):
    """There is no such store, or it is not the caller's."""


class UnknownRun(SyncError, LookupError):
    """There is no such run, or it is not of a store of the caller's."""


class UnknownProvider(SyncError, LookupError):
    """No adapter is registered for a provider."""


class InvalidPeriod(SyncError, ValueError):
    """A period that is upside down, too long, or in the future."""


class InvalidRequest(SyncError, ValueError):
    """A data type, a priority or another word of a request means nothing."""


class NothingToSync(SyncError):
    """A store without a connection that may be called; the message says what to do."""


class TooManyRequests(SyncError):
    """Forced refreshes beyond what one store gets in an hour."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AlreadyOver(SyncError):
    """A run that has ended cannot be cancelled."""


class Superseded(SyncError):
    """This run was reset, cancelled or ended by somebody else: write nothing more."""


class ProviderError(SyncError):
    """A call came to nothing; `kind` is its class, `code` a word for the exact case.

    The text is for people and is kept: neither secrets nor bodies belong into it.
    """

    kind = ErrorKind.TRANSIENT

    def __init__(self, message: str, *, code: str = "", endpoint: str = "") -> None:
        super().__init__(message)
        self.code = code or str(self.kind)
        self.endpoint = endpoint


class Wait(ProviderError):
    """Not now, but at `until`; no failure. `scope` names the limit that is used up.

    `cursor`, if told, is kept as the place to go on from (the id of a bulk operation).
    """

    def __init__(
        self,
        message: str,
        *,
        until: datetime,
        scope: str = "",
        cursor: str | None = None,
        endpoint: str = "",
    ) -> None:
        super().__init__(message, endpoint=endpoint)
        self.until = until
        self.scope = scope
        self.cursor = cursor


class RateLimited(Wait):
    """Too many calls in a short time; a wait of up to 2 s is the client's own affair."""

    kind = ErrorKind.RATE_LIMIT


class QuotaSpent(Wait):
    """The calls of a day are used up: other streams go on."""

    kind = ErrorKind.QUOTA


class NotReady(Wait):
    """The provider still prepares what was asked for."""

    kind = ErrorKind.RATE_LIMIT


class Transient(ProviderError):
    """No answer, a broken one, or a 5xx: the next try may work."""


class AccessRefused(ProviderError):
    """The credentials are wrong, revoked, or lack a scope: nobody calls again with them."""

    kind = ErrorKind.AUTH


class Misconfigured(ProviderError):
    """Something about the connection must be set right by a person."""

    kind = ErrorKind.CONFIG


class AccountLocked(ProviderError):
    """The provider has frozen the account (402, 423)."""

    kind = ErrorKind.ACCOUNT_STATE


class CursorInvalid(ProviderError):
    """The provider no longer knows the page to go on from."""

    kind = ErrorKind.CURSOR_INVALID


class PaginationLoop(ProviderError):
    """A page leads to itself, or pages bring nothing new."""

    kind = ErrorKind.PAGINATION_LOOP


class ContractBroken(ProviderError):
    """An answer that is not what the provider documents; nothing of it is stored."""

    kind = ErrorKind.CONTRACT


class QualityHeld(ProviderError):
    """Data that cannot be right: the old numbers stay."""

    kind = ErrorKind.DATA_QUALITY
