"""The page of one schedule: how it stands, what it did, who changed it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django_celery_beat.models import PeriodicTask

from queues import schedule_rows
from queues.admin import firings, show
from queues.admin.phrase import phrase
from queues.admin.schedule_changes import changes_of
from queues.admin.schedule_preview import Preview, of_form, of_row
from queues.admin.schedule_standing import TONES, WORDS, Standing, standing
from queues.admin.schedule_strip import Block, links, strips, summary
from queues.models import CronLog

SHOWN_FIRINGS = 12


def page_of(task: PeriodicTask, row: schedule_rows.Row | None) -> dict[str, Any]:
    """Return everything that the page of a schedule shows beside its form."""
    now = timezone.now()
    blocks = strips([task.pk])[task.pk]
    return {
        "facts": _facts(task, row, now) if row else {},
        "strip": links(blocks),
        "strip_summary": summary(blocks),
        "firings": list(_firings(blocks)),
        "changes": list(changes_of(task)),
    }


def preview_of(
    form: Any, task: PeriodicTask | None, row: schedule_rows.Row | None
) -> Preview | None:
    """Return what the form, or the schedule without one, will run."""
    now = timezone.now()
    if form is not None and form.is_bound:
        return of_form(form, now)
    return of_row(row, phrase(task), now) if row else None


def badge(found: Standing) -> SafeString:
    """Return the state in words on its tone."""
    return show.badge(str(WORDS[found.state]), TONES[found.state])


def _facts(task: PeriodicTask, row: schedule_rows.Row, now: datetime) -> dict[str, Any]:
    found = standing(row, now)
    return {
        "badge": badge(found),
        "words": phrase(task),
        "zone": str(task.crontab.timezone) if task.crontab else "",
        "why": found.why,
        "late": found.due,
        "pause": pause_of(task),
    }


def pause_of(task: PeriodicTask) -> dict[str, Any] | None:
    """Return since when a schedule is paused, by whom and why; None if it is not."""
    state = getattr(task, "state", None)
    if task.enabled or state is None or state.paused_at is None:
        return None
    return {"at": state.paused_at, "by": state.paused_by, "note": state.pause_note}


def _firings(blocks: Sequence[Block]) -> Iterator[dict[str, Any]]:
    """Yield the last firings, expected against actual."""
    numbers = [block.id for block in blocks[-SHOWN_FIRINGS:]]
    rows = CronLog.objects.select_related("job").in_bulk(numbers)
    for each in (rows[number] for number in reversed(numbers) if number in rows):
        day = each.due_at or each.created_at
        yield {
            "row": each,
            "fired": _clock(each.created_at, day),
            "started": _clock(each.job.started_at if each.job else None, day),
            "ended": _clock(each.finished_at, day),
            "badge": firings.outcome(each),
            "took": firings.took(each),
            "problem": firings.problem(each),
        }


def _clock(moment: datetime | None, day: datetime | None) -> Any:
    """Return a time of day, with its date where that is another than the given one."""
    if moment is None or day is None:
        return show.NOTHING
    local = timezone.localtime(moment)
    same = local.date() == timezone.localtime(day).date()
    return f"{local:%H:%M:%S}" if same else show.clock(moment)
