"""What only a test can know: what reached the phones, and which hours were open then."""

from django.db import connection

from cadences.testing import Recorder

# I10: everything that may have been sent was meant for a moment that was open.
OPEN_HOURS = """
SELECT execution.id FROM (
    SELECT id, calendar_id, intended_at AT TIME ZONE zone AS local
    FROM lead_step_executions
    WHERE state IN ('sending', 'sent', 'unknown', 'assumed') AND NOT is_forced
      AND calendar_id IS NOT NULL) AS execution
WHERE NOT EXISTS (
        SELECT FROM calendar_slots AS slot WHERE calendar_id = execution.calendar_id
        AND CASE
            WHEN opens < closes THEN weekday = extract(isodow FROM local) - 1
                AND local::time >= opens AND local::time < closes
            WHEN local::time >= opens THEN weekday = extract(isodow FROM local) - 1
            ELSE weekday = (extract(isodow FROM local)::int + 5) % 7
                AND local::time < closes END)
   OR EXISTS (
        SELECT FROM calendar_holidays AS holiday
        WHERE calendar_id = execution.calendar_id AND date = local::date
          AND (until IS NULL OR local::time < until))
"""


def closed_sends() -> list[str]:
    """Return what was sent outside the open hours."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN_HOURS)
        return [str(row[0]) for row in cursor.fetchall()]


def doubled(recorder: Recorder) -> dict[str, int]:
    """Return the executions that reached somebody more than once (I3)."""
    return {name: count for name, count in recorder.counts().items() if count > 1}
