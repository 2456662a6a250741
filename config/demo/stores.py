"""Connect the demo's stores to providers that are simulated on this machine."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from config.demo.shops import PREFIX, SHOPS, DemoShop
from syncs.credentials import opened, replace
from syncs.models import Connection, Store
from syncs.ports import Period
from syncs.request import Wish, request
from syncs.states import ConnectionStatus, Trigger

LOOPBACK = "127.0.0.1"
NOTE = "The demo is off"


def are_simulated() -> bool:
    """Tell whether both providers are on this machine: the demo calls no others."""
    here = (settings.SHOPIFY_BASE_URL, settings.KLAVIYO_BASE_URL)
    return all(
        urlsplit(each.replace("{shop}", "")).hostname == LOOPBACK for each in here
    )


def open_stores() -> int:
    """Write the demo's stores unless they are there; return how many there are."""
    if not are_simulated() or not settings.FIELD_ENCRYPTION_KEYS:
        close_stores()
        return 0
    for each in SHOPS:
        _open(each)
    return len(SHOPS)


def close_stores() -> int:
    """Pause the connections of the demo: nobody calls its domains in the real world."""
    ours = Connection.objects.filter(label__startswith=PREFIX)
    rows = ours.filter(status=ConnectionStatus.ACTIVE)
    return rows.update(status=ConnectionStatus.PAUSED, status_reason=NOTE)


def sync_stores() -> int:
    """Ask for the last thirty days of each store; return how many were asked for."""
    if not are_simulated():
        return 0
    stores = Store.objects.filter(
        connections__label__startswith=PREFIX,
        connections__status=ConnectionStatus.ACTIVE,
    ).distinct()
    today = timezone.now().date()
    period = Period(today - timedelta(days=29), today)
    for each in stores:
        request(each, period, Wish(trigger=Trigger.CRON))
    return len(stores)


def _open(shop: DemoShop) -> None:
    known = Connection.objects.filter(label=f"{PREFIX}{shop.slug}-shopify").first()
    store = (
        known.store
        if known
        else Store.objects.create(
            name=shop.name, timezone=shop.zone, currency=shop.currency
        )
    )
    for provider, account, token in (
        ("shopify", shop.domain, shop.token), ("klaviyo", shop.account, shop.key),
    ):  # fmt: skip
        link, _ = Connection.objects.get_or_create(
            label=f"{PREFIX}{shop.slug}-{provider}",
            defaults={
                "store": store, "provider": provider, "external_account": account,
                "timezone": shop.zone, "currency": shop.currency,
            },
        )  # fmt: skip
        if link.status == ConnectionStatus.PAUSED and link.status_reason == NOTE:
            Connection.objects.filter(pk=link.pk).update(
                status=ConnectionStatus.ACTIVE, status_reason=""
            )
        if opened(link).get("access_token") != token:
            replace(link, {"access_token": token})
