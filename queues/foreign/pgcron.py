"""`cron.schedule(…)` of pg_cron: jobs that enqueue, and calls by pg_net; in UTC."""

import re
from typing import Any
from urllib.parse import urlsplit

from queues.foreign.entry import (
    Call,
    Entry,
    Found,
    Inexpressible,
    Refusal,
    distinct,
    job_of,
    seconds,
    timing,
)
from queues.foreign.literals import (
    Invocation,
    Opaque,
    Reader,
    is_plain,
    parsed,
    words_of,
)
from queues.schedule_facts import Options

SCHEDULED = re.compile(
    r"\bcron\s*\.\s*(?:schedule|schedule_in_database)\s*\(", re.IGNORECASE
)
SECONDS = re.compile(r"(\d{1,5})\s+seconds?", re.IGNORECASE)
EVERY_SO_MANY = re.compile(r"\*/(2|3|4|5|6|10|12|15|20|30)(?:\s+\*){5}")
ARGUMENTS = ("job_name", "schedule", "command")
UNNAMED = 2
"""Arguments of a call that gives no name."""
METHODS = {"http_post": "POST", "http_get": "GET", "http_delete": "DELETE"}


def is_pgcron(text: str) -> bool:
    """Tell whether the text schedules anything."""
    return SCHEDULED.search(text) is not None


def read_pgcron(text: str) -> list[Found]:
    """Return what every `cron.schedule` of the text says."""
    words, found = words_of(text), list[Found]()
    for at in range(len(words) - 3):
        dotted = [word.lower() for word in words[at : at + 3]]
        if dotted[:2] == ["cron", "."] and words[at + 3] == "(":
            if dotted[2] in {"schedule", "schedule_in_database"}:
                reader = Reader(words)
                reader.at = at
                found.append(_read(reader))
            elif dotted[2] in {"unschedule", "alter_job"}:
                what = " ".join(words[at : at + 6])
                found.append(Refusal(what, "only what is scheduled is read"))
    return distinct(found)


def _read(reader: Reader) -> Found:
    what = "cron.schedule"
    try:
        said = reader.invocation()
        name, line, command = _arguments(said)
        what = name or command
        type_, options, notes = _job(command)
        return Entry(name or type_, type_, _timing(line) | options, notes)
    except Inexpressible as reason:
        return Refusal(" ".join(what.split())[:100], str(reason))


def _arguments(said: Invocation) -> tuple[str, str, str]:
    names = ARGUMENTS if len(said.places) + len(said.names) > UNNAMED else ARGUMENTS[1:]
    values = dict(zip(names, said.places, strict=False)) | said.names
    name, line, command = (values.get(each, "") for each in ARGUMENTS)
    if not (isinstance(name, str) and isinstance(line, str)):
        raise Inexpressible("its name and its time are not plain texts")
    if not isinstance(command, str):
        raise Inexpressible("its command is not a plain text")
    return name, line, command


def _timing(line: str) -> Options:
    found = SECONDS.fullmatch(line.strip()) or EVERY_SO_MANY.fullmatch(line.strip())
    return seconds(int(found[1])) if found else timing(line, "UTC")


def _job(command: str) -> tuple[str, Options, tuple[str, ...]]:
    words = words_of(command)
    while words and words[-1] == ";":
        words.pop()
    if not words or words[0].upper() != "SELECT" or ";" in words:
        raise Inexpressible("it runs SQL of its own")
    reader = Reader(words[1:])
    said = reader.invocation() if reader.peek(1) in {"(", "."} else None
    if said is None or reader.peek().upper() not in {"", "AS"}:
        raise Inexpressible("it runs SQL of its own")
    if said.name in {"enqueue_job", "enqueue_job_with_log"}:
        return _enqueued(said)
    if said.name in METHODS:
        type_, data, notes = job_of(_call(said))
        return type_, {"data": data}, notes
    raise Inexpressible(f"it calls {said.name}(…), which is no job type here")


def _enqueued(said: Invocation) -> tuple[str, Options, tuple[str, ...]]:
    shift = 1 if said.name.endswith("with_log") else 0
    type_ = said.get("p_job_type", shift)
    data = said.get("p_job_data", shift + 1)
    priority = said.get("p_priority", shift + 2)
    if isinstance(data, str):
        data = parsed(data)
    if not (isinstance(type_, str) and is_plain(data) and is_plain(priority)):
        raise Inexpressible("what it enqueues is computed when it runs")
    options: Options = {"data": data}
    if priority is not None:
        options["priority"] = priority
    return type_, options, ()


def _call(said: Invocation) -> Call:
    url, headers = said.get("url", 0), said.names.get("headers", {})
    body = said.names.get("body")
    if not isinstance(url, str) or not urlsplit(url).netloc:
        raise Inexpressible("its address is computed when it runs")
    if body is not None and not is_plain(body):
        raise Inexpressible("its body is computed when it runs")
    milliseconds = said.names.get("timeout_milliseconds")
    plain, notes = _headers(headers)
    return Call(
        url, METHODS[said.name], plain, body,
        milliseconds / 1000 if isinstance(milliseconds, int) else None, notes,
    )  # fmt: skip


def _headers(headers: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    if not isinstance(headers, dict):
        return {}, ("add its headers by hand",)
    plain = {name: value for name, value in headers.items() if isinstance(value, str)}
    missing = [name for name, value in headers.items() if isinstance(value, Opaque)]
    return plain, tuple(f"add the header {name} by hand" for name in missing)
