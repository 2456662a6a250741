"""What an account says of itself, and which metric counts as a sale."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from syncs.errors import ContractBroken, Misconfigured, PaginationLoop
from syncs.klaviyo.client import Klaviyo
from syncs.models import Connection
from syncs.ports import Account

PLACED = "Placed Order"
PLATFORM = "Shopify"
MOST_PAGES = 50
LEGACY = {"Europe/Kyiv": "Europe/Kiev", "Pacific/Kanton": "Pacific/Enderbury"}
"""Zones that aggregates know under their former name only."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that people do, as an integration reports it."""

    id: str
    name: str
    integration: str

    def __str__(self) -> str:
        return f"{self.name} ({self.integration or 'no integration'}, {self.id})"


def account(klaviyo: Klaviyo) -> Account:
    """Ask the account who it is; a note names the metric that would be taken."""
    reply = klaviyo.get("accounts")
    try:
        (found,) = reply.value["data"]
        said = found["attributes"]
        made = Account(
            external_id=str(said.get("public_api_key") or found["id"]),
            name=str(
                (said.get("contact_information") or {}).get("organization_name", "")
            ),
            timezone=ZoneInfo(said["timezone"]).key,
            currency=str(said["preferred_currency"]).upper(),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OSError):
        raise ContractBroken(
            "accounts answered without its facts", endpoint="accounts"
        ) from None
    return made


def conversion_metric(klaviyo: Klaviyo) -> str:
    """Return the id of the metric that counts sales; raise Misconfigured for a choice.

    The one that is chosen on the connection, else that of the store's platform, else
    the only one. There is no fallback: another account's id would count nothing.
    """
    if chosen := chosen_metric(klaviyo.connection):
        return chosen
    found = [each for each in metrics(klaviyo) if each.name == PLACED]
    ours = [each for each in found if each.integration == PLATFORM] or found
    if len(ours) == 1:
        return ours[0].id
    if not ours:
        raise Misconfigured(
            f"There is no metric “{PLACED}” in this account: choose another one",
            code="no_metric",
        )
    names = "; ".join(map(str, ours))
    raise Misconfigured(
        f"There are several metrics “{PLACED}”, choose one: {names}",
        code="several_metrics",
    )


def chosen_metric(connection: Connection) -> str:
    """Return the metric that a person chose, or nothing."""
    return str(connection.settings.get("conversion_metric_id") or "")


def metrics(klaviyo: Klaviyo) -> Iterator[Metric]:
    """Yield every metric of the account."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        reply = klaviyo.get("metrics", {"page[cursor]": cursor} if cursor else {})
        for each in _rows(reply.value):
            said = each.get("attributes")
            if not isinstance(said, dict) or not isinstance(each.get("id"), str):
                raise ContractBroken(
                    "metrics: a metric without its facts", endpoint="metrics"
                )
            integration = said.get("integration")
            name = integration.get("name") if isinstance(integration, dict) else ""
            yield Metric(each["id"], str(said.get("name", "")), str(name or ""))
        following = reply.cursor("page[cursor]")
        if following is None:
            return
        if following == cursor:
            break
        cursor = following
    raise PaginationLoop("metrics: the pages go in circles", endpoint="metrics")


def _rows(value: dict[str, Any]) -> list[dict[str, Any]]:
    rows = value["data"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractBroken("metrics answered without a list", endpoint="metrics")
    return rows
