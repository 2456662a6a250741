"""The open hours of a calendar as people see them: drawn, and told."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cadences import clock
from cadences.models import Calendar, Company, Slot
from cadences.steps import DEFAULT_ZONE, hours_of

MINUTES = 24 * 60


def zone_of(calendar: Calendar) -> ZoneInfo:
    """Return the zone of the first company that follows a calendar."""
    company = Company.objects.filter(calendar=calendar).order_by("code").first()
    return ZoneInfo(company.time_zone if company else DEFAULT_ZONE)


def opening_of(calendar: Calendar, zone: ZoneInfo) -> dict[str, Any]:
    """Tell whether it is open now, or when it will be."""
    hours, now = hours_of(calendar), clock.now()
    opening = hours.opening(now, zone) if hours else None
    if hours is None or opening is None:
        return {"text": _("never within 60 days"), "tone": "bad"}
    if opening == now:
        return {"text": _("open now"), "tone": "good"}
    words = {"when": _local(opening, zone)}
    return {
        "text": _("opens %(when)s") % words,
        "tone": "wait",
        "why": hours.why_closed(now, zone),
    }


def week_of(calendar: Calendar) -> list[dict[str, Any]]:
    """Return the open spans of each weekday in minutes, ready to be drawn."""
    spans: dict[int, list[tuple[int, int]]] = {day: [] for day in range(7)}
    words: dict[int, list[str]] = {day: [] for day in range(7)}
    for slot in sorted(calendar.slots.all(), key=lambda each: each.opens):
        opens = slot.opens.hour * 60 + slot.opens.minute
        closes = slot.closes.hour * 60 + slot.closes.minute
        words[slot.weekday].append(f"{slot.opens:%H:%M}–{slot.closes:%H:%M}")
        if closes > opens:
            spans[slot.weekday].append((opens, closes - opens))
            continue
        spans[slot.weekday].append((opens, MINUTES - opens))
        if closes:
            spans[(slot.weekday + 1) % 7].append((0, closes))
    return [
        {
            "name": Slot.Weekday(day).label,
            "spans": spans[day],
            "words": ", ".join(words[day]) or _("closed"),
        }
        for day in range(7)
    ]


def _local(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{date_format(local, 'D j M Y', use_l10n=False)} {local:%H:%M}"
