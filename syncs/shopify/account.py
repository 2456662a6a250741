"""What a shop says of itself: its zone and money decide what a day and a sum are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from syncs.errors import ContractBroken
from syncs.ports import Account
from syncs.shopify.client import Shop
from syncs.shopify.queries import SHOP


@dataclass(frozen=True, slots=True)
class Facts:
    """The shop, what we may see of it, and its clock."""

    domain: str
    name: str
    timezone: str
    currency: str
    scopes: frozenset[str]
    now: datetime


def about(shop: Shop) -> Facts:
    """Ask the shop."""
    reply = shop.ask("Shop", SHOP, {}, points=20)
    try:
        return _facts(reply.data, reply.now)
    except (KeyError, TypeError, ValueError, OSError):
        raise ContractBroken(
            "Shop answered without its facts", endpoint="Shop"
        ) from None


def account(facts: Facts) -> Account:
    """Return the facts as the port wants them, with what a person should know."""
    notes = []
    if "read_orders" not in facts.scopes and "read_all_orders" not in facts.scopes:
        notes.append(_("The scope read_orders is missing: orders cannot be read."))
    elif "read_all_orders" not in facts.scopes:
        notes.append(
            _("Without the scope read_all_orders only 60 days of orders are visible.")
        )
    return Account(
        external_id=facts.domain,
        name=facts.name,
        timezone=facts.timezone,
        currency=facts.currency,
        notes=notes,
    )


def _facts(data: dict[str, Any], now: datetime) -> Facts:
    shop = data["shop"]
    scopes = data["currentAppInstallation"]["accessScopes"]
    return Facts(
        domain=str(shop["myshopifyDomain"]),
        name=str(shop["name"]),
        timezone=ZoneInfo(shop["ianaTimezone"]).key,
        currency=str(shop["currencyCode"]).upper(),
        scopes=frozenset(str(each["handle"]) for each in scopes),
        now=now,
    )
