"""Turn what Shopify says of an order into facts, or say why it cannot be used."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from cadences.pepper import pepper
from syncs.facts import LineFact, OrderFact, RefundFact

ZERO = Decimal(0)
LONGEST = 255
MOST_MONEY = Decimal(10) ** 15


class Unusable(ValueError):
    """A row lacks what it must have, or has it in another shape."""


def order_fact(node: Mapping[str, Any], *, store: str, lines: bool = True) -> OrderFact:
    """Return the facts of an order; raise Unusable."""
    gid = _text(node, "id")
    moments: dict[str, Any] = {
        name: _moment(node, key)
        for name, key in (
            ("processed_at", "processedAt"), ("created_at", "createdAt"),
            ("provider_updated_at", "updatedAt"),
        )
    }  # fmt: skip
    sums: dict[str, Any] = {
        name: _money(node, f"{key}Set")
        for name, key in (
            ("total", "totalPrice"), ("subtotal", "subtotalPrice"), ("tax", "totalTax"),
            ("shipping", "totalShippingPrice"), ("refunded", "totalRefunded"),
        )
    }  # fmt: skip
    said_lines = node.get("lineItems")
    return OrderFact(
        external_id=gid,
        name=_short(node.get("name"), 100),
        cancelled_at=_moment(node, "cancelledAt") if node.get("cancelledAt") else None,
        is_test=node.get("test") is True,
        currency=_currency(node),
        presentment_currency=_short(node.get("presentmentCurrencyCode"), 3),
        taxes_included=node.get("taxesIncluded") is True,
        financial_status=_short(node.get("displayFinancialStatus"), 40),
        fulfillment_status=_short(node.get("displayFulfillmentStatus"), 40),
        source=_short(node.get("sourceName"), 100),
        customer=_customer(node.get("customer"), store),
        lines=[line_fact(each) for each in nodes(said_lines)] if lines else None,
        refunds=list(_refunds(node, **sums)),
        **moments,
        **sums,
    )


def line_fact(node: Mapping[str, Any]) -> LineFact:
    """Return the facts of a line; raise Unusable."""
    product = node.get("product")
    quantity = node.get("quantity")
    if type(quantity) is not int:
        raise Unusable("quantity is no whole number")
    return LineFact(
        external_id=_text(node, "id"),
        title=_short(node.get("title"), LONGEST),
        sku=_short(node.get("sku"), LONGEST),
        product=_short(product.get("id") if isinstance(product, dict) else "", 64),
        quantity=quantity,
        is_gift_card=node.get("isGiftCard") is True,
        original=_money(node, "originalTotalSet"),
        discounted=_money(node, "discountedTotalSet"),
    )


def nodes(found: object) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes of a connection; raise Unusable if it is none."""
    edges = found.get("edges") if isinstance(found, dict) else None
    if not isinstance(edges, list):
        raise Unusable("a list is missing")
    for edge in edges:
        node = edge.get("node") if isinstance(edge, dict) else None
        if not isinstance(node, dict):
            raise Unusable("an element of a list is missing")
        yield node


def _refunds(
    node: Mapping[str, Any],
    *,
    tax: Decimal,
    subtotal: Decimal,
    refunded: Decimal,
    **_: Decimal,
) -> Iterator[RefundFact]:
    """Yield the refunds; what the order lost of goods and taxes is shared among them.

    The order says exactly how much of both went back in all, not in which refund: with
    one refund the share is exact, with several it follows their amounts.
    """
    found = node.get("refunds") or []
    if not isinstance(found, list):
        raise Unusable("refunds is no list")
    amounts = [_money(each, "totalRefundedSet") for each in found]
    goods = max(ZERO, subtotal - _money(node, "currentSubtotalPriceSet", subtotal))
    taxes = max(ZERO, tax - _money(node, "currentTotalTaxSet", tax))
    if node.get("taxesIncluded") is True:
        goods = max(ZERO, goods - taxes)
    for each, amount, of_goods, of_tax in zip(
        found, amounts, shared(goods, amounts), shared(taxes, amounts), strict=True
    ):
        yield RefundFact(
            external_id=_text(each, "id"),
            created_at=_moment(each, "createdAt"),
            amount=amount,
            goods=of_goods,
            tax=of_tax,
            shipping=amount - of_goods - of_tax if amount else ZERO,
        )


def shared(whole: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Return the parts of a sum by their weights; they add up to it exactly."""
    if not weights:
        return []
    total = sum(weights)
    parts = [
        (whole * weight / total if total else whole / len(weights)).quantize(
            Decimal("0.0001")
        )
        for weight in weights[:-1]
    ]
    return [*parts, whole - sum(parts, ZERO)]


def _customer(said: object, store: str) -> str:
    """Return what tells a customer of this store from another, and nothing else."""
    if not isinstance(said, dict) or not said.get("id"):
        return ""
    text = f"{store}:{said['id']}".encode()
    return hmac.new(pepper(), text, hashlib.sha256).hexdigest()


def _text(node: Mapping[str, Any], name: str) -> str:
    value = node.get(name)
    if not isinstance(value, str) or not value or len(value) > 64:  # noqa: PLR2004
        raise Unusable(f"{name} is missing")
    return value


def _short(value: object, most: int) -> str:
    return "" if value is None else str(value).replace("\x00", "")[:most]


def _moment(node: Mapping[str, Any], name: str) -> datetime:
    value = node.get(name)
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Unusable(f"{name} is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _currency(node: Mapping[str, Any]) -> str:
    value = node.get("currencyCode")
    if not isinstance(value, str) or not (len(value) == 3 and value.isalpha()):  # noqa: PLR2004
        raise Unusable("currencyCode is no currency")
    return value.upper()


def _money(
    node: Mapping[str, Any], name: str, default: Decimal | None = None
) -> Decimal:
    """Return an amount of the shop's money, exactly as it was written."""
    held = node.get(name)
    if held is None and default is not None:
        return default
    money = held.get("shopMoney") if isinstance(held, dict) else None
    said = money.get("amount") if isinstance(money, dict) else None
    try:
        amount = Decimal(said) if isinstance(said, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or abs(amount) >= MOST_MONEY:
        raise Unusable(f"{name} is no amount")
    return amount
