"""How the rows of syncs look."""

from datetime import date

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues.admin import show
from syncs import progress
from syncs.models import Run, Store
from syncs.states import ConnectionStatus, Outcome, RunStatus, StreamStatus

TONES = {
    RunStatus.QUEUED: "wait",
    RunStatus.PROCESSING: "busy",
    RunStatus.COMPLETED: "good",
    RunStatus.FAILED: "bad",
}
STREAMS = {
    StreamStatus.PENDING: "mute",
    StreamStatus.RUNNING: "busy",
    StreamStatus.WAITING: "wait",
    StreamStatus.COMPLETE: "good",
    StreamStatus.HELD: "warn",
    StreamStatus.FAILED: "bad",
}
LINKS = {
    ConnectionStatus.ACTIVE: "good",
    ConnectionStatus.PAUSED: "warn",
    ConnectionStatus.AUTH_ERROR: "bad",
    ConnectionStatus.ACCOUNT_LOCKED: "bad",
    ConnectionStatus.DISABLED: "mute",
}


def run(row: Run) -> SafeString:
    """Show how a run stands."""
    tone = TONES[RunStatus(row.status)]
    if row.outcome == Outcome.PARTIAL:
        tone = "warn"
    if row.outcome == Outcome.CANCELLED:
        tone = "mute"
    return show.badge(str(progress.word(row)), tone)


def stream(status: str) -> SafeString:
    """Show how a stream stands."""
    word: str | Promise = progress.STREAMS[status]
    return show.badge(str(word), STREAMS[StreamStatus(status)])


def link(status: str) -> SafeString:
    """Show whether a connection may be called."""
    word = ConnectionStatus(status).label
    return show.badge(str(word), LINKS[ConnectionStatus(status)])


def store(row: Store) -> SafeString:
    """Show a store as a link to its page in the console."""
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:syncs_store_change", args=[row.pk]), row
    )


def days(row: Run) -> SafeString:
    """Show the days of a run."""
    return span(row.period_start, row.period_end)


def span(start: date | None, end: date | None) -> SafeString:
    """Show days from one to another, in one line."""
    if start is None or end is None:
        return show.NOTHING
    first, last = (date_format(each, "SHORT_DATE_FORMAT") for each in (start, end))
    return format_html('<span class="moment">{} – {}</span>', first, last)


def document(value: object) -> SafeString:
    """Show JSON as people read it."""
    return format_html('<pre tabindex="0">{}</pre>', show.pretty(value))
