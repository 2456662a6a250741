"""The job types of the engine itself."""

import json
import re
import time
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

import httpx2
from django.conf import settings
from django.utils import timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
)
from pydantic.alias_generators import to_camel

from queues.alerts import engine  # noqa: F401 - it registers its measures and rules
from queues.alerts.deliver import deliver
from queues.alerts.watch import watch
from queues.backoff import fixed, retry_after
from queues.batches import cancel_some
from queues.errors import AddressRefused, Unreachable
from queues.handlers import handler
from queues.outbound import Answer, Call, masked, send
from queues.outcomes import Bury, Retry, Snooze
from queues.repair import repair
from queues.running import RunningJob
from queues.schedule import starter

LONGEST_CALL = 120
HIGHEST_PORT = 65535
LONGEST_SNOOZE = 3600.0
SHORTEST_SNOOZE = 1.0
SAID = 200
"""Characters of a refusal's body that its error repeats."""
KEPT_HEADERS = (
    "content-type", "content-length", "date", "etag", "location", "retry-after",
    "x-request-id",
)  # fmt: skip
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
VALUE = re.compile(r"[\t\x20-\x7e]{0,4096}")
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

TRIES = 3
"""Of a delivery: with their waits the next channel has the alert within a minute."""
BULK_SLICE = 20.0
"""Seconds of a bulk at a stretch: then its process looks at other jobs."""
bulk_handler = partial(handler, max_attempts=10, timeout=300, ease=0, internal=True)

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Status = Annotated[int, Field(ge=100, le=599)]


def _callable_url(text: str) -> str:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from None
    host, port = url.raw_host.decode("ascii"), url.port
    if url.scheme not in {"http", "https"} or not HOST.fullmatch(host) or port == 0:
        raise ValueError("must be an address such as https://example.com/path")
    if port is not None and port > HIGHEST_PORT:
        raise ValueError(f"there is no port {port}")
    if url.userinfo:
        raise ValueError("must not hold a user name or password: use a header")
    return text


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
            raise ValueError(f"{name!r} is not a header that can be sent")
        if name.lower() in OURS:
            raise ValueError(f"{name} cannot be chosen")
    return headers


