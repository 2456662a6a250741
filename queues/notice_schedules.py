"""Notice new, edited, paused and resumed schedules, by whatever hand they changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from queues.schedule_rows import Row

FRESH = timedelta(minutes=1)
"""How old the last tick of this process may be to say when a change happened."""

# A beat that lags behind another must not undo what that one noticed: whoever
# comes second finds another `noticed_at`. No due time is counted twice.
UPDATE = """
UPDATE schedule_states AS state SET
    pattern = row.pattern, paused = row.paused, noticed_at = clock_timestamp(),
    counted_from = least(%(now)s::timestamptz, greatest(state.counted_from, row.base)),
    -- Whatever hand switched it on again: the note was about another pause.
    paused_at = CASE WHEN row.paused THEN state.paused_at END,
    paused_by_id = CASE WHEN row.paused THEN state.paused_by_id END,
    pause_note = CASE WHEN row.paused THEN state.pause_note ELSE '' END
FROM unnest(%(ids)s::int[], %(patterns)s::text[], %(paused)s::bool[],
            %(bases)s::timestamptz[], %(noticed)s::timestamptz[])
    AS row (id, pattern, paused, base, noticed_at)
WHERE state.schedule_id = row.id AND state.noticed_at IS NOT DISTINCT FROM row.noticed_at
"""
INSERT = """
INSERT INTO schedule_states (schedule_id, pattern, paused, counted_from, noticed_at)
SELECT id, pattern, paused, base, clock_timestamp()
FROM unnest(%(ids)s::int[], %(patterns)s::text[], %(paused)s::bool[],
            %(bases)s::timestamptz[]) AS row (id, pattern, paused, base)
ON CONFLICT (schedule_id) DO NOTHING
"""


def notice(rows: Sequence[Row], *, now: datetime, since: datetime | None) -> bool:
    """Remember the rows that changed, and from when they count; tell whether any did.

    `since` is this process's last tick, at which every row was as remembered.
    """
    if since is not None and not now - FRESH < since <= now:
        since = None
    changed = [row for row in rows if not row.is_noticed or _is_ahead(row, now)]
    if not changed:
        return False
    values: dict[str, Any] = {
        "now": now,
        "ids": [row.id for row in changed],
        "patterns": [row.pattern for row in changed],
        "paused": [not row.enabled for row in changed],
        "bases": [_base(row, now=now, since=since) for row in changed],
        "noticed": [row.noticed_at for row in changed],
    }
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, values)
        if cursor.rowcount < len(changed):
            cursor.execute(INSERT, values)
    return True


def _is_ahead(row: Row, now: datetime) -> bool:
    """Tell whether the database's clock was set back behind what it recorded."""
    return row.counted_from is not None and row.counted_from > now + FRESH


def _base(row: Row, *, now: datetime, since: datetime | None) -> datetime:
    """Return the moment from which the due times of a changed row are counted."""
    saved_at = min(row.changed_at, now)
    is_new, is_resumed = not row.noticed, row.enabled and row.paused
    if since is not None:
        # A save tells its moment; bulk updates and SQL do not, the last tick does.
        return saved_at if saved_at > since and (is_new or is_resumed) else since
    if is_new:
        return saved_at if row.last_run_at is None else max(saved_at, row.last_run_at)
    if row.noticed_at is not None and saved_at > row.noticed_at:
        return saved_at
    return now
