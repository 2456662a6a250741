"""The engine and the adapters together, against simulators on real sockets."""

import pytest

from syncs.credentials import replace
from syncs.models import CacheEntry, Connection, Run, StreamRun
from tests.simulators.shopify import TOKEN
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import klaviyo_of, shop_of
from tests.syncs.stores import sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link(shops, mail) -> Connection:
    made = shop_of()
    klaviyo_of(store=made.store)
    return made


def test_a_sync_brings_every_number_of_a_store(link):
    run = sync(link.store)

    assert (run.status, run.outcome) == ("completed", "succeeded"), run.error_message
    found = {(each.data_type, each.source): each for each in CacheEntry.objects.all()}
    assert set(found) == {
        ("orders", "shopify"), ("customers", "shopify"), ("products", "shopify"),
        ("campaigns", "klaviyo"), ("flows", "klaviyo"), ("analytics", "klaviyo"),
    }  # fmt: skip
    assert found["orders", "shopify"].record_count == 130
    assert set(StreamRun.objects.values_list("status", flat=True)) == {"complete"}


def test_S62_orders_are_new_and_campaigns_fail(link, mail):
    mail.faults.add("forbidden", "campaigns", times=99)

    run = sync(link.store)

    assert (run.status, run.outcome) == ("completed", "partial")
    kinds = set(
        CacheEntry.objects.filter(record_count__gt=0).values_list(
            "data_type", flat=True
        )
    )
    assert "orders" in kinds
    assert "campaigns" not in kinds


def test_S19_a_revoked_token_ends_the_run_and_shuts_the_connection(link, shops):
    Connection.objects.filter(provider="klaviyo").delete()
    shops.faults.add("auth_revoked", "Orders", after=1)

    run = sync(link.store)

    link.refresh_from_db()
    assert (run.status, run.error_kind) == ("failed", "auth")
    assert link.status == "auth_error"
    calls = len(shops.ledger.entries)
    shops.shops["mugs.myshopify.com"].tokens[TOKEN] = None
    replace(link, {"access_token": TOKEN})
    Connection.objects.filter(pk=link.pk).update(status="active")
    assert sync(link.store).outcome == "succeeded"
    assert len(shops.ledger.entries) > calls


def test_S16_a_spent_quota_publishes_the_rest_and_waits(link, mail):
    mail.faults.add("retry_after", "campaign-values-reports", value=73473)

    run = sync(link.store)

    assert run.status in ("queued", "completed")
    assert mail.ledger.count("campaign-values-reports") == 1
    assert CacheEntry.objects.filter(data_type="orders", record_count=130).exists()
    waiting = StreamRun.objects.get(run=run, stream="campaign_values")
    assert waiting.status == "waiting"
    assert run.retry_count == 0


def test_S26_a_shop_that_suddenly_says_nothing_is_not_believed(link, shops):
    Connection.objects.filter(provider="klaviyo").delete()
    sync(link.store)
    shops.faults.add("empty_page", "Orders", times=99)

    run = sync(link.store, forced=True)

    entry = CacheEntry.objects.get(data_type="orders")
    assert run.status == "completed"
    assert entry.record_count == 130
    assert Run.objects.count() == 2
