"""Write what Klaviyo said, and forget what a complete report no longer holds."""

from collections.abc import Sequence
from typing import Any

from django.db import connection as database
from django.db.models.functions import Now

from syncs.klaviyo.catalog import PieceFact
from syncs.klaviyo.reports import STATISTICS, ReportPage
from syncs.models import Connection, ReportState, Result, Run
from syncs.ports import Applied, Period

PIECES = """
INSERT INTO marketing_pieces (connection_id, kind, external_id, name, status, channel,
    is_archived, sent_at, provider_updated_at)
SELECT %s, %s, said.* FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[],
    %s::boolean[], %s::timestamptz[], %s::timestamptz[]) AS said
ON CONFLICT (connection_id, kind, external_id) DO UPDATE SET
    name = excluded.name, status = excluded.status, channel = excluded.channel,
    is_archived = excluded.is_archived, sent_at = excluded.sent_at,
    provider_updated_at = excluded.provider_updated_at, seen_at = clock_timestamp()
WHERE excluded.provider_updated_at >= marketing_pieces.provider_updated_at
RETURNING xmax = 0
"""


def save_pieces(
    connection: Connection, kind: str, facts: Sequence[PieceFact]
) -> Applied:
    """Write campaigns or flows, never an older word over a newer."""
    newest: dict[str, PieceFact] = {}
    for fact in facts:
        known = newest.get(fact.external_id)
        if known is None or fact.provider_updated_at >= known.provider_updated_at:
            newest[fact.external_id] = fact
    rows = [newest[key] for key in sorted(newest)]
    columns = [[getattr(row, name) for row in rows] for name in PieceFact.__slots__]
    with database.cursor() as cursor:
        cursor.execute(PIECES, [connection.pk, kind, *columns])
        written = [is_new for (is_new,) in cursor.fetchall()]
    inserted = sum(written)
    return Applied(
        inserted=inserted,
        updated=len(written) - inserted,
        unchanged=len(rows) - len(written),
    )


def save_report(
    connection: Connection,
    report: str,
    period: Period,
    page: ReportPage,
    *,
    run: Run | None,
) -> Applied:
    """Write a page of a report; with the last one, drop what this reading did not bring."""
    frame: dict[str, Any] = {
        "connection": connection,
        "report": report,
        "period_start": period.start,
        "period_end": period.end,
    }
    known = Result.objects.filter(**frame, metric=page.metric)
    before = known.count()
    _write(frame, page, run)
    inserted = known.count() - before
    removed = 0
    if page.next_cursor is None:
        stale = Result.objects.filter(**frame).exclude(
            metric=page.metric, seen_at__gte=page.began
        )
        removed, _ = stale.delete()
        ReportState.objects.update_or_create(
            **frame,
            defaults={
                "metric": page.metric,
                "as_of": page.as_of or page.began or Now(),
                "data": dict(page.data),
            },
        )
    return Applied(
        inserted=inserted, updated=len(page.rows) - inserted, removed=removed
    )


def _write(frame: dict[str, Any], page: ReportPage, run: Run | None) -> None:
    rows = {
        (each.piece, each.message, each.channel): Result(
            **frame, metric=page.metric, run=run, seen_at=Now(), piece=each.piece,
            message=each.message, channel=each.channel, revenue=each.revenue, **each.counts,
        )
        for each in page.rows
    }  # fmt: skip
    Result.objects.bulk_create(
        [rows[key] for key in sorted(rows)],
        update_conflicts=True,
        unique_fields=[
            "connection", "report", "period_start", "period_end", "metric", "piece",
            "message", "channel",
        ],
        update_fields=["revenue", "run", "seen_at", *STATISTICS.values()],
    )  # fmt: skip
