"""The panel of cadences: what goes out, what came back, what waits for a person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cadences.admin import look
from cadences.admin.log_look import pass_of
from cadences.admin.tiles import SHOWN, runs, tiles
from cadences.models import Account, Run
from cadences.states import ExecutionState, ExitReason, Medium, PauseReason
from cadences.survey import (
    ENOUGH,
    Standing,
    coming,
    passes,
    resting,
    standing,
    switch_row,
)
from queues.access import may_everywhere
from queues.admin.overview import RELATIVE
from queues.admin.worries import number
from queues.rooms import Page, add_page

VIEW = "cadences.view_run"
SWITCH = "cadences.switch_runner"

add_page(
    Page(
        "cadence-panel",
        gettext_lazy("Panel"),
        "admin:cadences_control_panel",
        permission=VIEW,
    )
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of a list: its name, how many, where they are, how much of the most."""

    name: str
    count: str
    url: str
    share: int


def page(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show the panel."""
    if not may_everywhere(request.user, VIEW):
        raise PermissionDenied
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Panel of the cadences"),
        "opts": admin.opts,
        **parts(request),
    }
    return TemplateResponse(request, "admin/cadences/panel/page.html", context)


def live(request: HttpRequest) -> HttpResponse:
    """Answer with the parts of the panel, or 304 if none of them has changed."""
    if not may_everywhere(request.user, VIEW):
        raise PermissionDenied
    text = render_to_string("admin/cadences/panel/parts.html", parts(request), request)
    digest = hashlib.sha256(RELATIVE.sub(r"\1", text).encode()).hexdigest()
    etag = f'W/"{digest[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = HttpResponse(text)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


def parts(request: HttpRequest) -> dict[str, Any]:
    """Return what the panel shows to this person."""
    found = standing()
    accounts = resting(found.now)
    return {
        "switch": switch_row(),
        "may_switch": may_everywhere(request.user, SWITCH),
        "tiles": tiles(found, accounts),
        "paused": _bars(found.paused, PauseReason, "paused"),
        "ended": _bars(found.ended, ExitReason, "ended"),
        "backlog": _backlog(found),
        "sends": _sends(found),
        "hours": _hours(found),
        "coming": [_coming(request, each) for each in coming(SHOWN)],
        "resting": [_account(each, found.now) for each in accounts[:SHOWN]],
        "passes": [pass_of(each) for each in passes(SHOWN)],
        "now": found.now,
    }


def _bars(rows: list[tuple[str, int]], words: Any, kind: str) -> list[Bar]:
    rows = sorted(rows, key=lambda each: -each[1])
    most = max((count for _name, count in rows), default=1)
    return [
        Bar(
            look.reason(words, name), number(count, ENOUGH),
            runs(reason=f"{kind}:{name}"), _share(count, most),
        )
        for name, count in rows
    ]  # fmt: skip


def _backlog(found: Standing) -> list[Bar]:
    """Return where the messages wait; beyond SHOWN lines the rest is one."""
    anyone = _("any account")
    lines = [
        (f"{look.reason(Medium, each.medium)} · {each.account or anyone}",
         each.count, {"medium": each.medium})
        for each in found.backlog
    ]  # fmt: skip
    if rest := sum(count for _name, count, _words in lines[SHOWN:]):
        lines[SHOWN:] = [(_("others"), rest, {})]
    most = max((count for _name, count, _words in lines), default=1)
    return [
        Bar(name, number(count, ENOUGH), runs(next="now", **words), _share(count, most))
        for name, count, words in lines
    ]


def _share(count: int, most: int) -> int:
    return max(1, round(100 * count / most))


def _sends(found: Standing) -> list[dict[str, Any]]:
    order = [each for each in ExecutionState if each.value in found.sends]
    return [
        {
            "badge": look.sent_word(each),
            "count": number(found.sends[each.value], ENOUGH),
        }
        for each in order
    ]


def _hours(found: Standing) -> list[dict[str, Any]]:
    most = max((count for _at, count in found.hours), default=1)
    return [
        {
            "at": at,
            "count": ngettext("%(n)s step", "%(n)s steps", count)
            % {"n": number(count, ENOUGH)},
            "share": _share(count, most),
        }
        for at, count in found.hours
    ]


def _coming(request: HttpRequest, run: Run) -> dict[str, Any]:
    return {
        "url": look.address("run", run.pk),
        "lead": look.lead(request, run.lead),
        "cadence": str(run.cadence),
        "step": run.next_step,
        "at": run.planned_run_at or run.next_run_at,
    }


def _account(account: Account, now: datetime) -> dict[str, Any]:
    is_broken = account.broken_until is not None and account.broken_until > now
    return {
        "name": account.name,
        "state": account.get_state_display(),
        "is_active": account.state == Account.State.ACTIVE,
        "until": account.broken_until if is_broken else None,
        "failures": account.failures,
    }
