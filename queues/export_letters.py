"""Write dead letters out as CSV or JSON, page by page, whatever their number."""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from queues.letters import DISMISSED, OPEN, REPLAYED, Selection
from queues.masks import masked
from queues.models import DeadLetter

PAGE = 500
COLUMNS = (
    "id", "job", "type", "queue", "state", "died", "fingerprint", "reason",
    "payload", "traceback",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet would run."""


def as_csv(selection: Selection) -> Iterator[str]:
    """Yield a table, its head first; no cell is a formula."""
    yield line(COLUMNS)
    for letter in _facts(selection):
        letter["payload"] = json.dumps(letter["payload"], ensure_ascii=False)
        yield line(letter[name] for name in COLUMNS)


def as_json(selection: Selection) -> Iterator[str]:
    """Yield one array, a letter a line."""
    before = "[\n"
    for letter in _facts(selection):
        text = json.dumps(letter, cls=DjangoJSONEncoder, ensure_ascii=False)
        yield f"{before}{text}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


FORMATS = {"csv": (as_csv, "text/csv"), "json": (as_json, "application/json")}


def _facts(selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield what is told of each letter, the newest first, secrets masked."""
    letters = selection.letters().select_related("job").order_by("-pk")
    for letter in _paged(letters):
        yield {
            "id": letter.pk,
            "job": letter.job_id,
            "type": letter.type,
            "queue": letter.job.queue,
            "state": _state(letter),
            "died": letter.created_at.isoformat(),
            "fingerprint": str(letter.fingerprint or ""),
            "reason": letter.reason,
            "payload": masked(letter.job.payload),
            "traceback": letter.traceback or "",
        }


def _paged(letters: QuerySet[DeadLetter]) -> Iterator[DeadLetter]:
    """Go by the key: no cursor is held open, and no page costs more than the first."""
    page = list(letters[:PAGE])
    while page:
        yield from page
        page = list(letters.filter(pk__lt=page[-1].pk)[:PAGE])


def _state(letter: DeadLetter) -> str:
    if letter.replayed_at is not None:
        return REPLAYED
    return OPEN if letter.dismissed_at is None else DISMISSED


def line(cells: Iterable[object]) -> str:
    """Return a line of a table; no cell is a formula."""
    text = StringIO()
    csv.writer(text).writerow(_cell(each) for each in cells)
    return text.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
