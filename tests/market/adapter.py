"""An adapter for a provider that the tests serve on a socket: orders in pages."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx2
from django.db.models import Count, Sum

from syncs import clock
from syncs.errors import (
    AccessRefused,
    AccountLocked,
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    QuotaSpent,
    RateLimited,
    Transient,
)
from syncs.models import Connection, Run
from syncs.ports import Account, Applied, Entry, Page, Period, Refused, Stream
from tests.market.models import Sale

REFUSALS = {401: AccessRefused, 402: AccountLocked, 404: Misconfigured}


class Market:
    """One stream, `orders`, of numbered pages."""

    name = "market"
    streams = {"orders": Stream("orders", frozenset({"orders"}))}
    source = "shopify"
    definition = 1

    def check(self, connection: Connection) -> Account:
        answer = self._get(connection, "account", {})
        return Account(
            answer["id"], timezone="UTC", currency=answer.get("currency", "")
        )

    def fetch(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        cursor: str | None,
    ) -> Page:
        asked = {"stream": stream, "cursor": cursor or "1", "period": str(period)}
        answer = self._get(connection, "page", asked)
        rows = answer.get("rows")
        if not isinstance(rows, list):
            raise ContractBroken("rows are missing", endpoint=stream)
        return Page(
            [row for row in rows if "bad" not in row],
            answer.get("next"),
            total=answer.get("total"),
            refused=[Refused(row["id"], "bad row") for row in rows if "bad" in row],
        )

    def apply(
        self, connection: Connection, stream: str, period: Period | None, page: Page,
        *, run: Run,
    ) -> Applied:  # fmt: skip
        ids = [row["id"] for row in page.rows]
        known = dict(
            Sale.objects.filter(connection_id=connection.pk, external_id__in=ids)
            .values_list("external_id", "run_id")
        )  # fmt: skip
        Sale.objects.bulk_create(
            [
                Sale(
                    connection_id=connection.pk, external_id=row["id"], run_id=run.pk,
                    day=date.fromisoformat(row["day"]), amount=Decimal(row["amount"]),
                )
                for row in page.rows
            ],
            update_conflicts=True, unique_fields=["connection_id", "external_id"],
            update_fields=["day", "amount", "run_id"],
        )  # fmt: skip
        repeated = sum(known.get(each) == run.pk for each in ids)
        return Applied(
            inserted=len(ids) - len(known), updated=len(known), repeated=repeated
        )

    def entries(
        self, connection: Connection, period: Period, types: Collection[str]
    ) -> Iterable[Entry]:
        days = Sale.objects.filter(
            connection_id=connection.pk, day__range=(period.start, period.end)
        )
        sums = days.aggregate(count=Count("pk"), total=Sum("amount"))
        total = sums["total"] or Decimal(0)
        for each in types:
            yield Entry(
                data_type=each,
                source=self.source,
                data={"total_orders": sums["count"], "total_sales": str(total)},
                record_count=sums["count"],
                total=total,
                currency=connection.settings.get("says_currency", ""),
                null_rates=connection.settings.get("says_nulls", {}),
            )

    def _get(
        self, connection: Connection, path: str, asked: dict[str, str]
    ) -> dict[str, Any]:
        headers = {"X-Account": connection.external_account}
        base = connection.settings["base"]
        try:
            answer = httpx2.get(
                f"{base}/{path}", params=asked, headers=headers, timeout=30, trust_env=False
            )  # fmt: skip
        except httpx2.HTTPError as error:
            raise Transient(f"no answer: {type(error).__name__}") from None
        self._refuse(answer)
        try:
            found: dict[str, Any] = answer.json()
        except ValueError:
            raise Transient("no JSON", endpoint=path) from None
        return found

    def _refuse(self, answer: httpx2.Response) -> None:
        status = answer.status_code
        after = timedelta(seconds=float(answer.headers.get("retry-after", "30")))
        if status == 429:
            raise RateLimited("too many calls", until=clock.now() + after)
        if status == 403:
            raise QuotaSpent("spent for today", until=clock.now() + after, scope="day")
        if status == 410:
            raise CursorInvalid("Invalid cursor provided.")
        if status in REFUSALS:
            raise REFUSALS[status](f"the provider answered {status}")
        if status != 200:
            raise Transient(f"the provider answered {status}", endpoint=self.name)


class Stalls(Market):
    """Two streams of another provider, for stores with both."""

    name = "stalls"
    source = "klaviyo"
    streams = {
        "campaigns": Stream("campaigns", frozenset({"campaigns", "analytics"})),
        "flows": Stream("flows", frozenset({"flows", "analytics"})),
    }
