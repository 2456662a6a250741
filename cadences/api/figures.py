"""What a Prometheus server may know of the channels."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import GaugeMetricFamily

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


def sends() -> Iterator[GaugeMetricFamily]:
    """Yield how the calls of the last hour ended, and what nobody owns."""
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
