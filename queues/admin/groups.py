"""Dead letters by fault: one row a fault, and what can be done to all of it."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from queues.access import may
from queues.admin.choice import STATES, WHEN, chosen, query
from queues.admin.paging import FURTHEST
from queues.errors import InvalidSelection
from queues.faults import PAGE, SPANS, Fault, faults
from queues.handlers import registry
from queues.letters import Selection

VIEW, REPLAY, DISMISS, EXPORT = (
    f"queues.{name}_{noun}"
    for name, noun in (
        ("view", "deadletter"),
        ("replay", "letter"),
        ("dismiss", "letter"),
        ("export", "letter"),
    )
)
ORDERS = {
    "count": gettext_lazy("most letters"),
    "last": gettext_lazy("last death"),
    "first": gettext_lazy("newest fault"),
}
SHOWN_TYPES = 3
BAR, GAP, HEIGHT = 5, 1, 24
"""The bars of the trend, in units of the drawing."""


def page(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show the faults of the open letters, or of those that the address asks for."""
    if not may(request.user, VIEW):
        raise PermissionDenied
    state = _one_of(STATES, request.GET.get("state"))
    order = _one_of(ORDERS, request.GET.get("sort"))
    span = _one_of(SPANS, request.GET.get("span"))
    number = _page_number(request.GET.get("p", ""))
    problem, found, total = "", list[Fault](), 0
    try:
        selection = chosen(request, VIEW, state=state)
        found, total = faults(selection, order=order, span=span, page=number)
    except InvalidSelection as error:
        problem, selection = _(str(error)), Selection()
    context = {
        **_head(admin, request),
        "problem": problem,
        "selection": selection,
        "faults": [_row(request, fault, state, span) for fault in found],
        "total": _counted(total),
        "query": query(request, state=state),
        "pages": _pages(request, number, total),
        "choices": _choices(request, state, order, span),
    }
    return TemplateResponse(request, "admin/queues/deadletter/faults.html", context)


def _head(admin: ModelAdmin, request: HttpRequest) -> dict[str, Any]:
    return {
        **admin.admin_site.each_context(request),
        **allowed(request),
        "title": _("Dead letters"),
        "opts": admin.opts,
    }


def _counted(total: int) -> str:
    return ngettext("%(n)s fault", "%(n)s faults", total) % {"n": intcomma(total)}


def allowed(request: HttpRequest) -> dict[str, bool]:
    """Return what this user may do to letters, for templates."""
    return {
        "may_replay": may(request.user, REPLAY),
        "may_dismiss": may(request.user, DISMISS),
        "may_export": may(request.user, EXPORT),
    }


def _row(request: HttpRequest, fault: Fault, state: str, span: str) -> dict[str, Any]:
    more = len(fault.types) - SHOWN_TYPES
    return {
        "fault": fault,
        "query": query(request, state=state, fingerprint=fault.fingerprint),
        "types": fault.types[:SHOWN_TYPES],
        "more": ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more}
        if more > 0
        else "",
        "bars": _bars(fault.trend),
        "width": len(fault.trend) * (BAR + GAP) - GAP,
        "trend": _trend(fault.trend, span),
    }


def _bars(trend: list[int]) -> list[dict[str, int]]:
    """Return where each bar stands; what happened at all can be seen."""
    most = max(trend, default=0) or 1
    return [
        {
            "x": place * (BAR + GAP),
            "y": HEIGHT - (high := max(2, round(HEIGHT * count / most))),
            "height": high,
        }
        for place, count in enumerate(trend)
        if count
    ]


def _trend(trend: list[int], span: str) -> str:
    if span == "days":
        text = _("%(last)d in the last day, %(all)d in %(n)d days")
    else:
        text = _("%(last)d in the last hour, %(all)d in %(n)d hours")
    return text % {"last": trend[-1], "all": sum(trend), "n": len(trend)}


def _choices(request: HttpRequest, state: str, order: str, span: str) -> dict[str, Any]:
    return {
        "state": (state, STATES.items()),
        "type": (request.GET.get("type", ""), [each.name for each in registry]),
        "when": (request.GET.get("when", ""), WHEN.items()),
        "sort": (order, ORDERS.items()),
        "span": (span, [("hours", _("24 hours")), ("days", _("14 days"))]),
    }


def _pages(request: HttpRequest, number: int, total: int) -> dict[str, str]:
    def to(page: int) -> str:
        words = request.GET.copy()
        words["p"] = str(page)
        return f"?{words.urlencode()}"

    return {
        "before": to(number - 1) if number > 1 else "",
        "after": to(number + 1) if number * PAGE < total else "",
    }


def _one_of(words: Iterable[str], word: str | None) -> str:
    known = list(words)
    return word if word in known else known[0]


def _page_number(word: str) -> int:
    if word.isascii() and word.isdigit() and 0 < int(word) <= FURTHEST:
        return int(word)
    return 1
