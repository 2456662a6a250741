"""What accounts have used of what they may send now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences import clock
from cadences.models import Account, Quota
from cadences.senders import periods_of

LABELS = {
    Quota.Kind.DAY: gettext_lazy("messages today"),
    Quota.Kind.HOUR: gettext_lazy("messages this hour"),
    Quota.Kind.NEW: gettext_lazy("new people today"),
}
NEARLY = 0.8
"""From here on a gauge warns."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One period: what was used of what is allowed."""

    kind: str
    label: str
    used: int
    allowed: int
    ends_at: datetime

    @property
    def words(self) -> str:
        """Say it in figures."""
        used, most = (
            number_format(n, force_grouping=True) for n in (self.used, self.allowed)
        )
        return f"{used}/{most}"

    @property
    def tone(self) -> str:
        """Say how near the end is."""
        if self.used >= self.allowed:
            return "bad"
        return "warn" if self.used >= NEARLY * self.allowed else "good"


def gauges_of(accounts: Iterable[Account]) -> dict[Any, list[Gauge]]:
    """Return the gauges of accounts, read in one statement."""
    rows, now = list(accounts), clock.now()
    used = {
        (each.account_id, each.kind, each.starts_at): each.used
        for each in Quota.objects.filter(account__in=rows, starts_at__lte=now).order_by(
            "account", "kind", "-starts_at").distinct("account", "kind")
    }  # fmt: skip
    return {row.pk: _gauges(row, now, used) for row in rows}


def _gauges(row: Account, now: datetime, used: dict[Any, int]) -> list[Gauge]:
    zone = ZoneInfo(row.company.time_zone)
    return [
        Gauge(
            each.kind,
            str(LABELS[Quota.Kind(each.kind)]),
            used.get((row.pk, each.kind, each.starts_at), 0),
            each.allowed,
            each.ends_at,
        )
        for each in periods_of(row, now, zone, is_new=True)
    ]


def ramp_words(row: Account) -> str:
    """Return how many more the account may send each day, while it climbs."""
    if row.ramp_from is None:
        return ""
    words = {"start": row.ramp_start, "step": row.ramp_step, "day": row.ramp_from}
    return _("%(start)d on %(day)s, %(step)d more each day") % words
