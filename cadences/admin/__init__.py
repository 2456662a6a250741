"""The admin of cadences: their rules, and the people who go through them."""

from cadences.admin import companies, navigation

__all__ = ["companies", "navigation"]
