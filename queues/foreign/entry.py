"""What a file of another system says: schedules of ours, and what cannot be one."""

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from queues.due import parse_cron
from queues.errors import InvalidSchedule
from queues.handlers import registry
from queues.schedule_facts import Options

CALL = "http-request"
UNNEEDED = frozenset({"/api/cron/process-queue", "/api/workers"})
"""Paths that a cron called so that jobs ran at all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One schedule that a file describes."""

    name: str
    type: str
    options: Options
    notes: tuple[str, ...] = ()
    is_whole: bool = False
    """Whether it says everything; else what it does not say stays as it is."""
    pause_note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that a file describes and a schedule cannot be, and why."""

    what: str
    why: str


Found = Entry | Refusal


class Inexpressible(Exception):
    """What is said cannot be said of a schedule; the message says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call; headers and data as far as the file holds them."""

    url: str
    method: str
    headers: dict[str, str]
    body: object = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()


def timing(line: str, zone: str) -> Options:
    """Return the pattern of a cron line as crontabs mean it, or raise Inexpressible."""
    try:
        plan = parse_cron(line, zone)
    except InvalidSchedule as error:
        raise Inexpressible(str(error)) from None
    days = (plan.day_of_month, plan.day_of_week)
    if not any(field.startswith("*") for field in days):
        raise Inexpressible(
            "day of month or day of week may match there, here both must:"
            " write one schedule for each"
        )
    return {"cron": line, "timezone": zone}


def seconds(count: int) -> Options:
    """Return the pattern of an interval."""
    return {"every": timedelta(seconds=count)}


def job_of(call: Call) -> tuple[str, object, tuple[str, ...]]:
    """Return the type and the data by which a call is made here, with notes.

    A path that ends in the name of a job type is that job; others are called.
    """
    path = urlsplit(call.url).path.rstrip("/")
    if path in UNNEEDED:
        raise Inexpressible("it is not needed: workers take due jobs by themselves")
    own = path.rpartition("/")[2]
    if own in registry and own != CALL:
        data = call.body if isinstance(call.body, dict) else {}
        return own, data, (f"{path} is the job type {own} here",)
    if not urlsplit(call.url).netloc:
        raise Inexpressible("it is a path of a deployment: say --base-url")
    data = {"url": call.url, "method": call.method}
    data |= {"headers": call.headers} if call.headers else {}
    data |= {"body": call.body} if call.body is not None else {}
    data |= {"timeoutSeconds": call.seconds} if call.seconds else {}
    return CALL, data, call.notes


def distinct(found: list[Found]) -> list[Found]:
    """Give entries of one name a number each, in the order of the file."""
    seen: dict[str, int] = {}
    named: list[Found] = []
    for each in found:
        if isinstance(each, Entry):
            seen[each.name] = count = seen.get(each.name, 0) + 1
            named.append(
                each if count == 1 else replace(each, name=f"{each.name} ({count})")
            )
        else:
            named.append(each)
    return named
