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


class PepperLost(CadenceError):
    """The secret that suppressed addresses are hashed with cannot be read."""

    def __init__(self, fact: str) -> None:
        super().__init__(f"The pepper of suppressions: {fact}")


class UnknownAdapter(CadenceError, LookupError):
    """No channel of that name is registered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown adapter: {name}")


class BadAddress(CadenceError, ValueError):
    """A text is no phone number, or no e-mail address."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Not an address: {text[:50]}")


class BadTemplate(CadenceError, ValueError):
    """A text does not follow the grammar of templates; the message says where."""


class MissingVariable(CadenceError, ValueError):
    """A variable without a default has no value: nothing is sent."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"No value for: {', '.join(names)}")
        self.names = names


class NotEnrolled(CadenceError):
    """A lead cannot enter a cadence; `motive` is one of the words of the API."""

    def __init__(self, motive: str, detail: str = "") -> None:
        super().__init__(f"{motive}: {detail}" if detail else motive)
        self.motive = motive


class IllegalMove(CadenceError):
    """The state of a run, a step or a cadence does not allow that."""


class Conflict(CadenceError):
    """Someone else changed the run since it was read."""


class NotPublishable(CadenceError, ValueError):
    """A version has faults; `faults` lists them, a line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
