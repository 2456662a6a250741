"""Compute the figures of a period from facts, in the store's own days and money.

The meaning of each is in `docs/syncs-metrics.md`. Change one, and raise DEFINITION.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from queues.ask import ask
from syncs.models import Connection, OrderCoverage
from syncs.ports import Period

DEFINITION = 1
TOP = 10
PLACES = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0,
    "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0,
    "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
"""Places after the point of currencies that do not have two."""

SPAN = """
span AS (
    SELECT %(start)s::date::timestamp AT TIME ZONE %(zone)s AS first,
        (%(end)s::date + 1)::timestamp AT TIME ZONE %(zone)s AS last)
"""
# What an order brought is booked on the day of its sale, what went back on the day it did.
SALES = f"""
WITH {SPAN}, sold AS (
    SELECT sale.currency, (sale.processed_at AT TIME ZONE %(zone)s)::date AS day,
        count(*) AS orders,
        count(*) FILTER (WHERE sale.fulfillment_status = 'FULFILLED') AS fulfilled,
        count(*) FILTER (WHERE sale.cancelled_at IS NOT NULL) AS cancelled,
        sum(goods - CASE WHEN taxes_included THEN tax ELSE 0 END) AS gross,
        sum(greatest(listed - subtotal, 0)) AS discounts,
        sum(shipping) AS shipping, sum(tax) AS tax
    FROM span JOIN order_facts AS sale ON sale.connection_id = %(connection)s
        AND sale.processed_at >= first AND sale.processed_at < last
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(original), 0) AS listed,
            coalesce(sum(original) FILTER (WHERE NOT is_gift_card), 0) AS goods
        FROM order_line_facts AS line WHERE line.order_id = sale.id) AS lines
    WHERE NOT is_test GROUP BY 1, 2
), returned AS (
    SELECT currency, (refund.created_at AT TIME ZONE %(zone)s)::date AS day,
        sum(refund.goods) AS goods, sum(refund.tax) AS tax,
        sum(refund.shipping) AS shipping
    FROM span JOIN refund_facts AS refund ON refund.connection_id = %(connection)s
        AND refund.created_at >= first AND refund.created_at < last
    JOIN order_facts AS sale ON sale.id = refund.order_id
    WHERE NOT is_test GROUP BY 1, 2
)
SELECT currency, day, coalesce(orders, 0), coalesce(fulfilled, 0),
    coalesce(cancelled, 0), coalesce(gross, 0), coalesce(discounts, 0),
    coalesce(returned.goods, 0),
    coalesce(sold.shipping, 0) - coalesce(returned.shipping, 0),
    coalesce(sold.tax, 0) - coalesce(returned.tax, 0)
FROM sold FULL JOIN returned USING (currency, day) ORDER BY currency, day
"""
CUSTOMERS = f"""
WITH {SPAN}, buyers AS (
    SELECT customer, min(first) AS first, count(*) AS orders
    FROM span JOIN order_facts ON connection_id = %(connection)s
        AND processed_at >= first AND processed_at < last
    WHERE NOT is_test GROUP BY customer
), known AS (
    SELECT customer, orders, customer <> '' AND EXISTS (
        SELECT FROM order_facts AS earlier
        WHERE earlier.connection_id = %(connection)s AND NOT earlier.is_test
          AND earlier.customer = buyers.customer AND earlier.processed_at < buyers.first
    ) AS returned
    FROM buyers
)
SELECT coalesce(sum(CASE WHEN customer = '' THEN orders ELSE 1 END)
        FILTER (WHERE NOT returned), 0),
    count(*) FILTER (WHERE returned),
    coalesce(sum(orders) FILTER (WHERE customer = ''), 0)
FROM known
"""
PRODUCTS = f"""
WITH {SPAN}
SELECT currency, coalesce(nullif(product, ''), 'title:' || title), max(title),
    sum(quantity), sum(discounted)
FROM span JOIN order_facts AS sale ON connection_id = %(connection)s
    AND processed_at >= first AND processed_at < last
JOIN order_line_facts AS line ON line.order_id = sale.id
WHERE NOT is_test AND NOT is_gift_card
GROUP BY 1, 2 ORDER BY 5 DESC, 4 DESC, 2 LIMIT %(most)s
"""
TESTS = f"""
WITH {SPAN}
SELECT count(*) FROM span JOIN order_facts ON connection_id = %(connection)s
    AND processed_at >= first AND processed_at < last
WHERE is_test
"""


@dataclass(slots=True)
class Sales:
    """What was sold and what went back, of a day or of a period, in one currency."""

    orders: int = 0
    fulfilled: int = 0
    cancelled: int = 0
    gross: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    taxes: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Gross sales without discounts and returns."""
        return self.gross - self.discounts - self.returns

    @property
    def total(self) -> Decimal:
        """Net sales, shipping and taxes."""
        return self.net + self.shipping + self.taxes

    def add(self, other: "Sales") -> None:
        """Count another one in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Figures:
    """The figures of a store and a period."""

    zone: str
    days: dict[str, dict[date, Sales]] = field(default_factory=dict)
    new_customers: int = 0
    returning_customers: int = 0
    guests: int = 0
    tests: int = 0
    products: list[tuple[str, str, str, int, Decimal]] = field(default_factory=list)

    @property
    def currencies(self) -> list[str]:
        """The currencies that were sold in; sums of several mean nothing."""
        return sorted(self.days)

    def sales(self, currency: str) -> Sales:
        """Return the sums of one currency."""
        summed = Sales()
        for each in self.days.get(currency, {}).values():
            summed.add(each)
        return summed


def figures(connection: Connection, period: Period) -> Figures:
    """Return what the facts say of a period, without asking anybody."""
    zone = connection.timezone or connection.store.timezone
    values = {
        "connection": connection.pk,
        "zone": zone,
        "start": period.start,
        "end": period.end,
        "most": TOP,
    }
    found = Figures(zone)
    for currency, day, *counted in ask(SALES, **values):
        found.days.setdefault(currency, {})[day] = Sales(*counted)
    ((new, returning, guests),) = ask(CUSTOMERS, **values)
    found.new_customers, found.returning_customers = int(new), int(returning)
    found.guests = int(guests)
    found.products = [tuple(row) for row in ask(PRODUCTS, **values)]
    ((found.tests,),) = ask(TESTS, **values)
    return found


def known_since(connection: Connection) -> date | None:
    """Return the day from which on orders are known; who bought before seems new."""
    row = OrderCoverage.objects.filter(pk=connection.pk).first()
    return row.covered_from.date() if row else None


def text(amount: Decimal, currency: str) -> str:
    """Return an amount as its currency is written, without rounding anything away."""
    places = PLACES.get(currency, 2)
    exact = amount.normalize()
    exponent = exact.as_tuple().exponent
    more = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{exact:.{max(places, more)}f}"
