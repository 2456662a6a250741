"""The admin of cadences: their rules, and the people who go through them."""

from cadences.admin import cadences, companies, navigation

__all__ = ["cadences", "companies", "navigation"]
