"""Propose the holidays of a place, and write those that somebody chose."""

from collections.abc import Iterable, Mapping
from datetime import date

import holidays
from django.db import transaction
from django.utils.translation import get_language

from cadences.errors import UnknownPlace
from cadences.models import Calendar, Holiday
from queues.audit import record

LANGUAGES = {"pt-br": "pt_BR", "en": "en_US"}
FURTHEST = 10
"""Years that can be filled at once."""


def countries() -> list[str]:
    """Return the codes of all countries whose holidays are known."""
    known = holidays.list_supported_countries(include_aliases=False)
    return sorted(code for code in known if len(code) == 2)  # noqa: PLR2004 - their length


def regions(country: str) -> list[str]:
    """Return the states of a country that have holidays of their own."""
    known = holidays.list_supported_countries(include_aliases=False)
    return sorted(known.get(country, []))


def proposed(calendar: Calendar, years: Iterable[int]) -> dict[date, str]:
    """Return the holidays of the calendar's place, in the language of the reader.

    Raises UnknownPlace.
    """
    kinds = ("public", "optional") if calendar.with_optional else ("public",)
    offered = {
        kind for kind in kinds if kind in _kinds(calendar.country, calendar.region)
    }
    language = LANGUAGES.get(get_language() or "", "en_US")
    found = holidays.country_holidays(
        calendar.country, subdiv=calendar.region or None, years=[*years],
        categories=offered, language=language, observed=False,
    )  # fmt: skip
    return dict(sorted(found.items()))


def _kinds(country: str, region: str) -> tuple[str, ...]:
    if country not in countries() or (region and region not in regions(country)):
        raise UnknownPlace(country, region)
    kinds: tuple[str, ...] = holidays.country_holidays(country).supported_categories
    return kinds


def fill(calendar: Calendar, chosen: Mapping[date, str]) -> int:
    """Add those days that are not there; what people wrote stays. Return how many."""
    with transaction.atomic():
        Calendar.objects.select_for_update().get(pk=calendar.pk)
        known = set(calendar.holidays.values_list("date", flat=True))
        fresh = {day: name for day, name in chosen.items() if day not in known}
        Holiday.objects.bulk_create(
            Holiday(calendar=calendar, date=day, name=name[:200])
            for day, name in fresh.items()
        )
        if fresh:
            told = {"holidays": [f"{day} {name}" for day, name in fresh.items()]}
            record("calendar.fill", calendar, after=told, count=len(fresh))
    return len(fresh)
