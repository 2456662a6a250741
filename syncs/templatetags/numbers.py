"""How the numbers of a store look."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from syncs import progress
from syncs.models import Run
from syncs.phrase import phrase
from syncs.states import DataType, Freshness

register = template.Library()
register.filter("stream_name", progress.stream_name)
register.filter("phrase", phrase)

MONEY, COUNT, SHARE = "money", "count", "share"

FIGURES: dict[str, tuple[tuple[str, str | Promise, str], ...]] = {
    DataType.ORDERS: (
        ("total_orders", _("Orders"), COUNT),
        ("total_sales", _("Total sales"), MONEY),
        ("net_sales", _("Net sales"), MONEY),
        ("average_ticket", _("Average order"), MONEY),
        ("new_customers", _("New customers"), COUNT),
        ("returning_customers", _("Returning customers"), COUNT),
        ("returning_rate", _("Share of returning customers"), SHARE),
        ("discounts", _("Discounts"), MONEY),
        ("returns", _("Returns"), MONEY),
    ),
    DataType.CAMPAIGNS: (
        ("revenue", _("Revenue"), MONEY),
        ("conversions", _("Orders"), COUNT),
        ("count", _("Campaigns"), COUNT),
        ("recipients", _("Recipients"), COUNT),
        ("opens", _("Opens"), COUNT),
        ("clicks", _("Clicks"), COUNT),
    ),
    DataType.FLOWS: (
        ("revenue", _("Revenue"), MONEY),
        ("conversions", _("Orders"), COUNT),
        ("total_flows", _("Flows"), COUNT),
        ("flows_with_revenue", _("Flows with revenue"), COUNT),
        ("recipients", _("Recipients"), COUNT),
        ("clicks", _("Clicks"), COUNT),
    ),
    DataType.CUSTOMERS: (
        ("new_customers", _("New customers"), COUNT),
        ("returning_customers", _("Returning customers"), COUNT),
        ("returning_rate", _("Share of returning customers"), SHARE),
        ("guest_orders", _("Orders of guests"), COUNT),
    ),
    DataType.ANALYTICS: (
        ("revenue_total", _("Attributed revenue"), MONEY),
        ("revenue_campaigns", _("Revenue of campaigns"), MONEY),
        ("revenue_flows", _("Revenue of flows"), MONEY),
        ("orders_attributed", _("Attributed orders"), COUNT),
    ),
}
LISTS: dict[str, tuple[str, str]] = {
    DataType.CAMPAIGNS: ("top_by_revenue", "name"),
    DataType.FLOWS: ("flows", "name"),
    DataType.PRODUCTS: ("top_products", "title"),
}
"""Where the best of a data type are, and what they are called by."""
SUMMED = ("recipients", "opens", "clicks", "conversions", "revenue")
FEW, BEST = 6, 5

STATES: dict[str, tuple[str | Promise, str]] = {
    Freshness.FRESH: (_("up to date"), "good"),
    Freshness.STALE: (_("being renewed"), "wait"),
    Freshness.STALE_ERROR: (_("the last try failed"), "warn"),
    Freshness.NEGATIVE: (_("there is nothing"), "mute"),
    Freshness.EXPIRED: (_("an old snapshot"), "warn"),
    Freshness.MISS: (_("never synced"), "mute"),
}


@register.simple_tag
def figures(data_type: str, data: object) -> list[dict[str, Any]]:
    """Return the figures of a data type as label and text; unknown ones by their key."""
    if not isinstance(data, Mapping):
        return []
    flat = {**_sums(data.get(data_type)), **data, **_under(data, "flow_perf")}
    currency = str(data.get("currency") or "")
    known = FIGURES.get(data_type, ())
    rows = [
        {"label": label, "text": _text(flat[key], kind, currency)}
        for key, label, kind in known
        if flat.get(key) is not None
    ]
    if rows or data_type in LISTS:
        return rows
    return [
        {"label": key.replace("_", " "), "text": str(value)}
        for key, value in _plain(flat)
    ][:FEW]


@register.simple_tag
def best(data_type: str, data: object) -> list[dict[str, str]]:
    """Return the best of a data type, such as products, each with what it brought."""
    if not isinstance(data, Mapping) or data_type not in LISTS:
        return []
    name, title = LISTS[data_type]
    currency = str(data.get("currency") or "")
    rows = data.get(name)
    return [
        {"label": str(each.get(title)), "text": _text(each["revenue"], MONEY, currency)}
        for each in (rows if isinstance(rows, list) else [])
        if isinstance(each, Mapping) and each.get("revenue") is not None
    ][:BEST]


@register.filter
def words(state: str) -> str | Promise:
    """Return what the state of an entry means."""
    return STATES[state][0]


@register.filter
def tone(state: str) -> str:
    """Return the tone of a state."""
    return STATES[state][1]


@register.filter
def named(data_type: str) -> str | Promise:
    """Return the name of a data type."""
    return DataType(data_type).label


@register.filter
def stands(run: Run) -> str | Promise:
    """Return how a run stands, in the words of the seed."""
    return progress.word(run)


@register.filter
def waits(run: Run) -> str | Promise:
    """Return what a run waits for."""
    return progress.WAITS.get(run.waiting_for or "", "")


@register.filter
def stream_word(status: str) -> str | Promise:
    """Return how a stream stands."""
    return progress.STREAMS[status]


def _under(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _sums(rows: object) -> dict[str, Any]:
    """Return what a list of campaigns or flows comes to; what no row tells is left out."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return {}
    sums: dict[str, Any] = {"count": len(rows)}
    for name in SUMMED:
        told = [row.get(name) for row in rows]
        if told and None not in told:
            sums[name] = sum(Decimal(str(each)) for each in told)
    return sums


def _plain(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield key, value


def _text(value: object, kind: str, currency: str) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if kind == COUNT:
        return str(number_format(number, decimal_pos=0, force_grouping=True))
    if kind == SHARE:
        share = number * 100 if abs(number) <= 1 else number
        return f"{number_format(share, decimal_pos=1)} %"
    amount = number_format(number, decimal_pos=2, force_grouping=True)
    return f"{currency} {amount}".strip()
