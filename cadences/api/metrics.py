"""What a Prometheus server may ask for about cadences."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily

from cadences.models import Account
from cadences.standing import standing
from queues.api.metrics import gauge

SENDS = """
SELECT account.adapter, coalesce(attempt.outcome, 'open'), attempt.why, count(*)
FROM send_attempts AS attempt
JOIN channel_accounts AS account ON account.id = attempt.account_id
WHERE attempt.started_at > clock_timestamp() - interval '1 hour'
GROUP BY 1, 2, 3
"""
INBOX = """
SELECT match, count(*) FROM messages
WHERE match IN ('ambiguous', 'none') AND created_at > clock_timestamp() - interval '1 day'
GROUP BY 1
"""


def figures() -> Iterator[GaugeMetricFamily]:
    """Yield the figures of cadences, read at every scrape."""
    now = standing()
    yield from _sends()
    for name, text, value in (
        ("due_runs", "Runs whose step is due, up to 10,001", now.due),
        ("oldest_due_seconds", "How long the oldest due run has waited", now.oldest),
        ("uncertain_sends", "Sends whose outcome nobody knows", now.uncertain),
        (
            "paused_by_errors",
            "Runs that errors or missing data paused",
            now.paused_by_errors,
        ),
        ("errors_last_day", "Errors of passes within a day", now.errors),
        (
            "last_pass_age_seconds",
            "Time since the last pass began; -1 before the first",
            -1.0 if now.last_pass_age is None else now.last_pass_age,
        ),
    ):
        yield gauge(f"ritmo_cadence_{name}", text, (), {(): value})
    text = "Whether an account can send"
    states = Account.objects.values_list("name", "company", "state")
    sends = {
        (company, name): state == Account.State.ACTIVE
        for name, company, state in states
    }
    yield gauge("ritmo_cadence_account_up", text, ("company", "account"), sends)


def _sends() -> Iterator[GaugeMetricFamily]:
    with connection.cursor() as cursor:
        cursor.execute(SENDS)
        counted = {row[:3]: row[3] for row in cursor.fetchall()}
        cursor.execute(INBOX)
        waiting = {"ambiguous": 0, "none": 0} | dict(cursor.fetchall())
    yield gauge(
        "ritmo_cadence_sends_last_hour",
        "Calls of providers that began within the last hour, by how they ended",
        ("adapter", "outcome", "why"),
        counted,
    )
    yield gauge(
        "ritmo_cadence_unowned_last_day",
        "Messages of the last day that belong to nobody, or to one of several leads",
        ("match",),
        {(name,): count for name, count in waiting.items()},
    )
