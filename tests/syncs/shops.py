"""Stores with connections to the simulators, and a sync without an engine around it."""

from datetime import UTC, date, datetime
from typing import Any

from syncs.credentials import replace
from syncs.models import Connection, Store
from syncs.ports import Page, Period, provider
from tests.simulators.shopify import TOKEN

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 20))


def shop_of(
    name: str = "mugs", *, zone: str = "America/Sao_Paulo", **more: Any
) -> Connection:
    """Return the connection of a store to a shop of the simulator."""
    currency = more.get("currency", "BRL")
    store = Store.objects.create(name=name, timezone=zone, currency=currency)
    made = Connection.objects.create(
        store=store,
        provider="shopify",
        external_account=f"{name}.myshopify.com",
        timezone=zone,
        currency=currency,
    )
    replace(made, more.get("values", {"access_token": TOKEN}))
    return made


def klaviyo_of(
    account: str = "AbC123",
    key: str = "pk_example_0001",
    *,
    store: Store | None = None,
    **more: Any,
) -> Connection:
    """Return the connection of a store to an account of the simulator."""
    store = store or Store.objects.create(name="mugs", timezone="America/Sao_Paulo")
    made = Connection.objects.create(
        store=store,
        provider="klaviyo",
        external_account=account,
        timezone=more.get("zone", "US/Eastern"),
        currency="USD",
        settings=more.get("settings", {}),
    )
    replace(made, {"access_token": key})
    return made


def pull(
    connection: Connection,
    period: Period | None = NOVEMBER,
    *,
    stream: str = "orders",
    cursor: str | None = None,
    most: int = 1000,
) -> list[Page]:
    """Fetch and apply pages until the last one; return them."""
    adapter = provider(connection.provider)
    pages: list[Page] = []
    while len(pages) < most:
        page = adapter.fetch(connection, stream, period, cursor)
        adapter.apply(connection, stream, period, page, run=None)
        pages.append(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    return pages


def entry(connection: Connection, kind: str, period: Period = NOVEMBER) -> Any:
    """Return what the cache would hold."""
    (found,) = provider(connection.provider).entries(connection, period, [kind])
    return found
