"""How the cadences stand: what runs, went out, came back, waits for a person.

Every count stops at ENOUGH and has an index, so the figures cost the same at ten runs
and at ten million.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from cadences import clock
from cadences.models import Account, Control, Run, RunnerLog
from cadences.states import RunStatus

ENOUGH = 10_000
DAY = timedelta(days=1)
NEXT_HOURS = timedelta(hours=12)
LATELY = timedelta(minutes=5)
"""Over which the sends a minute are told: as long as between two passes."""

LIVE = """
SELECT 'ATIVA', '', count(*) FROM (SELECT FROM lead_cadence_runs
    WHERE status = 'ATIVA' AND next_run_at IS NOT NULL LIMIT %(enough)s) AS one
UNION ALL
SELECT 'PAUSADA', pause_reason, count(*) FROM (SELECT pause_reason FROM lead_cadence_runs
    WHERE status = 'PAUSADA' LIMIT %(enough)s) AS two GROUP BY pause_reason
UNION ALL
SELECT status, exit_reason, count(*) FROM (SELECT status, exit_reason
    FROM lead_cadence_runs WHERE status IN ('CONCLUIDA', 'CANCELADA')
    AND updated_at >= %(since)s LIMIT %(enough)s) AS three GROUP BY status, exit_reason
"""
SENDS = """
SELECT state, count(*) FROM (SELECT state FROM lead_step_executions
    WHERE intended_at >= %(midnight)s LIMIT %(enough)s) AS sends GROUP BY state
"""
WAITING = """
SELECT
    (SELECT count(*) FROM (SELECT FROM lead_step_executions
        WHERE state = 'unknown' LIMIT %(enough)s) AS one),
    (SELECT count(*) FROM (SELECT FROM cadence_tasks
        WHERE state = 'open' LIMIT %(enough)s) AS two),
    (SELECT count(*) FROM (SELECT FROM leads
        WHERE replied_at >= %(midnight)s LIMIT %(enough)s) AS three),
    (SELECT count(*) FROM (SELECT FROM lead_cadence_runs
        WHERE status = 'ATIVA' AND next_run_at <= %(now)s LIMIT %(enough)s) AS four),
    (SELECT min(next_run_at) FROM lead_cadence_runs WHERE status = 'ATIVA'),
    (SELECT max(executed_at) FROM cadence_runner_logs WHERE NOT is_dry),
    (SELECT coalesce(sum(errors), 0) FROM cadence_runner_logs
        WHERE executed_at >= %(since)s),
    (SELECT count(*) FROM (SELECT FROM lead_step_executions
        WHERE intended_at >= %(lately)s AND state IN ('sent', 'assumed')
        LIMIT %(enough)s) AS five)
"""
BACKLOG = """
SELECT step.medium, account.id, account.name, count(*) FROM (
    SELECT version_id, next_step_key, sticky FROM lead_cadence_runs
    WHERE status = 'ATIVA' AND next_run_at <= %(now)s
    ORDER BY next_run_at LIMIT %(enough)s) AS run
JOIN cadence_steps AS step ON step.version_id = run.version_id
    AND step.key = run.next_step_key AND step.kind = 'message'
LEFT JOIN channel_accounts AS account
    ON account.id::text = run.sticky ->> step.medium
GROUP BY 1, 2, 3 ORDER BY 4 DESC
"""
HOURS = """
SELECT date_trunc('hour', next_run_at) AS hour, count(*) FROM (
    SELECT next_run_at FROM lead_cadence_runs WHERE status = 'ATIVA'
    AND next_run_at >= %(now)s AND next_run_at < %(until)s
    ORDER BY next_run_at LIMIT %(enough)s) AS coming
GROUP BY hour ORDER BY hour
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that are due, in a channel, from the account that the leads know."""

    medium: str
    account_id: UUID | None
    """None where whichever account is free begins."""
    account: str | None
    count: int


@dataclass(slots=True)
class Standing:
    """The figures of the panel."""

    now: datetime
    active: int = 0
    paused: list[tuple[str, int]] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)
    """Of the last 24 hours."""
    sends: dict[str, int] = field(default_factory=dict)
    """Of today, by what became of them."""
    unknown: int = 0
    tasks: int = 0
    replied: int = 0
    due: int = 0
    oldest: datetime | None = None
    last_pass: datetime | None = None
    errors: int = 0
    """Of the passes of the last 24 hours."""
    lately: int = 0
    """Sends of the last LATELY."""
    backlog: list[Backlog] = field(default_factory=list)
    hours: list[tuple[datetime, int]] = field(default_factory=list)


def standing() -> Standing:
    """Return the figures, from five statements."""
    now = clock.now()
    values: dict[str, Any] = {
        "enough": ENOUGH, "now": now, "since": now - DAY, "midnight": midnight(now),
        "until": now + NEXT_HOURS, "lately": now - LATELY,
    }  # fmt: skip
    found = Standing(now, sends=dict(_rows(SENDS, values)))
    for status, reason, count in _rows(LIVE, values):
        _note(found, status, reason, count)
    ((
        found.unknown, found.tasks, found.replied, found.due, found.oldest,
        found.last_pass, found.errors, found.lately,
    ),) = _rows(WAITING, values)  # fmt: skip
    found.backlog = [Backlog(*row) for row in _rows(BACKLOG, values)]
    found.hours = _rows(HOURS, values)
    return found


def _note(found: Standing, status: str, reason: str, count: int) -> None:
    if status == RunStatus.ACTIVE:
        found.active = count
    elif status == RunStatus.PAUSED:
        found.paused.append((reason, count))
    else:
        found.ended.append((reason, count))


def midnight(now: datetime) -> datetime:
    """Return when today began, in the zone of the installation."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def coming(most: int) -> QuerySet[Run]:
    """Return the runs whose steps go out next."""
    rows = Run.objects.filter(status=RunStatus.ACTIVE)
    return rows.select_related("lead", "cadence").order_by("next_run_at", "pk")[:most]


def passes(most: int) -> QuerySet[RunnerLog]:
    """Return the last passes of the runner."""
    return RunnerLog.objects.defer("details").order_by("-executed_at", "-pk")[:most]


def resting(now: datetime) -> list[Account]:
    """Return the accounts that do not send now."""
    rows = Account.objects.order_by("name")
    return [each for each in rows if rests(each, now)]


def rests(account: Account, now: datetime) -> bool:
    """Tell whether an account does not send now."""
    broken = account.broken_until is not None and account.broken_until > now
    return broken or account.state != Account.State.ACTIVE


def switch_row() -> Control:
    """Return the switch as it stands; one that was never touched is on."""
    return Control.objects.filter(pk=1).first() or Control(
        is_on=True, reason="", changed_by=""
    )


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
