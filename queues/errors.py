"""What can go wrong in `queues`, named after the fact."""

from collections.abc import Sequence


class QueueError(Exception):
    """The base of every error of this app; `str()` is one clear line."""


class UnknownJobType(QueueError, LookupError):
    """No handler is registered for that type."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown job type: {name}")


class InvalidJobType(QueueError, ValueError):
    """A type is a non-empty string of letters, digits and `_ . : -`."""

    def __init__(self) -> None:
        super().__init__("Invalid job type")


class InvalidJobData(QueueError, ValueError):
    """The data is not what the type's handler accepts; `fields` says where."""

    def __init__(
        self, detail: str = "", fields: Sequence[dict[str, object]] = ()
    ) -> None:
        super().__init__(
            f"Invalid job data: {detail}" if detail else "Invalid job data"
        )
        self.fields = list(fields)


class PayloadTooLarge(QueueError, ValueError):
    """The data is larger than `MAX_PAYLOAD_BYTES`."""


class InvalidPriority(QueueError, ValueError):
    """A priority is a whole number from 1, most urgent, to 9."""

    def __init__(self) -> None:
        super().__init__("Invalid priority")


class InvalidRunAt(QueueError, ValueError):
    """A moment needs a time zone and lies between now and ten years ahead."""


class InvalidOption(QueueError, ValueError):
    """An option of `enqueue` has a value that it does not know."""


class UnknownQueue(QueueError, LookupError):
    """No handler and no setting names that queue."""

    def __init__(self, name: object) -> None:
        super().__init__(f"Unknown queue: {name}")


class UnknownJob(QueueError, LookupError):
    """There is no job with that id."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"Unknown job: {job_id}")


class UnknownWorker(QueueError, LookupError):
    """There is no process with that id."""

    def __init__(self, worker_id: int) -> None:
        super().__init__(f"Unknown worker: {worker_id}")


class WorkerGone(QueueError):
    """It ended, or is no Celery worker: nothing can be asked of it."""

    def __init__(self) -> None:
        super().__init__("This is no Celery worker that runs")


class IllegalTransition(QueueError):
    """The job's state does not allow that."""

    def __init__(self, verb: str, status: str) -> None:
        super().__init__(f"Cannot {verb} a {status} job")


class ClaimLost(QueueError):
    """Someone else closed this attempt; its verdict and its writes are refused."""


class SoftTimeout(QueueError):
    """The handler ran longer than its type allows."""


class InvalidToken(QueueError, ValueError):
    """No live API token has that value."""


class KeyReused(QueueError):
    """The idempotency key was already used for another request."""


class Interrupted(QueueError):
    """The pass ended before the handler did; the job goes back uncounted."""


class InvalidSchedule(QueueError, ValueError):
    """A pattern, zone or span of a schedule cannot be read; the message names it."""


class UnknownSchedule(QueueError, LookupError):
    """There is no schedule of that name."""

    def __init__(self, name: object) -> None:
        super().__init__(f"Unknown schedule: {name}")


class UnreadableFile(QueueError, ValueError):
    """A file holds no schedules that are understood."""


class AddressRefused(QueueError):
    """A host lies in a private network, which this project is not allowed to call."""


class Unreachable(QueueError):
    """No answer came from a host: name, connection, encryption or time."""


class NothingSent(Unreachable):
    """It failed before a byte of the call had left: making it again is safe."""


class InvalidSelection(QueueError, ValueError):
    """A word that should say which dead letters are meant cannot be read."""


class NothingSelected(QueueError):
    """No letter matches: there is nothing to do."""

    def __init__(self) -> None:
        super().__init__("No dead letter matches")


class CannotRestore(QueueError):
    """What should be taken back is no discard, still runs, or was replayed since."""


class UnknownBulk(QueueError, LookupError):
    """There is no bulk repair with that id."""

    def __init__(self, bulk_id: int) -> None:
        super().__init__(f"Unknown bulk repair: {bulk_id}")


class NoSealingKey(QueueError):
    """Nothing can be sealed or opened: FIELD_ENCRYPTION_KEYS is not set."""

    def __init__(self) -> None:
        super().__init__("FIELD_ENCRYPTION_KEYS is not set: secrets cannot be kept")


class CannotUnseal(QueueError):
    """None of the keys opens a secret: the one that sealed it is missing."""

    def __init__(self) -> None:
        super().__init__("None of FIELD_ENCRYPTION_KEYS opens this secret")


class CannotDeliver(QueueError):
    """A channel refuses an alert for good: trying again is no use."""


class DeliveryDelayed(QueueError):
    """A channel did not take an alert now; a later try may succeed."""
