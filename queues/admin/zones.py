"""Time zones as staff choose them: those in use first, then by region."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db.models import CharField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _
from django_celery_beat.models import CrontabSchedule


def zones() -> list[Any]:
    """Return every time zone with its offset now, ours first, then by region."""
    now = timezone.now()
    used = CrontabSchedule.objects.annotate(zone=Cast("timezone", CharField()))
    known = (
        set(used.order_by().values_list("zone", flat=True).distinct())
        & available_timezones()
    )
    ours = dict.fromkeys([settings.TIME_ZONE, "UTC", *sorted(known)])
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones() - set(ours)):
        region, _slash, city = name.partition("/")
        label = (city or region).replace("_", " ").replace("/", " · ")
        group = region if city else _("Other")
        groups.setdefault(group, []).append((name, f"{label} ({offset(now, name)})"))
    other = groups.pop(_("Other"), [])
    first = [(name, f"{name} ({offset(now, name)})") for name in ours]
    return [(_("Often used"), first), *groups.items(), (_("Other"), other)]


def offset(moment: datetime, zone: str) -> str:
    """Return how far the clocks of a zone are from UTC then: "UTC−03:00"."""
    away = moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    minutes = round(away.total_seconds()) // 60
    sign = "−" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours:02}:{rest:02}"
