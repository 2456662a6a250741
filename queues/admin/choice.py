"""Which letters a page means: the words of its address, within the user's scope."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from queues.access import scope_of
from queues.admin import show
from queues.faults import fault
from queues.letters import Selection

STATES = {
    "open": pgettext_lazy("letter", "open"),
    "dismissed": gettext_lazy("dismissed"),
    "replayed": gettext_lazy("replayed"),
}
WORDS = ("state", "type", "fingerprint", "since", "until", "ids", "bulk", "upto")
WHEN = {
    "hour": gettext_lazy("the last hour"),
    "today": gettext_lazy("today"),
    "yesterday": gettext_lazy("yesterday"),
    "week": gettext_lazy("the last 7 days"),
    "month": gettext_lazy("the last 30 days"),
}


def chosen(request: HttpRequest, permission: str, **words: str) -> Selection:
    """Return the selection that the address names; raises InvalidSelection."""
    asked: dict[str, Any] = {name: request.GET.get(name, "") for name in WORDS}
    asked["search"] = request.GET.get("q", "")
    selection = Selection.read({**asked, **words})
    since, until = span_of(request.GET.get("when", ""))
    return replace(
        selection,
        since=selection.since or since,
        until=selection.until or until,
        scope=scope_of(request.user, permission),
    )


def span_of(when: str) -> tuple[datetime | None, datetime | None]:
    """Return from when to when a word reaches; None is no bound."""
    now = timezone.localtime()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    spans: dict[str, tuple[datetime | None, datetime | None]] = {
        "hour": (now - timedelta(hours=1), None),
        "today": (today, None),
        "yesterday": (today - timedelta(days=1), today),
        "week": (now - timedelta(days=7), None),
        "month": (now - timedelta(days=30), None),
    }
    return spans.get(when, (None, None))


def query(request: HttpRequest, **changes: object) -> str:
    """Return the words of the address, changed, as a query string; None drops one."""
    kept = {
        name: request.GET[name]
        for name in (*WORDS, "q", "when")
        if request.GET.get(name)
    }
    kept |= {name: str(value) for name, value in changes.items() if value is not None}
    dropped = {name for name, value in changes.items() if value is None}
    left = {name: value for name, value in kept.items() if name not in dropped}
    return f"?{urlencode(left)}" if left else ""


def told(words: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a selection says, for people."""
    selection = Selection.read(words)
    said = {
        _("state"): str(STATES.get(selection.state, "")),
        _("type"): selection.type,
        _("fault"): fault(selection.fingerprint)[1] if selection.fingerprint else "",
        _("since"): show.full(selection.since) if selection.since else "",
        _("until"): show.full(selection.until) if selection.until else "",
        _("search"): selection.search,
        _("letters"): ", ".join(map(str, selection.ids)),
        _("bulk"): f"#{selection.bulk}" if selection.bulk else "",
        _("only"): _scope(selection),
    }
    return [(name, text) for name, text in said.items() if text]


def _scope(selection: Selection) -> str:
    return ", ".join(
        f"{type_ or '*'} @ {queue or '*'}" for type_, queue in selection.scope or ()
    )
