"""The history of a large shop: prepared, read in parts, and whole or not at all."""

from datetime import timedelta

import pytest

from syncs.errors import CursorInvalid, Misconfigured, NotReady
from syncs.models import Order, OrderCoverage, OrderLine
from syncs.ports import provider
from syncs.shopify import bulk, windows
from syncs.shopify.windows import Place
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import NOVEMBER, shop_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(windows, "BULK_FROM", 100)
    monkeypatch.setattr(bulk, "PART", 40_000)


def pull(link, cursor=None, most=40):
    """Fetch and apply as the engine does: a wait keeps its place."""
    adapter = provider("shopify")
    waits, pages = [], []
    for _ in range(most):
        try:
            page = adapter.fetch(link, "orders", NOVEMBER, cursor)
        except NotReady as wait:
            waits.append(wait)
            cursor = wait.cursor
            continue
        adapter.apply(link, "orders", NOVEMBER, page, run=None)
        pages.append(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    return pages, waits


def test_S23f_a_file_in_parts_becomes_orders_with_their_lines(shops):
    shop = shops.shops["mugs.myshopify.com"]
    link = shop_of()

    pages, waits = pull(link)

    assert len(pages) > 3
    assert len(waits) == 2
    assert pages[-1].total == Order.objects.count() == 130
    assert OrderLine.objects.count() == sum(
        len(each["lineItems"]) for each in shop.orders
    )
    assert OrderCoverage.objects.exists()
    assert shops.ledger.count("Orders") == 0


def test_S23a_an_operation_that_hangs_is_cancelled_and_its_window_halved(
    shops, monkeypatch
):
    shops.faults.add("bulk_hang", "BulkPoll", times=1)
    monkeypatch.setattr(bulk, "PATIENCE", timedelta(seconds=-1))
    link = shop_of()
    _, (_, halved) = pull(link, most=2)
    monkeypatch.undo()
    monkeypatch.setattr(windows, "BULK_FROM", 100)

    pull(link, halved.cursor)

    shop = shops.shops["mugs.myshopify.com"]
    assert next(iter(shop.bulk.values()))["status"] == "CANCELED"
    assert len(Place.read(halved.cursor).windows) == 2
    assert Order.objects.count() == 130


def test_S23b_a_failed_operation_publishes_nothing(shops):
    shops.faults.add("bulk_fail", "BulkPoll")

    with pytest.raises(CursorInvalid, match="failed"):
        pull(shop_of())

    assert not Order.objects.exists()
    assert not OrderCoverage.objects.exists()


def test_S23c_a_file_that_is_too_short_is_not_believed(shops):
    shops.faults.add("bulk_short", "BulkPoll", times=9, value=20)

    with pytest.raises(CursorInvalid, match="lines"):
        pull(shop_of())

    assert not OrderCoverage.objects.exists()


def test_S23d_an_empty_file_is_an_answer(shops, monkeypatch):
    monkeypatch.setattr(windows, "BULK_FROM", -1)
    shops.shops["mugs.myshopify.com"].orders = []
    link = shop_of()

    pages, _ = pull(link)

    assert [len(page.rows) for page in pages] == [0]
    assert OrderCoverage.objects.exists()


def test_S23e_a_file_that_is_gone_is_asked_for_anew(shops):
    shops.faults.add("bulk_url_expired", "file")

    pull(shop_of())

    assert shops.ledger.count("BulkRun") == 2
    assert Order.objects.count() == 130


def test_S23g_a_worker_that_vanished_starts_no_second_operation(shops):
    link = shop_of()
    _, waits = pull(link, most=1)

    pull(link, waits[0].cursor)

    assert shops.ledger.count("BulkRun") == 1
    assert Order.objects.count() == 130


def test_a_file_elsewhere_is_not_read(shops, settings):
    settings.SHOPIFY_FILE_HOSTS = ("files.example",)

    with pytest.raises(Misconfigured, match="SHOPIFY_FILE_HOSTS"):
        pull(shop_of())

    assert shops.ledger.count("file") == 0


def test_operations_that_run_already_are_waited_for(shops):
    shop = shops.shops["mugs.myshopify.com"]
    for number in range(5):
        shop.bulk[str(number)] = {"status": "RUNNING"}

    _, waits = pull(shop_of(), most=2)

    assert len(waits) == 2
    assert "id" not in Place.read(waits[-1].cursor).bulk
