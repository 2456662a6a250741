"""When the numbers mean something else: what was computed before is not current."""

from datetime import timedelta

import pytest
from django.db.models import F

from queues.testing import inline
from syncs.klaviyo.adapter import KlaviyoProvider
from syncs.models import CacheEntry, CacheVersion, Run
from syncs.ports import Period
from syncs.read import look, read
from syncs.shopify.adapter import ShopifyProvider
from syncs.states import Freshness, Kind, Outcome
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import NOVEMBER, klaviyo_of, shop_of
from tests.syncs.stores import sync

pytestmark = pytest.mark.django_db(transaction=True)

FACTS = ["orders", "customers", "products"]


@pytest.fixture
def store(shops, mail):
    link = shop_of()
    klaviyo_of(store=link.store)
    assert sync(link.store).outcome == Outcome.SUCCEEDED
    return link.store


def raise_definition(monkeypatch, *adapters):
    for each in adapters:
        monkeypatch.setattr(each, "definition", each.definition + 1)


def states(store, types):
    return {each.type: each.state for each in look(store, NOVEMBER, types)}


def test_S64_facts_are_computed_anew_without_a_call(store, shops, mail, monkeypatch):
    raise_definition(monkeypatch, ShopifyProvider)
    before = {each.data_type: each for each in CacheEntry.objects.all()}
    calls = len(shops.ledger.entries), len(mail.ledger.entries)

    assert set(states(store, FACTS).values()) == {Freshness.EXPIRED}
    with inline():
        answer = read(store, NOVEMBER)

    assert (len(shops.ledger.entries), len(mail.ledger.entries)) == calls
    run = Run.objects.get(pk=answer.run.pk)
    assert (run.kind, run.outcome) == (Kind.RECOMPUTE, Outcome.SUCCEEDED)
    assert set(states(store, FACTS).values()) == {Freshness.FRESH}
    for kind in FACTS:
        entry = CacheEntry.objects.get(data_type=kind)
        assert (entry.definition, entry.version) == (2, 2)
        assert entry.data == before[kind].data
        # The facts are as old as they were.
        assert entry.fresh_until == before[kind].fresh_until
        assert entry.synced_at == before[kind].synced_at
    assert CacheVersion.objects.filter(entry__data_type="orders").count() == 1
    assert read(store, NOVEMBER).run is None


def test_S64_reports_are_read_anew_within_their_budget(store, shops, mail, monkeypatch):
    raise_definition(monkeypatch, ShopifyProvider, KlaviyoProvider)
    calls = len(shops.ledger.entries)

    with inline():
        answer = read(store, NOVEMBER)

    assert len(shops.ledger.entries) == calls
    assert set(Run.objects.values_list("kind", flat=True)) == {
        Kind.REPORT, Kind.RECOMPUTE,
    }  # fmt: skip
    assert answer.run.kind == Kind.REPORT
    assert set(states(store, [*FACTS, "flows"]).values()) == {Freshness.FRESH}
    assert mail.ledger.throttled() == []


def test_S64_facts_that_are_old_as_well_are_read_anew(store, shops, monkeypatch):
    raise_definition(monkeypatch, ShopifyProvider)
    hour = timedelta(hours=1)
    CacheEntry.objects.update(
        fresh_until=F("synced_at") - hour, synced_at=F("synced_at") - hour
    )
    Run.objects.update(queued_at=F("queued_at") - hour)
    calls = len(shops.ledger.entries)

    answer = read(store, NOVEMBER, FACTS)

    assert answer.run.kind == Kind.REPORT
    assert len(shops.ledger.entries) == calls  # nobody who reads calls anybody


def test_older_days_of_another_meaning_are_a_labelled_snapshot(store, monkeypatch):
    raise_definition(monkeypatch, ShopifyProvider)
    days = Period(
        NOVEMBER.start - timedelta(days=20), NOVEMBER.start - timedelta(days=1)
    )

    (found,) = look(store, days, ["orders"])

    assert found.state == Freshness.MISS
    assert found.period == NOVEMBER
