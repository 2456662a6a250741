"""The admin of cadences: their rules, and the people who go through them."""

from cadences.admin import (
    accounts,
    cadences,
    calendars,
    companies,
    navigation,
    templates,
)

__all__ = [
    "accounts",
    "cadences",
    "calendars",
    "companies",
    "navigation",
    "templates",
]
