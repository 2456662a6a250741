"""Make the entries of the cache from results, lists and reports."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from syncs.figures import text
from syncs.klaviyo.account import chosen_metric
from syncs.klaviyo.reports import STATISTICS
from syncs.models import Connection, Piece, ReportState, Result
from syncs.ports import Period

TOP = 10
REPORTS = {
    "campaigns": ("campaign_values",),
    "flows": ("flow_values",),
    "analytics": ("campaign_values", "flow_values", "revenue"),
}
"""The reports that an entry is made of."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a period, of the metric that counts now."""

    connection: Connection
    period: Period
    states: dict[str, ReportState]

    @classmethod
    def of(cls, connection: Connection, period: Period) -> "Told":
        """Read which reports are complete; those of a metric chosen since are void."""
        found = ReportState.objects.filter(
            connection=connection, period_start=period.start, period_end=period.end
        )
        chosen = chosen_metric(connection)
        kept = {each.report: each for each in found if chosen in ("", each.metric)}
        return cls(connection, period, kept)

    def has(self, *names: str) -> bool:
        """Tell whether these reports are complete, and about one metric."""
        metrics = {self.states[name].metric for name in names if name in self.states}
        return all(name in self.states for name in names) and len(metrics) == 1

    def as_of(self, *names: str) -> datetime:
        """Return the age of the oldest of these reports."""
        return min(self.states[name].as_of for name in names)

    @property
    def currencies(self) -> list[str]:
        """The currencies that sales were reported in, if that is known."""
        state = self.states.get("revenue")
        found = state.data.get("by_currency", {}) if state else {}
        return sorted(
            currency
            for currency, days in found.items()
            if currency and any(day["orders"] for day in days)
        )

    @property
    def is_mixed(self) -> bool:
        """Tell whether a sum of money would add up several currencies."""
        return len(self.currencies) > 1

    @property
    def currency(self) -> str:
        """The currency of the account."""
        return self.connection.currency

    def frame(self) -> Row:
        """Return what every entry says of itself: whose days, whose money, which metric."""
        store, account = self.connection.store.timezone, self.connection.timezone
        return {
            "currency": self.currency,
            "currencies": self.currencies,
            "timezone": account,
            "store_timezone": store,
            "day_borders_differ": bool(account and account != store),
            "conversion_metric_id": next(iter(self.states.values())).metric,
        }

    def money(self, amount: Decimal) -> str | None:
        """Return an amount as text; None where currencies are mixed."""
        return None if self.is_mixed else text(amount, self.currency)

    def rows(self, report: str) -> list[Row]:
        """Return the results by campaign or flow, all messages of one together."""
        state = self.states[report]
        found = Result.objects.filter(
            connection=self.connection, report=report, metric=state.metric,
            period_start=self.period.start, period_end=self.period.end,
        )  # fmt: skip
        names = [*STATISTICS.values(), "revenue"]
        summed = found.values("piece").annotate(
            **{f"sum_{name}": Sum(name) for name in names}
        )
        return [dict(row) for row in summed]


def campaigns(told: Told) -> tuple[Row, int, Decimal | None]:
    """Return the campaigns of the period, and the best of them."""
    rows = _named(told, "campaign_values", Piece.Kind.CAMPAIGN)
    data = {
        "campaigns": rows,
        "top_by_revenue": _top(rows, "revenue"),
        "top_by_conversions": _top(rows, "conversions"),
    }
    return data, len(rows), _total(told, "campaign_values")


def flows(told: Told) -> tuple[Row, int, Decimal | None]:
    """Return the flows, and how they do on average."""
    rows = _named(told, "flow_values", Piece.Kind.FLOW)
    total = sum((row["sum_revenue"] for row in told.rows("flow_values")), Decimal(0))
    earning = [row for row in rows if row["earns"]]
    count = max(1, len(rows))
    data = {
        "flows": rows,
        "flow_perf": {
            "avg_revenue": told.money((total / count).quantize(Decimal("0.01"))),
            "avg_conversions": round(
                sum(row["conversions"] for row in rows) / count, 2
            ),
            "total_flows": told.connection.pieces.filter(kind=Piece.Kind.FLOW).count(),
            "flows_with_revenue": len(earning),
            "flows_with_activity": sum(row["recipients"] > 0 for row in rows),
        },
    }
    return data, len(rows), _total(told, "flow_values")


def analytics(told: Told) -> tuple[Row, int, Decimal | None]:
    """Return the sums over campaigns and flows, and what the account sold by day."""
    sums = {name: told.rows(f"{name}_values") for name in ("campaign", "flow")}
    data: Row = {"by_day": told.states["revenue"].data.get("by_currency", {})}
    revenue, conversions = Decimal(0), 0
    for name, rows in sums.items():
        of_these = sum((row["sum_revenue"] for row in rows), Decimal(0))
        converted = sum(row["sum_conversions"] for row in rows)
        data[f"revenue_{name}s"] = told.money(of_these)
        data[f"conversions_{name}s"] = converted
        data[f"{name}s_count"] = len(rows)
        data[f"{name}s_with_revenue"] = sum(row["sum_revenue"] > 0 for row in rows)
        revenue, conversions = revenue + of_these, conversions + converted
    data["revenue_total"] = told.money(revenue)
    data["orders_attributed"] = conversions
    count = sum(map(len, sums.values()))
    return data, count, None if told.is_mixed else revenue


def _named(told: Told, report: str, kind: str) -> list[Row]:
    """Return the results with the names of their list, the best first."""
    known = {
        each.external_id: each for each in told.connection.pieces.filter(kind=kind)
    }
    rows = sorted(
        told.rows(report), key=lambda row: (-row["sum_revenue"], row["piece"])
    )
    return [_shown(told, row, known.get(row["piece"])) for row in rows]


def _shown(told: Told, row: Row, piece: Piece | None) -> Row:
    return {
        "id": row["piece"],
        "name": piece.name if piece else row["piece"],
        "status": piece.status if piece else "",
        "channel": piece.channel if piece else "",
        "sent_at": piece.sent_at.isoformat() if piece and piece.sent_at else None,
        **{name: row[f"sum_{name}"] for name in STATISTICS.values()},
        "revenue": told.money(row["sum_revenue"]),
        "earns": row["sum_revenue"] > 0,
    }


def _top(rows: Iterable[Row], name: str) -> list[Row]:
    def size(row: Row) -> Decimal:
        return Decimal(row[name] or 0)

    found = sorted((row for row in rows if size(row) > 0), key=size, reverse=True)
    return [
        {"id": row["id"], "name": row["name"], name: row[name]} for row in found[:TOP]
    ]


def _total(told: Told, report: str) -> Decimal | None:
    if told.is_mixed:
        return None
    return sum((row["sum_revenue"] for row in told.rows(report)), Decimal(0))
