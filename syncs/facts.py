"""Write what a provider said of orders: never an older word over a newer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db import transaction

from syncs.errors import ContractBroken
from syncs.models import Connection, OrderCoverage, OrderLine, Refund

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineFact:
    """One line."""

    external_id: str
    title: str
    sku: str
    product: str
    quantity: int
    is_gift_card: bool
    original: Decimal
    discounted: Decimal


@dataclass(frozen=True, slots=True)
class RefundFact:
    """One refund, and what of it was goods, taxes, shipping and the rest."""

    external_id: str
    created_at: datetime
    amount: Decimal
    goods: Decimal
    tax: Decimal
    shipping: Decimal


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One order. `lines` None leaves the lines that are known as they are."""

    external_id: str
    name: str
    processed_at: datetime
    created_at: datetime
    provider_updated_at: datetime
    cancelled_at: datetime | None
    is_test: bool
    currency: str
    presentment_currency: str
    taxes_included: bool
    total: Decimal
    subtotal: Decimal
    tax: Decimal
    shipping: Decimal
    refunded: Decimal
    financial_status: str
    fulfillment_status: str
    source: str
    customer: str
    lines: list[LineFact] | None = None
    refunds: list[RefundFact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of orders."""

    inserted: int
    updated: int
    unchanged: int
    repeated: int
    """How many of them this reading had brought before."""


COLUMNS = {
    "external_id": "text",
    "name": "text",
    "processed_at": "timestamptz",
    "created_at": "timestamptz",
    "provider_updated_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "is_test": "boolean",
    "currency": "text",
    "presentment_currency": "text",
    "taxes_included": "boolean",
    "total": "numeric",
    "subtotal": "numeric",
    "tax": "numeric",
    "shipping": "numeric",
    "refunded": "numeric",
    "financial_status": "text",
    "fulfillment_status": "text",
    "source": "text",
    "customer": "text",
}
# A time of change is told in whole seconds: of two words of one second the last counts.
SAVE = f"""
INSERT INTO order_facts (connection_id, {", ".join(COLUMNS)})
SELECT %s, said.* FROM unnest({", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())})
    AS said ({", ".join(COLUMNS)})
ON CONFLICT (connection_id, external_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "external_id")},
    seen_at = clock_timestamp()
WHERE excluded.provider_updated_at >= order_facts.provider_updated_at
RETURNING id, external_id, xmax = 0
"""
KNOWN = """
SELECT external_id, provider_updated_at, seen_at >= %s FROM order_facts
WHERE connection_id = %s AND external_id = ANY(%s)
"""


@transaction.atomic
def save_orders(
    connection: Connection, facts: Iterable[OrderFact], *, began: datetime | None = None
) -> Written:
    """Write orders with their lines and refunds; what is older than known is left out."""
    told = list(facts)
    newest = _newest(told)
    if not newest:
        return Written(0, 0, 0, 0)
    rows = [newest[key] for key in sorted(newest)]
    columns = [[getattr(row, name) for row in rows] for name in COLUMNS]
    with database.cursor() as cursor:
        cursor.execute(KNOWN, [began, connection.pk, list(newest)])
        before = {gid: (changed, again) for gid, changed, again in cursor.fetchall()}
        cursor.execute(SAVE, [connection.pk, *columns])
        written: list[tuple[int, str, bool]] = cursor.fetchall()
    orders = {key: newest[gid] for key, gid, _ in written}
    _write_lines(orders)
    _write_refunds(connection, orders)
    inserted = sum(is_new for *_, is_new in written)
    updated = sum(
        not is_new and before[gid][0] != newest[gid].provider_updated_at
        for _, gid, is_new in written
    )
    repeated = (
        len(told) - len(newest) + sum(bool(again) for _, again in before.values())
    )
    return Written(inserted, updated, len(newest) - inserted - updated, repeated)


def _newest(facts: Iterable[OrderFact]) -> dict[str, OrderFact]:
    newest: dict[str, OrderFact] = {}
    for fact in facts:
        known = newest.get(fact.external_id)
        if known is None or fact.provider_updated_at >= known.provider_updated_at:
            newest[fact.external_id] = fact
    return newest


def save_lines(
    connection: Connection, lines: Mapping[str, Sequence[LineFact]], *, before: datetime
) -> int:
    """Add lines that came apart from their orders, as bulk files tell them.

    An order that changed after `before` has newer lines already: those stay.
    """
    found = connection.orders.filter(external_id__in=lines)
    orders = list(found.values_list("external_id", "pk", "provider_updated_at"))
    if len(orders) < len(lines):
        raise ContractBroken("Lines came before the orders that they belong to")
    made = [
        _line(key, each)
        for gid, key, changed in orders
        if changed <= before
        for each in lines[gid]
    ]
    _upsert_lines(made)
    return len(made)


def cover(connection: Connection, start: datetime, until: datetime) -> None:
    """Note that every change of an order between two moments is known.

    Only what touches the known span widens it: it never has a hole.
    """
    row = OrderCoverage.objects.select_for_update().filter(pk=connection.pk).first()
    if row is None:
        OrderCoverage.objects.create(
            connection=connection, covered_from=start, covered_until=until
        )
    elif start <= row.covered_until and until >= row.covered_from:
        row.covered_from = min(row.covered_from, start)
        row.covered_until = max(row.covered_until, until)
        row.save(update_fields=["covered_from", "covered_until"])


def _write_lines(orders: Mapping[int, OrderFact]) -> None:
    told = {key: fact.lines for key, fact in orders.items() if fact.lines is not None}
    kept = [line.external_id for lines in told.values() for line in lines]
    OrderLine.objects.filter(order__in=list(told)).exclude(
        external_id__in=kept
    ).delete()
    _upsert_lines([_line(key, each) for key, lines in told.items() for each in lines])


def _upsert_lines(rows: Sequence[OrderLine]) -> None:
    unique = {(row.order_id, row.external_id): row for row in rows}
    OrderLine.objects.bulk_create(
        [unique[key] for key in sorted(unique)],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["order", "external_id"],
        update_fields=[
            "title", "sku", "product", "quantity", "is_gift_card", "original", "discounted",
        ],
    )  # fmt: skip


def _line(key: int, fact: LineFact) -> OrderLine:
    values: dict[str, Any] = {name: getattr(fact, name) for name in LineFact.__slots__}
    return OrderLine(order_id=key, **values)


def _write_refunds(connection: Connection, orders: Mapping[int, OrderFact]) -> None:
    Refund.objects.filter(order__in=list(orders)).exclude(
        external_id__in=[
            each.external_id for fact in orders.values() for each in fact.refunds
        ]
    ).delete()
    rows = [
        Refund(
            connection=connection,
            order_id=key,
            **{name: getattr(each, name) for name in RefundFact.__slots__},
        )
        for key, fact in orders.items()
        for each in fact.refunds
    ]
    Refund.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["order", "external_id"],
        update_fields=["created_at", "amount", "goods", "tax", "shipping"],
    )
