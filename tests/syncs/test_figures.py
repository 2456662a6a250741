"""What the figures mean: days of the store, its money, and what went back when."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from syncs.facts import save_orders
from syncs.figures import text
from syncs.models import Order
from syncs.ports import Period
from syncs.shopify.read import Unusable, order_fact, shared
from tests.simulators.shopify_data import line, order, refund
from tests.syncs.shops import entry, shop_of

pytestmark = pytest.mark.django_db
T = datetime(2026, 10, 10, 15, tzinfo=UTC)
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
DAY = timedelta(days=1)


def keep(connection, *nodes):
    """Store orders as the provider tells them."""
    facts = []
    for each in nodes:
        edges = [{"node": one} for one in each["lineItems"]]
        facts.append(order_fact({**each, "lineItems": {"edges": edges}}, store="s"))
    return save_orders(connection, facts)


def one(number, at, price="100.00", **more):
    """An order of one line."""
    total = more.pop("total", price)
    more.setdefault("subtotal", price)
    items = more.pop(
        "items", [line(number, "Mug", 1, price, currency=more.get("currency", "BRL"))]
    )
    return order(number, at, items, total=total, **more)


def test_S45_the_table_of_twelve_orders():
    """By hand, October: gross 1,110 less 30 discounts less 50 + 100 returns."""
    connection = shop_of()
    gift = [
        line(91, "Mug", 1, "60.00"),
        line(92, "Gift card", 1, "40.00", gift_card=True),
    ]
    back: dict[str, Any] = {
        "refunded": "100.00",
        "current_subtotal": "0.00",
        "cancelled": T + DAY,
    }
    keep(
        connection,
        one(1, T, customer=1),
        one(2, T + DAY, customer=1),
        one(3, T, tax="10.00", shipping="20.00", total="130.00", customer=2),
        one(4, T, "110.00", taxes_included=True, tax="10.00", total="110.00", customer=3),
        one(5, T, subtotal="70.00", total="70.00", customer=4),
        one(6, T, test=True, customer=5),
        one(7, T, refunds=[refund(7, T + 2 * DAY, "50.00")], refunded="50.00",
            current_subtotal="50.00", customer=6),
        one(8, T, refunds=[refund(8, T + DAY, "100.00")], customer=7, **back),
        one(9, T, items=gift, customer=8),
        one(10, T, customer=None),
        one(11, T, customer=None, sent="UNFULFILLED"),
        one(12, T - 30 * DAY, customer=1, refunds=[refund(12, T + 40 * DAY, "30.00")],
            refunded="30.00", current_subtotal="70.00"),
        one(13, T + 30 * DAY, "200.00", customer=9),
    )  # fmt: skip

    october = entry(connection, "orders", OCTOBER).data
    november = entry(connection, "orders", NOVEMBER).data

    # 1, 2, 3, 7, 8, 10 and 11 of 100 each, 4 without its tax, 5, and 9 without the card
    assert october["gross_sales"] == "960.00"
    assert october["discounts"] == "30.00"
    assert october["returns"] == "150.00"
    assert october["net_sales"] == "780.00"
    assert (october["shipping"], october["taxes"]) == ("20.00", "20.00")
    assert october["total_sales"] == "820.00"
    assert (october["total_orders"], october["test_orders"]) == (10, 1)
    assert (october["cancelled_orders"], october["fulfilled_orders"]) == (1, 9)
    assert (october["new_customers"], october["returning_customers"]) == (8, 1)
    assert october["returning_rate"] == round(1 / 9, 4)
    assert october["guest_orders"] == 2
    assert october["average_ticket"] == "78.00"
    # An order of September that was refunded in November lowers November.
    assert (november["gross_sales"], november["returns"]) == ("200.00", "30.00")
    assert november["net_sales"] == "170.00"


def test_S45_a_cancelled_order_nets_to_nothing_with_its_tax_and_shipping():
    connection = shop_of()
    keep(
        connection,
        one(1, T, tax="10.00", shipping="20.00", total="130.00", refunded="130.00",
            current_subtotal="0.00", current_tax="0.00", cancelled=T,
            refunds=[refund(1, T, "100.00"), refund(2, T + DAY, "30.00")]),
    )  # fmt: skip

    data = entry(connection, "orders", OCTOBER).data

    nothing = {data[name] for name in ("net_sales", "shipping", "taxes", "total_sales")}
    assert nothing == {"0.00"}


def test_S45_prices_with_and_without_taxes_have_the_same_net():
    one_way, other_way = shop_of("a"), shop_of("b")
    keep(one_way, one(1, T, tax="10.00", total="110.00"))
    keep(
        other_way, one(1, T, "110.00", tax="10.00", total="110.00", taxes_included=True)
    )

    first, second = (
        entry(each, "orders", OCTOBER).data for each in (one_way, other_way)
    )

    assert first["net_sales"] == second["net_sales"] == "100.00"
    assert first["total_sales"] == second["total_sales"] == "110.00"


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("America/New_York", date(2026, 3, 7), 72 - 1),
        ("America/New_York", date(2026, 10, 31), 72 + 1),
        ("America/Santiago", date(2026, 9, 5), 72 - 1),
        ("Asia/Kolkata", date(2026, 9, 5), 72),
        ("America/Sao_Paulo", date(2026, 10, 31), 72),
    ],
)
def test_S42_days_have_no_gap_and_no_overlap(zone, first, hours):
    connection = shop_of(zone=zone)
    start = datetime.combine(first, datetime.min.time(), UTC) - timedelta(hours=24)
    keep(
        connection,
        *(one(n, start + timedelta(minutes=30 * n), "1.00") for n in range(2 * 24 * 6)),
    )

    days = [Period(first + n * DAY, first + n * DAY) for n in range(3)]
    single = [entry(connection, "orders", each).data["total_orders"] for each in days]
    whole = entry(connection, "orders", Period(first, first + 2 * DAY)).data

    assert sum(single) == whole["total_orders"] == 2 * hours
    assert [each["total_orders"] for each in whole["by_day"]] == single


def test_a_sale_one_second_before_midnight_of_the_store_is_of_that_day():
    connection = shop_of(zone="America/Sao_Paulo")
    midnight = datetime(2026, 10, 11, 3, tzinfo=UTC)
    keep(connection, one(1, midnight - timedelta(seconds=1)), one(2, midnight))

    def of(day):
        return entry(connection, "orders", Period(day, day)).data["total_orders"]

    assert (of(date(2026, 10, 10)), of(date(2026, 10, 11))) == (1, 1)


@pytest.mark.parametrize(
    ("currency", "prices", "total"),
    [("JPY", ["1200", "1200.0"], "2400"), ("KWD", ["10.125", "0.005"], "10.130"),
     ("BRL", ["0.10", "0.20"], "0.30")],
)  # fmt: skip
def test_S44_sums_are_exact_in_the_money_of_the_shop(currency, prices, total):
    connection = shop_of(currency=currency)
    keep(
        connection,
        *(
            one(n, T, price, currency=currency, presentment="USD")
            for n, price in enumerate(prices)
        ),
    )

    data = entry(connection, "orders", OCTOBER).data

    assert (data["total_sales"], data["currency"]) == (total, currency)


def test_S44_a_shop_that_changed_its_currency_says_so_instead_of_adding_up():
    connection = shop_of()
    keep(connection, one(1, T), one(2, T, "30.00", currency="USD"))

    found = entry(connection, "orders", OCTOBER)

    assert found.currency == "USD" != connection.currency
    assert found.data["currencies"] == ["BRL", "USD"]
    assert found.data["total_sales"] == "30.00"


def test_an_older_word_never_replaces_a_newer_one():
    connection = shop_of()
    keep(connection, one(1, T, "50.00", updated=T + DAY))

    written = keep(connection, one(1, T, "100.00", updated=T))

    assert (written.inserted, written.updated, written.unchanged) == (0, 0, 1)
    assert Order.objects.get().total == Decimal(50)
    assert keep(connection, one(1, T, "70.00", updated=T + 2 * DAY)).updated == 1
    assert Order.objects.get().total == Decimal(70)


def test_a_line_that_is_gone_is_forgotten_with_its_order():
    connection = shop_of()
    keep(
        connection, order(1, T, [line(1, "Mug", 1, "5.00"), line(2, "Cap", 1, "5.00")])
    )

    keep(connection, order(1, T, [line(2, "Cap", 2, "9.00")], updated=T + DAY))

    (kept,) = Order.objects.get().lines.all()
    assert (kept.title, kept.quantity) == ("Cap", 2)
    assert Decimal(kept.original) == 9


def test_customers_are_kept_as_a_hash_of_their_store():
    one_store, other = shop_of("a"), shop_of("b")
    node = one(1, T, customer=77)
    node["lineItems"] = {"edges": []}
    first = order_fact(node, store=str(one_store.store_id))
    second = order_fact(node, store=str(other.store_id))

    assert "77" not in first.customer[:3]
    assert len(first.customer) == 64
    assert first.customer != second.customer


def test_the_best_products_come_first():
    connection = shop_of()
    keep(
        connection,
        order(
            1,
            T,
            [
                line(1, "Mug", 3, "30.00", product=3),
                line(2, "Cap", 1, "90.00", product=4),
            ],
        ),
        order(2, T, [line(3, "Mug", 2, "20.00", product=3)]),
    )

    top = entry(connection, "products", OCTOBER).data["top_products"]

    assert [(each["title"], each["quantity"], each["revenue"]) for each in top] == [
        ("Cap", 1, "90.00"),
        ("Mug", 5, "50.00"),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("totalPriceSet", {"shopMoney": {"amount": "NaN"}}), ("processedAt", 7), ("id", ""),
     ("totalTaxSet", {"shopMoney": {"amount": 1.5}}), ("currencyCode", "REAL"),
     ("createdAt", "yesterday"), ("refunds", "none"), ("lineItems", None)],
)  # fmt: skip
def test_S28_what_cannot_be_used_is_named(field, value):
    node = {**one(1, T), "lineItems": {"edges": []}, field: value}

    with pytest.raises(Unusable):
        order_fact(node, store="s")


def test_parts_of_a_refund_add_up_exactly():
    parts = shared(Decimal(100), [Decimal(1)] * 3)

    assert sum(parts) == 100
    assert shared(Decimal(5), [Decimal(0), Decimal(0)]) == [
        Decimal("2.5"),
        Decimal("2.5"),
    ]
    assert shared(Decimal(5), []) == []


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [("1E+2", "BRL", "100.00"), ("1.005", "BRL", "1.005"), ("0", "JPY", "0"), ("-3.5", "USD", "-3.50")],
)  # fmt: skip
def test_amounts_are_written_without_rounding(amount, currency, said):
    assert text(Decimal(amount), currency) == said
