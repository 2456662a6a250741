"""What goes in and comes out, as the documentation shows it."""

from typing import Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from queues.api.idempotency import HEADER
from queues.handlers import MAX_ATTEMPTS
from queues.models.job import DEFAULT_PRIORITY
from queues.states import State

MOMENT: dict[str, JsonValue] = {"format": "date-time"}


class Camel(Schema):
    """A schema whose members are written in camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Wish(Camel):
    """What every request for a job may say beside its data."""

    type: str = Field(examples=["process-messages"])
    priority: int | None = Field(
        DEFAULT_PRIORITY, ge=1, le=9, description="1 is the most urgent."
    )
    scheduled_for: str | None = Field(None, json_schema_extra=MOMENT)
    unique_key: str | None = Field(
        None, max_length=200, description="One live job of the type holds a key."
    )
    on_conflict: Literal["keep", "replace", "coalesce"] | None = Field(
        "keep", description="What a request does to the job that holds its key."
    )


class DataWish(Wish):
    """A job asked for by a service."""

    data: dict[str, Any]


class PayloadWish(Wish):
    """A job asked for by a person."""

    payload: dict[str, Any]


class Enqueued(Camel):
    """A job was written; `queuePosition` counts up to 10,000."""

    success: bool = True
    job_id: str
    queue_position: int
    message: str


class Created(Camel):
    """A job was written, or the live job that holds the unique key was found."""

    job_id: int
    status: State


class Shown(Camel):
    """A job; `attempts` counts failures, and the try that runs or succeeded."""

    id: int
    type: str
    status: State
    priority: int
    payload: Any
    result: Any
    error: str | None
    attempts: int
    max_attempts: int = MAX_ATTEMPTS
    progress: Any
    created_at: str = Field(json_schema_extra=MOMENT)
    scheduled_for: str = Field(json_schema_extra=MOMENT)
    started_at: str | None = Field(json_schema_extra=MOMENT)
    completed_at: str | None = Field(json_schema_extra=MOMENT)


class ShownAlone(Shown):
    """A job; `waitsFor` says in a sentence why a pending one does not run yet."""

    waits_for: str | None = None


class Page(Camel):
    """Jobs, newest first; `nextCursor` leads on to older ones."""

    jobs: list[Shown]
    next_cursor: str | None


class FailedTry(Camel):
    """One try that failed, whether or not others follow."""

    job_id: str
    type: str
    error: str


class PassStats(Camel):
    """`failed` counts dead jobs, `errors` lists every failed try."""

    processed: int
    failed: int
    errors: list[FailedTry]


class QueuePass(Camel):
    """What one pass over the queue did."""

    success: bool = True
    stats: PassStats
    timestamp: str = Field(json_schema_extra=MOMENT)


class WorkerPass(Camel):
    """What the one job did; without a job, only the message."""

    success: bool
    message: str
    job_id: int | None = None
    result: Any = None


class QueueDepth(Camel):
    """What stands in one queue; `due` is a part of `pending`."""

    pending: int
    processing: int
    due: int
    paused: bool = Field(description="Staff keep its jobs from being claimed.")


class Totals(Camel):
    """The jobs kept, of every status; estimated where counting would be slow."""

    total: int
    types: dict[str, int]
    estimated: bool


class Stats(Camel):
    """How much stands where."""

    by_status: dict[str, int]
    by_queue: dict[str, QueueDepth]
    by_priority: dict[str, int]
    oldest_due_seconds: float | None
    totals: Totals


class Health(Schema):
    """The process lives."""

    status: str


class Readiness(Health):
    """`ok` for every part that answers, else what is wrong with it."""

    checks: dict[str, str]


def body_of(schema: type[Schema], *, once: bool = True) -> dict[str, Any]:
    """Return the documentation of a body that the route reads by itself."""
    content = {"application/json": {"schema": schema.model_json_schema(by_alias=True)}}
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [HEADER] if once else [],
    }
