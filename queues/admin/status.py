"""The tiles of the first page, and when a schedule runs next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues import schedule_rows
from queues.admin.worries import listing, number
from queues.concerns import Firing
from queues.due import next_after
from queues.errors import InvalidSchedule
from queues.models import Worker
from queues.survey import ENOUGH, Counts, Line, Process


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its name, what it says, and where it leads."""

    name: str
    value: Any
    note: Any
    tone: str
    url: str
    moment: datetime | None = None


def of_jobs(counts: Counts, lines: Sequence[Line]) -> list[Tile]:
    """Return what is due and what runs."""
    due = sum(line.due for line in lines)
    oldest = min((line.oldest for line in lines if line.oldest), default=None)
    waits = oldest is not None and (counts.now - oldest).total_seconds() > 60  # noqa: PLR2004
    return [
        Tile(
            _("Due now"),
            number(due, ENOUGH),
            _("the oldest became due") if due else _("nothing"),
            "warn" if waits else "calm",
            listing("job", status="due"),
            oldest,
        ),
        Tile(
            _("Processing"),
            number(counts.running, ENOUGH),
            _("running right now"),
            "busy" if counts.running else "calm",
            listing("job", status="processing"),
        ),
    ]


def of_letters(counts: Counts) -> Tile:
    """Return how many letters lie open."""
    return Tile(
        _("Open dead letters"),
        number(counts.letters, ENOUGH),
        _("wait for a person") if counts.letters else _("nothing to repair"),
        "bad" if counts.letters else "good",
        listing("deadletter", state="open"),
    )


def of_processes(processes: Iterable[Process]) -> list[Tile]:
    """Return the workers and the scheduler."""
    kinds = [each.kind for each in processes if each.is_heard]
    pool, beats = kinds.count(Worker.Kind.CHILD), kinds.count(Worker.Kind.BEAT)
    running = kinds.count(Worker.Kind.NODE) or pool
    note = ngettext("%(n)d pool process", "%(n)d pool processes", pool) % {"n": pool}
    return [
        Tile(
            _("Workers"),
            str(running),
            note if running else _("no job will run"),
            "good" if running else "bad",
            listing("worker", state="alive"),
        ),
        Tile(
            _("Scheduler"),
            _("alive") if beats else _("silent"),
            _("schedules fire") if beats else _("no schedule will fire"),
            "good" if beats else "bad",
            listing("worker", kind__exact="beat"),
        ),
    ]


def of_schedules(firings: Sequence[Firing]) -> Tile:
    """Return which schedule fires next."""
    url = listing("periodictask", app="django_celery_beat")
    first = next(iter(firings), None)
    if first is None:
        return Tile(_("Next schedule"), "–", _("none is enabled"), "calm", url)
    tone = "warn" if first.is_late else "calm"
    return Tile(_("Next schedule"), "", first.row.name, tone, url, first.at)


def next_run(row: schedule_rows.Row, now: datetime) -> datetime | None:
    """Return when a schedule is due next; None if it is off, over or unreadable."""
    if not row.enabled:
        return None
    try:
        return next_after(row.plan(), now)
    except InvalidSchedule:
        return None
