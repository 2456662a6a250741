"""The port to the providers: what an adapter promises, and which ones there are."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from syncs.errors import UnknownProvider

if TYPE_CHECKING:
    from syncs.models import Connection, Run


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole days from `start` to `end`, both included, in the zone of the connection."""

    start: date
    end: date

    def __str__(self) -> str:
        return f"{self.start}/{self.end}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of a page that cannot be used: it is kept aside, and the others go on."""

    external_id: str
    reason: str
    sample: Mapping[str, Any] = field(default_factory=dict)
    """Redacted, without names, addresses and secrets."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a provider. `next_cursor` None says, positively, that it was the last.

    `cursor` texts belong to the adapter: whatever it needs to go on after a crash, such
    as a window and a place in it, goes into them. A page that cannot be trusted whole is
    never returned: raise an error of `syncs.errors` instead.
    """

    rows: Sequence[Any]
    next_cursor: str | None
    total: int | None = None
    """How many rows the provider says there are in all pages; None if it does not."""
    refused: Sequence[Refused] = ()
    as_of: datetime | None = None
    """The provider's clock as it answered."""
    watermark: datetime | None = None
    """Up to where the stream is complete once the last page is applied."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the rows of a page."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    repeated: int = 0
    """Rows that an earlier page of this run had brought already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry for the cache, computed from what is stored, without a call.

    `record_count` 0 is published as "there is nothing": say it only if the provider did.
    """

    data_type: str
    source: str
    data: Mapping[str, Any]
    record_count: int
    summary: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None
    streams: Collection[str] = ()
    """It is published only if these are complete; empty: all streams of its type."""
    currency: str = ""
    total: Decimal | None = None
    """The figure of which a sudden fall is suspicious, such as total sales."""
    null_rates: Mapping[str, float] = field(default_factory=dict)
    """Of watched fields, the share of rows without a value, 0 to 1."""
    definition: int = 1
    """Raise it when the meaning of the numbers changes: older entries are void then."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Something that is fetched page by page, and the data types it is needed for."""

    name: str
    data_types: frozenset[str]
    kinds: frozenset[str] = frozenset({"report", "webhook"})
    """The kinds of runs that read it."""
    is_kept: bool = False
    """Its rows are kept whole: any days that were read are computed without a call."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a provider says of the account behind a connection."""

    external_id: str
    name: str = ""
    timezone: str = ""
    currency: str = ""
    notes: Sequence[str] = ()
    """Sentences for the person who pressed "Test"."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What reading the history of an account comes to, as far as it can be known."""

    slice_days: int
    slices: int
    rows: int | None
    """None if the provider does not count so far."""
    calls: int
    points: float
    """Of the provider's quota; calls where it counts calls."""
    seconds: float

    def plus(self, other: "Estimate") -> "Estimate":
        """Return what both come to, one after the other."""
        rows = None if None in (self.rows, other.rows) else self.rows + other.rows  # type: ignore[operator]
        return Estimate(
            min(self.slice_days, other.slice_days), max(self.slices, other.slices),
            rows, self.calls + other.calls, self.points + other.points,
            self.seconds + other.seconds,
        )  # fmt: skip


@runtime_checkable
class Archive(Protocol):
    """An adapter whose provider keeps a history that can be read back."""

    def estimate(
        self, connection: "Connection", period: Period, *, slice_days: int | None
    ) -> Estimate:
        """Ask what it would take; in slices of so many days, or as many as fit best."""


class Provider(Protocol):
    """An adapter. It never retries by itself and never sleeps for more than 2 s.

    Errors are those of `syncs.errors`; a wait is a `Wait` that carries its end. `check`
    and `fetch` call the provider, outside of any transaction; `apply` and `entries` only
    read and write rows, `apply` in the transaction that moves the checkpoint.
    """

    name: str
    streams: Mapping[str, Stream]
    source: str
    """What its entries say that they come from."""
    definition: int
    """The meaning that its numbers have now; entries of a lower one are void."""

    def check(self, connection: "Connection") -> Account:
        """Ask the provider who we are; raises what a call raises."""

    def fetch(
        self,
        connection: "Connection",
        stream: str,
        period: Period | None,
        cursor: str | None,
    ) -> Page:
        """Return the page at that cursor, the first one for None, by one or few calls."""

    def apply(
        self,
        connection: "Connection",
        stream: str,
        period: Period | None,
        page: Page,
        *,
        run: "Run",
    ) -> Applied:
        """Write the rows of a page, never an older one over a newer."""

    def entries(
        self, connection: "Connection", period: Period, types: Collection[str]
    ) -> Iterable[Entry]:
        """Compute what the cache is to hold of those data types and that period."""


_providers: dict[str, Provider] = {}


def register(provider: Provider) -> None:
    """Let connections of this name be synced."""
    _providers[provider.name] = provider


def provider(name: str) -> Provider:
    """Return the adapter of that name, or raise UnknownProvider."""
    try:
        return _providers[name]
    except KeyError:
        raise UnknownProvider(f"No adapter for {name}") from None


def known() -> list[str]:
    """Return the names of all adapters."""
    return sorted(_providers)


def definitions() -> dict[str, int]:
    """Return the meaning that the numbers of each source have now."""
    found: dict[str, int] = {}
    for each in _providers.values():
        found[each.source] = max(each.definition, found.get(each.source, 1))
    return found


def computed(data_type: str, source: str) -> bool:
    """Tell whether numbers of that type are computed from rows that are kept whole."""
    return any(
        stream.is_kept and data_type in stream.data_types
        for each in _providers.values()
        if each.source == source
        for stream in each.streams.values()
    )


@contextmanager
def using(other: Provider) -> Iterator[None]:
    """Put another adapter under its name for a while."""
    before = _providers.get(other.name)
    _providers[other.name] = other
    try:
        yield
    finally:
        if before is None:
            del _providers[other.name]
        else:
            _providers[other.name] = before
