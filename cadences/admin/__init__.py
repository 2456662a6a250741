"""The admin of cadences: their rules, and the people who go through them."""

from cadences.admin import (
    accounts,
    batches,
    cadences,
    calendars,
    companies,
    contacts,
    control,
    inbox,
    leads,
    logs,
    navigation,
    runs,
    suppressions,
    tasks,
    templates,
    uncertain,
)

__all__ = [
    "accounts",
    "batches",
    "cadences",
    "calendars",
    "companies",
    "contacts",
    "control",
    "inbox",
    "leads",
    "logs",
    "navigation",
    "runs",
    "suppressions",
    "tasks",
    "templates",
    "uncertain",
]
