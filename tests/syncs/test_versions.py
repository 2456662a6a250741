"""Versions of the providers' APIs: pinned, and warned of before they retire."""

from datetime import date

import pytest
import time_machine

from syncs.versions import check_versions, retires


@pytest.mark.parametrize(
    ("provider", "version", "end"),
    [("shopify", "2026-10", date(2027, 10, 1)), ("klaviyo", "2026-10-15", date(2028, 10, 15)),
     ("shopify", "unstable", None), ("shopify", "2026-13", None)],
)  # fmt: skip
def test_a_version_says_how_long_it_is_served(provider, version, end):
    assert retires(provider, version) == end


@pytest.mark.parametrize(
    ("day", "ids"),
    [
        ("2027-08-01", []),
        ("2027-08-03", ["syncs.W001"]),
        ("2028-09-01", ["syncs.W001"] * 2),
    ],
)
def test_S59_a_version_is_warned_of_sixty_days_ahead(settings, day, ids):
    settings.SHOPIFY_API_VERSION, settings.KLAVIYO_REVISION = "2026-10", "2026-10-15"
    with time_machine.travel(day):
        assert [each.id for each in check_versions()] == ids


def test_a_word_that_is_no_version_is_a_fault(settings):
    settings.SHOPIFY_API_VERSION = "newest"

    assert [each.id for each in check_versions()] == ["syncs.E001"]
