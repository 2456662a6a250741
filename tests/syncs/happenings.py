"""Invented stores and segments with a bit of everything, for walks through the console.

The runs go through the engine and call simulated providers, which are gone afterwards.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Now
from django.test import override_settings

from queues.testing import inline
from syncs.calls import hang_up
from syncs.connect import pause
from syncs.models import (
    CacheEntry,
    Connection,
    Delivery,
    EnrolmentRule,
    Run,
    SegmentControl,
    Store,
    StreamRun,
)
from syncs.models import Trigger as Asker
from syncs.periods import of_word
from syncs.request import Wish, cancel, request
from syncs.segments.start import start
from syncs.segments.steer import pause as pause_segment
from tests.cadences.people import cadence, company
from tests.simulators.klaviyo import Klaviyo, klaviyo
from tests.simulators.klaviyo_account import fill
from tests.simulators.shopify import Shopify, shopify
from tests.simulators.shopify_data import invented
from tests.simulators.sprinthub import INSTANCE, TOKEN, SprintHub, sprinthub
from tests.syncs.shops import klaviyo_of, shop_of
from tests.syncs.stores import sync

HOME = "acme"
SPENT = 73_473
"""Seconds for which an account has no reports left."""


@dataclass
class Shops:
    """What was written, by what it shows."""

    whole: Store
    aside: Store
    waiting: Store
    shut: Store
    held: Store
    queued: Store
    busy: Store
    empty: Store


def furnish_syncs() -> Shops:
    """Write one of everything that happens to stores."""
    with _providers() as (shops, mail):
        found = Shops(
            whole=_whole(shops, mail),
            aside=_aside(shops),
            waiting=_waiting(shops, mail),
            shut=_shut(shops),
            held=_held(shops),
            queued=_queued(shops),
            busy=_busy(shops),
            empty=Store.objects.create(name="Empório Novo", timezone="America/Recife"),
        )
    _deliveries(found.whole)
    return found


def furnish_segments() -> SegmentControl:
    """Write segments in every state, with leads, logs, refusals and a rule."""
    home = company(HOME)
    with _hub() as hub:
        good = SegmentControl.objects.create(
            segment_id=101, name="Novos contatos", company=home, enrich="never"
        )
        hub.fill(101, range(1, 9))
        hub.leads[8]["email"] = ["no", "text"]
        _synced(good)
        hub.add(9, 101)
        which = cadence(code="newcomers", name="Newcomers")
        EnrolmentRule.objects.create(
            name="Welcome newcomers", on="joined", control=good, cadence=which
        )
        _synced(good)
        bad = SegmentControl.objects.create(
            segment_id=102, name="Recompra", company=home, enrich="never"
        )
        hub.fail("status", times=99, value=401)
        _synced(bad)
    quiet = SegmentControl.objects.create(
        segment_id=103, name="Inativos", company=home, cron="0 6 * * 1"
    )
    pause_segment(quiet.pk, "until the new campaign")
    return good


@contextmanager
def _providers() -> Iterator[tuple[Shopify, Klaviyo]]:
    with ExitStack() as stack:
        shops, mail = stack.enter_context(shopify()), stack.enter_context(klaviyo())
        here = override_settings(
            SHOPIFY_BASE_URL=f"{shops.url}/{{shop}}",
            SHOPIFY_FILE_HOSTS=(shops.url.removeprefix("http://"),),
            KLAVIYO_BASE_URL=mail.url,
        )
        stack.enter_context(here)
        yield shops, mail
    hang_up()


@contextmanager
def _hub() -> Iterator[SprintHub]:
    with sprinthub() as hub:
        here = override_settings(
            SPRINTHUB_BASE_URL=hub.url,
            SPRINTHUB_API_TOKEN=TOKEN,
            SPRINTHUB_INSTANCE=INSTANCE,
            SPRINTHUB_CALLS_A_MINUTE=6000,
        )
        with here:
            yield hub


def _whole(shops: Shopify, mail: Klaviyo) -> Store:
    """Return a store of two providers whose numbers are there, twice."""
    link = _shop(shops, "papelaria-sol", "Papelaria Sol")
    fill(mail.account())
    klaviyo_of(store=link.store, zone="America/Sao_Paulo")
    Connection.objects.filter(store=link.store).update(freshness_minutes=60)
    for _ in range(2):
        _month(link.store, forced=True)
    _month(link.store, "7d")
    return link.store


def _aside(shops: Shopify) -> Store:
    """Return a store with an order that cannot be read."""
    link = _shop(shops, "livraria-lua", "Livraria Lua", orders=150)
    made = shops.shops[link.external_account]
    made.orders[3]["processedAt"] = "tomorrow"
    _month(link.store)
    return link.store


def _waiting(shops: Shopify, mail: Klaviyo) -> Store:
    """Return a store whose account has no reports left today."""
    link = _shop(shops, "casa-rio", "Casa Rio")
    key = "pk_example_0003"
    fill(mail.account("XyZ789", keys={key}))
    klaviyo_of("XyZ789", key, store=link.store)
    mail.faults.add("retry_after", "campaign-values-reports", value=SPENT)
    _month(link.store)
    return link.store


def _shut(shops: Shopify) -> Store:
    """Return a store whose token was revoked in the middle of its first sync."""
    link = _shop(shops, "atelie-mar", "Ateliê Mar", orders=150)
    shops.faults.add("auth_revoked", "Orders", after=1)
    _month(link.store)
    return link.store


def _held(shops: Shopify) -> Store:
    """Return a store that sells in other money than it said; its old numbers stay."""
    link = _shop(shops, "padaria-alba", "Padaria Alba")
    _month(link.store)
    CacheEntry.objects.filter(store=link.store).update(
        synced_at=F("synced_at") - timedelta(hours=3),
        fresh_until=F("fresh_until") - timedelta(hours=3),
    )
    Connection.objects.filter(pk=link.pk).update(currency="EUR")
    _month(link.store, forced=True)
    return link.store


def _queued(shops: Shopify) -> Store:
    """Return a store that waits, beside one that was cancelled and one that is paused."""
    link = _shop(shops, "feira-verde", "Feira Verde")
    cancel(_asked(link.store, "7d"), reason="asked for by mistake")
    _asked(link.store, "30d")
    resting = _shop(shops, "moda-lis", "Moda Lis")
    pause(resting, reason="holidays until Monday")
    return link.store


def _busy(shops: Shopify) -> Store:
    """Return a store in the middle of a page, as a worker leaves it between two."""
    link = _shop(shops, "bicicletaria", "Bicicletaria Norte")
    run = _asked(link.store, "30d")
    Run.objects.filter(pk=run.pk).update(
        status="processing", started_at=Now(), progress_at=Now(), starts=1
    )
    StreamRun.objects.create(
        run=run, connection=link, stream="orders", status="running", pages=7,
        rows_seen=340, expected=1200, started_at=Now(),
    )  # fmt: skip
    return link.store


def _shop(shops: Shopify, slug: str, name: str, *, orders: int = 60) -> Connection:
    made = shops.shop(slug)
    made.orders = invented(orders, until=shops.clock.now(), days=25)
    link = shop_of(slug)
    Store.objects.filter(pk=link.store_id).update(name=name)
    link.store.refresh_from_db()
    return link


def _month(store: Store, word: str = "30d", **wish: Any) -> Run:
    return sync(store, of_word(store, word), **wish)


def _asked(store: Store, word: str) -> Run:
    """Ask, and leave it to a worker that never comes."""
    return request(store, of_word(store, word), Wish(priority=3)).run


def _deliveries(store: Store) -> None:
    link = store.connections.get(provider="shopify")
    for number, status in enumerate(Delivery.Status.values):
        Delivery.objects.create(
            connection=link, provider="shopify", delivery_id=f"d-{number}",
            topic="orders/updated", external_id=str(1000 + number), status=status,
            applied_at=Now() if status == "applied" else None,
        )  # fmt: skip


def _synced(control: SegmentControl) -> None:
    with inline():
        start(control, trigger=Asker.MANUAL, actor="ana")
