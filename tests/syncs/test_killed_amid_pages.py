"""The real client of Shopify, killed in the middle of a page: it goes on there."""

import os
import signal
from contextlib import contextmanager

import pytest

from syncs.models import (
    CacheEntry,
    Connection,
    Event,
    Order,
    OrderLine,
    Refund,
    Run,
    StreamRun,
)
from syncs.states import OPEN, Outcome
from tests.processes import until, worker
from tests.simulators.shopify_data import invented
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import shop_of
from tests.syncs.stores import ask, sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PATIENCE = 240.0
PAGES, KILLED = 80, 37
FIRST, SIZE = 12, 10
"""An order costs so much that the client settles on pages of ten."""
ORDERS = FIRST + (PAGES - 1) * SIZE
SEEN = FIRST + (KILLED - 2) * SIZE
"""Orders of the pages before the one that is being read."""

# Page 37 has come and is being written: its last order waits for a lock of the test.
HOLD = """
CREATE FUNCTION hold_page() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock(37); RETURN NEW;
END $$;
CREATE TRIGGER hold_page BEFORE INSERT ON order_facts FOR EACH ROW
    WHEN (NEW.name = '{name}') EXECUTE FUNCTION hold_page();
SELECT pg_advisory_lock(37);
"""
LET_GO = "SELECT pg_advisory_unlock_all(); DROP FUNCTION hold_page CASCADE"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def links(shops, clock) -> tuple[Connection, Connection]:
    """Return two shops that hold the same orders; the clock of both stands."""
    clock.freeze()
    return _shop(shops, "mugs"), _shop(shops, "cups")


def _shop(shops, name) -> Connection:
    made = shops.shop(name, order_cost=80.0)
    made.orders = invented(ORDERS, until=shops.clock.now(), days=19)
    made.bucket.capacity = made.bucket.level = made.bucket.restore = 1e6
    return shop_of(name)


def calls(shops, link):
    """Return all calls that a shop got, by its own ledger."""
    return [
        each for each in shops.ledger.entries if each.account == link.external_account
    ]


def asked(shops, link):
    """Return the places of all pages that a shop was asked for; none was free."""
    return [
        each.detail
        for each in calls(shops, link)
        if each.endpoint == "Orders" and each.cost
    ]


def facts(link):
    """Return what is known of a shop's orders, to the last line."""
    orders = Order.objects.filter(connection=link).order_by("external_id")
    lines = OrderLine.objects.filter(order__connection=link).order_by("external_id")
    refunds = Refund.objects.filter(connection=link).order_by("external_id")
    rows = [dict(row) for found in (orders, lines, refunds) for row in found.values()]
    left_out = {"id", "connection_id", "order_id", "seen_at", "customer"}
    return [{name: row[name] for name in row.keys() - left_out} for row in rows]


def published(link):
    """Return what people see of a store."""
    rows = CacheEntry.objects.filter(store=link.store).order_by("data_type")
    return list(rows.values_list("data_type", "record_count", "version", "data"))


def are_over():
    return not Run.objects.filter(status__in=OPEN).exists()


@contextmanager
def killed_when(shops, fact):
    """Kill the process that runs the sync at that moment; wait for its end."""
    base = f"{shops.url}/{{shop}}"
    with worker("-c", "1", SHOPIFY_BASE_URL=base) as process:
        until(fact, PATIENCE, every=0.01)
        os.kill(process.children()[0], signal.SIGKILL)
        yield
        until(are_over, PATIENCE)


def has_lost_nothing(shops, run, killed, undisturbed):
    """Check that the run differs from an undisturbed one by one call at most."""
    run.refresh_from_db()
    assert (run.outcome, run.retry_count) == (Outcome.SUCCEEDED, 1), run.error_message
    assert Event.objects.filter(run=run, code="lease_expired").count() == 1
    pages = asked(shops, undisturbed)
    assert len(pages) == PAGES
    assert asked(shops, killed) == [*pages[:KILLED], *pages[KILLED - 1 :]]
    wasted = len(calls(shops, killed)) - len(calls(shops, undisturbed))
    assert wasted == 1
    assert StreamRun.objects.get(run=run).pages == PAGES
    assert facts(killed) == facts(undisturbed)
    assert published(killed) == published(undisturbed)
    assert published(killed)[1][:3] == ("orders", ORDERS, 1)


def test_S06_a_shop_that_is_asked_for_page_37_of_80_is_asked_again(shops, links):
    killed, undisturbed = links
    sync(undisturbed.store)
    # Two queries are refused first, as too dear.
    shops.faults.add("hang", "Orders", after=KILLED + 1)
    run = ask(killed.store).run

    with killed_when(shops, lambda: len(asked(shops, killed)) == KILLED):
        assert len(asked(shops, killed)) == KILLED

    has_lost_nothing(shops, run, killed, undisturbed)


def test_S06_a_page_37_of_80_that_was_half_written_is_read_again(shops, links, sql):
    killed, undisturbed = links
    sync(undisturbed.store)
    last = shops.shops["cups.myshopify.com"].orders[FIRST + (KILLED - 1) * SIZE - 1]
    sql(HOLD.format(name=last["name"]))
    run = ask(killed.store).run

    with killed_when(shops, lambda: sql(WAITING) == [(1,)]):
        assert Order.objects.filter(connection=killed).count() == SEEN
        sql(LET_GO)

    has_lost_nothing(shops, run, killed, undisturbed)
