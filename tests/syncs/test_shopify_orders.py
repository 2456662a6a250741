"""Orders of a shop: read once, whole, and never believed unseen."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from syncs import budgets
from syncs.errors import (
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    PaginationLoop,
    RateLimited,
    Transient,
)
from syncs.models import Order, OrderCoverage, OrderLine, Refund
from syncs.ports import Period
from tests.simulators.shopify_data import line, order
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import NOON, NOVEMBER, entry, pull, shop_of

pytestmark = pytest.mark.django_db


def generous(shops) -> None:
    """Let the bucket fill at once: what is tested is not its limit."""
    bucket = shops.shops["mugs.myshopify.com"].bucket
    bucket.capacity = bucket.level = bucket.restore = 50_000


def test_orders_arrive_page_by_page_with_lines_and_refunds(shops):
    shop = shops.shops["mugs.myshopify.com"]
    connection = shop_of()

    pages = pull(connection)

    assert len(pages) == 2
    assert pages[0].total == len(shop.orders) == Order.objects.count() == 130
    assert OrderLine.objects.count() == sum(
        len(each["lineItems"]) for each in shop.orders
    )
    assert (
        Refund.objects.count() == sum(len(each["refunds"]) for each in shop.orders) > 0
    )
    coverage = OrderCoverage.objects.get()
    assert coverage.covered_from == NOON.replace(day=1, hour=3)
    assert NOON - timedelta(seconds=125) < coverage.covered_until < NOON
    assert shops.ledger.throttled() == []


def test_S03_a_known_period_is_computed_and_not_fetched_again(shops):
    connection = shop_of()
    pull(connection)
    shops.ledger.clear()

    pages = pull(connection, Period(date(2026, 11, 10), date(2026, 11, 15)))

    assert [len(page.rows) for page in pages] == [0]
    assert [each.endpoint for each in shops.ledger.entries] == [
        "Shop",
        "OrdersCount",
        "Orders",
    ]
    days = [Period(date(2026, 11, day), date(2026, 11, day)) for day in range(1, 21)]
    whole = entry(connection, "orders").data
    single = [entry(connection, "orders", day).data for day in days]
    for name in ("total_sales", "net_sales", "returns", "taxes", "total_orders"):
        assert sum(Decimal(each[name]) for each in single) == Decimal(whole[name])


def test_S03_an_earlier_start_reads_only_what_is_not_known(shops):
    connection = shop_of()
    pull(connection, Period(date(2026, 11, 15), date(2026, 11, 20)))
    known = Order.objects.count()
    shops.ledger.clear()

    pages = pull(connection, NOVEMBER)

    assert known + sum(len(page.rows) for page in pages) == Order.objects.count() == 130
    assert OrderCoverage.objects.get().covered_from == NOON.replace(day=1, hour=3)


def test_S21_a_place_that_cannot_be_read_is_an_invalid_cursor(shops):
    with pytest.raises(CursorInvalid):
        pull(shop_of(), cursor="nonsense")


def test_S22_a_cursor_loop_stops_within_three_calls(shops):
    shops.faults.add("same_cursor", "Orders", times=9)
    connection = shop_of()

    with pytest.raises((PaginationLoop, CursorInvalid)):
        pull(connection)

    assert shops.ledger.count("Orders") <= 3
    assert not OrderCoverage.objects.exists()


def test_S24_an_order_that_changes_while_pages_are_read_is_neither_lost_nor_doubled(
    shops,
):
    shop = shops.shops["mugs.myshopify.com"]
    connection = shop_of()
    first = pull(connection, most=1)
    shop.touch(int(shop.orders[100]["legacyResourceId"]), name="#touched")

    pull(connection, cursor=first[0].next_cursor)
    shops.clock.advance(300)
    pull(connection)

    assert Order.objects.count() == 130
    assert Order.objects.filter(name="#touched").count() == 1


def test_S25_an_order_with_300_lines_is_stored_whole_and_once(shops):
    shop = shops.shops["mugs.myshopify.com"]
    lines = [line(n, "Bead", 1, "1.00") for n in range(300)]
    shop.orders = [
        order(1, NOON - timedelta(days=2), lines, total="300.00"),
        order(2, NOON - timedelta(days=1), [line(900, "Mug", 1, "9.00")], total="9.00"),
    ]

    pull(shop_of())

    assert OrderLine.objects.filter(order__name="#1").count() == 300
    assert OrderLine.objects.count() == 301
    assert shops.ledger.count("OrderLines") == 3


def test_S27_bodies_that_are_no_answer_write_nothing(shops):
    connection = shop_of()
    generous(shops)
    for kind in (
        "html_200", "empty_200", "malformed_json", "nan_json", "bad_utf8", "truncate",
        "reset", "gzip_bomb", "oversize",
    ):  # fmt: skip
        shops.faults.add(kind, "Orders")
        with pytest.raises(Transient) as caught:
            pull(connection)
        assert len(str(caught.value)) < 300
    assert Order.objects.count() == 0


def test_S28_new_fields_are_ignored_and_a_broken_row_is_kept_aside(shops):
    shops.faults.add("extra_field", "Orders", times=9)
    shops.faults.add("missing_field", "Orders")
    connection = shop_of()

    pages = pull(connection)

    (refused,) = [each for page in pages for each in page.refused]
    assert "totalPriceSet" in refused.reason
    assert set(refused.sample) == {"fields"}
    assert Order.objects.count() == 129


def test_S28_a_list_that_is_gone_is_a_broken_contract(shops):
    shops.faults.add("no_connection", "Orders")

    with pytest.raises(ContractBroken):
        pull(shop_of())


def test_S29_half_an_answer_is_none(shops):
    shops.faults.add("errors_and_data", "Orders")
    connection = shop_of()

    with pytest.raises(Transient):
        pull(connection)

    assert Order.objects.count() == 0


def test_S29_orders_outside_of_the_window_are_refused_whole(shops):
    shops.faults.add("foreign_order", "Orders")

    with pytest.raises(ContractBroken) as caught:
        pull(shop_of())

    assert caught.value.code == "outside_window"
    assert Order.objects.count() == 0


def test_S29_a_search_that_is_not_understood_is_refused(shops, monkeypatch):
    from syncs.shopify import orders

    monkeypatch.setattr(
        orders, "search", lambda start, until: f"updated_at:>={start.isoformat()}"
    )

    with pytest.raises(ContractBroken) as caught:
        pull(shop_of())

    assert caught.value.code == "search_warning"


def test_S30_history_without_its_scope_is_refused_before_the_first_page(shops):
    shops.shops["mugs.myshopify.com"].scopes.remove("read_all_orders")

    with pytest.raises(Misconfigured, match="read_all_orders"):
        pull(shop_of(), Period(date(2026, 1, 1), date(2026, 11, 20)))

    assert shops.ledger.count("Orders") == 0


def test_S30_a_window_with_holes_is_not_known(shops):
    shops.faults.add("drop_rows", "Orders", value=20)
    connection = shop_of()

    pages = pull(connection)

    assert pages[-1].total == 130
    assert Order.objects.count() == 110
    assert not OrderCoverage.objects.exists()


def test_S17_a_dear_page_is_asked_for_smaller_and_remembered(shops):
    shops.shops["mugs.myshopify.com"].order_cost = 30
    generous(shops)
    connection = shop_of()

    pull(connection)

    assert Order.objects.count() == 130
    memory = budgets.remembered(
        budgets.Key("shopify", "mugs.myshopify.com", "points"), "orders"
    )
    assert memory["size"] * 30 <= 1000
    refused = [each for each in shops.ledger.of("Orders") if each.cost == 0]
    assert len(refused) == 1


@pytest.mark.parametrize("status", [200, 429])
def test_S17_throttling_waits_as_long_as_the_bucket_needs(shops, status):
    from django.utils import timezone

    shops.throttle_status = status
    connection = shop_of()
    shops.shops["mugs.myshopify.com"].order_cost = 16
    shops.faults.add("throttle", "Orders", value=5)

    with pytest.raises(RateLimited) as caught:
        pull(connection)

    wait = (caught.value.until - timezone.now()).total_seconds()
    (throttled,) = shops.ledger.throttled()
    assert (throttled.cost - 5) / 100 == pytest.approx(wait, abs=2)
    with pytest.raises(RateLimited):
        pull(connection)
    assert len(shops.ledger.throttled()) == 1


def test_S41_an_order_of_the_last_two_minutes_is_left_for_the_next_time(shops, clock):
    shop = shops.shops["mugs.myshopify.com"]
    connection = shop_of()
    late = order(7, clock.now() + timedelta(seconds=30), [line(7, "Mug", 1, "5.00")])
    shop.orders.append(late)

    pull(connection)
    known = Order.objects.filter(name="#7").exists()
    clock.advance(300)
    pull(connection)

    assert not known
    assert Order.objects.filter(name="#7").exists()


def test_S41_over_fifty_syncs_no_order_is_lost_whatever_the_clocks_say(shops, clock):
    """The provider's clock is days away from ours, and some orders are of its future."""
    shop = shops.shops["mugs.myshopify.com"]
    generous(shops)
    connection = shop_of()
    for number in range(50):
        ahead = timedelta(seconds=30 * (number % 3))
        lines = [line(number + 1, "Mug", 1, "5.00")]
        shop.orders.append(order(number + 1, clock.now() + ahead, lines))
        pull(connection)
        clock.advance(47)
    clock.advance(300)

    pull(connection)

    assert Order.objects.count() == len(shop.orders) == 180
    until = OrderCoverage.objects.get().covered_until
    assert until < clock.now() - timedelta(seconds=119)


def test_S57_a_domain_that_is_none_is_never_called(shops):
    connection = shop_of()
    for text in (
        "evil.com/.myshopify.com",
        "evil.com",
        "a.myshopify.com.evil.com",
        "x y.myshopify.com",
    ):
        connection.external_account = text
        with pytest.raises(Misconfigured):
            pull(connection)

    assert shops.ledger.entries == []
