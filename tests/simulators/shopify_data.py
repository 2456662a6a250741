"""Invented orders, the same for the same seed, as Shopify tells them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

THINGS = ("Mug", "Shirt", "Lamp", "Notebook", "Poster", "Cap", "Vase", "Candle")


def stamp(moment: datetime) -> str:
    """Return a moment as Shopify writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: str, currency: str | None = None) -> dict[str, Any]:
    """Return an amount in the shop's money."""
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(
    number: int, title: str, quantity: int, price: str, **more: Any
) -> dict[str, Any]:
    """Return a line of an order; `price` is the whole line's."""
    product = more.get("product", number % 8 + 1)
    currency = more.get("currency", "BRL")
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": title,
        "sku": more.get("sku", f"{title.upper()}-1"),
        "quantity": quantity,
        "isGiftCard": more.get("gift_card", False),
        "product": {"id": f"gid://shopify/Product/{product}"} if product else None,
        "originalTotalSet": money(price, currency),
        "discountedTotalSet": money(more.get("discounted", price), currency),
    }


def refund(number: int, at: datetime, amount: str, **more: str) -> dict[str, Any]:
    """Return a refund, with the part of it that is goods, tax and shipping."""
    currency = more.get("currency", "BRL")
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": stamp(at),
        "totalRefundedSet": money(amount, currency),
    }


def order(
    number: int, at: datetime, lines: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Return an order; whatever is not said follows from its lines."""
    currency = more.get("currency", "BRL")
    total = more.get("total", "0.00")
    customer = more.get("customer", number % 40 + 1)
    presentment = {"amount": total, "currencyCode": more.get("presentment", currency)}
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": stamp(more.get("created", at)),
        "processedAt": stamp(at),
        "updatedAt": stamp(more.get("updated", at)),
        "cancelledAt": stamp(more["cancelled"]) if "cancelled" in more else None,
        "cancelReason": "CUSTOMER" if "cancelled" in more else None,
        "test": more.get("test", False),
        "currencyCode": currency,
        "presentmentCurrencyCode": more.get("presentment", currency),
        "taxesIncluded": more.get("taxes_included", False),
        "displayFinancialStatus": more.get("paid", "PAID"),
        "displayFulfillmentStatus": more.get("sent", "FULFILLED"),
        "sourceName": "web",
        "totalPriceSet": {**money(total, currency), "presentmentMoney": presentment},
        "currentTotalPriceSet": money(more.get("current", total), currency),
        "currentSubtotalPriceSet": money(
            more.get("current_subtotal", more.get("subtotal", total)), currency
        ),
        "currentTotalTaxSet": money(
            more.get("current_tax", more.get("tax", "0.00")), currency
        ),
        "subtotalPriceSet": money(more.get("subtotal", total), currency),
        "totalDiscountsSet": money(more.get("discounts", "0.00"), currency),
        "totalTaxSet": money(more.get("tax", "0.00"), currency),
        "totalShippingPriceSet": money(more.get("shipping", "0.00"), currency),
        "totalRefundedSet": money(more.get("refunded", "0.00"), currency),
        "customer": {"id": f"gid://shopify/Customer/{customer}"} if customer else None,
        "refunds": more.get("refunds", []),
        "lineItems": lines,
    }


def invented(
    count: int,
    *,
    until: datetime,
    days: int = 30,
    seed: int = 1,
    currency: str = "BRL",
    lines: int = 2,
) -> list[dict[str, Any]]:
    """Return that many orders of the days before `until`."""
    chance = random.Random(seed)
    step = timedelta(days=days) / max(count, 1)
    start = until - timedelta(days=days)
    return [
        _invented(
            1000 + seed * 100_000 + each, start + step * each, chance, currency, lines
        )
        for each in range(count)
    ]


def _invented(
    number: int, at: datetime, chance: random.Random, currency: str, most: int
) -> dict[str, Any]:
    items, cents = [], 0
    for each in range(chance.randint(1, most)):
        quantity, price = chance.randint(1, 3), chance.randint(500, 20_000)
        cents += quantity * price
        items.append(
            line(
                number * 1000 + each,
                THINGS[price % len(THINGS)],
                quantity,
                _text(quantity * price),
                product=price % len(THINGS) + 1,
                currency=currency,
            )
        )
    tax, shipping = cents // 10, 1500
    refunds: list[dict[str, Any]] = []
    if number % 17 == 0:
        refunds = [
            refund(
                number, at + timedelta(hours=5), _text(cents // 2), currency=currency
            )
        ]
    return order(
        number,
        at,
        items,
        currency=currency,
        tax=_text(tax),
        shipping=_text(shipping),
        subtotal=_text(cents),
        total=_text(cents + tax + shipping),
        refunds=refunds,
        refunded=_text(cents // 2) if refunds else "0.00",
        current_subtotal=_text(cents - cents // 2) if refunds else _text(cents),
        customer=None if number % 11 == 0 else chance.randint(1, max(2, 400)),
        sent="UNFULFILLED" if number % 5 == 0 else "FULFILLED",
    )


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
