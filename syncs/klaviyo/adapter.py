"""Klaviyo behind the port: lists, reports, and the entries made of them."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import cast

from syncs.figures import DEFINITION, text
from syncs.klaviyo import account, catalog, reports
from syncs.klaviyo.client import Klaviyo
from syncs.klaviyo.keep import save_pieces, save_report
from syncs.klaviyo.tell import REPORTS, Told, analytics, campaigns, flows
from syncs.models import Connection, Run
from syncs.ports import Account, Applied, Entry, Page, Period, Stream


def _stream(name: str, *types: str) -> Stream:
    return Stream(
        name, frozenset({*types, "analytics"}), frozenset({"report", "incremental"})
    )


class KlaviyoProvider:
    """An account. Its figures cannot be derived: each period is a report of its own."""

    name = source = "klaviyo"
    definition = DEFINITION
    streams: Mapping[str, Stream] = {
        "campaigns": _stream("campaigns", "campaigns"),
        "flows": _stream("flows", "flows"),
        "campaign_values": _stream("campaign_values", "campaigns"),
        "flow_values": _stream("flow_values", "flows"),
        "revenue": _stream("revenue"),
    }

    def check(self, connection: Connection) -> Account:
        """Ask the account who it is."""
        return account.account(Klaviyo(connection))

    def fetch(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        cursor: str | None,
    ) -> Page:
        """Return the page at that cursor."""
        klaviyo = Klaviyo(connection)
        match stream:
            case "campaigns":
                return catalog.campaigns(klaviyo, period, cursor)
            case "flows":
                return catalog.flows(klaviyo, cursor)
            case "revenue":
                return reports.revenue(klaviyo, period)
            case _:
                kind = stream.removesuffix("_values")
                return reports.values(klaviyo, kind, period, cursor)

    def apply(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        page: Page,
        *,
        run: Run,
    ) -> Applied:
        """Write the rows of a page."""
        if stream in ("campaigns", "flows"):
            return save_pieces(connection, stream.removesuffix("s"), page.rows)
        report = cast("reports.ReportPage", page)
        return save_report(connection, stream, cast("Period", period), report, run=run)

    def entries(
        self, connection: Connection, period: Period, types: Collection[str]
    ) -> Iterator[Entry]:
        """Compute campaigns, flows and analytics of a period from what was read."""
        told = Told.of(connection, period)
        makers = {"analytics": analytics, "campaigns": campaigns, "flows": flows}
        for kind in sorted(set(types) & makers.keys()):
            if not told.has(*REPORTS[kind]):
                continue  # of this metric and period nothing is known: nothing is said
            data, count, total = makers[kind](told)
            yield Entry(
                data_type=kind,
                source=self.source,
                data={**told.frame(), **data},
                record_count=count,
                summary={"count": count, "revenue": _shown(total, told)},
                as_of=told.as_of(*REPORTS[kind]),
                streams=(
                    *REPORTS[kind],
                    *(each for each in ("campaigns", "flows") if each == kind),
                ),
                currency=told.currency,
                total=None,
                definition=self.definition,
            )


def _shown(total: Decimal | None, told: Told) -> str | None:
    return None if total is None else text(total, told.currency)
