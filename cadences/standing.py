"""How cadences stand as a whole: what is due, how late, what went out and what went wrong."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from cadences import clock

MOST = 10_000
"""Due runs that are counted; beyond, the age of the oldest tells more."""
STANDING = """
SELECT
    (SELECT count(*) FROM (SELECT FROM lead_cadence_runs
        WHERE status = 'ATIVA' AND claim_token IS NULL AND next_run_at <= %(now)s
        LIMIT %(most)s) AS due),
    (SELECT extract(epoch FROM %(now)s - min(next_run_at)) FROM lead_cadence_runs
        WHERE status = 'ATIVA' AND next_run_at <= %(now)s),
    (SELECT max(executed_at) FROM cadence_runner_logs WHERE NOT is_dry),
    (SELECT coalesce(sum(errors), 0) FROM cadence_runner_logs
        WHERE executed_at > %(now)s - interval '24 hours'),
    (SELECT count(*) FROM lead_step_executions
        WHERE state = 'unknown'),
    (SELECT count(*) FROM lead_cadence_runs
        WHERE status = 'PAUSADA' AND pause_reason IN ('errors', 'missing_data'))
"""
SENDS = """
SELECT coalesce(outcome, 'open'), count(*) FROM send_attempts
WHERE started_at > %s - interval '1 hour' GROUP BY 1
"""
OUTCOMES = ("accepted", "refused", "unknown", "open")


@dataclass(frozen=True, slots=True)
class Standing:
    """The figures of one moment."""

    due: int
    oldest: float
    last_pass_at: datetime | None
    last_pass_age: float | None
    errors: int
    uncertain: int
    paused_by_errors: int
    sends: dict[str, int]


def standing() -> Standing:
    """Read the figures; each is an index look-up or a short scan."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"now": now, "most": MOST + 1})
        due, oldest, last, errors, uncertain, paused = cursor.fetchone()
        cursor.execute(SENDS, [now])
        sends = dict.fromkeys(OUTCOMES, 0) | dict(cursor.fetchall())
    return Standing(
        due=due,
        oldest=max(float(oldest or 0), 0.0),
        last_pass_at=last,
        last_pass_age=None if last is None else (now - last).total_seconds(),
        errors=errors,
        uncertain=uncertain,
        paused_by_errors=paused,
        sends=sends,
    )
