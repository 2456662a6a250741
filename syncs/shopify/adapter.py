"""Shopify behind the port: one stream of orders, and the figures made of it."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from syncs.facts import cover, save_lines, save_orders
from syncs.figures import DEFINITION, Figures, Sales, figures, known_since, text
from syncs.models import Connection, Order, Run
from syncs.ports import Account, Applied, Entry, Estimate, Page, Period, Stream
from syncs.shopify.account import about, account
from syncs.shopify.bulk import read_file
from syncs.shopify.client import Shop
from syncs.shopify.estimate import estimate
from syncs.shopify.orders import OrderPage, read_page
from syncs.shopify.windows import Place, plan

ORDERS = Stream(
    name="orders",
    data_types=frozenset({"orders", "customers", "products"}),
    kinds=frozenset({"report", "incremental", "backfill", "webhook"}),
    is_kept=True,
)


class ShopifyProvider:
    """A shop. Overlapping periods are computed from facts, never fetched twice."""

    name = source = "shopify"
    streams: Mapping[str, Stream] = {"orders": ORDERS}
    definition = DEFINITION

    def check(self, connection: Connection) -> Account:
        """Ask the shop who it is, and what we may see of it."""
        return account(about(Shop(connection)))

    def fetch(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        cursor: str | None,
    ) -> Page:
        """Return the next page of what changed and is not known yet."""
        shop = Shop(connection)
        place = Place.read(cursor) if cursor else plan(shop, period)
        return read_file(shop, place) if place.is_large else read_page(shop, place)

    def estimate(
        self, connection: Connection, period: Period, *, slice_days: int | None
    ) -> Estimate:
        """Ask the shop how much of its history is not read yet."""
        return estimate(Shop(connection), period, slice_days=slice_days)

    def apply(
        self,
        connection: Connection,
        stream: str,
        period: Period | None,
        page: Page,
        *,
        run: Run,
    ) -> Applied:
        """Write the orders of a page, and what is known with it."""
        began = page.began if isinstance(page, OrderPage) else None
        written = save_orders(connection, page.rows, began=began)
        if isinstance(page, OrderPage):
            if page.lines and page.lines_as_of:
                save_lines(connection, page.lines, before=page.lines_as_of)
            if page.covers:
                cover(connection, *page.covers)
        return Applied(
            inserted=written.inserted,
            updated=written.updated,
            unchanged=written.unchanged,
            repeated=written.repeated,
        )

    def entries(
        self, connection: Connection, period: Period, types: Collection[str]
    ) -> Iterator[Entry]:
        """Compute orders, customers and products of a period from facts."""
        found = figures(connection, period)
        currency = _currency(connection, found)
        makers = {"orders": _orders, "customers": _customers, "products": _products}
        sales = found.sales(currency)
        as_of = (
            Order.objects.filter(connection=connection).order_by("-seen_at")
            .values_list("seen_at", flat=True).first()
        )  # fmt: skip
        for kind in sorted(set(types) & makers.keys()):
            yield Entry(
                data_type=kind,
                source=self.source,
                data=makers[kind](connection, found, currency, sales),
                record_count=sales.orders,
                summary={
                    "orders": sales.orders,
                    "total_sales": text(sales.total, currency),
                },
                as_of=as_of,
                streams=("orders",),
                currency=currency,
                total=sales.total if kind == "orders" else None,
                null_rates=_null_rates(connection, period) if kind == "orders" else {},
                definition=self.definition,
            )


def _currency(connection: Connection, found: Figures) -> str:
    """Return the currency of the figures; a foreign one, if there is, so that it is seen."""
    foreign = [each for each in found.currencies if each != connection.currency]
    return foreign[0] if foreign else connection.currency


def _frame(connection: Connection, found: Figures, currency: str) -> dict[str, Any]:
    """Return what every entry says of itself."""
    since = known_since(connection)
    return {
        "currency": currency,
        "currencies": found.currencies,
        "timezone": found.zone,
        "known_since": since.isoformat() if since else None,
    }


def _orders(
    connection: Connection, found: Figures, currency: str, sales: Sales
) -> dict[str, Any]:
    return {
        **_frame(connection, found, currency),
        **_sums(sales, currency),
        **_people(found),
        "fulfilled_orders": sales.fulfilled,
        "cancelled_orders": sales.cancelled,
        "test_orders": found.tests,
        "top_products": _top(found, currency),
        "by_day": [
            {"date": day.isoformat(), **_sums(each, currency)}
            for day, each in sorted(found.days.get(currency, {}).items())
        ],
    }


def _sums(sales: Sales, currency: str) -> dict[str, Any]:
    average = sales.net / sales.orders if sales.orders else Decimal(0)
    return {
        "total_orders": sales.orders,
        "gross_sales": text(sales.gross, currency),
        "discounts": text(sales.discounts, currency),
        "returns": text(sales.returns, currency),
        "net_sales": text(sales.net, currency),
        "shipping": text(sales.shipping, currency),
        "taxes": text(sales.taxes, currency),
        "total_sales": text(sales.total, currency),
        "average_ticket": text(average.quantize(Decimal("0.01")), currency),
    }


def _people(found: Figures) -> dict[str, Any]:
    buyers = found.new_customers + found.returning_customers
    return {
        "new_customers": found.new_customers,
        "returning_customers": found.returning_customers,
        "guest_orders": found.guests,
        "returning_rate": round(found.returning_customers / buyers, 4)
        if buyers
        else None,
    }


def _customers(
    connection: Connection, found: Figures, currency: str, sales: Sales
) -> dict[str, Any]:
    return {**_frame(connection, found, currency), **_people(found)}


def _products(
    connection: Connection, found: Figures, currency: str, sales: Sales
) -> dict[str, Any]:
    return {
        **_frame(connection, found, currency),
        "top_products": _top(found, currency),
    }


def _top(found: Figures, currency: str) -> list[dict[str, Any]]:
    return [
        {
            "product": key,
            "title": title,
            "quantity": int(quantity),
            "revenue": text(sum_, each),
        }
        for each, key, title, quantity, sum_ in found.products
        if each == currency
    ]


def _null_rates(connection: Connection, period: Period) -> dict[str, float]:
    """Return of which share of the orders no customer is known: a wiped field shows."""
    recent = Order.objects.filter(connection=connection).order_by("-processed_at")
    known = list(recent.values_list("customer", flat=True)[:500])
    return {"customer": known.count("") / len(known)} if known else {}
