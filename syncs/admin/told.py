"""What the story of a sync says, in words: its events, and the figures of segments."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from queues.admin import show
from syncs import progress
from syncs.models import Event
from syncs.states import DataType, ErrorKind, Outcome, Waiting

Word = str | Promise

EVENTS: dict[str, Word] = {
    "began": _("A worker took it up"),
    "waits": _("It waits"),
    "gave_way": _("Others have their turn"),
    "try_failed": _("A try failed"),
    "ended": _("It ended"),
    "lease_expired": _("Its worker vanished"),
    "stalled": _("It made no progress"),
    "requeued": _("It is in the queue again"),
    "resumed": _("It went on in the middle"),
    "published": _("Numbers were published"),
    "held": _("Numbers were held back"),
    "stream_complete": _("A stream is complete"),
    "stream_wait": _("A stream waits"),
    "stream_retry": _("A stream is tried again"),
    "stream_fail": _("A stream failed"),
    "stream_hold": _("A stream was held back"),
    "stream_shut": _("The connection is not called any more"),
    "cursor_reset": _("A stream begins anew: its page had expired"),
    "count_differs": _("A stream is read a second time: the count differs"),
}
"""What happened, by the code of an event."""
FACTS: dict[str, Word] = {
    "turn": _("turn"),
    "job": _("job"),
    "stream": _("stream"),
    "pages": _("pages"),
    "page": _("page"),
    "rows": _("rows"),
    "version": _("version"),
    "types": _("numbers"),
    "type": _("numbers"),
    "outcome": _("result"),
    "code": _("code"),
    "kind": _("kind of error"),
    "tries": _("failed tries"),
    "why": _("because"),
    "until": _("until"),
    "endpoint": _("endpoint"),
}
"""What is told of it."""
WORDS = {
    "outcome": Outcome, "kind": ErrorKind, "why": Waiting, "type": DataType,
    "types": DataType,
}  # fmt: skip
"""Where the words of a fact are, if it is one of some."""
FIGURES: dict[str, Word] = {
    "total": _("at SprintHub"),
    "found": _("found"),
    "rows": _("rows"),
    "processed": _("gone through"),
    "joined": _("joined"),
    "left": _("left"),
    "held": _("removals held back"),
    "members": _("members"),
    "refused": _("kept aside"),
    "enriched": _("details read"),
    "blank": _("without details"),
    "gone": _("gone at SprintHub"),
    "waiting": _("details that wait"),
    "pages": _("pages"),
    "sweeps": _("rounds"),
    "repeats": _("rounds again"),
    "calls": _("calls"),
    "waits": _("waits"),
    "active": _("seconds without waits"),
}
"""What a sync of a segment counts."""
FORMS: dict[str, Word] = {
    "str": _("text"),
    "int": _("a number"),
    "float": _("a number"),
    "bool": _("yes or no"),
    "list": _("a list"),
    "dict": _("several fields"),
    "NoneType": _("empty"),
}
"""Of what kind a value is."""


def event(row: Event) -> dict[str, Any]:
    """Return what the timeline shows of an event."""
    return {
        "at": row.at,
        "level": row.level,
        "label": EVENTS.get(row.code, row.code),
        "message": row.message,
        "facts": list(_facts(row.data)),
    }


def _facts(data: Mapping[str, Any]) -> Iterator[tuple[Word, Any]]:
    for name, value in data.items():
        if value not in {"", None}:
            yield FACTS.get(name, name), _said(name, value)


def _said(name: str, value: Any) -> Any:
    if name == "stream":
        return progress.stream_name(value)
    if name == "until" and (moment := parse_datetime(value)):
        return show.moment(moment)
    if name in WORDS:
        each = str(value).split(", ")
        return ", ".join(_label(WORDS[name], word) for word in each)
    return value


def _label(words: Any, value: str) -> str:
    return str(words(value).label) if value in words.values else value


def figures(stats: Mapping[str, Any] | None) -> SafeString:
    """Show what a sync of a segment counted, in the order in which people ask."""
    found = stats or {}
    known = [(FIGURES[name], found[name]) for name in FIGURES if name in found]
    rows = [(label, number_format(value)) for label, value in known]
    return facts(rows)


def form(sample: Mapping[str, Any]) -> SafeString:
    """Show which fields a row had, and of what kind each was."""
    rows = [(name, FORMS.get(str(kind), kind)) for name, kind in sample.items()]
    return facts(rows)


def facts(rows: list[tuple[Any, Any]]) -> SafeString:
    """Show names with what they are."""
    if not rows:
        return show.NOTHING
    lines = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", rows)
    return format_html('<dl class="facts small">{}</dl>', lines)
