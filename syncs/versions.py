"""How long the pinned versions of the providers' APIs are served."""

import re
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils import timezone

AHEAD = timedelta(days=60)
"""How long before its end a version is warned of."""


def retires(provider: str, version: str) -> date | None:
    """Return the day from which on a version may be gone; None if it cannot be read.

    Shopify serves a version for a year, Klaviyo a revision for two.
    """
    found = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", version)
    if found is None:
        return None
    years = {"shopify": 1, "klaviyo": 2}[provider]
    try:
        return date(int(found[1]) + years, int(found[2]), int(found[3] or 1))
    except ValueError:
        return None


def check_versions(*_: Any, **__: Any) -> list[checks.CheckMessage]:
    """Warn of versions that are about to retire; `doctor` tells it."""
    found: list[checks.CheckMessage] = []
    today = timezone.now().date()
    for name, provider in (
        ("SHOPIFY_API_VERSION", "shopify"),
        ("KLAVIYO_REVISION", "klaviyo"),
    ):
        version = getattr(settings, name)
        end = retires(provider, version)
        if end is None:
            said = f"{name} is {version!r}, which is no version of {provider}"
            found.append(checks.Error(said, id="syncs.E001"))
        elif today >= end - AHEAD:
            said = f"{name} is {version}, which is served until {end} only: move on"
            found.append(checks.Warning(said, id="syncs.W001"))
    return found
