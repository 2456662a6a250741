"""What can go wrong in `cadences`, named after the fact."""


class CadenceError(Exception):
    """The base of every error of this app; `str()` is one clear line."""


class UnreadableMessage(CadenceError, ValueError):
    """The body of a message is not what its channel carries."""


class NotConfigured(CadenceError):
    """A setting that the provider needs is missing."""


class ProviderError(CadenceError):
    """The base of what a provider answers instead of an answer."""


class AccessRefused(ProviderError):
    """The provider does not accept our credentials; trying again changes nothing."""


class RequestRefused(ProviderError):
    """The provider does not accept the request; trying again changes nothing."""


class RateLimited(ProviderError):
    """The provider asks us to come back later, in `retry_after` seconds if it says."""

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderDown(ProviderError):
    """The provider does not answer, or not in a way that can be understood."""