class HttpRequest(BaseModel):
    """One call of a URL, and what counts as success if that is not any 2xx."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    url: Annotated[str, Field(max_length=2048), AfterValidator(_callable_url)]
    method: Method = "POST"
    headers: Annotated[
        dict[str, str], Field(max_length=50), AfterValidator(_sendable)
    ] = {}
    body: JsonValue = None
    timeout_seconds: float = Field(30, gt=0, le=LONGEST_CALL)
    expect_status: Status | list[Status] | None = None

    def expects(self, status: int) -> bool:
        """Tell whether an answer with this status is a success."""
        match self.expect_status:
            case None:
                return HTTPStatus(200) <= status < HTTPStatus(300)
            case int() as only:
                return status == only
            case several:
                return status in several


@handler("http-request", timeout=LONGEST_CALL + 10)
async def http_request(
    data: HttpRequest, job: RunningJob
) -> dict[str, object] | Bury | Retry | Snooze:
    """Call a URL; private networks are refused unless the settings allow them."""
    call = _call(data, job.id)
    try:
        answer = await send(
            call,
            seconds=data.timeout_seconds,
            allow_private=settings.HTTP_REQUEST_ALLOW_PRIVATE,
        )
    except AddressRefused as error:
        return Bury(str(error))
    except Unreachable as error:
        return Retry(error=str(error))
    job.log("answered", method=call.method, place=call.place, status=answer.status)
    return _end(data, call, answer)


def _call(data: HttpRequest, job_id: int) -> Call:
    headers = {name.lower(): value for name, value in data.headers.items()}
    # The same on every try, so that the other side can tell a repetition.
    headers.setdefault("idempotency-key", f"ritmo-job-{job_id}")
    body = None
    if data.body is not None:
        headers.setdefault("content-type", "application/json")
        body = json.dumps(data.body, ensure_ascii=False).encode()
    return Call(url=data.url, method=data.method, headers=headers, body=body)


def _end(
    data: HttpRequest, call: Call, answer: Answer
) -> dict[str, object] | Bury | Retry | Snooze:
    """Return what the status means: done, later, never, or try again."""
    if data.expects(answer.status):
        return _result(call, answer)
    if answer.status in BUSY:
        after = retry_after(answer.headers, now=timezone.now())
        if after is not None:
            return Snooze(min(max(after, SHORTEST_SNOOZE), LONGEST_SNOOZE))
    said = masked(" ".join(answer.body.split()), call.headers)[:SAID]
    error = f"{call.method} {call.place} answered {answer.status}: {said}".rstrip(": ")
    never = (
        HTTPStatus(400) <= answer.status < HTTPStatus(500)
        and answer.status != HTTPStatus.TOO_MANY_REQUESTS
    )
    return Bury(error) if never else Retry(error=error)


def _result(call: Call, answer: Answer) -> dict[str, object]:
    kept = {
        name: masked(answer.headers[name], call.headers)[:1000]
        for name in KEPT_HEADERS
        if name in answer.headers
    }
    result: dict[str, object] = {
        "status": answer.status,
        "headers": kept,
        "body": masked(answer.body, call.headers),
    }
    return result | ({"truncated": True} if answer.truncated else {})


@handler("watch-alerts", max_attempts=1, timeout=50)
def watch_alerts(data: dict[str, object], job: RunningJob) -> dict[str, object]:
    """Look at every alert rule, and write what people are to be told."""
    return asdict(watch())


class Delivery(BaseModel):
    """Which delivery to make."""

    delivery: int


@handler(
    "deliver-alert",
    max_attempts=TRIES,
    backoff=fixed([10, 20]),
    ease=0,
    internal=True,
)
def deliver_alert(data: Delivery, job: RunningJob) -> dict[str, bool]:
    """Send an alert over one channel; the last try hands it to the next channel."""
    return {"arrived": deliver(data.delivery, is_last=job.attempt >= TRIES)}


starter("watch-alerts", cron="* * * * *", type="watch-alerts", priority=2)


class BulkOrder(BaseModel):
    """Which bulk to carry out."""

    bulk_id: int


@bulk_handler("bulk-replay")
def bulk_replay(data: BulkOrder, job: RunningJob) -> object:
    """Give the dead jobs of a bulk another life; ordered on the dead letters' page."""
    return _carry_out(data, job)


@bulk_handler("bulk-discard")
def bulk_discard(data: BulkOrder, job: RunningJob) -> object:
    """Dismiss the dead letters of a bulk; ordered on the dead letters' page."""
    return _carry_out(data, job)


@bulk_handler("bulk-restore")
def bulk_restore(data: BulkOrder, job: RunningJob) -> object:
    """Open the dead letters again that a bulk dismissed."""
    return _carry_out(data, job)


class BatchOrder(BaseModel):
    """Which batch to cancel."""

    batch_id: int


@handler("cancel-batch", max_attempts=10, timeout=300, internal=True)
def cancel_batch(data: BatchOrder, job: RunningJob) -> object:
    """Cancel what is left of a large batch; ordered on its page."""
    until = time.monotonic() + BULK_SLICE
    while left := cancel_some(data.batch_id):
        job.progress(0, left)
        if time.monotonic() > until:
            return Snooze(0)
    return None


def _carry_out(data: BulkOrder, job: RunningJob) -> object:
    """Go page by page for one slice; the pages count themselves, so any may be last."""
    until = time.monotonic() + BULK_SLICE
    while True:
        step = repair(data.bulk_id)
        job.progress(step.done + step.refused, step.total)
        if step.is_finished:
            summed = {
                "done": step.done,
                "refused": step.refused,
                "total": step.total,
            }
            job.log("bulk finished", bulk=data.bulk_id, **summed)
            return summed
        if job.cancelled():
            return None
        if step.wait or time.monotonic() > until:
            return Snooze(step.wait)
        job.save_checkpoint(step.cursor)
