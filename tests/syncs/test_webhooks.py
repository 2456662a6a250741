"""Webhooks of Shopify: signed over the raw body, stored, then applied by one job."""

import json
from typing import Any

import pytest
from django.db import connection as database

from queues.models import Job
from queues.testing import inline
from syncs.credentials import replace
from syncs.models import CacheEntry, Connection, Delivery, Order, Run
from syncs.shopify.adapter import ShopifyProvider
from tests.simulators.shopify import TOKEN, signature
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import pull, shop_of
from tests.syncs.stores import sync

pytestmark = pytest.mark.django_db
SECRET = "secret-1"
VALUES = {"access_token": TOKEN, "client_id": "client-1", "client_secret": "secret-1"}


@pytest.fixture
def link() -> Connection:
    return shop_of(values=VALUES)


def deliver(
    client,
    body: dict[str, Any] | bytes,
    secret: str = SECRET,
    **more: Any,
):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "X-Shopify-Topic": more.get("topic", "orders/updated"),
        "X-Shopify-Shop-Domain": more.get("domain", "mugs.myshopify.com"),
        "X-Shopify-Webhook-Id": more.get("delivery", "d-1"),
        "X-Shopify-Triggered-At": "2026-11-20T11:59:58.123456789Z",
        "X-Shopify-Hmac-Sha256": more.get("signed", signature(raw, secret)),
    }
    return client.post(
        "/webhooks/shopify", raw, content_type="application/json", headers=headers
    )


def number_of(shops, at: int) -> int:
    return int(shops.shops["mugs.myshopify.com"].orders[at]["legacyResourceId"])


def test_S52_a_signed_delivery_is_stored_and_applied_by_a_job(client, shops, link):
    number = number_of(shops, 3)

    with inline():
        answer = deliver(client, {"id": number})

    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "duplicate": False},
    )
    assert Order.objects.get().external_id == f"gid://shopify/Order/{number}"
    assert Delivery.objects.get().status == "applied"


def test_S52_storing_makes_no_call_and_keeps_no_open_text(client, shops, link):
    deliver(client, {"id": number_of(shops, 3), "email": "ana@example.com"})

    assert shops.ledger.entries == []
    with database.cursor() as cursor:
        cursor.execute("SELECT body FROM webhook_deliveries")
        assert "ana@" not in cursor.fetchone()[0]
    assert Job.objects.get().unique_key == f"shopify-webhooks:{link.pk}"


@pytest.mark.parametrize(
    "more",
    [
        {"secret": "another"}, {"signed": ""}, {"signed": "é"}, {"delivery": ""},
        {"domain": "other.myshopify.com"}, {"domain": ""},
    ],
)  # fmt: skip
def test_S52_what_is_not_signed_by_us_is_refused(client, link, more):
    if more.get("signed") == "é":
        more = {"signed": "not base64 at all"}

    answer = deliver(client, {"id": 1}, **more)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert not Delivery.objects.exists()


def test_S52_one_changed_byte_is_refused(client, link):
    raw = b'{"id": 1}'

    assert (
        deliver(client, raw + b" ", signed=signature(raw, "secret-1")).status_code
        == 401
    )


def test_S52_without_any_secret_nothing_is_accepted(client):
    shop_of()

    assert deliver(client, {"id": 1}, secret="").status_code == 401


def test_S52_while_a_secret_is_replaced_both_are_accepted(client, link, settings):
    replace(
        link, {**VALUES, "client_secret": "new", "previous_client_secret": "secret-1"}
    )
    settings.SHOPIFY_WEBHOOK_SECRETS = ("third",)

    for number, secret in enumerate(("new", "secret-1", "third")):
        answer = deliver(client, {"id": 1}, secret=secret, delivery=f"d-{number}")
        assert answer.status_code == 200


def test_S52_a_delivery_that_comes_three_times_has_one_effect(client, link):
    answers = [deliver(client, {"id": 1}) for _ in range(3)]

    assert [each.status_code for each in answers] == [200] * 3
    assert [each.json()["duplicate"] for each in answers] == [False, True, True]
    assert Delivery.objects.count() == 1


