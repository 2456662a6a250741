"""The first page of the console: how the engine stands, live, for who may see it."""

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from queues import concerns, schedule_rows, survey
from queues.access import may, may_everywhere
from queues.admin import status, trends, worries
from queues.admin.worries import listing, number
from queues.lines import paused
from queues.models import Worker

VIEW_SCHEDULE = "django_celery_beat.view_periodictask"
SHOWN = 6
STANDING = {Worker.Kind.NODE, Worker.Kind.BEAT}
"""The processes that are listed; pool processes are counted on a tile."""
RELATIVE = re.compile(r"(<span data-at=\"[^\"]*\">)[^<]*")
"""What the browser counts on by itself; it makes no answer a new one."""

Parts = dict[str, Any]


def parts(request: HttpRequest) -> Parts:
    """Return what the page shows to this person, from fewer than a dozen statements.

    Its figures are of all jobs, so they are for those whose permission no scope narrows.
    """
    user: Any = request.user
    counts = survey.counts()
    shown: Parts = {"tiles": [], "concerns": []}
    if may_everywhere(user, "queues.view_job"):
        shown |= _jobs(request, counts)
    if may_everywhere(user, "queues.view_deadletter"):
        shown |= _letters(shown, counts)
    if user.has_perm("queues.view_worker"):
        shown |= _processes(shown)
    if user.has_perm(VIEW_SCHEDULE):
        shown |= _schedules(user, shown, counts)
    shown["worries"] = worries.worries(shown["concerns"])
    shown["is_blind"] = not shown["tiles"]
    shown["is_narrowed"] = user.has_perm("queues.view_job") and "lines" not in shown
    return shown


def live(request: HttpRequest) -> HttpResponse:
    """Answer with the parts of the page, or 304 if none of them has changed."""
    fragment = render_to_string("admin/overview/parts.html", parts(request), request)
    digest = hashlib.sha256(RELATIVE.sub(r"\1", fragment).encode()).hexdigest()
    etag = f'W/"{digest[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = HttpResponse(fragment)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


@dataclass(frozen=True, slots=True)
class Priority:
    """What waits at one priority, in all queues."""

    priority: int
    due: str
    later: str
    oldest: Any
    share: int


def _jobs(request: HttpRequest, counts: survey.Counts) -> Parts:
    lines, closed = survey.lines(), paused()
    window = trends.window(request.GET.get("range", ""))
    type_ = request.GET.get("type", "")[:100] or None
    steps, types = trends.figures(window, type_, counts.now)
    rows, left = trends.types(types)
    return {
        "lines": lines,
        "tiles": status.of_jobs(counts, lines),
        "concerns": [
            *concerns.of_lines(lines, counts.now, closed),
            *concerns.of_pauses(closed.values()),
        ],
        "backlog": _backlog(lines),
        "windows": trends.WINDOWS.values(),
        "window": window,
        "type": type_,
        "series": trends.series(window, steps, counts.now),
        "types": rows,
        "types_left": left,
    }


def _letters(shown: Parts, counts: survey.Counts) -> Parts:
    faults = survey.faults()
    return {
        "tiles": [*shown["tiles"], status.of_letters(counts)],
        "concerns": [*shown["concerns"], *concerns.of_letters(survey.rise())],
        "faults": [
            (fault, number(fault.count, survey.ENOUGH), _where(fault))
            for fault in faults
        ],
        "is_many": counts.letters > survey.ENOUGH,
    }


def _where(fault: survey.Fault) -> str:
    if fault.fingerprint is None:
        return listing("deadletter", state="open", type=fault.type)
    return listing("deadletter", state="open", fingerprint=fault.fingerprint)


def _processes(shown: Parts) -> Parts:
    found = survey.processes()
    lines = shown.get("lines", [])
    return {
        "tiles": [*shown["tiles"], *status.of_processes(found)],
        "concerns": [*shown["concerns"], *concerns.of_processes(found, lines)],
        "processes": [each for each in found if each.kind in STANDING],
    }


def _schedules(user: Any, shown: Parts, counts: survey.Counts) -> Parts:
    firings = [
        concerns.firing(row, counts.now)
        for row in schedule_rows.rows()
        if row.enabled and may(user, VIEW_SCHEDULE, type=row.type, queue=row.queue)
    ]
    coming = sorted(
        (each for each in firings if each.at), key=lambda each: (each.at, each.row.name)
    )
    return {
        "tiles": [*shown["tiles"], status.of_schedules(coming)],
        "concerns": [*shown["concerns"], *concerns.of_schedules(firings)],
        "firings": coming[:SHOWN],
    }


def _backlog(lines: list[survey.Line]) -> list[Priority]:
    """Return the priorities at which something waits, the most urgent first."""
    found = sorted({line.priority for line in lines})
    sums = {each: [line for line in lines if line.priority == each] for each in found}
    most = max((sum(line.due for line in each) for each in sums.values()), default=0)
    return [_priority(each, of, most) for each, of in sums.items()]


def _priority(priority: int, lines: list[survey.Line], most: int) -> Priority:
    due, later = sum(line.due for line in lines), sum(line.later for line in lines)
    oldest = min((line.oldest for line in lines if line.oldest), default=None)
    share = max(1, round(100 * due / most)) if due else 0
    return Priority(priority, number(due), number(later), oldest, share)
