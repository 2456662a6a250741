"""The crons of a `vercel.json`: paths of a deployment, called by GET, in UTC."""

from typing import Any
from urllib.parse import urljoin

from queues.foreign.entry import (
    CALL,
    Call,
    Entry,
    Found,
    Inexpressible,
    Refusal,
    distinct,
    job_of,
    timing,
)

SECRET = "add the header Authorization if the address asks for CRON_SECRET"  # noqa: S105


def read_vercel(crons: list[Any], *, base_url: str) -> list[Found]:
    """Return what the list of crons says."""
    return distinct([_read(each, base_url) for each in crons])


def _read(cron: Any, base_url: str) -> Found:
    match cron:
        case {"path": str(path), "schedule": str(line)}:
            try:
                url = urljoin(base_url, path) if base_url else path
                type_, data, notes = job_of(Call(url, "GET", {}))
                options = timing(line, "UTC") | {"data": data}
            except Inexpressible as reason:
                return Refusal(path, str(reason))
            notes += (SECRET,) if type_ == CALL else ()
            return Entry(f"vercel {path}", type_, options, notes)
        case _:
            return Refusal(str(cron)[:100], "a cron has a path and a schedule")