def test_S52_a_late_delivery_does_not_bring_back_what_was(client, shops, link):
    pull(link)
    shops.shops["mugs.myshopify.com"].touch(number_of(shops, 5), name="#new")
    with inline():
        deliver(client, {"id": number_of(shops, 5)}, delivery="late")
        deliver(client, {"id": number_of(shops, 5), "name": "#old"}, delivery="later")

    assert Order.objects.filter(name="#new").count() == 1
    assert Order.objects.count() == 130


def test_S13_many_deliveries_are_one_job_and_few_calls(client, shops, link):
    for at in range(60):
        deliver(client, {"id": number_of(shops, at)}, delivery=f"d-{at}")
    assert Job.objects.filter(type="shopify-webhooks").count() == 1

    with inline():
        deliver(client, {"id": number_of(shops, 60)}, delivery="last")
        _run_waiting()

    assert Order.objects.count() == 61
    assert shops.ledger.count("Orders") <= 3


def test_S13_a_change_amid_a_sync_is_stored_at_once_and_published_by_it(
    client, shops, link, monkeypatch
):
    fifth, fetch, pages = number_of(shops, 4), ShopifyProvider.fetch, []

    def interrupted(*arguments):
        page = fetch(*arguments)
        pages.append(page)
        if len(pages) == 2:  # the first brought order 5, and is stored
            shops.shops["mugs.myshopify.com"].touch(fifth, name="#changed")
            for each in range(20):
                deliver(client, {"id": fifth}, delivery=f"d-{each}")
            assert Job.objects.filter(type="shopify-webhooks").count() == 1
            _run_waiting()
            assert Order.objects.filter(name="#changed").count() == 1
        return page

    monkeypatch.setattr(ShopifyProvider, "fetch", interrupted)
    run = sync(link.store)

    assert (run.outcome, len(pages)) == ("succeeded", 2), run.error_message
    assert Order.objects.filter(name="#changed").count() == 1
    assert Run.objects.count() == 1
    entry = CacheEntry.objects.get(data_type="orders")
    assert (entry.record_count, entry.fresh_until > entry.synced_at) == (130, True)


def test_S13_numbers_that_a_change_overtook_are_published_as_old(
    client, shops, link, monkeypatch
):
    compute = ShopifyProvider.entries

    def overtaken(*arguments):
        found = list(compute(*arguments))
        shops.shops["mugs.myshopify.com"].touch(number_of(shops, 5), name="#late")
        deliver(client, {"id": number_of(shops, 5)}, delivery="late")
        _run_waiting()
        return found

    monkeypatch.setattr(ShopifyProvider, "entries", overtaken)
    sync(link.store)

    entry = CacheEntry.objects.get(data_type="orders")
    assert entry.fresh_until <= entry.synced_at
    monkeypatch.undo()
    sync(link.store, forced=True)
    entry.refresh_from_db()
    assert entry.fresh_until > entry.synced_at


def _run_waiting() -> None:
    from syncs.deliveries import apply

    apply(str(Connection.objects.get().pk))


def test_an_app_that_was_uninstalled_is_not_called_again(client, shops, link):
    with inline():
        deliver(client, {"id": 9}, topic="app/uninstalled")

    link.refresh_from_db()
    assert link.status == "disabled"
    assert "uninstalled" in link.status_reason


def test_a_customer_who_asks_is_forgotten(client, shops, link):
    pull(link)
    number = number_of(shops, 4)
    order = Order.objects.get(external_id=f"gid://shopify/Order/{number}")
    assert order.customer

    with inline():
        deliver(client, {"orders_to_redact": [number]}, topic="customers/redact")

    order.refresh_from_db()
    assert order.customer == ""


def test_a_shop_that_is_redacted_leaves_no_order(client, shops, link):
    pull(link)

    with inline():
        deliver(client, {}, topic="shop/redact")

    assert not Order.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"id": "x"}', b'{"id": -1}'])
def test_a_body_that_says_nothing_is_ignored(client, shops, link, body):
    with inline():
        assert deliver(client, body).status_code == 200

    assert Delivery.objects.get().status == "ignored"


def test_a_body_that_is_too_large_is_refused(client, link):
    raw = b'{"note": "' + b"x" * 2_000_000 + b'"}'

    assert deliver(client, raw).status_code == 413
