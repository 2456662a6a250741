"""One simulated Klaviyo account: what it holds, and how often it may be asked."""

import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulators.clock import Clock

DAY = 86_400.0
TIERS: dict[str, tuple[int, int, int | None]] = {
    "accounts": (1, 15, None),
    "metrics": (10, 150, None),
    "campaigns": (10, 150, None),
    "flows": (3, 60, None),
    "events": (350, 3500, None),
    "metric-aggregates": (3, 60, None),
    "campaign-values-reports": (1, 2, 225),
    "flow-values-reports": (1, 2, 225),
    "flow-series-reports": (1, 2, 225),
}
"""Calls a second, a minute and a day, of each endpoint and account."""


@dataclass
class Account:
    """What an account holds. Keys of one account share its limits."""

    public_key: str
    clock: Clock
    zone: str = "US/Eastern"
    currency: str = "USD"
    keys: set[str] = field(default_factory=lambda: {"pk_example_0001"})
    metrics: list[dict[str, Any]] = field(default_factory=list)
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    flows: list[dict[str, Any]] = field(default_factory=list)
    currencies: tuple[str, ...] = ()
    seen: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def wait(self, endpoint: str) -> float:
        """Return how long a call must wait; count it if it need not.

        The windows roll: whatever fits here fits any calendar of the provider's.
        """
        burst, steady, daily = TIERS[endpoint]
        now = self.clock.seconds()
        times = [each for each in self.seen.get(endpoint, []) if each > now - DAY]
        waits = [0.0]
        for most, window in ((burst, 1.0), (steady, 60.0), (daily, DAY)):
            if most is not None and len(times) >= most:
                waits.append(times[-most] + window - now)
        if max(waits) <= 0:
            times.append(now)
        self.seen[endpoint] = times
        return max(waits)

    def left(self, endpoint: str) -> dict[str, str]:
        """Return the headers that tell what is left of the minute."""
        steady, now = TIERS[endpoint][1], self.clock.seconds()
        used = [each for each in self.seen.get(endpoint, []) if each > now - 60]
        reset = max(0, round(used[0] + 60 - now)) if used else 0
        return {
            "RateLimit-Limit": str(steady),
            "RateLimit-Remaining": str(max(0, steady - len(used))),
            "RateLimit-Reset": str(reset),
        }

    def facts(self) -> dict[str, Any]:
        """Return the account as the provider tells it."""
        attributes = {
            "test_account": False,
            "timezone": self.zone,
            "preferred_currency": self.currency,
            "public_api_key": self.public_key,
            "locale": "en-US",
            "contact_information": {"organization_name": "Example Store"},
        }
        return {"type": "account", "id": self.public_key, "attributes": attributes}

    def sent(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Return the campaigns sent between two wall times of the account."""
        zone = ZoneInfo(self.zone)
        found = []
        for each in self.campaigns:
            at = each["attributes"]["send_time"]
            if at is None:
                continue
            wall = datetime.fromisoformat(at).astimezone(zone).replace(tzinfo=None)
            if start <= wall <= end:
                found.append(each)
        return found


def metric(
    key: str, name: str = "Placed Order", integration: str = "Shopify"
) -> dict[str, Any]:
    """Return a metric."""
    category = "API" if integration == "API" else "eCommerce"
    attributes = {
        "name": name,
        "created": "2025-01-10T10:00:00+00:00",
        "updated": "2026-11-20T10:00:00+00:00",
        "integration": {"name": integration, "category": category},
    }
    return {"type": "metric", "id": key, "attributes": attributes}


def campaign(number: int, sent: datetime | None, **more: Any) -> dict[str, Any]:
    """Return a campaign with one message."""
    updated = (sent or datetime(2026, 11, 1, tzinfo=UTC)) + timedelta(hours=1)
    message = {"type": "campaign-message", "id": f"01HMSG{number:04d}"}
    return {
        "type": "campaign",
        "id": f"01HCAMP{number:04d}",
        "channel": more.get("channel", "email"),
        "attributes": {
            "name": more.get("name", f"Campaign {number}"),
            "status": more.get("status", "Sent" if sent else "Draft"),
            "archived": more.get("archived", False),
            "send_strategy": {"method": "static"},
            "created_at": (updated - timedelta(days=3)).isoformat(),
            "scheduled_at": sent.isoformat() if sent else None,
            "updated_at": updated.isoformat(),
            "send_time": sent.isoformat() if sent else None,
        },
        "relationships": {"campaign-messages": {"data": [message]}},
    }


def flow(number: int, status: str = "live") -> dict[str, Any]:
    """Return a flow."""
    attributes = {
        "name": f"Flow {number}",
        "status": status,
        "archived": False,
        "created": "2025-02-01T10:00:00+00:00",
        "updated": "2026-11-01T10:00:00+00:00",
        "trigger_type": "Metric",
    }
    return {"type": "flow", "id": f"FLOW{number:03d}", "attributes": attributes}


def fill(
    account: Account,
    *,
    campaigns: int = 12,
    flows: int = 6,
    days: int = 30,
    seed: int = 1,
) -> None:
    """Give an account a life; the same seed gives the same."""
    chance, now = random.Random(seed), account.clock.now().replace(microsecond=0)
    account.metrics = [
        metric("RshopA"), metric("RapiB", integration="API"), metric("Ropen", "Opened Email"),
    ]  # fmt: skip
    step = timedelta(days=days) / max(1, campaigns)
    account.campaigns = [
        campaign(
            each,
            now - step * each - timedelta(hours=chance.randint(2, 20)),
            archived=each % 7 == 6,
            channel="sms" if each % 5 == 4 else "email",
        )
        for each in range(campaigns)
    ]
    account.flows = [flow(each) for each in range(flows)]


def numbers(key: str, names: list[str]) -> dict[str, Any]:
    """Return the statistics of a message; the same key gives the same."""
    chance = random.Random(key)
    recipients = chance.randint(500, 20_000)
    conversions = chance.randint(0, 80)
    known = {
        "recipients": recipients,
        "delivered": recipients - chance.randint(0, 60),
        "opens_unique": recipients * chance.randint(20, 50) // 100,
        "clicks_unique": recipients * chance.randint(1, 6) // 100,
        "conversions": conversions,
        "conversion_uniques": conversions - conversions // 12,
        "conversion_value": conversions * 149.5,
    }
    return {name: known.get(name, 0) for name in names}
