"""What the routes of syncs take and answer, for their documentation."""

from typing import Any

from ninja import Schema


class Ticked(Schema):
    """One look after the queue of syncs."""

    success: bool
    claimed: int
    processing: int
    reset: int


class StreamShown(Schema):
    """How far a stream is."""

    provider: str
    stream: str
    status: str
    pages: int
    rows: int
    expected: int | None
    waiting_until: str | None
    error: str | None
    error_code: str | None


class RunShown(Schema):
    """A sync; `status` is one of queued, processing, completed, failed."""

    id: str
    store_id: str
    status: str
    partial: bool
    outcome: str | None
    period_start: str | None
    period_end: str | None
    types: list[str] | None
    priority: int
    forced: bool
    waiting_for: str | None
    not_before: str | None
    retry_count: int
    max_retries: int
    error: str | None
    error_class: str | None
    error_code: str | None
    queued_at: str | None
    started_at: str | None
    completed_at: str | None
    poll_after_ms: int | None
    streams: list[StreamShown] = []


class EntryShown(Schema):
    """What the cache has of one data type."""

    type: str
    state: str
    source: str | None
    data: Any
    record_count: int | None
    summary: Any
    version: int
    partial: bool
    settled: bool
    as_of: str | None
    age_s: int | None
    fresh_until: str | None
    timezone: str | None
    error: str | None
    error_code: str | None
    warnings: list[str]
    snapshot_of: dict[str, str] | None
    run: str | None


class DataShown(Schema):
    """The numbers of a store for some days."""

    store_id: str
    period: dict[str, str]
    entries: list[EntryShown]
    run: RunShown | None
    poll_after_ms: int | None
    blocked: str | None


class Queued(Schema):
    """A request of a sync; `created` tells whether it made the run."""

    success: bool
    created: bool
    run: RunShown


class StoreWish(Schema):
    """The body of `sync-store`, as the seed's callers write it."""

    store_id: str
    period_start: str
    period_end: str
    force: bool = False


class RefreshWish(Schema):
    """What to renew: a word such as `30d`, or days from `start` to `end`."""

    types: list[str] | None = None
    period: str | None = None
    start: str | None = None
    end: str | None = None
    force: bool = False
    priority: int = 5
