"""The last firings of a schedule as a strip of blocks, each with its words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.admin import show
from queues.admin.firings import TONES
from queues.models import CronLog

LENGTH = 30

# Each half is a range of the index of due times: runs by hand, which are few, have none.
NEWEST = """
SELECT schedule.id, log.id, log.status, log.due_at, log.created_at
FROM unnest(%(ids)s::int[]) AS schedule (id)
CROSS JOIN LATERAL (
    SELECT * FROM (
        (SELECT id, status, due_at, created_at FROM cron_job_logs
         WHERE schedule_id = schedule.id AND due_at IS NOT NULL
         ORDER BY due_at DESC LIMIT %(length)s)
        UNION ALL
        (SELECT id, status, due_at, created_at FROM cron_job_logs
         WHERE schedule_id = schedule.id AND due_at IS NULL
         ORDER BY created_at DESC LIMIT %(length)s)
    ) AS newest
    ORDER BY coalesce(due_at, created_at) DESC LIMIT %(length)s
) AS log
ORDER BY coalesce(log.due_at, log.created_at)
"""


@dataclass(frozen=True, slots=True)
class Block:
    """One firing of a strip."""

    id: int
    status: str
    due_at: datetime | None
    fired_at: datetime | None

    @property
    def tone(self) -> str:
        """Return the tone of its outcome."""
        known = self.status in CronLog.Status.values
        return TONES[CronLog.Status(self.status)] if known else "mute"

    @property
    def outcome(self) -> str:
        """Return how it ended, in words."""
        return str(dict(CronLog.Status.choices).get(self.status, self.status))

    @property
    def words(self) -> str:
        """Return when it was and how it ended."""
        moment = self.due_at or self.fired_at
        return f"{show.clock(moment)}: {self.outcome}" if moment else self.outcome


def strips(schedule_ids: Sequence[int]) -> dict[int, list[Block]]:
    """Return the last firings of each schedule, the oldest first, by one statement."""
    found: dict[int, list[Block]] = {each: [] for each in schedule_ids}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {"ids": list(schedule_ids), "length": LENGTH})
        for schedule_id, *facts in cursor.fetchall():
            found[schedule_id].append(Block(*facts))
    return found


def summary(blocks: Iterable[Block]) -> str:
    """Return a strip in words: "Last 30 firings: 28 success, 2 error"."""
    counts = Counter(block.status for block in blocks)
    if not counts:
        return _("It has not fired yet.")
    labels = dict(CronLog.Status.choices)
    told = ", ".join(
        f"{number} {labels.get(status, status)}"
        for status, number in counts.most_common()
    )
    text = ngettext(
        "Last firing: %(told)s", "Last %(n)d firings: %(told)s", n := counts.total()
    )
    return text % {"n": n, "told": told}


def picture(blocks: Sequence[Block]) -> SafeString:
    """Return the strip as one picture, with its summary for those who do not see it."""
    if not blocks:
        return show.NOTHING
    drawn = format_html_join(
        "",
        '<i class="{}" title="{}"></i>',
        ((each.tone, each.words) for each in blocks),
    )
    return format_html(
        '<span class="strip" role="img" aria-label="{}">{}</span>',
        summary(blocks), drawn,
    )  # fmt: skip


def links(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Return the strip as links, each leading to its firing."""
    return [
        {
            "tone": each.tone,
            "words": each.words,
            "url": reverse("admin:queues_cronlog_change", args=[each.id]),
        }
        for each in blocks
    ]
